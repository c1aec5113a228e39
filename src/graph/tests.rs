use std::time::Duration;

use proptest::prelude::*;

use super::{Answer, Builder, Component, Format, Graph, GraphError, Limits, Question};
use crate::log::{Body, Entry, Event};
use crate::policy::Policy;
use crate::record::DecisionRecord;
use crate::verdict::{ModelRef, PolicyRef};

const POLICY: &str = r#"
schema = 2
id = "shop"
version = "1.0.0"
revision = 4

[governance]
objective = "Keep customers' data in."
owner = "Jo <jo@example.org>"
references = ["NIST AI RMF GOVERN 1.2"]

[[rule]]
id = "hate"
detector = "classifier.hate"
threshold = 0.5
action = "veto"
hazard = "Hate"
owner = "Kim"

[[rule]]
id = "mail"
detector = "pii.email"
threshold = 0.5
action = "rewrite"
hazard = "Privacy"
"#;

fn policy() -> Policy {
    Policy::parse(POLICY, "policy.toml").unwrap()
}

fn record(id: &str, policy: &PolicyRef, rule: &str) -> DecisionRecord {
    let json = serde_json::json!({
        "decision_id": id, "time": "2026-11-01T00:00:00.000000Z", "role": "user", "text_digest": "", "text_bytes": 3,
        "decision": "veto", "scores": {}, "thresholds": {}, "coverage": "full", "slice": "de",
        "findings": [{"rule": rule, "category": "hate", "score": 0.9, "threshold": 0.5, "spans": [], "source": "classifier",
                      "action": "veto"}],
        "policy": policy, "model": {"id": "base", "digest": "feed01"}, "calibration": "cafe02",
        "timing_us": {"total": 1, "normalize": 0, "patterns": 0, "tokenize": 0, "encode": 0, "decide": 0}
    });
    serde_json::from_value(json).unwrap()
}

fn graph() -> Graph {
    let mut builder = Builder::new();
    let policy = policy();
    builder.policy(&policy, true);
    let model = ModelRef { id: "base".to_owned(), digest: "feed01".to_owned() };
    let heads = ["hate".to_owned(), "threat".to_owned()];
    builder.component(&Component {
        model: &model,
        calibration: "cafe02",
        weights: Some("beef03"),
        heads: &heads,
    });
    let decision = record("d1", &policy.reference(), "hate");
    builder.entry(&Entry { seq: 0, body: Body::Decision(Box::new(decision)) });
    let added = Event::ExceptionAdded {
        id: "x1".to_owned(),
        approved_by: "Lea".to_owned(),
        expires: "2027-01-01T00:00:00Z".to_owned(),
    };
    builder.entry(&Entry {
        seq: 1,
        body: Body::Event { time: "2026-11-01T00:00:00Z".to_owned(), event: added },
    });
    builder.finish().unwrap()
}

fn rows(graph: &Graph, query: &str) -> Vec<Vec<String>> {
    match graph.query(query, Limits::default()).unwrap() {
        Answer::Rows { rows, .. } => rows
            .into_iter()
            .map(|row| {
                row.into_iter().map(|term| term.map_or_else(String::new, |term| term.to_string())).collect()
            })
            .collect(),
        other => panic!("{other:?}"),
    }
}

fn ask(question: Question, argument: &str) -> Vec<Vec<String>> {
    rows(&graph(), &question.query(argument))
}

#[test]
fn ready_questions_are_answered() {
    assert_eq!(ask(Question::RulesWithoutOwner, "").len(), 0, "the policy has an owner");
    assert_eq!(ask(Question::RulesWithoutTest, "").len(), 2);
    assert_eq!(ask(Question::HazardsWithoutRule, "").len(), 10, "of twelve, two have rules");
    assert_eq!(ask(Question::References, ""), [["\"NIST AI RMF GOVERN 1.2\"", "\"shop 1.0.0\""]]);
    assert_eq!(ask(Question::ExceptionsBy, "Lea").len(), 1);
    assert_eq!(ask(Question::ExceptionsBy, "Jo").len(), 0);
    assert_eq!(ask(Question::DecisionsOfRule, "hate").len(), 1);
    assert_eq!(ask(Question::ActsOf, "Kim"), [["\"owner\"", "\"hate\""]]);
    assert_eq!(ask(Question::History, "").len(), 0);
}

