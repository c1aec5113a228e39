//! What a guard is made of: level, device, bundle, heads and policy, with digests.

use portcullis_calibration::TaughtHead;
use portcullis_kernels::Level;
use serde::Serialize;

use super::device::DeviceReport;
use super::{Guard, full_message};
use crate::image::{Image, PackedFile, PackedProgram};
use crate::policy::taught_detector;
use crate::store::Vouched;
use crate::verdict::{ModelRef, PolicyRef};

/// The parts of a guard.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// Version of this library.
    pub version: String,
    /// Instruction level in use.
    pub level: String,
    /// Every level this CPU has.
    pub levels: Vec<String>,
    /// Where the encoder runs: `cpu`, or the device that was asked for.
    pub device: String,
    /// The device beside the CPU, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator: Option<DeviceReport>,
    /// Why there is none, where it is left to what was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accelerator_unused: Option<String>,
    /// Most threads a batch uses.
    pub threads: usize,
    /// The model.
    pub model: ModelRef,
    /// Version of the bundle.
    pub model_version: String,
    /// One line about the bundle.
    pub model_description: String,
    /// Licence of the weights (SPDX).
    pub model_licence: String,
    /// BLAKE3 of the calibration file, in hex.
    pub calibration_digest: String,
    /// The bundle's files in use.
    pub files: Vec<FileReport>,
    /// The packed program that it comes from, where it comes from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub packed: Option<PackedReport>,
    /// The heads.
    pub heads: Vec<HeadReport>,
    /// The policy's own heads.
    pub taught: Vec<TaughtReport>,
    /// The exits before the model's end that are calibrated, the earliest first.
    pub exits: Vec<String>,
    /// Whether texts may leave at an exit.
    pub cascade: bool,
    /// The policy.
    pub policy: PolicyRef,
    /// Number of its rules.
    pub rules: usize,
    /// What in it is allowed but likely not meant.
    pub warnings: Vec<WarningReport>,
    /// `ok`, or why the bundle's files differ from their digests; hashed for this report.
    pub digests: String,
}

/// One file of the bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FileReport {
    /// Name.
    pub path: String,
    /// Size.
    pub bytes: u64,
    /// BLAKE3 in hex.
    pub blake3: String,
    /// `embedded` in the program's image, `mapped` from a directory, or `packed` behind a program.
    pub origin: String,
}

/// A packed program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PackedReport {
    /// The program before the packed files.
    pub program: PackedProgram,
    /// The packed files, in the order in which they lie.
    pub files: Vec<PackedFile>,
    /// `signed` by a trusted key, `unsigned`, or `unknown` where the key is not trusted here.
    pub signature: String,
    /// The name of the key that signed: told by the signature alone where that is `unknown`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_by: Option<String>,
}

impl PackedReport {
    /// Of a packed program, and who vouches for it.
    #[must_use]
    pub fn new(image: &Image, vouched: &Vouched) -> Self {
        let (signature, signed_by) = match vouched {
            Vouched::Unsigned => ("unsigned", None),
            Vouched::Unknown { by } => ("unknown", Some(by.clone())),
            Vouched::Signed { by } => ("signed", Some(by.clone())),
        };
        Self {
            program: image.program().clone(),
            files: image.files().to_vec(),
            signature: signature.to_owned(),
            signed_by,
        }
    }
}

/// One head.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct HeadReport {
    /// Name.
    pub name: String,
    /// Whether it is shipped as experimental.
    pub experimental: bool,
    /// By length in characters, spaces not counted, the logits added to its own; between them along a straight line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub length_correction: Vec<(u32, f32)>,
}

/// One head of the policy's own.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaughtReport {
    /// What rules call it.
    pub detector: String,
    /// Examples that it was taught from: of its category, and not.
    pub examples: (u64, u64),
    /// Area under the ROC curve over examples held out, in `0..=1`.
    pub auc: f64,
    /// BLAKE3 of the examples, in hex.
    pub data_digest: String,
    /// What made it.
    pub created_by: String,
}

/// One warning about the policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WarningReport {
    /// Line of the policy, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is likely not meant.
    pub message: String,
}

impl Guard {
    /// Reports the parts of this guard, hashing the bundle's files on the way.
    #[must_use]
    pub fn inspect(&self) -> Inspection {
        let inner = &*self.0;
        let manifest = inner.bundle.manifest();
        let corrections = inner.bundle.calibration().corrections();
        Inspection {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            level: inner.level.to_string(),
            levels: Level::supported().iter().map(Level::to_string).collect(),
            device: inner
                .classifier
                .device()
                .filter(|device| device.from_tokens() == 0)
                .map_or_else(|| "cpu".to_owned(), |device| device.info().device.to_string()),
            accelerator: inner.classifier.device().map(DeviceReport::from),
            accelerator_unused: inner.beside.unused.clone(),
            threads: inner.threads.number(),
            model: inner.model_ref.clone(),
            model_version: manifest.version.clone(),
            model_description: manifest.description.clone(),
            model_licence: inner.bundle.entry().licence.clone(),
            calibration_digest: inner.calibration_digest().to_owned(),
            files: inner
                .bundle
                .files()
                .iter()
                .map(|(file, bytes)| FileReport {
                    path: file.path.clone(),
                    bytes: file.bytes,
                    blake3: file.blake3.clone(),
                    origin: bytes.origin().to_owned(),
                })
                .collect(),
            packed: inner.packed.as_deref().cloned(),
            heads: manifest
                .heads
                .iter()
                .map(|head| {
                    let own = corrections.iter().find(|correction| correction.head == head.name);
                    HeadReport {
                        name: head.name.clone(),
                        experimental: head.experimental,
                        length_correction: own.map(|own| own.knots.clone()).unwrap_or_default(),
                    }
                })
                .collect(),
            taught: inner.policy.policy().heads().map(taught).collect(),
            exits: inner.exits.names().to_vec(),
            cascade: inner.exits.cascade(),
            policy: inner.policy_ref.clone(),
            rules: inner.policy.rules().len(),
            warnings: inner
                .policy
                .policy()
                .warnings()
                .iter()
                .map(|warning| WarningReport {
                    line: warning.line,
                    column: warning.column,
                    message: warning.what.to_string(),
                })
                .collect(),
            digests: inner
                .bundle
                .verify(&inner.threads)
                .map_or_else(|e| full_message(&e), |()| "ok".to_owned()),
        }
    }
}

fn taught(head: &TaughtHead) -> TaughtReport {
    TaughtReport {
        detector: taught_detector(head),
        examples: (head.head().positives, head.head().negatives),
        auc: head.auc(),
        data_digest: head.data_digest().to_owned(),
        created_by: head.created_by().to_owned(),
    }
}
