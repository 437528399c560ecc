//! The journal's chain and what stands in it: an alteration is found, and a chain that holds is replayed or refused,
//! whatever its payloads are.
//!
//! The first byte picks the entry and the second what becomes of it; the rest is the bytes.

use accordant::journal::{Draft, Entry, Head, seal, verify};
use futures::executor::block_on;

use super::world::{Given, HISTORY, Held, World, draft, spliced};

/// An altered entry is found where it is; an altered payload that is sealed again does no harm.
pub fn run(data: &[u8]) {
    let [pick, how, rest @ ..] = data else { return };
    let at = usize::from(*pick) % HISTORY.journal.len();
    if how & 1 == 0 {
        altered(at, how >> 1, rest);
        if let Ok(read) = serde_json::from_slice::<Entry>(rest) {
            let head = Head { seq: read.seq.wrapping_sub(1), digest: HISTORY.journal[at].0.digest };
            assert!(verify(head, &read, None).is_err(), "a digest cannot be guessed");
        }
        return;
    }
    let drafts: Vec<Draft> = HISTORY
        .journal
        .iter()
        .enumerate()
        .map(|(place, (entry, payload))| {
            let mut drafted = draft(entry, payload.bytes.clone());
            if place == at {
                match (how >> 1) % 3 {
                    0 | 1 => drafted.payload = spliced(&payload.bytes, rest),
                    _ => drafted.subject = String::from_utf8_lossy(rest).as_ref().into(),
                }
            }
            drafted
        })
        .collect();
    let (_, journal) = seal(Head::default(), drafts);
    let world = World::on(Given::new(Held { rows: HISTORY.rows.clone(), journal }), "2026-01-06T08:00:00Z");
    if let Ok(replayed) = block_on(world.tenant.replay()) {
        assert_eq!(replayed.entries as usize, HISTORY.journal.len(), "no entry is passed over");
    }
    if let Ok(verified) = block_on(world.tenant.verify()) {
        assert!(!verified.to_string().is_empty());
    }
    drop(block_on(world.tenant.rederive()));
}

fn altered(at: usize, field: u8, rest: &[u8]) {
    let head = match at.checked_sub(1) {
        None => Head::default(),
        Some(before) => {
            let (entry, _) = &HISTORY.journal[before];
            Head { seq: entry.seq, digest: entry.digest }
        }
    };
    let (entry, payload) = &HISTORY.journal[at];
    let (mut changed, mut bytes) = (entry.clone(), payload.clone());
    let text = String::from_utf8_lossy(rest);
    let number = rest.iter().fold(0_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(*byte)));
    match field % 7 {
        0 => changed.seq = number,
        1 => changed.format = u16::try_from(number & 0xffff).unwrap_or_default(),
        2 => changed.at = number.cast_signed(),
        3 => changed.actor = text.as_ref().into(),
        4 => changed.kind = text.as_ref().into(),
        5 => changed.subject = text.as_ref().into(),
        _ => bytes.bytes = spliced(&payload.bytes, rest),
    }
    let found = verify(head, &changed, Some(&bytes));
    let same = changed == *entry && bytes == *payload;
    assert_eq!(found.is_ok(), same, "an alteration of field {} is found", field % 7);
}
