//! Changes in the systems: by people and by the engine. Each is told to the oracle, and published by webhook.

use crate::agenda::Event;
use crate::design::{ATTRIBUTES, Told};
use crate::fault::Fault;
use crate::scene::{Inner, Notice};
use crate::server::{body, id};
use crate::word::Word;

/// Who changes something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// A person in the system.
    Person,
    /// The engine.
    Engine,
}

const HOUR: i64 = 3_600_000;

impl Inner {
    /// A person makes a record.
    pub fn person_makes(&mut self, system: usize, subject: usize, fields: Vec<Word>) -> usize {
        let now = self.now;
        let place = self.servers[system].make(now, subject, fields.clone());
        self.oracle.made(system, subject, &fields, By::Person, now);
        let name = self.servers[system].design.name;
        self.trace.mix(&[1, system as i64, place as i64, subject as i64]);
        self.say(|| format!("a person makes {name} {} about k{subject}: {}", id(place), spell(&fields)));
        self.publish(system, place);
        place
    }

    /// A person edits one attribute of a record.
    pub fn person_edits(&mut self, system: usize, place: usize, attribute: usize, word: Word) {
        let before = self.servers[system].records[place].fields[attribute];
        let held = self.design.dialect.holds(system, attribute);
        if before == word || !held || !self.servers[system].records[place].live {
            return;
        }
        let now = self.now;
        self.servers[system].change(now, place, |record| record.fields[attribute] = word);
        self.oracle.said(system, place, attribute, word, now);
        let name = self.servers[system].design.name;
        self.trace.mix(&[2, system as i64, place as i64, attribute as i64, i64::from(word.number())]);
        self.say(|| format!("a person edits {name} {}: {} = {word}, was {before}", id(place), ATTRIBUTES[attribute]));
        self.publish(system, place);
    }

    /// Whether somebody does not wait, where people do not.
    pub fn hurries(&mut self) -> bool {
        self.weather.chaos && self.design.hasty > 0 && self.haste.chance(self.design.hasty)
    }

    /// Somebody who does not wait edits a record that is just being read. Says whether anybody did.
    pub fn edits_meanwhile(&mut self, system: usize, native: &str) -> bool {
        let Some(place) = self.servers[system].find(native).filter(|_| self.hurries()) else { return false };
        let (place, attribute) = (self.servers[system].survivor(place), self.haste.below(self.design.attributes.len()));
        let word = self.new_word();
        self.person_edits(system, place, attribute, word);
        true
    }

    /// A program in a system puts back what we changed, if it still stands.
    pub fn program_restores(&mut self, system: usize, place: usize, attribute: usize, word: Word) {
        let record = &self.servers[system].records[place];
        if !record.live || record.fields[attribute] == word {
            return;
        }
        let unit = (record.subject, attribute);
        self.say(|| "  (a program puts that back)".to_owned());
        self.oracle.fought(unit);
        self.person_edits(system, place, attribute, word);
    }

    /// A person deletes a record, or brings it back.
    pub fn person_deletes(&mut self, system: usize, place: usize, live: bool) {
        let record = &self.servers[system].records[place];
        if record.live == live || record.merged_into.is_some() {
            return;
        }
        let now = self.now;
        self.servers[system].change(now, place, |record| record.live = live);
        if !live {
            self.oracle.deleted(system, place);
        }
        self.oracle.lived(system, place, live);
        let name = self.servers[system].design.name;
        let verb = if live { "brings back" } else { "deletes" };
        self.trace.mix(&[3, system as i64, place as i64, i64::from(live)]);
        self.say(|| format!("a person {verb} {name} {}", id(place)));
        self.publish(system, place);
    }

    /// A person merges one record into another of the same system.
    pub fn person_merges(&mut self, system: usize, loser: usize, survivor: usize) {
        let server = &self.servers[system];
        if loser == survivor || !server.records[loser].live || !server.records[survivor].live {
            return;
        }
        let now = self.now;
        self.servers[system].change(now, loser, |record| {
            record.live = false;
            record.merged_into = Some(survivor);
        });
        self.servers[system].change(now, survivor, |_| {});
        self.oracle.lived(system, loser, false);
        let name = self.servers[system].design.name;
        self.trace.mix(&[4, system as i64, loser as i64, survivor as i64]);
        self.say(|| format!("a person merges {name} {} into {}", id(loser), id(survivor)));
        self.publish(system, loser);
        self.publish(system, survivor);
    }

