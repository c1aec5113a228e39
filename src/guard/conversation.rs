//! Earlier turns of a conversation, read together with the text: a request that is made bit by bit is whole there.

use super::Guard;
use crate::normalize::Normalized;
use crate::request::{Request, Role};
use crate::tokenize::{Tokens, Words};

impl Guard {
    /// The last turns of the user and their text, a line each and normalized: as many whole turns as the policy allows and as fit
    /// one window of the model with the text. `None` where that is no turn, and for texts of other roles.
    pub(super) fn conversation(&self, request: &Request, normalized: &str) -> Option<String> {
        let most = self.policy().policy().turns();
        if most == 0 || request.role != Role::User {
            return None;
        }
        let mut room = self.windowing().capacity().checked_sub(self.tokens(normalized)?)?;
        let mut turns = Vec::new();
        let earlier = request.messages.iter().rev().filter(|turn| turn.role == Role::User).take(most);
        for turn in earlier {
            let turn = Normalized::new(&turn.text).text().trim().to_owned();
            let Some(left) = self.tokens(&turn).and_then(|tokens| room.checked_sub(tokens)) else { break };
            room = left;
            turns.push(turn);
        }
        if turns.iter().all(String::is_empty) {
            return None;
        }
        turns.reverse();
        turns.push(normalized.to_owned());
        Some(turns.join("\n"))
    }

    /// Tokens of a normalized text, words where the model is hashed; `None` where it cannot be cut into any.
    fn tokens(&self, text: &str) -> Option<usize> {
        match self.bundle().tokenizer() {
            Some(tokenizer) => {
                let mut tokens = Tokens::new();
                tokenizer.encode(text, &mut tokens).ok()?;
                Some(tokens.len())
            }
            None => {
                let mut words = Words::new();
                words.split(text);
                Some(words.len())
            }
        }
    }
}
