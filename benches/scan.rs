//! `scan --parquet` as a process: rows a second by threads, and peak memory by the size of the corpus; a record in Markdown.
//!
//! `cargo bench --bench scan -- [--rows N] [--model ID]`; with Linux alone, since that tells the peak.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has to stop"
)]

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Sizes of the corpus, in multiples of the smallest.
const SIZES: [usize; 3] = [1, 4, 8];

/// What a run came to.
struct Run {
    seconds: f64,
    rows_per_second: f64,
    /// The most memory that was resident, in bytes.
    peak: u64,
}

fn main() {
    let mut rows = 8_000;
    let mut model = "portcullis-base".to_owned();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--rows" => {
                rows = arguments.next().and_then(|rows| rows.parse().ok()).expect("--rows has a number")
            }
            "--model" => model = arguments.next().expect("--model has a name"),
            // What cargo adds.
            "--bench" => {}
            other => panic!("unknown argument {other:?}"),
        }
    }
    let folder = tempfile::tempdir().expect("a folder");
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    println!(
        "# Parquet scan\n\n{} · {threads} threads · {model} · portcullis {}\n",
        cpu(),
        env!("CARGO_PKG_VERSION")
    );
    println!(
        "`cargo bench --bench scan -- --rows {rows} --model {model}`: generated chat lines, 20 to 400 bytes, no text twice.\n"
    );
    println!(
        "| rows | text, MB | threads | seconds | rows a second | peak resident, MB |\n|---:|---:|---:|---:|---:|---:|"
    );
    let largest = SIZES.iter().max().copied().unwrap_or(1);
    for size in SIZES {
        let path = folder.path().join(format!("{size}.parquet"));
        let bytes = write(&path, rows * size / largest);
        let counts = if size == largest && threads > 1 { vec![1, threads] } else { vec![threads] };
        for threads in counts {
            let run = scan(&path, folder.path(), threads, &model);
            let (count, megabytes, peak) = (rows * size / largest, bytes as f64 / 1e6, run.peak as f64 / 1e6);
            println!(
                "| {count} | {megabytes:.1} | {threads} | {:.2} | {:.0} | {peak:.1} |",
                run.seconds, run.rows_per_second
            );
        }
    }
}

/// Writes a corpus of so many rows; the bytes of its texts.
fn write(path: &Path, rows: usize) -> usize {
    const WORDS: [&str; 32] = [
        "the", "garden", "opens", "at", "nine", "could", "you", "tell", "me", "when", "library", "closes",
        "on", "a", "Saturday", "recipe", "for", "bread", "with", "less", "salt", "please", "my", "parcel",
        "has", "not", "come", "yet", "and", "it", "was", "blue",
    ];
    let mut seed = 1_u64;
    let mut random = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) as usize
    };
    let mut text = move || {
        let words = 4 + random() % 76;
        let words: Vec<&str> =
            (0..words).filter_map(|_| WORDS.get(random() % WORDS.len()).copied()).collect();
        words.join(" ") + "."
    };
    let schema = Arc::new(arrow_schema::Schema::new(vec![arrow_schema::Field::new(
        "text",
        arrow_schema::DataType::Utf8,
        false,
    )]));
    let file = File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, Arc::clone(&schema), None).expect("a writer");
    let mut bytes = 0;
    let mut left = rows;
    while left > 0 {
        let texts: Vec<String> = (0..left.min(1024)).map(|_| text()).collect();
        left -= texts.len();
        bytes += texts.iter().map(String::len).sum::<usize>();
        let column: ArrayRef = Arc::new(StringArray::from(texts));
        writer
            .write(&RecordBatch::try_new(Arc::clone(&schema), vec![column]).expect("columns"))
            .expect("rows");
    }
    writer.close().expect("a whole file");
    bytes
}

fn scan(corpus: &Path, folder: &Path, threads: usize, model: &str) -> Run {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let mut child = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .args(["scan", "--json", "--fail-on", "never", "--column", "text", "--threads", &threads.to_string()])
        .args(["--model", model, "--models"])
        .arg(models)
        .arg("--parquet")
        .arg(corpus)
        .arg("--out")
        .arg(folder.join("verdicts.parquet"))
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut peak = 0;
    while child.try_wait().expect("the program runs").is_none() {
        peak = peak.max(high_water(child.id()).unwrap_or(0));
        std::thread::sleep(Duration::from_millis(10));
    }
    let output = child.wait_with_output().expect("the program ends");
    assert!(output.status.success(), "the program ends with {}", output.status);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a summary");
    let number = |key: &str| told.pointer(&format!("/summary/{key}")).and_then(serde_json::Value::as_f64);
    let (seconds, rows_per_second) =
        (number("seconds").expect("seconds"), number("rows_per_second").expect("a rate"));
    Run { seconds, rows_per_second, peak }
}

/// The most memory that a process had resident so far, as Linux counts it.
fn high_water(process: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? << 10)
}

fn cpu() -> String {
    let known = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = known.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    model.map_or_else(|| "unknown CPU".to_owned(), |(_, name)| name.to_owned())
}
