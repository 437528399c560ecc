//! Random histories of a tenant: systems speak, some of it unreadable; people link, merge, decide, note and plan.

use accordant::engine::{CaseFilter, CaseKind, Tenant};
use accordant::error::Error;
use accordant::settle::{Choice, Ruling};
use accordant::value::Field;
use accordant::{EntityId, Lifetime, RecordRef, Scope};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::support::{SYSTEMS, Said, by, nth, record, says};

/// Something that happens. Entities, records and cases are named by their place among those that are there.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// A record says something, with an address of a few and a name of its own; or not what a name is.
    Says {
        system: usize,
        id: u8,
        email: u8,
        named: bool,
        odd: bool,
    },
    /// A part of a record, without the address.
    Part {
        system: usize,
        id: u8,
    },
    /// What nobody can read, with an address in it.
    Letter {
        system: usize,
        email: u8,
    },
    Deleted {
        system: usize,
        id: u8,
    },
    Merged {
        system: usize,
        id: u8,
        other: u8,
    },
    Merge(usize, usize),
    Unmerge(usize),
    Link(usize, usize),
    Unlink(usize, usize),
    /// A person decides a case about a value, or notes something on it.
    Decide(usize),
    Note(usize),
    Plan,
    Erase(usize),
    Lift(usize),
}

/// How many people the addresses are of.
pub(crate) const EMAILS: u8 = 4;

pub(crate) fn email(of: u8) -> String {
    format!("canary-p{of}@acme.test")
}

/// What a record says of its own, so that it is found wherever it went.
pub(crate) fn canary(record: &RecordRef) -> String {
    format!("canary-{}-{}-", record.connection, record.id)
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let says = (0usize..3, 0u8..3, 0..EMAILS, any::<bool>(), prop::bool::weighted(0.1));
    prop_oneof![
        12 => says.prop_map(|(system, id, email, named, odd)| Step::Says { system, id, email, named, odd }),
        2 => (0usize..3, 0u8..3).prop_map(|(system, id)| Step::Part { system, id }),
        1 => (0usize..3, 0..EMAILS).prop_map(|(system, email)| Step::Letter { system, email }),
        1 => (0usize..3, 0u8..3).prop_map(|(system, id)| Step::Deleted { system, id }),
        1 => (0usize..3, 0u8..3, 0u8..3).prop_map(|(system, id, other)| Step::Merged { system, id, other }),
        2 => (0usize..5, 0usize..5).prop_map(|(one, other)| Step::Merge(one, other)),
        1 => (0usize..5).prop_map(Step::Unmerge),
        1 => (0usize..5, 0usize..9).prop_map(|(to, record)| Step::Link(to, record)),
        1 => (0usize..5, 0usize..4).prop_map(|(of, link)| Step::Unlink(of, link)),
        2 => (0usize..9).prop_map(Step::Decide),
        2 => (0usize..9).prop_map(Step::Note),
        2 => Just(Step::Plan),
    ]
}

/// The same, and persons are erased.
pub(crate) fn governed() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        8 => step(),
        1 => (0usize..5).prop_map(Step::Erase),
        1 => (0usize..5).prop_map(Step::Lift),
    ];
    vec(step, 1..14)
}

/// Who was ever erased, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Gone(pub(crate) Vec<EntityId>);

