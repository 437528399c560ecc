//! A plan being put together.

use std::collections::{BTreeMap, BTreeSet};

use super::limits::{Deletes, Limits, WritePlace, Writes};
use super::{Intent, Operation, Parked, Plan, PlanKind, Scope, Target};
use crate::fingerprint::Fingerprint;
use crate::id::{ConnectionName, EntityType, ObjectType, RecordRef, SystemName, TenantId};
use crate::text::Text;

/// Records to be archived, by connection and object type.
pub type ArchivesByPlace = BTreeMap<(ConnectionName, ObjectType), BTreeSet<RecordRef>>;

/// The records that operations archive.
pub(crate) fn archives<'a>(operations: impl IntoIterator<Item = &'a Operation>) -> ArchivesByPlace {
    let mut archives = ArchivesByPlace::new();
    for operation in operations {
        if let (Intent::Archive, Target::Record(record)) = (&operation.intent, &operation.target) {
            let place = (record.connection.clone(), record.object.clone());
            archives.entry(place).or_default().insert(record.clone());
        }
    }
    archives
}

/// A plan being put together.
#[derive(Debug, Clone, Default)]
pub struct PlanDraft {
    pub(super) kind: PlanKind,
    scope: Scope,
    pub(super) operations: Vec<Operation>,
    pub(super) parked: Vec<Parked>,
}

impl PlanDraft {
    /// Starts a plan.
    #[must_use]
    pub fn new(kind: PlanKind, scope: Scope) -> Self {
        Self { kind, scope, ..Self::default() }
    }

    /// What has been planned so far.
    #[must_use]
    pub fn operations(&self) -> &[Operation] {
        &self.operations
    }

    /// The records that would be archived, by connection and object type.
    #[must_use]
    pub fn archives(&self) -> ArchivesByPlace {
        archives(&self.operations)
    }

    /// Keeps out what would be written where nothing may be, each with the reason.
    pub fn keep_out(&mut self, why: &dyn Fn(&ConnectionName) -> Option<Text>) {
        for operation in std::mem::take(&mut self.operations) {
            match why(operation.target.connection()) {
                None => self.operations.push(operation),
                Some(why) => self.parked.push(Parked::new(operation, why)),
            }
        }
    }

    /// Orders the operations, holds deletes to the limits, and names the plan. `deletes(connection, object)` says what
    /// the limits are measured against there.
    #[must_use]
    pub fn finish(
        mut self,
        tenant: &TenantId,
        limits: Limits,
        deletes: &dyn Fn(&ConnectionName, &ObjectType) -> Deletes,
    ) -> Plan {
        self.hold_deletes(limits, deletes);
        // Creates first, so that references to what they create can follow; archives last. Within each, a total order.
        let rank = |operation: &Operation| match operation.intent {
            Intent::Create(_) => 0,
            Intent::Set(_) => 1,
            Intent::Archive => 2,
        };
        self.operations
            .sort_by(|a, b| (rank(a), &a.target, a.entity, &a.unit).cmp(&(rank(b), &b.target, b.entity, &b.unit)));
        let mut fingerprint = Fingerprint::new();
        fingerprint.text(tenant.as_str()).number(self.kind as i64);
        for operation in &self.operations {
            fingerprint.bytes(&operation.key.0).bytes(&operation.basis.0);
        }
        if !self.operations.is_empty() || !self.parked.is_empty() {
            self.scope.fingerprint(&mut fingerprint);
        }
        // What is kept out is part of the name: whoever confirms deletes by it confirms those that they were shown.
        for Parked { operation, .. } in &self.parked {
            fingerprint.text("parked").bytes(&operation.key.0);
        }
        Plan {
            hash: fingerprint.finish(),
            kind: self.kind,
            scope: self.scope,
            operations: self.operations,
            parked: self.parked,
        }
    }

    /// Parks the whole delete part of an object type whose deletes exceed a limit; the rest goes on.
    fn hold_deletes(&mut self, limits: Limits, deletes: &dyn Fn(&ConnectionName, &ObjectType) -> Deletes) {
        for ((connection, object), archived) in self.archives() {
            let here = |operation: &Operation| {
                operation.intent == Intent::Archive
                    && *operation.target.connection() == connection
                    && *operation.target.object() == object
            };
            let Some(why) = limits.exceeded(deletes(&connection, &object), archived.len()) else { continue };
            let (parked, kept): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.operations).into_iter().partition(|operation| here(operation));
            self.operations = kept;
            self.parked.extend(parked.into_iter().map(|operation| Parked::limited(operation, why.clone())));
        }
    }

    /// The attributes that would be written, by place.
    #[must_use]
    pub fn write_places(&self) -> BTreeSet<WritePlace> {
        self.operations.iter().filter_map(WritePlace::of).collect()
    }

    /// Parks all writes of an attribute into a connection where they exceed the limit; the rest goes on. `writes` says what
    /// the limit is measured against there.
    pub fn hold_writes(&mut self, limits: Limits, writes: &dyn Fn(&WritePlace) -> Writes) {
        for place in self.write_places() {
            let here = |operation: &Operation| WritePlace::of(operation).as_ref() == Some(&place);
            let planned = self.operations.iter().filter(|operation| here(operation)).count();
            let Some(why) = limits.writes_exceeded(&place, writes(&place), planned) else { continue };
            let (parked, kept): (Vec<_>, Vec<_>) =
                std::mem::take(&mut self.operations).into_iter().partition(|operation| here(operation));
            self.operations = kept;
            self.parked.extend(parked.into_iter().map(|operation| Parked::limited(operation, why.clone())));
        }
    }

    /// Whether entities of a type are planned.
    pub(super) fn covers_type(&self, entity_type: &EntityType) -> bool {
        self.scope.types.as_ref().is_none_or(|types| types.contains(entity_type))
    }

    /// Whether a plan writes there. A scope that names a set or a keyed collection means all of its elements.
    pub(super) fn covers(&self, connection: &ConnectionName, system: &SystemName, unit: &Text) -> bool {
        let toward = self.scope.toward.as_ref().is_none_or(|toward| {
            toward.iter().any(|name| **name == *connection.as_str() || **name == *system.as_str())
        });
        let whole = unit.split_once('[').map_or(&**unit, |(whole, _)| whole);
        toward
            && self
                .scope
                .units
                .as_ref()
                .is_none_or(|units| units.iter().any(|named| **named == *whole || named == unit))
    }
}
