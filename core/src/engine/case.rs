//! Cases: what waits for a person, as rows hold it.

use std::collections::BTreeSet;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::discrepancy::{Discrepancy, DiscrepancyKind};
use crate::engine::Core;
use crate::engine::desk::{Comment, Desk};
use crate::engine::hydrate::{Loaded, parse};
use crate::engine::identity_index::Holders;
use crate::engine::persist::{Changes, record_key, record_of_key};
use crate::entity::Entity;
use crate::error::Error;
use crate::fingerprint::Digest;
use crate::id::{Actor, EntityId, EntityType, RecordRef};
use crate::matching::Match;
use crate::store::{Row, RowKey, Table};
use crate::text::Text;
use crate::triage::{Severity, Weight};
use crate::view::{MASK, RecordSchema, mask_answer, mask_name, mask_text};
use crate::working_set::{IdentityKey, MOST_ENTITIES_OF_A_KEY};

/// What a case is about.
///
/// A discrepancy that waits for a person is one; the other kinds are about records and entities as such.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CaseKind {
    /// Systems disagree about a unit of an entity, and only a person can tell. It ends when the discrepancy does.
    Discrepancy,
    /// A record matches several entities, or none that it could make. It ends when the record is linked, or gone.
    Unlinked,
    /// Several entities came to hold one identity value. It ends when one is left, or when they are said to be distinct.
    SharedIdentity,
    /// Records of two entities were merged inside their system. It ends when the records belong to one entity.
    MergedInSystem,
    /// Merges inside a system lead in a circle. It ends when a later merge leads out of it.
    MergeCycle,
    /// The record that a create answered with belongs to another entity. It ends when it belongs to this one.
    CreatedElsewhere,
    /// A system refused a write. It ends when the write is approved again, takes effect, or is no longer owed.
    Refused,
    /// Something was decided, or a record was linked, while two entities were one, and they are two again. It ends when it
    /// is decided or linked again.
    Unmerged,
    /// A field of a system is not what its mapping expects: the attribute stands still there. It ends when the system describes the
    /// field as expected again, or a person lets it go on.
    SchemaDrift,
    /// A check found something wrong with an entity, or totals that do not agree. It ends when the check finds it right, or is
    /// declared no longer.
    Violation,
    /// Two records may be one entity, and no key says so: [`Case::matched`] says why. It ends when a person says whether they are
    /// ([`Tenant::answer_match`](crate::Tenant::answer_match)), or when it is no longer probable.
    Match,
}

impl CaseKind {
    /// The kinds that have rows of their own.
    pub(crate) const OF_ROWS: [CaseKind; 10] = [
        CaseKind::Unlinked,
        CaseKind::SharedIdentity,
        CaseKind::MergedInSystem,
        CaseKind::MergeCycle,
        CaseKind::CreatedElsewhere,
        CaseKind::Refused,
        CaseKind::Unmerged,
        CaseKind::SchemaDrift,
        CaseKind::Violation,
        CaseKind::Match,
    ];

    /// What keys of rows begin with.
    pub(crate) const fn prefix(self) -> &'static str {
        match self {
            CaseKind::Discrepancy => "discrepancy/",
            CaseKind::Unlinked => "unlinked/",
            CaseKind::SharedIdentity => "shared/",
            CaseKind::MergedInSystem => "merged/",
            CaseKind::MergeCycle => "cycle/",
            CaseKind::CreatedElsewhere => "created/",
            CaseKind::Refused => "refused/",
            CaseKind::Unmerged => "unmerged/",
            CaseKind::SchemaDrift => "schema/",
            CaseKind::Violation => "violation/",
            CaseKind::Match => "match/",
        }
    }

    /// The kind of a row's key. Not every row of the table is a case: what entities were before a merge stands there too.
    pub(crate) fn of_key(key: &str) -> Option<Self> {
        Self::OF_ROWS.into_iter().find(|kind| key.starts_with(kind.prefix()))
    }

    /// The name that people read.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            CaseKind::Discrepancy => "discrepancy",
            CaseKind::Unlinked => "unlinked record",
            CaseKind::SharedIdentity => "shared identity",
            CaseKind::MergedInSystem => "merged inside a system",
            CaseKind::MergeCycle => "circle of merges",
            CaseKind::CreatedElsewhere => "created elsewhere",
            CaseKind::Refused => "refused write",
            CaseKind::Unmerged => "left of a merge",
            CaseKind::SchemaDrift => "schema drift",
            CaseKind::Violation => "violated check",
            CaseKind::Match => "match",
        }
    }

    /// What a person does about it.
    pub(crate) const fn advice(self) -> &'static str {
        match self {
            CaseKind::Discrepancy => "decide the unit",
            CaseKind::Unlinked => "link the record to the entity that it belongs to",
            CaseKind::SharedIdentity => "merge the entities, or correct the value where it is wrong",
            CaseKind::MergedInSystem => "merge the entities, or link the record to the one that it belongs to",
            CaseKind::MergeCycle => "put it right in the system",
            CaseKind::CreatedElsewhere => "link the record to the entity that it belongs to",
            CaseKind::Refused => "put right what the system refuses, and approve the write again",
            CaseKind::Unmerged => "decide it again for whichever it is true of, or link the record",
            CaseKind::SchemaDrift => "put the field right, map another, or waive what is wrong with it",
            CaseKind::Violation => "correct it in the system that owns it",
            CaseKind::Match => "say whether the two are one entity",
        }
    }

    /// How grave it is by itself; a discrepancy's kind says more.
    pub(crate) const fn severity(self) -> Severity {
        match self {
            CaseKind::MergedInSystem
            | CaseKind::MergeCycle
            | CaseKind::CreatedElsewhere
            | CaseKind::Refused
            | CaseKind::Violation => Severity::Medium,
            CaseKind::SchemaDrift => Severity::High,
            CaseKind::Discrepancy
            | CaseKind::Unlinked
            | CaseKind::SharedIdentity
            | CaseKind::Unmerged
            | CaseKind::Match => Severity::Low,
        }
    }
}

