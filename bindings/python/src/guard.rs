//! `Guard`: the texts of Python to verdicts, detached from the interpreter while they are judged.

use std::path::PathBuf;
use std::time::Duration;

use portcullis::{Request, Role};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple};

use crate::arguments::{Arguments, milliseconds, named, threads};
use crate::columns::Columns;
use crate::opened::Opened;
use crate::rows::{self, OnError, Row};
use crate::stream::Stream;
use crate::vault::Vault;
use crate::verdict::Verdict;
use crate::{error, json};

/// See the class of this name in `python/portcullis/_guard.py`, which is what users meet.
#[pyclass(frozen, subclass, module = "portcullis._portcullis")]
pub(crate) struct Guard {
    opened: Opened,
}

#[pymethods]
impl Guard {
    #[new]
    #[pyo3(signature = (*, policy=None, models=None, model=None, calibration=None, state=None, threads=None, deadline_ms=None,
        level=None, device="auto", device_library=None, cascade=false, attribution=true, hash_key=None, require_signed_policy=false))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn new(
        py: Python<'_>,
        policy: Option<PathBuf>,
        models: Option<PathBuf>,
        model: Option<String>,
        calibration: Option<PathBuf>,
        state: Option<PathBuf>,
        threads: Option<i64>,
        deadline_ms: Option<i64>,
        level: Option<&str>,
        device: &str,
        device_library: Option<PathBuf>,
        cascade: bool,
        attribution: bool,
        hash_key: Option<PathBuf>,
        require_signed_policy: bool,
    ) -> PyResult<Self> {
        let arguments = Arguments {
            policy,
            models,
            model,
            calibration,
            state,
            threads: threads.map(self::threads).transpose()?,
            deadline: deadline_ms.map(milliseconds).transpose()?,
            level: level.map(named).transpose()?,
            device: named(device)?,
            device_library,
            cascade,
            attribution,
            hash_key,
            require_signed_policy,
        };
        Ok(Self { opened: Opened::new(py, arguments)? })
    }

    /// Judges one text.
    ///
    /// `role` is who wrote it: user (unless there is a tool call), assistant, tool or system. `messages` are earlier turns,
    /// `{"role": …, "content": …}`, oldest first; `sources` are texts that an answer should rest on; `tool_call` is
    /// `{"name": …, "arguments": …}`, beside which the text may be empty. `id` is given back in the verdict; `slice` names the
    /// data slice that it is recorded under, `locale` the language of templates. Raises RequestError for what cannot be judged.
    #[pyo3(signature = (text, *, role=None, id=None, slice=None, locale=None, messages=None, sources=None, tool_call=None,
        deadline_ms=None))]
    #[expect(clippy::too_many_arguments, reason = "keyword arguments of Python")]
    fn check(
        &self,
        py: Python<'_>,
        text: &Bound<'_, PyString>,
        role: Option<&str>,
        id: Option<&Bound<'_, PyAny>>,
        slice: Option<String>,
        locale: Option<String>,
        messages: Option<&Bound<'_, PyAny>>,
        sources: Option<&Bound<'_, PyAny>>,
        tool_call: Option<&Bound<'_, PyAny>>,
        deadline_ms: Option<i64>,
    ) -> PyResult<Verdict> {
        let deadline = deadline_ms.map(milliseconds).transpose()?;
        let role = self::role(role)?;
        let parts = [("id", id), ("messages", messages), ("sources", sources), ("tool_call", tool_call)];
        let request = if parts.iter().all(|(_, part)| part.is_none()) {
            rows::request(text, role.unwrap_or_default()).map_err(|error| error::request(&error, None))?
        } else {
            let line = PyDict::new(py);
            line.set_item("text", text)?;
            line.set_item("role", role.map(Role::as_str))?;
            for (key, part) in parts {
                line.set_item(key, part)?;
            }
            rows::from_json(&line, None)?.map_err(|error| error::request(&error, None))?
        };
        let deadline = deadline.map(Duration::from_millis);
        self.judge(py, &Request { slice, locale, deadline, ..request })
    }

    /// Judges one request as `portcullis pipe` reads it: a dictionary, or a line of JSON.
    fn check_request(&self, py: Python<'_>, request: &Bound<'_, PyAny>) -> PyResult<Verdict> {
        let request = match request.cast::<PyDict>() {
            Ok(keys) => rows::from_json(keys, None)?,
            Err(_) => {
                let line: PyBackedText = request.extract()?;
                Request::from_json_line(line.as_bytes())
            }
        };
        self.judge(py, &request.map_err(|error| error::request(&error, None))?)
    }

    /// Judges many texts together, and answers a verdict for each, None for None.
    ///
    /// `texts` is an iterable of str, of dict (as for check_request) and of None, or a column of Arrow. `role` is for texts that do
    /// not name their own. A text that cannot be judged raises RequestError with its index, or with `on_error="keep"` has the
    /// error in its verdict's place.
    #[pyo3(signature = (texts, *, role=None, on_error="raise"))]
    fn check_batch<'py>(
        &self,
        texts: &Bound<'py, PyAny>,
        role: Option<&str>,
        on_error: &str,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = texts.py();
        let on_error: OnError = named(on_error)?;
        let work = self.opened.at_work(py)?;
        let guard = work.live().guard();
        let verdicts = PyList::empty(py);
        rows::blocks(texts, self::role(role)?, |block| {
            let found = rows::judge(py, &work, &guard, block, on_error, verdicts.len())?;
            for row in found {
                match row {
                    Row::Null => verdicts.append(py.None())?,
                    Row::Text(verdict) => verdicts.append(Verdict::from(verdict))?,
                    Row::Refused(error) => {
                        let index = verdicts.len();
                        verdicts.append(error::request_object(py, &error, index))?;
                    }
                }
            }
            Ok(())
        })?;
        Ok(verdicts)
    }

    /// Judges many texts as check_batch does, and answers lists by their names, each with a row for every text.
    ///
    /// They are decision, text, coverage, rules, error (the kind of what could not be judged), policy and model (digests), and
    /// score.NAME for each of score_names; None where there is no verdict. The words behind a score are not looked for: no column
    /// would hold them.
    #[pyo3(signature = (texts, *, role=None))]
    fn check_columns<'py>(
        &self,
        texts: &Bound<'py, PyAny>,
        role: Option<&str>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let py = texts.py();
        let work = self.opened.at_work(py)?;
        let guard = work.live().guard().unattributed();
        let mut columns = Columns::new(py, &guard);
        rows::blocks(texts, self::role(role)?, |block| {
            let judged = rows::judge(py, &work, &guard, block, OnError::Keep, 0)?;
            judged.into_iter().try_for_each(|row| columns.push(&row))
        })?;
        columns.finish()
    }

    /// Judges one text and leaves numbered placeholders, such as `[EMAIL_1]`, whose originals the vault keeps.
    #[pyo3(signature = (text, vault, *, role=None))]
    fn redact(
        &self,
        py: Python<'_>,
        text: &Bound<'_, PyString>,
        vault: &Bound<'_, Vault>,
        role: Option<&str>,
    ) -> PyResult<Verdict> {
        let role = self::role(role)?.unwrap_or_default();
        let request = rows::request(text, role).map_err(|error| error::request(&error, None))?;
        let (vault, work) = (vault.get(), self.opened.at_work(py)?);
        let verdict = py.detach(|| vault.with(|vault| work.run(|live| live.guard().redact(&request, vault))));
        Ok(Verdict::from(verdict))
    }

    /// Judges one text and says what drove the verdict: its heads against their thresholds, and its words.
    #[pyo3(signature = (text, *, role=None))]
    fn explain<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'_, PyString>,
        role: Option<&str>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let role = self::role(role)?.unwrap_or_default();
        let request = rows::request(text, role).map_err(|error| error::request(&error, None))?;
        let explained = self.opened.run(py, |guard| guard.explain(&request))?;
        json::to_python(py, &explained.map_err(|error| error::open(&error))?)
    }

    /// A live text under judgement: what is pushed comes back as pieces, once judged.
    #[pyo3(signature = (role="assistant", slice=None, locale=None))]
    fn stream(
        &self,
        py: Python<'_>,
        role: &str,
        slice: Option<String>,
        locale: Option<String>,
    ) -> PyResult<Stream> {
        let role = self::role(Some(role))?.unwrap_or_default();
        let work = self.opened.at_work(py)?;
        let stream = work.live().guard().stream(role).with_slice(slice).with_locale(locale);
        Ok(Stream::new(work, stream))
    }

    /// What the guard is made of; hashes the model's files on the way.
    fn inspect<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let inspection = self.opened.run(py, portcullis::Guard::inspect)?;
        json::to_python(py, &inspection)
    }

    /// Looks for a change of the policy now; whether another is in force.
    fn reload(&self, py: Python<'_>) -> PyResult<bool> {
        let work = self.opened.at_work(py)?;
        let (changed, problem) = py.detach(|| work.run(|live| (live.look(), live.problem())));
        problem.map_or(Ok(changed), |problem| Err(error::open_message(problem)))
    }

    /// Why the policy that is there now is not in force.
    #[getter]
    fn problem(&self, py: Python<'_>) -> PyResult<Option<String>> {
        Ok(self.opened.at_work(py)?.live().problem())
    }

    /// The policy in force: `id`, `version` and `digest`.
    #[getter]
    fn policy<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let reference = self.opened.run(py, |guard| guard.policy().policy().reference())?;
        json::to_python(py, &reference)
    }

    /// The model: `id` and `digest`.
    #[getter]
    fn model<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let guard = self.opened.at_work(py)?.live().guard();
        json::to_python(py, guard.model())
    }

    /// The names that scores have.
    #[getter]
    fn score_names(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.opened.at_work(py)?.live().guard().score_names())
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let guard = self.opened.at_work(py)?.live().guard();
        let policy = guard.policy().policy();
        Ok(format!("<Guard model={} policy={} {}>", guard.model().id, policy.id(), policy.version()))
    }

    /// A pickled guard is opened again, with the same arguments, where it is read.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        Ok((PyTuple::empty(py), self.opened.arguments().to_python(py)?))
    }
}

impl Guard {
    fn judge(&self, py: Python<'_>, request: &Request) -> PyResult<Verdict> {
        Ok(Verdict::from(self.opened.run(py, |guard| guard.check(request))?))
    }
}

fn role(word: Option<&str>) -> PyResult<Option<Role>> {
    let role = word.map(str::parse::<Role>).transpose();
    role.map_err(|error| error::request(&error, None))
}

/// A line of JSON, as `str` or `bytes`.
#[derive(FromPyObject)]
enum PyBackedText {
    Text(pyo3::pybacked::PyBackedStr),
    Bytes(pyo3::pybacked::PyBackedBytes),
}

impl PyBackedText {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}
