//! Schema drift: what a system says of its own fields is held against the mappings every so often. An attribute whose field moved
//! away stops there, and a person is told; the rest goes on.

mod stops;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use stops::Stops;

use crate::connector::{ConnectorError, ConnectorErrorKind};
use crate::engine::case::{CaseKind, CaseRow, case_key};
use crate::engine::hydrate::parse;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::{Connection, Tenant};
use crate::error::Error;
use crate::id::{Actor, ConnectionName, ObjectType};
use crate::model::Path;
use crate::role::Role;
use crate::schema::{Contract, KnownFields, MOST_FIELDS, Mismatch, MismatchKind, Mismatches, ObjectSchema, drifts};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// The journal's kind for an attribute that stands still from then on.
const STOPPED: &str = "schema_stopped";

/// The journal's kind for one that goes on because its field fits again.
pub(crate) const SCHEMA_MENDED: &str = "schema_mended";

/// The journal's kind for one that goes on because a person says so.
pub(crate) const SCHEMA_WAIVED: &str = "schema_waived";

/// What a check of a connection's schema came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaChecked {
    /// Whether the system describes itself at all.
    pub told: bool,
    /// Every mapping that the system, as it describes itself, cannot keep.
    pub mismatches: Mismatches,
    /// The attributes that stand still at this connection from now on.
    pub stopped: Vec<SchemaStop>,
    /// Those that stood still, and go on: their fields fit again. What was said of them meanwhile is believed when it is read next: the
    /// connection's pulse is due.
    pub mended: Vec<SchemaStop>,
}

/// An attribute that stands still at a connection, because its field there is not what its mapping expects. Nothing is written to
/// the field, and what is read there is not believed: what was known last is kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SchemaStop {
    /// The native object type.
    pub object: ObjectType,
    /// The field, by path of the documented shape.
    pub field: Text,
    /// Who maps it: `customer.email`.
    pub attribute: Text,
    /// What is wrong.
    pub why: Text,
    /// What to do about it.
    pub advice: Text,
    /// Since when, in milliseconds since the epoch.
    pub since: i64,
    /// Where the field is now, if it was renamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_to: Option<Text>,
}

impl SchemaStop {
    fn is_about(&self, other: &Self) -> bool {
        (&self.object, &self.field, &self.attribute) == (&other.object, &other.field, &other.attribute)
    }
}

/// That a person lets an attribute go on though its field is not as expected, while that is wrong which was wrong then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Waiver {
    object: ObjectType,
    field: Text,
    attribute: Text,
    why: Text,
    by: Actor,
    at: i64,
    reason: Text,
}

/// What is known of a connection's schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SchemaRow {
    /// When it was last checked.
    checked: Option<i64>,
    stopped: Vec<SchemaStop>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    waived: Vec<Waiver>,
    known: KnownFields,
}

impl SchemaRow {
    /// When it was last checked, in milliseconds since the epoch.
    pub(super) const fn checked(&self) -> Option<i64> {
        self.checked
    }

    /// The same, and how many attributes of an object type stand still since.
    pub(super) fn last_look(&self, object: &ObjectType) -> (Option<i64>, u32) {
        let stopped = self.stopped.iter().filter(|stop| stop.object == *object).count();
        (self.checked, u32::try_from(stopped).unwrap_or(u32::MAX))
    }

    pub(super) fn stopped(&self) -> &[SchemaStop] {
        &self.stopped
    }
}

pub(crate) fn schema_key(connection: &ConnectionName) -> RowKey {
    RowKey::new(Table::Meta, format!("schema/{connection}"))
}

fn stop_case(connection: &ConnectionName, stop: &SchemaStop) -> RowKey {
    let SchemaStop { object, field, attribute, .. } = stop;
    case_key(CaseKind::SchemaDrift, format_args!("{connection}/{object}/{field}/{attribute}"))
}

