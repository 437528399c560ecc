//! Every fault and every scene by its name: it exists, it does what it says, and it does the same each time.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use accordant::ManualClock;
use accordant_http::{ReqwestTransport, Settings as Wire, Transport as _};
use accordant_sandbox::{
    Accounts, Control, Did, Entry, HubSpot, KeyPair, MovableClock, NetSuite, Remote, Shopify, deliver, hubspot, names,
    netsuite, serve, serve_after, shopify,
};
use bytes::Bytes;
use chrono::TimeDelta;
use http::{Method, Request};
use serde_json::{Value, json};

struct World {
    accounts: Accounts,
    clock: Arc<ManualClock>,
}

impl World {
    /// Three accounts with so many records each.
    fn of(records: usize) -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-21T08:00:00Z".parse().unwrap()));
        let account = hubspot::Settings { per_ten_seconds: 100_000, ..Default::default() };
        let shop = shopify::Settings { capacity: 1_000_000, ..Default::default() };
        let books = netsuite::Settings {
            client: "client".into(),
            certificate: "certificate".into(),
            public_key: KeyPair::generate().unwrap().public,
            zone: chrono_tz::UTC,
            seed: 3,
        };
        let accounts = Accounts::new(
            Arc::new(HubSpot::new(account, Arc::clone(&clock))),
            Arc::new(Shopify::new(shop, Arc::clone(&clock))),
            Arc::new(NetSuite::new(books, Arc::clone(&clock))),
            7,
            0,
        );
        for number in 0..records {
            let email = format!("n{number}@acme.test");
            let (account, shop) = (accounts.hubspot.person("ana"), accounts.shopify.merchant());
            account.creates("contacts", &json!({ "email": email, "firstname": "N" })).unwrap();
            shop.creates(&json!({ "email": email })).unwrap();
            accounts.netsuite.edit("customer", None, &[("email", &email), ("addr1", "1 Old Road")]);
        }
        Self { accounts, clock }
    }

    /// Three empty accounts, one of which tells of contacts.
    fn subscribed() -> Self {
        let world = Self::of(0);
        let ask = |method: &str, path: &str, body: &Value| {
            let request =
                Request::builder().method(method).uri(format!("http://hubspot.test/webhooks/v3/77001/{path}"));
            let request = request.header("authorization", "Bearer pat-sandbox");
            let request = request.body(Bytes::from(body.to_string())).unwrap();
            assert!(world.accounts.hubspot.answer(&request).unwrap().status().is_success());
        };
        ask("PUT", "settings", &json!({ "targetUrl": "http://127.0.0.1:1/", "throttling": {} }));
        ask("POST", "subscriptions", &json!({ "eventType": "contact.creation", "active": true }));
        let email = json!({ "eventType": "contact.propertyChange", "propertyName": "email", "active": true });
        ask("POST", "subscriptions", &email);
        world
    }

    fn switch(&self, name: &str) -> String {
        self.accounts.switch(name, true).unwrap()
    }

    fn contact(&self, number: usize) {
        let values = json!({ "email": format!("n{number}@acme.test") });
        self.accounts.hubspot.person("ana").creates("contacts", &values).unwrap();
    }

    /// The kinds of the events that are due, in the order in which they are sent.
    fn due(&self) -> Vec<(String, u64)> {
        let mut told = Vec::new();
        for outgoing in self.accounts.hubspot.due() {
            let events: Vec<Value> = serde_json::from_slice(outgoing.request.body()).unwrap();
            let kind = |event: &Value| event["subscriptionType"].as_str().unwrap().to_owned();
            told.extend(events.iter().map(|event| (kind(event), event["objectId"].as_u64().unwrap())));
            self.accounts.hubspot.answered(outgoing, true);
        }
        told
    }

    /// The statuses of so many requests to each account, and whether a 200 said THROTTLED.
    fn statuses(&self, requests: usize) -> BTreeSet<String> {
        let mut said = BTreeSet::new();
        for _ in 0..requests {
            let list = Request::get("http://hubspot.test/crm/v3/objects/contacts")
                .header("authorization", "Bearer pat-sandbox");
            let body = Bytes::from(json!({ "query": "{ shop { myshopifyDomain } }" }).to_string());
            let shop = Request::post("http://shopify.test/admin/api/2026-07/graphql.json")
                .header("x-shopify-access-token", "shpat-sandbox");
            for (of, answer) in [
                ("hubspot", self.accounts.hubspot.answer(&list.body(Bytes::new()).unwrap())),
                ("shopify", self.accounts.shopify.answer(&shop.body(body).unwrap())),
            ] {
                let Some(answer) = answer else {
                    said.insert(format!("{of} nothing"));
                    continue;
                };
                let body = String::from_utf8_lossy(answer.body()).into_owned();
                let policy =
                    ["TEN_SECONDLY_ROLLING", "SECONDLY", "THROTTLED"].iter().find(|policy| body.contains(**policy));
                let after = answer.headers().contains_key("retry-after");
                let told = format!(
                    "{of} {} {}{}",
                    answer.status().as_u16(),
                    policy.unwrap_or(&""),
                    if after { "after" } else { "" }
                );
                said.insert(told.trim().to_owned());
            }
        }
        said
    }
}

