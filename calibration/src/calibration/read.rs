//! Reads a calibration from bytes that may be hostile, and reports every broken rule at once.

use toml::de::{DeTable, DeValue};

use super::{
    Calibration, CalibrationError, Exit, ExitHead, ExitThreshold, Gate, Head, LengthCorrection, Problem,
    Threshold, check,
};
use crate::{Curve, Reference};

pub(super) fn parse(bytes: &[u8]) -> Result<Calibration, CalibrationError> {
    document(bytes, Calibration::MAX_BYTES, &mut Reader::default(), Reader::calibration)
}

/// The content of a file of at most `limit` bytes, as `content` reads it from the root.
pub(super) fn document<T>(
    bytes: &[u8],
    limit: usize,
    reader: &mut Reader,
    content: impl FnOnce(&mut Reader, &Fields<'_>) -> Option<T>,
) -> Result<T, CalibrationError> {
    let found = bytes.len();
    if found > limit {
        return Err(CalibrationError::TooLarge { found, limit });
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|error| CalibrationError::NotUtf8 { valid_up_to: error.valid_up_to() })?;
    let (root, mut errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        errors.sort_by_key(|error| error.span().map(|span| span.start));
        let problems = errors.iter().take(CalibrationError::MAX_PROBLEMS).map(|e| syntax(text, e)).collect();
        return Err(CalibrationError::Syntax { problems });
    }
    let content = content(reader, &Fields { table: root.get_ref(), path: String::new() });
    check::finish(std::mem::take(&mut reader.problems))?;
    // Nothing is missing when no problem was found.
    content.ok_or(CalibrationError::Invalid { problems: Vec::new() })
}

fn syntax(text: &str, error: &toml::de::Error) -> Problem {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.bytes().filter(|&byte| byte == b'\n').count() + 1;
    let message = error.message().lines().collect::<Vec<_>>().join(", ");
    Problem { at: format!("line {line}"), message: message.chars().take(200).collect() }
}

#[derive(Default)]
pub(super) struct Reader {
    pub(super) problems: Vec<Problem>,
}

/// A table and its path from the root, empty for the root itself.
pub(super) struct Fields<'a> {
    pub(super) table: &'a DeTable<'a>,
    pub(super) path: String,
}

impl Fields<'_> {
    fn at(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }
}

impl Reader {
    fn calibration(&mut self, fields: &Fields<'_>) -> Option<Calibration> {
        self.only(
            fields,
            &[
                "schema",
                "model_digest",
                "data_digest",
                "created_by",
                "head",
                "length_correction",
                "exit",
                "reference",
            ],
        );
        self.schema(fields, Calibration::SCHEMA);
        let model_digest = self.text(fields, "model_digest");
        let data_digest = self.text(fields, "data_digest");
        let created_by = self.text(fields, "created_by");
        let items = self.tables(fields, "head", true);
        let heads: Vec<Option<Head>> = items.iter().flatten().map(|item| self.head(item)).collect();
        // Rules of values hold for the whole; a part that could not be read has been reported already.
        if let (Some(model), Some(data), Some(created_by)) = (&model_digest, &data_digest, &created_by) {
            self.problems.extend(check::header(model, data, created_by));
        }
        self.problems.extend(items.and_then(|items| check::head_count(items.len())));
        let read = heads.iter().enumerate().take(check::MAX_HEADS);
        for (index, head) in read.filter_map(|(index, head)| Some((index, head.as_ref()?))) {
            self.problems.extend(check::head(&format!("head[{index}]"), head));
            let names = heads.iter().map(|head| head.as_ref().map_or("", |head| head.name.as_str()));
            self.problems.extend(check::duplicate(index, names));
        }
        let items = self.tables(fields, "length_correction", false);
        let corrections: Vec<_> = items.iter().flatten().map(|item| self.correction(item)).collect();
        let items = self.tables(fields, "exit", false);
        let exits: Vec<Option<Exit>> = items.iter().flatten().map(|item| self.exit(item)).collect();
        // Names of heads are compared only where there are heads to compare with.
        if let Some(heads) = heads.iter().map(Option::as_ref).collect::<Option<Vec<_>>>() {
            let names: Vec<&str> = heads.iter().map(|head| head.name.as_str()).collect();
            self.problems.extend(check::corrections(&corrections, &names));
            self.problems.extend(check::exits(&exits, &names));
        }
        let items = self.tables(fields, "reference", false);
        let references: Vec<_> = items.iter().flatten().map(|item| self.reference(item)).collect();
        self.problems.extend(check::references(&references));
        Some(Calibration {
            model_digest: model_digest?,
            data_digest: data_digest?,
            created_by: created_by?,
            heads: heads.into_iter().collect::<Option<_>>()?,
            corrections: corrections.into_iter().collect::<Option<_>>()?,
            exits: exits.into_iter().collect::<Option<_>>()?,
            references: references.into_iter().collect::<Option<_>>()?,
        })
    }

