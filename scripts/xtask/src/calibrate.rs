//! `cargo xtask calibrate`: logits of the shipped int8 path on held-out rows become curves, thresholds and a policy.
//!
//! The rows carry labels by head. Rows that are innocent on every head, from sources that no head was trained on, are the
//! benign mix: everyday prompts, code, documents and fiction. Curves are fitted on every row whose label for the head is
//! known; thresholds come from the benign mix, because thresholds set among a head's own hard negatives flag far too much
//! of ordinary text. Those negatives only keep them from falling too low.

mod budget;
mod exits;
mod heads;
mod length;
mod policy;
mod rows;
mod table;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use portcullis::bundle::Index;
use portcullis::rails::classifier::{SKETCH, TextStages};
use portcullis::{Guard, GuardError};
use portcullis_calibration::plot::{self, Named};
use portcullis_calibration::{Calibration, Exit, Reference, measure};

use crate::bundle;
use heads::{Columns, Floor, HeadFit};
use length::Lengths;
use rows::{Mix, Rows};

/// Texts scored at a time; progress is told after each.
const CHUNK: usize = 2048;

/// What `calibrate` takes.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Models directory that holds the bundle.
    #[arg(long, value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// The bundle to calibrate, by its identifier; without it the default one.
    #[arg(long, value_name = "ID")]
    model: Option<String>,
    /// Labelled rows (JSON Lines, gzipped or not): `text`, `labels`, `source`, `kind`.
    #[arg(long, value_name = "FILE")]
    calibration: PathBuf,
    /// Share of the benign mix that all rules of one role may flag together, each kind held out in turn.
    #[arg(long, default_value_t = 0.01)]
    budget: f64,
    /// Share of any one kind of the benign mix, held out when thresholds are chosen, that they may flag together.
    #[arg(long, default_value_t = 0.02)]
    kind_slack: f64,
    /// Share of a head's own labelled negatives, outside the mix, that a rule on it may flag; thresholds for a greater
    /// rate, which no rule is then given, may flag as much as that rate.
    #[arg(long, default_value_t = 0.01)]
    source_cap: f64,
    /// Heads whose logits may be corrected by length, where that finds more. Not injections: what the mix has none of, short second
    /// turns of a conversation and orders with a placeholder where a secret was, would be flagged.
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "HEADS",
        default_value = "toxicity,harmful_request,jailbreak"
    )]
    by_length: Vec<String>,
    /// The least calibrated score that a threshold may have: below an even chance a text is more likely innocent.
    #[arg(long, default_value_t = 0.5)]
    least_score: f32,
    /// Share of all rows that a cascade through the model's exits may decide otherwise than the whole model.
    #[arg(long, default_value_t = 0.002)]
    cascade_differ: f64,
    /// Share of what a rule flags that a cascade may let go.
    #[arg(long, default_value_t = 0.005)]
    cascade_loss: f64,
    /// Keep the rates that the policy has, and choose none: thresholds and the cascade are fitted for them, and the policy is
    /// not written.
    #[arg(long)]
    keep_rates: bool,
    /// The rows that the heads were trained on, in the same form: no source of theirs is part of the mix.
    #[arg(long, value_name = "FILE")]
    train: PathBuf,
    /// Policy whose `target_fpr` values are rewritten with the result.
    #[arg(long, value_name = "FILE", default_value = "models/policies/default.toml")]
    policy: PathBuf,
    /// Folder for the reliability and ROC plots (SVG).
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Threads that score.
    #[arg(long, default_value_t = 2)]
    threads: usize,
}

