//! A packed program's trailer, index and files: any bytes are an error or are read, never a panic.
//!
//! The first byte chooses whether the bytes are a whole file, or an index and a signature whose trailer holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use portcullis::image::Image;
use portcullis::store::{Trust, Vouched};
use portcullis::trust::KeyRing;

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else { return };
    let mut bytes = rest.to_vec();
    if kind % 2 == 1 {
        // Files of the size that the second byte says, then the index.
        let Some((files, index)) = rest.split_first() else { return };
        let files = usize::from(*files) << 8;
        bytes = vec![b'#'; files];
        bytes.extend(index);
        bytes.extend((files as u64).to_le_bytes());
        bytes.extend((index.len() as u64).to_le_bytes());
        bytes.extend(0_u64.to_le_bytes());
        bytes.extend(1_u64.to_le_bytes());
        bytes.extend(hash(index));
        bytes.extend(b"PORTCULLIS PACK\n");
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("guard");
    std::fs::write(&path, bytes).expect("a file in it");
    let Ok(image) = Image::open(&path) else { return };
    let _ = (image.verify(), image.verify_program(), image.bundle());
    let _ = image.policy(&Vouched::Unsigned, &Trust::default());
    // No key is trusted, so that nothing is vouched for.
    assert!(image.vouched(&KeyRing::default()).map_or(true, |vouched| vouched.signed_by().is_none()));
    let out = folder.path().join("out");
    if image.extract(&out).is_ok() {
        assert!(out.join("program").exists());
    }
});

fn hash(bytes: &[u8]) -> [u8; 32] {
    *blake3::hash(bytes).as_bytes()
}
