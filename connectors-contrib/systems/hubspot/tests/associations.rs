//! Associations as a value of the record, before the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant::connector::{Connector as _, Item, Outcome, ReadAnswer, Says, Write};
use accordant::model::Path;
use accordant::value::Native;
use accordant_rehearsal::{json, key};
use accordant_sandbox::{Faults, Remote as _};
use chrono::TimeDelta;
use serde_json::{Value, json};
use support::{Stage, create, ids, update};

/// An account in which contacts belong to companies.
async fn stage() -> Stage {
    Stage::with(|mut settings| {
        settings.objects.get_mut("contacts").unwrap().associations.insert("companies".into());
        settings
    })
    .await
}

fn companies<const N: usize>(stage: &Stage, names: [&str; N]) -> [String; N] {
    names.map(|name| stage.person().creates("companies", &json!({ "name": name })).unwrap())
}

fn owner(item: &Item) -> Value {
    json(item)["associations"]["companies"].clone()
}

async fn read(stage: &Stage, id: &str) -> Item {
    match stage.connector.read_records(&[key("contacts", id)]).await.unwrap().remove(0) {
        ReadAnswer::Found(item) => item,
        other => panic!("{other:?}"),
    }
}

/// A write that gives a contact to a company, away from another or from nobody.
fn give(number: u8, contact: &str, from: Option<&str>, to: Option<&str>) -> Write {
    let at = |company: Option<&str>| {
        (Path::new("associations.companies"), company.map_or(Native::Null, |company| Native::Text(company.into())))
    };
    let mut write = update(number, contact, &[]);
    (write.changes, write.expect) = (vec![at(to)], vec![at(from)]);
    write
}

async fn outcome(stage: &Stage, write: Write) -> Outcome {
    stage.connector.write_batch(vec![write]).await.unwrap().remove(0).outcome
}

fn applied(id: &str) -> Outcome {
    Outcome::Applied { id: id.into() }
}

#[tokio::test]
async fn a_record_comes_with_the_company_that_it_belongs_to_wherever_it_comes_from() {
    let stage = stage().await;
    let [acme, ajax] = companies(&stage, ["Acme", "Ajax"]);
    let contacts = ["a", "b", "c"].map(|name| stage.contact(&json!({ "email": format!("{name}@acme.test") })));
    stage.person().associates("contacts", &contacts[0], "companies", &acme).unwrap();
    stage.person().associates("contacts", &contacts[1], "companies", &ajax).unwrap();
    let owners = [json!(acme), json!(ajax), Value::Null];
    for surface in ["contacts.search", "contacts.scan"] {
        let (items, _) = stage.walk(surface, None).await;
        assert_eq!(ids(&items), contacts, "{surface}");
        assert_eq!(items.iter().map(owner).collect::<Vec<_>>(), owners, "{surface}");
        let denied = items.iter().flat_map(|item| item.denied.iter());
        assert_eq!(denied.filter(|path| path.keys()[0].as_str() == "associations").count(), 0);
    }
    for (contact, expected) in contacts.iter().zip(&owners) {
        assert_eq!(owner(&read(&stage, contact).await), *expected);
    }
    assert_eq!(json(&read(&stage, &contacts[0]).await)["properties"]["email"], "a@acme.test");
}

