//! What an instruction set gives to the code that is written once: 16 lanes of f32, and an exact int8 tile.

/// Number of f32 lanes that all row code is written for.
pub(crate) const LANES: usize = 16;

/// What turns a small whole number `n` into a float whose lowest bits are `n`, by addition: 1.5 * 2^23.
pub(crate) const SHIFT: f32 = 12_582_912.0;

/// Sixteen output channels times four steps along `k`: the unit that weights are stored in.
pub(crate) type WeightGroup = [i8; 64];

/// Four consecutive activation codes of a row, in order unless [`Isa::decode`] says otherwise.
pub(crate) type CodeGroup = [u8; 4];

/// Sixteen f32 lanes, with one meaning at every level.
///
/// A value exists only where its [`Isa`] was proved, because only that can make one.
pub(crate) trait Lanes: Copy {
    /// `self + other`, rounded once.
    fn add(self, other: Self) -> Self;
    /// `self - other`, rounded once.
    fn sub(self, other: Self) -> Self;
    /// `self * other`, rounded once.
    fn mul(self, other: Self) -> Self;
    /// `self * factor + addend`, rounded once.
    fn mul_add(self, factor: Self, addend: Self) -> Self;
    /// `self < other ? self : other` in each lane: `other` where either is NaN.
    fn min(self, other: Self) -> Self;
    /// `self > other ? self : other` in each lane: `other` where either is NaN.
    fn max(self, other: Self) -> Self;
    /// The nearest whole number, ties to even.
    fn round(self) -> Self;
    /// 2 to the power of a whole number in `-127..=127`, where -127 gives 0. Any other value, any result.
    fn power_of_two(self) -> Self;
    /// `self * 2^n`, where `shifted` is `n + SHIFT` for a whole number `n`, and `self` and the result are normal: the
    /// lowest bits of `shifted` are added to the exponent. NaN by NaN stays NaN when no operation's input had a payload.
    fn scale(self, n: Self, shifted: Self) -> Self;
    /// Whether [`Lanes::scale`] gives 0, or nearly, where the result is too small to be normal.
    const VANISHES: bool = false;
    /// The same eight, where there are registers for it with the compiler held to have them all before anything is made
    /// of one: it otherwise puts long chains of operations one after another, though they were written side by side.
    #[inline(always)]
    fn abreast(eight: [Self; 8]) -> [Self; 8] {
        eight
    }
    /// Writes the lanes in order.
    fn store(self, to: &mut [f32; LANES]);
    /// The sum of the lanes, by the fixed tree: lane `i` with `i + 8`, then `i + 4`, `i + 2`, `i + 1`.
    fn sum(self) -> f32;
    /// The largest lane by the same tree and the rule of [`Lanes::max`].
    fn largest(self) -> f32;
    /// The smallest lane by the same tree and the rule of [`Lanes::min`].
    fn smallest(self) -> f32;
    /// In each lane the larger of two sizes: `self`, which is one, and that of `other`. Compared as bits without their
    /// signs, in which an infinity is above every number and a NaN above that.
    fn larger_size(self, other: Self) -> Self;
    /// The largest lane of sizes, compared as by [`Lanes::larger_size`].
    fn largest_size(self) -> f32;
}

/// Work that is compiled once for each instruction set. `run` must be `#[inline(always)]`.
pub(crate) trait Task<I: Isa> {
    /// What the work gives back.
    type Output;
    /// Does the work with the instructions that `isa` proves.
    fn run(self, isa: I) -> Self::Output;
}

/// Groups along `k` that a matrix unit takes at once.
pub(crate) const STEP: usize = 16;

/// A part of the CPU that multiplies from memory to memory, ready for blocks of some number of rows. One at a time in a
/// thread; dropped when done.
pub(crate) trait MatrixUnit<I: Isa> {
    /// For each row `r` and panel `p`, puts the exact sums of the row's `codes` times the panel into
    /// `sums[r * stride + p]`, as the bits of i32, meanwhile asking for `next` to be brought near.
    ///
    /// Both panels have as many groups as a row of codes, and may be the same. `codes` has room for `TILE_ROWS` rows,
    /// though those after the block's are of no account, and so has `sums`.
    fn multiply(
        &self,
        panels: [&[WeightGroup]; 2],
        codes: &[CodeGroup],
        next: &[WeightGroup],
        sums: &mut [[f32; LANES]],
        stride: usize,
    );
    /// The sums whose bits lie in memory.
    fn sums(&self, from: &[f32; LANES]) -> I::Sums;
    /// The numbers as f32, rounded to nearest.
    fn floats(&self, from: &[i32; LANES]) -> I::Lanes;
}

/// The matrix unit of a CPU that has none.
pub(crate) enum NoUnit {}

impl<I: Isa> MatrixUnit<I> for NoUnit {
    fn multiply(
        &self,
        _: [&[WeightGroup]; 2],
        _: &[CodeGroup],
        _: &[WeightGroup],
        _: &mut [[f32; LANES]],
        _: usize,
    ) {
        match *self {}
    }

    fn sums(&self, _: &[f32; LANES]) -> I::Sums {
        match *self {}
    }

    fn floats(&self, _: &[i32; LANES]) -> I::Lanes {
        match *self {}
    }
}