fn set(of: &[&str]) -> BTreeSet<String> {
    of.iter().map(|one| (*one).to_owned()).collect()
}

#[test]
fn there_is_a_name_for_everything_that_goes_wrong() {
    let told: Vec<&str> = names().collect();
    let wanted = [
        "doubled",
        "late",
        "update-first",
        "lost",
        "throttled",
        "busy",
        "failing",
        "unanswered",
        "refused-items",
        "index-lag",
        "down",
        "unreachable",
        "merge",
        "archive-restore",
        "one-instant",
        "child-edit",
        "zone-change",
    ];
    assert_eq!(told, wanted);
    let error = World::of(0).accounts.switch("nosuch", true).unwrap_err();
    assert!(error.to_string().starts_with("there is no fault \"nosuch\"; there are doubled, late,"), "{error}");
}

#[test]
fn webhooks_come_twice_late_behind_or_never() {
    let count = |name: &str| {
        let world = World::subscribed();
        world.switch(name);
        for number in 0..100 {
            world.contact(number);
        }
        let at_once = world.due();
        world.clock.advance(TimeDelta::hours(2));
        (at_once, world.due())
    };
    let (at_once, later) = count("doubled");
    assert!(at_once.len() > 220 && later.is_empty(), "{} {}", at_once.len(), later.len());
    let (at_once, later) = count("late");
    assert!(later.len() > 30 && at_once.len() + later.len() == 200, "{}", later.len());
    let ids: Vec<u64> = later.iter().map(|(_, id)| *id).collect();
    assert!(!ids.is_sorted(), "out of order");
    let (at_once, _) = count("lost");
    assert!((100..180).contains(&at_once.len()), "{}", at_once.len());
    let (at_once, later) = count("update-first");
    assert!(later.len() > 25 && later.iter().all(|(kind, _)| kind == "contact.creation"), "{later:?}");
    let changed: BTreeSet<u64> =
        at_once.iter().filter(|(kind, _)| kind.ends_with("Change")).map(|(_, id)| *id).collect();
    assert!(later.iter().all(|(_, id)| changed.contains(id)), "its change was told before it was told of");
}

#[test]
fn requests_are_refused_in_both_ways_of_each_vendor() {
    for (name, wanted) in [
        ("throttled", &["hubspot 200", "hubspot 429 TEN_SECONDLY_ROLLING", "shopify 200", "shopify 200 THROTTLED"][..]),
        ("busy", &["hubspot 200", "hubspot 429 SECONDLY", "shopify 200", "shopify 429 after"]),
        ("failing", &["hubspot 200", "hubspot 503", "shopify 200", "shopify 502"]),
        ("unanswered", &["hubspot 200", "hubspot nothing", "shopify 200", "shopify nothing"]),
        ("down", &["hubspot nothing", "shopify nothing"]),
    ] {
        let world = World::of(1);
        world.switch(name);
        assert_eq!(world.statuses(200), set(wanted), "{name}");
        world.accounts.switch(name, false).unwrap();
        assert_eq!(world.statuses(200), set(&["hubspot 200", "shopify 200"]), "{name} is over");
    }
}

#[tokio::test]
async fn webhooks_that_cannot_arrive_are_given_up_when_the_vendor_gives_up() {
    let world = World::subscribed();
    world.switch("unreachable");
    world.contact(1);
    let transport = ReqwestTransport::new(Wire::default()).unwrap();
    let began = accordant::Clock::now(&*world.clock);
    while let Some(at) = world.accounts.hubspot.next_due() {
        world.clock.set(chrono::DateTime::from_timestamp_millis(at).unwrap());
        deliver(world.accounts.hubspot.as_ref(), &transport).await;
    }
    let sent = world.accounts.hubspot.sent();
    let hours = (accordant::Clock::now(&*world.clock) - began) / 3_600_000;
    assert_eq!((sent.accepted, sent.given_up), (0, 1), "both events travel together");
    assert!((20..=24).contains(&hours), "{hours}");
}

/// Who did what to which record, in an account.
fn did<'e>(entries: &'e [Entry], by: &str) -> Vec<(&'e str, &'e Did)> {
    entries.iter().filter(|entry| entry.by == by).map(|entry| (entry.id.as_str(), &entry.did)).collect()
}

