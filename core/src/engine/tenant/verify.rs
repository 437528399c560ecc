//! Verification: the chain holds, and what is stored is what the journal adds up to.

mod allowed;
mod compare;
mod desk;
mod identity;

use std::collections::BTreeMap;
use std::fmt;

use crate::checkpoint::Checkpoint;
use crate::discrepancy::{Discrepancy, DiscrepancyState};
use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::identity_index::Holders;
use crate::engine::persist::{LinkRow, identity_of_key, record_of_key};
use crate::engine::tenant::dead_letter::StoredDeadLetter;
use crate::engine::tenant::pages::Pages;
use crate::engine::tenant::replay::Replayed;
use crate::entity::Entity;
use crate::entity::stored::StoredEntity;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{Actor, ConnectionName, EntityId, RecordRef};
use crate::representation::Representation;
use crate::representation::stored::StoredRepresentation;
use crate::store::Table;
use crate::text::Text;

/// What verifying a tenant found: whether its journal is whole, and what is stored is what it says.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Integrity {
    /// Entries of the journal, all chained.
    pub entries: u64,
    /// How many bytes they hold, with what is left of their payloads, and without what the store adds.
    pub bytes: u64,
    /// The checkpoint at which the journal begins, if it was compacted.
    pub begins: Option<Checkpoint>,
    /// Whether keys were there to check its signature. One that does not hold is an error.
    pub signature_checked: bool,
    /// Entries whose payload was erased, or has expired.
    pub erased: u64,
    /// Entities that were compared.
    pub entities: usize,
    /// Records that were compared.
    pub records: usize,
    /// Discrepancies that were compared, resolved ones included.
    pub discrepancies: usize,
    /// Those of them that stand.
    pub standing: usize,
    /// Everything that is stored otherwise than the journal says.
    pub differences: Vec<Difference>,
}

impl Integrity {
    /// Whether what is stored is what the journal adds up to.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.differences.is_empty()
    }

    /// How many bytes an entry holds on average; none where there is no entry.
    #[must_use]
    pub fn bytes_per_entry(&self) -> Option<u64> {
        self.bytes.checked_div(self.entries)
    }
}

impl fmt::Display for Integrity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entities = grouped(self.entities as u64, if self.entities == 1 { "entity" } else { "entities" });
        let entries = grouped(self.entries, if self.entries == 1 { "entry" } else { "entries" });
        let records = grouped(self.records as u64, if self.records == 1 { "record" } else { "records" });
        let ies = if self.discrepancies == 1 { "discrepancy" } else { "discrepancies" };
        let discrepancies = grouped(self.discrepancies as u64, ies);
        let discrepancies = match self.standing {
            0 => format!("{discrepancies}, all resolved"),
            standing => format!("{discrepancies}, of which {} stand", grouped(standing as u64, "").trim_end()),
        };
        if self.is_clean() {
            return write!(f, "verified: {entries}, {entities}, {records}, {discrepancies}");
        }
        let found = grouped(
            self.differences.len() as u64,
            if self.differences.len() == 1 { "difference" } else { "differences" },
        );
        write!(f, "{found}: {entries}, {entities}, {records}, {discrepancies}")
    }
}

/// A count with a space between thousands, and its noun.
fn grouped(count: u64, noun: &str) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    format!("{text} {noun}")
}

/// Something that is stored otherwise than the journal says. Names what and where, never a value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Difference {
    /// An entity, and the part of it.
    Entity {
        /// The entity.
        id: EntityId,
        /// Which part.
        part: &'static str,
        /// The unit or record, where the part has several.
        name: Text,
        /// How the two compare.
        compared: Compared,
    },
    /// A record.
    Record {
        /// The record.
        record: RecordRef,
        /// The attribute, or what else is known of a record.
        part: Text,
        /// How the two compare.
        compared: Compared,
    },
    /// The row that leads from a record to its entity.
    Link {
        /// The record.
        record: RecordRef,
        /// How the two compare.
        compared: Compared,
    },
    /// A record in the index of an identity attribute: as a holder of its value, or as one that waits for an entity.
    Identity {
        /// The record.
        record: RecordRef,
        /// The entity type and attribute.
        attribute: Text,
        /// How the two compare.
        compared: Compared,
    },
    /// What operators allow a connection.
    Connection {
        /// The connection.
        connection: ConnectionName,
        /// How the two compare.
        compared: Compared,
    },
    /// A standing approval.
    StandingApproval {
        /// Its id.
        id: Digest,
        /// How the two compare.
        compared: Compared,
    },
    /// What counts against a limit.
    Counted {
        /// What is counted, and where.
        place: Text,
        /// How the two compare.
        compared: Compared,
    },
    /// What people noted on a case, or the row under which it is filed.
    Case {
        /// The name of the case.
        key: Text,
        /// Which part.
        part: &'static str,
        /// How the two compare.
        compared: Compared,
    },
    /// A dead letter, or what became of it.
    DeadLetter {
        /// Its key.
        key: Text,
        /// How the two compare.
        compared: Compared,
    },
    /// The role of an actor.
    Granted {
        /// The actor.
        actor: Actor,
        /// How the two compare.
        compared: Compared,
    },
    /// A hash by which a person is known who was erased.
    Suppressed {
        /// The hash.
        digest: Digest,
        /// How the two compare.
        compared: Compared,
    },
    /// The row of a discrepancy.
    Discrepancy {
        /// Its id.
        id: Digest,
        /// How the two compare.
        compared: Compared,
    },
}

