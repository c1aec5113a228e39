//! `bench --device`: from which size of a batch a device is faster than the processor, and whether it decides the same.

mod parity;

use super::texts;
use crate::cli::guard_options::GuardOptions;
use crate::cli::terminal::{self, FAINT, HEADING, Table};
use anyhow::{Context as _, bail, ensure};
use parity::Parity;
use portcullis::guard::maker;
use portcullis::threads::Threads;
use portcullis::{Crossover, DeviceKind, DeviceReport, Guard, Request};
use serde::Serialize;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// Rounds of every size, at least: the first of them warms up.
const LEAST_ROUNDS: usize = 3;

/// What is measured.
pub(super) struct Plan<'a> {
    pub(super) batches: &'a [usize],
    pub(super) lengths: &'a [u16],
    /// How long one size is measured on each side.
    pub(super) time: Duration,
    pub(super) data: &'a [PathBuf],
}

/// What was measured.
#[derive(Serialize)]
pub(super) struct Comparison {
    pub(super) device: DeviceReport,
    pub(super) threads: usize,
    pub(super) sizes: Vec<Size>,
    /// Tokens of a batch from which the device was faster at every size; null where it never was.
    pub(super) from_tokens: Option<usize>,
    /// Where it was written down.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) written: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parity: Option<Parity>,
    /// Whether the program was built without optimisation, and its figures mean little.
    pub(super) unoptimised: bool,
}

/// One size of a batch, with median times of whole checks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(super) struct Size {
    pub(super) texts: usize,
    /// Tokens of each, the special ones included.
    pub(super) tokens: usize,
    pub(super) cpu_us: f64,
    pub(super) device_us: f64,
}

/// Compares the processor with the device that is asked for, or the first that is there.
///
/// # Errors
/// Where there is no device, or it fails meanwhile.
pub(super) fn compare(plan: &Plan<'_>, options: &GuardOptions) -> anyhow::Result<Comparison> {
    let options = &options.unattributed();
    let kind = asked_for(options)?;
    let cpu = options.on(DeviceKind::Cpu).guard()?;
    let device = options.on(kind).guard()?;
    let mut sizes = Vec::new();
    let mut plans: Vec<(usize, usize)> = Vec::new();
    for &tokens in plan.lengths {
        plans.extend(plan.batches.iter().map(|&batch| (batch, usize::from(tokens))));
    }
    // The smallest first: what the device does not bear is learnt late.
    plans.sort_unstable_by_key(|(batch, tokens)| (batch * tokens, *batch));
    let progress = terminal::progress("measuring", plans.len() as u64);
    for (batch, tokens) in plans {
        sizes.push(size(&cpu, &device, batch, tokens, plan.time)?);
        progress.inc(1);
    }
    progress.finish_and_clear();
    let parity = match plan.data {
        [] => None,
        files => Some(parity::measure(&cpu, &device, files)?),
    };
    let report = device.inspect();
    let accelerator = report.accelerator.context("the guard has no device")?;
    if let Some(trouble) = &accelerator.trouble {
        bail!("the device failed while it was measured: {trouble}");
    }
    let from_tokens = crossover(&sizes);
    let mut comparison = Comparison {
        device: accelerator,
        threads: report.threads,
        sizes,
        from_tokens,
        written: None,
        parity,
        unoptimised: cfg!(debug_assertions),
    };
    if let Some(state) = options.state() {
        comparison.written = Some(written(&comparison, kind, options, &device)?.write(state)?);
    }
    Ok(comparison)
}

/// The device that was asked for; the first that is there where that is left open.
fn asked_for(options: &GuardOptions) -> anyhow::Result<DeviceKind> {
    let devices = options.devices();
    if !devices.is_open() {
        return Ok(devices.kind());
    }
    const NONE: &str = "there is no device to compare with";
    let found = devices.devices().context(NONE)?;
    let first = found.first().context(NONE)?.device;
    DeviceKind::ALL.into_iter().find(|kind| kind.device() == Some(first)).context(NONE)
}

fn written(
    comparison: &Comparison,
    kind: DeviceKind,
    options: &GuardOptions,
    guard: &Guard,
) -> anyhow::Result<Crossover> {
    let device = kind.device().context("the processor is no device")?;
    let library = options.devices().library();
    let maker = maker(device, library.as_deref(), &Threads::new(1))?;
    let time = portcullis::record::timestamp(SystemTime::now())?;
    Ok(Crossover {
        format: Crossover::FORMAT,
        kind: device.to_string(),
        name: comparison.device.name.clone(),
        driver: comparison.device.driver.clone(),
        maker,
        model: guard.bundle().entry().digest(),
        precision: comparison.device.precision.clone(),
        from_tokens: comparison.from_tokens,
        threads: comparison.threads,
        measured: time,
    })
}