#[test]
fn what_depends_on_a_model_is_found_through_rules() {
    let found = ask(Question::DependsOn, "feed");
    let kinds: Vec<&str> = found.iter().map(|row| row[0].as_str()).collect();
    for kind in ["Calibration", "Decision", "Detector", "Head", "Policy", "Rule", "Weights"] {
        assert!(kinds.contains(&format!("\"{kind}\"").as_str()), "{kind}: {found:?}");
    }
    let rules: Vec<_> = found.iter().filter(|row| row[0] == "\"Rule\"").collect();
    assert_eq!(rules.len(), 1, "the rule on a pattern does not depend on the model: {rules:?}");
    assert_eq!(ask(Question::DependsOn, "0000").len(), 0);
}

#[test]
fn an_argument_stays_a_string() {
    let attack = "x\" } ; DROP ALL ; SELECT ?a { ?a ?b \"\\";
    for question in Question::ALL {
        assert!(matches!(graph().query(&question.query(attack), Limits::default()), Ok(Answer::Rows { .. })));
    }
}

#[test]
fn nothing_can_be_changed_loaded_or_sent() {
    let graph = graph();
    let before = graph.export(Format::NTriples).unwrap();
    for update in [
        "INSERT DATA { <urn:a> <urn:b> <urn:c> }",
        "DELETE WHERE { ?s ?p ?o }",
        "DROP ALL",
        "CLEAR DEFAULT",
        "LOAD <file:///etc/passwd>",
        "LOAD <http://127.0.0.1:9/x>",
        "COPY DEFAULT TO <urn:g>",
        "",
        "SELECT",
    ] {
        assert!(matches!(graph.query(update, Limits::default()), Err(GraphError::Syntax { .. })), "{update}");
    }
    for service in [
        "SELECT * { SERVICE <http://127.0.0.1:9/sparql> { ?s ?p ?o } }",
        "SELECT * { SERVICE SILENT <http://127.0.0.1:9/sparql> { ?s ?p ?o } }",
        "SELECT * { ?s ?p ?o . sErViCe ?s { ?a ?b ?c } }",
        "SELECT * { ?s ?p ?o FILTER EXISTS { SERVICE SILENT ?s { ?a ?b ?c } } }",
        "SELECT * { OPTIONAL { { SELECT * { SERVICE <urn:x> { ?a ?b ?c } } } } }",
        "ASK { ?s ?p ?o MINUS { SERVICE <urn:x> { ?s ?p ?o } } }",
    ] {
        assert!(matches!(graph.query(service, Limits::default()), Err(GraphError::Service)), "{service}");
    }
    for innocent in [
        "SELECT ?SERVICE { ?SERVICE ?p \"SERVICE <urn:x> {\" }",
        "SELECT * { ?s <urn:x:SERVICE> \"a \\\" SERVICE \" }",
        "# SERVICE <urn:x>\nASK { ?s ?p ?o }",
    ] {
        assert!(graph.query(innocent, Limits::default()).is_ok(), "{innocent}");
    }
    // A data set that is named is looked for among the graph's own, and there is none.
    assert_eq!(rows(&graph, "SELECT * FROM <file:///etc/passwd> { ?s ?p ?o }").len(), 0);
    assert_eq!(graph.export(Format::NTriples).unwrap(), before);
}

