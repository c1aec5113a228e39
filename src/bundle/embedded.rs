//! The default bundle as part of the program's image, which the loader maps and processes share.

/// Puts the bytes on a cache line, as a mapped file's first byte is: kernels may rely on it for speed.
#[repr(C, align(64))]
struct Aligned<T: ?Sized>(T);

macro_rules! embed {
    ($path:literal) => {{
        static FILE: &Aligned<[u8]> =
            &Aligned(*include_bytes!(concat!("../../models/portcullis-base/", $path)));
        &FILE.0
    }};
}

/// `models/index.toml`.
pub(super) const INDEX: &str = include_str!("../../models/index.toml");

/// The file `path` of the default bundle, when it is embedded.
///
/// `tokenizer.json` and the model card stay outside: the guard reads neither at run time.
pub(super) fn file(path: &str) -> Option<&'static [u8]> {
    match path {
        "manifest.toml" => Some(embed!("manifest.toml")),
        "weights.safetensors" => Some(embed!("weights.safetensors")),
        "words.safetensors" => Some(embed!("words.safetensors")),
        "vocab.bin" => Some(embed!("vocab.bin")),
        "calibration.toml" => Some(embed!("calibration.toml")),
        _ => None,
    }
}