/// Scores, fits, chooses, writes, and prints the table.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let (policy_text, rules) = policy::read(&arguments.policy)?;
    let rows = rows::read(&arguments.calibration)?;
    let trained = rows::sources(&arguments.train)?;
    let mix = rows.benign_mix(&trained, arguments.kind_slack);
    ensure!(
        !mix.rows.is_empty(),
        "no row of {} is innocent on every head and from a source that is not in {}",
        arguments.calibration.display(),
        arguments.train.display()
    );

    let mut builder = Guard::builder().models_dir(&arguments.models).threads(arguments.threads);
    if let Some(id) = &arguments.model {
        builder = builder.model(id);
    }
    let guard = builder
        .build()
        .with_context(|| format!("cannot open the bundle in {}", arguments.models.display()))?;
    let stages = if guard.bundle().manifest().stages().is_empty() {
        Vec::new()
    } else {
        score(&rows, |texts| guard.stages(texts))?
    };
    let uncorrected: Vec<Vec<f32>> = if stages.is_empty() {
        score(&rows, |texts| guard.uncorrected_logits(texts))?
    } else {
        stages.iter().map(strongest).collect()
    };
    let is_head = |name: &&String| guard.heads().iter().any(|head| head.name == **name);
    if let Some(unknown) = arguments.by_length.iter().find(|name| !is_head(name)) {
        bail!("--by-length names {unknown:?}, which is no head of the bundle");
    }
    let lengths = Lengths::new(&rows);
    let corrections = guard
        .heads()
        .iter()
        .enumerate()
        .map(|(column, head)| {
            let named = (column, head.name.as_str());
            match arguments.by_length.contains(&head.name) {
                true => lengths.correction(&rows, &mix, &uncorrected, named, arguments.source_cap),
                false => Ok(None),
            }
        })
        .collect::<Result<Vec<_>>>()?;
    let floor = Floor { source_cap: arguments.source_cap, score: arguments.least_score };
    let fits = guard
        .heads()
        .iter()
        .enumerate()
        .map(|(column, head)| {
            let correction = corrections.get(column).cloned().flatten();
            let all = (&rows, lengths.of_rows(), &mix);
            let columns = Columns::new(all, &uncorrected, column, &head.name, correction.as_ref())?;
            heads::fit(head, &columns, correction, &mix.kinds, floor)
        })
        .collect::<Result<Vec<_>>>()?;

    let limits = budget::Limits {
        total: arguments.budget,
        worst_kind: arguments.kind_slack,
        own: arguments.source_cap,
    };
    let choose = if arguments.keep_rates { budget::kept } else { budget::spend };
    let chosen = choose(&fits, &rules, &mix.kinds, limits)?;
    let material = exits::Material {
        guard: &guard,
        rows: &rows,
        lengths: lengths.of_rows(),
        mix: &mix,
        stages: &stages,
        fits: &fits,
        rules: &rules,
        chosen: &chosen,
        floor,
    };
    let cascade = exits::Limits { differ: arguments.cascade_differ, rule_loss: arguments.cascade_loss };
    let fitted = exits::fit(&material, cascade)?;
    let references = references(&guard, &rows, &mix, &fits)?;
    write(arguments, &rows, &fits, fitted.as_ref().map_or(&[], |fitted| &fitted.exits), references)?;
    if !arguments.keep_rates {
        let edited = policy::with_targets(&policy_text, &chosen.targets)?;
        bundle::write(&arguments.policy, edited.as_bytes())?;
    }
    if let Some(dir) = &arguments.plots {
        draw(dir, &fits)?;
    }
    print!("{}", table::render(&fits, &rules, &chosen));
    if let Some(fitted) = fitted {
        print!("{}", fitted.table());
    }
    Ok(())
}

/// What `ask` says of each row, in the rows' order. Texts of one chunk have similar lengths, so that a chunk's time can be
/// told.
fn score<T>(rows: &Rows, ask: impl Fn(&[&str]) -> Result<Vec<T>, GuardError>) -> Result<Vec<T>> {
    let mut order: Vec<usize> = (0..rows.rows.len()).collect();
    order.sort_by_key(|&row| rows.rows.get(row).map_or(0, |row| row.text.len()));
    let mut answers: Vec<(usize, T)> = Vec::with_capacity(order.len());
    for (number, chunk) in order.chunks(CHUNK).enumerate() {
        let texts: Vec<&str> =
            chunk.iter().filter_map(|&row| rows.rows.get(row)).map(|row| row.text.as_str()).collect();
        answers.extend(chunk.iter().copied().zip(ask(&texts).context("cannot score the rows")?));
        eprintln!("scored {} of {} rows", (number * CHUNK + chunk.len()), order.len());
    }
    answers.sort_by_key(|(row, _)| *row);
    Ok(answers.into_iter().map(|(_, answer)| answer).collect())
}

