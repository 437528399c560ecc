//! A worker, as a process of its own: until its standard input ends, or it is killed.

use std::io::Read as _;
use std::time::Duration;

use accordant::Worker;
use accordant::chrono::TimeDelta;
use tokio::runtime::Runtime;

use crate::place::{Place, TENANT};
use crate::{Failed, because};

/// How long it waits before it tries to open store and queue again.
const AGAIN: Duration = Duration::from_millis(300);

pub(crate) fn work(place: &Place) -> Result<bool, Failed> {
    Runtime::new()?.block_on(async {
        let worker = loop {
            match joined(place).await {
                Ok(worker) => break worker,
                // The database or the broker is being restarted.
                Err(failed) => tell(&because(&*failed)),
            }
            tokio::time::sleep(AGAIN).await;
        };
        let (end, ended) = tokio::sync::oneshot::channel();
        std::thread::spawn(move || {
            // Whatever it says, or if it cannot be read: whoever began this process is gone.
            drop(std::io::stdin().read_to_end(&mut Vec::new()));
            let _ = end.send(());
        });
        let sleep = |rest: TimeDelta| tokio::time::sleep(rest.to_std().unwrap_or_default());
        let shutdown = async { ended.await.unwrap_or_default() };
        let worked = worker.run(sleep, shutdown, |error| tell(&because(error))).await?;
        tell(&format!("{worked:?}"));
        Ok(true)
    })
}

async fn joined(place: &Place) -> Result<Worker, Failed> {
    let accordant = place.accordant().await?;
    Ok(Worker::join(&accordant, place.queue().await?, &[TENANT]).await?)
}

fn tell(line: &str) {
    eprintln!("{line}");
}
