//! The file of verdicts: its columns, and how it comes to be there whole or not at all.

use anyhow::{Context as _, ensure};
use arrow_array::RecordBatch;
use arrow_schema::{DataType, Field, FieldRef, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use portcullis::{Guard, Role};
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::boundary::guarded;

/// The rows and the bytes from which a row group is written.
const GROUP_ROWS: usize = 1 << 16;
const GROUP_BYTES: usize = 16 << 20;

/// Columns with few values.
const FEW_VALUES: [&[&str]; 4] =
    [&["decision"], &["coverage"], &["coverage_reason"], &["rules", "list", "item"]];

/// The columns.
pub(super) struct Shape {
    pub(super) schema: SchemaRef,
    pub(super) has_text: bool,
    /// The names of the scores, in the order of their columns.
    pub(super) scores: Vec<String>,
}

impl Shape {
    /// The columns of the verdicts of this guard.
    ///
    /// # Errors
    /// When a copied column has the name of another.
    pub(super) fn new(guard: &Guard, ids: &[FieldRef], has_text: bool) -> anyhow::Result<Self> {
        let scores = guard.score_names();
        let string = |name: &str| Arc::new(Field::new(name, DataType::Utf8, true));
        let mut fields = vec![Arc::new(Field::new("row", DataType::Int64, false))];
        fields.extend(ids.iter().cloned());
        fields.push(string("decision"));
        if has_text {
            fields.push(string("text"));
        }
        fields.extend([string("coverage"), string("coverage_reason")]);
        fields.push(Arc::new(Field::new("rules", DataType::List(rule_field()), true)));
        fields.push(string("fault"));
        let score = |name: &String| Arc::new(Field::new(format!("score.{name}"), DataType::Float32, true));
        fields.extend(scores.iter().map(score));
        let mut names = BTreeSet::new();
        for field in &fields {
            ensure!(
                names.insert(field.name().as_str()),
                "a copied column is called {:?}, as a column of the verdicts",
                field.name()
            );
        }
        Ok(Self { schema: Arc::new(Schema::new(fields)), has_text, scores })
    }
}

/// An item of the rules that applied.
pub(super) fn rule_field() -> FieldRef {
    Arc::new(Field::new("item", DataType::Utf8, false))
}

/// The file that is being written, under another name until it is whole.
pub(super) struct Output {
    writer: Option<ArrowWriter<File>>,
    path: PathBuf,
    new: PathBuf,
}

impl Output {
    /// Begins a file beside `path`.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(super) fn create(
        path: &Path,
        shape: &Shape,
        guard: &Guard,
        column: &str,
        role: Role,
    ) -> anyhow::Result<Self> {
        let mut name = path.file_name().context("--out names no file")?.to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let new = path.with_file_name(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&new);
        let file = file.with_context(|| format!("cannot write {}", new.display()))?;
        let mut output = Self { writer: None, path: path.to_owned(), new };
        let options = ArrowWriterOptions::new()
            .with_properties(properties(guard, column, role))
            .with_skip_arrow_metadata(true);
        let writer = guarded(|| ArrowWriter::try_new_with_options(file, Arc::clone(&shape.schema), options));
        output.writer = Some(writer.context("cannot begin the verdicts")?);
        Ok(output)
    }

    /// Adds rows.
    ///
    /// # Errors
    /// When they cannot be written.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> anyhow::Result<()> {
        let writer = self.writer.as_mut().context("the verdicts are closed")?;
        guarded(|| writer.write(batch)).with_context(|| format!("cannot write {}", self.new.display()))
    }

    /// Ends the file and gives it its name.
    ///
    /// # Errors
    /// When it cannot be written; what was begun is then removed.
    pub(super) fn finish(mut self) -> anyhow::Result<()> {
        let writer = self.writer.take().context("the verdicts are closed")?;
        let file = guarded(|| writer.into_inner());
        file.and_then(|file| Ok(file.sync_all()?))
            .and_then(|()| Ok(std::fs::rename(&self.new, &self.path)?))
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.writer = None;
        // After `finish` there is no such file.
        let _ = std::fs::remove_file(&self.new);
    }
}

fn properties(guard: &Guard, column: &str, role: Role) -> WriterProperties {
    let policy = guard.policy().policy();
    let metadata = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("policy.id", policy.id()),
        ("policy.version", policy.version()),
        ("policy.digest", policy.digest()),
        ("model.id", &guard.model().id),
        ("model.digest", &guard.model().digest),
        ("calibration.digest", guard.calibration_digest()),
        ("column", column),
        ("role", role.as_str()),
    ];
    let metadata = metadata.map(|(key, value)| KeyValue::new(format!("portcullis.{key}"), value.to_owned()));
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        // A dictionary of texts or scores is as large as the column.
        .set_dictionary_enabled(false)
        .set_key_value_metadata(Some(metadata.into()));
    let few = |parts: &[&str]| parts.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>();
    FEW_VALUES
        .iter()
        .fold(properties, |properties, parts| {
            properties.set_column_dictionary_enabled(few(parts).into(), true)
        })
        .build()
}