/// Takes a step; what is refused because of what happened before is refused as it is meant to be.
pub(crate) async fn take(tenant: &Tenant, step: &Step, round: usize, gone: &mut Gone) {
    let at = 10 + i64::try_from(round).unwrap();
    let tell = async |system: usize, said: Said| says(tenant, SYSTEMS[system].0, &[said]).await.unwrap();
    let entity = async |place: usize| nth(tenant, place).await;
    let outcome = match step {
        Step::Says { system, id, email: of, named, odd } => {
            let canary = canary(&RecordRef::new(SYSTEMS[*system].0, SYSTEMS[*system].1, &id.to_string()));
            let mut fields = json!({ "email": email(*of), "fax": format!("{canary}{round}") });
            if *named {
                fields["name"] = format!("{canary}{round}").into();
            }
            if *odd {
                fields["name"] = json!({ format!("{canary}{round}"): 1 });
            }
            tell(*system, record(&id.to_string(), at, fields)).await;
            Ok(())
        }
        Step::Part { system, id } => {
            let canary = canary(&RecordRef::new(SYSTEMS[*system].0, SYSTEMS[*system].1, &id.to_string()));
            let fields = json!({ "name": format!("{canary}{round}") });
            tell(*system, Said { part: true, ..record(&id.to_string(), at, fields) }).await;
            Ok(())
        }
        Step::Letter { system, email: of } => {
            let body = format!("this is no record, and names {} in round {round}", email(*of));
            tell(*system, Said { kind: "raw".into(), other: body, ..record("", 0, Json::Null) }).await;
            Ok(())
        }
        Step::Deleted { system, id } => {
            tell(*system, Said { kind: "deleted".into(), ..record(&id.to_string(), at, Json::Null) }).await;
            Ok(())
        }
        Step::Merged { system, id, other } => {
            let said =
                Said { kind: "merged".into(), other: other.to_string(), ..record(&id.to_string(), at, Json::Null) };
            tell(*system, said).await;
            Ok(())
        }
        Step::Merge(one, other) => match (entity(*one).await, entity(*other).await) {
            (Some(one), Some(other)) => tenant.merge(one, other, &by()).await.map(drop),
            _ => Ok(()),
        },
        Step::Unmerge(of) => match entity(*of).await {
            Some(of) => tenant.unmerge(of, &by()).await.map(drop),
            None => Ok(()),
        },
        Step::Link(to, record) => {
            let record = tenant.replay().await.unwrap().representations.keys().nth(*record).cloned();
            match (entity(*to).await, record) {
                (Some(to), Some(record)) => tenant.link(to, &record, &by()).await.map(drop),
                _ => Ok(()),
            }
        }
        Step::Unlink(of, link) => match entity(*of).await {
            Some(of) => {
                let links = tenant.inspect_erased(of).await.unwrap().links;
                match links.get(*link) {
                    Some(link) => tenant.unlink(of, &link.record, &by(), "not theirs").await.map(drop),
                    None => Ok(()),
                }
            }
            None => Ok(()),
        },
        Step::Decide(place) => match of_values(tenant).await.get(*place) {
            Some((key, _)) => {
                let choice = Choice::Value(Field::value("chosen"));
                let ruling = Ruling { choice, lifetime: Lifetime::default(), by: by(), reason: "called".to_owned() };
                tenant.decide_case(key, ruling).await.map(drop)
            }
            None => Ok(()),
        },
        Step::Note(place) => match of_values(tenant).await.get(*place) {
            Some((key, of)) => tenant.comment(key, &format!("note-of-{of}"), &by()).await.map(drop),
            None => Ok(()),
        },
        Step::Plan => tenant.plan(Scope::default()).await.map(drop),
        Step::Erase(of) => match entity(*of).await {
            Some(of) => {
                gone.0.push(of);
                tenant.erase(of, &by(), "request 7").await.map(drop)
            }
            None => Ok(()),
        },
        Step::Lift(place) => match gone.0.get(*place) {
            Some(of) => tenant.lift_suppression(*of, &by(), "they asked").await.map(drop),
            None => Ok(()),
        },
    };
    let expected = |error: &Error| {
        matches!(
            error,
            Error::AlreadyMerged { .. }
                | Error::SameEntity(_)
                | Error::HeldApart { .. }
                | Error::NotMerged(_)
                | Error::NotLinked { .. }
                | Error::NotHeld { .. }
                | Error::NoChoice { .. }
                | Error::HubRecord(_)
        )
    };
    assert!(outcome.as_ref().err().is_none_or(expected), "{step:?}: {outcome:?}");
}

/// The open cases about values, each with the entity that it is about.
async fn of_values(tenant: &Tenant) -> Vec<(String, EntityId)> {
    let page = tenant.open_cases(&CaseFilter::default(), None, 100).await.unwrap();
    let about = page.cases.into_iter().filter(|case| matches!(case.kind, CaseKind::Discrepancy));
    about.filter_map(|case| Some((case.key.to_string(), *case.entities.first()?))).collect()
}