#[test]
fn scenes_do_what_they_say_and_the_ledgers_tell_of_it() {
    let world = World::of(150);
    assert_eq!(world.switch("merge"), "2 contacts became others");
    let ledger = world.accounts.hubspot.ledger();
    let became: Vec<&str> = did(&ledger, "sandbox")
        .into_iter()
        .filter_map(|(_, did)| if let Did::Became(into) = did { Some(into.as_str()) } else { None })
        .collect();
    assert_eq!(became.len(), 4, "both of each pair");
    let ids = world.accounts.hubspot.ids("contacts");
    assert!(became.iter().all(|id| ids.iter().any(|alive| alive == id)) && ids.len() == 150);

    assert_eq!(world.switch("archive-restore"), "2 contacts are archived");
    assert_eq!(world.accounts.hubspot.ids("contacts").len(), 148);
    assert_eq!(world.accounts.switch("archive-restore", false).unwrap(), "2 contacts are restored");
    assert_eq!(world.accounts.hubspot.ids("contacts"), ids);
    // Twice, and all come back.
    for left in [148, 146] {
        world.switch("archive-restore");
        assert_eq!(world.accounts.hubspot.ids("contacts").len(), left);
    }
    assert_eq!(world.accounts.switch("archive-restore", false).unwrap(), "4 contacts are restored");
    assert_eq!(world.accounts.hubspot.ids("contacts"), ids);

    let versions = |id: &str| {
        let contact = world.accounts.hubspot.record("contacts", id).unwrap();
        contact["updatedAt"].as_str().unwrap().to_owned()
    };
    world.clock.advance(TimeDelta::hours(1));
    assert_eq!(world.switch("one-instant"), "150 contacts, 150 customers and 150 rows carry one instant");
    assert_eq!(ids.iter().map(|id| versions(id)).collect::<BTreeSet<_>>(), set(&["2026-11-21T09:00:00.000Z"]));

    let first = world.accounts.netsuite.ids("customer");
    assert_eq!(world.switch("child-edit"), "2 customers live elsewhere, and nothing says so");
    let moved: Vec<&String> = first
        .iter()
        .filter(|id| world.accounts.netsuite.row("customer", id).unwrap()["addr1"] != "1 Old Road")
        .collect();
    assert_eq!(moved.len(), 2);
}

/// What SuiteQL says of a customer: its address, and when it changed.
fn asked(world: &World, id: &str) -> (String, String) {
    let clock = Arc::clone(&world.clock);
    let row = world.accounts.netsuite.seen("customer", id, accordant::Clock::now(&*clock)).unwrap();
    (row["addr1"].clone(), row["lastmodifieddate"].clone())
}

#[test]
fn an_edit_of_a_child_does_not_move_its_parent_and_a_zone_moves_every_instant() {
    let world = World::of(1);
    let id = world.accounts.netsuite.ids("customer").remove(0);
    assert_eq!(asked(&world, &id), ("1 Old Road".into(), "2026-11-21 08:00:00".into()));
    world.clock.advance(TimeDelta::hours(1));
    world.switch("child-edit");
    let (street, at) = asked(&world, &id);
    assert!(street.ends_with("Quiet Lane") && at == "2026-11-21 08:00:00", "{street} {at}");
    assert_eq!(world.switch("zone-change"), "the user is in Pacific/Kiritimati");
    assert_eq!(asked(&world, &id).1, "2026-11-21 22:00:00");
    assert_eq!(world.accounts.switch("zone-change", false).unwrap(), "the user is in UTC");
    assert_eq!(asked(&world, &id).1, "2026-11-21 08:00:00");
}

#[test]
fn the_same_seed_does_the_same() {
    let run = || {
        let world = World::of(300);
        for name in ["merge", "archive-restore", "one-instant", "child-edit"] {
            world.switch(name);
        }
        serde_json::to_string(&world.accounts.ledgers().map(|(_, entries)| entries)).unwrap()
    };
    assert_eq!(run(), run());
}

#[test]
fn a_ledger_tells_people_from_the_interface_and_one_value_from_another() {
    let world = World::of(1);
    let id = world.accounts.hubspot.ids("contacts").remove(0);
    let body = Bytes::from(json!({ "properties": { "firstname": "Anna", "email": "n0@acme.test" } }).to_string());
    let write = Request::patch(format!("http://hubspot.test/crm/v3/objects/contacts/{id}"))
        .header("authorization", "Bearer pat-sandbox");
    assert_eq!(world.accounts.hubspot.answer(&write.body(body).unwrap()).unwrap().status(), 200);
    let ledger = world.accounts.hubspot.ledger();
    let path = "properties.firstname".to_owned();
    let wanted = Did::Changed { path, before: Some("N".into()), after: Some("Anna".into()) };
    assert_eq!(did(&ledger, "app"), [(id.as_str(), &wanted)], "what is the same is no change");
    assert_eq!(did(&ledger, "ana")[0], (id.as_str(), &Did::Made));
    let gid = world.accounts.shopify.ids("Customer").remove(0);
    world.accounts.shopify.merchant().deletes(&gid).unwrap();
    assert_eq!(did(&world.accounts.shopify.ledger(), "merchant").last(), Some(&(gid.as_str(), &Did::Gone)));
}

