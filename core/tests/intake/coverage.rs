//! Coverage: what an item was not asked for, or may not say, stays as it was, and stays so when it is read anew.

use accordant::bytes::Bytes;
use accordant::connector::{Item, ReadAnswer, Says};
use accordant::model::Path;
use accordant::surface::Channel;
use futures::executor::block_on;
use serde_json::json;

use crate::support::{BY_TIME, Scripted, World, item, last_page, shows, surface};

/// A record that was seen whole.
fn begun() -> (Scripted, World) {
    let channels = [Channel::Webhook, Channel::Scan, Channel::Read];
    let crm = Scripted::new("crm", channels.map(|channel| surface(channel, BY_TIME)).to_vec());
    let world = World::of(&crm);
    world.receive(&crm, vec![shows(Channel::Webhook, "1", Some(7), "Ana")]);
    (crm, world)
}

/// A record without a name.
fn nameless(channel: Channel, token: i64) -> Item {
    item(channel, Says::Record, &json!({ "id": "1", "at": token, "fields": { "key": "1" } }))
}

fn paths(dotted: &[&str]) -> Vec<Path> {
    dotted.iter().copied().map(Path::new).collect()
}

fn read_anew_is_what_is_stored(world: &World) {
    let rederived = block_on(world.tenant.rederive()).expect("the journal is whole");
    assert!(rederived.is_same() && rederived.undecodable == 0, "{rederived}");
    assert!(block_on(world.tenant.verify()).expect("the store answers").is_clean());
}

#[test]
fn what_was_not_asked_for_stays_as_it_was() {
    let (crm, world) = begun();
    crm.gives(Channel::Scan, last_page(vec![nameless(Channel::Scan, 8).covering(paths(&["key"]))]));
    world.scan();
    assert_eq!(world.name("1").as_deref(), Some("Ana"));
    read_anew_is_what_is_stored(&world);
    crm.gives(Channel::Scan, last_page(vec![nameless(Channel::Scan, 9).covering(paths(&["key", "name"]))]));
    world.scan();
    assert_eq!(world.name("1"), None, "asked for and lacking: cleared");
    read_anew_is_what_is_stored(&world);
}

#[test]
fn what_may_not_be_read_stays_as_it_was_on_every_way_in() {
    let (crm, world) = begun();
    let denying = |item: Item| item.denying(paths(&["name"]));
    world.receive(&crm, vec![denying(nameless(Channel::Webhook, 8))]);
    crm.gives(Channel::Scan, last_page(vec![denying(shows(Channel::Scan, "1", Some(9), "withheld"))]));
    world.scan();
    crm.answers("1", ReadAnswer::Found(denying(nameless(Channel::Read, 10))));
    let mut hint = item(Channel::Webhook, Says::Record, &json!({}));
    hint.says = Says::Hint { id: "1".into() };
    hint.body = Bytes::new();
    world.receive(&crm, vec![hint]);
    while block_on(world.tenant.step()).expect("it can be read").more() {}
    assert_eq!(crm.reads_of("1"), 1);
    assert_eq!(world.name("1").as_deref(), Some("Ana"));
    assert!(world.representation("1").is_denied(1));
    read_anew_is_what_is_stored(&world);
    world.receive(&crm, vec![shows(Channel::Webhook, "1", Some(11), "Ana")]);
    assert!(!world.representation("1").is_denied(1), "said later: readable again");
}

#[test]
fn items_of_one_page_may_be_asked_for_differently() {
    let (crm, world) = begun();
    world.receive(&crm, vec![shows(Channel::Webhook, "2", Some(7), "Ben")]);
    let other = |id: &str, token: i64| {
        item(Channel::Scan, Says::Record, &json!({ "id": id, "at": token, "fields": { "key": id } }))
    };
    let key = paths(&["key"]);
    crm.gives(Channel::Scan, last_page(vec![other("1", 8).covering(key), other("2", 8)]));
    world.scan();
    assert_eq!((world.name("1").as_deref(), world.name("2")), (Some("Ana"), None));
}
