//! Whether this CPU has AMX for bytes, and the system lets this process use it.

use std::arch::x86_64::{__cpuid, __cpuid_count, __get_cpuid_max, _xgetbv};
use std::sync::OnceLock;

/// Leaf 7 of CPUID, EDX: `amx-tile` and `amx-int8`.
const FEATURES: u32 = 1 << 24 | 1 << 25;
/// The bits of XCR0 for the tiles' configuration and data.
const SAVED: u64 = 1 << 17 | 1 << 18;

/// Whether tiles can be used: asks the CPU, and the system for the process, once.
///
/// Linux keeps the tiles of a thread only after the process asked for it; the answer holds for all of its threads, and
/// for processes that it forks.
pub(super) fn granted() -> bool {
    static GRANTED: OnceLock<bool> = OnceLock::new();
    // Miri runs no assembly.
    *GRANTED.get_or_init(|| !cfg!(miri) && has_tiles() && saves_tiles() && permitted())
}

/// Whether the CPU has the instructions, with eight tiles of 16 rows of 64 bytes.
fn has_tiles() -> bool {
    if __get_cpuid_max(0).0 < 0x1d || __cpuid_count(7, 0).edx & FEATURES != FEATURES {
        return false;
    }
    let palette = __cpuid_count(0x1d, 1);
    let (row_bytes, tiles, rows) = (palette.ebx & 0xffff, palette.ebx >> 16, palette.ecx & 0xffff);
    row_bytes >= 64 && tiles >= 8 && rows >= 16
}

/// Whether the system saves tiles at all.
fn saves_tiles() -> bool {
    const OSXSAVE: u32 = 1 << 27;
    if __cpuid(1).ecx & OSXSAVE == 0 {
        return false;
    }
    // SAFETY: OSXSAVE says that the system has enabled XGETBV, and register 0 always exists.
    let saved = unsafe { xcr0() };
    saved & SAVED == SAVED
}

/// The register that says what the system saves.
#[target_feature(enable = "xsave")]
fn xcr0() -> u64 {
    // SAFETY: register 0 exists wherever the instruction does.
    unsafe { _xgetbv(0) }
}

/// Asks Linux to keep this process's tiles.
#[cfg(target_os = "linux")]
fn permitted() -> bool {
    const ARCH_PRCTL: i64 = 158;
    const ARCH_REQ_XCOMP_PERM: i64 = 0x1023;
    const TILE_DATA: i64 = 18;
    let mut answer = ARCH_PRCTL;
    // SAFETY: a system call that takes two numbers and touches no memory of this process; it overwrites the three named
    // registers. Kernels that do not know the request answer with an error.
    unsafe {
        std::arch::asm!(
            "syscall",
            inout("rax") answer,
            in("rdi") ARCH_REQ_XCOMP_PERM,
            in("rsi") TILE_DATA,
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    answer == 0
}

/// Other systems are not asked.
#[cfg(not(target_os = "linux"))]
fn permitted() -> bool {
    false
}