/// What is at the door of NetSuite at once is counted, and turned away beyond the account's limit.
#[tokio::test(flavor = "multi_thread")]
async fn more_requests_at_once_than_the_account_allows_are_turned_away() {
    let world = World::of(0);
    let served =
        serve_after(Arc::clone(&world.accounts.netsuite) as Arc<dyn Remote>, 0, std::time::Duration::from_millis(200));
    let served = served.await.unwrap();
    let transport = ReqwestTransport::new(Wire::default()).unwrap();
    let ask = |_| {
        let request = Request::get(format!("{}/services/rest/record/v1/customer/1", served.base));
        transport.send(request.body(Bytes::new()).unwrap())
    };
    let answers = futures::future::join_all((0..8).map(ask)).await;
    let said = |status: u16| answers.iter().filter(|answer| answer.as_ref().unwrap().status() == status).count();
    assert_eq!((said(401), said(429)), (5, 3));
    let traffic = world.accounts.netsuite.traffic();
    assert_eq!((traffic.most, traffic.limit, traffic.refused), (5, 5, 3));
}

#[tokio::test]
async fn a_consultant_moves_the_clock_and_switches_faults_over_http() {
    let clock = Arc::new(MovableClock::default());
    let world = World::of(3);
    let accounts = Arc::new(world.accounts);
    let served = serve(Arc::new(Control::new(Arc::clone(&accounts), clock)), 0).await.unwrap();
    let transport = ReqwestTransport::new(Wire::default()).unwrap();
    let ask = async |method: Method, path: &str| -> (u16, Value) {
        let request =
            Request::builder().method(method).uri(format!("{}{path}", served.base)).body(Bytes::new()).unwrap();
        let answer = transport.send(request).await.unwrap();
        (answer.status().as_u16(), serde_json::from_slice(answer.body()).unwrap())
    };
    let on = |faults: &Value| -> Vec<String> {
        let on = faults.as_array().unwrap().iter().filter(|fault| fault["on"] == true);
        on.map(|fault| fault["name"].as_str().unwrap().to_owned()).collect()
    };
    let (status, faults) = ask(Method::GET, "/faults").await;
    assert_eq!((status, faults.as_array().unwrap().len(), on(&faults)), (200, names().count(), vec![]));
    for name in ["lost", "busy"] {
        assert_eq!(ask(Method::PUT, &format!("/faults/{name}")).await.0, 200);
    }
    assert_eq!(on(&ask(Method::GET, "/faults").await.1), ["lost", "busy"]);
    assert_eq!(ask(Method::DELETE, "/faults/lost").await.0, 200);
    assert_eq!(on(&ask(Method::GET, "/faults").await.1), ["busy"]);
    assert_eq!(ask(Method::PUT, "/faults/nosuch").await.0, 404);
    assert_eq!(ask(Method::PUT, "/faults/merge").await.1, json!({ "did": "1 contacts became others" }));
    assert_eq!(ask(Method::PUT, "/faults/zone-change").await.0, 200);
    assert_eq!(on(&ask(Method::GET, "/faults").await.1), ["busy", "zone-change"], "until it is undone");
    assert_eq!(ask(Method::DELETE, "/faults/zone-change").await.0, 200);
    assert_eq!(on(&ask(Method::GET, "/faults").await.1), ["busy"]);

    let now = async || -> chrono::DateTime<chrono::Utc> {
        ask(Method::GET, "/clock").await.1["now"].as_str().unwrap().parse().unwrap()
    };
    let before = now().await;
    assert_eq!(ask(Method::POST, "/clock?advance=25h").await.0, 200);
    assert!(now().await - before >= TimeDelta::hours(25));
    for ill in ["/clock", "/clock?advance=1y", "/clock?advance=-1h", "/clock?advance=h", "/clock?advance=é"] {
        assert_eq!(ask(Method::POST, ill).await.0, 400, "{ill}");
    }
    let (_, ledger) = ask(Method::GET, "/ledger").await;
    assert_eq!(ledger["shopify"].as_array().unwrap().iter().filter(|entry| entry["did"] == "made").count(), 3);
    assert_eq!(ask(Method::GET, "/").await.1[0]["ask"], "GET /faults");
    assert_eq!(ask(Method::GET, "/nosuch").await.0, 404);
}
