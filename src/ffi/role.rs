//! Roles, decisions and coverage as numbers.

use super::boundary::Fault;

/// Who produced a text; a policy's rules may differ by role.
#[repr(C)]
#[derive(Clone, Copy)]
pub enum Role {
    /// The person: an input to the assistant.
    User = 0,
    /// The assistant: an output.
    Assistant = 1,
    /// Retrieved or tool text, which may carry instructions of its own.
    Tool = 2,
    /// The system prompt.
    System = 3,
}

/// The role with the number `found`.
pub(super) fn role(found: i32) -> Result<crate::Role, Fault> {
    const USER: i32 = Role::User as i32;
    const ASSISTANT: i32 = Role::Assistant as i32;
    const TOOL: i32 = Role::Tool as i32;
    const SYSTEM: i32 = Role::System as i32;
    match found {
        USER => Ok(crate::Role::User),
        ASSISTANT => Ok(crate::Role::Assistant),
        TOOL => Ok(crate::Role::Tool),
        SYSTEM => Ok(crate::Role::System),
        _ => Err(Fault::Role { found }),
    }
}

/// What is to be done with a text, from the mildest to the strongest.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Release the text as it is.
    Allow = 0,
    /// Release the text with the edits applied, as `portcullis_verdict_text` has it.
    Rewrite = 1,
    /// Hold the text for a person.
    Escalate = 2,
    /// Do not release the text.
    Veto = 3,
}

impl From<crate::Decision> for Decision {
    fn from(decision: crate::Decision) -> Self {
        match decision {
            crate::Decision::Allow => Self::Allow,
            crate::Decision::Rewrite => Self::Rewrite,
            crate::Decision::Escalate => Self::Escalate,
            crate::Decision::Veto => Self::Veto,
        }
    }
}

/// How much of a text was judged.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// None of it.
    None = 0,
    /// Part of it, or by some rails only.
    Partial = 1,
    /// All of it, by every rail.
    Full = 2,
}

impl From<crate::Coverage> for Coverage {
    fn from(coverage: crate::Coverage) -> Self {
        match coverage {
            crate::Coverage::None => Self::None,
            crate::Coverage::Partial => Self::Partial,
            crate::Coverage::Full => Self::Full,
        }
    }
}