/// An instruction set. A value is the proof that this CPU has it.
pub(crate) trait Isa: Copy + 'static {
    /// Sixteen f32 lanes.
    type Lanes: Lanes;
    /// Sixteen i32 accumulators, one for each output channel of a panel.
    type Sums: Copy;
    /// The matrix unit, or [`NoUnit`].
    type Unit: MatrixUnit<Self>;

    /// Most rows that `dot`, or the matrix unit, takes at once.
    const TILE_ROWS: usize;
    /// Panels of 16 channels that are taken at once, 1 or 2.
    const TILE_PANELS: usize;
    /// Vectors of 16 lanes that fit the registers beside as many others and a few coefficients, 4 or 8.
    const CHAINS: usize = 4;
    /// Whether a block of codes lies row by row, for a matrix unit, and not group by group, for `dot`.
    const BY_ROW: bool = false;

    /// Runs `task` in a function compiled for this instruction set.
    fn run<T: Task<Self>>(self, task: T) -> T::Output;

    /// The matrix unit, made ready for blocks of at most `rows` rows.
    #[inline(always)]
    fn unit(self, rows: usize) -> Option<Self::Unit> {
        let _ = rows;
        None
    }

    /// All lanes `value`.
    fn splat(self, value: f32) -> Self::Lanes;
    /// The lanes in order.
    fn load(self, from: &[f32; LANES]) -> Self::Lanes;
    /// The integers as f32, exactly.
    fn widen(self, from: &[i8; LANES]) -> Self::Lanes;

    /// The 16 values rounded to the nearest whole number, ties to even; each must be within `-127..=127`, and any
    /// other value gives any code.
    fn narrow(self, scaled: Self::Lanes) -> [i8; LANES];
    /// [`Isa::narrow`] for four rows: `to[g][r]` gets the `g`th four values of row `r`.
    #[inline(always)]
    fn narrow_rows(self, scaled: [Self::Lanes; 4], to: [&mut [[i8; 4]; 4]; 4]) {
        let mut to = to;
        for (r, scaled) in scaled.into_iter().enumerate() {
            for (to, codes) in to.iter_mut().zip(self.narrow(scaled).as_chunks().0) {
                if let Some(to) = to.get_mut(r) {
                    *to = *codes;
                }
            }
        }
    }
    /// [`Lanes::largest_size`] of 16 vectors.
    #[inline(always)]
    fn largest_sizes(self, sizes: [Self::Lanes; LANES]) -> [f32; LANES] {
        let mut largest = [0.0; LANES];
        for (largest, sizes) in largest.iter_mut().zip(sizes) {
            *largest = sizes.largest_size();
        }
        largest
    }
    /// Four vectors as the four steps of a group of weights, lane by lane, each rounded as by [`Isa::narrow`].
    fn pack(self, scaled: [Self::Lanes; 4]) -> WeightGroup;
    /// The codes of 16 consecutive values that are already divided by the row's scale: each rounded to the
    /// nearest whole number, ties to even, plus `zero`, clamped to `0..=255`. NaN gives 0 when `zero` is 0.
    fn encode(self, scaled: Self::Lanes, zero: i32) -> [CodeGroup; 4];
    /// [`Isa::encode`] for four rows with a zero each: `to[g][r]` gets group `g` of row `r`.
    #[inline(always)]
    fn encode_rows(self, scaled: [Self::Lanes; 4], zeros: [i32; 4], to: [&mut [CodeGroup; 4]; 4]) {
        let mut to = to;
        for (r, (scaled, zero)) in scaled.into_iter().zip(zeros).enumerate() {
            for (to, group) in to.iter_mut().zip(self.encode(scaled, zero)) {
                if let Some(to) = to.get_mut(r) {
                    *to = group;
                }
            }
        }
    }
    /// [`Isa::encode`] for 64 consecutive values.
    #[inline(always)]
    fn encode_row(self, scaled: [Self::Lanes; 4], zero: i32) -> [CodeGroup; LANES] {
        let mut groups = [[0; 4]; LANES];
        for (to, scaled) in groups.as_chunks_mut().0.iter_mut().zip(scaled) {
            *to = self.encode(scaled, zero);
        }
        groups
    }
    /// The four codes of a group, in order.
    #[inline(always)]
    fn decode(group: CodeGroup) -> [u8; 4] {
        group
    }

    /// For each row `r` and panel `p`, the exact sums over all groups of `rows[g][r]` times `panels[p][g]`.
    /// All panels have `rows.len()` groups.
    fn dot<const R: usize, const P: usize>(
        self,
        panels: [&[WeightGroup]; P],
        rows: &[[CodeGroup; R]],
    ) -> [[Self::Sums; P]; R];
    /// [`Isa::dot`] by weights within the bound of [`PackedLinear`](crate::PackedLinear), meanwhile asking for `next`,
    /// pieces of later panels no longer than these, to be brought near where that helps.
    #[inline(always)]
    fn dot_bounded<const R: usize, const P: usize>(
        self,
        panels: [&[WeightGroup]; P],
        rows: &[[CodeGroup; R]],
        next: [&[WeightGroup]; P],
    ) -> [[Self::Sums; P]; R] {
        let _ = next;
        self.dot(panels, rows)
    }
    /// The nearest whole numbers, ties to even; each must fit an i32.
    fn whole(self, x: Self::Lanes) -> Self::Sums;
    /// `a + b`, wrapping.
    fn plus(self, a: Self::Sums, b: Self::Sums) -> Self::Sums;
    /// Four rows of whole numbers in `0..=255` as codes: `to[g][r]` gets group `g` of row `r`.
    #[inline(always)]
    fn encode_whole(self, rows: [Self::Sums; 4], to: [&mut [CodeGroup; 4]; 4]) {
        let [a, b, c, d] = rows;
        self.encode_rows([self.floats(a), self.floats(b), self.floats(c), self.floats(d)], [0; 4], to);
    }
    /// The sums as f32, rounded to nearest.
    fn floats(self, sums: Self::Sums) -> Self::Lanes;
    /// `sums - zero * column`, in wrapping i32, as f32 rounded to nearest.
    fn centre(self, sums: Self::Sums, zero: i32, column: &[i32; LANES]) -> Self::Lanes;
}
