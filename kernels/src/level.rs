//! The CPU levels: which instructions a computation may use.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

/// A set of CPU instructions that the kernels are written for, from the slowest to the fastest.
///
/// Every level gives the same bits; a level decides speed only. The order of the variants is the order of
/// preference, so `a.min(b)` is the slower of two levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Plain Rust, on any CPU.
    Scalar,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512 F, BW, VL and VNNI.
    Avx512Vnni,
}

impl Level {
    /// Every level, slowest first.
    pub const ALL: [Self; 3] = [Self::Scalar, Self::Avx2, Self::Avx512Vnni];

    /// The fastest level that this CPU has. Asked of the CPU once in a process.
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| Self::Avx512Vnni.lowered())
    }

    /// The fastest level of this CPU that is not above `self`: a request can lower the level, never force one.
    #[must_use]
    pub fn lowered(self) -> Self {
        Self::ALL
            .into_iter()
            .rev()
            .find(|level| *level <= self && level.is_supported())
            .unwrap_or(Self::Scalar)
    }

    /// Whether this CPU (and its operating system) can run the level.
    #[must_use]
    pub fn is_supported(self) -> bool {
        match self {
            Self::Scalar => true,
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => crate::avx2::Avx2::new().is_some(),
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => crate::avx512_vnni::Avx512Vnni::new().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Self::Avx2 | Self::Avx512Vnni => false,
        }
    }

    /// The levels that this CPU can run, slowest first; never empty.
    #[must_use]
    pub fn supported() -> Vec<Self> {
        Self::ALL.into_iter().filter(|level| level.is_supported()).collect()
    }

    /// The level's name, as [`FromStr`] reads it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Avx2 => "avx2",
            Self::Avx512Vnni => "avx512-vnni",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A level name that no level has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown level {found:?}, expected scalar, avx2 or avx512-vnni")]
pub struct UnknownLevel {
    /// The name given.
    pub found: String,
}

impl FromStr for Level {
    type Err = UnknownLevel;

    fn from_str(name: &str) -> Result<Self, UnknownLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.name() == name)
            .ok_or_else(|| UnknownLevel { found: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for level in Level::ALL {
            assert_eq!(level.to_string().parse(), Ok(level));
        }
        assert_eq!("sse9".parse::<Level>(), Err(UnknownLevel { found: "sse9".to_owned() }));
    }

    #[test]
    fn a_request_only_lowers() {
        for level in Level::ALL {
            assert!(level.lowered() <= level);
            assert!(level.lowered().is_supported());
        }
        assert_eq!(Level::best(), Level::supported().into_iter().max().unwrap());
    }
}
