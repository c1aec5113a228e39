//! The clients: who is let in, what is read from each, and what is written back.

mod credit;

use super::peer;
use crate::cli::failure;
use crate::cli::lines;
use crate::cli::pipe::format::{Format, Refusal};
use crate::cli::pipe::queue::{Line, Queue};
use anyhow::Context as _;
use credit::Credit;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::collections::HashMap;
use std::io::{self, BufReader, Write as _};
use std::net::Shutdown;
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The wait when the system can take no further client just now.
const PAUSE: Duration = Duration::from_millis(50);

/// What clients may take.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    /// The most at a time.
    pub(super) clients: usize,
    /// The most lines of one without an answer.
    pub(super) in_flight: usize,
    /// How long one may be silent.
    pub(super) idle: Option<Duration>,
    /// The longest line, in bytes.
    pub(super) line: usize,
    /// What an error looks like.
    pub(super) format: Format,
}

/// The clients that are connected. Clones are the same.
#[derive(Clone)]
pub(super) struct Clients {
    bounds: Bounds,
    queue: Arc<Queue<Origin>>,
    connected: Arc<Connected>,
}

#[derive(Default)]
struct Connected {
    clients: Mutex<HashMap<u64, Arc<Client>>>,
    /// Signalled when one has gone.
    gone: Condvar,
}

struct Client {
    stream: UnixStream,
    credit: Credit,
}

/// Where the answer to a line goes.
pub(super) struct Origin {
    answers: Sender<(Vec<u8>, usize)>,
    /// The bytes of the line.
    bytes: usize,
}

impl Origin {
    /// Hands the answer to the client's writer. One to a client that has gone is dropped.
    pub(super) fn send(self, answer: Vec<u8>) {
        let _ = self.answers.send((answer, self.bytes));
    }
}

/// Ends the wait for clients, and the reading from those that are there.
pub(super) struct Waker(UnixStream);

