//! The policy's rules on heads, and their target rates rewritten in place: every comment and blank line stays.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use portcullis::Role;
use portcullis::policy::{Limit, Policy, Selector};

/// Detectors of the classifier rail have this before the head's name.
const PREFIX: &str = "classifier.";

/// A rule that asks for a false positive rate on a head.
pub(super) struct HeadRule {
    pub(super) id: String,
    pub(super) head: String,
    pub(super) roles: Vec<Role>,
    /// The rate it has in the policy, in `0..=1`.
    pub(super) target: f64,
}

/// The policy's text and its rules on heads.
pub(super) fn read(path: &Path) -> Result<(String, Vec<HeadRule>)> {
    let bytes = crate::bundle::read(path)?;
    let text = String::from_utf8(bytes).with_context(|| format!("{} is not UTF-8", path.display()))?;
    let policy = Policy::parse(&text, &path.display().to_string())?;
    let rules: Vec<HeadRule> = policy
        .rules()
        .iter()
        .filter_map(|rule| {
            let Limit::TargetFpr(target) = rule.limit else { return None };
            let Selector::Name(detector) = &rule.detector else { return None };
            let head = detector.strip_prefix(PREFIX)?.to_owned();
            Some(HeadRule { id: rule.id.clone(), head, roles: rule.roles.clone(), target })
        })
        .collect();
    ensure!(!rules.is_empty(), "{} has no rule with a target_fpr on a head", path.display());
    Ok((text, rules))
}

/// The policy's text with the `target_fpr` of each rule in `targets` replaced.
pub(super) fn with_targets(text: &str, targets: &BTreeMap<String, f64>) -> Result<String> {
    let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
    let starts: Vec<usize> = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.trim_start().starts_with('['))
        .map(|(at, _)| at)
        .collect();
    let mut rewritten = 0;
    for (number, &start) in starts.iter().enumerate() {
        let end = starts.get(number + 1).copied().unwrap_or(lines.len());
        let Some(table) = lines.get_mut(start..end) else { continue };
        let id =
            table.iter().find_map(|line| value(line, "id")).map(|id| id.trim().trim_matches('"').to_owned());
        let Some(target) = id.and_then(|id| targets.get(&id)) else { continue };
        for line in table {
            if let Some(old) =
                value(line, "target_fpr").map(|rest| rest.split('#').next().unwrap_or(rest).trim().to_owned())
            {
                *line = line.replacen(&old, &target.to_string(), 1);
                rewritten += 1;
            }
        }
    }
    ensure!(rewritten == targets.len(), "found {rewritten} target_fpr lines, expected {}", targets.len());
    Ok(lines.join("\n"))
}

/// What stands after `key =` in a line.
fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.trim_start().strip_prefix(key)?.trim_start().strip_prefix('=')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_numbers_change() {
        let text = "# Top.\n[[rule]]\nid = \"a\"\ntarget_fpr = 0.001 # small\n\n[[rule]]\nid = \"b\"\nthreshold = 0.5\n";
        let edited = with_targets(text, &BTreeMap::from([("a".to_owned(), 0.0025)])).unwrap();
        assert_eq!(edited, text.replace("0.001", "0.0025"));
        assert!(with_targets(text, &BTreeMap::from([("b".to_owned(), 0.0025)])).is_err());
    }

    #[test]
    fn the_embedded_policy_can_be_rewritten() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), Policy::embedded_source()).unwrap();
        let (text, rules) = read(file.path()).unwrap();
        let targets = rules.iter().map(|rule| (rule.id.clone(), 0.0005)).collect();
        let edited = with_targets(&text, &targets).unwrap();
        let policy = Policy::parse(&edited, "edited").unwrap();
        let set = policy.rules().iter().filter(|rule| rule.limit == Limit::TargetFpr(0.0005)).count();
        assert_eq!(set, rules.len());
    }
}
