//! The words for every kind of difference.

use crate::policy::Policy;

const A: &str = r#"schema = 2
id = "p"
version = "1.0.0"
revision = 1

[governance]
objective = "o"
owner = "One"

[[list]]
id = "rivals"
words = ["acme", "bolt"]

[[rule]]
id = "mail"
detector = "pii.email"
threshold = 0.5
action = "rewrite"

[[rule]]
id = "rivals"
detector = "list.rivals"
threshold = 1.0
action = "escalate"

[[rule]]
id = "phone"
detector = "pii.phone"
threshold = 0.5
action = "veto"

[templates]
spare = "text"
"#;

const B: &str = r#"schema = 2
id = "p"
version = "1.1.0"
revision = 2
max_bytes = 10
on_log_failure = "continue"
on_device_failure = "fault"

[rollback]
veto_rate_above = 0.25

[governance]
objective = "o"
owner = "Two"
expires = 2031-05-09

[[list]]
id = "rivals"
words = ["acme", "cog", "dyn"]

[[list]]
id = "swearing"
words = ["drat"]

[[rule]]
id = "rivals"
detector = "list.rivals"
threshold = 1.0
action = "rewrite"
mode = "mask"
roles = ["assistant"]
slices = ["shop"]
hazard = "Hate"

[[rule]]
id = "mail"
detector = "pii.email"
threshold = 0.75
action = "rewrite"

[[rule]]
id = "hate"
detector = "classifier.hate"
target_fpr = 0.001
action = "veto"

[urls]
deny = ["example.org"]

[templates]
spare = "other text"
new = "text"
"#;

fn words(a: &str, b: &str) -> Vec<String> {
    let read = |source| Policy::parse(source, "p.toml").unwrap();
    read(a).changes(&read(b)).iter().map(ToString::to_string).collect()
}

#[test]
fn every_difference_is_told() {
    let expected = [
        "the policy: version from 1.0.0 to 1.1.0",
        "the policy: revision from 1 to 2",
        "the policy: on_log_failure from fault to continue",
        "the policy: on_device_failure from cpu to fault",
        "the policy: max_bytes from 1048576 to 10",
        "the governance: owner from \"One\" to \"Two\"",
        "the governance: expires from none to 2031-05-09",
        "the automatic rollback is added: to the revision before, veto_rate_above 0.25, min_verdicts 200, cooldown 3600 s",
        "rule `phone` is removed: pii.phone from threshold 0.5, veto",
        "rule `rivals`: roles from user, assistant, tool, system to assistant",
        "rule `rivals`: slices from none to shop",
        "rule `rivals`: action from escalate to rewrite (mask, keep 4)",
        "rule `rivals`: hazard from none to Hate",
        "rule `mail`: threshold from 0.5 to 0.75",
        "rule `hate` is added: classifier.hate from target_fpr 0.001, veto",
        "the rules come in another order",
        "list `rivals`: 2 words added, 1 removed",
        "list `swearing` is added: 1 word",
        "the URLs: 1 denied host added",
        "template `new` is added",
        "template `spare` has another content",
    ];
    assert_eq!(words(A, B), expected);
}

#[test]
fn one_policy_has_no_difference_and_a_comment_is_one_of_the_text() {
    assert_eq!(words(A, A), Vec::<String>::new());
    assert_eq!(words(A, &format!("# A comment.\n{A}")), ["the text of the policy has another content"]);
}

#[test]
fn schemas_and_tools_are_told_by_name() {
    let more = "\n[[json_schema]]\nid = \"order\"\ninline = \"true\"\n[[tool]]\nname = \"find\"\ninline = \"true\"\n[tools]\nallow = [\"say\"]\n";
    let with = format!("{A}{more}");
    assert_eq!(
        words(A, &with),
        ["the tools: 1 allowed tool added", "`schema.order` is added", "tool `find` is added"]
    );
    let other = with.replace("inline = \"true\"", "inline = \"false\"");
    assert_eq!(
        words(&with, &other),
        ["`schema.order` has another content", "tool `find` has another content"]
    );
}
