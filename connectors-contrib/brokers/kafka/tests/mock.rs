//! The suite of all queues on librdkafka's own cluster in this process: it needs no server.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use accordant::queue::{Topic, conformance};
use accordant_kafka::{KafkaOptions, KafkaQueue};
use rdkafka::mocking::MockCluster;

#[tokio::test(flavor = "multi_thread")]
async fn it_passes_the_suite_of_queues() {
    let cluster = MockCluster::new(1).unwrap();
    let mut number = 0;
    conformance::run(async || {
        number += 1;
        let prefix = format!("test-{number}");
        for topic in Topic::ALL {
            cluster.create_topic(&format!("{prefix}.{}", topic.name()), 8, 1).unwrap();
        }
        let options = KafkaOptions::new(&cluster.bootstrap_servers()).prefix(&prefix).topics_exist();
        let queue = KafkaQueue::open_with(options.lease(Duration::from_secs(6))).await.unwrap();
        conformance::Subject::new(queue).repeating()
    })
    .await;
}
