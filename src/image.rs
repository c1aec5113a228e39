//! A program with its model and its policy behind it in one file, read as hostile and used in place.
//!
//! ```text
//! program                 as it was, save for its mark (`is_packed`)
//! models/index.toml …     from a multiple of 64 KiB on, one file after the other
//! policy/policy.toml …
//! index                   what is where, with BLAKE3 digests
//! signature               of the index, where there is one
//! trailer                 where the index is, and its digest
//! ```
//!
//! The packed files are mapped from the program's own file: weights are computed from where they lie, and processes share them.
//! Each file is hashed when it is read for a guard, and what differs is an error: no part is used of a whole that does not hold.
//!
//! The digests show what happened to the file by accident, and a signature shows who packed it. Whoever can rewrite the file can
//! replace the program in it too, which makes these checks: `docs/pack.md` says what is left then.

mod error;
mod index;
mod mark;
mod trailer;
mod write;

pub use error::ImageError;
pub use index::{LINE, PAGE, PackedFile, PackedProgram};
pub use mark::is_packed;
pub use write::{Parts, write};

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use portcullis_kernels::map::MappedFile;

use crate::bundle::{self, Bundle, BundleEntry, BundleError, Bytes, FileEntry, INDEX_FILE};
use crate::disk::{self, Readers};
use crate::policy::Policy;
use crate::store::{self, Contents, Location, Trust, Vouched};
use crate::threads::Threads;
use crate::trust::{KeyRing, Purpose, Signature, TrustError};
use index::{Index, MODELS, POLICY};
use trailer::Trailer;

/// The program among what [`Image::extract`] writes.
const PROGRAM: &str = "program";

/// A packed program, opened: its index holds, and its files are mapped and not yet looked at.
#[derive(Debug)]
pub struct Image {
    path: PathBuf,
    file: File,
    map: Arc<MappedFile>,
    threads: Arc<Threads>,
    index: Index,
    /// What was signed.
    message: Vec<u8>,
    signature: Option<Signature>,
    /// Whether every file was found to have its digest.
    verified: OnceLock<()>,
}

impl Image {
    /// [`Image::open_on`], to be hashed on the calling thread.
    ///
    /// # Errors
    /// As [`Image::open_on`].
    pub fn open(path: &Path) -> Result<Self, ImageError> {
        Self::open_on(path, &Arc::new(Threads::new(1)))
    }