/// The median times of one size, the two sides in turns.
fn size(cpu: &Guard, device: &Guard, texts: usize, tokens: usize, time: Duration) -> anyhow::Result<Size> {
    let requests: Vec<Request> = vec![texts::benign(tokens)?; texts];
    let (mut of_cpu, mut of_device) = (Vec::new(), Vec::new());
    let mut spent = Duration::ZERO;
    while of_cpu.len() < LEAST_ROUNDS || spent < time * 2 {
        for (guard, times, is_device) in [(cpu, &mut of_cpu, false), (device, &mut of_device, true)] {
            let start = Instant::now();
            let verdicts = guard.check_batch(&requests);
            let took = start.elapsed();
            spent += took;
            times.push(took);
            ensure!(
                verdicts.iter().all(|verdict| verdict.device.is_some() == is_device),
                "a batch of {texts} texts of {tokens} tokens was not judged where it was to be judged"
            );
        }
    }
    Ok(Size { texts, tokens, cpu_us: median(&mut of_cpu), device_us: median(&mut of_device) })
}

/// The median in microseconds, the first left out.
fn median(times: &mut Vec<Duration>) -> f64 {
    times.remove(0);
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1e6)
}

/// The fewest tokens of a batch from which the device was faster at every size that was measured.
fn crossover(sizes: &[Size]) -> Option<usize> {
    let tokens = |size: &Size| size.texts * size.tokens;
    let lost = sizes
        .iter()
        .filter(|size| size.device_us >= size.cpu_us || size.device_us.is_nan())
        .map(tokens)
        .max();
    sizes.iter().map(tokens).filter(|tokens| lost.is_none_or(|lost| *tokens > lost)).min()
}

/// The comparison as a table and what follows from it.
pub(super) fn tables(comparison: &Comparison) -> String {
    let DeviceReport { device, name, driver, precision, kernels, .. } = &comparison.device;
    let driver = if driver.is_empty() { String::new() } else { format!(", driver {driver}") };
    let mut text = format!(
        "{HEADING}{device}: {}{driver}, {precision}, against {} threads{HEADING:#}\n",
        terminal::printable(name),
        comparison.threads
    );
    if !kernels.is_empty() {
        let _ = writeln!(text, "{}", terminal::printable(kernels));
    }
    if comparison.unoptimised {
        let _ = writeln!(text, "{FAINT}built without optimisation: the figures mean little{FAINT:#}");
    }
    let columns = ["texts", "tokens each", "processor ms", "device ms", "times as fast"];
    let mut table = Table::new(&columns, &columns);
    for size in &comparison.sizes {
        let milliseconds = |micros: f64| format!("{:.2}", micros / 1e3);
        table.row([
            size.texts.to_string(),
            size.tokens.to_string(),
            milliseconds(size.cpu_us),
            milliseconds(size.device_us),
            format!("{:.2}", size.cpu_us / size.device_us),
        ]);
    }
    let _ = writeln!(text, "\n{}", table.render());
    let _ = match comparison.from_tokens {
        Some(tokens) => writeln!(text, "The device is faster from {tokens} tokens in a batch on."),
        None => {
            writeln!(text, "The device is not faster at the largest size: everything stays on the processor.")
        }
    };
    if let Some(path) = &comparison.written {
        let _ = writeln!(text, "Written to {}, where `--device auto` looks it up.", path.display());
    }
    if let Some(parity) = &comparison.parity {
        text.push('\n');
        text.push_str(&parity.table());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sizes(of: &[(usize, usize, f64, f64)]) -> Vec<Size> {
        let size = |(texts, tokens, cpu_us, device_us): &(usize, usize, f64, f64)| Size {
            texts: *texts,
            tokens: *tokens,
            cpu_us: *cpu_us,
            device_us: *device_us,
        };
        of.iter().map(size).collect()
    }

    #[test]
    fn the_crossover_is_above_the_last_size_that_was_lost() {
        assert_eq!(crossover(&[]), None);
        assert_eq!(crossover(&sizes(&[(1, 8, 1.0, 2.0)])), None);
        assert_eq!(crossover(&sizes(&[(1, 8, 2.0, 1.0)])), Some(8));
        let mixed =
            [(1, 8, 1.0, 2.0), (1, 64, 5.0, 2.0), (8, 8, 1.0, 2.0), (8, 64, 9.0, 2.0), (2, 64, 5.0, 2.0)];
        assert_eq!(crossover(&sizes(&mixed)), Some(128));
        assert_eq!(crossover(&sizes(&[(1, 8, 2.0, 1.0), (8, 64, 2.0, 2.0)])), None);
        assert_eq!(crossover(&sizes(&[(1, 8, 2.0, 1.0), (8, 64, 2.0, f64::NAN)])), None);
    }

    #[test]
    fn the_first_time_is_left_out() {
        let mut times = [90, 3, 1, 2].map(Duration::from_micros).to_vec();
        assert!((median(&mut times) - 2.0).abs() < 1e-9);
    }
}