impl fmt::Display for CaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// Something that waits for a person: a discrepancy that no plan mends, a match that nobody could tell, a refused write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[non_exhaustive]
pub struct Case {
    /// Its name: what is noted on it, decided, or closed, is named by it.
    #[schemars(with = "String")]
    pub key: Text,
    /// What it is about.
    #[schemars(with = "String")]
    pub kind: CaseKind,
    /// Of a discrepancy, what it is.
    #[schemars(with = "Option<String>")]
    pub discrepancy: Option<DiscrepancyKind>,
    /// Of a discrepancy, or of what a check found, the unit that it is about: `phone`, `lines[SKU-1]`, `$exists`.
    #[schemars(with = "Option<String>")]
    pub unit: Option<Text>,
    /// The type of the entities that it concerns, where it is known.
    #[schemars(with = "Option<String>")]
    pub entity_type: Option<EntityType>,
    /// The records that it concerns.
    #[schemars(with = "Vec<RecordSchema>")]
    pub records: Vec<RecordRef>,
    /// The entities that it concerns.
    #[schemars(with = "Vec<String>")]
    pub entities: Vec<EntityId>,
    /// Of a match, what the model said. It holds no value.
    pub matched: Option<Match>,
    /// Whether it is about personal data.
    pub pii: bool,
    /// Why it waits, in words. Of a discrepancy about personal data it may quote a value: see [`Case::masked`].
    #[schemars(with = "String")]
    pub reason: Text,
    /// Since when it stands, in milliseconds since the epoch. One that came back stands since it was first seen.
    pub since: i64,
    /// From when it ages, in milliseconds since the epoch: a business date, or `since`.
    pub aged_from: i64,
    /// How grave it is now.
    pub severity: Severity,
    /// Whether it has waited too long, and is graver for it.
    pub overdue: bool,
    /// Whose it is.
    #[schemars(with = "Option<String>")]
    pub assignee: Option<Actor>,
    /// Its labels.
    #[schemars(with = "Vec<String>")]
    pub labels: BTreeSet<Text>,
    /// What was said about it, oldest first.
    pub comments: Vec<Comment>,
}

impl Case {
    /// The case of a row.
    pub(crate) fn of_row(key: Text, kind: CaseKind, row: CaseRow, entity_type: Option<EntityType>, now: i64) -> Self {
        let CaseRow { records, entities, reason, since, operation: _, violated, matched } = row;
        let violated = violated.unwrap_or_default();
        let weight = Weight::by_kind(kind.severity(), since);
        Self {
            key,
            kind,
            discrepancy: None,
            unit: violated.unit,
            entity_type,
            records,
            entities,
            matched: matched.map(|matched| *matched),
            pii: violated.pii,
            reason,
            since,
            aged_from: weight.aged_from,
            severity: weight.now(now),
            overdue: weight.overdue(now),
            assignee: None,
            labels: BTreeSet::new(),
            comments: Vec::new(),
        }
    }

