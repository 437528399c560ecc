//! A customer asks to be forgotten. Afterwards no file of the store has a byte of them, the chain holds, and they stay away.

use std::path::Path;

use accordant::chrono::TimeDelta;
use accordant::{Actor, SqliteStore};
use serde_json::json;

use crate::office::{Customer, Office, customer, find};
use crate::scenes::Played;
use operator::page::Page;

/// Whether any of these words is in a file of a folder, in a sentence.
fn found(folder: &Path, words: &[&str]) -> Result<&'static str, std::io::Error> {
    for file in std::fs::read_dir(folder)? {
        let bytes = std::fs::read(file?.path())?.to_ascii_lowercase();
        if words.iter().any(|word| bytes.windows(word.len()).any(|bytes| bytes == word.as_bytes())) {
            return Ok("found in the files of the store: yes");
        }
    }
    Ok("found in the files of the store: no")
}

pub(super) async fn play(page: &mut Page) -> Played {
    let office = Office::open(&[customer("Ana Diaz", "+49 30 1", "gold"), customer("Bruno Costa", "+49 30 2", "gold")]);
    let folder = tempfile::tempdir()?;
    let store = SqliteStore::open(folder.path().join("store.db"))?;
    let acme = office.builder(store).entity::<Customer>().build()?.tenant("acme");
    office.hear(&acme).await?;
    for number in 0..20 {
        office.clock.advance(TimeDelta::minutes(1));
        office.crm.edit("contacts", "c1", &json!({ "phone": format!("+49 30 555{number}"), "name": "Ana Diaz" }));
        office.hear(&acme).await?;
    }
    let words = ["ana.diaz", "ana diaz", "+49 30 555"];

    page.tell("Ana asks to be forgotten. She is in the store, with all that was ever said of her.");
    page.show(found(folder.path(), &words)?);
    let ana = find(&acme, "ana.diaz@example.test").await?;
    let erased = acme.erase(ana, &Actor::new("dpo"), "request 17").await?;
    page.show(format!("erased: {} records, {} entries of the journal", erased.records.len(), erased.payloads));

    page.tell("Every file of the store is searched for her address, her name and her numbers.");
    page.show(found(folder.path(), &words)?);
    page.show(acme.verify().await?);

    page.tell("Sales still has her. What it says is counted, and not kept.");
    office.clock.advance(TimeDelta::minutes(1));
    office.crm.edit("contacts", "c1", &json!({ "phone": "+49 30 5559" }));
    let taken = acme.poll("crm").await?;
    page.show(format!("suppressed: {}", taken.suppressed));
    page.show(found(folder.path(), &words)?);
    Ok(())
}