impl Tenant {
    /// Asks a system how it describes itself ([`Connector::describe`](crate::connector::Connector::describe)), and compares that with
    /// the mappings. An attribute whose field is missing, was renamed, holds another type, became read-only, or has options that the
    /// mapping does not know stops at this connection: nothing is written to it, what is read there is not believed, and a case
    /// tells a person. It goes on by itself once the schema fits again, or when a person says so ([`Tenant::waive_schema`]). Object types
    /// that are not described stay as they are.
    ///
    /// [`Tenant::run`] and workers do so by themselves, as [`Checks::schema_every`](crate::engine::Checks::schema_every) says. Other
    /// processes hear of it within a minute, and before they write.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`], [`Error::Paused`]; [`Error::Connector`] if the system does not answer, or describes an object
    /// type without fields or with too many: then nothing stops, and nothing goes on.
    pub async fn check_schema(&self, connection: &str) -> Result<SchemaChecked, Error> {
        let (name, bound) = self.connection(connection)?;
        if !bound.connector.describes() {
            return Ok(SchemaChecked::default());
        }
        self.require_running(&name).await?;
        let objects: Vec<ObjectType> = bound.objects.keys().cloned().collect();
        self.note_live(&name, objects.len());
        let described = bound.connector.describe(&objects).await.and_then(|described| plausible(bound, described));
        let doing = "ask for its schema";
        let described = described.map_err(|source| Error::Connector { connection: name.clone(), doing, source })?;
        let system = bound.system.as_str();
        let contract = Contract::of(&self.core.models).describes(system, described.iter().cloned());
        let mismatches = contract.mismatches();
        let mut attempts = Attempts::default();
        loop {
            let now = self.now();
            let (revision, row) = self.schema_row(&name).await?;
            let mut checked = SchemaChecked { told: true, mismatches: mismatches.clone(), ..SchemaChecked::default() };
            let retyped = contract.retyped(&mismatches, &row.known);
            checked.mismatches.found.extend(retyped.iter().cloned());
            let found = drifts(&checked.mismatches, &row.known, &described);
            let became = compared(&row, &described, (found, &retyped), now, &mut checked);
            let mut changes = Changes::new(&self.core, now, &Self::engine());
            changes.commit.expect.push((schema_key(&name), revision));
            changes.put(schema_key(&name), &became);
            for stop in &became.stopped {
                // One that a person closed is opened again while the attribute stands still.
                let why =
                    format!("{} stands still at {name}: {} {}; {}", stop.attribute, stop.field, stop.why, stop.advice);
                changes.put(stop_case(&name, stop), &CaseRow::new(Vec::new(), [], why, stop.since));
            }
            for stop in &checked.mended {
                changes.delete(stop_case(&name, stop));
                changes.journal(SCHEMA_MENDED, name.as_str(), &(&name, stop));
            }
            for stop in &checked.stopped {
                changes.journal(STOPPED, name.as_str(), &(&name, stop));
            }
            if !checked.mended.is_empty() {
                self.ask_for_pulse(&mut changes, &name).await?;
            }
            if attempts.commit(self, "note how a system describes itself", changes.commit).await? {
                self.core.stops.note(&self.id, &name, now, &became.stopped);
                return Ok(checked);
            }
        }
    }

    /// The same, if it is due. Says whether it was. The connection's pulse may be due after it.
    pub(crate) async fn check_schema_if_due(&self, name: &ConnectionName) -> Result<bool, Error> {
        let every = self.core.checks.schema_every.num_milliseconds();
        let (_, row) = self.schema_row(name).await?;
        let due = row.checked.is_none_or(|checked| checked.saturating_add(every) <= self.now());
        if due {
            self.check_schema(name.as_str()).await?;
        }
        Ok(due)
    }

    /// The attributes that stand still at a connection.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`]; or a store that cannot be read.
    pub async fn schema_stops(&self, connection: &str) -> Result<Vec<SchemaStop>, Error> {
        let (name, _) = self.connection(connection)?;
        Ok(self.schema_row(&name).await?.1.stopped)
    }

    /// Lets an attribute go on at a connection although its field is not what the mapping expects. It holds while that is wrong which
    /// is wrong now: what else goes wrong there stops it again. What was said of it meanwhile is believed when it is read next: the
    /// connection's pulse is due. Journaled. Says whether it stood still.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownConnection`]; [`Error::Forbidden`] for whoever is no approver: writes go to the field again.
    pub async fn waive_schema(
        &self,
        connection: &str,
        stop: &SchemaStop,
        by: &Actor,
        reason: &str,
    ) -> Result<bool, Error> {
        self.require_role(by, Role::Approver, "waive what is wrong with a schema").await?;
        self.refuse_cards("reason", [reason])?;
        let (name, _) = self.connection(connection)?;
        let mut attempts = Attempts::default();
        loop {
            let now = self.now();
            let (revision, mut row) = self.schema_row(&name).await?;
            let Some(place) = row.stopped.iter().position(|one| one.is_about(stop) && one.why == stop.why) else {
                return Ok(false);
            };
            let SchemaStop { object, field, attribute, why, .. } = row.stopped.remove(place);
            let waiver = Waiver { object, field, attribute, why, by: by.clone(), at: now, reason: reason.into() };
            let mut changes = Changes::new(&self.core, now, by);
            changes.commit.expect.push((schema_key(&name), revision));
            changes.delete(stop_case(&name, stop));
            changes.journal(SCHEMA_WAIVED, name.as_str(), &(&name, &waiver));
            row.waived.push(waiver);
            changes.put(schema_key(&name), &row);
            self.ask_for_pulse(&mut changes, &name).await?;
            if attempts.commit(self, "waive what is wrong with a schema", changes.commit).await? {
                self.core.stops.note(&self.id, &name, now, &row.stopped);
                return Ok(true);
            }
        }
    }

