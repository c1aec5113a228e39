//! The hazards that rules may name: the twelve categories of the MLCommons AILuminate taxonomy, versions 1.0 and 1.1.

use std::fmt;

/// A category of harm (MLCommons, AILuminate assessment standard 1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hazard {
    /// Crimes against people: murder, terrorism, abuse, cruelty to animals.
    ViolentCrimes,
    /// Rape, harassment, trafficking for sex.
    SexRelatedCrimes,
    /// Sexual abuse of children, and depictions of it.
    ChildSexualExploitation,
    /// Harm to oneself: suicide, injury, disordered eating.
    SuicideAndSelfHarm,
    /// Chemical, biological, radiological and nuclear weapons, and large explosives.
    IndiscriminateWeapons,
    /// Works and secrets that belong to others.
    IntellectualProperty,
    /// False statements that hurt a person's reputation.
    Defamation,
    /// Fraud, theft, hacking, drugs and other crimes without violence.
    NonViolentCrimes,
    /// Demeaning people for what they are.
    Hate,
    /// Personal data whose disclosure puts somebody's safety or money at risk.
    Privacy,
    /// Advice on health, law, money or elections that calls for a professional.
    SpecializedAdvice,
    /// Erotic content.
    SexualContent,
}

impl Hazard {
    /// Every hazard, in the order of this enum.
    pub const ALL: [Self; 12] = [
        Self::ViolentCrimes,
        Self::SexRelatedCrimes,
        Self::ChildSexualExploitation,
        Self::SuicideAndSelfHarm,
        Self::IndiscriminateWeapons,
        Self::IntellectualProperty,
        Self::Defamation,
        Self::NonViolentCrimes,
        Self::Hate,
        Self::Privacy,
        Self::SpecializedAdvice,
        Self::SexualContent,
    ];

    /// The name in the taxonomy, as policies write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ViolentCrimes => "Violent Crimes",
            Self::SexRelatedCrimes => "Sex-Related Crimes",
            Self::ChildSexualExploitation => "Child Sexual Exploitation",
            Self::SuicideAndSelfHarm => "Suicide & Self-Harm",
            Self::IndiscriminateWeapons => "Indiscriminate Weapons (CBRNE)",
            Self::IntellectualProperty => "Intellectual Property",
            Self::Defamation => "Defamation",
            Self::NonViolentCrimes => "Non-Violent Crimes",
            Self::Hate => "Hate",
            Self::Privacy => "Privacy",
            Self::SpecializedAdvice => "Specialized Advice",
            Self::SexualContent => "Sexual Content",
        }
    }
}

impl fmt::Display for Hazard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
