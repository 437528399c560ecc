//! Object types beside customers and orders, against the sandbox on loopback.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use accordant::connector::{Connector as _, Outcome, ReadAnswer, WriteAction};
use accordant_netsuite::Object;
use accordant_rehearsal::{json, key, write};
use serde_json::Value;
use support::{Stage, ids};

async fn stage(object: &str, columns: &[&str]) -> Stage {
    Stage::with(|mut settings| {
        let mapped = settings.objects.entry(object.to_owned()).or_insert_with(|| Object::new(object));
        mapped.columns.extend(columns.iter().map(|column| (*column).to_owned()));
        settings
    })
    .await
}

/// Makes a record by the connector, changes it, and meets it wherever it can be met: what one column holds then.
async fn lives(stage: &Stage, object: &str, other: &str, made: &[(&str, &str)], changed: (&str, &str)) -> Vec<Value> {
    let send = async |write| stage.connector.write_batch(vec![write]).await.unwrap().remove(0).outcome;
    let create = WriteAction::Create { key: "key-1".into() };
    let said = send(write(object, 1, create.clone(), made.iter().copied())).await;
    let Outcome::Applied { id } = said else { panic!("{said:?}") };
    // Again under its key: the one that is there.
    assert_eq!(send(write(object, 1, create, made.iter().copied())).await, Outcome::Applied { id: id.clone() });
    let update = WriteAction::Update { id: id.clone() };
    assert_eq!(send(write(object, 2, update, [changed])).await, Outcome::Applied { id: id.clone() });
    let mut held = Vec::new();
    for surface in ["suiteql", "scan"] {
        let (items, _) = stage.walk(&format!("{object}.{surface}"), None).await;
        assert_eq!(ids(&items), [id.to_string()], "{surface}");
        held.push(json(&items[0])[changed.0].clone());
    }
    let found = stage.connector.read_records(&[key(object, &id), key(object, other)]).await.unwrap();
    let [ReadAnswer::Found(item), ReadAnswer::Gone] = found.as_slice() else { panic!("{found:?}") };
    held.push(json(item)[changed.0].clone());
    assert_eq!(
        send(write(object, 3, WriteAction::Archive { id: id.clone() }, [("", ""); 0])).await,
        Outcome::Applied { id }
    );
    let (gone, _) = stage.walk(&format!("{object}.deleted"), None).await;
    assert_eq!((gone.len(), stage.walk(&format!("{object}.scan"), None).await.0.len()), (1, 0));
    held
}

#[tokio::test]
async fn an_employee_is_made_changed_read_and_deleted() {
    let stage = stage("employee", &["firstname", "lastname", "email", "title", "supervisor"]).await;
    let made = [("firstname", "Ana"), ("lastname", "Lopez"), ("email", "ana@acme.test"), ("supervisor", "9")];
    let held = lives(&stage, "employee", "404", &made, ("title", "Buyer")).await;
    assert_eq!(held, ["Buyer"; 3]);
}

/// All items are in one table: those of another kind are none of ours.
#[tokio::test]
async fn an_inventory_item_is_made_changed_read_and_deleted_and_no_other_kind_is_touched() {
    let stage = stage("item", &["itemid", "displayname"]).await;
    let service = stage.account.edit("item", None, &[("itemid", "S-1"), ("itemtype", "Service")]);
    let made = [("itemid", "B-1"), ("displayname", "Bolt")];
    let held = lives(&stage, "item", &service, &made, ("displayname", "Bolt M4")).await;
    assert_eq!(held, ["Bolt M4"; 3]);
    assert_eq!(stage.account.ids("item"), [service]);
}
