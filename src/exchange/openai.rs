//! OpenAI's moderation interface: `/v1/moderations` with the categories of `omni-moderation`.
//!
//! An answer has the interface's keys exactly, and in each result one more, `portcullis`, with the whole verdict.
//! `flagged` is true when the text is held: the decision is escalate or veto, for whatever reason, also one that none of the
//! categories stands for (an injection, personal data, a fault). A category is true when a rule on one of its heads asked
//! for that, so that `flagged` is true wherever a category is.

use serde::ser::SerializeMap;
use serde::{Deserialize, Serialize, Serializer};

use super::{ExchangeError, Setting, has_key};
use crate::request::{Request, read_object};
use crate::verdict::{Source, Verdict};

/// A category of the interface, and the heads that speak for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Category {
    /// The interface's name for it.
    pub name: &'static str,
    /// The bundle's heads whose highest score is its score; where there are none, nothing looks for it.
    pub heads: &'static [&'static str],
}

/// Every category, in the interface's order.
pub const CATEGORIES: [Category; 13] = [
    Category { name: "harassment", heads: &["toxicity", "insult"] },
    Category { name: "harassment/threatening", heads: &["threat"] },
    Category { name: "sexual", heads: &["sexual"] },
    Category { name: "sexual/minors", heads: &[] },
    Category { name: "hate", heads: &["hate"] },
    Category { name: "hate/threatening", heads: &[] },
    Category { name: "illicit", heads: &["harmful_request"] },
    Category { name: "illicit/violent", heads: &[] },
    Category { name: "self-harm", heads: &["self_harm"] },
    Category { name: "self-harm/intent", heads: &[] },
    Category { name: "self-harm/instructions", heads: &[] },
    Category { name: "violence", heads: &["threat"] },
    Category { name: "violence/graphic", heads: &[] },
];

/// The texts of a request `{"input": …, "model": …}`, whose `input` is a text or an array of them.
///
/// `id`, `role`, `slice`, `locale` and `deadline_ms` may stand beside it, for all of its texts. The `model` asked for is passed
/// over: the guard has its own. A line without `input` is a request of our own ([`Request::from_json_line`]).
///
/// # Errors
/// [`ExchangeError`] for a line of neither form, for more texts than [`super::MOST_TEXTS`], and for a text that cannot be judged.
pub fn read(line: &[u8], lenient: bool) -> Result<Vec<Request>, ExchangeError> {
    const KEYS: [&str; 7] = ["input", "model", "id", "role", "slice", "locale", "deadline_ms"];
    if !has_key(line, "input")? {
        let request =
            if lenient { Request::from_json_line_lenient(line) } else { Request::from_json_line(line) };
        return Ok(vec![request?]);
    }
    let wire: Wire = read_object(line, &KEYS, lenient)?;
    let texts = match wire.input {
        Input::One(text) => vec![text],
        Input::Many(texts) => texts,
    };
    let setting =
        Setting { role: wire.role, slice: wire.slice, locale: wire.locale, deadline_ms: wire.deadline_ms };
    let mut requests = setting.requests("input", texts)?;
    requests.iter_mut().for_each(|request| request.id.clone_from(&wire.id));
    Ok(requests)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    input: Input,
    #[serde(default, rename = "model")]
    _model: Option<String>,
    #[serde(default)]
    id: Option<serde_json::Value>,
    #[serde(default)]
    role: Option<String>,
    #[serde(default)]
    slice: Option<String>,
    #[serde(default)]
    locale: Option<String>,
    #[serde(default)]
    deadline_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Input {
    One(String),
    Many(Vec<String>),
}

/// The answer to one request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moderation<'a> {
    /// `modr-` and the `decision_id` of the first verdict.
    pub id: String,
    /// The identifier of the model that scored.
    pub model: &'a str,
    /// One for each text, in order.
    pub results: Vec<Moderated<'a>>,
}

/// What the answer says of one text.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Moderated<'a> {
    /// Whether the text is held: escalated or vetoed.
    pub flagged: bool,
    /// For each of [`CATEGORIES`] whether a rule on one of its heads asked for the text to be held.
    #[serde(serialize_with = "by_category")]
    pub categories: [bool; CATEGORIES.len()],
    /// For each the highest calibrated score of its heads, in `0..=1`; 0 where none has scored.
    #[serde(serialize_with = "by_category")]
    pub category_scores: [f32; CATEGORIES.len()],
    /// For each `["text"]` where a head has scored, and `[]` where none has.
    #[serde(serialize_with = "by_category")]
    pub category_applied_input_types: [&'static [&'static str]; CATEGORIES.len()],
    /// The whole verdict, for what has no place above.
    pub portcullis: &'a Verdict,
}

impl<'a> Moderation<'a> {
    /// The answer for the verdicts on one request's texts, in their order; none for no verdict.
    #[must_use]
    pub fn of(verdicts: &'a [Verdict]) -> Option<Self> {
        let first = verdicts.first()?;
        Some(Self {
            id: format!("modr-{}", first.decision_id),
            model: &first.model.id,
            results: verdicts.iter().map(Moderated::of).collect(),
        })
    }
}

impl<'a> Moderated<'a> {
    /// What is said of the text with this verdict.
    #[must_use]
    pub fn of(verdict: &'a Verdict) -> Self {
        let score = |category: Category| {
            let scores = verdict.scores.iter().filter(|(head, _)| category.heads.contains(&head.as_str()));
            scores.map(|(_, score)| *score).reduce(f32::max)
        };
        let scores = CATEGORIES.map(score);
        let asked = |category: Category| {
            verdict.findings.iter().any(|finding| {
                finding.source == Source::Classifier
                    && !finding.action.releases()
                    && category.heads.contains(&finding.category.as_str())
            })
        };
        Self {
            flagged: !verdict.decision.releases(),
            categories: CATEGORIES.map(asked),
            category_scores: scores.map(Option::unwrap_or_default),
            category_applied_input_types: scores
                .map(|score| if score.is_some() { &["text"] as &[&str] } else { &[] }),
            portcullis: verdict,
        }
    }
}

/// The answer in the place of one that cannot be given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Failure<'a> {
    /// What is wrong with the request.
    pub error: Problem<'a>,
}

/// What is wrong with a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem<'a> {
    /// What was found and expected.
    pub message: &'a str,
    /// Always `invalid_request_error`: what goes wrong in the guard is part of a verdict.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The key at fault, where one is.
    pub param: Option<&'a str>,
    /// The kind of error, as in our own error records.
    pub code: &'a str,
}

impl<'a> Failure<'a> {
    /// An error of the request.
    #[must_use]
    pub const fn new(code: &'a str, message: &'a str, param: Option<&'a str>) -> Self {
        Self { error: Problem { message, kind: "invalid_request_error", param, code } }
    }
}

fn by_category<T: Serialize, S: Serializer>(
    values: &[T; CATEGORIES.len()],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(values.len()))?;
    for (category, value) in CATEGORIES.iter().zip(values) {
        map.serialize_entry(category.name, value)?;
    }
    map.end()
}
