//! The interface, driven by keys and drawn on a terminal of 80 columns and 24 lines that is none.

use super::app::{App, Effect, Screen};
use super::draw::draw;
use portcullis::review::{Case, Outcome, Ruling, Status};
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::BTreeMap;

const TEXT: &str = "He wrote \"you fool\"\tto me,\nand \u{1b}[2J\u{202e} more.";

fn case(number: u32, rule: &str) -> Case {
    let record = serde_json::json!({
        "decision_id": format!("{number:08x}{}", "0".repeat(24)),
        "time": format!("2031-05-09T14:03:{number:02}.000000Z"),
        "role": "user",
        "text_digest": format!("{number:064x}"),
        "text_bytes": TEXT.len(),
        "decision": "escalate",
        "findings": [
            {"rule": rule, "category": rule, "score": 0.914, "threshold": 0.8, "spans": [[10, 18]], "source": "classifier",
             "action": "escalate"},
        ],
        "scores": {"toxicity": 0.914, "insult": 0.5, "hate": 0.01},
        "thresholds": {},
        "coverage": "full",
        "policy": {"id": "default", "version": "1.0.0", "digest": "00"},
        "slice": if number.is_multiple_of(2) { "support" } else { "sales" },
        "timing_us": {"total": 1, "normalize": 0, "patterns": 0, "tokenize": 0, "encode": 0, "decide": 0},
    });
    Case { record: serde_json::from_value(record).unwrap(), status: Status::Pending, rulings: Vec::new() }
}

fn app(by: Option<&str>) -> App {
    let cases = vec![case(1, "toxicity"), case(2, "hate"), case(3, "toxicity")];
    let texts = BTreeMap::from([(cases[0].record.text_digest.clone(), TEXT.to_owned())]);
    App::new(cases, texts, by.map(str::to_owned))
}

fn press(app: &mut App, code: KeyCode) -> Effect {
    app.press(KeyEvent::new(code, KeyModifiers::NONE))
}

fn write(app: &mut App, text: &str) -> Effect {
    for character in text.chars() {
        press(app, KeyCode::Char(character));
    }
    press(app, KeyCode::Enter)
}

/// What the terminal shows, without spaces at the ends of lines and without empty lines at the end of the body.
fn screen(app: &App) -> String {
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, app)).unwrap();
    let buffer = terminal.backend().buffer();
    let lines = (0..24).map(|y| {
        let line: String = (0..80).map(|x| buffer.cell((x, y)).unwrap().symbol()).collect();
        line.trim_end().to_owned() + "\n"
    });
    lines.collect()
}

#[test]
fn the_list_moves_filters_and_changes_status() {
    let mut app = app(Some("ana"));
    insta::assert_snapshot!("list", screen(&app));
    press(&mut app, KeyCode::Down);
    assert_eq!((app.selected, app.current().unwrap().record.text_digest.ends_with('2')), (1, true));
    press(&mut app, KeyCode::End);
    press(&mut app, KeyCode::Down);
    assert_eq!(app.selected, 2);
    press(&mut app, KeyCode::Char('/'));
    write(&mut app, "HATE");
    assert_eq!((app.shown().len(), app.selected), (1, 0));
    assert!(screen(&app).starts_with("portcullis review: 1 case, pending, with \"HATE\" — ana"));
    press(&mut app, KeyCode::Tab);
    assert_eq!(app.status, Some(Status::Approved));
    assert!(screen(&app).contains("nothing here"));
    // Nothing to open.
    press(&mut app, KeyCode::Enter);
    assert_eq!(app.screen, Screen::List);
    for _ in 0..3 {
        press(&mut app, KeyCode::Tab);
    }
    assert_eq!(app.status, Some(Status::Pending));
    assert!(matches!(press(&mut app, KeyCode::Char('q')), Effect::Quit));
}

#[test]
fn a_case_shows_what_was_found_and_cannot_drive_the_terminal() {
    let mut app = app(Some("ana"));
    press(&mut app, KeyCode::Enter);
    let shown = screen(&app);
    insta::assert_snapshot!("case", shown);
    assert!(shown.contains("\\u{1b}[2J\\u{202e}"), "{shown}");
    let mut terminal = Terminal::new(TestBackend::new(80, 24)).unwrap();
    terminal.draw(|frame| draw(frame, &app)).unwrap();
    let buffer = terminal.backend().buffer();
    let found: String = buffer
        .content()
        .iter()
        .filter(|cell| cell.modifier.contains(ratatui::style::Modifier::UNDERLINED))
        .map(|cell| cell.symbol())
        .collect();
    assert_eq!(found, "you fool");
    press(&mut app, KeyCode::Right);
    assert!(screen(&app).contains("bytes of text, which are not here"));
    press(&mut app, KeyCode::Esc);
    assert_eq!(app.screen, Screen::List);
}