    /// Opens the packed program `path`, to be hashed on `threads`.
    ///
    /// # Errors
    /// [`ImageError::Io`], [`ImageError::NotPacked`], [`ImageError::Format`] and [`ImageError::Damaged`].
    pub fn open_on(path: &Path, threads: &Arc<Threads>) -> Result<Self, ImageError> {
        let failed = |action| move |source| ImageError::Io { action, path: path.to_owned(), source };
        let mut file = File::open(path).map_err(failed("open"))?;
        let length = file.metadata().map_err(failed("read"))?.len();
        let Some(at) = length.checked_sub(trailer::BYTES as u64) else {
            return Err(ImageError::NotPacked { path: path.to_owned() });
        };
        let mut last = [0; trailer::BYTES];
        file.seek(SeekFrom::Start(at)).and_then(|_| file.read_exact(&mut last)).map_err(failed("read"))?;
        let trailer = Trailer::parse(&last, path, length)?;
        let mut message = Vec::new();
        file.seek(SeekFrom::Start(trailer.index))
            .and_then(|_| (&file).take(at - trailer.index).read_to_end(&mut message))
            .map_err(failed("read"))?;
        let damaged = |what: String| ImageError::Damaged { path: path.to_owned(), at: trailer.index, what };
        let found = blake3::hash(&message);
        if *found.as_bytes() != trailer.digest {
            let expected = blake3::Hash::from_bytes(trailer.digest).to_hex();
            let what = format!("index and signature have the BLAKE3 digest {found}, expected {expected}");
            return Err(damaged(what));
        }
        // Neither is longer than a megabyte.
        let signed = message.split_off(usize::try_from(trailer.index_bytes).unwrap_or_default());
        let signature = match signed.is_empty() {
            true => None,
            false => Some(serde_json::from_slice(&signed).map_err(|_| {
                damaged("the signature, expected an object of `signed_by`, `key` and `signature`".to_owned())
            })?),
        };
        let index = Index::parse(&message, path, trailer.index)?;
        let length = usize::try_from(trailer.index - index.start())
            .map_err(|_| damaged("more bytes than this system can map".to_owned()))?;
        let map = MappedFile::range(&file, index.start(), length).map_err(failed("map"))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            map: Arc::new(map),
            threads: Arc::clone(threads),
            index,
            message,
            signature,
            verified: OnceLock::new(),
        })
    }

    /// Where it was opened.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The files, in the order in which they lie.
    #[must_use]
    pub fn files(&self) -> &[PackedFile] {
        &self.index.files
    }

    /// What is before them.
    #[must_use]
    pub const fn program(&self) -> &PackedProgram {
        &self.index.program
    }

    /// Hashes every file.
    ///
    /// # Errors
    /// [`ImageError::Changed`] for the first that is not what was packed.
    pub fn verify(&self) -> Result<(), ImageError> {
        let each = |file: &PackedFile| {
            self.compare(self.bytes(file).as_ref(), &file.path, file.offset, &file.blake3)
        };
        self.index.files.iter().try_for_each(each)?;
        self.verified.get_or_init(|| ());
        Ok(())
    }

    /// Hashes the program before the files, which nothing does when that starts: it would be asked about itself.
    ///
    /// # Errors
    /// [`ImageError::Changed`], and [`ImageError::Io`] when it cannot be mapped.
    pub fn verify_program(&self) -> Result<(), ImageError> {
        self.program_bytes().map(|_| ())
    }

    /// Who vouches for what is packed. A signature by a key of the ring has to hold; one by another key cannot be told.
    ///
    /// # Errors
    /// [`ImageError::Signature`].
    pub fn vouched(&self, keys: &KeyRing) -> Result<Vouched, ImageError> {
        let Some(signature) = &self.signature else { return Ok(Vouched::Unsigned) };
        match keys.verify(Purpose::Image, &self.message, signature) {
            Ok(key) => Ok(Vouched::Signed { by: key.name().to_owned() }),
            Err(TrustError::Untrusted { name, .. }) => Ok(Vouched::Unknown { by: name }),
            Err(source) => Err(ImageError::Signature { path: self.path.clone(), source }),
        }
    }

    /// Refuses what no key of the ring has signed; answers the name of the key.
    ///
    /// # Errors
    /// [`ImageError::Unsigned`] and [`ImageError::Signature`].
    pub fn signed_by(&self, keys: &KeyRing) -> Result<String, ImageError> {
        let path = self.path.clone();
        let names: Vec<&str> = keys.keys().iter().map(crate::trust::PublicKey::name).collect();
        let Some(signature) = &self.signature else {
            let expected = if names.is_empty() { "a trusted key".to_owned() } else { names.join(" or ") };
            return Err(ImageError::Unsigned { path, expected });
        };
        match keys.verify(Purpose::Image, &self.message, signature) {
            Ok(key) => Ok(key.name().to_owned()),
            Err(source) => Err(ImageError::Signature { path, source }),
        }
    }

    /// The model.
    ///
    /// # Errors
    /// [`ImageError::Changed`] for a file that is not what was packed, and [`ImageError::Bundle`] as for [`Bundle::open`].
    pub fn bundle(&self) -> Result<Bundle, ImageError> {
        let entry = self.entry()?;
        let mut files = Vec::with_capacity(entry.files.len());
        for file in &entry.files {
            // As in the program itself, what a guard does not read may stay outside.
            if let Some(packed) = self.find(&model_path(&entry, &file.path)) {
                let bytes = self.checked(packed)?;
                check_size_and_digest(file, packed)?;
                files.push((file.clone(), bytes));
            }
        }
        Ok(Bundle::packed(entry, files)?)
    }

    /// The policy, with the signature that it has of its own. Where one is asked for, one of all that is packed is as good:
    /// `vouched` says whose that is.
    ///
    /// # Errors
    /// [`ImageError::Changed`], and [`ImageError::Policy`] as for [`store::open`].
    pub fn policy(&self, vouched: &Vouched, trust: &Trust) -> Result<Policy, ImageError> {
        let vouched = vouched.signed_by().is_some();
        Ok(store::open_among(&self.contents()?, vouched, trust)?.policy)
    }

    /// Writes all of it to `folder`, which is made: the packed files, and the program as it was.
    ///
    /// # Errors
    /// [`ImageError::Changed`], and [`ImageError::Io`], also where something is there that would have to be replaced.
    pub fn extract(&self, folder: &Path) -> Result<(), ImageError> {
        // All is looked at before anything is written.
        let mut program = self.program_bytes()?.as_bytes().to_vec();
        let at = mark::place(&program, &self.path)?;
        program.iter_mut().skip(at).zip(mark::answer(false)).for_each(|(byte, answer)| *byte = answer);
        self.verify()?;
        let write = |path: &Path, bytes: &[u8]| -> io::Result<()> {
            path.parent().map_or(Ok(()), std::fs::create_dir_all)?;
            disk::write_new(path, bytes, Readers::All)
        };
        let failed = |path: &Path, source| ImageError::Io { action: "write", path: path.to_owned(), source };
        for file in &self.index.files {
            let path = folder.join(&file.path);
            write(&path, self.bytes(file).as_ref()).map_err(|source| failed(&path, source))?;
        }
        let path = folder.join(PROGRAM);
        write(&path, &program)
            .and_then(|()| write::make_executable(&path))
            .map_err(|source| failed(&path, source))
    }

    /// The policy's files.
    fn contents(&self) -> Result<Contents, ImageError> {
        let place = &self.index.policy;
        let location =
            Location { folder: PathBuf::from(POLICY), entry: place.entry.clone(), whole: place.whole };
        let mut files = BTreeMap::new();
        for file in &self.index.files {
            if let Some(path) = file.path.strip_prefix(POLICY) {
                files.insert(path.to_owned(), self.checked(file)?.as_ref().to_vec());
            }
        }
        let signature = location.signature();
        let signature = signature.strip_prefix(POLICY).ok().and_then(Path::to_str);
        let signature = signature.and_then(|signature| files.remove(signature));
        Ok(Contents { location, files, signature })
    }

    /// The one bundle that the packed index of models lists.
    fn entry(&self) -> Result<BundleEntry, ImageError> {
        let name = format!("{MODELS}{INDEX_FILE}");
        let file = self.find(&name).ok_or_else(|| ImageError::Damaged {
            path: self.path.clone(),
            at: self.index.start(),
            what: format!("there is no {name} among the packed files"),
        })?;
        let bytes = self.checked(file)?;
        let models = bundle::Index::parse(bytes.text(&name)?, &name)?;
        Ok(models.default_bundle()?.clone())
    }

    fn find(&self, path: &str) -> Option<&PackedFile> {
        self.index.files.iter().find(|file| file.path == path)
    }

    /// The bytes of a file, unseen.
    fn bytes(&self, file: &PackedFile) -> Bytes {
        // The index was checked: every file lies within the map.
        let place = |at: u64| usize::try_from(at.saturating_sub(self.index.start())).unwrap_or(usize::MAX);
        let range = place(file.offset)..place(file.offset.saturating_add(file.bytes));
        Bytes::packed(Arc::clone(&self.map), range)
    }

    /// The bytes of a file, which has its digest.
    fn checked(&self, file: &PackedFile) -> Result<Bytes, ImageError> {
        let bytes = self.bytes(file);
        if self.verified.get().is_none() {
            self.compare(bytes.as_ref(), &file.path, file.offset, &file.blake3)?;
        }
        Ok(bytes)
    }

    fn program_bytes(&self) -> Result<MappedFile, ImageError> {
        let program = &self.index.program;
        // The file was not shorter when it was opened.
        let length = usize::try_from(program.bytes).unwrap_or(usize::MAX);
        let map = MappedFile::range(&self.file, 0, length).map_err(|source| ImageError::Io {
            action: "map",
            path: self.path.clone(),
            source,
        })?;
        self.compare(map.as_bytes(), PROGRAM, 0, &program.blake3)?;
        Ok(map)
    }

    fn compare(&self, bytes: &[u8], file: &str, at: u64, expected: &str) -> Result<(), ImageError> {
        let found = self.threads.blake3(bytes).to_hex();
        if found.as_str() == expected {
            return Ok(());
        }
        Err(ImageError::Changed {
            path: self.path.clone(),
            file: file.to_owned(),
            at,
            found: found.to_string(),
            expected: expected.to_owned(),
        })
    }
}

/// The path of a model's file among those packed.
fn model_path(entry: &BundleEntry, file: &str) -> String {
    format!("{MODELS}{}/{file}", entry.directory)
}

/// What the index of the models says of a file, against what was packed, which is what was hashed.
fn check_size_and_digest(file: &FileEntry, packed: &PackedFile) -> Result<(), BundleError> {
    let path = file.path.clone();
    if packed.bytes != file.bytes {
        return Err(BundleError::Size { file: path, found: packed.bytes, expected: file.bytes });
    }
    if packed.blake3 != file.blake3 {
        let (found, expected) = (packed.blake3.clone(), file.blake3.clone());
        return Err(BundleError::Digest { file: path, found, expected });
    }
    Ok(())
}
