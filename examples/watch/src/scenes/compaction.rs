//! The journal is compacted: behind a signed checkpoint, with the same state from what is left, and no past before it.

use accordant::MemoryStore;
use accordant::checkpoint::Ed25519Key;
use accordant::chrono::TimeDelta;
use accordant::engine::{Replayed, Retention};
use serde_json::json;

use crate::office::{Customer, Office, customer, find, golden, noah};
use crate::scenes::Played;
use operator::page::Page;

/// A year: so long the journal is kept.
const YEAR: TimeDelta = TimeDelta::days(365);

/// Who everybody is by a replay, and what was ever said of each.
fn state(replayed: &Replayed) -> String {
    format!("{:?} {:?}", replayed.entities, replayed.representations)
}

pub(super) async fn play(page: &mut Page) -> Played {
    let office = Office::open(&[customer("Ana Diaz", "+49 30 1", "gold"), customer("Bruno Costa", "+49 30 2", "gold")]);
    let builder = office.builder(MemoryStore::new()).entity::<Customer>();
    let builder = builder.retention(Retention { journal: Some(YEAR), ..Retention::default() });
    let acme = builder.checkpoint_keys(Ed25519Key::from_seed("2026", &[7; 32])?).build()?.tenant("acme");
    for number in 0..50 {
        office.clock.advance(TimeDelta::hours(1));
        office.crm.edit("contacts", "c1", &json!({ "phone": format!("+49 30 1{number}") }));
        office.hear(&acme).await?;
    }
    let monday = "2026-01-05T12:00:00Z".parse()?;

    page.tell("A journal is kept for a year. A checkpoint tells the whole state once more, in entries of the journal, and is signed.");
    let checkpoint = acme.checkpoint(&noah()).await?;
    page.show(format!("checkpoint: signed by key {}", checkpoint.key));
    page.show(acme.verify().await?);
    let sizes = acme.journal_sizes().await?;
    page.show(format!("bytes for each event: {}", sizes.bytes_per_event().unwrap_or(0)));

    page.tell("A year later what stands before it goes, once both were folded, and came to the same.");
    office.clock.advance(YEAR);
    let before = acme.replay().await?;
    let compacted = acme.compact(&noah()).await?;
    page.show(format!("gone: {} entries, {} bytes", compacted.gone.entries, compacted.gone.bytes));
    page.show(format!(
        "left: {} entries, {} bytes each",
        compacted.left.entries,
        compacted.left.bytes_per_entry().unwrap_or(0)
    ));
    let after = acme.replay().await?;
    page.show(format!("the state by a replay is the same: {}", state(&before) == state(&after)));
    page.show(acme.verify().await?);

    page.tell("Life goes on from there, and the past begins there.");
    office.clock.advance(TimeDelta::hours(1));
    office.crm.edit("contacts", "c1", &json!({ "phone": "+49 30 199" }));
    office.hear(&acme).await?;
    let ana = find(&acme, "ana.diaz@example.test").await?;
    page.show(format!("phone of Ana: {}", golden(&acme, ana, "phone").await?));
    if let Err(refused) = acme.as_of(monday).replay().await {
        page.show(format!("as of Monday noon: {refused}"));
    }
    Ok(())
}