#[test]
fn a_decision_has_a_name_a_reason_labels_and_a_note() {
    let mut app = app(None);
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Char('i'));
    press(&mut app, KeyCode::Char('l'));
    write(&mut app, "insult=1");
    press(&mut app, KeyCode::Char('l'));
    write(&mut app, "spite=1");
    assert!(app.message.contains("unknown head \"spite\""), "{}", app.message);
    press(&mut app, KeyCode::Char('l'));
    write(&mut app, "insult");
    assert!(app.message.starts_with("expected HEAD=LABEL"), "{}", app.message);
    press(&mut app, KeyCode::Char('n'));
    write(&mut app, "from the novel");
    press(&mut app, KeyCode::Char('a'));
    write(&mut app, "ana");
    insta::assert_snapshot!("reason", screen(&app));
    let Effect::Decide { id, said, overrule } = write(&mut app, "a quotationn\u{7f}") else {
        panic!("no decision")
    };
    assert_eq!((said.outcome, said.by.as_str(), overrule), (Outcome::Approve, "ana", false));
    assert_eq!(said.labels["insult"], 1.0);
    assert_eq!((said.labels["toxicity"], said.labels.len()), (0.0, 3));
    assert_eq!((said.note.as_deref(), said.reason.as_str()), (Some("from the novel"), "a quotationn"));

    let ruling = Ruling {
        outcome: said.outcome,
        by: said.by,
        reason: said.reason,
        labels: said.labels,
        note: said.note,
        time: "2031-05-09T15:00:00.000000Z".to_owned(),
    };
    let decided = Case { status: Status::Approved, rulings: vec![ruling], ..case(1, "toxicity") };
    assert_eq!(decided.record.decision_id, id);
    app.decided(decided);
    // The next one is up.
    assert!(app.current().unwrap().record.text_digest.ends_with('2'));
    assert!(screen(&app).contains("case 0000000100000000 approved"));
    assert_eq!(app.screen, Screen::Case);
}

#[test]
fn what_is_left_is_not_decided() {
    let mut app = app(Some("ana"));
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Char('r'));
    press(&mut app, KeyCode::Char('x'));
    press(&mut app, KeyCode::Esc);
    assert!(app.prompt.is_none());
    press(&mut app, KeyCode::Char('r'));
    assert!(matches!(write(&mut app, "  "), Effect::None));
    assert!(app.message.starts_with("not decided"), "{}", app.message);
    app.failed("cannot write\nthe queue");
    assert!(screen(&app).contains("cannot write the queue"));
    let control_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
    press(&mut app, KeyCode::Char('r'));
    assert!(matches!(app.press(control_c), Effect::Quit));
}

#[test]
fn a_decided_case_is_overruled_and_says_so() {
    let mut app = app(Some("ana"));
    app.decided(Case { status: Status::Rejected, ..case(2, "hate") });
    app.status = Some(Status::Rejected);
    press(&mut app, KeyCode::Enter);
    press(&mut app, KeyCode::Char('a'));
    assert!(screen(&app).contains("decided already: this overrules it; reason to approve:"));
    let Effect::Decide { overrule, .. } = write(&mut app, "on second thoughts") else {
        panic!("no decision")
    };
    assert!(overrule);
}

#[test]
fn no_size_and_no_key_is_too_much() {
    let mut app = app(None);
    for code in [KeyCode::Char('?'), KeyCode::Null, KeyCode::Enter, KeyCode::PageDown, KeyCode::Char('n')] {
        press(&mut app, code);
        write(&mut app, &"long ".repeat(300));
        for (width, height) in [(1, 1), (3, 2), (80, 4), (300, 100)] {
            let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
            terminal.draw(|frame| draw(frame, &app)).unwrap();
        }
    }
    let empty = App::new(Vec::new(), BTreeMap::new(), None);
    assert!(screen(&empty).contains("nothing here"));
}
