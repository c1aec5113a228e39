//! One budget of false positives for each role, spent over all of the policy's rules on heads.
//!
//! Ten rules at 1% each can flag a tenth of ordinary text. Here a row of the benign mix counts once however many rules
//! flag it, and each further row is spent where it buys the most: from the strictest rate of the grid upwards, always
//! the step with the greatest relative gain in recall for each newly flagged row. Relative, so that what is maximized is
//! the product of the recalls, and no rule is starved for the sake of another that is easy to please. What greed got
//! wrong is mended at the end by exchanges between two rules.
//!
//! A kind of text that the thresholds were not chosen on is flagged several times as often as one that they were. So a
//! row counts as flagged when it reaches the threshold that the other kinds of the mix give: each kind is held out in
//! turn, and the budget is that of kinds never seen.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use portcullis::Role;
use portcullis_calibration::Threshold;

use super::heads::HeadFit;
use super::policy::HeadRule;

/// What may be flagged, each a share in `0..=1`.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Of the benign mix in one role, by all rules together.
    pub(super) total: f64,
    /// Of any one kind of it, by all rules together.
    pub(super) worst_kind: f64,
    /// Of a head's own negatives, outside the mix, by a rule on it.
    pub(super) own: f64,
}

/// Rows flagged and rows, by kind.
pub(super) type ByKind = BTreeMap<String, (usize, usize)>;

/// The rates chosen, and what they flag together.
pub(super) struct Spent {
    /// The target rate of each rule, by its identifier.
    pub(super) targets: BTreeMap<String, f64>,
    /// For each role, what is flagged of each kind of the mix.
    pub(super) roles: Vec<(Role, ByKind)>,
}

/// A rule on its way up the grid.
struct Climber<'a> {
    rule: &'a HeadRule,
    steps: Vec<Step>,
    at: usize,
}

/// A recall below this counts as this: what is not caught at all has no logarithm.
const LEAST_RECALL: f64 = 0.01;

/// A gain below this is rounding.
const EPSILON: f64 = 1e-9;

/// One rate of the grid for one rule.
struct Step {
    target: f64,
    recall: f64,
    /// Rows of the mix it flags at the threshold that kinds other than theirs give.
    flagged: Vec<usize>,
}

/// Chooses a rate for every rule; `kinds` has the kind of each row of the benign mix.
pub(super) fn spend(fits: &[HeadFit], rules: &[HeadRule], kinds: &[String], limits: Limits) -> Result<Spent> {
    let mut climbers = climbers(fits, rules, limits)?;
    let mut ledgers = ledgers(&climbers, kinds, limits, "even the strictest rates of the grid break");
    loop {
        while let Some((rule, step)) = best_move(&climbers, &ledgers) {
            move_to(&mut climbers, &mut ledgers, rule, step);
        }
        if !exchange(&mut climbers, &mut ledgers) {
            break;
        }
    }
    Ok(outcome(&climbers, &ledgers))
}

/// What the rates that the policy gives its rules flag together; a limit that they break is warned of.
pub(super) fn kept(fits: &[HeadFit], rules: &[HeadRule], kinds: &[String], limits: Limits) -> Result<Spent> {
    let mut climbers = climbers(fits, rules, limits)?;
    for climber in &mut climbers {
        let HeadRule { id, target, .. } = climber.rule;
        let Some(at) = climber.steps.iter().position(|step| step.target == *target) else {
            let rates: Vec<f64> = climber.steps.iter().map(|step| step.target).collect();
            bail!(
                "the rule {id} has a target_fpr of {target}, which is none of the rates it may keep: {rates:?}"
            );
        };
        climber.at = at;
    }
    let ledgers = ledgers(&climbers, kinds, limits, "the policy's rates break");
    Ok(outcome(&climbers, &ledgers))
}

/// Every rule at the strictest rate.
fn climbers<'a>(fits: &[HeadFit], rules: &'a [HeadRule], limits: Limits) -> Result<Vec<Climber<'a>>> {
    let climber = |rule: &'a HeadRule| match fits.iter().find(|fit| fit.calibrated.name == rule.head) {
        Some(fit) => Ok(Climber { rule, steps: steps(fit, limits.own), at: 0 }),
        None => bail!("the rule {} is on {}, which is no head of this bundle", rule.id, rule.head),
    };
    rules.iter().map(climber).collect()
}

