//! What a record changed: entities keep their number where most of them stays.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::Index;
use crate::table::Row;

/// The number of an entity; never used again while the index is there. One that is built anew counts from 1.
pub type EntityNumber = u64;

/// Something that happened to an entity.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// It came to be.
    Created {
        /// The entity.
        entity: EntityNumber,
    },
    /// Records joined it.
    Joined {
        /// The entity.
        entity: EntityNumber,
        /// How many.
        records: usize,
    },
    /// All or part of another entity became part of it.
    Merged {
        /// The entity that stands.
        into: EntityNumber,
        /// The other.
        from: EntityNumber,
    },
    /// Part of it became an entity of its own.
    Split {
        /// The entity that stands.
        from: EntityNumber,
        /// The new one.
        into: EntityNumber,
    },
    /// Nothing is left of it.
    Gone {
        /// The entity.
        entity: EntityNumber,
    },
}

impl Index {
    /// Gives groups of rows their entities: each group that of most of its rows, unless a larger group takes it.
    pub(super) fn change(&mut self, groups: Vec<SmallVec<[Row; 4]>>) -> Vec<Change> {
        let mut claims: Vec<(usize, EntityNumber, usize)> = Vec::new();
        let mut before: HashMap<EntityNumber, ()> = HashMap::new();
        for (place, group) in groups.iter().enumerate() {
            let mut held: Vec<EntityNumber> =
                group.iter().map(|row| self.entity_of[*row as usize]).filter(|e| *e != 0).collect();
            held.sort_unstable();
            for entity in held.chunk_by(|a, b| a == b) {
                claims.push((entity.len(), entity[0], place));
                before.insert(entity[0], ());
            }
        }
        // The largest overlap first; the older entity, then the group of the first row, where overlaps are equal.
        claims.sort_unstable_by(|x, y| y.0.cmp(&x.0).then(x.1.cmp(&y.1)).then(groups[x.2][0].cmp(&groups[y.2][0])));
        let mut of_group: Vec<Option<EntityNumber>> = vec![None; groups.len()];
        let mut given: HashMap<EntityNumber, usize> = HashMap::new();
        for (_, entity, place) in &claims {
            if of_group[*place].is_none() && !given.contains_key(entity) {
                of_group[*place] = Some(*entity);
                given.insert(*entity, *place);
            }
        }
        for entity in before.keys() {
            self.members.remove(entity);
        }
        let mut changes = Vec::new();
        for (place, group) in groups.into_iter().enumerate() {
            let entity = of_group[place].unwrap_or_else(|| self.new_entity());
            let mut others: Vec<EntityNumber> = group.iter().map(|row| self.entity_of[*row as usize]).collect();
            let new = others.iter().filter(|other| **other == 0).count();
            others.sort_unstable();
            others.dedup();
            for other in others.into_iter().filter(|other| *other != 0 && *other != entity) {
                changes.push(match of_group[place] {
                    Some(_) => Change::Merged { into: entity, from: other },
                    None => Change::Split { from: other, into: entity },
                });
            }
            match (of_group[place], new) {
                (_, 0) => {}
                (None, _) => changes.push(Change::Created { entity }),
                (Some(_), records) => changes.push(Change::Joined { entity, records }),
            }
            group.iter().for_each(|row| self.entity_of[*row as usize] = entity);
            self.members.insert(entity, group);
        }
        let mut gone: Vec<EntityNumber> = before.into_keys().filter(|entity| !given.contains_key(entity)).collect();
        gone.sort_unstable();
        changes.extend(gone.into_iter().map(|entity| Change::Gone { entity }));
        changes
    }
}
