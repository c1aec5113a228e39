//! Packing: a program, a model and a policy into one executable file.

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use portcullis_kernels::map::MappedFile;

use super::index::{
    Index, MODELS, PAGE, POLICY, PackedFile, PackedProgram, PolicyPlace, alignment, is_plain, round_up,
};
use super::trailer::{MOST_INDEX, Trailer};
use super::{Image, ImageError, mark, model_path};
use crate::bundle::{self, Bundle, BundleError, INDEX_FILE};
use crate::policy::Policy;
use crate::store::{Contents, Location, POLICY_FILE};
use crate::threads::Threads;
use crate::trust::{Purpose, SigningKey};

/// What is packed.
#[derive(Clone, Copy, Debug)]
pub struct Parts<'a> {
    /// The program. Of one that is packed already only the program itself is taken.
    pub program: &'a Path,
    /// The model.
    pub bundle: &'a Bundle,
    /// The policy's file or folder.
    pub policy: Option<&'a Path>,
    /// What the policy is taken from where none is given; without it, the embedded policy is packed.
    pub from: Option<&'a Image>,
    /// Who signs.
    pub key: Option<&'a SigningKey>,
}

/// The files with their paths, in order.
type Files<'a> = Vec<(String, std::borrow::Cow<'a, [u8]>)>;

/// Writes the packed program to `path`, whole or not at all, in place of a file that is there. The same parts give the same bytes.
///
/// Whether model and policy fit each other is not looked at: a guard made from them shows it.
///
/// # Errors
/// [`ImageError`].
pub fn write(path: &Path, parts: &Parts<'_>) -> Result<Image, ImageError> {
    let failed = |action, at: &Path| {
        let at = at.to_owned();
        move |source| ImageError::Io { action, path: at, source }
    };
    let map = MappedFile::open(parts.program).map_err(failed("open", parts.program))?;
    let packed = match Image::open(parts.program) {
        Ok(image) => Some(image),
        Err(ImageError::NotPacked { .. }) => None,
        Err(error) => return Err(error),
    };
    let program = match &packed {
        Some(image) => {
            image.verify_program()?;
            // Its size was checked against the file's.
            let length = usize::try_from(image.program().bytes).unwrap_or_default();
            map.as_bytes().get(..length).unwrap_or_default()
        }
        None => map.as_bytes(),
    };
    let at = mark::place(program, parts.program)?;
    // A bundle of the program's own image was not hashed yet.
    parts.bundle.verify(&Threads::new(1))?;
    let (policy, place) = policy_files(parts)?;
    let mut files = model_files(parts.bundle)?;
    files.extend(policy);
    if let Some((file, _)) = files.iter().find(|(file, _)| !is_plain(file)) {
        let what = "expected a path of plain names and at most 1024 bytes".to_owned();
        return Err(ImageError::Unfit { file: file.clone(), what });
    }
    let new = {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        path.with_file_name(name)
    };
    // What a writer that was killed has left.
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed("write", &new)(error)),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o755);
    let written = options.open(&new).map_err(failed("write", &new)).and_then(|file| {
        let layout = Layout { program, at, files: &files, place };
        layout.write(&file, parts.key, path, &new)?;
        std::fs::rename(&new, path).map_err(failed("write", path))
    });
    if written.is_err() {
        // The first failure is the one that is told.
        let _ = std::fs::remove_file(&new);
    }
    written?;
    let image = Image::open(path)?;
    image.verify()?;
    Ok(image)
}

/// Lets everybody start the file who may read it.
pub(super) fn make_executable(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

/// All that is written.
struct Layout<'a> {
    program: &'a [u8],
    /// Where the program's mark has its answer.
    at: usize,
    files: &'a Files<'a>,
    place: PolicyPlace,
}

