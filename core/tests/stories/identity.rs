//! Identity: which records are of one entity.

use accordant::testing::Story;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{Customer, Member};

#[test]
fn a_key_shared_by_several_entities_links_nothing() {
    let mut story = Story::of::<Customer>()
        .says("crm", "1", json!({ "email": "ana@acme.test" }))
        .says("crm", "2", json!({ "email": "ben@acme.test" }))
        .expect_entities(2)
        .says("crm", "2", json!({ "email": "ana@acme.test" })) // now both hold it
        .says("netsuite", "7", json!({ "email": "ana@acme.test" }))
        .expect_entities(2);
    let unlinked = block_on(story.tenant().unlinked()).expect("a list");
    let records: Vec<String> = unlinked.iter().map(|unlinked| unlinked.record.to_string()).collect();
    assert_eq!(records, ["netsuite/customer/7"]);
}

#[test]
fn what_a_create_may_have_made_waits_for_it() {
    Story::of::<Member>()
        .says("crm", "m1", json!({ "email": "ana@acme.test", "name": "Ana" }))
        .system("shop", |shop| {
            shop.loses_answer();
        })
        .apply_after(|_| ())
        .edits("shop", "new-1", json!({ "email": "other@acme.test" })) // it matches nothing by key
        .tells("shop", "new-1")
        .expect_entities(1);
}
