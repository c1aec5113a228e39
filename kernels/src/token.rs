//! What every instruction set but plain Rust writes in the same way: its proof, and the calls to its own modules.

/// Declares `$name`, the proof that this CPU has every `$feature`, and `enter`, which is compiled with them.
///
/// A set with a `base` has the base's lanes, and its proof gives the base's. What the features do not say comes last.
macro_rules! proof {
    (
        $(#[$doc:meta])* $name:ident $(with base $base:ident)?, $detected:ident: $($feature:tt),+
        $(; $besides:expr)?
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(crate) struct $name($($base)?);

        impl $name {
            /// A value when this CPU has the instructions and the system saves their registers.
            pub(crate) fn new() -> Option<Self> {
                ($(std::arch::$detected!($feature))&&+ $(&& $besides)?).then_some(())?;
                Some(Self($($base::new()?)?))
            }
        }

        $(
            impl From<$name> for $base {
                #[inline(always)]
                fn from(proof: $name) -> Self {
                    proof.0
                }
            }
        )?

        /// Everything that `task` inlines is compiled for this instruction set here.
        $(#[target_feature(enable = $feature)])+
        fn enter<T: $crate::isa::Task<$name>>(isa: $name, task: T) -> T::Output {
            task.run(isa)
        }
    };
}
pub(crate) use proof;

/// The methods of `Isa` that a set's lanes and its module `dot` hold, for the inside of its `impl`: with `bounded`, also
/// that for bounded weights, where `dot` has one that looks at no `next`.
///
/// A function that needs less than the set gives takes the base's proof, which `into` makes.
macro_rules! forward {
    (bounded) => {
        $crate::token::forward!();

        #[inline(always)]
        fn dot_bounded<const R: usize, const P: usize>(
            self,
            panels: [&[$crate::isa::WeightGroup]; P],
            rows: &[[$crate::isa::CodeGroup; R]],
            _: [&[$crate::isa::WeightGroup]; P],
        ) -> [[Self::Sums; P]; R] {
            super::dot::dot_bounded(self, panels, rows)
        }
    };
    () => {
        // Never a part of another task, with which it would share registers. (On `enter` the attribute has no effect.)
        #[inline(never)]
        fn run<T: $crate::isa::Task<Self>>(self, task: T) -> T::Output {
            // SAFETY: `self` proves every feature that `enter` is compiled with.
            unsafe { enter(self, task) }
        }

        #[inline(always)]
        fn splat(self, value: f32) -> Self::Lanes {
            Self::Lanes::splat(self.into(), value)
        }

        #[inline(always)]
        fn load(self, from: &[f32; $crate::isa::LANES]) -> Self::Lanes {
            Self::Lanes::load(self.into(), from)
        }

        #[inline(always)]
        fn widen(self, from: &[i8; $crate::isa::LANES]) -> Self::Lanes {
            Self::Lanes::widen(self.into(), from)
        }

        #[inline(always)]
        fn narrow(self, scaled: Self::Lanes) -> [i8; $crate::isa::LANES] {
            super::dot::narrow(self.into(), scaled)
        }

        #[inline(always)]
        fn pack(self, scaled: [Self::Lanes; 4]) -> $crate::isa::WeightGroup {
            super::dot::pack(self.into(), scaled)
        }

        #[inline(always)]
        fn whole(self, x: Self::Lanes) -> Self::Sums {
            super::dot::whole(self.into(), x)
        }

        #[inline(always)]
        fn plus(self, a: Self::Sums, b: Self::Sums) -> Self::Sums {
            a.plus(b)
        }

        #[inline(always)]
        fn floats(self, sums: Self::Sums) -> Self::Lanes {
            super::dot::floats(self.into(), sums)
        }

        #[inline(always)]
        fn encode(self, scaled: Self::Lanes, zero: i32) -> [$crate::isa::CodeGroup; 4] {
            super::dot::encode(self.into(), scaled, zero)
        }

        #[inline(always)]
        fn dot<const R: usize, const P: usize>(
            self,
            panels: [&[$crate::isa::WeightGroup]; P],
            rows: &[[$crate::isa::CodeGroup; R]],
        ) -> [[Self::Sums; P]; R] {
            super::dot::dot(self, panels, rows)
        }

        #[inline(always)]
        fn centre(self, sums: Self::Sums, zero: i32, column: &[i32; $crate::isa::LANES]) -> Self::Lanes {
            super::dot::centre(self.into(), sums, zero, column)
        }
    };
}
pub(crate) use forward;
