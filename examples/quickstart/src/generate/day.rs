//! The script of one Monday: the story, the noise around it, and what reaches us of both.
//!
//! The day is rehearsed in a world in memory, so that every webhook body is the one that the system would send. Then
//! the post does its worst: deliveries come late, twice, and in another order.

use std::collections::BTreeMap;
use std::io;

use chrono::DateTime;
use serde_json::{Value, json};

use super::opening::{self, FULFILMENT, Records, TWICE_IN_HUBSPOT, amount, first_id, typed_phone};
use super::people::{CAST, PEOPLE, Person, address};
use super::random::SplitMix64;
use crate::world::{
    BATCH, Delivery, Dialect, Happens, HubSpotWays, NetSuiteWays, Remote, ShopifyWays, Step, WorldClock,
};

/// Monday, 2026-05-04, noon UTC: eight in the morning at the shop.
pub const MORNING: i64 = 1_777_896_000_000;
const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// When the last person goes home.
const EVENING: i64 = MORNING + 9 * HOUR;

/// The steps of the day, in order.
///
/// # Errors
///
/// If the script names a record that is not in the opening.
pub(super) fn steps(
    random: &mut SplitMix64,
    people: &[Person],
    revenue: i64,
    records: &Records,
) -> io::Result<Vec<Step>> {
    let mut script = Script::default();
    story(&mut script, people, revenue);
    noise(&mut script, random, people);
    script.0.sort_by_key(|(at, _)| *at);
    let mut post = Post::default();
    rehearse(&script, records, &mut post)?;
    let mut all = script.0;
    all.extend(post.deliver(random));
    all.extend(polls());
    // What happens and what arrives in one millisecond keeps this order: first it happens.
    all.sort_by_key(|(at, happens)| (*at, matches!(happens, Happens::Deliver(_) | Happens::Poll { .. })));
    let step =
        |(number, (at, happens))| Step { number, at: DateTime::from_timestamp_millis(at).unwrap_or_default(), happens };
    Ok((1..).zip(all).map(step).collect())
}

/// What people do, and when.
#[derive(Default)]
struct Script(Vec<(i64, Happens)>);

impl Script {
    fn edit(&mut self, at: i64, system: &str, object: &str, id: u64, by: &str, set: &[(&str, Value)]) {
        let set = set.iter().map(|(path, value)| ((*path).to_owned(), value.clone())).collect();
        let (system, object, by) = (system.to_owned(), object.to_owned(), by.to_owned());
        self.0.push((at, Happens::Edit { system, object, id, by, set }));
    }

    fn contact(&mut self, at: i64, person: usize, by: &str, set: &[(&str, Value)]) {
        self.edit(at, "hubspot", "contacts", first_id::CONTACT + person as u64, by, set);
    }

    fn shopper(&mut self, at: i64, person: usize, by: &str, set: &[(&str, Value)]) {
        self.edit(at, "shopify", "customers", first_id::SHOPIFY_CUSTOMER + person as u64, by, set);
    }

    fn debtor(&mut self, at: i64, person: usize, by: &str, set: &[(&str, Value)]) {
        self.edit(at, "netsuite", "customer", first_id::NETSUITE_CUSTOMER + person as u64, by, set);
    }

    fn create(&mut self, at: i64, system: &str, object: &str, by: &str, leaves: opening::Leaves) {
        let set: BTreeMap<String, Value> = leaves.into_iter().map(|(path, value)| (path.to_owned(), value)).collect();
        self.0.push((at, Happens::Create { system: system.into(), object: object.into(), by: by.into(), set }));
    }
}

/// When Grace's name was misspelt: the webhook that says so comes hours after the one that mends it.
const MISSPELT: i64 = MORNING + 40 * MINUTE;

