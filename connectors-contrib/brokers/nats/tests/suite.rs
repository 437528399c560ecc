//! The suite of all queues, on a real server; and a restart of it.

#![expect(clippy::disallowed_methods, reason = "how long a real server takes is measured, not decided on")]
#![expect(clippy::print_stdout, reason = "what was skipped is told")]

use std::process::{Command, ExitCode};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use accordant::bytes::Bytes;
use accordant::id::TenantId;
use accordant::queue::{Message, Queue as _, Topic, conformance};
use accordant_nats::{NatsOptions, NatsQueue};
use accordant_test_servers::{Server, Trial};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    Server::NATS.test(|address| {
        let (one, other, third) = (address.to_owned(), address.to_owned(), address.to_owned());
        vec![
            Trial::test("it_passes_the_suite_of_queues", move || run(suite(one))),
            Trial::test("what_was_published_outlives_a_restart_of_the_server", move || run(restart(other))),
            Trial::test("a_server_that_is_not_there_is_an_error_that_may_pass", move || run(nobody(third))),
        ]
    })
}

/// One test at a time: one of them kills the server.
static ALONE: Mutex<()> = Mutex::new(());

fn run(test: impl Future<Output = ()>) -> Result<(), accordant_test_servers::Failed> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    Runtime::new()?.block_on(test);
    Ok(())
}

/// A prefix that nobody used before.
fn fresh(number: usize) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    format!("test-{}-{number}", since.as_nanos())
}

async fn suite(address: String) {
    let mut number = 0;
    conformance::run(async || {
        number += 1;
        let options = NatsOptions::new(&address).prefix(&fresh(number)).lease(Duration::from_secs(2));
        conformance::Subject::new(NatsQueue::open_with(options).await.expect("it opens"))
    })
    .await;
}

async fn restart(address: String) {
    if std::env::var_os("ACCORDANT_SERVERS").is_none() {
        println!("skipped: the server is not ours to restart");
        return;
    }
    let options = || NatsOptions::new(&address).prefix("test-restart").patience(Duration::from_secs(2));
    let queue = NatsQueue::open_with(options()).await.expect("it opens");
    let message = |id: &str| Message {
        tenant: TenantId::new("acme"),
        key: "k".into(),
        id: id.into(),
        body: Bytes::from_static(b"{}"),
    };
    let mut consumer = queue.join(Topic::Inputs, "g").await.expect("it joins");
    let before = fresh(0);
    queue.publish(Topic::Inputs, vec![message(&before)]).await.expect("it publishes");
    script("kill");
    let failed = queue.publish(Topic::Inputs, vec![message("lost?")]).await;
    assert!(failed.is_err_and(|error| error.may_pass()));
    script("start");
    let after = fresh(1);
    let (begun, mut heard) = (std::time::Instant::now(), Vec::new());
    let mut published = false;
    while !(published && heard.contains(&after)) {
        assert!(begun.elapsed() < Duration::from_secs(60), "{heard:?}");
        published = published || queue.publish(Topic::Inputs, vec![message(&after)]).await.is_ok();
        let delivered = consumer.next(9).await.unwrap_or_default();
        heard.extend(delivered.into_iter().map(|delivered| delivered.message.id.to_string()));
    }
    assert!(heard.contains(&before));
    assert_eq!(heard.iter().filter(|id| **id == after).count(), 1, "published again, it is the same");
}

fn script(what: &str) {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../scripts/test-servers");
    let done = Command::new(script).args([what, "nats"]).status().expect("the script runs");
    assert!(done.success());
}

async fn nobody(_: String) {
    let options = NatsOptions::new("nats://127.0.0.1:1").patience(Duration::from_secs(1));
    let error = NatsQueue::open_with(options).await.expect_err("nobody is there");
    assert!(error.may_pass(), "{error}");
}