    /// The case of a discrepancy of an entity.
    pub(crate) fn of_discrepancy(core: &Core, entity: &Entity, discrepancy: &Discrepancy, now: i64) -> Self {
        let triage = core.triage.get(usize::from(entity.entity)).and_then(Option::as_ref);
        let weight = Weight::of(triage, core.model.entity(entity.entity), entity, discrepancy);
        let model = core.model.entity(entity.entity);
        let unit = model.unit_key(&discrepancy.unit).and_then(|key| model.units.get(usize::from(key.index()?)));
        let personal = unit.is_some_and(|unit| unit.pii);
        let named = |record: &RecordRef| discrepancy.link.as_deref().is_some_and(|link| *link == *record.to_string());
        let records = entity.links.iter().filter(|link| discrepancy.link.is_none() || named(&link.record));
        Self {
            key: discrepancy_key(discrepancy.id),
            kind: CaseKind::Discrepancy,
            discrepancy: Some(discrepancy.kind),
            unit: Some(discrepancy.unit.clone()),
            entity_type: Some(discrepancy.entity_type.clone()),
            records: records.map(|link| (*link.record).clone()).collect(),
            entities: vec![entity.id],
            matched: None,
            pii: personal,
            reason: discrepancy.reason.clone(),
            since: discrepancy.first_seen,
            aged_from: weight.aged_from,
            severity: weight.now(now),
            overdue: weight.overdue(now),
            assignee: None,
            labels: BTreeSet::new(),
            comments: Vec::new(),
        }
    }

    /// The same case without values of personal data: as [`EntityView::masked`](crate::view::EntityView::masked) shows
    /// discrepancies. What people wrote in comments is left out, because nobody knows what it tells.
    #[must_use]
    pub fn masked(&self) -> Self {
        let mut masked = self.clone();
        if self.pii {
            masked.reason = match self.kind {
                // What a system answered may repeat what it was sent.
                CaseKind::Refused => mask_answer(&self.reason),
                // Whoever wrote the check chose the words.
                CaseKind::Violation => MASK.into(),
                _ => mask_text(&self.reason),
            };
            masked.unit = self.unit.as_ref().map(mask_name);
            masked.comments.clear();
        }
        masked
    }

    /// What journal entries are about that tell what people noted on it.
    pub(crate) fn subject_of_notes(&self) -> Text {
        subject_of_notes(&self.entities, &self.records, &self.key)
    }

    /// Of whom else they tell: its other entities.
    pub(crate) fn others_of_notes(&self) -> impl Iterator<Item = Text> {
        self.entities.iter().skip(1).map(|entity| entity.text())
    }

    /// The same case of a row as it weighs at another instant.
    pub(crate) fn at(self, now: i64) -> Self {
        let weight = Weight::by_kind(self.kind.severity(), self.since);
        Self { severity: weight.now(now), overdue: weight.overdue(now), ..self }
    }

    /// The same case with what people noted on it.
    pub(crate) fn with_desk(self, desk: Desk) -> Self {
        let Desk { assignee, labels, comments } = desk;
        Self { assignee, labels, comments, ..self }
    }
}

fn subject_of_notes(entities: &[EntityId], records: &[RecordRef], key: &str) -> Text {
    match (entities.first(), records.first()) {
        (Some(entity), _) => entity.text(),
        (None, Some(record)) => record.to_string().into(),
        (None, None) => key.into(),
    }
}

/// The row that says of a case that it stands, and about whom.
pub(crate) fn standing_key(case: &str) -> RowKey {
    match discrepancy_of_key(case) {
        Some(id) => RowKey::new(Table::Discrepancy, id.to_string()),
        None => RowKey::new(Table::Case, case),
    }
}

/// What journal entries are about that tell what people noted on a case, by the row of [`standing_key`]: whoever they are about
/// takes them along when erased.
///
/// # Errors
///
/// [`Error::Row`].
pub(crate) fn noted_on(case: &str, row: &Row) -> Result<Text, Error> {
    if discrepancy_of_key(case).is_some() {
        let discrepancy: Discrepancy = parse(Table::Discrepancy, row)?;
        return Ok(discrepancy.entity.text());
    }
    let row: CaseRow = parse(Table::Case, row)?;
    Ok(row.subject_of_notes(case))
}

/// The name of a discrepancy's case.
pub(crate) fn discrepancy_key(id: Digest) -> Text {
    format!("{}{id}", CaseKind::Discrepancy.prefix()).into()
}

/// The discrepancy whose case has this name.
pub(crate) fn discrepancy_of_key(key: &str) -> Option<Digest> {
    key.strip_prefix(CaseKind::Discrepancy.prefix())?.parse().ok()
}

/// A case as its row holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CaseRow {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) records: Vec<RecordRef>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) entities: Vec<EntityId>,
    pub(crate) reason: Text,
    pub(crate) since: i64,
    /// The operation that was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) operation: Option<Box<crate::plan::Operation>>,
    /// What a check found wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) violated: Option<Box<Violated>>,
    /// What a model said of two records.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) matched: Option<Box<Match>>,
}

