//! The default bundle as part of the program's image, which the loader maps and processes share.
//!
//! Without the feature `embedded` only its vocabulary is there, by which disguises are seen through for models of words.

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
        "vocab.bin" => Some(embed!("vocab.bin")),
        #[cfg(feature = "embedded")]
        "manifest.toml" => Some(embed!("manifest.toml")),
        #[cfg(feature = "embedded")]
        "weights.safetensors" => Some(embed!("weights.safetensors")),
        #[cfg(feature = "embedded")]
        "words.safetensors" => Some(embed!("words.safetensors")),
        #[cfg(feature = "embedded")]
        "calibration.toml" => Some(embed!("calibration.toml")),
        _ => None,
    }
}
