//! The flags that every judging command shares, before or after its name, and the guard made from them.

mod arguments;

use super::device_options::DeviceOptions;
use super::{failure, terminal};
use anyhow::Context as _;
use clap::Args;
use portcullis::act::HashKey;
use portcullis::bundle::Bundle;
use portcullis::exception::Sources;
use portcullis::image::{self, Image};
use portcullis::policy::Policy;
use portcullis::store::{self, Store, Trust, Vouched};
use portcullis::trust::{KeyRing, PublicKey};
use portcullis::{DeviceKind, Guard, GuardBuilder, GuardError, Level, LiveGuard};
use std::path::{Path, PathBuf};
use std::sync::Once;
use std::time::Duration;

/// The heading of these flags in every help.
pub(super) const HEADING: &str = "Guard";

/// What judges: bundle, policy, device and limits. A flag goes before its environment variable.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = HEADING)]
pub(super) struct GuardOptions {
    /// The policy: a TOML file, or a directory with a `policy.toml`. Without it, the one in force in the state directory, or
    /// else the policy in the program.
    #[arg(long, global = true, value_name = "FILE|DIR", env = "PORTCULLIS_POLICY")]
    policy: Option<PathBuf>,

    /// The directory of the model bundles. Without it, the bundle in the program.
    #[arg(long, global = true, value_name = "DIR", env = "PORTCULLIS_MODELS")]
    models: Option<PathBuf>,

    /// The bundle of that directory to use, by its identifier. Without it, the default one.
    #[arg(long, global = true, value_name = "ID", env = "PORTCULLIS_MODEL")]
    model: Option<String>,

    /// Curves and thresholds in place of the bundle's own: a file that `calibrate` wrote.
    #[arg(long, global = true, value_name = "FILE", env = "PORTCULLIS_CALIBRATION")]
    calibration: Option<PathBuf>,

    #[command(flatten)]
    device: DeviceOptions,

    /// The highest instruction level to use: scalar, avx2, avx-vnni, avx512-vnni or amx-int8; neon, neon-dotprod or
    /// neon-i8mm on ARM. It can only lower what the processor has; a level of another architecture means scalar.
    #[arg(long, global = true, value_name = "LEVEL", env = "PORTCULLIS_LEVEL", value_parser = parse_level)]
    level: Option<Level>,

    /// Threads. Without it, one for each processor.
    #[arg(long, global = true, value_name = "N", env = "PORTCULLIS_THREADS", value_parser = parse_threads)]
    threads: Option<usize>,

    /// Time allowed for a text, in milliseconds. The policy's `on_deadline` says what becomes of a late text.
    #[arg(long, global = true, value_name = "N", env = "PORTCULLIS_DEADLINE_MS")]
    deadline_ms: Option<u64>,

    /// Let a text that an exit of the model finds harmless by a wide margin go no further: less work on everyday texts,
    /// and their scores are the exit's. Whatever is found against a text is found by the whole model.
    #[arg(long, global = true, env = "PORTCULLIS_CASCADE")]
    cascade: bool,

    /// Do not look for the words behind a classifier's finding: much less work on texts with such a finding, whose spans are then
    /// empty. Decisions stay the same.
    #[arg(long, global = true, env = "PORTCULLIS_NO_ATTRIBUTION")]
    no_attribution: bool,

    /// The directory of the installation: its settings, keys and decision log, to which every verdict is added.
    #[arg(long, global = true, value_name = "DIR", env = "PORTCULLIS_STATE")]
    state: Option<PathBuf>,

    /// Log nothing: for processes that measure.
    #[arg(long, global = true, hide = true)]
    unlogged: bool,

    /// Refuse a policy without a signature by a trusted key, whatever the state directory's portcullis.toml says.
    #[arg(long, global = true, env = "PORTCULLIS_REQUIRE_SIGNED")]
    require_signed: bool,

    /// Refuse a packed program that this public key has not signed, as `pack --sign` does.
    #[arg(long, global = true, value_name = "KEY", env = "PORTCULLIS_TRUST")]
    trust: Option<PathBuf>,

    /// Add a decision record for every verdict to this file, one JSON object a line. It never holds the text.
    #[arg(long, global = true, value_name = "FILE", env = "PORTCULLIS_RECORD")]
    record: Option<PathBuf>,

    /// The key for rules that replace by a hash or a synthetic value: a file of at least 16 bytes that are hard to guess.
    #[arg(long, global = true, value_name = "FILE", env = "PORTCULLIS_HASH_KEY")]
    hash_key: Option<PathBuf>,

    /// Whether the policy in the program judges, whatever is in force.
    #[arg(skip)]
    embedded: bool,
}

/// The key of trials, so that what they hash is the same everywhere.
const TRIAL_KEY: &[u8] = b"portcullis policy trials";

/// Some commands make several guards of one policy.
static WARNED: Once = Once::new();

