//! Earlier turns of a conversation, read together with the text: a request that is made bit by bit is whole there.

use super::Guard;
use crate::normalize::Normalized;
use crate::request::{Request, Role};

impl Guard {
    /// The last turns of the user and their text, a line each and normalized: as many whole turns as the policy allows and as fit
    /// one window of the model with the text. `None` where that is no turn, and for texts of other roles.
    pub(super) fn conversation(&self, request: &Request, normalized: &str) -> Option<String> {
        let most = self.policy().policy().turns();
        if most == 0 || request.role != Role::User {
            return None;
        }
        let mut room = self.windowing().capacity().checked_sub(self.bundle().length(normalized).ok()?)?;
        let mut turns = Vec::new();
        let earlier = request.messages.iter().rev().filter(|turn| turn.role == Role::User).take(most);
        for turn in earlier {
            let turn = Normalized::new(&turn.text).text().trim().to_owned();
            let Some(left) = self.bundle().length(&turn).ok().and_then(|length| room.checked_sub(length))
            else {
                break;
            };
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
}
