//! What the interface shows, and what each key changes.

use crate::cli::review::decide::{check_head, innocent, parse_label};
use crate::cli::review::{Said, rules, short};
use crate::cli::terminal;
use portcullis::review::{Case, Outcome, Status};
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use std::collections::BTreeMap;

/// Most characters of what is typed.
const MOST_TYPED: usize = 1000;
/// Lines that a page key scrolls.
const PAGE: u16 = 10;

/// The interface.
pub(super) struct App {
    /// Every case, the oldest first.
    cases: Vec<Case>,
    /// Texts by their digests.
    texts: BTreeMap<String, String>,
    /// Only cases of this status are listed.
    pub(super) status: Option<Status>,
    /// Only cases with this in them are listed.
    pub(super) filter: String,
    /// Place in the list.
    pub(super) selected: usize,
    pub(super) screen: Screen,
    pub(super) prompt: Option<Prompt>,
    /// Who decides.
    pub(super) by: Option<String>,
    /// What was said of a case and not decided yet, by its id.
    drafts: BTreeMap<String, Draft>,
    /// First line of the case that is shown.
    pub(super) scroll: u16,
    pub(super) message: String,
}

/// What fills the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Screen {
    List,
    Case,
    Help,
}

/// Labels and a note for a case.
#[derive(Clone, Default)]
pub(super) struct Draft {
    pub(super) labels: BTreeMap<String, f32>,
    pub(super) note: Option<String>,
}

/// A line that is being typed.
pub(super) struct Prompt {
    ask: Ask,
    pub(super) typed: String,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ask {
    Filter,
    Name(Outcome),
    Reason(Outcome),
    Label,
    Note,
}

/// What the outside is to do.
pub(super) enum Effect {
    None,
    Quit,
    Decide { id: String, said: Said, overrule: bool },
}

impl Prompt {
    /// The words before what is typed.
    pub(super) fn words(&self) -> String {
        match self.ask {
            Ask::Filter => "filter: ".to_owned(),
            Ask::Name(_) => "your name: ".to_owned(),
            Ask::Reason(outcome) => format!("reason to {}: ", outcome.as_str()),
            Ask::Label => "label, such as toxicity=0: ".to_owned(),
            Ask::Note => "note: ".to_owned(),
        }
    }
}

impl App {
    pub(super) fn new(cases: Vec<Case>, texts: BTreeMap<String, String>, by: Option<String>) -> Self {
        Self {
            cases,
            texts,
            status: Some(Status::Pending),
            filter: String::new(),
            selected: 0,
            screen: Screen::List,
            prompt: None,
            by,
            drafts: BTreeMap::new(),
            scroll: 0,
            message: String::new(),
        }
    }

    /// The cases that are listed.
    pub(super) fn shown(&self) -> Vec<&Case> {
        let filter = self.filter.to_lowercase();
        let fits = |case: &&Case| {
            let record = &case.record;
            let slice = record.slice.as_deref().unwrap_or_default();
            let words =
                format!("{} {} {slice} {}", record.decision_id, rules(case), record.role).to_lowercase();
            self.status.is_none_or(|status| case.status == status) && words.contains(&filter)
        };
        self.cases.iter().filter(fits).collect()
    }

    /// The case at the cursor.
    pub(super) fn current(&self) -> Option<&Case> {
        self.shown().get(self.selected).copied()
    }

    /// The text of a case, where there is one.
    pub(super) fn text(&self, case: &Case) -> Option<&str> {
        self.texts.get(&case.record.text_digest).map(String::as_str)
    }

    /// What was said of a case and not decided yet.
    pub(super) fn draft(&self, case: &Case) -> Draft {
        self.drafts.get(&case.record.decision_id).cloned().unwrap_or_default()
    }

    /// Takes a key.
    pub(super) fn press(&mut self, key: KeyEvent) -> Effect {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') { Effect::Quit } else { Effect::None };
        }
        if self.prompt.is_some() {
            return self.typed(key.code);
        }
        self.message.clear();
        match self.screen {
            Screen::List => self.in_list(key.code),
            Screen::Case => self.in_case(key.code),
            Screen::Help => {
                self.screen = Screen::List;
                Effect::None
            }
        }
    }

    /// Puts a case as it is now in the place of what it was, and goes on to the next.
    pub(super) fn decided(&mut self, case: Case) {
        self.message = format!("case {} {}", short(&case.record.decision_id), case.status);
        self.drafts.remove(&case.record.decision_id);
        if let Some(old) = self.cases.iter_mut().find(|old| old.record.decision_id == case.record.decision_id)
        {
            *old = case;
        }
        self.scroll = 0;
        self.keep_selection();
        if self.current().is_none() {
            self.screen = Screen::List;
        }
    }

    /// Tells what went wrong.
    pub(super) fn failed(&mut self, what: &str) {
        self.message = terminal::printable(what).replace('\n', " ");
    }