    pub(super) async fn schema_row(&self, name: &ConnectionName) -> Result<(Option<u64>, SchemaRow), Error> {
        let key = schema_key(name);
        let row = self.row(&key, "load what is known of a schema").await?;
        let revision = row.as_ref().map(|row| row.revision);
        Ok((revision, row.map(|row| parse(Table::Meta, &row)).transpose()?.unwrap_or_default()))
    }
}

/// What is known from now on, and what of it is news.
fn compared(
    row: &SchemaRow,
    described: &[ObjectSchema],
    (found, retyped): (Vec<Mismatch>, &[Mismatch]),
    now: i64,
    checked: &mut SchemaChecked,
) -> SchemaRow {
    let is_described = |object: &ObjectType| described.iter().any(|schema| schema.object == *object);
    let mut stopped: BTreeMap<(ObjectType, Text, Text), SchemaStop> = BTreeMap::new();
    let mut waived = Vec::new();
    for one in found {
        let (field, attribute) = (Text::from(one.field.to_string()), one.attribute.clone().unwrap_or_default());
        let known = row
            .stopped
            .iter()
            .find(|stop| stop.object == one.object && stop.field == field && stop.attribute == attribute);
        // Where it is now was told when it went; the description that it was told by is known no longer.
        let renamed_to = match &one.kind {
            MismatchKind::Renamed { to } => Some(to.clone()),
            MismatchKind::Missing => {
                known.and_then(|known| known.renamed_to.clone()).filter(|to| has(described, &one.object, to))
            }
            _ => None,
        };
        let kind = match (&one.kind, &renamed_to) {
            (MismatchKind::Missing, Some(to)) => MismatchKind::Renamed { to: to.clone() },
            (kind, _) => kind.clone(),
        };
        let (why, advice) = (Text::from(kind.to_string()), Text::from(kind.advice()));
        let waiver = row.waived.iter().find(|waiver| {
            waiver.object == one.object && waiver.field == field && waiver.attribute == attribute && waiver.why == why
        });
        if let Some(waiver) = waiver {
            waived.push(waiver.clone());
            continue;
        }
        let place = (one.object.clone(), field.clone(), attribute.clone());
        let since = known.map_or(now, |known| known.since);
        let stop = SchemaStop { object: one.object, field, attribute, why, advice, since, renamed_to };
        if known.is_none() {
            checked.stopped.push(stop.clone());
        }
        // Of several things that are wrong with one field, the first stands for all.
        stopped.entry(place).or_insert(stop);
    }
    for former in &row.stopped {
        let stands = stopped.values().any(|stop| stop.is_about(former));
        match (stands, is_described(&former.object)) {
            (true, _) => {}
            (false, true) => checked.mended.push(former.clone()),
            (false, false) => {
                let place = (former.object.clone(), former.field.clone(), former.attribute.clone());
                stopped.insert(place, former.clone());
            }
        }
    }
    checked.stopped.dedup_by(|one, other| one.is_about(other));
    waived.extend(row.waived.iter().filter(|waiver| !is_described(&waiver.object)).cloned());
    let mut known = row.known.clone();
    known.learn(described, retyped);
    SchemaRow { checked: Some(now), stopped: stopped.into_values().collect(), waived, known }
}

fn has(described: &[ObjectSchema], object: &ObjectType, field: &str) -> bool {
    let schema = described.iter().find(|schema| schema.object == *object);
    schema.is_some_and(|schema| schema.find(&Path::new(field)).is_some())
}

/// What a connector says of object types that the model has, if it can be meant: an empty description would stop everything.
fn plausible(bound: &Connection, described: Vec<ObjectSchema>) -> Result<Vec<ObjectSchema>, ConnectorError> {
    for schema in &described {
        let fields = schema.fields.len();
        if fields == 0 || fields > MOST_FIELDS {
            let message = format!("{}/{} is described with {fields} fields", bound.system, schema.object);
            return Err(ConnectorError::new(ConnectorErrorKind::Contract, message));
        }
    }
    Ok(described.into_iter().filter(|schema| bound.objects.contains_key(&schema.object)).collect())
}
