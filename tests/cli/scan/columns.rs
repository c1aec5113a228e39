//! `scan --parquet`: a column in, verdicts out, whatever the file holds.

use super::{ATTACK, MAIL, folder, scan};
use crate::program::{Run, finish, program};
use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Int64Type};
use arrow_array::{Array as _, ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

const PLAIN: &str = "The oven should be hot.";

fn write(path: &Path, columns: &[(&str, ArrayRef)], group: usize) {
    let batch =
        RecordBatch::try_from_iter(columns.iter().map(|(name, column)| (*name, Arc::clone(column)))).unwrap();
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(group)).build();
    let mut writer =
        ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn strings(texts: &[Option<&str>]) -> ArrayRef {
    Arc::new(StringArray::from(texts.to_vec()))
}

fn numbers(count: usize) -> ArrayRef {
    Arc::new((0..count as i64).map(|number| number * 10).collect::<Int64Array>())
}

fn read(path: &Path) -> (Vec<RecordBatch>, BTreeMap<String, String>) {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap();
    let metadata = builder.metadata().file_metadata().key_value_metadata().unwrap().iter();
    let metadata = metadata.map(|pair| (pair.key.clone(), pair.value.clone().unwrap())).collect();
    (builder.build().unwrap().map(Result::unwrap).collect(), metadata)
}

fn judge(folder: &Path, more: &[&str]) -> Run {
    let arguments = ["--parquet", "corpus.parquet", "--column", "text", "--out", "verdicts.parquet"];
    scan(folder, &[&arguments as &[&str], more].concat())
}

/// The names of what lies in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn every_row_has_its_verdict() {
    let folder = folder(&[]);
    let texts =
        [Some(PLAIN), Some(MAIL), None, Some(ATTACK), Some(""), Some("a \0 b"), Some("Bring a spoon.")];
    let columns = [("id", numbers(7)), ("text", strings(&texts)), ("other", strings(&[Some(MAIL); 7]))];
    write(&folder.path().join("corpus.parquet"), &columns, 3);
    let run = judge(folder.path(), &["--id-column", "id"]);
    assert_eq!(run.status, Some(1), "{}{}", run.stdout, run.stderr);
    assert!(run.stdout.contains("2 rows without a text\n1 row not judged\n"), "{}", run.stdout);
    let (batches, metadata) = read(&folder.path().join("verdicts.parquet"));
    let batch = &batches[0];
    let column = |name: &str| batch.column_by_name(name).unwrap_or_else(|| panic!("no {name}"));
    let words = |name: &str| column(name).as_string::<i32>().iter().collect::<Vec<_>>();
    assert_eq!(column("row").as_primitive::<Int64Type>().values(), &[0, 1, 2, 3, 4, 5, 6]);
    assert_eq!(column("id").as_primitive::<Int64Type>().values(), &[0, 10, 20, 30, 40, 50, 60]);
    let (allow, veto) = (Some("allow"), Some("veto"));
    assert_eq!(words("decision"), [allow, Some("rewrite"), None, veto, None, veto, allow]);
    let mail = Some("Write to [EMAIL], please.");
    assert_eq!(words("text"), [Some(PLAIN), mail, None, None, None, None, Some("Bring a spoon.")]);
    let full = Some("full");
    assert_eq!(words("coverage"), [full, full, None, full, None, Some("none"), full]);
    assert!(words("fault")[5].unwrap().contains("NUL"));
    assert_eq!(words("fault").iter().flatten().count(), 1);
    let rules = column("rules").as_list::<i32>();
    assert_eq!(rules.value(1).as_string::<i32>().value(0), "pii.email");
    assert_eq!((rules.is_null(2), rules.value_length(0)), (true, 0));
    let scores = column("score.prompt_injection").as_primitive::<Float32Type>();
    assert!(scores.value(3) > 0.9 && scores.value(0) < 0.5 && scores.is_null(2) && scores.is_null(5));
    assert_eq!(
        (metadata["portcullis.policy.id"].as_str(), metadata["portcullis.role"].as_str()),
        ("default", "tool")
    );
    assert_eq!(metadata["portcullis.model.digest"].len(), 64);
    assert!(batch.column_by_name("other").is_none());
    // The scores are those of `check`, bit for bit.
    let check = finish(program().args(["check", "--json", "--role", "tool", ATTACK]), b"").json();
    assert_eq!(check["scores"]["prompt_injection"].as_f64().unwrap() as f32, scores.value(3));
    // Any number of threads writes the same bytes.
    let first = fs::read(folder.path().join("verdicts.parquet")).unwrap();
    for threads in ["1", "3"] {
        judge(folder.path(), &["--id-column", "id", "--threads", threads]);
        assert!(fs::read(folder.path().join("verdicts.parquet")).unwrap() == first, "{threads} threads");
    }
    assert_eq!(names(folder.path()), ["corpus.parquet", "verdicts.parquet"]);
    let summary = judge(folder.path(), &["--no-text", "--json", "--fail-on", "never"]);
    assert_eq!((summary.status, &summary.json()["summary"]["decisions"]["veto"]), (Some(0), &2.into()));
    assert!(read(&folder.path().join("verdicts.parquet")).0[0].column_by_name("text").is_none());
}

