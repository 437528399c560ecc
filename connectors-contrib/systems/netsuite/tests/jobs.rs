//! Writes as jobs, against the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::sync::Arc;

use accordant::connector::{Connector as _, Outcome, Write};
use accordant_netsuite::NetSuite;
use accordant_rehearsal::Asleep;
use accordant_sandbox::Faults;
use chrono::TimeDelta;
use support::{Stage, connector, create, update};

fn applied(id: &str) -> Outcome {
    Outcome::Applied { id: id.into() }
}

fn by_jobs(stage: &Stage) -> NetSuite {
    let connector = connector(&stage.settings, &stage.clock, "certificate-1");
    connector.respond_async(Arc::new(Asleep(stage.clock.clone())))
}

async fn outcome(connector: &NetSuite, write: Write) -> Outcome {
    connector.write_batch(vec![write]).await.unwrap().remove(0).outcome
}

#[tokio::test]
async fn a_write_that_is_a_job_is_followed_to_its_end() {
    let stage = Stage::set().await;
    let connector = by_jobs(&stage);
    stage.account.jobs_run(TimeDelta::seconds(20));
    let Outcome::Applied { id } = outcome(&connector, create(1, "key-1", &[("email", "ana@acme.test")])).await else {
        panic!("not made")
    };
    assert_eq!(stage.account.row("customer", &id).unwrap()["externalid"], "key-1");
    assert_eq!(outcome(&connector, update(2, &id, &[("firstname", "Ana")])).await, applied(&id));
    assert_eq!(stage.account.row("customer", &id).unwrap()["firstname"], "Ana");
    // What the job ends with is what the write ends with.
    let ill = Outcome::Refused { reason: "email INVALID_VALUE".into() };
    assert_eq!(outcome(&connector, update(3, &id, &[("email", "ill")])).await, ill);
    assert_eq!(stage.account.jobs(), 3);
}

/// The first job is not done when it is asked for again: the repetition is refused, and leads to it.
#[tokio::test]
async fn a_repetition_leads_to_the_first_job_and_has_no_second_effect() {
    let stage = Stage::set().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test")]);
    let connector = by_jobs(&stage);
    stage.account.jobs_run(TimeDelta::seconds(45));
    let change = || update(1, &ana, &[("firstname", "Ana")]);
    assert_eq!(outcome(&connector, change()).await, Outcome::Unknown, "thirty seconds are not enough");
    assert_eq!(stage.account.row("customer", &ana).unwrap().get("firstname"), None);
    assert_eq!(outcome(&connector, change()).await, applied(&ana));
    assert_eq!((stage.account.jobs(), &stage.account.row("customer", &ana).unwrap()["firstname"][..]), (1, "Ana"));
    // And once it is done, and somebody wrote over it, nothing happens again.
    stage.customer(Some(&ana), &[("firstname", "Anna")]);
    assert_eq!(outcome(&connector, change()).await, applied(&ana));
    assert_eq!(stage.account.row("customer", &ana).unwrap()["firstname"], "Anna");
    assert_eq!(stage.account.jobs(), 1);
}

/// Whatever is said of a write, it is so; and what is unknown can be sent again.
#[tokio::test]
async fn under_faults_every_receipt_is_true() {
    let stage = Stage::set().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test")]);
    let connector = by_jobs(&stage);
    stage.account.jobs_run(TimeDelta::seconds(3));
    let faults = Faults { failing: 60, unanswered: 60, ..Faults::default() };
    let mut ends = [0; 3];
    for round in 0..150u8 {
        let name = format!("Ana {round}");
        let change = || update(round, &ana, &[("firstname", &name)]);
        let before = stage.account.jobs();
        stage.account.faults(faults);
        let said = outcome(&connector, change()).await;
        stage.account.faults(Faults::default());
        let held = || stage.account.row("customer", &ana).unwrap().get("firstname").cloned();
        match said {
            Outcome::Applied { .. } => {
                ends[0] += 1;
                assert_eq!(held().as_deref(), Some(name.as_str()));
            }
            Outcome::Deferred { .. } => {
                ends[1] += 1;
                assert_eq!(stage.account.jobs(), before);
            }
            Outcome::Unknown => ends[2] += 1,
            other => panic!("{other:?}"),
        }
        assert_eq!(outcome(&connector, change()).await, applied(&ana));
        assert_eq!(held().as_deref(), Some(name.as_str()));
        assert_eq!(stage.account.jobs(), before + 1, "one job to a key");
    }
    assert!(ends.iter().all(|count| *count > 3), "{ends:?}");
}
