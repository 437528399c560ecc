//! Sales turns a text into a yes or no. That attribute stands still there, a case says so, and the others go on.

use accordant::MemoryStore;
use accordant::engine::CaseKind;
use accordant::model::Path;
use accordant::schema::{FieldKind, FieldSchema, ObjectSchema};
use accordant::{Scope, Tenant};
use serde_json::json;

use crate::office::{Customer, Office, customer, find, golden, noah};
use crate::scenes::Played;
use operator::page::Page;

/// The contacts as sales describes them, with this for the phone.
fn contacts(phone: FieldKind) -> ObjectSchema {
    let mut contacts = ObjectSchema::new("contacts");
    for text in ["email", "name", "tier"] {
        contacts.field(FieldSchema::new(Path::new(text), FieldKind::Text));
    }
    contacts.field(FieldSchema::new(Path::new("phone"), phone));
    contacts
}

async fn cases(acme: &Tenant, page: &mut Page) -> Played {
    for case in acme.cases(None, 50).await?.into_iter().filter(|case| case.kind == CaseKind::SchemaDrift) {
        page.show(case.reason);
    }
    Ok(())
}

pub(super) async fn play(page: &mut Page) -> Played {
    let office = Office::open(&[customer("Ana Diaz", "+49 30 1", "gold")]);
    office.crm.describes_as([contacts(FieldKind::Text)]);
    let acme = office.builder(MemoryStore::new()).entity::<Customer>().build()?.tenant("acme");
    office.hear(&acme).await?;
    acme.check_schema("crm").await?;
    let ana = find(&acme, "ana.diaz@example.test").await?;

    page.tell("Somebody at sales makes a tick box of `phone`. What sales says of itself is looked at every few hours.");
    office.crm.describes_as([contacts(FieldKind::Bool)]);
    for stopped in acme.check_schema("crm").await?.stopped {
        page.show(format!("stopped: {} at crm", stopped.attribute));
    }
    cases(&acme, page).await?;

    page.tell("Ana's box is ticked, and she marries. The tick is no number; the name goes on to the shop.");
    office.crm.edit("contacts", "c1", &json!({ "phone": "true", "name": "Ana Novak" }));
    office.hear(&acme).await?;
    let plan = acme.plan(Scope::default()).by(&noah()).await?;
    acme.approve(plan.hash, &noah()).await?;
    acme.apply(plan.hash).await?;
    page.show(format!("name: {}", golden(&acme, ana, "name").await?));
    page.show(format!("phone: {}", golden(&acme, ana, "phone").await?));
    let shop = office.shop.record("customers", "s1").unwrap_or_default();
    page.show(format!("in the shop: {}, {}", shop["name"], shop["phone"]));

    page.tell("Sales takes it back. The attribute goes on by itself.");
    office.crm.describes_as([contacts(FieldKind::Text)]);
    for mended in acme.check_schema("crm").await?.mended {
        page.show(format!("goes on: {} at crm", mended.attribute));
    }
    office.crm.edit("contacts", "c1", &json!({ "phone": "+49 30 77" }));
    office.hear(&acme).await?;
    page.show(format!("phone: {}", golden(&acme, ana, "phone").await?));
    Ok(())
}
