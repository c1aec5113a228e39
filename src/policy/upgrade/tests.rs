//! Comments, blank lines and order stay; the policy means the same.

use super::{Answers, UpgradeError};
use crate::policy::Policy;

const OLD: &str = r#"# Ours.
schema = 1 # the first
id = "p"
version = "1.0.0"   # as released

# A sentence for people.
description = "d"
conversation.turns = 2

# Mail.
[[rule]]
id = "mail"
detector = "pii.email" # exact
threshold = 0.5
action = "rewrite"

[templates]
t = "text"

# Phones.
[[rule]]
id = "phone"
detector = "pii.phone"
threshold = 0.5
action = "rewrite"
mode = "template"
template = "t"
# The end.
"#;

fn answers() -> Answers {
    Answers { objective: "To \"try\" things.".to_owned(), owner: "Tests".to_owned() }
}

#[test]
fn only_what_is_new_is_put_in() {
    let policy = Policy::parse(OLD, "p.toml").unwrap();
    let new = policy.upgraded(&answers()).unwrap();
    let expected = OLD
        .replace("schema = 1 # the first", "schema = 2 # the first")
        .replace("# as released\n", "# as released\nrevision = 1\n")
        .replace(
            "conversation.turns = 2\n",
            "conversation.turns = 2\n\n[governance]\nobjective = 'To \"try\" things.'\nowner = \"Tests\"\n",
        );
    assert_eq!(new, expected);
    let moved = Policy::parse(&new, "p.toml").unwrap();
    assert_eq!((moved.schema(), moved.revision(), moved.governance().owner.as_str()), (2, 1, "Tests"));
    assert_eq!(moved.rules().len(), policy.rules().len());
}

#[test]
fn one_in_the_newest_schema_is_refused() {
    let policy = Policy::embedded().unwrap();
    let refused = policy.upgraded(&answers()).unwrap_err();
    assert!(matches!(refused, UpgradeError::Newest { schema: 2 }), "{refused}");
}