/// What a check found wrong, beside the words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Violated {
    /// With entities of which type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) entity_type: Option<EntityType>,
    /// With which unit; `None`: with several, or with none alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) unit: Option<Text>,
    /// Whether it is about personal data.
    pub(crate) pii: bool,
}

impl CaseRow {
    pub(crate) fn new(
        records: Vec<RecordRef>,
        entities: impl IntoIterator<Item = EntityId>,
        reason: impl Into<Text>,
        since: i64,
    ) -> Self {
        let (entities, reason) = (entities.into_iter().collect(), reason.into());
        Self { records, entities, reason, since, operation: None, violated: None, matched: None }
    }

    pub(crate) fn matched(self, matched: Match) -> Self {
        Self { matched: Some(Box::new(matched)), ..self }
    }

    pub(crate) fn violated(self, violated: Violated) -> Self {
        Self { violated: Some(Box::new(violated)), ..self }
    }

    /// What journal entries about the case of this name are about: its first record, or its first entity. Of a refused write, the
    /// entity whose write it is: they tell the value, and another of its records may have said that. Whoever has that one by the time
    /// they are erased takes the entries along, because the entity held it once.
    pub(crate) fn subject(&self, key: &str) -> Text {
        match (&self.operation, self.records.first(), self.entities.first()) {
            (Some(operation), ..) => operation.entity.text(),
            (None, Some(record), _) => record.to_string().into(),
            (None, None, Some(entity)) => entity.text(),
            (None, None, None) => key.into(),
        }
    }

    /// Whom else journal entries about the case tell of: of a match, its second record.
    pub(crate) fn others(&self) -> impl Iterator<Item = Text> {
        let others = self.matched.as_ref().map(|_| self.records.iter().skip(1));
        others.into_iter().flatten().map(|record| record.to_string().into())
    }

    /// What journal entries are about that tell what people noted on it: its first entity, or its first record.
    pub(crate) fn subject_of_notes(&self, key: &str) -> Text {
        subject_of_notes(&self.entities, &self.records, key)
    }
}

/// The row of a case.
pub(crate) fn case_key(kind: CaseKind, about: impl fmt::Display) -> RowKey {
    RowKey::new(Table::Case, format!("{}{about}", kind.prefix()))
}

/// The row of a case about a record.
pub(crate) fn case_of(kind: CaseKind, record: &RecordRef) -> RowKey {
    case_key(kind, record_key(record))
}

/// Opens a case where an identity value gains a second entity, and closes it where one is left. Entities that a person
/// holds apart may share what they like.
pub(crate) fn note_shared(
    changes: &mut Changes<'_>,
    loaded: &Loaded,
    key: &IdentityKey,
    before: Option<&Holders>,
    after: &Holders,
) {
    let was = before.map(Holders::entities).unwrap_or_default();
    let is = after.entities();
    let about = format!("{}\u{1f}{}\u{1f}{}", key.entity_type, key.attribute, key.value);
    let row = case_key(CaseKind::SharedIdentity, Digest::of(about.as_bytes()));
    if !contested(loaded, &is) {
        if was.len() > 1 {
            changes.delete(row);
        }
        return;
    }
    // Of a value that identifies nobody any more, the first few say enough.
    let first =
        |entities: &BTreeSet<EntityId>| entities.iter().copied().take(MOST_ENTITIES_OF_A_KEY).collect::<Vec<_>>();
    if first(&was) == first(&is) {
        return;
    }
    let entities = first(&is);
    let of_these = after.holders.iter().filter(|(_, entity)| entities.contains(entity));
    let records = of_these.filter_map(|(record, _)| record_of_key(record)).take(4 * MOST_ENTITIES_OF_A_KEY).collect();
    let reason =
        format!("several entities hold the same `{}`: merge them, or correct it where it is wrong", key.attribute);
    changes.put(row, &CaseRow::new(records, entities, reason, changes.as_of()));
}

/// Whether any two of these entities are not held apart.
fn contested(loaded: &Loaded, entities: &BTreeSet<EntityId>) -> bool {
    let apart = |one: &EntityId, other: &EntityId| {
        let index = loaded.set.find_entity(*one);
        let entity = index.map(|index| &loaded.set.entity(index).entity);
        // Whoever holds a record that a person unlinked from an entity is not that entity either.
        let holds = |record: &std::sync::Arc<RecordRef>| loaded.set.entity_of(record) == Some(*other);
        entity.is_some_and(|entity| entity.cannot_link.contains(other) || entity.held_apart.keys().any(holds))
    };
    entities.iter().any(|one| entities.iter().any(|other| one < other && !apart(one, other) && !apart(other, one)))
}
