//! Writes, against the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant::connector::{Connector as _, Outcome, ReadAnswer, RecordKey, WriteAction};
use accordant::model::Path;
use accordant::value::Native;
use accordant_rehearsal::json;
use accordant_sandbox::Faults;
use support::{Stage, create, update, write};

fn applied(id: &str) -> Outcome {
    Outcome::Applied { id: id.into() }
}

#[tokio::test]
async fn a_record_is_written_by_the_names_of_records_and_as_they_are_typed() {
    let stage = Stage::set().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test"), ("phone", "1")]);
    let mut change = update(1, &ana, &[("firstname", "Ana"), ("phone", ""), ("parent", "77")]);
    change.changes.push((Path::new("creditlimit"), Native::Number("12345678901234567.89".into())));
    change.changes.push((Path::new("taxable"), Native::Bool(true)));
    let said = stage.connector.write_batch(vec![change]).await.unwrap();
    assert_eq!(said[0].outcome, applied(&ana));
    let row = stage.account.row("customer", &ana).unwrap();
    let held = |column: &str| row.get(column).map(String::as_str);
    assert_eq!(
        [held("firstname"), held("phone"), held("parent"), held("taxable")],
        [Some("Ana"), None, Some("77"), Some("T")]
    );
}

#[tokio::test]
async fn a_record_that_moved_is_written_only_where_it_holds_what_is_expected() {
    let stage = Stage::set().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test"), ("firstname", "Ana")]);
    let expecting = |number, value: &str| {
        let mut write = update(number, &ana, &[("firstname", "Anna")]);
        write.expect = vec![(Path::new("firstname"), Native::Text(value.into()))];
        write.expect_token = Some(1);
        write
    };
    let writes = vec![expecting(1, "Ann"), expecting(2, "Ana"), update(3, "77", &[("firstname", "x")])];
    let said = stage.connector.write_batch(writes).await.unwrap();
    let outcomes: Vec<&Outcome> = said.iter().map(|receipt| &receipt.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Stale, &applied(&ana), &Outcome::Stale]);
    let gone = stage
        .connector
        .write_batch(vec![write(4, WriteAction::Archive { id: ana.as_str().into() }, &[])])
        .await
        .unwrap();
    assert_eq!((&gone[0].outcome, stage.account.ids("customer").len()), (&applied(&ana), 0));
}

/// An address is kept in a child of its customer, who does not say that it changed.
#[tokio::test]
async fn an_address_that_was_edited_under_the_same_version_is_not_written_over() {
    let stage = Stage::set().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test"), ("addr1", "1 Old Road"), ("firstname", "Ana")]);
    let at = accordant::Clock::now(&*stage.clock);
    let expecting = |number, column: &str, expects: &str, value: &str| {
        let mut write = update(number, &ana, &[(column, value)]);
        write.expect = vec![(Path::new(column), Native::Text(expects.into()))];
        write.expect_token = Some(at);
        write
    };
    stage.account.edit_child("customer", &ana, &[("addr1", "2 New Road")]);
    let writes =
        vec![expecting(1, "addr1", "1 Old Road", "3 Our Road"), expecting(2, "firstname", "another form", "Anna")];
    let said = stage.connector.write_batch(writes).await.unwrap();
    assert_eq!([&said[0].outcome, &said[1].outcome], [&Outcome::Stale, &applied(&ana)]);
    let row = stage.account.row("customer", &ana).unwrap();
    assert_eq!((row["addr1"].as_str(), row["firstname"].as_str()), ("2 New Road", "Anna"));
}

/// What a script has changed and not committed is seen by nobody, and not to be written over.
#[tokio::test]
async fn a_record_that_a_script_is_changing_is_not_written() {
    let stage = Stage::set().await;
    let ana = stage.customer(None, &[("email", "ana@acme.test"), ("firstname", "Ana")]);
    stage.faults("index-lag");
    stage.customer(Some(&ana), &[("firstname", "Anna")]);
    let mut write = update(1, &ana, &[("firstname", "Annabel")]);
    write.expect = vec![(Path::new("firstname"), Native::Text("Ana".into()))];
    let said = stage.connector.write_batch(vec![write.clone()]).await.unwrap();
    assert_eq!(
        (&said[0].outcome, &*stage.account.row("customer", &ana).unwrap()["firstname"]),
        (&Outcome::Stale, "Anna")
    );
    stage.clock.advance(chrono::TimeDelta::minutes(31));
    let said = stage.connector.write_batch(vec![write]).await.unwrap();
    assert_eq!(said[0].outcome, Outcome::Stale, "now it is seen that it changed");
}