/// How a stored thing compares with what the journal says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Compared {
    /// The journal has it, the store does not.
    Missing,
    /// The store has it, the journal does not.
    Unaccounted,
    /// Both have it, and they differ.
    Differs,
}

impl fmt::Display for Compared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compared::Missing => "missing in the store",
            Compared::Unaccounted => "not in the journal",
            Compared::Differs => "not what the journal says",
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Difference::Entity { id, part, name, compared } if name.is_empty() => write!(f, "{id}: {part} {compared}"),
            Difference::Entity { id, part, name, compared } => write!(f, "{id}: {part} of {name} {compared}"),
            Difference::Record { record, part, compared } => write!(f, "{record}: {part} {compared}"),
            Difference::Link { record, compared } => write!(f, "{record}: link {compared}"),
            Difference::Identity { record, attribute, compared } => {
                write!(f, "{record}: index of {attribute} {compared}")
            }
            Difference::Connection { connection, compared } => write!(f, "{connection}: how it stands {compared}"),
            Difference::StandingApproval { id, compared } => write!(f, "standing approval {}: {compared}", id.short()),
            Difference::Counted { place, compared } => write!(f, "what counts against the limit at {place} {compared}"),
            Difference::Case { key, part, compared } => write!(f, "case {key}: {part} {compared}"),
            Difference::DeadLetter { key, compared } => write!(f, "dead letter {key}: {compared}"),
            Difference::Granted { actor, compared } => write!(f, "the role of {actor}: {compared}"),
            Difference::Suppressed { digest, compared } => {
                write!(f, "who is suppressed, {}: {compared}", digest.short())
            }
            Difference::Discrepancy { id, compared } => write!(f, "discrepancy {}: {compared}", id.short()),
        }
    }
}

impl Tenant {
    /// Verifies this tenant's store: walks the chain of the journal, replays it, and compares with the stored golden
    /// records, links, bases, discrepancies, representations, the index of identity values, and what operators allow
    /// connections. Changes nothing.
    ///
    /// Meant for a store that nobody writes to meanwhile: what is committed between the two readings shows as a
    /// difference.
    ///
    /// # Errors
    ///
    /// [`Error::Journal`] if the chain does not hold, [`Error::Checkpoint`] if it begins elsewhere than where its checkpoint was
    /// signed: then nothing is compared.
    pub async fn verify(&self) -> Result<Integrity, Error> {
        // What is shown is the beginning that was read from: another process may let the journal begin elsewhere meanwhile.
        loop {
            let begins = self.beginning().await?.compaction.begins;
            let replayed = self.replay().await?;
            if self.beginning().await?.compaction.begins == begins {
                return self.verify_against(&replayed).await;
            }
        }
    }

