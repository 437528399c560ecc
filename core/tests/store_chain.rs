//! The journal's chain: any single change of it is found.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use accordant::fingerprint::Digest;
use accordant::id::Actor;
use accordant::journal::{Break, Broken, Draft, Entry, Head, Payload, seal, verify};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

type Chain = Vec<(Entry, Option<Payload>)>;

fn drafts() -> impl Strategy<Value = Vec<Draft>> {
    let text = || "[a-zé/]{0,30}";
    let parts =
        (any::<i64>(), text(), select(&["observed", "linked"][..]), text(), vec(any::<u8>(), 0..40), any::<[u8; 16]>());
    let draft = parts.prop_map(|(at, actor, kind, subject, payload, salt)| Draft {
        at,
        actor: Actor::from(actor),
        kind,
        subject: subject.into(),
        payload,
        salt,
    });
    vec(draft, 1..12)
}

fn chain(drafts: Vec<Draft>) -> (Head, Chain) {
    let (head, sealed) = seal(Head::default(), drafts);
    (head, sealed.into_iter().map(|(entry, payload)| (entry, Some(payload))).collect())
}

fn end(chain: &[(Entry, Option<Payload>)]) -> Result<Head, Broken> {
    chain.iter().try_fold(Head::default(), |head, (entry, payload)| verify(head, entry, payload.as_ref()))
}

/// The one way in which each field of an entry and its payload is altered here.
const ALTERATIONS: [fn(&mut Entry, &mut Payload); 10] = [
    |entry, _| entry.seq ^= 1,
    |entry, _| entry.format ^= 1,
    |entry, _| entry.at ^= 1,
    |entry, _| entry.actor = Actor::from(format!("{}x", entry.actor)),
    |entry, _| entry.kind = format!("{}x", entry.kind).into(),
    |entry, _| entry.subject = format!("{}x", entry.subject).into(),
    |entry, _| entry.commitment.0[31] ^= 1,
    |entry, _| entry.digest.0[0] ^= 1,
    |_, payload| payload.bytes.push(0),
    |_, payload| payload.salt[15] ^= 1,
];

