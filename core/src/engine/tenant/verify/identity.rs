//! Verifying the index of identity values: the rows must be what records, as the journal adds them up, hold.

use std::collections::{BTreeMap, BTreeSet};

use crate::engine::Core;
use crate::engine::identity_index::Holders;
use crate::engine::persist::{identity_of_key, identity_row, record_key, record_of_key};
use crate::engine::tenant::replay::Replayed;
use crate::engine::tenant::verify::{Compared, Difference};
use crate::id::{EntityId, RecordRef};
use crate::representation::redirects::resolve;
use crate::text::Text;
use crate::working_set::identity_values;

/// The rows that there must be, by key.
pub(super) fn expected(
    core: &Core,
    replayed: &Replayed,
    links: &BTreeMap<RecordRef, EntityId>,
) -> BTreeMap<Text, Holders> {
    let mut rows: BTreeMap<Text, Holders> = BTreeMap::new();
    for (record, representation) in &replayed.representations {
        let Some((entity, object)) = core.place(record) else { continue };
        let mut representation = std::borrow::Cow::Borrowed(representation);
        if representation.latest_merge().is_some() {
            let resolution = resolve(&record.id, |id| {
                let at = replayed.representations.get(&RecordRef { id: id.clone(), ..record.clone() })?;
                let (stamp, survivor) = at.latest_merge()?;
                Some((stamp, survivor.clone()))
            });
            representation.to_mut().set_returned(resolution.survivor == record.id);
        }
        if !representation.speaks() {
            continue;
        }
        for key in identity_values(core.model.entity(entity), object, &representation) {
            let row = rows.entry(identity_row(&key).key).or_default();
            row.insert(record_key(record), links.get(record).copied());
        }
    }
    rows
}

/// Compares one row with what it must be; names the attribute and the records, never the value. Of records that the
/// journal has lost it says nothing: they are named already.
pub(super) fn compare(
    core: &Core,
    replayed: &Replayed,
    key: &str,
    expected: &Holders,
    stored: &Holders,
    found: &mut Vec<Difference>,
) {
    let Some((entity_type, attribute, _)) = identity_of_key(key) else { return };
    let Some(index) = core.model.entity_index(entity_type) else { return };
    if core.model.entity(index).attribute_index(attribute).is_none() {
        return;
    }
    let standing = |row: &Holders, record: &Text| (row.holders.get(record).copied(), row.waiting.contains(record));
    let records: BTreeSet<&Text> =
        [expected, stored].into_iter().flat_map(|row| row.holders.keys().chain(&row.waiting)).collect();
    for name in records {
        let (must, is) = (standing(expected, name), standing(stored, name));
        let Some(record) = record_of_key(name).filter(|_| must != is) else { continue };
        if !replayed.representations.contains_key(&record) {
            continue;
        }
        let compared = match (must, is) {
            (_, (None, false)) => Compared::Missing,
            ((None, false), _) => Compared::Unaccounted,
            _ => Compared::Differs,
        };
        let attribute = Text::from(format!("{entity_type}.{attribute}"));
        found.push(Difference::Identity { record, attribute, compared });
    }
}
