//! A mark in the program itself that says whether files were packed behind it.
//!
//! What lies behind a program can be lost: `strip`, and a download that ends early, leave a program that still runs. Without the
//! mark it would then judge by other weights and another policy than those it was given, and nobody would see it.

use std::hint::black_box;

use memchr::memmem;

use super::ImageError;

/// What says that nothing is packed, and what says that something is.
const PLAIN: [u8; 4] = *b"no \n";
const PACKED: [u8; 4] = *b"yes\n";
/// Bytes of the mark before that.
const LEAD: usize = 28;

#[used]
static MARK: [u8; LEAD + PLAIN.len()] = *b"portcullis program, packed: no \n";

/// Whether this program was packed: its own file then has to hold what was.
///
/// It says so by a mark that [`write`](fn@super::write) sets in the program; no file is opened.
#[must_use]
pub fn is_packed() -> bool {
    // The compiler must not answer by what the mark is before it is set.
    black_box(&MARK).ends_with(&PACKED)
}

/// Where in the program the answer stands.
///
/// # Errors
/// [`ImageError::NoProgram`] where there is not exactly one mark.
pub(super) fn place(program: &[u8], path: &std::path::Path) -> Result<usize, ImageError> {
    // Read at run time: as a constant it could be in the program a second time.
    let lead = black_box(&MARK).first_chunk::<LEAD>().map_or(&[][..], |lead| lead);
    let whole = |at: &usize| {
        let answer = program.get(at + LEAD..).and_then(|rest| rest.first_chunk());
        answer == Some(&PLAIN) || answer == Some(&PACKED)
    };
    let found: Vec<usize> = memmem::find_iter(program, lead).filter(whole).collect();
    match found.as_slice() {
        &[at] => Ok(at + LEAD),
        found => Err(ImageError::NoProgram { path: path.to_owned(), found: found.len() }),
    }
}

/// The bytes of the answer.
pub(super) const fn answer(packed: bool) -> [u8; 4] {
    if packed { PACKED } else { PLAIN }
}
