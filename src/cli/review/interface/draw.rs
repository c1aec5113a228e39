//! How the interface looks; it fits 80 columns and 24 lines.

use super::app::{App, Screen};
use crate::cli::review::show::{facts, told};
use crate::cli::review::{rules, short, texts, top_score};
use crate::cli::terminal;
use portcullis::review::{Case, Status};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Row, Table, TableState, Wrap};

const BOLD: Style = Style::new().add_modifier(Modifier::BOLD);
const FAINT: Style = Style::new().add_modifier(Modifier::DIM);
const FOUND: Style =
    Style::new().fg(Color::Red).add_modifier(Modifier::BOLD).add_modifier(Modifier::UNDERLINED);
const CURSOR: Style = Style::new().add_modifier(Modifier::REVERSED);

const HELP: [&str; 17] = [
    "In the list",
    "  up, down, j, k     move",
    "  Enter              open the case",
    "  /                  list only cases with this in rule, slice, role or id",
    "  Tab                pending, approved, rejected, all",
    "  q                  leave",
    "",
    "In a case",
    "  up, down           scroll",
    "  left, right        the case before, the next one",
    "  a, r               approve, reject: asks for a reason",
    "  l                  label a head, such as toxicity=0",
    "  i                  innocent: the label 0 for every head",
    "  n                  add a note",
    "  x                  forget labels and note",
    "  Esc                back to the list",
    "",
];

/// Draws all of it.
pub(super) fn draw(frame: &mut Frame<'_>, app: &App) {
    let areas = Layout::vertical([
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
        Constraint::Length(1),
    ]);
    let [head, body, said, keys] = areas.areas(frame.area());
    frame.render_widget(Paragraph::new(title(app)).style(BOLD), head);
    match (app.screen, app.current()) {
        (Screen::Help, _) => frame.render_widget(Paragraph::new(HELP.join("\n")), body),
        (Screen::Case, Some(case)) => {
            let text = Paragraph::new(lines(app, case)).wrap(Wrap { trim: false }).scroll((app.scroll, 0));
            frame.render_widget(text, body);
        }
        _ => list(frame, app, body),
    }
    prompt(frame, app, said);
    let help = match (&app.prompt, app.screen) {
        (Some(_), _) => "Enter: done  Esc: leave it",
        (None, Screen::List) => "Enter: open  /: filter  Tab: status  ?: help  q: leave",
        (None, Screen::Case) => {
            "a: approve  r: reject  l: label  i: innocent  n: note  left/right  Esc: list"
        }
        (None, Screen::Help) => "any key: back",
    };
    frame.render_widget(Paragraph::new(help).style(FAINT), keys);
}

fn title(app: &App) -> String {
    let status = app.status.map_or("all", Status::as_str);
    let filter = if app.filter.is_empty() { String::new() } else { format!(", with {:?}", app.filter) };
    let by = app.by.as_ref().map(|by| format!(" — {by}")).unwrap_or_default();
    let count = app.shown().len();
    let cases = if count == 1 { "case" } else { "cases" };
    one_line(&format!("portcullis review: {count} {cases}, {status}{filter}{by}"))
}

fn list(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let shown = app.shown();
    if shown.is_empty() {
        frame.render_widget(Paragraph::new("nothing here"), area);
        return;
    }
    let rows = shown.iter().map(|case| {
        let record = &case.record;
        Row::new([
            short(&record.decision_id).to_owned(),
            record.time.get(..16).unwrap_or(&record.time).replace('T', " "),
            record.role.to_string(),
            one_line(record.slice.as_deref().unwrap_or("-")),
            one_line(&rules(case)),
            top_score(case).map_or_else(|| "-".to_owned(), |score| format!("{score:.3}")),
        ])
    });
    let widths = [
        Constraint::Length(16),
        Constraint::Length(16),
        Constraint::Length(9),
        Constraint::Length(10),
        Constraint::Min(10),
        Constraint::Length(5),
    ];
    let header = Row::new(["case", "time", "role", "slice", "rules", "score"]).style(FAINT);
    let table = Table::new(rows, widths).header(header).row_highlight_style(CURSOR);
    let mut state = TableState::default().with_selected(app.selected);
    frame.render_stateful_widget(table, area, &mut state);
}

