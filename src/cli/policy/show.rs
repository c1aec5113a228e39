//! `policy show`: a policy in short, with the score from which each rule applies under the model in use.

use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal;
use clap::Args;
use portcullis::policy::{
    BoundPolicy, BoundRule, Governance, Limit, OnDeadline, OnLogFailure, Policy, Rollback,
};
use portcullis::{ModelRef, PolicyRef};
use serde::Serialize;
use std::path::PathBuf;
use std::process::ExitCode;

/// Show what a policy says.
#[derive(Args)]
#[command(after_help = "\
A `target_fpr` is shown as the score that it comes to under the model in use.

Examples:
  portcullis policy show
  portcullis policy show my-bundle
  portcullis policy show my-bundle --json | jq '.rules[] | select(.hazard == \"Hate\")'

Exit status: 0, or 2 for an error.")]
pub(super) struct Arguments {
    /// The policy: a file, or a bundle. Without it, the one in force: that of `--policy` or the
    /// state directory, or the policy in the program.
    path: Option<PathBuf>,

    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(arguments: &Arguments, options: &GuardOptions) -> anyhow::Result<ExitCode> {
    let policy = match &arguments.path {
        Some(path) => Policy::open(path)?,
        None => options.in_force()?,
    };
    let guard = options.guard_of(policy)?;
    let shown = Shown::new(guard.policy(), guard.inspect().model);
    terminal::emit(&if arguments.json { serde_json::to_string(&shown)? + "\n" } else { shown.readable() })?;
    Ok(ExitCode::SUCCESS)
}

/// What is shown of a policy.
#[derive(Serialize)]
struct Shown {
    policy: PolicyRef,
    schema: u64,
    revision: u64,
    description: String,
    governance: ShownGovernance,
    on_fault: String,
    on_unsupported: String,
    on_deadline: &'static str,
    on_log_failure: &'static str,
    on_device_failure: &'static str,
    rollback: Option<Rollback>,
    max_bytes: usize,
    max_decode_depth: usize,
    turns: usize,
    rules: Vec<ShownRule>,
    lists: Vec<ShownList>,
    allowed_hosts: usize,
    denied_hosts: usize,
    heads: Vec<String>,
    schemas: Vec<String>,
    tools: Vec<String>,
    model: ModelRef,
}

#[derive(Serialize)]
struct ShownGovernance {
    objective: String,
    owner: String,
    reviewer: Option<String>,
    references: Vec<String>,
    data_slice: Option<String>,
    effective: Option<String>,
    expires: Option<String>,
}

#[derive(Serialize)]
struct ShownRule {
    id: String,
    detector: String,
    category: Option<String>,
    roles: Vec<String>,
    slices: Vec<String>,
    locales: Vec<String>,
    /// The score from which it applies.
    threshold: f32,
    target_fpr: Option<f64>,
    action: String,
    replacement: Option<String>,
    experimental: bool,
    owner: Option<String>,
    hazard: Option<&'static str>,
    references: Vec<String>,
    rationale: Option<String>,
}

#[derive(Serialize)]
struct ShownList {
    id: String,
    words: usize,
}

impl Shown {
    fn new(bound: &BoundPolicy, model: ModelRef) -> Self {
        let policy = bound.policy();
        let tools = policy.tools();
        Self {
            policy: policy.reference(),
            schema: policy.schema(),
            revision: policy.revision(),
            description: policy.description().to_owned(),
            governance: ShownGovernance::new(policy.governance()),
            on_fault: policy.on_fault().to_string(),
            on_unsupported: policy.on_unsupported().to_string(),
            on_deadline: match policy.on_deadline() {
                OnDeadline::Exit => "exit",
                OnDeadline::Fault => "fault",
            },
            on_log_failure: match policy.on_log_failure() {
                OnLogFailure::Fault => "fault",
                OnLogFailure::Continue => "continue",
            },
            on_device_failure: policy.on_device_failure().as_str(),
            rollback: policy.rollback().copied(),
            max_bytes: policy.max_bytes(),
            max_decode_depth: policy.max_decode_depth(),
            turns: policy.turns(),
            rules: bound.rules().iter().map(ShownRule::new).collect(),
            lists: policy
                .lists()
                .iter()
                .map(|list| ShownList { id: list.id.clone(), words: list.words.len() })
                .collect(),
            allowed_hosts: policy.hosts().allow.len(),
            denied_hosts: policy.hosts().deny.len(),
            heads: policy.heads().map(|head| head.head().name.clone()).collect(),
            schemas: policy.schemas().iter().map(|schema| schema.detector.clone()).collect(),
            tools: tools.allow.iter().chain(tools.schemas.iter().map(|(name, _)| name)).cloned().collect(),
            model,
        }
    }

