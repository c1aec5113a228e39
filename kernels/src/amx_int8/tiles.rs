//! The int8 product by `tdpbusd`: 16 rows of 64 u8 codes by 16 channels of 64 i8 weights into 16 by 16 exact i32 sums.
//!
//! The packed layout's 16 groups of a panel are one tile of weights, and 64 codes of 16 rows, row by row, one of codes.
//! Eight tiles are all there are: four of sums, two of codes and two of weights, so that each tile loaded serves two
//! products.

#![expect(clippy::indexing_slicing, reason = "lengths are checked before")]

use std::arch::asm;
use std::marker::PhantomData;

use super::AmxInt8;
use super::dot::{I32x16, dot, floats};
use crate::avx512_vnni::F32x16;
use crate::isa::{CodeGroup, Isa, LANES, MatrixUnit, STEP, Task, WeightGroup};

/// Rows of a tile.
const ROWS: usize = 16;

/// The tiles of this thread's CPU, configured for blocks of some number of rows, until dropped.
///
/// One at a time in a thread: the configuration is the thread's.
pub(crate) struct Tiles {
    isa: AmxInt8,
    /// Rows of each of the two tiles of codes.
    half: usize,
    /// Stays in its thread.
    thread: PhantomData<*const ()>,
}

/// The memory that configures the tiles.
#[repr(C, align(64))]
struct Config {
    palette: u8,
    start: u8,
    reserved: [u8; 14],
    row_bytes: [u16; 16],
    rows: [u8; 16],
}

/// Where sums go.
#[repr(C)]
struct Outputs {
    first: *mut [f32; LANES],
    second: *mut [f32; LANES],
    stride: usize,
}

impl Tiles {
    /// For blocks of at most `rows` rows, which are at most 32.
    pub(super) fn new(isa: AmxInt8, rows: usize) -> Self {
        let half = rows.div_ceil(2).clamp(1, ROWS);
        let (codes, weights) = (half as u8, STEP as u8);
        let mut config =
            Config { palette: 1, start: 0, reserved: [0; 14], row_bytes: [0; 16], rows: [0; 16] };
        config.row_bytes[..8].fill(64);
        config.rows[..8].copy_from_slice(&[codes, codes, codes, codes, codes, codes, weights, weights]);
        // SAFETY: the token proves AMX; the 64 bytes are readable, and say what the CPU's palette 1 can do. That a tile
        // is zeroed by it is no harm, since none is in use between two calls of `multiply`.
        unsafe {
            asm!(
                "ldtilecfg [{config}]",
                config = in(reg) &raw const config,
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(readonly, nostack, preserves_flags),
            );
        }
        Self { isa, half, thread: PhantomData }
    }
}

impl Drop for Tiles {
    /// Tiles that hold nothing need not be saved when the thread gives way to another.
    #[inline(always)]
    fn drop(&mut self) {
        // SAFETY: `isa` proves AMX, and nothing of the tiles is used later.
        unsafe {
            asm!(
                "tilerelease",
                out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                options(nomem, nostack, preserves_flags),
            );
        }
    }
}