/// A text's logits by the whole model: each head's largest over the windows.
fn strongest(stages: &TextStages) -> Vec<f32> {
    let rows = stages.windows.iter().map(|window| window.model.clone());
    rows.reduce(|a, b| a.iter().zip(&b).map(|(a, b)| a.max(*b)).collect()).unwrap_or_default()
}

/// Writes `calibration.toml` and the index, whose digests change with it.
fn write(
    arguments: &Arguments,
    rows: &Rows,
    fits: &[HeadFit],
    exits: &[Exit],
    references: Vec<Reference>,
) -> Result<()> {
    let index = Index::read(&arguments.models).context("cannot read the index")?;
    let entry = match &arguments.model {
        Some(id) => index.bundle(id),
        None => index.default_bundle(),
    }
    .context("cannot find the bundle")?;
    let dir = arguments.models.join(&entry.directory);
    let weights = blake3::hash(&bundle::read(&dir.join("weights.safetensors"))?).to_hex();
    let heads = fits.iter().map(|fit| fit.calibrated.clone()).collect();
    let calibration = Calibration::new(
        weights.as_str(),
        &rows.digest,
        "cargo xtask calibrate: platt on the int8 logits",
        heads,
    )
    .and_then(|calibration| {
        calibration.with_corrections(fits.iter().filter_map(|fit| fit.correction.clone()).collect())
    })
    .and_then(|calibration| calibration.with_exits(exits.to_vec()))
    .and_then(|calibration| calibration.with_references(references))
    .context("the calibration is not valid")?;
    bundle::write(&dir.join("calibration.toml"), calibration.to_toml().as_bytes())?;
    bundle::rewrite_index(&arguments.models, &entry.directory, &entry.id, &entry.licence)?;
    Ok(())
}

/// How the heads' scores and the projections of the model's states are spread over the benign mix: what the monitor tells drift from.
fn references(guard: &Guard, rows: &Rows, mix: &Mix, fits: &[HeadFit]) -> Result<Vec<Reference>> {
    let of_heads = fits.iter().filter_map(|fit| Reference::of_sample(&fit.calibrated.name, &fit.mix));
    let texts: Vec<&str> =
        mix.rows.iter().filter_map(|&row| rows.rows.get(row)).map(|row| row.text.as_str()).collect();
    let mut sketches = Vec::with_capacity(texts.len());
    for texts in texts.chunks(CHUNK) {
        let scores = guard.scores(texts).context("cannot sketch the rows")?;
        sketches.extend(scores.into_iter().filter_map(|scores| scores.sketch));
    }
    let of_states = (0..SKETCH).filter_map(|number| {
        let sample: Vec<f32> = sketches.iter().filter_map(|sketch| sketch.get(number).copied()).collect();
        Reference::of_sample(&format!("embedding.{number}"), &sample)
    });
    Ok(of_heads.chain(of_states).collect())
}

fn draw(dir: &Path, fits: &[HeadFit]) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let mut curves = Vec::new();
    for fit in fits {
        let Some(ranking) = &fit.ranking else { continue };
        let name = &fit.calibrated.name;
        let reliability = measure::reliability(ranking, heads::BINS)?;
        let svg = plot::reliability(&format!("Reliability of {name} on the calibration rows"), &reliability)?;
        bundle::write(&dir.join(format!("reliability-{name}.svg")), svg.as_bytes())?;
        curves.push((name, measure::roc(ranking)?));
    }
    if curves.is_empty() {
        return Ok(());
    }
    let named: Vec<_> = curves
        .iter()
        .map(|(name, points)| Named { name: name.as_str(), points: points.as_slice() })
        .collect();
    let svg = plot::roc("ROC on the calibration rows", &named)?;
    bundle::write(&dir.join("roc.svg"), svg.as_bytes())
}
