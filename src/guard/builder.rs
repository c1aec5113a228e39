//! How a guard is made: bundle, policy, level, threads, rails of the host, deadline and record.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use portcullis_kernels::{Kernels, Level};
use rayon::ThreadPool;

use super::bound::Bound;
use super::device::{DeviceKind, DeviceSettings};
use super::recorder::Recorder;
use super::source::PolicySource;
use super::{Guard, GuardError, Inner, PackedReport};
use crate::act::{HashKey, Rewriter};
use crate::bundle::{Bundle, BundleError};
use crate::encode::Precision;
use crate::exception;
use crate::image::{Image, ImageError};
use crate::installation::Installation;
use crate::monitor::{Monitor, model_key};
use crate::policy::{OnDeviceFailure, Policy};
use crate::rails::classifier::{ClassifierRail, DeviceTrouble};
use crate::rails::host::{HostRails, Rail};
use crate::threads::Threads;
use crate::verdict::ModelRef;

/// Settings of a guard to be. Everything has a default: the embedded bundle and policy on all cores.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct GuardBuilder {
    models: Option<PathBuf>,
    model: Option<String>,
    calibration: Option<PathBuf>,
    policy: PolicySource,
    level: Option<Level>,
    threads: Option<usize>,
    pool: Option<Arc<ThreadPool>>,
    rails: HostRails,
    deadline: Option<Duration>,
    device: DeviceSettings,
    cascade: bool,
    unattributed: bool,
    record: Option<PathBuf>,
    unlogged: bool,
    hash_key: Option<PathBuf>,
    key: Option<HashKey>,
}