/// Of several companies the primary one counts. Where none is, nothing is believed, and nothing written.
#[tokio::test]
async fn of_several_companies_the_primary_one_counts_and_otherwise_none() {
    let stage = stage().await;
    let [acme, ajax] = companies(&stage, ["Acme", "Ajax"]);
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    // 279: they belong together, and that is all.
    stage.person().labels("contacts", &ana, "companies", &acme, 279).unwrap();
    assert_eq!(owner(&read(&stage, &ana).await), json!(acme), "the only one");
    stage.person().labels("contacts", &ana, "companies", &ajax, 279).unwrap();
    let item = read(&stage, &ana).await;
    assert_eq!(owner(&item), Value::Null);
    assert!(item.denied.contains(&Path::new("associations.companies")), "{:?}", item.denied);
    let mut write = give(1, &ana, None, Some(&ajax));
    write.expect.clear();
    let reason = "hubspot: the record belongs to several companies, and none of them is primary";
    let refused = Outcome::Refused { reason: reason.into() };
    assert_eq!(outcome(&stage, write).await, refused);
    // As an engine sends it: it expects what it knew last, and so would go stale for ever.
    assert_eq!(outcome(&stage, give(2, &ana, Some(&acme), Some(&ajax))).await, refused);
    stage.person().labels("contacts", &ana, "companies", &ajax, 1).unwrap();
    let item = read(&stage, &ana).await;
    assert_eq!((owner(&item), item.denied.contains(&Path::new("associations.companies"))), (json!(ajax), false));
}

#[tokio::test]
async fn a_record_is_given_to_another_company_and_taken_from_the_former() {
    let stage = stage().await;
    let [acme, ajax] = companies(&stage, ["Acme", "Ajax"]);
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    assert_eq!(outcome(&stage, give(1, &ana, None, Some(&acme))).await, applied(&ana));
    assert_eq!(owner(&read(&stage, &ana).await), json!(acme));
    // To another, and a property with it.
    let mut both = give(2, &ana, Some(&acme), Some(&ajax));
    both.changes.extend(update(2, &ana, &[("firstname", "Ana")]).changes);
    assert_eq!(outcome(&stage, both).await, applied(&ana));
    let item = read(&stage, &ana).await;
    assert_eq!((owner(&item), &json(&item)["properties"]["firstname"]), (json!(ajax), &json!("Ana")));
    assert_eq!(outcome(&stage, give(3, &ana, Some(&ajax), None)).await, applied(&ana));
    assert_eq!(owner(&read(&stage, &ana).await), Value::Null);
}

/// Whoever belongs to others beside the primary company goes on to belong to them, and its new company is the primary one.
/// Of several, the primary one alone is not taken away: the reference would hold one of the others.
#[tokio::test]
async fn a_record_of_several_companies_is_given_to_a_new_primary_one() {
    let stage = stage().await;
    let [acme, ajax, axis] = companies(&stage, ["Acme", "Ajax", "Axis"]);
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    stage.person().associates("contacts", &ana, "companies", &acme).unwrap();
    stage.person().associates("contacts", &ana, "companies", &axis).unwrap();
    assert_eq!(owner(&read(&stage, &ana).await), json!(acme));
    assert_eq!(outcome(&stage, give(1, &ana, Some(&acme), Some(&ajax))).await, applied(&ana));
    let item = read(&stage, &ana).await;
    assert_eq!((owner(&item), item.denied.contains(&Path::new("associations.companies"))), (json!(ajax), false));
    let reason = "hubspot: the record belongs to several companies, and would go on to belong to one of them";
    let refused = Outcome::Refused { reason: reason.into() };
    assert_eq!(outcome(&stage, give(2, &ana, Some(&ajax), None)).await, refused);
    assert_eq!(owner(&read(&stage, &ana).await), json!(ajax));
    stage.person().dissociates("contacts", &ana, "companies", &axis).unwrap();
    assert_eq!(outcome(&stage, give(3, &ana, Some(&ajax), None)).await, applied(&ana));
    assert_eq!(owner(&read(&stage, &ana).await), Value::Null);
}

