//! The proof for plain Rust, which needs none.

use super::lanes::F32x16;
use crate::isa::{CodeGroup, Isa, LANES, NoUnit, Task, WeightGroup};

/// Plain Rust.
#[derive(Clone, Copy)]
pub(crate) struct Scalar(());

impl Scalar {
    /// Always a value; an `Option` because every instruction set is asked for in the same way.
    pub(crate) fn new() -> Option<Self> {
        Some(Self(()))
    }
}

impl Isa for Scalar {
    type Lanes = F32x16;
    type Sums = [i32; LANES];
    type Unit = NoUnit;

    const TILE_ROWS: usize = 1;
    const TILE_PANELS: usize = 1;

    fn run<T: Task<Self>>(self, task: T) -> T::Output {
        task.run(self)
    }

    #[inline(always)]
    fn splat(self, value: f32) -> F32x16 {
        F32x16::splat(value)
    }

    #[inline(always)]
    fn load(self, from: &[f32; LANES]) -> F32x16 {
        F32x16::load(from)
    }

    #[inline(always)]
    fn widen(self, from: &[i8; LANES]) -> F32x16 {
        F32x16::widen(from)
    }

    #[inline(always)]
    fn narrow(self, scaled: F32x16) -> [i8; LANES] {
        super::dot::narrow(scaled)
    }

    #[inline(always)]
    fn pack(self, scaled: [F32x16; 4]) -> WeightGroup {
        super::dot::pack(scaled)
    }

    #[inline(always)]
    fn whole(self, x: F32x16) -> [i32; LANES] {
        super::dot::whole(x)
    }

    #[inline(always)]
    fn plus(self, a: [i32; LANES], b: [i32; LANES]) -> [i32; LANES] {
        super::dot::plus(a, b)
    }

    #[inline(always)]
    fn floats(self, sums: [i32; LANES]) -> F32x16 {
        super::dot::floats(sums)
    }

    #[inline(always)]
    fn encode(self, scaled: F32x16, zero: i32) -> [CodeGroup; 4] {
        super::dot::encode(scaled, zero)
    }

    #[inline(always)]
    fn dot<const R: usize, const P: usize>(
        self,
        panels: [&[WeightGroup]; P],
        rows: &[[CodeGroup; R]],
    ) -> [[[i32; LANES]; P]; R] {
        super::dot::dot(panels, rows)
    }

    #[inline(always)]
    fn centre(self, sums: [i32; LANES], zero: i32, column: &[i32; LANES]) -> F32x16 {
        super::dot::centre(sums, zero, column)
    }
}