/// What the rules flag where they are, in each role; a warning where that is too much, `broken` by whom.
fn ledgers<'a>(
    climbers: &[Climber<'_>],
    kinds: &'a [String],
    limits: Limits,
    broken: &str,
) -> Vec<Ledger<'a>> {
    let mut ledgers: Vec<_> = Role::ALL.into_iter().map(|role| Ledger::new(role, kinds, limits)).collect();
    for climber in climbers {
        climber.book(&mut ledgers, Ledger::charge);
    }
    for ledger in ledgers.iter().filter(|ledger| !ledger.within(&[])) {
        eprintln!("warning: in the role {} {broken} the budget", ledger.role);
    }
    ledgers
}

fn outcome(climbers: &[Climber<'_>], ledgers: &[Ledger<'_>]) -> Spent {
    let target = |climber: &Climber<'_>| climber.steps.get(climber.at).map_or(0.0, |step| step.target);
    Spent {
        targets: climbers.iter().map(|climber| (climber.rule.id.clone(), target(climber))).collect(),
        roles: ledgers.iter().map(|ledger| (ledger.role, ledger.by_kind())).collect(),
    }
}

impl Climber<'_> {
    /// Enters the rows it flags now into the ledgers of the roles it applies to.
    fn book<'b>(&self, ledgers: &mut [Ledger<'b>], entry: fn(&mut Ledger<'b>, &[usize])) {
        let Some(step) = self.steps.get(self.at) else { return };
        for ledger in ledgers.iter_mut().filter(|ledger| self.rule.roles.contains(&ledger.role)) {
            entry(ledger, &step.flagged);
        }
    }

    /// What the step `number` gains over the present one, in the logarithm of the recall.
    fn gain(&self, number: usize) -> f64 {
        let value =
            |number: usize| self.steps.get(number).map_or(0.0, |step| step.recall).max(LEAST_RECALL).ln();
        value(number) - value(self.at)
    }

    /// The rows that `step` would newly flag, in the role where they are most; `None` when a limit would break.
    fn cost(&self, step: &Step, ledgers: &[Ledger<'_>]) -> Option<usize> {
        let mut most = 0;
        for ledger in ledgers.iter().filter(|ledger| self.rule.roles.contains(&ledger.role)) {
            most = most.max(ledger.cost(&step.flagged)?);
        }
        Some(most)
    }
}

/// The rates a rule may take: the strictest of the grid, and those that flag at most the share `own` of its negatives.
fn steps(fit: &HeadFit, own: f64) -> Vec<Step> {
    let share = |scores: &[f32], chosen: &Threshold| {
        let reached = scores.iter().filter(|&&score| score >= chosen.threshold).count();
        reached as f64 / scores.len().max(1) as f64
    };
    let rates = fit.calibrated.thresholds.iter().zip(&fit.unseen).enumerate();
    rates
        .filter(|(number, (chosen, _))| *number == 0 || share(&fit.own_negatives, chosen) <= own)
        .map(|(_, (chosen, flagged))| Step {
            target: chosen.target_fpr,
            recall: share(&fit.positives, chosen),
            flagged: flagged.clone(),
        })
        .collect()
}

/// The move up the grid, as rule and step, with the greatest relative gain for each new row that the ledgers can bear.
fn best_move(climbers: &[Climber<'_>], ledgers: &[Ledger<'_>]) -> Option<(usize, usize)> {
    let mut best: Option<(f64, usize, usize)> = None;
    for (rule, climber) in climbers.iter().enumerate() {
        for (number, step) in climber.steps.iter().enumerate().skip(climber.at + 1) {
            let Some(new_rows) = climber.cost(step, ledgers) else { break };
            // One more row keeps free steps finite, and in order of their gain.
            let worth = climber.gain(number) / (new_rows as f64 + 1.0);
            if worth > 0.0 && best.is_none_or(|(other, ..)| worth > other) {
                best = Some((worth, rule, number));
            }
        }
    }
    best.map(|(_, rule, step)| (rule, step))
}

/// Takes one rule down and another up where both together gain; whether any did. Greed alone spends the first rows
/// where they gain most, and they may be missing where a few more would have gained more still.
fn exchange(climbers: &mut [Climber<'_>], ledgers: &mut [Ledger<'_>]) -> bool {
    let mut gained = false;
    for down in 0..climbers.len() {
        let start = climbers.get(down).map_or(0, |climber| climber.at);
        for lower in (0..start).rev() {
            let lost = climbers.get(down).map_or(0.0, |climber| climber.gain(lower));
            move_to(climbers, ledgers, down, lower);
            let up = best_gain(climbers, ledgers, down).filter(|(gain, ..)| gain + lost > EPSILON);
            match up {
                Some((_, rule, step)) => {
                    move_to(climbers, ledgers, rule, step);
                    gained = true;
                    break;
                }
                None => move_to(climbers, ledgers, down, start),
            }
        }
    }
    gained
}