    pub(super) fn schema(&mut self, fields: &Fields<'_>, expected: u64) {
        let schema = self.count(fields, "schema");
        if let Some(schema) = schema.filter(|schema| *schema != expected) {
            self.problem("schema".to_owned(), format!("found {schema}, expected {expected}"));
        }
    }

    fn exit(&mut self, fields: &Fields<'_>) -> Option<Exit> {
        self.only(fields, &["stage", "weights_digest", "head"]);
        let stage = self.text(fields, "stage");
        let has_digest = fields.table.contains_key("weights_digest");
        let weights_digest = has_digest.then(|| self.text(fields, "weights_digest"));
        let items = self.tables(fields, "head", true);
        let heads: Vec<_> = items.iter().flatten().map(|item| self.exit_head(item)).collect();
        Some(Exit {
            stage: stage?,
            weights_digest: match weights_digest {
                Some(digest) => Some(digest?),
                None => None,
            },
            heads: heads.into_iter().collect::<Option<_>>()?,
        })
    }

    fn correction(&mut self, fields: &Fields<'_>) -> Option<LengthCorrection> {
        self.only(fields, &["head", "knots"]);
        let head = self.text(fields, "head");
        let knots = self.rows(fields, "knots", "a length and the logits added", |row| match row {
            [length, added] => Some((natural(length)?.try_into().ok()?, finite(added)?)),
            _ => None,
        });
        Some(LengthCorrection { head: head?, knots: knots? })
    }

    fn reference(&mut self, fields: &Fields<'_>) -> Option<Reference> {
        self.only(fields, &["signal", "edges", "counts"]);
        let signal = self.text(fields, "signal");
        let edges = self.row(fields, "edges", "finite numbers", finite);
        let counts = self.row(fields, "counts", "integers of at least 0", natural);
        let reference = Reference::new(&signal?, edges?, counts?);
        reference.map_err(|error| self.problem(fields.path.clone(), error.to_string())).ok()
    }