impl Waker {
    pub(super) fn wake(&self) {
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

impl Clients {
    /// No clients yet; their lines go into the queue.
    pub(super) fn new(bounds: Bounds, queue: Arc<Queue<Origin>>) -> Self {
        Self { bounds, queue, connected: Arc::default() }
    }

    /// Lets clients in on a thread of its own until the waker is used.
    ///
    /// # Errors
    /// When the system has no descriptor or thread left.
    pub(super) fn accept(&self, listener: UnixListener) -> anyhow::Result<Waker> {
        let (waker, woken) = UnixStream::pair().context("cannot wait for clients")?;
        listener.set_nonblocking(true).context("cannot wait for clients")?;
        let clients = self.clone();
        thread::Builder::new()
            .name("clients".to_owned())
            .spawn(move || {
                if let Err(error) = clients.wait(&listener, &woken) {
                    clients.queue.close(Some(error));
                }
                clients.stop();
            })
            .context("cannot start the thread that waits for clients")?;
        Ok(Waker(waker))
    }

    /// Waits until all have their answers and have gone, at most for so long; false when some have not.
    pub(super) fn finish(&self, longest: Duration) -> bool {
        let clients = self.lock();
        let waited = self.connected.gone.wait_timeout_while(clients, longest, |clients| !clients.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }

    fn wait(&self, listener: &UnixListener, woken: &UnixStream) -> io::Result<()> {
        let mut number = 0;
        loop {
            if is_ready(&[listener.as_fd(), woken.as_fd()], None)?.contains(&1) {
                return Ok(());
            }
            match listener.accept() {
                Ok((stream, _)) => {
                    number += 1;
                    if let Err(error) = self.welcome(number, stream) {
                        failure::note(&format!("a client was turned away: {error}"));
                    }
                }
                Err(error)
                    if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                // Descriptors come back when clients go.
                Err(error) => {
                    failure::note(&format!("cannot take a client now: {error}"));
                    thread::sleep(PAUSE);
                }
            }
        }
    }

    /// Starts the threads of a client, or turns it away.
    fn welcome(&self, number: u64, stream: UnixStream) -> io::Result<()> {
        // Not every system leaves this as it was.
        stream.set_nonblocking(false)?;
        if !peer::is_trusted(&stream) {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "it is of another user"));
        }
        if self.lock().len() >= self.bounds.clients {
            return self.refuse(&stream);
        }
        stream.set_read_timeout(self.bounds.idle)?;
        stream.set_write_timeout(self.bounds.idle)?;
        let client = Arc::new(Client { stream, credit: Credit::new(self.bounds.in_flight) });
        let (sender, receiver) = mpsc::channel();
        let (clients, writing) = (self.clone(), Arc::clone(&client));
        self.lock().insert(number, Arc::clone(&client));
        let writer = thread::Builder::new().name("writer".to_owned()).spawn(move || {
            writing.write(&receiver);
            clients.lock().remove(&number);
            clients.connected.gone.notify_all();
        });
        if let Err(error) = writer {
            self.lock().remove(&number);
            return Err(error);
        }
        let clients = self.clone();
        // Without a reader its sender is dropped, and the writer ends.
        thread::Builder::new().name("reader".to_owned()).spawn(move || client.read(&clients, &sender))?;
        Ok(())
    }

    /// Tells a client that there are too many. It need not read that.
    fn refuse(&self, stream: &UnixStream) -> io::Result<()> {
        let refusal = Refusal {
            id: None,
            kind: "too_many_clients",
            message: format!("the server has {} clients, the most that it takes", self.bounds.clients),
            key: None,
            line: 1,
        };
        let mut line = Vec::new();
        self.bounds.format.refuse(&refusal, &mut line)?;
        line.push(b'\n');
        stream.set_nonblocking(true)?;
        let mut output = stream;
        output.write_all(&line)?;
        stream.shutdown(Shutdown::Write)
    }

    /// Ends the reading from every client.
    fn stop(&self) {
        for client in self.lock().values() {
            client.credit.close();
            let _ = client.stream.shutdown(Shutdown::Read);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Client>>> {
        self.connected.clients.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Client {
    /// Reads lines into the queue until their end, or the end of the connection.
    fn read(&self, clients: &Clients, answers: &Sender<(Vec<u8>, usize)>) {
        let mut input = BufReader::new(&self.stream);
        let mut number = 0;
        while self.credit.take() {
            if input.buffer().is_empty() && !self.is_heard(clients.bounds.idle) {
                break;
            }
            let Ok(Some(content)) = lines::read_line(&mut input, clients.bounds.line) else { break };
            number += 1;
            let bytes = content.as_ref().map_or(0, Vec::len);
            self.credit.add(bytes);
            let origin = Origin { answers: answers.clone(), bytes };
            if !clients.queue.push(Line { number, content, origin }) {
                break;
            }
        }
    }

    /// Waits for the beginning of a line; false when the client is silent for too long with nothing to wait for.
    fn is_heard(&self, idle: Option<Duration>) -> bool {
        loop {
            match is_ready(&[self.stream.as_fd()], idle) {
                Ok(ready) if ready.is_empty() && self.credit.is_waited_for() => {}
                Ok(ready) => return !ready.is_empty(),
                Err(_) => return false,
            }
        }
    }

    /// Writes answers as they come, until the last line that was read has its own.
    fn write(&self, answers: &Receiver<(Vec<u8>, usize)>) {
        let mut open = true;
        while let Ok((mut bytes, mut size)) = answers.recv() {
            let mut lines = 1;
            while let Ok((answer, line)) = answers.try_recv() {
                bytes.extend_from_slice(&answer);
                size += line;
                lines += 1;
            }
            let mut output = &self.stream;
            if open && output.write_all(&bytes).is_err() {
                // It has gone, or does not read: what it still gets is dropped.
                open = false;
                self.credit.close();
                let _ = self.stream.shutdown(Shutdown::Both);
            }
            self.credit.give(lines, size);
        }
        let _ = self.stream.shutdown(Shutdown::Both);
    }
}

/// Which of these can be read from, or have ended; none when the time is up.
fn is_ready(
    descriptors: &[std::os::fd::BorrowedFd<'_>],
    longest: Option<Duration>,
) -> io::Result<Vec<usize>> {
    let mut waited: Vec<PollFd<'_>> =
        descriptors.iter().map(|descriptor| PollFd::from_borrowed_fd(*descriptor, PollFlags::IN)).collect();
    let time = longest.map(|longest| Timespec {
        tv_sec: longest.as_secs().try_into().unwrap_or(i64::MAX),
        tv_nsec: longest.subsec_nanos().into(),
    });
    loop {
        match poll(&mut waited, time.as_ref()) {
            Ok(_) => break,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(waited.iter().enumerate().filter(|(_, one)| !one.revents().is_empty()).map(|(at, _)| at).collect())
}
