//! Sentences of an answer that its sources do not bear out.

use std::time::Instant;

use super::{Guard, full_message};
use crate::rails::classifier::Outcome;
use crate::rails::grounding::{self, Compared};
use crate::request::{Request, Role};
use crate::verdict::Detection;

impl Guard {
    /// Appends a detection for each sentence of an assistant's answer with sources, where a rule asks for it.
    ///
    /// Gives what is then to be said of the text where that cannot be done: sources over the size limit, a deadline that has passed, a
    /// failure.
    pub(super) fn ground(
        &self,
        request: &Request,
        deadline: Option<Instant>,
        found: &mut Vec<Detection>,
    ) -> Option<Outcome> {
        let asked = self.policy().rules_in(grounding::NAME, request.into()).next().is_some();
        if request.role != Role::Assistant || request.sources.is_empty() || !asked {
            return None;
        }
        let limit = self.policy().policy().max_bytes();
        let bytes: usize = request.sources.iter().map(String::len).sum();
        if bytes > limit {
            return Some(Outcome::Failed(format!(
                "the sources have {bytes} bytes, the policy's max_bytes is {limit}"
            )));
        }
        match grounding::scan(&self.0.classifier, &request.text, &request.sources, deadline, found) {
            Ok(Compared::Whole) => None,
            Ok(Compared::Late) => Some(Outcome::Late { judged: 0, windows: 1 }),
            Ok(Compared::TooMany) => Some(Outcome::Failed(
                "the answer and its sources have too many sentences to be compared".to_owned(),
            )),
            Err(error) => Some(Outcome::Failed(full_message(&error))),
        }
    }
}