    /// As [`Tenant::verify`], against what the journal was found to add up to.
    pub(super) async fn verify_against(&self, replayed: &Replayed) -> Result<Integrity, Error> {
        let Replayed { entries, bytes, erased, .. } = *replayed;
        let begins = self.beginning().await?.compaction.begins;
        let signature_checked = begins.is_some() && self.core.checkpoint_keys.is_some();
        let mut verified = Integrity { entries, bytes, begins, signature_checked, erased, ..Integrity::default() };
        let found = &mut verified.differences;
        let mut entities = compare::Left::new(replayed.entities.keys());
        let mut links = replayed.links(&self.core);
        let mut identities = identity::expected(&self.core, replayed, &links);
        let mut standing: BTreeMap<Digest, &Discrepancy> = replayed
            .entities
            .values()
            .flat_map(|entity| entity.discrepancies.values())
            .map(|one| (one.id, &**one))
            .collect();
        let mut records = compare::Left::new(replayed.representations.keys());

        let mut pages = Pages::new(self, Table::Entity, "verify what is stored");
        while let Some(row) = pages.next().await? {
            let stored: StoredEntity = parse(Table::Entity, &row)?;
            let Some(stored) = Entity::from_stored(stored, &self.core.model) else { continue };
            verified.entities += 1;
            entities.met(&stored.id);
            compare::entity(&self.core, replayed.entities.get(&stored.id), &stored, found);
        }
        let mut pages = Pages::new(self, Table::Link, "verify what is stored");
        while let Some(row) = pages.next().await? {
            let stored: LinkRow = parse(Table::Link, &row)?;
            let Some(record) = record_of_key(&row.key).filter(|record| self.core.place(record).is_some()) else {
                continue;
            };
            match links.remove(&record) {
                Some(entity) if entity == stored.entity => {}
                Some(_) => found.push(Difference::Link { record, compared: Compared::Differs }),
                None => found.push(Difference::Link { record, compared: Compared::Unaccounted }),
            }
        }
        let mut pages = Pages::new(self, Table::Discrepancy, "verify what is stored");
        while let Some(row) = pages.next().await? {
            let stored: Discrepancy = parse(Table::Discrepancy, &row)?;
            if self.core.model.entity_index(stored.entity_type.as_str()).is_none() {
                continue;
            }
            verified.discrepancies += 1;
            verified.standing += usize::from(stored.state != DiscrepancyState::Resolved);
            match standing.remove(&stored.id) {
                Some(replayed) if *replayed == stored => {}
                Some(_) => found.push(Difference::Discrepancy { id: stored.id, compared: Compared::Differs }),
                None => found.push(Difference::Discrepancy { id: stored.id, compared: Compared::Unaccounted }),
            }
        }
        let mut pages = Pages::new(self, Table::Representation, "verify what is stored");
        while let Some(row) = pages.next().await? {
            let stored: StoredRepresentation = parse(Table::Representation, &row)?;
            let Some(record) = record_of_key(&row.key) else { continue };
            let Some((entity, object)) = self.core.place(&record) else { continue };
            verified.records += 1;
            records.met(&record);
            let names = self.core.slot_names(entity, object);
            let stored = Representation::from_stored(stored, names);
            compare::record(names, &record, replayed.representations.get(&record), &stored, found);
        }
        let mut pages = Pages::new(self, Table::Index, "verify what is stored");
        while let Some(row) = pages.next().await? {
            if identity_of_key(&row.key).is_none() {
                continue;
            }
            let expected = identities.remove(&row.key).unwrap_or_default();
            identity::compare(&self.core, replayed, &row.key, &expected, &parse(Table::Index, &row)?, found);
        }
        for (key, expected) in identities {
            identity::compare(&self.core, replayed, &key, &expected, &Holders::default(), found);
        }
        self.compare_allowed(replayed, found).await?;
        self.verify_desk(replayed, found).await?;
        let mut letters: BTreeMap<&Text, _> = replayed.letters.iter().collect();
        let mut pages = Pages::new(self, Table::DeadLetter, "verify what is stored");
        while let Some(row) = pages.next().await? {
            let stored: StoredDeadLetter = parse(Table::DeadLetter, &row)?;
            match letters.remove(&row.key) {
                Some(state) if *state == stored.state => {}
                Some(_) => found.push(Difference::DeadLetter { key: row.key, compared: Compared::Differs }),
                None => found.push(Difference::DeadLetter { key: row.key, compared: Compared::Unaccounted }),
            }
        }
        let compared = Compared::Missing;
        found.extend(letters.into_keys().map(|key| Difference::DeadLetter { key: key.clone(), compared }));
        let missing = Compared::Missing;
        let whole =
            |id: EntityId| Difference::Entity { id, part: "the whole", name: Text::default(), compared: missing };
        found.extend(entities.left().map(|id| whole(*id)));
        found.extend(links.into_keys().map(|record| Difference::Link { record, compared: missing }));
        found.extend(standing.into_keys().map(|id| Difference::Discrepancy { id, compared: missing }));
        let whole = |record: RecordRef| Difference::Record { record, part: "the whole".into(), compared: missing };
        found.extend(records.left().map(|record| whole(record.clone())));
        found.sort();
        Ok(verified)
    }
}