#[tokio::test]
async fn a_create_that_is_repeated_makes_nothing_and_overwrites_nothing() {
    let stage = Stage::set().await;
    let changes = [("email", "ana@acme.test"), ("firstname", "Ana")];
    let made = stage.connector.write_batch(vec![create(1, "key-1", &changes)]).await.unwrap();
    let Outcome::Applied { id } = &made[0].outcome else { panic!("{made:?}") };
    stage.customer(Some(id), &[("firstname", "Anna")]);
    let again = stage.connector.write_batch(vec![create(1, "key-1", &changes)]).await.unwrap();
    assert_eq!(again[0].outcome, applied(id));
    let row = stage.account.row("customer", id).unwrap();
    assert_eq!((row["firstname"].as_str(), row["isperson"].as_str()), ("Anna", "T"));
    let probe = RecordKey { object: "customer".into(), id: "key-1".into(), by_create_key: true };
    assert!(matches!(&stage.connector.read_records(&[probe]).await.unwrap()[0], ReadAnswer::Found(_)));
    let mut company = create(2, "key-2", &[("custentity_domain", "acme.test")]);
    company.object = "company".into();
    stage.connector.write_batch(vec![company]).await.unwrap();
    let (items, _) = stage.walk("company.scan", None).await;
    assert_eq!((items.len(), json(&items[0])["custentity_domain"].as_str()), (1, Some("acme.test")));
}

#[tokio::test]
async fn a_refusal_names_the_field_and_no_value() {
    let stage = Stage::set().await;
    let writes = vec![
        create(1, "key-1", &[("email", "ill")]),
        create(2, "key-2", &[("nosuchfield", "x")]),
        create(3, "key/3", &[("email", "c@acme.test")]),
        create(4, "key-4", &[("a.b", "x")]),
    ];
    let said = stage.connector.write_batch(writes).await.unwrap();
    let reasons: Vec<String> = said
        .iter()
        .map(|receipt| match &receipt.outcome {
            Outcome::Refused { reason } => reason.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    let expected = [
        "email INVALID_VALUE",
        "nosuchfield INVALID_PROPERTY",
        "netsuite: a key that cannot stand in an address",
        "a.b is no column of netsuite's",
    ];
    assert_eq!(reasons, expected);
    assert!(stage.account.ids("customer").is_empty());
}

/// Whatever is said of a write, it is so.
#[tokio::test]
async fn under_faults_every_receipt_is_true() {
    let stage = Stage::set().await;
    let all = Faults { throttled: 60, failing: 100, unanswered: 150, refused_items: 100, ..Faults::default() };
    let mut ends = [0; 4];
    for round in 0..60u8 {
        stage.account.faults(all);
        let name = |number: u8| format!("key-{round}-{number}");
        let writes = (0..4).map(|number| create(number, &name(number), &[("firstname", &name(number))])).collect();
        let said = stage.connector.write_batch(writes).await.unwrap();
        stage.account.faults(Faults::default());
        for (number, receipt) in (0u8..).zip(said) {
            let key = RecordKey { object: "customer".into(), id: name(number).into(), by_create_key: true };
            let there = match &stage.connector.read_records(&[key]).await.unwrap()[0] {
                ReadAnswer::Found(item) => json(item)["id"].as_str().map(str::to_owned),
                ReadAnswer::Gone => None,
                other => panic!("{other:?}"),
            };
            match receipt.outcome {
                Outcome::Applied { id } => {
                    ends[0] += 1;
                    assert_eq!(there.as_deref(), Some(id.as_str()));
                }
                Outcome::Refused { .. } => {
                    ends[1] += 1;
                    assert_eq!(there, None);
                }
                Outcome::Deferred { .. } => {
                    ends[2] += 1;
                    assert_eq!(there, None);
                }
                Outcome::Unknown => ends[3] += 1,
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(ends.iter().all(|count| *count > 5), "{ends:?}");
}