/// The scenes. The people are those of [`CAST`], by place; who is missing in Shopify is missing from the start.
fn story(script: &mut Script, people: &[Person], revenue: i64) {
    let [ana, bruno, chloe, daniel, _, _, grace, hiro, ines] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
    debug_assert_eq!(CAST.len(), 9, "one scene each");

    // Ana moves house, and tells accounting.
    let house = [
        ("addr1", json!("12 Harbor View Ter")),
        ("city", json!("Portland")),
        ("state", json!("OR")),
        ("zip", json!("97205")),
    ];
    script.debtor(MORNING + 65 * MINUTE, ana, "noah@acme.example", &house);

    // Two people take Bruno's new mobile number in the same minute, and one of them mishears it.
    script.contact(
        MORNING + 91 * MINUTE,
        bruno,
        "mia@acme.example",
        &[("properties.mobilephone", json!("(503) 555-0177"))],
    );
    script.debtor(
        MORNING + 91 * MINUTE + 20_000,
        bruno,
        "noah@acme.example",
        &[("mobilephone", json!("(503) 555-0171"))],
    );

    // Sales writes off what Chloe owes. What she owes is NetSuite's to say.
    script.contact(MORNING + 2 * HOUR, chloe, "mia@acme.example", &[("properties.balance", json!("0"))]);

    // Daniel gets an extension, which Shopify has no place for.
    let typed = typed_phone(people[daniel].phone.as_deref().unwrap_or("3035550100"), 1);
    let phone = json!(format!("{typed} ext. 12"));
    script.contact(MORNING + 3 * HOUR, daniel, "priya@acme.example", &[("properties.phone", phone)]);

    // Grace marries; support misspells her name and mends it at once.
    script.shopper(MISSPELT, grace, "lena@acme.example", &[("lastName", json!("Lee-Prak"))]);
    script.shopper(MISSPELT + 6 * MINUTE, grace, "lena@acme.example", &[("lastName", json!("Lee-Park"))]);

    // Hiro's two contacts are merged: HubSpot gives the result a new id.
    let twin = first_id::CONTACT + PEOPLE as u64;
    debug_assert_eq!(hiro, TWICE_IN_HUBSPOT, "the opening has the twin");
    let merge = Happens::Merge {
        system: "hubspot".into(),
        object: "contacts".into(),
        primary: first_id::CONTACT + hiro as u64,
        other: twin,
        by: "priya@acme.example".into(),
    };
    script.0.push((MORNING + 4 * HOUR, merge));

    // Ines is deleted in HubSpot, where nobody knows that she still owes money.
    let delete = Happens::Delete {
        system: "hubspot".into(),
        object: "contacts".into(),
        id: first_id::CONTACT + ines as u64,
        by: "mia@acme.example".into(),
    };
    script.0.push((MORNING + 5 * HOUR, delete));

    // The first company reports a very good year, or a typing error.
    let revenue = json!((revenue + 13_500_000).to_string());
    let set = [("properties.annualrevenue", revenue)];
    script.edit(MORNING + 6 * HOUR, "hubspot", "companies", first_id::HUBSPOT_COMPANY, "mia@acme.example", &set);
}

/// What else goes on in a day. It keeps away from the people of the story.
fn noise(script: &mut Script, random: &mut SplitMix64, people: &[Person]) {
    let mut crowd: Vec<usize> = (20..people.len()).collect();
    random.shuffle(&mut crowd);
    let mut crowd = crowd.into_iter();
    let mut some = |count: usize| crowd.by_ref().take(count).collect::<Vec<_>>();
    let time = |random: &mut SplitMix64| random.between(MORNING, EVENING - 2 * HOUR);

    for person in some(40) {
        let owed = amount(random.between(1_000, 900_000));
        script.debtor(time(random), person, "billing script", &[("balance", json!(owed))]);
    }
    // An import renames sixty jobs within seconds: HubSpot tells of it in one batch. Nothing that is mapped changes.
    for (count, person) in (0..).zip(some(60)) {
        let at = MORNING + 2 * HOUR + count * 50;
        script.contact(at, person, "import", &[("properties.jobtitle", json!("Head of Purchasing"))]);
    }
    for person in some(60) {
        script.shopper(time(random), person, "lena@acme.example", &[("note", json!("Prefers deliveries on Tuesday."))]);
    }
    for person in some(8) {
        let phone = typed_phone(&format!("6155550{}", 150 + person % 50), random.below(4));
        script.contact(time(random), person, "priya@acme.example", &[("properties.phone", json!(phone))]);
    }
    for person in some(6) {
        let new = address(random);
        let set = [
            ("defaultAddress.address1", json!(new.street)),
            ("defaultAddress.city", json!(new.city)),
            ("defaultAddress.provinceCode", json!(new.state)),
            ("defaultAddress.zip", json!(new.zip)),
            ("defaultAddress.countryCodeV2", json!("US")),
        ];
        script.shopper(time(random), person, "the customer", &set);
    }
    for person in some(5) {
        // Two people type the same number, each in their own way.
        let digits = format!("2125550{}", 150 + person % 50);
        let at = time(random);
        script.contact(at, person, "mia@acme.example", &[("properties.mobilephone", json!(typed_phone(&digits, 2)))]);
        script.debtor(at + 50_000, person, "noah@acme.example", &[("mobilephone", json!(typed_phone(&digits, 0)))]);
    }
    let shipped: Vec<u64> = some(40).into_iter().map(|person| people[person].orders[0]).collect();
    for (place, number) in shipped.into_iter().enumerate() {
        let at = time(random);
        let status = [("displayFulfillmentStatus", json!(FULFILMENT[2].0))];
        script.edit(at, "shopify", "orders", first_id::SHOPIFY_ORDER + number, "warehouse", &status);
        if place % 10 < 7 {
            let status = [("status", json!(FULFILMENT[2].1))];
            let id = first_id::SALES_ORDER + number;
            script.edit(at + 20 * MINUTE, "netsuite", "salesorder", id, "billing script", &status);
        }
    }
    let last = people.iter().flat_map(|person| &person.orders).max().copied().unwrap_or_default();
    for (number, person) in (last + 1..).zip(some(12)) {
        let (at, total) = (time(random), random.between(900, 250_000));
        let order = opening::shopify_order(number, person as u64, 0, total);
        script.create(at, "shopify", "orders", "the customer", order);
        let order = opening::sales_order(number, person as u64, 0, total);
        script.create(at + 15 * MINUTE, "netsuite", "salesorder", "order import", order);
    }
}

