//! Fenced code blocks: CommonMark 0.31, section 4.5.

use super::super::near::{run, run_back};
use super::super::{Detector, Hit, Trigger};
use super::CATEGORY;
use crate::span::Span;

pub(in crate::rails::pattern) const DETECTOR: Detector = Detector {
    name: "code.block",
    category: CATEGORY,
    placeholder: "[CODE]",
    trigger: Trigger::Literals(&["```", "~~~"]),
    at,
};

/// A block with its closing fence.
const CLOSED: f32 = 1.0;
/// A block that the text ends in.
const OPEN: f32 = 0.6;

/// Most spaces before a fence: three, and what a list puts before its items' lines.
const INDENT: usize = 12;
const LONGEST_FENCE: usize = 64;
const LONGEST_LANGUAGE: usize = 32;

/// Category of each language, and the names it goes by.
const LANGUAGES: [(&str, &str); 34] = [
    ("code.c", "c h"),
    ("code.cpp", "cpp c++ cc cxx hpp"),
    ("code.csharp", "csharp cs c#"),
    ("code.css", "css scss sass less"),
    ("code.diff", "diff patch"),
    ("code.dockerfile", "dockerfile docker"),
    ("code.go", "go golang"),
    ("code.haskell", "haskell hs"),
    ("code.html", "html htm vue svelte"),
    ("code.java", "java"),
    ("code.javascript", "javascript js jsx mjs node"),
    ("code.json", "json json5 jsonc jsonl"),
    ("code.julia", "julia jl"),
    ("code.kotlin", "kotlin kt"),
    ("code.latex", "latex tex"),
    ("code.lua", "lua"),
    ("code.makefile", "makefile make"),
    ("code.markdown", "markdown md"),
    ("code.matlab", "matlab octave"),
    ("code.perl", "perl pl"),
    ("code.php", "php"),
    ("code.powershell", "powershell ps1 pwsh"),
    ("code.python", "python py python3 ipython pycon"),
    ("code.r", "r"),
    ("code.ruby", "ruby rb"),
    ("code.rust", "rust rs"),
    ("code.scala", "scala"),
    ("code.shell", "shell bash sh zsh fish console shell-session shellscript"),
    ("code.sql", "sql mysql postgresql plsql tsql sqlite"),
    ("code.swift", "swift"),
    ("code.text", "text txt plain plaintext output"),
    ("code.toml", "toml ini cfg"),
    ("code.typescript", "typescript ts tsx"),
    ("code.yaml", "yaml yml"),
];

fn at(text: &str, at: usize, _floor: usize) -> Option<Hit> {
    let bytes = text.as_bytes();
    let mark = *bytes.get(at)?;
    let indent = run_back(bytes, at, INDENT, 0, |b| b == b' ');
    let opens_line = at == indent || bytes.get(at - indent - 1) == Some(&b'\n');
    let fence = run(bytes, at, LONGEST_FENCE, |b| b == mark);
    let rest = text.get(at + fence..)?;
    let info = rest.split('\n').next()?;
    if !opens_line || (mark == b'`' && info.contains('`')) {
        return None;
    }
    let body = at + fence + info.len();
    let (end, score) = match close(text, body, mark, fence) {
        Some(end) => (end, CLOSED),
        None => (text.trim_end().len().max(at + fence), OPEN),
    };
    Some(Hit::new(Span::new(at, end), score).of(language(info)))
}

/// The end of the closing fence in the lines after byte `from`.
fn close(text: &str, from: usize, mark: u8, fence: usize) -> Option<usize> {
    let mut place = from + 1;
    for line in text.get(place..)?.split_inclusive('\n') {
        let trimmed = line.trim();
        let indent = line.len() - line.trim_start().len();
        if trimmed.len() >= fence && trimmed.bytes().all(|b| b == mark) {
            return Some(place + indent + trimmed.len());
        }
        place += line.len();
    }
    None
}

/// The category of the language that the words after the fence begin with; none for one that is not known.
fn language(info: &str) -> Option<&'static str> {
    let word = info.trim().trim_start_matches(['{', '.']).split([' ', ',', '{', '}', ':', '\r']).next()?;
    if word.len() > LONGEST_LANGUAGE {
        return None;
    }
    let known = |names: &str| names.split(' ').any(|name| name.eq_ignore_ascii_case(word));
    LANGUAGES.iter().find(|(_, names)| known(names)).map(|(category, _)| *category)
}