proptest! {
    #[test]
    fn a_chain_holds_however_it_was_appended(drafts in drafts(), cut in any::<Index>()) {
        let (whole, chain) = chain(drafts.clone());
        let cut = cut.index(drafts.len());
        let (first, _) = seal(Head::default(), drafts[..cut].to_vec());
        let (second, _) = seal(first, drafts[cut..].to_vec());
        prop_assert_eq!(whole, second);
        prop_assert_eq!(end(&chain), Ok(whole));
    }

    #[test]
    fn a_chain_holds_without_any_of_its_payloads(drafts in drafts(), erased in vec(any::<bool>(), 12)) {
        let (head, mut chain) = chain(drafts);
        for ((_, payload), erased) in chain.iter_mut().zip(erased) {
            payload.take_if(|_| erased);
        }
        prop_assert_eq!(end(&chain), Ok(head));
    }

    #[test]
    fn an_alteration_of_any_field_is_found_where_it_is(drafts in drafts(), place in any::<Index>()) {
        let (_, sound) = chain(drafts);
        let index = place.index(sound.len());
        for (field, alter) in ALTERATIONS.iter().enumerate() {
            let mut altered = sound.clone();
            let (entry, payload) = &mut altered[index];
            alter(entry, payload.as_mut().unwrap());
            let seq = entry.seq;
            let what = match field { 0 => Break::Gap, 8 | 9 => Break::Payload, _ => Break::Altered };
            prop_assert_eq!(end(&altered), Err(Broken { seq, what }), "alteration {}", field);
        }
    }

    #[test]
    fn a_byte_moved_between_neighbouring_fields_is_found(drafts in drafts(), place in any::<Index>()) {
        let (_, mut chain) = chain(drafts);
        let index = place.index(chain.len());
        let entry = &mut chain[index].0;
        let kind = format!("{}{}", entry.kind, entry.subject);
        let moved = entry.subject.as_str() != "";
        (entry.kind, entry.subject) = (kind.into(), "".into());
        prop_assert_eq!(end(&chain).is_err(), moved);
    }

    #[test]
    fn a_removed_entry_is_found(drafts in drafts(), place in any::<Index>()) {
        let (head, mut chain) = chain(drafts);
        let last = chain.len() - 1;
        let index = place.index(chain.len());
        chain.remove(index);
        // The last one leaves a sound chain: that it ends too early shows only against a head kept elsewhere.
        prop_assert_eq!(end(&chain).is_ok(), index == last);
        prop_assert_ne!(end(&chain), Ok(head));
    }

    #[test]
    fn swapped_entries_are_found(drafts in drafts(), one in any::<Index>(), two in any::<Index>(), renumber in any::<bool>()) {
        let (_, mut chain) = chain(drafts);
        let (one, two) = (one.index(chain.len()), two.index(chain.len()));
        prop_assume!(one != two);
        chain.swap(one, two);
        if renumber {
            let numbers = (chain[one].0.seq, chain[two].0.seq);
            (chain[two].0.seq, chain[one].0.seq) = numbers;
        }
        prop_assert!(end(&chain).is_err());
    }

    #[test]
    fn swapped_payloads_are_found(drafts in drafts(), one in any::<Index>(), two in any::<Index>()) {
        let (_, mut chain) = chain(drafts);
        let (one, two) = (one.index(chain.len()), two.index(chain.len()));
        prop_assume!(chain[one].1 != chain[two].1);
        let payload = chain[one].1.take();
        chain[one].1 = std::mem::replace(&mut chain[two].1, payload);
        prop_assert_eq!(end(&chain).map_err(|broken| broken.what), Err(Break::Payload));
    }

    #[test]
    fn an_inserted_entry_is_found(drafts in drafts(), place in any::<Index>(), forged in drafts()) {
        let (head, mut chain) = chain(drafts);
        let index = place.index(chain.len() + 1);
        // The best forgery: properly sealed behind the entry before it.
        let before = end(&chain[..index]).unwrap();
        let (_, mut sealed) = seal(before, forged);
        let (entry, payload) = sealed.swap_remove(0);
        let behind = chain.len() == index;
        chain.insert(index, (entry, Some(payload)));
        prop_assert_eq!(end(&chain).is_ok(), behind);
        prop_assert_ne!(end(&chain), Ok(head));
    }

    #[test]
    fn a_repeated_entry_is_found(drafts in drafts(), place in any::<Index>()) {
        let (_, mut chain) = chain(drafts);
        let index = place.index(chain.len());
        chain.insert(index, chain[index].clone());
        let seq = index as u64 + 1;
        prop_assert_eq!(end(&chain), Err(Broken { seq, what: Break::Gap }));
    }
}

#[test]
fn an_empty_journal_ends_at_nothing() {
    let head = Head { seq: 0, digest: Digest::default() };
    assert_eq!(seal(Head::default(), Vec::new()), (head, Vec::new()));
    assert_eq!(end(&[]), Ok(head));
}

/// Old journals must verify for ever: whoever changes the format raises `FORMAT` and keeps this one readable. The
/// digests were computed with another program (Python's hashlib), from the description of the format.
#[test]
fn format_1_does_not_change() {
    let draft = Draft {
        at: 1_700_000_000_000,
        actor: Actor::new("accordant"),
        kind: "observed",
        subject: "hubspot/contacts/1".into(),
        payload: b"{\"email\":\"a@example.com\"}".to_vec(),
        salt: *b"0123456789abcdef",
    };
    let (_, chain) = chain(vec![draft.clone(), draft]);
    assert_eq!(chain[0].0.commitment.to_string(), "e48c721a6def03186118ccea04c0e1dae3ac8e80c250f00f9cab71ea3c49980f");
    assert_eq!(chain[1].0.digest.to_string(), "e0d62cb9901a1d6ddf1bf28f5b8023585a33c3c2a693793631baee06e172bb9a");
}

#[test]
fn nothing_follows_the_last_place_that_there_is() {
    let (_, chain) = chain(vec![Draft {
        at: 0,
        actor: Actor::from("a"),
        kind: "observed",
        subject: "b".into(),
        payload: Vec::new(),
        salt: [0; 16],
    }]);
    let (entry, payload) = &chain[0];
    let last = Head { seq: u64::MAX, digest: Digest::default() };
    assert_eq!(verify(last, entry, payload.as_ref()), Err(Broken { seq: 1, what: Break::Gap }));
}
