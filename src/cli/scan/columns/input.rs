//! The column of texts of a Parquet file, a few rows at a time.

use anyhow::{Context as _, bail, ensure};
use arrow_array::RecordBatch;
use arrow_array::cast::AsArray as _;
use arrow_schema::{DataType, FieldRef};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use std::fs::File;
use std::path::Path;

use super::boundary::guarded;

/// Rows decoded at once: few, since nothing says how long their texts are.
const ROWS: usize = 16;
/// Rows judged together, and the bytes of text from which a stretch takes no more.
const STRETCH: usize = 128;
const STRETCH_BYTES: usize = 128 << 10;

/// A Parquet file that is being read.
pub(super) struct Input {
    reader: ParquetRecordBatchReader,
    name: String,
    column: usize,
    ids: Vec<usize>,
    id_fields: Vec<FieldRef>,
    rows: u64,
    next_row: u64,
}

/// Rows in a row.
pub(super) struct Stretch {
    /// The number of the first, from 0.
    pub(super) first: u64,
    pub(super) batches: Vec<RecordBatch>,
    /// Where in them the texts are, and what is copied.
    pub(super) column: usize,
    pub(super) ids: Vec<usize>,
}

impl Input {
    /// Opens a file and finds the columns.
    ///
    /// # Errors
    /// When it is no Parquet file, or has no such columns.
    pub(super) fn open(path: &Path, column: &str, ids: &[String]) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot open {name}"))?;
        ensure!(file.metadata().is_ok_and(|file| file.is_file()), "cannot read {name}: expected a file");
        // Types come from the columns themselves, not from what a writer says of them beside.
        let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
        let builder = guarded(|| ParquetRecordBatchReaderBuilder::try_new_with_options(file, options))
            .with_context(|| format!("cannot read {name}"))?;
        let fields = builder.schema().fields();
        let names = || fields.iter().map(|field| field.name().as_str()).collect::<Vec<_>>().join(", ");
        let place = |wanted: &str| -> anyhow::Result<usize> {
            let mut places = (0..).zip(fields).filter(|(_, field)| field.name() == wanted).map(|(at, _)| at);
            match (places.next(), places.next()) {
                (Some(place), None) => Ok(place),
                (Some(_), Some(_)) => bail!("{name} has more than one column {wanted:?}"),
                _ => bail!("{name} has no column {wanted:?}: expected one of {}", names()),
            }
        };
        let text = place(column)?;
        let kind = fields.get(text).map(|field| field.data_type());
        ensure!(
            matches!(kind, Some(DataType::Utf8)),
            "the column {column:?} of {name} is of the type {}, expected strings",
            kind.map_or_else(String::new, ToString::to_string)
        );
        let copied = ids.iter().map(|id| place(id)).collect::<anyhow::Result<Vec<_>>>()?;
        let id_fields = copied.iter().filter_map(|at| fields.get(*at).cloned()).collect();
        // The columns that are read stand in the order of the file.
        let mut read: Vec<usize> = copied.iter().copied().chain([text]).collect();
        read.sort_unstable();
        read.dedup();
        let among = |place: &usize| read.partition_point(|other| other < place);
        let (column, ids) = (among(&text), copied.iter().map(among).collect());
        let rows = builder.metadata().file_metadata().num_rows();
        let rows =
            u64::try_from(rows).ok().with_context(|| format!("{name} says that it has {rows} rows"))?;
        let mask = ProjectionMask::roots(builder.parquet_schema(), read);
        let reader = guarded(|| builder.with_projection(mask).with_batch_size(ROWS).build())
            .with_context(|| format!("cannot read {name}"))?;
        Ok(Self { reader, name, column, ids, id_fields, rows, next_row: 0 })
    }

    /// The columns that are copied.
    pub(super) fn id_fields(&self) -> &[FieldRef] {
        &self.id_fields
    }

    /// How many rows the file says it has.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The next rows; nothing at the end.
    ///
    /// # Errors
    /// When they cannot be read, and when there are fewer than the file says.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<Stretch>> {
        let first = self.next_row;
        let (mut batches, mut rows, mut bytes) = (Vec::new(), 0, 0);
        while rows < STRETCH && bytes < STRETCH_BYTES {
            let Some(batch) = guarded(|| self.reader.next().transpose())
                .with_context(|| format!("cannot read {} from row {} on", self.name, self.next_row))?
            else {
                break;
            };
            let texts = batch.columns().get(self.column).and_then(|column| column.as_string_opt::<i32>());
            let texts = texts.with_context(|| format!("{}: the texts are no strings", self.name))?;
            bytes += texts.value_data().len();
            rows += batch.num_rows();
            self.next_row += batch.num_rows() as u64;
            batches.push(batch);
        }
        if batches.is_empty() {
            let (found, said) = (self.next_row, self.rows);
            ensure!(found == said, "{} says that it has {said} rows: found {found}", self.name);
            return Ok(None);
        }
        Ok(Some(Stretch { first, batches, column: self.column, ids: self.ids.clone() }))
    }
}
