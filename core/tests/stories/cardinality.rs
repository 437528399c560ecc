//! Several records of one entity in one system: which of them speak, and which are written.

use accordant::testing::Story;
use accordant::{Canonical, Email, Id};
use futures::executor::block_on;
use serde_json::json;

/// The oldest record speaks, and is written.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "buyer", existence(shop), system(shop, object = "customers"))]
#[canonical(system(crm, object = "contacts", many(reduce = primary, write = primary)))]
struct Buyer {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
}

/// The oldest record speaks, and none is written.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "reader", existence(shop), system(shop, object = "customers"))]
#[canonical(system(crm, object = "contacts", many(reduce = primary, write = nobody)))]
struct Reader {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(resolve(latest), at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
}

/// The latest record speaks, and all are written.
#[derive(Canonical, Clone, Debug)]
#[canonical(entity = "guest", existence(shop), system(shop, object = "customers"))]
#[canonical(system(crm, object = "contacts", many(reduce = latest, write = all)))]
struct Guest {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(resolve(latest), at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
}

/// Ana has a record in the shop, and three in the CRM.
fn ana(story: Story) -> Story {
    let record = || json!({ "email": "ana@acme.test", "phone": "1" });
    story
        .says("shop", "9", record())
        .says("crm", "1", record())
        .says("crm", "2", record())
        .says("crm", "3", record())
        .expect_entities(1)
        .expect_no_discrepancy()
        .expect_quiet()
        .at("09:00")
}

fn phones(story: &mut Story) -> Vec<String> {
    let phone = |id: &&str| story.fake("crm").record("contacts", id).map(|held| held["phone"].to_string());
    ["1", "2", "3"].iter().filter_map(phone).collect()
}

#[test]
fn when_the_primary_is_gone_the_next_is_written() {
    let mut story = ana(Story::of::<Buyer>()).says("shop", "9", json!({ "phone": "2" })).apply();
    assert_eq!(phones(&mut story), ["\"2\"", "\"1\"", "\"1\""]);
    let mut story = story.deletes("crm", "1").apply();
    assert_eq!(phones(&mut story), ["\"2\"", "\"1\""], "the next is owed what the first was written");
    let mut story = story.says("shop", "9", json!({ "phone": "3" })).apply();
    assert_eq!(phones(&mut story), ["\"3\"", "\"1\""]);
    let id = Id::<Buyer>::new(story.entity_id::<Buyer>());
    let view = block_on(story.tenant().inspect(id)).expect("a view");
    let primary = view.entity.links.iter().filter(|link| link.primary && link.record.connection.as_str() == "crm");
    assert_eq!(primary.map(|link| link.record.id.as_str()).collect::<Vec<_>>(), ["2"]);
    story.polls("crm").expect(Buyer::PHONE, "3").expect_quiet();
}

#[test]
fn when_the_primary_is_merged_away_the_survivor_is_written() {
    let mut story = ana(Story::of::<Buyer>()).merges("crm", "2", "1").hints("crm", "1");
    story = story.says("shop", "9", json!({ "phone": "2" })).apply();
    assert_eq!(phones(&mut story), ["\"2\"", "\"1\""]);
    story.expect_quiet();
}

#[test]
fn the_primary_speaks_and_nobody_is_written() {
    let mut story = ana(Story::of::<Reader>())
        .says("crm", "2", json!({ "phone": "5" }))
        .expect(Reader::PHONE, "1")
        .expect_quiet()
        .says("crm", "1", json!({ "phone": "6" }))
        .expect(Reader::PHONE, "6")
        .apply()
        .expect_in("shop", "9", "phone", json!("6"))
        .says("shop", "9", json!({ "phone": "7" }))
        .expect(Reader::PHONE, "7")
        .apply()
        .expect_writes("crm", 0);
    assert_eq!(phones(&mut story), ["\"6\"", "\"5\"", "\"1\""]);
    story
        .at("09:01")
        .deletes("crm", "1")
        .says("crm", "2", json!({ "phone": "9" }))
        .at("09:02")
        .says("crm", "3", json!({ "phone": "8" }))
        .expect(Reader::PHONE, "9")
        .apply()
        .expect_in("shop", "9", "phone", json!("9"))
        .expect_writes("crm", 0);
}

#[test]
fn the_latest_speaks_and_all_are_written() {
    let mut story = ana(Story::of::<Guest>())
        .says("crm", "2", json!({ "phone": "5" }))
        .at("09:01")
        .expect(Guest::PHONE, "5")
        .says("crm", "3", json!({ "phone": "6" }))
        .at("09:02")
        .expect(Guest::PHONE, "6")
        .apply()
        .expect_in("shop", "9", "phone", json!("6"))
        .expect_no_discrepancy()
        .expect_quiet();
    assert_eq!(phones(&mut story), ["\"6\"", "\"6\"", "\"6\""]);
    let mut story = story.deletes("crm", "1").says("shop", "9", json!({ "phone": "7" })).apply();
    assert_eq!(phones(&mut story), ["\"7\"", "\"7\""]);
    story.expect(Guest::PHONE, "7").expect_quiet();
}
