//! A rail of the host's own: words that only this host knows, weighed by its policy in texts, disguises and streams.

#![allow(clippy::print_stdout, reason = "an example shows what it does")]

use std::error::Error;

use portcullis::policy::Policy;
use portcullis::{Decision, Guard, Rail, RailFault, RailText, Request, Role, Sighting};

/// Tickets of the house: `HR-` and at least three digits.
struct Tickets;

impl Rail for Tickets {
    fn name(&self) -> &'static str {
        "tickets"
    }

    fn category(&self) -> &'static str {
        "confidential"
    }

    fn scan(&self, text: &RailText<'_>) -> Result<Vec<Sighting>, RailFault> {
        let mut found = Vec::new();
        for (at, mark) in text.text.match_indices("HR-") {
            let number = text.text.get(at + mark.len()..).ok_or(RailFault("a match is not in its text"))?;
            let digits = number.bytes().take_while(u8::is_ascii_digit).count();
            if digits >= 3 {
                found.push(Sighting::at(1.0, [(at, at + mark.len() + digits)]));
            }
        }
        Ok(found)
    }
}

const POLICY: &str = r#"
schema = 1
id = "house"
version = "1.0.0"
on_unsupported = "allow"

[[rule]]
id = "tickets"
detector = "host.tickets"
roles = ["assistant"]
threshold = 1.0
action = "rewrite"
"#;

pub(crate) fn main() -> Result<(), Box<dyn Error>> {
    let guard = Guard::builder().policy(Policy::parse(POLICY, "house.toml")?).rail(Tickets).build()?;

    let verdict = guard.check(&Request::new("Your case is HR-20417, she said.", Role::Assistant)?);
    println!("{}: {}", verdict.decision, verdict.text.as_deref().unwrap_or_default());
    assert_eq!(verdict.text.as_deref(), Some("Your case is [REDACTED], she said."));
    let [finding] = verdict.findings.as_slice() else { return Err("one finding".into()) };
    assert_eq!((finding.rule.as_str(), finding.category.as_str()), ("tickets", "confidential"));

    // Full-width letters are seen through, as they are for the guard's own patterns.
    let disguised = guard.check(&Request::new("Your case is ＨＲ-20417, she said.", Role::Assistant)?);
    assert_eq!(disguised.text.as_deref(), Some("Your case is [REDACTED], she said."));

    let mut stream = guard.stream(Role::Assistant);
    let mut shown = String::new();
    for token in ["Your case is H", "R-20", "417, she said. It will be", " looked at soon.\n"] {
        stream.push(token.as_bytes()).iter().for_each(|piece| shown.push_str(&piece.text));
    }
    stream.finish().iter().for_each(|piece| shown.push_str(&piece.text));
    print!("{shown}");
    assert_eq!(shown, "Your case is [REDACTED], she said. It will be looked at soon.\n");
    assert_eq!(stream.decision(), Decision::Rewrite);
    Ok(())
}