    /// The cells of an array, each read by `cell`.
    fn row<T>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        expected: &str,
        cell: impl Fn(&DeValue<'_>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let DeValue::Array(array) = self.value(fields, key)? else {
            return self.wrong_type(fields, key, "an array");
        };
        let cells: Option<Vec<T>> = array.iter().map(|item| cell(item.get_ref())).collect();
        if cells.is_none() {
            self.problem(fields.at(key), format!("found something else, expected {expected}"));
        }
        cells
    }

    fn exit_head(&mut self, fields: &Fields<'_>) -> Option<ExitHead> {
        self.only(
            fields,
            &["name", "slope", "intercept", "ece", "negatives", "slice", "thresholds", "gates"],
        );
        let name = self.text(fields, "name");
        let slope = self.number(fields, "slope");
        let intercept = self.number(fields, "intercept");
        let ece = self.number(fields, "ece");
        let negatives = self.count(fields, "negatives");
        let slice = self.text(fields, "slice");
        let thresholds =
            self.rows(fields, "thresholds", "a rate, a threshold and a count", |row| match row {
                [target_fpr, threshold, false_positives] => Some(ExitThreshold {
                    target_fpr: finite(target_fpr)?,
                    threshold: finite(threshold)?,
                    false_positives: natural(false_positives)?,
                }),
                _ => None,
            });
        let gates = self.rows(fields, "gates", "two scores and two counts", |row| match row {
            [from, below, flagged, lost] => Some(Gate {
                from: finite(from)?,
                below: finite(below)?,
                flagged: natural(flagged)?,
                lost: natural(lost)?,
            }),
            _ => None,
        });
        Some(ExitHead {
            name: name?,
            slope: slope?,
            intercept: intercept?,
            ece: ece?,
            negatives: negatives?,
            slice: slice?,
            thresholds: thresholds?,
            gates: gates?,
        })
    }

    /// The rows of an array of arrays, each read by `row`.
    fn rows<T>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        expected: &str,
        row: impl Fn(&[&DeValue<'_>]) -> Option<T>,
    ) -> Option<Vec<T>> {
        let DeValue::Array(array) = self.value(fields, key)? else {
            return self.wrong_type(fields, key, "an array of arrays");
        };
        let mut rows = Vec::with_capacity(array.len());
        for (index, item) in array.iter().enumerate() {
            let read = match item.get_ref() {
                DeValue::Array(cells) => row(&cells.iter().map(|cell| cell.get_ref()).collect::<Vec<_>>()),
                _ => None,
            };
            match read {
                Some(read) => rows.push(read),
                None => {
                    let message = format!("found something else, expected an array of {expected}");
                    self.problem(format!("{}[{index}]", fields.at(key)), message);
                }
            }
        }
        (rows.len() == array.len()).then_some(rows)
    }

    pub(super) fn head(&mut self, fields: &Fields<'_>) -> Option<Head> {
        self.only(
            fields,
            &["name", "experimental", "curve", "positives", "negatives", "ece", "brier", "threshold"],
        );
        let name = self.text(fields, "name");
        let experimental = self.boolean(fields, "experimental");
        let curve = self.curve(fields);
        let positives = self.count(fields, "positives");
        let negatives = self.count(fields, "negatives");
        let ece = self.number(fields, "ece");
        let brier = self.number(fields, "brier");
        let items = self.tables(fields, "threshold", false);
        let thresholds: Vec<_> = items.iter().flatten().map(|item| self.threshold(item)).collect();
        Some(Head {
            name: name?,
            experimental: experimental?,
            curve: curve?,
            positives: positives?,
            negatives: negatives?,
            ece: ece?,
            brier: brier?,
            thresholds: thresholds.into_iter().collect::<Option<_>>()?,
        })
    }

    fn threshold(&mut self, fields: &Fields<'_>) -> Option<Threshold> {
        self.only(
            fields,
            &["target_fpr", "threshold", "negatives", "false_positives", "fpr_upper_95", "slice"],
        );
        let target_fpr = self.number(fields, "target_fpr");
        let threshold = self.number(fields, "threshold");
        let negatives = self.count(fields, "negatives");
        let false_positives = self.count(fields, "false_positives");
        let fpr_upper_95 = self.number(fields, "fpr_upper_95");
        let slice = self.text(fields, "slice");
        Some(Threshold {
            target_fpr: target_fpr?,
            threshold: threshold?,
            negatives: negatives?,
            false_positives: false_positives?,
            fpr_upper_95: fpr_upper_95?,
            slice: slice?,
        })
    }

    fn curve(&mut self, fields: &Fields<'_>) -> Option<Curve> {
        let DeValue::Table(table) = self.value(fields, "curve")? else {
            return self.wrong_type(fields, "curve", "a table");
        };
        let fields = Fields { table, path: fields.at("curve") };
        let curve = match self.text(&fields, "kind")?.as_str() {
            "platt" => {
                self.only(&fields, &["kind", "a", "b"]);
                let (a, b) = (self.number(&fields, "a"), self.number(&fields, "b"));
                Curve::platt(a?, b?)
            }
            "temperature" => {
                self.only(&fields, &["kind", "t"]);
                Curve::temperature(self.number(&fields, "t")?)
            }
            kind => {
                let message = format!("found {}, expected \"platt\" or \"temperature\"", check::shown(kind));
                self.problem(fields.at("kind"), message);
                return None;
            }
        };
        curve.map_err(|error| self.problem(fields.path, error.to_string())).ok()
    }

    /// Reports the keys of a table that are not among `known`.
    pub(super) fn only(&mut self, fields: &Fields<'_>, known: &[&str]) {
        for key in fields.table.keys() {
            let key: &str = key.get_ref();
            if !known.contains(&key) {
                let at = if fields.path.is_empty() { "the top level" } else { &fields.path };
                let message =
                    format!("found the key {}, expected only {}", check::shown(key), known.join(", "));
                self.problem(at.to_owned(), message);
            }
        }
    }

    pub(super) fn text(&mut self, fields: &Fields<'_>, key: &str) -> Option<String> {
        match self.value(fields, key)? {
            DeValue::String(text) => Some(text.clone().into_owned()),
            _ => self.wrong_type(fields, key, "a string"),
        }
    }

    fn boolean(&mut self, fields: &Fields<'_>, key: &str) -> Option<bool> {
        match self.value(fields, key)? {
            DeValue::Boolean(value) => Some(*value),
            _ => self.wrong_type(fields, key, "true or false"),
        }
    }

    fn count(&mut self, fields: &Fields<'_>, key: &str) -> Option<u64> {
        let count = natural(self.value(fields, key)?);
        count.or_else(|| self.wrong_type(fields, key, "an integer of at least 0"))
    }

    /// A finite number, read straight in the precision that it is kept in.
    pub(super) fn number<T: std::str::FromStr + Into<f64> + Copy>(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
    ) -> Option<T> {
        let number = finite(self.value(fields, key)?);
        number.or_else(|| self.wrong_type(fields, key, "a finite number"))
    }

    /// The tables of an array of tables; none where a key that is not `required` is missing.
    fn tables<'a>(&mut self, fields: &Fields<'a>, key: &str, required: bool) -> Option<Vec<Fields<'a>>> {
        if !required && !fields.table.contains_key(key) {
            return Some(Vec::new());
        }
        let DeValue::Array(array) = self.value(fields, key)? else {
            return self.wrong_type(fields, key, "an array of tables");
        };
        let items: Option<Vec<_>> = array
            .iter()
            .enumerate()
            .map(|(index, item)| match item.get_ref() {
                DeValue::Table(table) => Some(Fields { table, path: format!("{}[{index}]", fields.at(key)) }),
                _ => None,
            })
            .collect();
        items.or_else(|| self.wrong_type(fields, key, "an array of tables"))
    }

    pub(super) fn value<'a>(&mut self, fields: &Fields<'a>, key: &str) -> Option<&'a DeValue<'a>> {
        let value = fields.table.get(key).map(|value| value.get_ref());
        if value.is_none() {
            self.problem(fields.at(key), "found nothing, expected a value".to_owned());
        }
        value
    }

    pub(super) fn wrong_type<T>(&mut self, fields: &Fields<'_>, key: &str, expected: &str) -> Option<T> {
        let found = match fields.table.get(key).map(|value| value.get_ref()) {
            Some(DeValue::String(_)) => "a string".to_owned(),
            Some(DeValue::Integer(integer)) => check::shown(integer.as_str()),
            Some(DeValue::Float(float)) => check::shown(float.as_str()),
            Some(DeValue::Boolean(value)) => value.to_string(),
            Some(DeValue::Datetime(_)) => "a date".to_owned(),
            Some(DeValue::Array(_)) => "an array".to_owned(),
            Some(DeValue::Table(_)) => "a table".to_owned(),
            None => "nothing".to_owned(),
        };
        self.problem(fields.at(key), format!("found {found}, expected {expected}"));
        None
    }

    pub(super) fn problem(&mut self, at: String, message: String) {
        // A hostile file could break a rule with every few bytes.
        if self.problems.len() < CalibrationError::MAX_PROBLEMS {
            self.problems.push(Problem { at, message });
        }
    }
}

fn natural(value: &DeValue<'_>) -> Option<u64> {
    match value {
        DeValue::Integer(integer) => u64::from_str_radix(integer.as_str(), integer.radix()).ok(),
        _ => None,
    }
}

pub(super) fn finite<T: std::str::FromStr + Into<f64> + Copy>(value: &DeValue<'_>) -> Option<T> {
    let number = match value {
        DeValue::Float(float) => float.as_str().parse::<T>().ok(),
        DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().parse::<T>().ok(),
        _ => None,
    };
    number.filter(|&number| number.into().is_finite())
}
