//! Of a person who is erased, nothing is left in what matching keeps.

use accordant::store::{Store, Table};
use accordant::testing::{Story, journal};
use accordant::{MemoryStore, RecordRef};
use futures::executor::block_on;
use serde_json::json;

use crate::world::{Customer, ana, entity_of, matched, matches, records, told, trained};

#[test]
fn an_erasure_takes_rows_cases_and_what_the_index_knows() {
    let store = MemoryStore::new();
    let kept = store.clone();
    let who = json!({ "first_name": "Zyxwanna", "last_name": "Qwertzuiop", "phone": "+31 20 555 77 66",
                      "email": "zyxwanna@qwertzuiop.test", "city": "Utrecht", "country": "NL" });
    let mut almost = who.clone();
    almost["phone"] = json!("+31 30 111 22 33");
    almost["email"] = json!(null);
    almost["first_name"] = json!("Z");
    let story = Story::of::<Customer>().configure(|builder| matched(builder.store(store)));
    let story = told(story, &records(240, 31));
    let mut story = story.says("crm", "z", who.clone()).says("shop", "z", who).says("erp", "z", almost);
    trained(&mut story);
    let tenant = story.tenant();
    let crm = RecordRef::new("crm", "contacts", "z");
    let one = entity_of(&tenant, &crm);
    assert_eq!(one, entity_of(&tenant, &RecordRef::new("shop", "customers", "z")), "they are matched");
    let own = |of: &[RecordRef]| of.iter().any(|record| *record.id == *"z");
    block_on(tenant.erase(one, &ana(), "request 9")).expect("nothing is under way");
    let erp = entity_of(&tenant, &RecordRef::new("erp", "accounts", "z"));
    if erp != one {
        block_on(tenant.erase(erp, &ana(), "request 9")).expect("nothing is under way");
    }
    for table in Table::ALL {
        for row in block_on(kept.scan(tenant.id(), table, "", None, usize::MAX)).expect("memory answers") {
            let text = String::from_utf8_lossy(&row.value).to_lowercase();
            assert!(!text.contains("zyxw") && !text.contains("qwertz"), "{} {}: {text}", table.name(), row.key);
        }
    }
    for (entry, payload) in journal(&tenant) {
        let text = payload.map(|payload| String::from_utf8_lossy(&payload.bytes).to_lowercase()).unwrap_or_default();
        assert!(!text.contains("zyxw") && !text.contains("qwertz"), "{} {}", entry.seq, entry.kind);
    }
    assert!(matches(&tenant).iter().all(|case| !own(&case.records)));
    // Whoever is like them is compared with nobody.
    let mut story = story.says("crm", "y", json!({ "last_name": "Qwertzuiop", "phone": "+31 20 555 77 66" }));
    let tenant = story.tenant();
    assert!(matches(&tenant).iter().all(|case| !own(&case.records)));
    assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
}
