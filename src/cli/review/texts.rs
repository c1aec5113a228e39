//! The text of a case, where there is one, and its spans.

use anyhow::{Context as _, ensure};
use portcullis::Span;
use portcullis::installation::SampleSettings;
use portcullis::record::InstallationKey;
use portcullis::review::Case;
use portcullis::samples::{Samples, read_identity};
use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::Path;
use zeroize::Zeroizing;

/// Most bytes read of a text.
const MOST_BYTES: u64 = 64 << 20;

/// Reads the text of a case from a file, or from standard input for `-`, and checks that it is the one that was judged.
///
/// # Errors
/// When it cannot be read, or is another text than the record names.
pub(super) fn from_file(state: &Path, case: &Case, file: &Path) -> anyhow::Result<String> {
    let failed = || format!("cannot read {}", file.display());
    let mut text = String::new();
    let read = if file.as_os_str() == "-" {
        io::stdin().lock().take(MOST_BYTES + 1).read_to_string(&mut text)
    } else {
        let opened = std::fs::File::open(file).with_context(failed)?;
        opened.take(MOST_BYTES + 1).read_to_string(&mut text)
    };
    read.with_context(failed)?;
    ensure!(text.len() as u64 <= MOST_BYTES, "{} has more than {MOST_BYTES} bytes", file.display());
    check(state, case, &text).with_context(|| format!("cannot use {}", file.display()))?;
    Ok(text)
}

/// The kept texts of cases, for whoever has the identity that they were encrypted to.
pub(super) struct Kept {
    samples: Samples,
    identity: Zeroizing<String>,
}

impl Kept {
    /// The samples of a state directory, whatever its settings say now.
    ///
    /// # Errors
    /// When the identity cannot be read.
    pub(super) fn open(state: &Path, identity: &Path) -> anyhow::Result<Self> {
        let samples = Samples::open(state, &SampleSettings::default())?;
        Ok(Self { samples, identity: read_identity(identity)? })
    }

    /// The texts of those cases that have one that can be used, by their digests.
    pub(super) fn texts(&self, state: &Path, cases: &[Case]) -> BTreeMap<String, String> {
        let text = |case: &Case| Some((case.record.text_digest.clone(), self.text(state, case).ok()?));
        cases.iter().filter_map(text).collect()
    }

    /// The text of a case.
    ///
    /// # Errors
    /// When it was not kept, cannot be decrypted, or is not the text of the case.
    pub(super) fn text(&self, state: &Path, case: &Case) -> anyhow::Result<String> {
        let mut text = self.samples.read(&case.record.decision_id, &self.identity)?;
        // A tool call is kept below the text.
        if case.record.tool_call_digest.is_some() && text.is_char_boundary(case.record.text_bytes) {
            text.truncate(case.record.text_bytes);
        }
        check(state, case, &text).context("cannot use the sample")?;
        Ok(text)
    }
}

/// Checks that a text is the one that a case is about.
///
/// # Errors
/// When it is another, or the installation's key cannot be read.
fn check(state: &Path, case: &Case, text: &str) -> anyhow::Result<()> {
    let digest = InstallationKey::load_or_create(state)?.text_digest(text);
    ensure!(
        digest == case.record.text_digest,
        "it is not the text of the case: found {} bytes with another digest, expected {} bytes, byte for byte as they were judged",
        text.len(),
        case.record.text_bytes
    );
    Ok(())
}

/// The text cut where findings begin and end; true for what lies in one.
pub(super) fn marked<'t>(text: &'t str, case: &Case) -> Vec<(&'t str, bool)> {
    let mut spans: Vec<Span> =
        case.record.findings.iter().flat_map(|finding| finding.spans.iter().copied()).collect();
    spans.sort_unstable();
    let mut parts = Vec::new();
    let mut at = 0;
    for span in spans {
        let (start, end) = (span.start.max(at), span.end);
        // A span that is none of this text marks nothing.
        let (Some(before), Some(found)) = (text.get(at..start), text.get(start..end)) else { continue };
        parts.push((before, false));
        parts.push((found, true));
        at = end;
    }
    parts.push((text.get(at..).unwrap_or_default(), false));
    parts.retain(|(part, _)| !part.is_empty());
    parts
}