impl Layout<'_> {
    fn write(self, file: &File, key: Option<&SigningKey>, path: &Path, new: &Path) -> Result<(), ImageError> {
        let failed = |source| ImageError::Io { action: "write", path: new.to_owned(), source };
        let (before, rest) = self.program.split_at(self.at);
        let answer = mark::answer(true);
        let after = rest.get(answer.len()..).unwrap_or_default();
        let digest = blake3::Hasher::new()
            .update(before)
            .update(&answer)
            .update(after)
            .finalize()
            .to_hex()
            .to_string();
        let too_large = || ImageError::Unfit {
            file: path.display().to_string(),
            what: "expected fewer than 2^64 bytes in all".to_owned(),
        };
        let mut output = BufWriter::with_capacity(1 << 20, file);
        let mut end = 0;
        for part in [before, &answer, after] {
            output.write_all(part).map_err(failed)?;
            end += part.len() as u64;
        }
        let program =
            PackedProgram { bytes: end, blake3: digest, packed_by: env!("CARGO_PKG_VERSION").to_owned() };
        let pad = |output: &mut BufWriter<&File>, from: u64, to: u64| -> Result<(), ImageError> {
            io::copy(&mut io::Read::take(io::repeat(0), to - from), output).map(|_| ()).map_err(failed)
        };
        let start = round_up(end, PAGE).ok_or_else(too_large)?;
        pad(&mut output, end, start)?;
        end = start;
        let mut listed = Vec::with_capacity(self.files.len());
        for (path, bytes) in self.files {
            let length = bytes.len() as u64;
            let offset = round_up(end, alignment(length)).ok_or_else(too_large)?;
            pad(&mut output, end, offset)?;
            output.write_all(bytes).map_err(failed)?;
            end = offset + length;
            let blake3 = blake3::hash(bytes).to_hex().to_string();
            listed.push(PackedFile { path: path.clone(), offset, bytes: length, blake3 });
        }
        // A structure of strings and numbers can always be written.
        let index = Index { program, policy: self.place, files: listed };
        let mut tail = serde_json::to_vec(&index).unwrap_or_default();
        let index_bytes = tail.len() as u64;
        if index_bytes > MOST_INDEX {
            let what = format!("its index has {index_bytes} bytes, expected at most {MOST_INDEX}");
            return Err(ImageError::Unfit { file: path.display().to_string(), what });
        }
        if let Some(key) = key {
            let signature = key.sign(Purpose::Image, &tail);
            tail.extend(serde_json::to_vec(&signature).unwrap_or_default());
        }
        let trailer = Trailer {
            index: end,
            index_bytes,
            signature_bytes: tail.len() as u64 - index_bytes,
            digest: *blake3::hash(&tail).as_bytes(),
        };
        output.write_all(&tail).and_then(|()| output.write_all(&trailer.to_bytes())).map_err(failed)?;
        output.flush().and_then(|()| file.sync_all()).map_err(failed)
    }
}

/// The bundle's files that a guard reads, and an index that lists this bundle alone.
fn model_files(bundle: &Bundle) -> Result<Files<'_>, ImageError> {
    let entry = bundle.entry();
    let models = bundle::Index { schema: 1, default: entry.id.clone(), bundles: vec![entry.clone()] };
    let text = toml::to_string(&models).map_err(|error| {
        ImageError::Bundle(BundleError::Toml { file: INDEX_FILE.to_owned(), message: error.to_string() })
    })?;
    let mut files: Files<'_> = vec![(format!("{MODELS}{INDEX_FILE}"), text.into_bytes().into())];
    let manifest = bundle.manifest();
    let tokenizer = match &manifest.model {
        bundle::ModelShape::Encoder { tokenizer, .. } => Some(tokenizer.file.as_str()),
        bundle::ModelShape::Hashed(_) => None,
    };
    let words = manifest.cascade.as_ref().and_then(|cascade| cascade.words.as_ref());
    let needed = [
        Some("manifest.toml"),
        Some(manifest.weights.as_str()),
        Some(manifest.calibration.as_str()),
        tokenizer,
        words.map(|words| words.weights.as_str()),
    ];
    for (file, bytes) in bundle.files() {
        if needed.contains(&Some(file.path.as_str())) {
            files.push((model_path(entry, &file.path), bytes.as_ref().into()));
        }
    }
    Ok(files)
}

/// The policy's files, and which of them it is.
fn policy_files(parts: &Parts<'_>) -> Result<(Files<'static>, PolicyPlace), ImageError> {
    let contents = match (parts.policy, parts.from) {
        (Some(path), _) => Contents::read(Location::of(path)?)?,
        (None, Some(image)) => image.contents()?,
        (None, None) => Contents {
            location: Location { folder: POLICY.into(), entry: POLICY_FILE.to_owned(), whole: true },
            files: [(POLICY_FILE.to_owned(), Policy::embedded_source().as_bytes().to_vec())].into(),
            signature: None,
        },
    };
    let name = contents.location.signature();
    let name = name.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
    let Location { entry, whole, .. } = contents.location;
    let files = contents.files.into_iter().chain(contents.signature.map(|bytes| (name, bytes)));
    let files = files.map(|(path, bytes)| (format!("{POLICY}{path}"), bytes.into())).collect();
    Ok((files, PolicyPlace { entry, whole }))
}