/// The affordable move of any rule but `except` with the greatest gain, with that gain.
fn best_gain(climbers: &[Climber<'_>], ledgers: &[Ledger<'_>], except: usize) -> Option<(f64, usize, usize)> {
    let mut best: Option<(f64, usize, usize)> = None;
    for (rule, climber) in climbers.iter().enumerate().filter(|(rule, _)| *rule != except) {
        for (number, step) in climber.steps.iter().enumerate().skip(climber.at + 1) {
            if climber.cost(step, ledgers).is_none() {
                break;
            }
            let gain = climber.gain(number);
            if best.is_none_or(|(other, ..)| gain > other) {
                best = Some((gain, rule, number));
            }
        }
    }
    best
}

fn move_to(climbers: &mut [Climber<'_>], ledgers: &mut [Ledger<'_>], rule: usize, step: usize) {
    let Some(climber) = climbers.get_mut(rule) else { return };
    climber.book(ledgers, Ledger::refund);
    climber.at = step;
    climber.book(ledgers, Ledger::charge);
}

/// How many rules flag which row of the benign mix, in one role.
struct Ledger<'a> {
    role: Role,
    kinds: &'a [String],
    sizes: BTreeMap<&'a str, usize>,
    /// Rules that flag each row.
    flags: Vec<u32>,
    limits: Limits,
}

impl<'a> Ledger<'a> {
    fn new(role: Role, kinds: &'a [String], limits: Limits) -> Self {
        let mut sizes = BTreeMap::new();
        for kind in kinds {
            *sizes.entry(kind.as_str()).or_default() += 1;
        }
        Self { role, kinds, sizes, flags: vec![0; kinds.len()], limits }
    }

    fn charge(&mut self, rows: &[usize]) {
        for &row in rows {
            if let Some(flags) = self.flags.get_mut(row) {
                *flags += 1;
            }
        }
    }

    fn refund(&mut self, rows: &[usize]) {
        for &row in rows {
            if let Some(flags) = self.flags.get_mut(row) {
                *flags = flags.saturating_sub(1);
            }
        }
    }

    /// The rows that flagging `rows` too would add, or `None` when a limit would break.
    fn cost(&self, rows: &[usize]) -> Option<usize> {
        let new: Vec<usize> = rows.iter().copied().filter(|&row| self.flags.get(row) == Some(&0)).collect();
        self.within(&new).then_some(new.len())
    }

    /// Whether every limit holds with the rows `new`, flagged by none so far, on top.
    fn within(&self, new: &[usize]) -> bool {
        let mut flagged = self.flagged();
        for kind in new.iter().filter_map(|&row| self.kinds.get(row)) {
            *flagged.entry(kind).or_default() += 1;
        }
        let total: usize = flagged.values().sum();
        total as f64 <= self.limits.total * self.kinds.len() as f64
            && flagged.iter().all(|(kind, &count)| {
                count as f64 <= self.limits.worst_kind * self.sizes.get(kind).copied().unwrap_or(0) as f64
            })
    }

    fn flagged(&self) -> BTreeMap<&'a str, usize> {
        let mut flagged: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, _) in self.kinds.iter().zip(&self.flags).filter(|(_, flags)| **flags > 0) {
            *flagged.entry(kind).or_default() += 1;
        }
        flagged
    }

    fn by_kind(&self) -> ByKind {
        let flagged = self.flagged();
        let count = |kind: &str| flagged.get(kind).copied().unwrap_or(0);
        self.sizes.iter().map(|(kind, &size)| ((*kind).to_owned(), (count(kind), size))).collect()
    }
}

#[cfg(test)]
mod tests {
    use portcullis_calibration::{Curve, Head, threshold};

    use super::*;
    use crate::grid::TARGET_FPRS;

