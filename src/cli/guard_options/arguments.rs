//! The flags as another process is given them.

use std::ffi::OsString;

use super::GuardOptions;

impl GuardOptions {
    /// These options as arguments for a child process.
    pub(in crate::cli) fn to_arguments(&self) -> Vec<OsString> {
        let mut arguments = Vec::new();
        let mut add = |flag: &str, value: Option<OsString>| {
            if let Some(value) = value {
                arguments.push(OsString::from(flag));
                arguments.push(value);
            }
        };
        add("--policy", self.policy.clone().map(Into::into));
        add("--models", self.models.clone().map(Into::into));
        add("--model", self.model.clone().map(Into::into));
        add("--calibration", self.calibration.clone().map(Into::into));
        self.device.to_arguments().into_iter().for_each(|(flag, value)| add(flag, value));
        add("--level", self.level.map(|level| level.to_string().into()));
        add("--threads", self.threads.map(|threads| threads.to_string().into()));
        add("--state", self.state.clone().map(Into::into));
        add("--trust", self.trust.clone().map(Into::into));
        add("--hash-key", self.hash_key.clone().map(Into::into));
        if self.cascade {
            arguments.push("--cascade".into());
        }
        if self.no_attribution {
            arguments.push("--no-attribution".into());
        }
        if self.unlogged {
            arguments.push("--unlogged".into());
        }
        if self.require_signed {
            arguments.push("--require-signed".into());
        }
        arguments
    }
}