impl GuardBuilder {
    /// Maps the default bundle of the directory, which holds an `index.toml`, in place of the embedded one.
    pub fn models_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.models = Some(dir.into());
        self
    }

    /// Opens the bundle `id` of the models directory in place of its default one.
    pub fn model(mut self, id: impl Into<String>) -> Self {
        self.model = Some(id.into());
        self
    }

    /// Reads curves and thresholds from the file, as `portcullis calibrate` writes it, in place of the bundle's own.
    pub fn calibration_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.calibration = Some(file.into());
        self
    }

    /// Takes bundle and policy from the packed program of this path, in place of the embedded ones. What is set beside it, and a
    /// policy that is in force in the state directory, go before what is packed; all of that is hashed in any case.
    ///
    /// A signature by a key that the state directory trusts has to hold. The library never looks at its own program by itself.
    ///
    /// ```no_run
    /// let guard = portcullis::Guard::builder().image("/usr/local/bin/shop-guard").build()?;
    /// # Ok::<(), portcullis::GuardError>(())
    /// ```
    pub fn image(mut self, path: impl Into<PathBuf>) -> Self {
        self.policy.image = Some(path.into());
        self
    }

    /// Refuses a packed program that the public key of this file has not signed.
    pub fn image_key_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.policy.image_key = Some(file.into());
        self
    }

    /// Reads the policy from the TOML file, or from the `policy.toml` of the folder, in place of the one in force and the
    /// embedded one. A signature that is there must hold.
    pub fn policy_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.policy.path = Some(file.into());
        self
    }

    /// Uses the embedded policy, whatever is in force.
    pub fn embedded_policy(mut self) -> Self {
        self.policy.embedded = true;
        self
    }

    /// Refuses a policy that no trusted key has signed, whatever the settings of the state directory say. The trusted keys are
    /// in its folder `keys`.
    pub fn require_signed_policy(mut self, require: bool) -> Self {
        self.policy.require_signed = require;
        self
    }

    /// Takes a policy that was read, in place of a file and of the embedded one.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy.given = Some(policy);
        self
    }

    /// Lowers the instruction level; a level above what the CPU has is lowered to that.
    pub fn level(mut self, level: Level) -> Self {
        self.level = Some(level);
        self
    }

    /// The most threads that opening a bundle and judging may use, at least 1; by default one a core. The verdicts do not depend
    /// on it.
    ///
    /// They are a pool of the guard's own, made when it is first worth it: at the opening of a bundle from a directory, at a batch,
    /// at a text of some fifteen tokens. With 1 all is done on the calling thread, and no thread is made but those of a state
    /// directory, which write its log and watch over it.
    pub fn threads(mut self, threads: usize) -> Self {
        self.threads = Some(threads);
        self
    }

    /// Works on the threads of this pool (of rayon 1) in place of a pool of its own; [`GuardBuilder::threads`] then says nothing. A
    /// pool of one thread is not asked. The verdicts do not depend on it.
    ///
    /// A guard may be called from a thread of the pool, or of any other: a thread that waits for the guard takes up other
    /// work of its pool.
    pub fn pool(mut self, pool: Arc<ThreadPool>) -> Self {
        self.pool = Some(pool);
        self
    }

    /// Adds a rail of the host's own, which rules of the policy name `host.` and its name.
    pub fn rail(mut self, rail: impl Rail + 'static) -> Self {
        self.rails.add(Arc::new(rail));
        self
    }

    /// Takes a policy whose rules name rails of a host that this guard was not given, as one must that decides again from the
    /// host's records. Under such a policy every text is a fault.
    pub fn absent_rails(mut self, may_lack: bool) -> Self {
        self.rails.may_lack = may_lack;
        self
    }

    /// Time allowed for a text whose request names none.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Where the classifiers run. A device that is asked for and is not there is an error of [`GuardBuilder::build`].
    pub fn device(mut self, device: DeviceKind) -> Self {
        self.device.kind = device;
        self
    }

    /// The library that runs the encoder on a device. It becomes part of this process and is refused where others than the user of
    /// the process and root can change it; nothing is looked for anywhere else.
    pub fn device_library(mut self, path: impl Into<PathBuf>) -> Self {
        self.device.library = Some(path.into());
        self
    }

    /// The numbers that a device computes in, by default 16 bits.
    pub fn device_precision(mut self, precision: Precision) -> Self {
        self.device.precision = precision;
        self
    }

    /// Calls `tell` when a device fails for the first time. What then becomes of texts is the policy's `on_device_failure`.
    pub fn on_device_trouble(mut self, tell: fn(&DeviceTrouble)) -> Self {
        self.device.on_trouble = Some(tell);
        self
    }

    /// Lets a text leave at an exit of the model that finds it harmless by a wide margin: faster on everyday texts, with
    /// scores that are the exit's there. What is found against a text is always found by the whole model.
    pub fn cascade(mut self, cascade: bool) -> Self {
        self.cascade = cascade;
        self
    }

    /// Whether the findings of classifiers name the words that drove the score, which costs a text with such a finding many
    /// times what judging it does, and other texts nothing; they do unless this is set to `false`. Decisions do not depend on it.
    pub fn attribution(mut self, attribution: bool) -> Self {
        self.unattributed = !attribution;
        self
    }

    /// Directory of the installation: of its settings, of the policy that is in force where no file is given, of the keys that
    /// it trusts, of its decision log, and of the key by which records name texts, which is made at the first use.
    ///
    /// Without it a key is made for this guard alone: equal texts then have equal names within its records only.
    pub fn state_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.policy.state = Some(dir.into());
        self
    }

    /// Appends a decision record for every verdict to the file.
    pub fn record_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.record = Some(file.into());
        self
    }

    /// Whether verdicts go into the log of the state directory, where its settings ask for one: by default they do.
    pub fn log(mut self, log: bool) -> Self {
        self.unlogged = !log;
        self
    }

    /// Reads the key for rules with the modes `hash` and `synthetic`: a file of at least 16 bytes that are hard to guess.
    pub fn hash_key_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.hash_key = Some(file.into());
        self
    }

    /// Takes the key for rules with the modes `hash` and `synthetic`, where there is no file with one.
    pub fn hash_key(mut self, key: HashKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Where the policy comes from.
    pub(crate) const fn policy_source(&self) -> &PolicySource {
        &self.policy
    }

    /// Opens the model alone, as a guard would have it.
    ///
    /// # Errors
    /// [`GuardError`].
    pub fn bundle(&self) -> Result<Bundle, GuardError> {
        let threads = self.worked_on();
        self.open_bundle(self.open_image(&threads)?.as_ref(), &threads)
    }

    /// The threads for opening and judging.
    fn worked_on(&self) -> Arc<Threads> {
        Arc::new(match &self.pool {
            Some(pool) => Threads::of(Arc::clone(pool)),
            None => Threads::new(self.threads.unwrap_or_else(cores)),
        })
    }

    fn open_image(&self, threads: &Arc<Threads>) -> Result<Option<Image>, GuardError> {
        match (&self.policy.image, &self.policy.image_key) {
            (Some(path), _) => Ok(Some(Image::open_on(path, threads)?)),
            (None, Some(_)) => Err(GuardError::Image(ImageError::NothingToTrust)),
            (None, None) => Ok(None),
        }
    }

    fn open_bundle(&self, image: Option<&Image>, threads: &Threads) -> Result<Bundle, GuardError> {
        let bundle = match (&self.models, &self.model) {
            (Some(dir), id) => Bundle::open_on(dir, id.as_deref(), threads)?,
            (None, id) => {
                let bundle = match image {
                    Some(image) => image.bundle()?,
                    None => Bundle::embedded()?,
                };
                if let Some(id) = id.as_ref().filter(|id| **id != bundle.entry().id) {
                    let embedded = bundle.entry().id.clone();
                    return Err(BundleError::NotEmbedded { id: id.clone(), embedded }.into());
                }
                bundle
            }
        };
        Ok(match &self.calibration {
            Some(path) => bundle.with_calibration(path)?,
            None => bundle,
        })
    }

    /// Opens everything.
    ///
    /// # Errors
    /// [`GuardError`]; a part that cannot be opened is never replaced by another.
    pub fn build(self) -> Result<Guard, GuardError> {
        self.rails.check_names()?;
        let threads = self.worked_on();
        let image = self.open_image(&threads)?;
        let packed = match &image {
            Some(image) => {
                image.verify()?;
                Some(Arc::new(PackedReport::new(image, &self.policy.vouched(image)?)))
            }
            None => None,
        };
        let bundle = self.open_bundle(image.as_ref(), &threads)?;
        let policy = self.policy.read_with(image.as_ref())?;
        let bundle = Arc::new(bundle);
        let exceptions = exception::Sources::new(self.policy.state.as_deref(), policy.bundle());
        if self.cascade && bundle.calibration().exits().is_empty() {
            return Err(GuardError::NoExits { bundle: bundle.entry().id.clone() });
        }
        let hash_key = self.hash_key.as_deref().map(read_hash_key).transpose()?.or(self.key);
        let bound = Bound::new(&policy, &bundle, &self.rails, self.cascade, hash_key.is_some())?;
        let kernels = kernels(self.level)?;
        let beside = self.device.open(&bundle, self.policy.state.as_deref(), &threads)?;
        let classifier = ClassifierRail::new(Arc::clone(&bundle), kernels, Arc::clone(&threads))
            .map_err(GuardError::Windows)?
            .with_heads(policy.heads().cloned().collect())
            .with_device(beside.device.clone())
            .strict(policy.on_device_failure() == OnDeviceFailure::Fault);
        let words = match bundle.tokenizer() {
            Some(_) => None,
            None => Some(Arc::new(Bundle::embedded_words()?)),
        };
        let model_ref = ModelRef { id: bundle.manifest().id.clone(), digest: bundle.entry().digest() };
        let state = self.policy.state.as_deref();
        let place = match state.filter(|_| !self.unlogged) {
            Some(state) => Some((state, Installation::read(state)?)),
            None => None,
        };
        let place = place.as_ref().map(|(state, settings)| (*state, settings));
        let monitor = place.map(|(state, settings)| monitor(state, settings, &bundle)).transpose()?.flatten();
        let recorder = Recorder::open(self.record.as_deref(), state, place)?.with_monitor(monitor);
        Ok(Guard(Arc::new(Inner {
            bundle,
            policy: bound.policy,
            exits: bound.exits,
            classifier,
            beside: Arc::new(beside),
            patterns: bound.patterns,
            rails: self.rails,
            absent_rail: bound.absent_rail,
            words,
            level: kernels.level(),
            threads,
            deadline: self.deadline,
            attribution: !self.unattributed,
            model_ref,
            policy_ref: bound.reference,
            packed,
            recorder: Arc::new(recorder),
            exceptions: Arc::new(exception::Watch::new(exceptions)),
            rewriter: Rewriter::new(hash_key),
            answers: None,
        })))
    }
}

