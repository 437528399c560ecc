//! The thread that owns the connection.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use rusqlite::Connection;

use super::super::StoreError;
use super::log::Log;
use super::{group, refused};

/// How many requests the thread takes at once. It bounds how long a read waits and how large a transaction grows.
const BATCH: usize = 256;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// What the thread is asked for. Each request carries the way back for its answer.
pub(super) enum Request {
    Read(Job),
    Commit(group::Waiting),
    /// Whatever else writes: an erasure, or entries taken over.
    Write(Job),
}

/// The sending end of the thread. Dropping it ends the thread and waits for that.
pub(super) struct Owner {
    requests: Option<mpsc::Sender<Request>>,
    thread: Option<JoinHandle<()>>,
}

impl Owner {
    pub(super) fn start(mut connection: Connection) -> Result<Self, StoreError> {
        let log = Log::of(&mut connection).map_err(refused("set up the connection"))?;
        let (sender, receiver) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("accordant-sqlite".to_owned())
            .spawn(move || run(connection, log, &receiver))
            .map_err(refused("start its thread"))?;
        Ok(Self { requests: Some(sender), thread: Some(thread) })
    }

    /// Puts a request in the queue. Never blocks: the queue is as long as there are callers that wait.
    pub(super) fn send(&self, request: Request) -> Result<(), StoreError> {
        let requests = self.requests.as_ref().ok_or(StoreError::Closed)?;
        requests.send(request).map_err(|_| StoreError::Closed)
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.requests.take());
        if let Some(thread) = self.thread.take() {
            // Answering a request may drop the task that waited for it, and with it the last handle: the thread then
            // stands here itself, and cannot wait for its own end.
            if thread.thread().id() != thread::current().id() {
                drop(thread.join());
            }
        }
    }
}

fn run(mut connection: Connection, mut log: Log, requests: &mpsc::Receiver<Request>) {
    while let Ok(first) = requests.recv() {
        serve(&mut connection, first, requests);
        log.keep_short(&connection);
    }
}

/// Serves `first` and what else is queued: all commits in one transaction, then the reads, then another write.
///
/// Commits before reads: a read sees every commit that was sent before it. Another write ends the batch: what is
/// committed behind it must not come before it.
fn serve(connection: &mut Connection, first: Request, requests: &mpsc::Receiver<Request>) {
    let (mut commits, mut others) = (Vec::new(), Vec::new());
    for request in std::iter::once(first).chain(requests.try_iter()).take(BATCH) {
        match request {
            Request::Commit(waiting) => commits.push(waiting),
            Request::Read(read) => others.push(read),
            Request::Write(write) => {
                others.push(write);
                break;
            }
        }
    }
    if !commits.is_empty() {
        group::commit(connection, commits);
    }
    for job in others {
        job(connection);
    }
}