/// A case, line by line.
fn lines(app: &App, case: &Case) -> Vec<Line<'static>> {
    let record = &case.record;
    let mut lines = vec![Line::styled(format!("{} {}", record.decision_id, case.status), BOLD)];
    lines.extend(facts(case).iter().map(|fact| Line::raw(one_line(fact))));
    lines.push(Line::default());
    for finding in &record.findings {
        let spans: Vec<String> =
            finding.spans.iter().map(|span| format!("{}..{}", span.start, span.end)).collect();
        let place =
            if spans.is_empty() { "whole text".to_owned() } else { format!("bytes {}", spans.join(", ")) };
        let line = format!(
            "{:<24} {:.3} of {:.3}  {:<9} {place}",
            one_line(&finding.rule),
            finding.score,
            finding.threshold,
            finding.action
        );
        lines.push(Line::styled(line, Style::new().fg(Color::Yellow)));
    }
    lines.push(Line::default());
    let draft = app.draft(case);
    let mut scores: Vec<_> = record.scores.iter().collect();
    scores.sort_by(|a, b| b.1.total_cmp(a.1).then(a.0.cmp(b.0)));
    for (head, score) in scores {
        // A score from a file may be no number in 0..=1.
        let bar = "█".repeat((score.clamp(0.0, 1.0) * 20.0).round() as usize);
        let label = draft.labels.get(head).map(|label| format!("label {label}")).unwrap_or_default();
        lines.push(Line::raw(
            format!("{:<24} {score:.3} {bar:<20} {label}", one_line(head)).trim_end().to_owned(),
        ));
    }
    if let Some(note) = &draft.note {
        lines.push(Line::raw(format!("note: {}", one_line(note))));
    }
    for ruling in &case.rulings {
        lines.push(Line::default());
        lines.extend(told(ruling).lines().map(|line| Line::raw(one_line(line))));
    }
    lines.push(Line::default());
    match app.text(case) {
        Some(text) => lines.extend(highlighted(text, case)),
        None => lines
            .push(Line::styled(format!("{} bytes of text, which are not here", record.text_bytes), FAINT)),
    }
    lines
}

/// The text with what was found in it.
fn highlighted(text: &str, case: &Case) -> Vec<Line<'static>> {
    let mut lines = vec![Line::default()];
    for (part, found) in texts::marked(text, case) {
        let style = if found { FOUND } else { Style::new() };
        let part = terminal::printable(part).replace('\t', "    ");
        for (number, piece) in part.split('\n').enumerate() {
            if number > 0 {
                lines.push(Line::default());
            }
            if let Some(line) = lines.last_mut().filter(|_| !piece.is_empty()) {
                line.push_span(Span::styled(piece.to_owned(), style));
            }
        }
    }
    lines
}

/// What is being typed, or what there is to tell.
fn prompt(frame: &mut Frame<'_>, app: &App, area: Rect) {
    let Some(prompt) = &app.prompt else {
        frame.render_widget(Paragraph::new(app.message.as_str()), area);
        return;
    };
    let words = prompt.words();
    let before = if app.message.is_empty() { words } else { format!("{}; {words}", app.message) };
    let line = Line::from(vec![Span::styled(before, BOLD), Span::raw(prompt.typed.clone())]);
    // The end of a long line is what is being typed.
    let width = u16::try_from(line.width()).unwrap_or(u16::MAX);
    let hidden = (width + 1).saturating_sub(area.width);
    frame.render_widget(Paragraph::new(line).scroll((0, hidden)), area);
    frame.set_cursor_position((
        area.x + (width - hidden.min(width)).min(area.width.saturating_sub(1)),
        area.y,
    ));
}

/// Text from a file, on one line.
fn one_line(text: &str) -> String {
    terminal::printable(text).replace(['\n', '\t'], " ")
}
