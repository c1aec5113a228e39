//! `rollback --plan`: what an automatic rollback would do, what it waits for, and what people can do.

use super::guard_options::GuardOptions;
use super::monitor::{View, state_dir, status};
use super::terminal;
use anyhow::ensure;
use clap::Args;
use portcullis::monitor::{Condition, Plan};
use portcullis::policy::{Rollback, Target};
use std::fmt::Write as _;
use std::process::ExitCode;

/// Show what an automatic rollback of the policy waits for and would do.
#[derive(Args)]
#[command(after_help = "\
Nothing is changed. `portcullis policy rollback` goes back at once, by a person's decision.

Examples:
  portcullis rollback --plan --state state
  portcullis rollback --plan --state state --json | jq '.conditions'

Exit status: 0 no condition holds, 1 one holds, 2 an error.")]
pub(super) struct Arguments {
    /// Print the playbook.
    #[arg(long)]
    plan: bool,

    /// Print it as JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    ensure!(
        arguments.plan,
        "nothing to do: expected --plan, or `portcullis policy rollback` to go back to an earlier policy"
    );
    let root = state_dir(options)?;
    let view = View::open(options)?;
    let policy = view.guard.policy().policy();
    let known = status(&view).filter(|status| status.policy.digest == policy.digest());
    let conditions = known.map(|status| status.conditions).unwrap_or_default();
    let last = view.state.as_ref().and_then(|state| state.last_rollback);
    let plan = Plan::new(root, policy, conditions, last)?;
    if arguments.json {
        terminal::emit(&format!("{}\n", serde_json::to_string(&plan)?))?;
    } else {
        terminal::emit(&readable(&plan, policy.rollback(), &root.display().to_string()))?;
    }
    let holds = plan.conditions.iter().any(|condition| condition.holds);
    Ok(if holds { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn readable(plan: &Plan, rollback: Option<&Rollback>, state: &str) -> String {
    let mut text = String::new();
    let name = |policy: &portcullis::PolicyRef| {
        let digest: String = policy.digest.chars().take(12).collect();
        format!("{} {} ({digest})", policy.id, policy.version)
    };
    let _ = writeln!(text, "policy in use: {}", name(&plan.policy));
    match &plan.active {
        Some(active) => {
            let _ = writeln!(
                text,
                "activated: revision {} by {} at {}",
                active.revision,
                terminal::printable(&active.by),
                active.since
            );
        }
        None => text.push_str("activated: no policy was, so there is none to go back to\n"),
    }
    match &plan.target {
        Some(target) => {
            let _ = writeln!(text, "would return to: {}, revision {}", name(&target.policy), target.revision);
        }
        None => text.push_str("would return to: nothing, there is no earlier policy\n"),
    }
    text.push('\n');
    match rollback {
        None => text.push_str("conditions: the policy has no [rollback], so nothing happens by itself\n"),
        Some(rollback) => {
            let window = match rollback.window {
                Some(seconds) => format!("the last {seconds} s"),
                None => "the short window".to_owned(),
            };
            let _ =
                writeln!(text, "conditions, over {window} with at least {} verdicts:", rollback.min_verdicts);
            let _ = match rollback.to {
                Target::Previous => writeln!(text, "  to: the policy in force before"),
                Target::Revision(revision) => writeln!(text, "  to: revision {revision}"),
            };
            if plan.conditions.is_empty() {
                text.push_str("  no verdict of this policy was watched yet\n");
            }
            for condition in &plan.conditions {
                let _ = writeln!(text, "  {}", line(condition));
            }
        }
    }
    let _ = writeln!(text, "\nautomatic rollback: {}", plan.outlook);
    let _ = write!(
        text,
        "
what will happen when a condition holds:
  1. the earlier policy is put in force, by `monitor`, with the condition as the reason, in the log and the history
  2. running guards take it up between two verdicts
  3. nothing more happens by itself until a person activates a policy
what a person can do:
  see what the verdicts were      portcullis monitor --state {state} status
  go back now                     portcullis policy --state {state} rollback --by NAME --reason WHY
  activate a mended policy        portcullis policy --state {state} activate BUNDLE --by NAME
  see what was in force           portcullis policy --state {state} history
"
    );
    text
}

/// A condition with what was measured.
fn line(condition: &Condition) -> String {
    let holds = if condition.holds { "HOLDS" } else { "does not hold" };
    let value = match (condition.value, condition.interval) {
        (Some(value), Some((low, high))) => format!("{value:.4}, {low:.4} to {high:.4}"),
        (Some(value), None) => format!("{value:.3}"),
        (None, _) => "unknown".to_owned(),
    };
    format!("{} {}: {holds}; {value}, {} verdicts", condition.key, condition.limit, condition.verdicts)
}