/// Tells which files of exceptions are not used, once a process.
fn warn_of_exceptions(guard: &Guard) {
    static WARNED: Once = Once::new();
    WARNED.call_once(|| {
        for ignored in guard.exceptions().ignored().iter().filter(|ignored| ignored.is_warning()) {
            let what = format!("the exception in {} is not used: {}", ignored.path.display(), ignored.why);
            failure::warn(terminal::printable(&what));
        }
    });
}

impl GuardOptions {
    /// The guard of this policy with the model asked for, for trials: nothing is recorded, and where no key is given for hashes
    /// and synthetic values they are made with one that everybody knows.
    ///
    /// # Errors
    /// As [`portcullis::GuardBuilder::build`].
    pub(super) fn guard_of(&self, policy: Policy) -> Result<Guard, GuardError> {
        let mut builder = self.aside().builder().policy(policy);
        if let (None, Some(key)) = (&self.hash_key, HashKey::new(TRIAL_KEY)) {
            builder = builder.hash_key(key);
        }
        builder.build()
    }

    /// Loads the bundle and the policy, and tells the warnings about a policy that was asked for, once a process.
    ///
    /// # Errors
    /// When one of them cannot be read, or is not what it must be.
    pub(super) fn guard(&self) -> anyhow::Result<Guard> {
        let guard = self.builder().build().with_context(cannot_start)?;
        self.warn(&guard);
        Ok(guard)
    }

    /// The same for decisions made again from records: the rails of the host that made them need not be here.
    ///
    /// # Errors
    /// As for [`GuardOptions::guard`].
    pub(super) fn replaying(&self) -> anyhow::Result<Guard> {
        let guard = self.builder().absent_rails(true).build().with_context(cannot_start)?;
        self.warn(&guard);
        Ok(guard)
    }

    /// The same as [`GuardOptions::guard`], but one that looks for a change of its policy at most every `interval`.
    ///
    /// # Errors
    /// As for [`GuardOptions::guard`].
    pub(super) fn live(&self, interval: Duration) -> anyhow::Result<LiveGuard> {
        let live = LiveGuard::open_every(self.builder(), interval).with_context(cannot_start)?;
        self.warn(&live.guard());
        Ok(live)
    }

    /// The policy that a guard of these options would use.
    ///
    /// # Errors
    /// When it cannot be read, or nobody vouches for it who should.
    pub(super) fn in_force(&self) -> anyhow::Result<Policy> {
        let trust = Trust::of(self.state(), self.require_signed)?;
        if let Some(path) = &self.policy {
            return Ok(store::open(path, &trust)?.policy);
        }
        let active = match self.state() {
            Some(state) => Store::open(state)?.open_active(&trust)?,
            None => None,
        };
        match active {
            Some((_, policy)) => Ok(policy),
            None => match self.own_image()? {
                Some((image, vouched)) => Ok(image.policy(&vouched, &trust)?),
                None => Ok(Policy::embedded()?),
            },
        }
    }

    /// What is packed into this program, and who vouches for it; nothing where it is not packed.
    ///
    /// # Errors
    /// When it is damaged, or not signed as asked for.
    pub(super) fn own_image(&self) -> anyhow::Result<Option<(Image, Vouched)>> {
        let Some(path) = own_image() else { return Ok(None) };
        let image = Image::open(&path).with_context(cannot_start)?;
        let vouched = self.vouched(&image)?;
        Ok(Some((image, vouched)))
    }

    /// Who vouches for what is packed there, by the key that is given or else those of the state directory.
    ///
    /// # Errors
    /// When it is not signed as asked for.
    pub(super) fn vouched(&self, image: &Image) -> anyhow::Result<Vouched> {
        Ok(match &self.trust {
            Some(key) => {
                let keys = KeyRing::new(vec![PublicKey::read(key)?])?;
                Vouched::Signed { by: image.signed_by(&keys)? }
            }
            None => image.vouched(&Trust::of(self.state(), false)?.keys)?,
        })
    }

    /// The model that was asked for, or else that of this program.
    ///
    /// # Errors
    /// As for [`GuardOptions::guard`].
    pub(super) fn bundle(&self) -> anyhow::Result<Bundle> {
        self.builder().bundle().with_context(cannot_start)
    }

    /// A candidate for this guard's policy.
    ///
    /// # Errors
    /// When it cannot be read, or has a signature that does not hold.
    pub(super) fn candidate(&self, path: &Path) -> anyhow::Result<Policy> {
        // Nobody has to vouch for what decides nothing yet.
        let trust = Trust { required: false, ..Trust::of(self.state(), false)? };
        let opened = store::open(path, &trust);
        Ok(opened.with_context(|| format!("cannot use the policy {}", path.display()))?.policy)
    }

    fn warn(&self, guard: &Guard) {
        if self.policy.is_some() {
            WARNED.call_once(|| guard.policy().policy().warnings().iter().for_each(failure::warn));
        }
        warn_of_exceptions(guard);
    }

