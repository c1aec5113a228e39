//! Scores as JSON, which has no word for what is no number but `null`.

use std::collections::BTreeMap;

use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

type Scores = BTreeMap<String, f32>;

pub(super) fn serialize<S: Serializer>(scores: &Scores, to: S) -> Result<S::Ok, S::Error> {
    scores.serialize(to)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Scores, D::Error> {
    let scores = BTreeMap::<String, Option<f32>>::deserialize(from)?;
    Ok(scores.into_iter().map(|(name, score)| (name, score.unwrap_or(f32::NAN))).collect())
}

/// One score.
pub(super) mod one {
    use super::{Deserializer, Serializer};
    use serde::{Deserialize as _, Serialize as _};

    pub(crate) fn serialize<S: Serializer>(score: &f32, to: S) -> Result<S::Ok, S::Error> {
        score.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<f32, D::Error> {
        Ok(Option::<f32>::deserialize(from)?.unwrap_or(f32::NAN))
    }
}

/// Scores that may be absent.
pub(super) mod optional {
    use super::{Deserializer, Scores, Serializer};
    use serde::Serialize as _;

    pub(crate) fn serialize<S: Serializer>(scores: &Option<Scores>, to: S) -> Result<S::Ok, S::Error> {
        scores.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Scores>, D::Error> {
        super::deserialize(from).map(Some)
    }
}