/// A create that was made by an attempt before is found by its key. What people did with the record since stays.
#[tokio::test]
async fn a_create_that_was_made_before_is_given_to_nobody_whom_people_gave_it_away_from() {
    let stage = stage().await;
    let [acme, ajax] = companies(&stage, ["Acme", "Ajax"]);
    let make = |number, key: &str, email: &str| {
        let mut write = create(number, key, &[("email", email)]);
        write.changes.push((Path::new("associations.companies"), Native::Text(acme.as_str().into())));
        write
    };
    let Outcome::Applied { id: ana } = outcome(&stage, make(1, "key-1", "ana@acme.test")).await else {
        panic!("not made")
    };
    stage.person().dissociates("contacts", &ana, "companies", &acme).unwrap();
    stage.person().associates("contacts", &ana, "companies", &ajax).unwrap();
    assert_eq!(outcome(&stage, make(1, "key-1", "ana@acme.test")).await, applied(&ana));
    let item = read(&stage, &ana).await;
    assert_eq!(owner(&item), json!(ajax), "people moved it");
    assert!(!item.denied.contains(&Path::new("associations.companies")));
    // The attempt before ended between the record and its company: then it is given to it now.
    let Outcome::Applied { id: bo } = outcome(&stage, make(2, "key-2", "bo@acme.test")).await else {
        panic!("not made")
    };
    stage.person().dissociates("contacts", &bo, "companies", &acme).unwrap();
    assert_eq!(outcome(&stage, make(2, "key-2", "bo@acme.test")).await, applied(&bo));
    assert_eq!(owner(&read(&stage, &bo).await), json!(acme));
}

/// What the account knows no association of is told before anything is read or written.
#[tokio::test]
async fn an_association_that_the_account_does_not_have_is_missing() {
    use accordant::schema::MismatchKind;
    let stage = stage().await;
    let mut settings = stage.settings.clone();
    settings.objects.get_mut("contacts").unwrap().associations.insert("p_rockets".to_owned());
    let found = support::connector(&settings, &stage.clock).prepare().await.unwrap();
    let missing: Vec<String> = found
        .iter()
        .filter(|found| found.kind == MismatchKind::Missing && found.object.as_str() == "contacts")
        .map(|found| found.field.to_string())
        .collect();
    assert_eq!(missing, ["associations.p_rockets"], "{found:?}");
}

/// The version of a record says nothing of whom it belongs to: so that is compared, whatever the version says.
#[tokio::test]
async fn whoever_was_given_to_another_meanwhile_is_not_written_over() {
    let stage = stage().await;
    let [acme, ajax, axis] = companies(&stage, ["Acme", "Ajax", "Axis"]);
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    stage.person().associates("contacts", &ana, "companies", &acme).unwrap();
    let version = |item: &Item| {
        let at = json(item)["updatedAt"].as_str().unwrap().to_owned();
        chrono::DateTime::parse_from_rfc3339(&at).unwrap().timestamp_millis()
    };
    let seen = version(&read(&stage, &ana).await);
    stage.clock.advance(TimeDelta::minutes(5));
    stage.person().dissociates("contacts", &ana, "companies", &acme).unwrap();
    stage.person().associates("contacts", &ana, "companies", &ajax).unwrap();
    assert_eq!(version(&read(&stage, &ana).await), seen, "the record does not say that it changed");
    let mut write = give(1, &ana, Some(&acme), Some(&axis));
    write.expect_token = Some(seen);
    assert_eq!(outcome(&stage, write).await, Outcome::Stale);
    assert_eq!(owner(&read(&stage, &ana).await), json!(ajax));
    assert_eq!(outcome(&stage, give(2, &ana, Some(&ajax), Some("404404"))).await, Outcome::Stale, "no such company");
    assert_eq!(owner(&read(&stage, &ana).await), json!(ajax));
}

