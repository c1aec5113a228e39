//! What schema 2 says of a policy and its rules, and the days on which a policy may be in force.

use jiff::civil::date;

use super::Standing;
use crate::policy::{Hazard, Policy};

const POLICY: &str = r#"schema = 2
id = "p"
version = "1.0.0"
revision = 7

[governance]
objective = "To try things."
owner = "Tests"
reviewer = "Other tests"
references = ["NIST AI RMF GOVERN 1.2", "NIST AI RMF GOVERN 1.2", "house rule 3"]
data_slice = "checkout"
effective = 2031-05-09
expires = 2032-05-09

[[rule]]
id = "r"
detector = "pii.email"
threshold = 0.5
action = "veto"
owner = "Payments"
hazard = "Suicide & Self-Harm"
references = ["OWASP LLM02"]
rationale = "Somebody asked for it."
slices = ["checkout"]
locales = ["de", "pt-BR"]
"#;

#[test]
fn what_schema_2_adds_is_read() {
    let policy = Policy::parse(POLICY, "p.toml").unwrap();
    assert_eq!((policy.schema(), policy.revision()), (2, 7));
    let governance = policy.governance();
    assert_eq!((governance.objective.as_str(), governance.owner.as_str()), ("To try things.", "Tests"));
    assert_eq!(governance.reviewer.as_deref(), Some("Other tests"));
    assert_eq!(governance.references, ["NIST AI RMF GOVERN 1.2", "house rule 3"]);
    assert_eq!(governance.data_slice.as_deref(), Some("checkout"));
    let rule = &policy.rules()[0];
    assert_eq!((rule.owner.as_deref(), rule.hazard), (Some("Payments"), Some(Hazard::SuicideAndSelfHarm)));
    assert_eq!(
        (&*rule.references, rule.rationale.as_deref()),
        (&["OWASP LLM02".to_owned()][..], Some("Somebody asked for it."))
    );
    assert_eq!(
        (rule.slices.join(" "), rule.locales.join(" ")),
        ("checkout".to_owned(), "de pt-BR".to_owned())
    );
}

#[test]
fn the_first_schema_is_read_as_before() {
    let source = "schema = 1\nid = \"p\"\nversion = \"1.0.0\"\n[[rule]]\nid = \"r\"\ndetector = \"pii.email\"\nthreshold = 0.5\naction = \"veto\"\n";
    let policy = Policy::parse(source, "p.toml").unwrap();
    assert_eq!((policy.schema(), policy.revision(), policy.governance().owner.as_str()), (1, 0, ""));
    assert_eq!(policy.governance().standing(date(1999, 1, 1)), Standing::InForce);
}

#[test]
fn a_policy_is_in_force_from_its_first_day_until_the_day_before_its_expiry() {
    let policy = Policy::parse(POLICY, "p.toml").unwrap();
    let (first, end) = (date(2031, 5, 9), date(2032, 5, 9));
    let standing = |day| policy.governance().standing(day);
    assert_eq!(standing(date(2031, 5, 8)), Standing::NotBefore(first));
    assert_eq!((standing(first), standing(date(2032, 5, 8))), (Standing::InForce, Standing::InForce));
    assert_eq!(
        (standing(end), standing(date(2040, 1, 1))),
        (Standing::ExpiredOn(end), Standing::ExpiredOn(end))
    );
}

#[test]
fn every_hazard_is_read_by_its_name() {
    for hazard in Hazard::ALL {
        let source = POLICY.replace("Suicide & Self-Harm", hazard.as_str());
        assert_eq!(Policy::parse(&source, "p.toml").unwrap().rules()[0].hazard, Some(hazard));
    }
}