    fn readable(&self) -> String {
        let mut facts = terminal::Table::new(&["policy", ""], &[]);
        let mut fact = |name: &str, what: &str| {
            if !what.is_empty() {
                facts.row([name, &terminal::printable(what)]);
            }
        };
        fact("id", &self.policy.id);
        fact("version", &self.policy.version);
        if self.revision > 0 {
            fact("revision", &self.revision.to_string());
        }
        fact("schema", &self.schema.to_string());
        fact("digest", &self.policy.digest);
        fact("description", &self.description);
        let governance = &self.governance;
        fact("objective", &governance.objective);
        fact("owner", &governance.owner);
        fact("reviewer", governance.reviewer.as_deref().unwrap_or_default());
        fact("references", &governance.references.join(", "));
        fact("data slice", governance.data_slice.as_deref().unwrap_or_default());
        fact("effective", governance.effective.as_deref().unwrap_or_default());
        fact("expires", governance.expires.as_deref().unwrap_or_default());
        fact("on a fault", &self.on_fault);
        fact("on another language", &self.on_unsupported);
        fact("on a deadline", self.on_deadline);
        fact("on a log failure", self.on_log_failure);
        fact("on a device failure", self.on_device_failure);
        fact("automatic rollback", &self.rollback.map(|rollback| rollback.to_string()).unwrap_or_default());
        fact("most bytes", &self.max_bytes.to_string());
        fact("decoded to depth", &self.max_decode_depth.to_string());
        if self.turns > 0 {
            fact("earlier turns", &self.turns.to_string());
        }
        let lists: Vec<String> =
            self.lists.iter().map(|list| format!("{} ({})", list.id, list.words)).collect();
        fact("lists", &lists.join(", "));
        if self.allowed_hosts + self.denied_hosts > 0 {
            fact("hosts", &format!("{} allowed, {} denied", self.allowed_hosts, self.denied_hosts));
        }
        fact("heads", &self.heads.join(", "));
        fact("JSON Schemas", &self.schemas.join(", "));
        fact("tools", &self.tools.join(", "));
        fact("model", &self.model.id);
        let columns = ["rule", "detector", "from", "action", "for", "hazard", "owner"];
        let mut rules = terminal::Table::new(&columns, &["from"]);
        for rule in &self.rules {
            let action = match &rule.replacement {
                Some(replacement) => format!("{} ({replacement})", rule.action),
                None => rule.action.clone(),
            };
            rules.row([
                rule.id.clone(),
                rule.detector.clone(),
                format!("{:.3}", rule.threshold),
                action,
                terminal::printable(&rule.scope()),
                rule.hazard.unwrap_or("").to_owned(),
                terminal::printable(rule.owner.as_deref().unwrap_or("")),
            ]);
        }
        format!("{}\n{}", facts.render(), rules.render())
    }
}

impl ShownGovernance {
    fn new(governance: &Governance) -> Self {
        Self {
            objective: governance.objective.clone(),
            owner: governance.owner.clone(),
            reviewer: governance.reviewer.clone(),
            references: governance.references.clone(),
            data_slice: governance.data_slice.clone(),
            effective: governance.effective.map(|day| day.to_string()),
            expires: governance.expires.map(|day| day.to_string()),
        }
    }
}

impl ShownRule {
    fn new(bound: &BoundRule) -> Self {
        let rule = bound.rule();
        Self {
            id: rule.id.clone(),
            detector: rule.detector.to_string(),
            category: rule.category.clone(),
            roles: rule.roles.iter().map(ToString::to_string).collect(),
            slices: rule.slices.clone(),
            locales: rule.locales.clone(),
            threshold: bound.threshold(),
            target_fpr: match rule.limit {
                Limit::TargetFpr(target) => Some(target),
                Limit::Threshold(_) => None,
            },
            action: bound.decision().to_string(),
            replacement: bound.replacement().map(ToString::to_string),
            experimental: rule.experimental,
            owner: rule.owner.clone(),
            hazard: rule.hazard.map(|hazard| hazard.as_str()),
            references: rule.references.clone(),
            rationale: rule.rationale.clone(),
        }
    }

    /// The texts that it is for.
    fn scope(&self) -> String {
        let all = portcullis::Role::ALL.len();
        let roles = if self.roles.len() == all { "all".to_owned() } else { self.roles.join(", ") };
        let limited = |what: &str, names: &[String]| match names {
            [] => String::new(),
            names => format!("; {what} {}", names.join(", ")),
        };
        format!("{roles}{}{}", limited("slice", &self.slices), limited("locale", &self.locales))
    }
}
