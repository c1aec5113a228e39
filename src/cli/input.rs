//! The one text of a command: from its argument or from standard input.

use super::terminal;
use anyhow::{Context as _, bail, ensure};
use clap::Args;
use portcullis::{Request, Role};
use std::io::{self, IsTerminal as _, Read as _};

/// The most bytes read from standard input: far above any policy's limit, far below what harms the machine.
const MOST_BYTES: u64 = 64 << 20;

/// The text to judge.
#[derive(Args)]
pub(super) struct TextInput {
    /// The text; `-`, or no text with something piped in, reads standard input to its end.
    text: Option<String>,

    /// Who produced the text: user, assistant, tool or system.
    #[arg(long, value_name = "ROLE", default_value = "user", value_parser = parse_role)]
    role: Role,

    /// The language of the templates that a rewrite may put in, as a tag such as de or pt-BR.
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,

    /// The data slice that the text belongs to: rules of the policy may be limited to some.
    #[arg(long, value_name = "NAME")]
    slice: Option<String>,
}

impl TextInput {
    /// The request to judge this text.
    ///
    /// # Errors
    /// When there is no text, when it is not text, and when standard input holds more than [`MOST_BYTES`].
    pub(super) fn request(&self) -> anyhow::Result<Request> {
        Ok(Request { locale: self.locale.clone(), slice: self.slice.clone(), ..self.text()? })
    }

    fn text(&self) -> anyhow::Result<Request> {
        match self.text.as_deref() {
            Some(text) if text != "-" => Ok(Request::new(text, self.role)?),
            given => {
                if given.is_none() && io::stdin().is_terminal() {
                    bail!("no text: give it in quotes, or pipe it in");
                }
                let mut bytes = Vec::new();
                io::stdin()
                    .lock()
                    .take(MOST_BYTES + 1)
                    .read_to_end(&mut bytes)
                    .context("cannot read standard input")?;
                ensure!(
                    bytes.len() as u64 <= MOST_BYTES,
                    "standard input has more than {} bytes, the most that one text may have",
                    MOST_BYTES
                );
                Ok(Request::from_bytes(&bytes, self.role)?)
            }
        }
    }
}

/// A range of the text as `line:column`, for people.
pub(super) fn place(text: &str, span: portcullis::Span) -> String {
    let (line, column) = terminal::line_and_column(text, span.start);
    format!("{line}:{column} (bytes {}..{})", span.start, span.end)
}

pub(super) fn parse_role(word: &str) -> Result<Role, String> {
    word.parse::<Role>().map_err(|error| error.to_string())
}