#[test]
fn mistakes_are_told_before_anything_is_judged() {
    let folder = folder(&[("plain.txt", "no columns")]);
    let path = folder.path().join("corpus.parquet");
    write(&path, &[("text", strings(&[Some(PLAIN)])), ("row", numbers(1))], 10);
    let told = |arguments: &[&str]| {
        let run = scan(folder.path(), arguments);
        assert_eq!(run.status, Some(2), "{arguments:?}");
        run.stderr
    };
    let out = ["--out", "verdicts.parquet"];
    let with = |more: &[&str]| told(&[&out as &[&str], more].concat());
    let missing = with(&["--parquet", "corpus.parquet", "--column", "txt"]);
    assert!(missing.contains("has no column \"txt\": expected one of text, row"), "{missing}");
    let number = with(&["--parquet", "corpus.parquet", "--column", "row"]);
    assert!(number.contains("is of the type Int64, expected strings"), "{number}");
    let taken = with(&["--parquet", "corpus.parquet", "--column", "text", "--id-column", "row"]);
    assert!(taken.contains("a copied column is called \"row\""), "{taken}");
    let plain = with(&["--parquet", "plain.txt", "--column", "text"]);
    assert!(plain.contains("cannot read plain.txt: Parquet"), "{plain}");
    assert!(with(&["--parquet", ".", "--column", "text"]).contains("cannot read ."));
    let same = told(&["--parquet", "corpus.parquet", "--column", "text", "--out", "./corpus.parquet"]);
    assert!(same.contains("--out names the file that is read"), "{same}");
    told(&["--parquet", "corpus.parquet", "--column", "text"]);
    told(&["--parquet", "corpus.parquet", "--column", "text", "--out", "o", "plain.txt"]);
    told(&["--parquet", "corpus.parquet", "--column", "text", "--out", "o", "--sarif", "s"]);
    assert_eq!(names(folder.path()), ["corpus.parquet", "plain.txt"]);
    let mut list = ListBuilder::new(StringBuilder::new());
    list.values().append_value(PLAIN);
    list.append(true);
    write(&path, &[("text", Arc::new(list.finish()))], 10);
    assert!(with(&["--parquet", "corpus.parquet", "--column", "text"]).contains("expected strings"));
}

#[test]
fn a_damaged_file_is_an_error_and_leaves_no_verdicts() {
    let folder = folder(&[]);
    let path = folder.path().join("corpus.parquet");
    let texts: Vec<String> =
        (0..240).map(|row| format!("Row {row}: {PLAIN} {}", "x".repeat(row % 7))).collect();
    let column = strings(&texts.iter().map(|text| Some(text.as_str())).collect::<Vec<_>>());
    write(&path, &[("text", column)], 40);
    let whole = fs::read(&path).unwrap();
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let tiny = ["--models", models.to_str().unwrap(), "--model", "portcullis-tiny"];
    let told = |bytes: &[u8], what: &str| {
        fs::write(&path, bytes).unwrap();
        let run = judge(folder.path(), &tiny);
        // A byte may change what a text says, and no more.
        assert!(matches!(run.status, Some(0..=2)), "{what}: {:?} {}", run.status, run.stderr);
        assert!(!run.stderr.contains("panicked"), "{what}: {}", run.stderr);
        let has_verdicts = folder.path().join("verdicts.parquet").exists();
        assert_eq!(has_verdicts, run.status != Some(2), "{what}: {}", run.stderr);
        if has_verdicts {
            let rows: usize =
                read(&folder.path().join("verdicts.parquet")).0.iter().map(RecordBatch::num_rows).sum();
            assert_eq!(rows, 240, "{what}");
            fs::remove_file(folder.path().join("verdicts.parquet")).unwrap();
        }
        assert_eq!(names(folder.path()), ["corpus.parquet"], "{what}");
        run
    };
    for part in [0, 3, 8, whole.len() / 2, whole.len() - 1] {
        assert_eq!(told(&whole[..part], &format!("{part} bytes")).status, Some(2));
    }
    let mut seed = 7_u64;
    for round in 0..24 {
        let mut bytes = whole.clone();
        for _ in 0..=round % 3 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let at = (seed >> 33) as usize % bytes.len();
            bytes[at] ^= (seed >> 20) as u8 | 1;
        }
        told(&bytes, &format!("round {round}"));
    }
    // A page in the middle: the message names the row.
    let mut bytes = whole.clone();
    let middle = whole.len() / 2;
    bytes[middle..middle + 200].fill(0xFF);
    let run = told(&bytes, "a page");
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("from row "), "{}", run.stderr);
}

/// KiB of address space, of which the model and the threads' stacks take some part.
#[cfg(target_os = "linux")]
const LIMIT: usize = 350_000;

/// A corpus with more text than the process may have memory.
#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_corpus() {
    let folder = folder(&[(
        "small.toml",
        "schema = 1\nid = \"small\"\nversion = \"1.0.0\"\nmax_bytes = 1000\n\n[[rule]]\nid = \"mail\"\n\
         detector = \"pii.email\"\nthreshold = 0.5\naction = \"veto\"\n",
    )]);
    // Texts over the policy's limit cost next to nothing to refuse, and as much to read as others.
    let text = PLAIN.repeat(4000);
    let column = strings(&vec![Some(text.as_str()); 500]);
    let path = folder.path().join("corpus.parquet");
    let batch = RecordBatch::try_from_iter([("text", column)]).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    for _ in 0..9 {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
    let command = format!(
        "ulimit -v {limit}; exec {program} scan --threads 2 --policy small.toml --parquet corpus.parquet --column text --out v.parquet",
        limit = LIMIT,
        program = env!("CARGO_BIN_EXE_portcullis")
    );
    let run = finish(std::process::Command::new("sh").args(["-c", &command]).current_dir(folder.path()), b"");
    assert_eq!(run.status, Some(1), "{}{}", run.stdout, run.stderr);
    let (batches, _) = read(&folder.path().join("v.parquet"));
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 4_500);
    assert!(4_500 * text.len() > LIMIT << 10);
}
