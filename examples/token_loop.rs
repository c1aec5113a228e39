//! A model's token loop with the guard in it: only judged text is shown, and a veto stops the model.
//!
//! `Model` stands for a binding of llama.cpp: a prompt in, bytes of a token out, at most so many tokens.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;
use std::io::{self, Write};

use portcullis::{Decision, Guard, Request, Role};

/// What a run of a local model looks like to its host.
struct Model<'a> {
    answer: &'a str,
    at: usize,
}

impl<'a> Model<'a> {
    fn start(_prompt: &str, answer: &'a str) -> Self {
        Self { answer, at: 0 }
    }

    /// The bytes of the next token, which need not be whole characters; nothing at the end.
    fn next_token(&mut self) -> Option<&'a [u8]> {
        let rest = self.answer.as_bytes().get(self.at..).filter(|rest| !rest.is_empty())?;
        let token = rest.get(..4).unwrap_or(rest);
        self.at += token.len();
        Some(token)
    }
}

/// Answers `question`; what was shown, and the strongest decision about it.
fn answer(
    guard: &Guard,
    question: &str,
    model_says: &str,
    screen: &mut impl Write,
) -> Result<Decision, Box<dyn Error>> {
    let asked = guard.check(&Request::new(question, Role::User)?);
    let Some(prompt) = asked.text.filter(|_| asked.decision.releases()) else {
        writeln!(screen, "(not asked: {})", asked.decision)?;
        return Ok(asked.decision);
    };
    let mut model = Model::start(&prompt, model_says);
    let mut stream = guard.stream(Role::Assistant);
    while let Some(token) = model.next_token() {
        for piece in stream.push(token) {
            write!(screen, "{}", piece.text)?;
        }
        screen.flush()?;
        // Nothing that comes now would be shown.
        if stream.is_closed() {
            break;
        }
    }
    for piece in stream.finish() {
        write!(screen, "{}", piece.text)?;
    }
    writeln!(screen)?;
    Ok(stream.decision())
}

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    // Opened once, cloned wherever it is needed.
    let guard = Guard::embedded()?;
    let mut screen = Vec::new();

    let kettle = "Fill it half with vinegar and half with water, and let it boil. Grüße from the kitchen!";
    let decision = answer(&guard, "How do I descale a kettle?", kettle, &mut screen)?;
    assert_eq!(decision, Decision::Allow);

    let address = "The owner is Jo. Write to jo@example.org, she will help you with the garden.";
    let decision = answer(&guard, "Who runs the garden?", address, &mut screen)?;
    assert_eq!(decision, Decision::Rewrite);

    let abuse = "The garden opens at nine. You worthless idiot, nobody likes you. Come and see it.";
    let decision = answer(&guard, "When does the garden open?", abuse, &mut screen)?;
    assert_eq!(decision, Decision::Veto);

    let shown = String::from_utf8(screen)?;
    assert!(shown.contains("Grüße") && shown.contains("[EMAIL]"));
    assert!(!shown.contains("jo@example.org") && !shown.contains("idiot"));
    io::stdout().write_all(shown.as_bytes())?;
    Ok(())
}
