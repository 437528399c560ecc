//! A thread that owns a connection to a SQLite file.

use std::io;
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use futures::channel::oneshot;
use rusqlite::Connection;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The sending end of the thread. Dropping it ends the thread and waits for that.
pub(crate) struct Owner {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Owner {
    /// Starts a thread of this name.
    pub(crate) fn start(name: &str, mut connection: Connection) -> io::Result<Self> {
        let (jobs, received) = mpsc::channel::<Job>();
        let run = move || received.into_iter().for_each(|job| job(&mut connection));
        let thread = thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Has the thread do something. It is done also if nobody waits for it any more. `None`: the thread has ended.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Option<rusqlite::Result<T>> {
        let (reply, answer) = oneshot::channel();
        let job: Job = Box::new(move |connection| drop(reply.send(work(connection))));
        self.jobs.as_ref()?.send(job).ok()?;
        answer.await.ok()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // The last handle may be dropped by the thread itself, which cannot wait for its own end.
            if thread.thread().id() != thread::current().id() {
                drop(thread.join());
            }
        }
    }
}
