//! The thread that owns the queue's connection.

use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use futures::channel::oneshot;
use rusqlite::Connection;

use super::super::QueueError;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// The sending end of the thread. Dropping it ends the thread and waits for that.
pub(super) struct Owner {
    jobs: Option<mpsc::Sender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Owner {
    pub(super) fn start(mut connection: Connection) -> Result<Self, QueueError> {
        let (jobs, received) = mpsc::channel::<Job>();
        let run = move || received.into_iter().for_each(|job| job(&mut connection));
        let named = thread::Builder::new().name("accordant-queue".to_owned());
        let thread = named.spawn(run).map_err(QueueError::broker("start its thread"))?;
        Ok(Self { jobs: Some(jobs), thread: Some(thread) })
    }

    /// Has the thread do something. It is done also if nobody waits for it any more.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        doing: &'static str,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, QueueError> {
        let (reply, answer) = oneshot::channel();
        let jobs = self.jobs.as_ref().ok_or(QueueError::Closed)?;
        let job: Job = Box::new(move |connection| drop(reply.send(work(connection))));
        jobs.send(job).map_err(|_| QueueError::Closed)?;
        answer.await.map_err(|_| QueueError::Closed)?.map_err(QueueError::broker(doing))
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