    /// A head whose score of the benign row `n` of 1,000 is `score(n)`, and whose positives all score 0.9985.
    fn head(name: &str, score: impl Fn(u16) -> u16) -> HeadFit {
        let mix: Vec<f32> = (0..1000).map(|row| f32::from(score(row)) / 1000.0).collect();
        let thresholds: Vec<Threshold> =
            TARGET_FPRS.iter().map(|&target| threshold::at_fpr(&mix, target, "mix").unwrap()).collect();
        let flagged =
            |chosen: &Threshold| (0..mix.len()).filter(|&row| mix[row] >= chosen.threshold).collect();
        let unseen = thresholds.iter().map(flagged).collect();
        let calibrated = Head {
            name: name.to_owned(),
            experimental: false,
            curve: Curve::temperature(1.0).unwrap(),
            positives: 1,
            negatives: 1000,
            ece: 0.0,
            brier: 0.0,
            thresholds,
        };
        HeadFit {
            calibrated,
            correction: None,
            uncorrected: Curve::temperature(1.0).unwrap(),
            ranking: None,
            mix,
            unseen,
            positives: vec![0.9985, 0.993],
            own_negatives: vec![0.1; 100],
        }
    }

    fn rule(head: &str, roles: &[Role]) -> HeadRule {
        HeadRule { id: format!("rule.{head}"), head: head.to_owned(), roles: roles.to_vec(), target: 0.001 }
    }

    const LIMITS: Limits = Limits { total: 0.01, worst_kind: 0.5, own: 0.01 };

    #[test]
    fn the_union_stays_within_the_budget_of_each_role() {
        let fits = [head("hate", |row| row), head("threat", |row| 999 - row)];
        let kinds = vec!["chat".to_owned(); 1000];
        let both = [rule("hate", &[Role::User]), rule("threat", &[Role::User])];
        let spent = spend(&fits, &both, &kinds, LIMITS).unwrap();
        let flagged = |spent: &Spent, role: Role| {
            spent
                .roles
                .iter()
                .find(|(other, _)| *other == role)
                .unwrap()
                .1
                .values()
                .map(|(flagged, _)| *flagged)
                .sum::<usize>()
        };
        assert!((2..=10).contains(&flagged(&spent, Role::User)), "{}", flagged(&spent, Role::User));
        assert_eq!(flagged(&spent, Role::Tool), 0);

        let apart = [rule("hate", &[Role::User]), rule("threat", &[Role::Assistant])];
        let alone = spend(&fits, &apart, &kinds, LIMITS).unwrap();
        assert!(alone.targets["rule.hate"] >= spent.targets["rule.hate"]);
        assert!(alone.targets["rule.threat"] > 0.005, "{:?}", alone.targets);
    }

    #[test]
    fn a_kind_may_stop_it_before_the_budget_is_spent() {
        let fits = [head("hate", |row| row)];
        let kinds: Vec<String> =
            (0..1000).map(|row| if row < 900 { "chat" } else { "code" }.to_owned()).collect();
        let rate = |worst_kind: f64| {
            let limits = Limits { worst_kind, ..LIMITS };
            spend(&fits, &[rule("hate", &[Role::User])], &kinds, limits).unwrap().targets["rule.hate"]
        };
        // One positive costs 1 benign row, the other 7; all of those rows are code.
        assert_eq!(rate(0.5), 0.008);
        assert_eq!(rate(0.02), 0.001);
    }

    #[test]
    fn rates_that_are_kept_stay_within_no_budget_but_on_the_grid() {
        let fits = [head("hate", |row| row)];
        let kinds = vec!["chat".to_owned(); 1000];
        let rule = |target: f64| [HeadRule { target, ..rule("hate", &[Role::User]) }];
        let spent = kept(&fits, &rule(0.02), &kinds, LIMITS).unwrap();
        assert_eq!(spent.targets["rule.hate"], 0.02);
        let (_, user) = spent.roles.iter().find(|(role, _)| *role == Role::User).unwrap();
        assert!(user["chat"].0 > 10, "{user:?}");
        let refused = kept(&fits, &rule(0.0123), &kinds, LIMITS).err().unwrap().to_string();
        assert!(refused.contains("rule.hate") && refused.contains("0.0123"), "{refused}");
    }

    #[test]
    fn a_head_may_not_flag_its_own_negatives() {
        let kinds = vec!["chat".to_owned(); 1000];
        let rate = |reached: f32| {
            let mut fit = head("hate", |row| row);
            fit.own_negatives[0] = reached;
            fit.own_negatives[1] = reached;
            spend(&[fit], &[rule("hate", &[Role::User])], &kinds, LIMITS).unwrap().targets["rule.hate"]
        };
        // The rate that catches both positives has a threshold between 0.991 and 0.992.
        assert_eq!((rate(0.9), rate(0.9925)), (0.008, 0.001));
    }
}