#[test]
fn a_query_is_bounded() {
    let graph = graph();
    let short = Limits { time: Duration::from_millis(50), answers: 10 };
    let endless =
        "SELECT (COUNT(*) AS ?n) { ?a ?b ?c . ?d ?e ?f . ?g ?h ?i . ?j ?k ?l . ?m ?n2 ?o . ?p ?q ?r }";
    assert!(matches!(graph.query(endless, short), Err(GraphError::Time { .. })));
    assert!(matches!(graph.query("SELECT * { ?s ?p ?o }", short), Err(GraphError::Answers { limit: 10 })));
    assert!(matches!(
        graph.query("CONSTRUCT { ?s ?p ?o } { ?s ?p ?o }", short),
        Err(GraphError::Answers { limit: 10 })
    ));
    let long = format!("SELECT * {{ ?s ?p \"{}\" }}", "x".repeat(70_000));
    assert!(matches!(graph.query(&long, short), Err(GraphError::Long { .. })));
}

#[test]
fn forms_of_the_graph_hold_the_same_triples() {
    let graph = graph();
    let lines = graph.export(Format::NTriples).unwrap();
    assert_eq!(lines.lines().count(), graph.len());
    assert!(lines.lines().is_sorted());
    for (format, parser) in [
        (Format::Turtle, oxigraph::io::RdfFormat::Turtle),
        (
            Format::JsonLd,
            oxigraph::io::RdfFormat::JsonLd { profile: oxigraph::io::JsonLdProfileSet::empty() },
        ),
    ] {
        let text = graph.export(format).unwrap();
        assert_eq!(text, graph.export(format).unwrap());
        let read = oxigraph::io::RdfParser::from_format(parser).for_reader(text.as_bytes());
        assert_eq!(read.map(Result::unwrap).count(), graph.len(), "{format:?}");
    }
}

#[test]
fn answers_are_written_for_other_programs() {
    let graph = graph();
    let answer =
        graph.query("SELECT ?n { ?r a pc:Rule ; rdfs:label ?n } ORDER BY ?n", Limits::default()).unwrap();
    assert_eq!(answer.to_csv().unwrap(), "n\r\nhate\r\nmail\r\n");
    let json: serde_json::Value = serde_json::from_str(&answer.to_json().unwrap()).unwrap();
    assert_eq!(json["results"]["bindings"][0]["n"]["value"], "hate");
    assert_eq!(graph.query("ASK { ?r a pc:Rule }", Limits::default()).unwrap(), Answer::Truth(true));
    let Answer::Turtle(turtle) = graph.query("DESCRIBE ?r { ?r a pc:Rule }", Limits::default()).unwrap()
    else {
        panic!("expected a graph");
    };
    assert!(turtle.contains("pc:looksAt"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_name_is_one_iri_and_comes_back(name in ".{0,80}", other in ".{0,20}") {
        let mut builder = Builder::new();
        let before = builder.policy_ref(&PolicyRef { id: name.clone(), version: other.clone(), digest: name.clone() });
        let rule = builder.rule_ref(&name, &other);
        prop_assert!(oxigraph::model::NamedNode::new(before.as_str()).is_ok(), "{}", before);
        prop_assert!(oxigraph::model::NamedNode::new(rule.as_str()).is_ok(), "{}", rule);
        prop_assert_ne!(builder.rule_ref(&format!("{name}:"), &other), rule);
        builder.words(&before, "id", &name);
        let graph = builder.finish().unwrap();
        for (format, parser) in [
            (Format::Turtle, oxigraph::io::RdfFormat::Turtle),
            (Format::NTriples, oxigraph::io::RdfFormat::NTriples),
            (Format::JsonLd, oxigraph::io::RdfFormat::JsonLd { profile: oxigraph::io::JsonLdProfileSet::empty() }),
        ] {
            let text = graph.export(format).unwrap();
            let read = oxigraph::io::RdfParser::from_format(parser).for_reader(text.as_bytes());
            let mut values = Vec::new();
            for quad in read {
                values.push(quad.unwrap().object.to_string());
            }
            let literal = oxigraph::model::Literal::from(name.as_str()).to_string();
            prop_assert!(name.is_empty() || values.contains(&literal), "{format:?} {literal}");
        }
    }
}
