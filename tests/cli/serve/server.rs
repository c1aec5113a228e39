//! A server that runs for one test, and clients of it.

use crate::program::program;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

pub(crate) struct Server {
    child: Child,
    folder: Option<TempDir>,
    pub(crate) socket: PathBuf,
}

impl Server {
    /// Starts one in a folder of its own and waits until it serves.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), arguments)
    }

    fn start_in(folder: TempDir, arguments: &[&str]) -> Self {
        let socket = folder.path().join("guard.sock");
        let mut command = program();
        command.args(["serve", "--socket"]).arg(&socket).args(arguments);
        let mut child = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, format!("portcullis: serving at {}\n", socket.display()));
        Self { child, folder: Some(folder), socket }
    }

    /// The same place again, after a kill.
    pub(crate) fn again(mut self, arguments: &[&str]) -> Self {
        Self::start_in(self.folder.take().unwrap(), arguments)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn connect(&self) -> UnixStream {
        UnixStream::connect(&self.socket).unwrap()
    }

    /// A client that has had an answer, so that the server knows it.
    pub(crate) fn connect_served(&self) -> UnixStream {
        let mut client = self.connect();
        client.write_all(b"{\"text\":\"hello\"}\n").unwrap();
        BufReader::new(&client).read_line(&mut String::new()).unwrap();
        client
    }

    /// Comes back when the server has noticed that clients have gone.
    pub(crate) fn until_served(&self) {
        while ask(&self.socket, "hello").get("decision").is_none() {
            std::thread::yield_now();
        }
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Option<i32> {
        let mut told = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        self.child.wait().unwrap().code()
    }

    /// Ends it by a signal.
    pub(crate) fn end(self) -> Option<i32> {
        self.signal("TERM");
        self.wait()
    }

    /// Ends it and keeps its folder.
    pub(crate) fn keep(mut self) -> TempDir {
        let folder = self.folder.take().unwrap();
        assert_eq!(self.end(), Some(0));
        folder
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // One that has ended already cannot be killed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer to one text.
pub(crate) fn ask(socket: &Path, text: &str) -> Value {
    let mut client = UnixStream::connect(socket).unwrap();
    // A client that is turned away may be so before it has written.
    let _ = client.write_all(format!("{}\n", json!({ "text": text })).as_bytes());
    let mut line = String::new();
    BufReader::new(client).read_line(&mut line).unwrap();
    serde_json::from_str(&line).unwrap()
}

/// An answer without what differs from run to run.
pub(crate) fn plain(line: &str) -> Value {
    let mut answer: Value = serde_json::from_str(line).unwrap();
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("timing_us");
        answer.remove("decision_id");
    }
    answer
}
