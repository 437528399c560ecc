//! What comes in at a door is durable before it is answered for, and becomes the write that it calls for.

use accordant::bytes::Bytes;
use accordant::id::TenantId;
use accordant::queue::{Message, Queue as _, Topic};
use futures::executor::block_on;
use serde_json::json;

use crate::model::journaled;
use crate::office::{Office, until_quiet};

#[test]
fn what_any_door_hears_is_written_where_it_is_owed_by_whichever_worker_has_it() {
    let office = Office::new();
    let mut workers = [office.worker(1), office.worker(2), office.worker(3)];
    until_quiet(&office, &mut workers);
    office.allow_everything();
    for number in 1..=12 {
        office.comes(number);
    }
    until_quiet(&office, &mut workers);
    assert_eq!(office.balance_in_shop(), vec!["100.00"; 12]);
    for number in 1..=12 {
        office.edits(number, "200.00");
    }
    until_quiet(&office, &mut workers);
    assert_eq!(office.balance_in_shop(), vec!["200.00"; 12]);
    assert_eq!(office.world.shop.writes(), 24, "each once");
    let shares: Vec<usize> = workers.iter().map(|worker| worker.worked().heard).collect();
    assert!(shares.iter().all(|heard| *heard > 0), "{shares:?}");
    office.is_clean();
}

#[test]
fn a_delivery_that_is_repeated_at_another_door_is_heard_once() {
    let office = Office::new();
    office.world.crm.edit("accounts", "1", &crate::model::account(1));
    let (one, other) = (office.plain(5).tenant("acme"), office.plain(6).tenant("acme"));
    for door in [&one, &other] {
        let delivery = office.world.crm.webhook("accounts", "1", 0);
        block_on(door.enqueue(&office.queue, "crm", delivery)).unwrap();
    }
    until_quiet(&office, &mut [office.worker(1)]);
    assert_eq!(journaled(&office.world.store, &one, "observed"), 1);
}

#[test]
fn what_is_for_nobody_gets_no_further_than_the_door() {
    let office = Office::new();
    let delivery = office.world.crm.raw_webhook("accounts", Bytes::from_static(b"{}"));
    let refused = block_on(office.tenant().enqueue(&office.queue, "cmr", delivery)).unwrap_err();
    assert_eq!(refused.http_status(), 404, "{refused}");
    assert!(office.heard(Topic::Inputs).is_empty());
}

#[test]
fn what_cannot_be_read_is_put_aside_whole_and_holds_up_nothing() {
    let office = Office::new();
    let strange = |id: &str, body: &'static [u8]| Message {
        tenant: TenantId::new("acme"),
        key: "crm\u{1f}accounts\u{1f}1".into(),
        id: id.into(),
        body: Bytes::from_static(body),
    };
    let messages = vec![strange("s1", b"no JSON \xff"), strange("s2", br#"{"format":9}"#)];
    block_on(office.queue.publish(Topic::Inputs, messages.clone())).unwrap();
    office.comes(1);
    let mut workers = [office.worker(1)];
    until_quiet(&office, &mut workers);
    assert_eq!(workers[0].worked().unreadable, 2);
    assert_eq!(office.heard(Topic::Unreadable), messages);
    assert_eq!(block_on(office.tenant().entities("account", None, 9)).unwrap().len(), 1);
}

#[test]
fn what_cannot_be_decoded_is_a_dead_letter_as_at_any_door() {
    let office = Office::new();
    let delivery = office.world.crm.raw_webhook("accounts", Bytes::from_static(b"not what was promised"));
    block_on(office.tenant().enqueue(&office.queue, "crm", delivery)).unwrap();
    until_quiet(&office, &mut [office.worker(1)]);
    assert_eq!(journaled(&office.world.store, &office.tenant(), "dead_letter"), 1);
}

#[test]
fn a_hint_is_read_by_the_worker_that_hears_it() {
    let office = Office::new();
    let mut workers = [office.worker(1), office.worker(2)];
    until_quiet(&office, &mut workers);
    office.world.crm.edit("accounts", "1", &json!({ "email": "a1@acme.test", "phone": "7" }));
    let hint = office.world.crm.hint_webhook("accounts", "1");
    block_on(office.tenant().enqueue(&office.queue, "crm", hint)).unwrap();
    for worker in &mut workers {
        block_on(worker.turn()).unwrap();
    }
    let id = block_on(office.tenant().entities("account", None, 9)).unwrap()[0];
    assert!(block_on(office.tenant().explain_erased(id, "phone")).unwrap().to_string().contains('7'));
}