    fn in_list(&mut self, key: KeyCode) -> Effect {
        let last = self.shown().len().saturating_sub(1);
        match key {
            KeyCode::Char('q') | KeyCode::Esc => return Effect::Quit,
            KeyCode::Char('?') => self.screen = Screen::Help,
            KeyCode::Down | KeyCode::Char('j') => self.selected = (self.selected + 1).min(last),
            KeyCode::Up | KeyCode::Char('k') => self.selected = self.selected.saturating_sub(1),
            KeyCode::PageDown => self.selected = (self.selected + usize::from(PAGE)).min(last),
            KeyCode::PageUp => self.selected = self.selected.saturating_sub(usize::from(PAGE)),
            KeyCode::Home | KeyCode::Char('g') => self.selected = 0,
            KeyCode::End | KeyCode::Char('G') => self.selected = last,
            KeyCode::Char('/') => self.ask(Ask::Filter, self.filter.clone()),
            KeyCode::Tab => {
                self.status = match self.status {
                    Some(Status::Pending) => Some(Status::Approved),
                    Some(Status::Approved) => Some(Status::Rejected),
                    Some(Status::Rejected) => None,
                    None => Some(Status::Pending),
                };
                self.keep_selection();
            }
            KeyCode::Enter if self.current().is_some() => {
                (self.screen, self.scroll) = (Screen::Case, 0);
            }
            _ => {}
        }
        Effect::None
    }

    fn in_case(&mut self, key: KeyCode) -> Effect {
        let last = self.shown().len().saturating_sub(1);
        match key {
            KeyCode::Char('q') | KeyCode::Esc => self.screen = Screen::List,
            KeyCode::Down | KeyCode::Char('j') => self.scroll = self.scroll.saturating_add(1),
            KeyCode::Up | KeyCode::Char('k') => self.scroll = self.scroll.saturating_sub(1),
            KeyCode::PageDown => self.scroll = self.scroll.saturating_add(PAGE),
            KeyCode::PageUp => self.scroll = self.scroll.saturating_sub(PAGE),
            KeyCode::Right => (self.selected, self.scroll) = ((self.selected + 1).min(last), 0),
            KeyCode::Left => (self.selected, self.scroll) = (self.selected.saturating_sub(1), 0),
            KeyCode::Char('a') => self.ask_to(Outcome::Approve),
            KeyCode::Char('r') => self.ask_to(Outcome::Reject),
            KeyCode::Char('l') => self.ask(Ask::Label, String::new()),
            KeyCode::Char('n') => {
                let note = self.current().and_then(|case| self.draft(case).note).unwrap_or_default();
                self.ask(Ask::Note, note);
            }
            KeyCode::Char('i') => {
                if let Some(labels) = self.current().map(innocent) {
                    self.change(|draft| draft.labels = labels);
                }
            }
            KeyCode::Char('x') => self.change(|draft| *draft = Draft::default()),
            _ => {}
        }
        Effect::None
    }

    /// Asks for what a decision needs: a name first where there is none.
    fn ask_to(&mut self, outcome: Outcome) {
        let ask = if self.by.is_some() { Ask::Reason(outcome) } else { Ask::Name(outcome) };
        if self.current().is_some_and(|case| case.status != Status::Pending) {
            "decided already: this overrules it".clone_into(&mut self.message);
        }
        self.ask(ask, String::new());
    }

    fn ask(&mut self, ask: Ask, typed: String) {
        self.prompt = Some(Prompt { ask, typed });
    }

    /// Takes a key while a line is being typed.
    fn typed(&mut self, key: KeyCode) -> Effect {
        let Some(prompt) = &mut self.prompt else { return Effect::None };
        match key {
            KeyCode::Esc => {
                self.prompt = None;
                self.message.clear();
            }
            KeyCode::Backspace => drop(prompt.typed.pop()),
            KeyCode::Char(typed) if !typed.is_control() && prompt.typed.chars().count() < MOST_TYPED => {
                prompt.typed.push(typed);
            }
            KeyCode::Enter => {
                if let Some(Prompt { ask, typed }) = self.prompt.take() {
                    return self.entered(ask, typed.trim());
                }
            }
            _ => {}
        }
        Effect::None
    }

    fn entered(&mut self, ask: Ask, typed: &str) -> Effect {
        self.message.clear();
        match ask {
            Ask::Filter => {
                typed.clone_into(&mut self.filter);
                self.keep_selection();
            }
            Ask::Name(_) | Ask::Reason(_) if typed.is_empty() => {
                "not decided: a name and a reason are needed".clone_into(&mut self.message);
            }
            Ask::Name(outcome) => {
                self.by = Some(typed.to_owned());
                self.ask(Ask::Reason(outcome), String::new());
            }
            Ask::Reason(outcome) => return self.decide(outcome, typed),
            Ask::Label => {
                let Some(case) = self.current() else { return Effect::None };
                let parsed = parse_label(typed).and_then(|label| {
                    check_head(case, &label.0).map(|()| label).map_err(|error| error.to_string())
                });
                match parsed {
                    Ok((head, label)) => self.change(|draft| {
                        draft.labels.insert(head, label);
                    }),
                    Err(what) => self.failed(&what),
                }
            }
            Ask::Note => {
                let note = Some(typed.to_owned()).filter(|note| !note.is_empty());
                self.change(|draft| draft.note = note);
            }
        }
        Effect::None
    }

    fn decide(&self, outcome: Outcome, reason: &str) -> Effect {
        let (Some(case), Some(by)) = (self.current(), self.by.clone()) else { return Effect::None };
        let Draft { labels, note } = self.draft(case);
        Effect::Decide {
            id: case.record.decision_id.clone(),
            said: Said { outcome, by, reason: reason.to_owned(), labels, note },
            overrule: case.status != Status::Pending,
        }
    }

    /// Changes what is said of the case at the cursor.
    fn change(&mut self, change: impl FnOnce(&mut Draft)) {
        let Some(id) = self.current().map(|case| case.record.decision_id.clone()) else { return };
        change(self.drafts.entry(id).or_default());
    }

    fn keep_selection(&mut self) {
        self.selected = self.selected.min(self.shown().len().saturating_sub(1));
    }
}
