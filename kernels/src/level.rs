//! The CPU levels: which instructions a computation may use.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use crate::kernels::Kernels;

/// A set of CPU instructions that the kernels are written for.
///
/// Every level gives the same bits; a level decides speed only. [`Level::Scalar`] runs everywhere, and each other
/// level belongs to one architecture. The levels of one architecture are ordered from the slowest to the fastest, so
/// `a.min(b)` is the slower of two; between architectures the order means nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Level {
    /// Plain Rust, on any CPU.
    Scalar,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX2, FMA and AVX-VNNI.
    AvxVnni,
    /// x86-64 with AVX-512 F, BW, VL and VNNI.
    Avx512Vnni,
    /// x86-64 with AMX tiles of bytes, and AVX-512 F, BW, VL and VNNI. Linux only.
    ///
    /// To ask whether the level is supported asks the system to let the process use tiles, once and for all of its
    /// threads. A thread that used them has 8 KB more to be saved when it is interrupted or handles a signal, so from
    /// then on Linux refuses alternate signal stacks of fewer bytes than `AT_MINSIGSTKSZ`.
    AmxInt8,
    /// AArch64 with NEON, which is all that its first cores have.
    Neon,
    /// AArch64 with NEON and the dot products of `dotprod`.
    NeonDotprod,
    /// AArch64 with NEON and the matrix products of `i8mm`.
    NeonI8mm,
}

impl Level {
    /// Every level of every architecture, each architecture's slowest first.
    pub const ALL: [Self; 8] = [
        Self::Scalar,
        Self::Avx2,
        Self::AvxVnni,
        Self::Avx512Vnni,
        Self::AmxInt8,
        Self::Neon,
        Self::NeonDotprod,
        Self::NeonI8mm,
    ];

    /// The fastest level that this CPU has. Asked of the CPU once in a process.
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<Level> = OnceLock::new();
        *BEST.get_or_init(|| Self::supported().into_iter().max().unwrap_or(Self::Scalar))
    }

    /// The fastest level of this CPU that is not above `self`: a request can lower the level, never force one.
    ///
    /// A level of another architecture has none below it here but [`Level::Scalar`].
    #[must_use]
    pub fn lowered(self) -> Self {
        Self::ALL
            .into_iter()
            .rev()
            .filter(|level| level.architecture() == self.architecture())
            .find(|level| *level <= self && level.is_supported())
            .unwrap_or(Self::Scalar)
    }

    /// Whether this CPU (and its operating system) can run the level.
    #[must_use]
    pub fn is_supported(self) -> bool {
        Kernels::new(self).is_some()
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
            Self::AvxVnni => "avx-vnni",
            Self::Avx512Vnni => "avx512-vnni",
            Self::AmxInt8 => "amx-int8",
            Self::Neon => "neon",
            Self::NeonDotprod => "neon-dotprod",
            Self::NeonI8mm => "neon-i8mm",
        }
    }

    /// The architecture that has the level, as [`std::env::consts::ARCH`] names it.
    fn architecture(self) -> Option<&'static str> {
        match self {
            Self::Scalar => None,
            Self::Avx2 | Self::AvxVnni | Self::Avx512Vnni | Self::AmxInt8 => Some("x86_64"),
            Self::Neon | Self::NeonDotprod | Self::NeonI8mm => Some("aarch64"),
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
#[error(
    "unknown level {found:?}, expected scalar, avx2, avx-vnni, avx512-vnni, amx-int8, neon, neon-dotprod or neon-i8mm"
)]
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
        let unknown = "sse9".parse::<Level>().unwrap_err();
        assert_eq!(unknown, UnknownLevel { found: "sse9".to_owned() });
        assert!(Level::ALL.iter().all(|level| unknown.to_string().contains(level.name())));
    }

    #[test]
    fn a_request_only_lowers() {
        for level in Level::ALL {
            assert!(level.lowered() <= level);
            assert!(level.lowered().is_supported());
        }
        assert_eq!(Level::best(), Level::supported().into_iter().max().unwrap());
        assert_eq!(Level::best().lowered(), Level::best());
    }

    #[test]
    fn levels_of_another_architecture_lower_to_scalar() {
        for level in
            Level::ALL.into_iter().filter(|level| level.architecture() != Some(std::env::consts::ARCH))
        {
            assert_eq!(level.is_supported(), level == Level::Scalar);
            assert_eq!(level.lowered(), Level::Scalar);
        }
    }
}
