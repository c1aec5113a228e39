//! The page holds the figures, and nothing from outside as markup.

use super::made::{entries, entry, event, record, report, settings, time};
use crate::log::Event;
use crate::report::{Aggregate, html};
use crate::verdict::Decision;

const ATTACK: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";

/// The page of a log in which every name is an attack.
fn attacked() -> String {
    let mut aggregate = Aggregate::new(crate::report::Settings {
        title: ATTACK.to_owned(),
        brand_categories: vec![ATTACK.to_owned()],
        ..settings()
    });
    for at in 0..80 {
        let mut made =
            record(at, time(at as i64), if at % 2 == 0 { Decision::Escalate } else { Decision::Veto });
        made.slice = Some(format!("{ATTACK}{}", at % 2));
        made.findings[0].rule = ATTACK.to_owned();
        made.findings[0].category = ATTACK.to_owned();
        made.policy.id = ATTACK.to_owned();
        made.policy.digest = ATTACK.to_owned();
        made.decision_id = format!("{at}{ATTACK}");
        made.scores = std::iter::once((ATTACK.to_owned(), 0.25 + (at % 4) as f32 / 8.0)).collect();
        aggregate.label(crate::report::Label {
            decision_id: made.decision_id.clone(),
            heads: std::iter::once((ATTACK.to_owned(), at % 3 == 0)).collect(),
        });
        aggregate.add(&entry(at, made));
    }
    let policy = crate::verdict::PolicyRef {
        id: ATTACK.to_owned(),
        version: ATTACK.to_owned(),
        digest: ATTACK.to_owned(),
    };
    let name = || ATTACK.to_owned();
    let events = [
        Event::PolicyActivated { policy: policy.clone(), revision: 1, by: name() },
        Event::PolicyRolledBack {
            from: policy.clone(),
            to: policy.clone(),
            revision: 1,
            by: name(),
            reason: name(),
        },
        Event::AlertRaised {
            indicator: name(),
            subject: Some(name()),
            value: 1.0,
            limit: 0.5,
            policy,
            message: name(),
        },
        Event::ExceptionAdded { id: name(), approved_by: name(), expires: name() },
    ];
    for (at, one) in events.into_iter().enumerate() {
        aggregate.add(&event(100 + at as u64, time(1), one));
    }
    aggregate.unreadable(name());
    html::page(&aggregate.finish(None)).unwrap()
}

#[test]
fn nothing_from_outside_becomes_markup() {
    let page = attacked();
    assert!(page.contains("&lt;script&gt;"), "the names are there, escaped");
    for tag in
        ["<script", "<img", "<iframe", "<object", "<link", "<a href=\"http", " onerror=\"", "javascript:"]
    {
        assert!(!page.contains(tag), "{tag}");
    }
}

#[test]
fn the_page_asks_for_nothing() {
    let page = html::page(&report(entries(500))).unwrap();
    assert!(page.contains("default-src 'none'; style-src 'sha256-"));
    // The only addresses are names of XML vocabularies.
    for rest in page.split("http").skip(1) {
        let rest: String = "http".chars().chain(rest.chars().take(22)).collect();
        assert!(rest.starts_with("http-equiv") || rest.starts_with("http://www.w3.org/2000/svg"), "{rest}");
    }
    for word in ["url(", "@import", " style=\"", " src=", "<script"] {
        assert!(!page.contains(word), "{word}");
    }
}

#[test]
fn every_figure_of_the_page_is_in_the_numbers() {
    let report = report(entries(500));
    let page = html::page(&report).unwrap();
    for kpi in &report.kpis {
        let cell = page.split(&format!("data-kpi=\"{}\"", kpi.id)).nth(1).unwrap();
        let cell = cell.split('>').next().unwrap();
        assert!(cell.contains(&format!("data-n=\"{}\"", kpi.n)), "{}: {cell}", kpi.id);
        if let Some(value) = kpi.value {
            assert!(cell.contains(&format!("data-value=\"{value}\"")), "{}: {cell}", kpi.id);
        }
        assert!(page.contains(kpi.name));
    }
}
