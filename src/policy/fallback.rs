//! What a policy may say of what went wrong beside the text: time, the log, a device.

/// What becomes of a text that ran out of time after an exit of the model had answered for all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDeadline {
    /// It is a fault, as without an answer.
    #[default]
    Fault,
    /// The exit's answer decides, by the exit's own thresholds.
    Exit,
}

/// What becomes of a verdict that cannot be written to the decision log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnLogFailure {
    /// It is a fault.
    #[default]
    Fault,
    /// It stands; the log counts it as lost when it can be written again.
    Continue,
}

/// What becomes of texts whose classifiers ran on a device that failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDeviceFailure {
    /// The CPU judges the same texts again.
    #[default]
    Cpu,
    /// It is a fault.
    Fault,
}

impl OnDeviceFailure {
    /// The word used in policies: `cpu` or `fault`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Fault => "fault",
        }
    }
}
