//! The false positive rates that every calibration lists a threshold for; a policy asks for one of them.

/// Ascending. Finer than any policy needs, so that a joint budget is spent and not rounded away.
pub(crate) const TARGET_FPRS: [f64; 18] = [
    0.0002, 0.0003, 0.0005, 0.0007, 0.001, 0.0015, 0.002, 0.0025, 0.003, 0.004, 0.005, 0.006, 0.008, 0.01,
    0.015, 0.02, 0.03, 0.05,
];
