//! The suite of all queues, on a real broker.

#![expect(clippy::disallowed_methods, reason = "names that nobody used before come from the clock")]

use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use accordant::queue::conformance;
use accordant_kafka::{KafkaOptions, KafkaQueue};
use accordant_test_servers::{Server, Trial};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    Server::KAFKA.test(|address| {
        let address = address.to_owned();
        vec![
            Trial::test("it_passes_the_suite_of_queues", move || {
                Runtime::new()?.block_on(suite(address));
                Ok(())
            }),
            Trial::test("a_broker_that_is_not_there_is_an_error_that_may_pass", || {
                Runtime::new()?.block_on(nobody());
                Ok(())
            }),
        ]
    })
}

async fn suite(address: String) {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
    let mut number = 0;
    conformance::run(async || {
        number += 1;
        let options = KafkaOptions::new(&address)
            .prefix(&format!("test-{since}-{number}"))
            .partitions(8)
            .lease(Duration::from_secs(6));
        conformance::Subject::new(KafkaQueue::open_with(options).await.expect("it opens")).repeating()
    })
    .await;
}

async fn nobody() {
    let options = KafkaOptions::new("127.0.0.1:1").patience(Duration::from_secs(1));
    let error = KafkaQueue::open_with(options).await.expect_err("nobody is there");
    assert!(error.may_pass(), "{error}");
}