/// Plays the script in memory and collects the webhooks that it gives rise to.
fn rehearse(script: &Script, records: &Records, post: &mut Post) -> io::Result<()> {
    let clock = WorldClock::default();
    let ways: [Box<dyn Dialect>; 3] = [Box::new(HubSpotWays), Box::new(ShopifyWays), Box::new(NetSuiteWays)];
    let remotes = ways.map(|ways| Remote::in_memory(ways, clock.clone()));
    for ((system, object), records) in records {
        for remote in remotes.iter().filter(|remote| remote.dialect().system() == *system) {
            records.iter().try_for_each(|record| remote.seed(object, record.clone()))?;
        }
    }
    for (number, (at, happens)) in (1..).zip(&script.0) {
        clock.reach(*at);
        let step =
            Step { number, at: DateTime::from_timestamp_millis(*at).unwrap_or_default(), happens: happens.clone() };
        let Some(remote) = remotes.iter().find(|remote| Some(remote.dialect().system()) == step.system()) else {
            continue;
        };
        step.take(remote)?;
        if let Some(line) = remote.lines().last() {
            post.send(*at, Delivery::of(remote, &format!("day-{number}"), remote.webhooks(line)));
        }
    }
    Ok(())
}

/// What is on its way to us.
#[derive(Default)]
struct Post(Vec<(i64, Delivery)>);

impl Post {
    fn send(&mut self, at: i64, deliveries: impl Iterator<Item = Delivery>) {
        self.0.extend(deliveries.map(|delivery| (at, delivery)));
    }

    /// When everything arrives.
    fn deliver(self, random: &mut SplitMix64) -> Vec<(i64, Happens)> {
        let mut arrivals: Vec<(i64, Delivery)> = Vec::new();
        for (sent, delivery) in self.0 {
            // Most take seconds. One in eight takes minutes, and is overtaken. One takes five hours.
            let mut arrives = sent + random.between(1_000, 40_000);
            if random.once_in(8) {
                arrives += random.between(MINUTE, 15 * MINUTE);
            }
            if sent == MISSPELT && delivery.connection == "shopify" {
                arrives += 5 * HOUR;
            }
            arrivals.push((arrives, delivery));
        }
        arrivals.sort_by(|a, b| (a.0, &a.1.name).cmp(&(b.0, &b.1.name)));
        let mut arrivals = batch(random, arrivals);
        let again: Vec<(i64, Delivery)> = arrivals
            .iter()
            .map(|(at, delivery)| (random.once_in(10), at + random.between(MINUTE / 2, 20 * MINUTE), delivery))
            .filter(|(again, ..)| *again)
            .map(|(_, at, delivery)| (at, repetition(delivery)))
            .collect();
        arrivals.extend(again);
        arrivals.into_iter().map(|(at, delivery)| (at, Happens::Deliver(delivery))).collect()
    }
}

/// HubSpot gathers what is due within half a minute into one request, in no particular order.
fn batch(random: &mut SplitMix64, arrivals: Vec<(i64, Delivery)>) -> Vec<(i64, Delivery)> {
    let mut batched: Vec<(i64, Delivery)> = Vec::new();
    for (at, delivery) in arrivals {
        let open = batched.iter_mut().rev().find(|(_, open)| open.connection == delivery.connection);
        match (open, &delivery.body) {
            (Some((since, open)), Value::Array(events)) if at - *since < MINUTE / 2 => match &mut open.body {
                Value::Array(batch) if batch.len() + events.len() <= BATCH => {
                    batch.extend(events.iter().cloned());
                    random.shuffle(batch);
                }
                _ => batched.push((at, delivery)),
            },
            _ => batched.push((at, delivery)),
        }
    }
    // A request leaves when its batch closes.
    for (at, delivery) in &mut batched {
        if delivery.body.is_array() {
            *at += MINUTE / 2;
        }
    }
    batched
}

/// The same request once more: the sender did not see our answer.
fn repetition(delivery: &Delivery) -> Delivery {
    let mut again = Delivery { name: format!("{}-again", delivery.name), ..delivery.clone() };
    for event in again.body.as_array_mut().into_iter().flatten() {
        event["attemptNumber"] = 1.into();
    }
    again
}

/// When each connection is asked: NetSuite often, for it tells nothing by itself; all of them at the end of the day.
fn polls() -> impl Iterator<Item = (i64, Happens)> {
    let every = |connection: &'static str, period: i64| {
        let poll = move |count| (MORNING + count * period, Happens::Poll { connection: connection.into() });
        (1..=10 * HOUR / period).map(poll)
    };
    every("netsuite", 20 * MINUTE).chain(every("hubspot", HOUR)).chain(every("shopify", 2 * HOUR))
}