/// The monitor of the state directory, where it is not switched off.
fn monitor(
    state: &std::path::Path,
    settings: &Installation,
    bundle: &Bundle,
) -> Result<Option<Monitor>, GuardError> {
    if !settings.monitor.enabled {
        return Ok(None);
    }
    let model = model_key(&bundle.entry().digest(), bundle.calibration_digest());
    Ok(Some(Monitor::open(state, settings, &model, bundle.calibration().references())?))
}

/// The kernels at `level`, or at the best level this CPU has when that is lower or none is asked for.
fn kernels(level: Option<Level>) -> Result<Kernels, GuardError> {
    let level = level.unwrap_or_else(Level::best).lowered();
    Kernels::new(level).ok_or(GuardError::NoKernels)
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// Most bytes read of a key's file.
const HASH_KEY_LIMIT: u64 = 1 << 16;

fn read_hash_key(path: &std::path::Path) -> Result<HashKey, GuardError> {
    use std::io::Read as _;
    let failed = |source| GuardError::HashKeyFile { path: path.to_owned(), source };
    let mut secret = zeroize::Zeroizing::new(Vec::new());
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(HASH_KEY_LIMIT).read_to_end(&mut secret).map_err(failed)?;
    let found = secret.len();
    HashKey::new(&secret).ok_or_else(|| GuardError::HashKeyShort { path: path.to_owned(), found })
}
