//! People: what they do in their systems while we write.

use crate::agenda::Event;
use crate::fault::Fault;
use crate::scene::Inner;
use crate::server::Record;
use crate::step::Does;
use crate::word::Word;

/// What a person does.
pub fn act(inner: &mut Inner, does: Does) {
    match does {
        Does::Make { system, subject } => {
            if inner.servers[system].about(subject).is_none() {
                let others: Vec<usize> = (0..inner.servers.len()).collect();
                let copied = others.iter().find_map(|other| {
                    let server = &inner.servers[*other];
                    server.about(subject).map(|place| server.records[place].fields.clone())
                });
                let fields = (0..inner.design.attributes.len())
                    .map(|attribute| match (inner.weather.rng().below(4), &copied) {
                        _ if !inner.design.dialect.holds(system, attribute) => Word::NONE,
                        (0, _) if !inner.design.dialect.needs(attribute) => Word::NONE,
                        (1 | 2, Some(copied)) => copied[attribute].said(),
                        _ => inner.new_word(),
                    })
                    .collect();
                inner.person_makes(system, subject, fields);
            }
        }
        Does::Edit { system, subject, attribute, how } => {
            let Some(place) = inner.servers[system].about(subject) else { return };
            let word = match how {
                0 if inner.design.dialect.needs(attribute) => return,
                0 => Word::NONE,
                1 | 2 => {
                    let other = &inner.servers[(system + how) % inner.servers.len()];
                    let held = other.about(subject).map(|place| other.records[place].fields[attribute].said());
                    match held {
                        Some(word) if word.is_some() => word,
                        _ => return,
                    }
                }
                _ => inner.new_word(),
            };
            inner.person_edits(system, place, attribute, word);
            if inner.servers[system].design.grain > 1 && inner.weather.strikes(Fault::TimeEqual) {
                let delay = inner.weather.rng().between(1, 900);
                inner.soon(delay, Event::Again(system, place, attribute));
            }
        }
        Does::Delete { system, subject } => {
            if let Some(place) = inner.servers[system].about(subject) {
                inner.weather.hits.count(Fault::RecordMoved);
                inner.person_deletes(system, place, false);
            }
        }
        Does::Revive { system, subject } => {
            let gone = |record: &Record| !record.live && record.merged_into.is_none() && record.subject == subject;
            if inner.servers[system].about(subject).is_none()
                && let Some(place) = inner.servers[system].records.iter().position(gone)
            {
                inner.weather.hits.count(Fault::RecordMoved);
                inner.person_deletes(system, place, true);
            }
        }
        Does::Double { system, subject } => {
            if inner.servers[system].about(subject).is_some() && !inner.servers[system].design.unique {
                let held = |inner: &Inner, attribute| inner.design.dialect.holds(system, attribute);
                let fields = (0..inner.design.attributes.len())
                    .map(|attribute| if held(inner, attribute) { inner.new_word() } else { Word::NONE })
                    .collect();
                inner.person_makes(system, subject, fields);
            }
        }
        Does::Merge { system, subject } => {
            let records = inner.servers[system].records.iter().enumerate();
            let places: Vec<usize> = records
                .filter(|(_, record)| record.live && record.subject == subject)
                .map(|(place, _)| place)
                .collect();
            if let [survivor, loser, ..] = places[..] {
                inner.weather.hits.count(Fault::RecordMoved);
                inner.person_merges(system, loser, survivor);
            }
        }
        Does::Poll(_)
        | Does::Scan(_)
        | Does::Work
        | Does::Mend(_)
        | Does::Propose
        | Does::Give { .. }
        | Does::Withdraw
        | Does::Reapply(_)
        | Does::Decide
        | Does::Compact
        | Does::Erase(_)
        | Does::Lift(_)
        | Does::Grant { .. }
        | Does::Try { .. }
        | Does::Remodel { .. } => {}
    }
}