#[tokio::test]
async fn a_new_record_belongs_to_its_company_from_the_beginning() {
    let stage = stage().await;
    let [acme] = companies(&stage, ["Acme"]);
    let mut write = create(1, "key-1", &[("email", "ana@acme.test")]);
    write.changes.push((Path::new("associations.companies"), Native::Text(acme.as_str().into())));
    let Outcome::Applied { id } = outcome(&stage, write).await else { panic!("not made") };
    assert_eq!(owner(&read(&stage, &id).await), json!(acme));
    let mut ill = create(2, "key-2", &[("email", "bo@acme.test")]);
    ill.changes.push((Path::new("associations.companies"), Native::Text("acme".into())));
    let reason = "associations.companies: an association takes the id of one record";
    assert_eq!(outcome(&stage, ill).await, Outcome::Refused { reason: reason.into() });
    assert_eq!(stage.account.ids("contacts").len(), 1);
}

#[tokio::test]
async fn a_webhook_of_an_association_has_its_record_read() {
    let stage = stage().await;
    let [acme] = companies(&stage, ["Acme"]);
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    stage.subscribe(&json!({ "eventType": "contact.associationChange", "active": true })).await;
    stage.person().associates("contacts", &ana, "companies", &acme).unwrap();
    stage.person().dissociates("contacts", &ana, "companies", &acme).unwrap();
    let mut told = Vec::new();
    for outgoing in stage.account.due() {
        told.extend(stage.connector.verify(&outgoing.request).unwrap().items.into_iter().map(|item| item.says));
    }
    let hint = Says::Hint { id: ana.as_str().into() };
    assert_eq!(told, [hint.clone(), hint]);
}

/// The stand-in tells of the first company as the primary one, and of a second one as what it is.
#[tokio::test]
async fn a_second_company_is_told_of_as_one_that_is_not_primary() {
    let stage = stage().await;
    let [acme, ajax] = companies(&stage, ["Acme", "Ajax"]);
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    stage.subscribe(&json!({ "eventType": "contact.associationChange", "active": true })).await;
    for company in [&acme, &ajax] {
        stage.person().associates("contacts", &ana, "companies", company).unwrap();
    }
    let mut told = Vec::new();
    for outgoing in stage.account.due() {
        let events: Vec<Value> = serde_json::from_slice(outgoing.request.body()).unwrap();
        told.extend(
            events.into_iter().map(|event| (event["toObjectId"].to_string(), event["isPrimaryAssociation"] == true)),
        );
    }
    assert_eq!(told, [(acme, true), (ajax, false)]);
}

/// Whatever is said of a write, it is so.
#[tokio::test]
async fn under_faults_every_receipt_is_true() {
    let stage = stage().await;
    let [acme, ajax] = companies(&stage, ["Acme", "Ajax"]);
    let ana = stage.contact(&json!({ "email": "ana@acme.test" }));
    stage.person().associates("contacts", &ana, "companies", &acme).unwrap();
    let faults = Faults { failing: 100, unanswered: 150, ..Faults::default() };
    let mut ends = [0; 3];
    for round in 0..120 {
        let held = owner(&read(&stage, &ana).await).as_str().unwrap().to_owned();
        let other = if held == acme { &ajax } else { &acme };
        stage.account.faults(faults);
        let said = outcome(&stage, give(round, &ana, Some(&held), Some(other))).await;
        stage.account.faults(Faults::default());
        let now = owner(&read(&stage, &ana).await);
        match said {
            Outcome::Applied { .. } => {
                ends[0] += 1;
                assert_eq!(now, json!(other));
            }
            Outcome::Deferred { .. } => {
                ends[1] += 1;
                assert_eq!(now, json!(held));
            }
            Outcome::Unknown => ends[2] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(ends.iter().all(|count| *count > 3), "{ends:?}");
}

/// No list of properties has them: they are part of what the account is known to say.
#[tokio::test]
async fn an_association_is_a_reference_in_the_schema() {
    let stage = stage().await;
    let described = stage.settings.described("contacts", br#"{"results":[]}"#).unwrap();
    let field = described.find(&Path::new("associations.companies")).unwrap();
    assert_eq!((&field.kind, field.read_only), (&accordant::schema::FieldKind::Reference, false));
    assert!(described.find(&Path::new("associations.deals")).is_none());
}