    /// From now on a record cannot be read.
    pub fn poison(&mut self, system: usize, native: &str) {
        let Some(place) = self.servers[system].find(native) else { return };
        self.servers[system].records[place].poisoned = true;
        let subject = self.servers[system].records[place].subject;
        self.oracle.poisoned.insert(subject);
        let name = self.servers[system].design.name;
        self.say(|| format!("{name} {native} can no longer be read"));
    }

    /// Somebody sends what does not come from the system, or sends again what came long ago.
    fn forge(&mut self, system: usize, place: usize) {
        let record = &self.servers[system].records[place];
        let dialect = &self.design.dialect;
        let lie = dialect.record(system, place, record.token + 1_000_000, record.subject, &[Word::new(u32::MAX >> 2)]);
        let old = self.weather.rng().below(self.deliveries.len());
        let notice = match self.deliveries.get(old) {
            Some(notice) if self.weather.rng().chance(500) => Notice { attempts: 0, ..notice.clone() },
            _ => Notice { system, says: "record".to_owned(), body: lie, attempts: 0, genuine: false },
        };
        self.deliveries.push(notice);
        let delay = self.weather.rng().between(0, 48 * HOUR);
        self.soon(delay, Event::Deliver(self.deliveries.len() - 1));
    }

    /// Sends the webhooks that tell of a record's last change.
    pub fn publish(&mut self, system: usize, place: usize) {
        let server = &self.servers[system];
        let record = &server.records[place];
        let whole = || server.dialect.record(system, place, record.token, record.subject, &record.fields);
        let (says, body) = match (server.design.told, record.live, record.merged_into) {
            (Told::Nothing, _, _) => return,
            (Told::Hint, true, _) => (format!("hint {}", id(place)), body::notice(place, record.token)),
            (Told::Full, true, _) => ("record".to_owned(), whole()),
            (Told::Changed, true, _) => match record.past.last() {
                // Nobody tells of a key in a part of a record: the first notice is whole, and so is one of a return.
                Some(past) if past.live => {
                    let body = server.dialect.changed(system, place, record.token, &record.fields, &past.fields);
                    ("record".to_owned(), body)
                }
                _ => ("record".to_owned(), whole()),
            },
            (_, false, Some(survivor)) => {
                (format!("merged {} {}", id(survivor), id(place)), body::notice(place, record.token))
            }
            (_, false, None) => (format!("deleted {}", id(place)), body::notice(place, record.token)),
        };
        if self.weather.strikes(Fault::WebhookForged) {
            self.forge(system, place);
        }
        let body = match self.weather.strikes(Fault::SchemaChanged) {
            true => self.design.dialect.misshapen(system, &body),
            false => body,
        };
        let body = if self.has_cards(system) { body::with_card(&body) } else { body };
        if self.weather.strikes(Fault::WebhookDropped) {
            self.say(|| "  and its webhook is lost".to_owned());
            return;
        }
        let mut copies = 1;
        if self.weather.strikes(Fault::WebhookRepeated) {
            copies += 1 + self.weather.rng().below(4);
        }
        for _ in 0..copies {
            let mut delay = self.weather.rng().between(20, 2_000);
            if self.weather.strikes(Fault::WebhookReordered) {
                delay += self.weather.rng().between(0, HOUR);
            }
            if self.weather.strikes(Fault::WebhookLate) {
                delay += self.weather.rng().between(24 * HOUR, 96 * HOUR);
            }
            let notice = Notice { system, says: says.clone(), body: body.clone(), attempts: 0, genuine: true };
            self.deliveries.push(notice);
            self.soon(delay, Event::Deliver(self.deliveries.len() - 1));
        }
    }
}

/// Attributes, as a person reads them.
pub(super) fn spell(fields: &[Word]) -> String {
    let parts: Vec<String> = ATTRIBUTES.iter().zip(fields).map(|(name, word)| format!("{name} = {word}")).collect();
    parts.join(", ")
}
