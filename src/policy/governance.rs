//! Who answers for a policy, what it is for, and from when until when it may be in force.

#[cfg(test)]
mod tests;

use jiff::civil::Date;

/// `[governance]` of a policy; of one in schema 1, which has none, every text is empty.
///
/// Dates are those of UTC. Whoever puts a policy in force looks at them; no verdict depends on the day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Governance {
    /// What the policy is for, in a sentence.
    pub objective: String,
    /// Who answers for it.
    pub owner: String,
    /// Who has looked at it, beside the owner.
    pub reviewer: Option<String>,
    /// What it is held against, such as `NIST AI RMF GOVERN 1.2`, in the order of the document.
    pub references: Vec<String>,
    /// The traffic that it was written for.
    pub data_slice: Option<String>,
    /// The first day on which it may be in force.
    pub effective: Option<Date>,
    /// The first day on which it may no longer be.
    pub expires: Option<Date>,
}

/// Whether a policy may be in force on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It may.
    InForce,
    /// Not before this day.
    NotBefore(Date),
    /// Not since this day.
    ExpiredOn(Date),
}

impl Governance {
    /// Whether the policy may be in force on `day`.
    #[must_use]
    pub fn standing(&self, day: Date) -> Standing {
        match (self.effective, self.expires) {
            (Some(effective), _) if day < effective => Standing::NotBefore(effective),
            (_, Some(expires)) if day >= expires => Standing::ExpiredOn(expires),
            _ => Standing::InForce,
        }
    }
}