    fn builder(&self) -> GuardBuilder {
        let builder = Guard::builder().cascade(self.cascade).attribution(!self.no_attribution);
        let builder = self.device.apply(builder).log(!self.unlogged);
        let mut builder = builder.require_signed_policy(self.require_signed);
        if let Some(path) = own_image() {
            builder = builder.image(path);
        }
        if let Some(key) = &self.trust {
            builder = builder.image_key_file(key);
        }
        if let Some(path) = &self.policy {
            builder = builder.policy_file(path);
        }
        if self.embedded {
            builder = builder.embedded_policy();
        }
        if let Some(directory) = &self.models {
            builder = builder.models_dir(directory);
        }
        if let Some(id) = &self.model {
            builder = builder.model(id);
        }
        if let Some(file) = &self.calibration {
            builder = builder.calibration_file(file);
        }
        if let Some(level) = self.level {
            builder = builder.level(level);
        }
        if let Some(threads) = self.threads {
            builder = builder.threads(threads);
        }
        if let Some(milliseconds) = self.deadline_ms {
            builder = builder.deadline(Duration::from_millis(milliseconds));
        }
        if let Some(directory) = &self.state {
            builder = builder.state_dir(directory.clone());
        }
        if let Some(file) = &self.record {
            builder = builder.record_file(file.clone());
        }
        if let Some(file) = &self.hash_key {
            builder = builder.hash_key_file(file.clone());
        }
        builder
    }

    /// The state directory.
    pub(super) fn state(&self) -> Option<&Path> {
        self.state.as_deref()
    }

    /// Where exceptions from the policy come from.
    ///
    /// # Errors
    /// When the policy cannot be read.
    pub(super) fn exception_sources(&self) -> anyhow::Result<Sources> {
        Ok(Sources::new(self.state(), self.in_force()?.bundle()))
    }

    /// Where classifiers run.
    pub(super) fn devices(&self) -> &DeviceOptions {
        &self.device
    }

    /// The same options with classifiers on this device, or on the processor alone.
    pub(super) fn on(&self, kind: DeviceKind) -> Self {
        Self { device: self.device.on(kind), ..self.clone() }
    }

    /// The same options at another level.
    pub(super) fn at_level(&self, level: Level) -> Self {
        Self { level: Some(level), ..self.clone() }
    }

    /// The same options with another number of threads.
    pub(super) fn with_threads(&self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self.clone() }
    }

    /// The same options with every text read by the whole model, or not.
    pub(super) fn with_cascade(&self, cascade: bool) -> Self {
        Self { cascade, ..self.clone() }
    }

    /// The same options with neither deadline, record nor log, for measurements.
    pub(super) fn unrecorded(&self) -> Self {
        Self { deadline_ms: None, record: None, unlogged: true, ..self.clone() }
    }

    /// Whether a policy was asked for.
    pub(super) fn has_policy(&self) -> bool {
        self.policy.is_some()
    }

    /// The same options with no search for the words behind a finding.
    pub(super) fn unattributed(&self) -> Self {
        Self { no_attribution: true, ..self.clone() }
    }

    /// The same options with the policy in the program.
    pub(super) fn without_policy(&self) -> Self {
        Self { policy: None, embedded: true, ..self.clone() }
    }

    /// The same options for a guard that is asked about other policies: with the one in the program, leaving no trace.
    pub(super) fn aside(&self) -> Self {
        Self { state: None, require_signed: false, ..self.unrecorded().without_policy() }
    }

    /// The policy that was asked for: a file or a directory.
    pub(super) fn policy_path(&self) -> Option<&Path> {
        self.policy.as_deref()
    }

    /// Whether a signature is asked for in any case.
    pub(super) fn requires_signature(&self) -> bool {
        self.require_signed
    }

    /// Whether a text has a time in which it has to be judged.
    pub(super) fn has_deadline(&self) -> bool {
        self.deadline_ms.is_some()
    }

    /// The number of threads asked for.
    pub(super) fn threads(&self) -> Option<usize> {
        self.threads
    }
}

/// This program's own file, where something was packed into it.
fn own_image() -> Option<PathBuf> {
    // On Linux the file that runs, even where another has its name by now.
    let running = || match Path::new("/proc/self/exe") {
        link if link.exists() => link.to_owned(),
        _ => std::env::current_exe().unwrap_or_default(),
    };
    image::is_packed().then(running)
}

/// The context of a failure: a person knows a packed program by its name.
fn cannot_start() -> String {
    match std::env::current_exe().ok().filter(|_| image::is_packed()) {
        Some(program) => format!("cannot start the guard packed into {}", program.display()),
        None => "cannot start the guard".to_owned(),
    }
}

fn parse_level(word: &str) -> Result<Level, String> {
    word.parse::<Level>().map_err(|error| error.to_string())
}

fn parse_threads(word: &str) -> Result<usize, String> {
    match word.parse() {
        Ok(threads @ 1..=1024) => Ok(threads),
        _ => Err("expected a number in 1..=1024".to_owned()),
    }
}