impl MatrixUnit<AmxInt8> for Tiles {
    #[inline(always)]
    fn multiply(
        &self,
        panels: [&[WeightGroup]; 2],
        codes: &[CodeGroup],
        next: &[WeightGroup],
        sums: &mut [[f32; LANES]],
        stride: usize,
    ) {
        let [first, second] = panels;
        let groups = first.len();
        let (second, steps) = (&second[..groups], groups / STEP);
        // What the tiles touch if each has all its rows.
        let codes = &codes[..(self.half + ROWS) * groups];
        let sums = &mut sums[..(self.half + ROWS - 1) * stride + 2];
        if steps == 0 {
            sums.fill([0.0; LANES]);
        } else {
            let ahead = next.len().div_ceil(4 * steps);
            let first_sums = sums.as_mut_ptr();
            let outputs = Outputs {
                first: first_sums,
                second: first_sums.wrapping_add(self.half * stride),
                stride: 64 * stride,
            };
            // SAFETY: `isa` proves AMX, and a value of this type that the tiles are configured, each with 64 bytes in at
            // most 16 rows. In `steps` steps of 64 bytes, tiles of codes read 16 rows of `4 * groups` bytes from rows 0 and
            // `half` on, within `codes`; tiles of weights 16 rows of 64 bytes at each step, within the panels; tiles of
            // sums write 16 rows of 64 bytes, `64 * stride` bytes apart, from row 0 and `half` on and 64 bytes after,
            // within `sums`. Prefetches are hints, which fault nowhere. All registers written are named.
            unsafe {
                asm!(
                    "tilezero tmm0",
                    "tilezero tmm1",
                    "tilezero tmm2",
                    "tilezero tmm3",
                    "2:",
                    "tileloadd tmm4, [{codes} + {pitch}]",
                    "tileloadd tmm6, [{first} + {line}]",
                    "tdpbusd tmm0, tmm4, tmm6",
                    "tileloadd tmm7, [{second} + {line}]",
                    "tdpbusd tmm1, tmm4, tmm7",
                    "tileloadd tmm5, [{more} + {pitch}]",
                    "tdpbusd tmm2, tmm5, tmm6",
                    "tdpbusd tmm3, tmm5, tmm7",
                    "mov {i}, {ahead}",
                    "test {i}, {i}",
                    "jz 4f",
                    "3:",
                    "prefetcht0 [{next}]",
                    "prefetcht0 [{next} + 64]",
                    "prefetcht0 [{next} + 128]",
                    "prefetcht0 [{next} + 192]",
                    "add {next}, 256",
                    "dec {i}",
                    "jnz 3b",
                    "4:",
                    "add {codes}, {line}",
                    "add {more}, {line}",
                    "add {first}, 1024",
                    "add {second}, 1024",
                    "dec {steps}",
                    "jnz 2b",
                    "mov {codes}, [{outputs}]",
                    "mov {more}, [{outputs} + 8]",
                    "mov {pitch}, [{outputs} + 16]",
                    "tilestored [{codes} + {pitch}], tmm0",
                    "tilestored [{codes} + {pitch} + 64], tmm1",
                    "tilestored [{more} + {pitch}], tmm2",
                    "tilestored [{more} + {pitch} + 64], tmm3",
                    codes = inout(reg) codes.as_ptr() => _,
                    more = inout(reg) codes[self.half * groups..].as_ptr() => _,
                    pitch = inout(reg) 4 * groups => _,
                    first = inout(reg) first.as_ptr() => _,
                    second = inout(reg) second.as_ptr() => _,
                    line = in(reg) 64usize,
                    next = inout(reg) next.as_ptr() => _,
                    ahead = in(reg) ahead,
                    i = out(reg) _,
                    steps = inout(reg) steps => _,
                    outputs = in(reg) &raw const outputs,
                    out("tmm0") _, out("tmm1") _, out("tmm2") _, out("tmm3") _,
                    out("tmm4") _, out("tmm5") _, out("tmm6") _, out("tmm7") _,
                    options(nostack),
                );
            }
        }
        if !groups.is_multiple_of(STEP) {
            let rest = [first, second].map(|panel| &panel[steps * STEP..]);
            self.isa.run(Rest { panels: rest, codes, groups, rows: 2 * self.half, sums, stride });
        }
    }

    #[inline(always)]
    fn floats(&self, from: &[i32; LANES]) -> F32x16 {
        floats(self.isa.into(), I32x16::load_whole(self.isa.into(), from))
    }

    #[inline(always)]
    fn sums(&self, from: &[f32; LANES]) -> I32x16 {
        I32x16::load(self.isa.into(), from)
    }
}

/// What no whole step is left for, at the end of each row: added to the sums by products of one row.
struct Rest<'a> {
    panels: [&'a [WeightGroup]; 2],
    /// Whole rows, each of `groups` groups.
    codes: &'a [CodeGroup],
    groups: usize,
    rows: usize,
    sums: &'a mut [[f32; LANES]],
    stride: usize,
}

impl Task<AmxInt8> for Rest<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, isa: AmxInt8) {
        let rest = self.groups - self.panels[0].len();
        let rows = self.codes.chunks_exact(self.groups).zip(self.sums.chunks_mut(self.stride));
        for (codes, sums) in rows.take(self.rows) {
            let [more] = dot(isa, self.panels, codes[rest..].as_chunks::<1>().0);
            for (sums, more) in sums.iter_mut().zip(more) {
                I32x16::load(isa.into(), sums).plus(more).store(sums);
            }
        }
    }
}
