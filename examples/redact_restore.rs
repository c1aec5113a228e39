//! Personal data stays here: the model sees numbered placeholders, and its answer gets the originals back.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use portcullis::{Guard, Request, Role, Vault};

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let guard = Guard::embedded()?;
    // One vault for one conversation; its originals are in this process's memory only.
    let mut vault = Vault::new();

    let question = "Write to ana@example.org and to ben@example.org. Ask ana@example.org for the key.";
    let asked = guard.redact(&Request::new(question, Role::User)?, &mut vault);
    let prompt = asked.text.ok_or("the question is released")?;
    println!("the model reads: {prompt}");
    assert_eq!(prompt, "Write to [EMAIL_1] and to [EMAIL_2]. Ask [EMAIL_1] for the key.");

    // The answer comes in tokens, which may tear a placeholder: judge first, restore last.
    let mut stream = guard.stream(Role::Assistant);
    let mut restorer = vault.restorer();
    let mut shown = String::new();
    for token in ["I have written to [EM", "AIL_1], and will ask [EMAIL", "_1] for the key.\n"] {
        for piece in stream.push(token.as_bytes()) {
            shown.push_str(&restorer.push(&piece.text));
        }
    }
    for piece in stream.finish() {
        shown.push_str(&restorer.push(&piece.text));
    }
    shown.push_str(&restorer.finish());
    print!("the user reads: {shown}");
    assert_eq!(shown, "I have written to ana@example.org, and will ask ana@example.org for the key.\n");
    Ok(())
}
