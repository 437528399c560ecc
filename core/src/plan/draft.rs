//! A plan being put together.

use super::limits::{Counted, Limits};
use super::{Intent, Operation, Parked, Plan, PlanKind, Scope};
use crate::fingerprint::Fingerprint;
use crate::id::{ConnectionName, EntityType, SystemName, TenantId};
use crate::text::Text;

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

    /// What was kept out so far.
    #[must_use]
    pub fn parked(&self) -> &[Parked] {
        &self.parked
    }

    /// Keeps out what would be written where nothing may be, each with the reason.
    pub fn keep_out(&mut self, why: &dyn Fn(&ConnectionName) -> Option<Text>) {
        self.keep_out_each(&|operation| why(operation.target.connection()));
    }

    /// Parks the operations of which it is said why nothing is written.
    pub fn keep_out_each(&mut self, why: &dyn Fn(&Operation) -> Option<Text>) {
        self.keep_out_each_from(0, why);
    }

    /// The same, among the operations from a place on.
    pub(crate) fn keep_out_each_from(&mut self, from: usize, why: &dyn Fn(&Operation) -> Option<Text>) {
        for operation in self.operations.split_off(from.min(self.operations.len())) {
            match why(&operation) {
                None => self.operations.push(operation),
                Some(why) => self.parked.push(Parked::new(operation, why)),
            }
        }
    }

    /// Parks what limits keep out; the rest goes on. `counted` says what the operations are measured against.
    pub fn keep_to(&mut self, limits: Limits, counted: &Counted) {
        let kept_out = counted.kept_out(limits, &self.operations);
        for operation in std::mem::take(&mut self.operations) {
            match kept_out.get(&operation.key) {
                None => self.operations.push(operation),
                Some(why) => self.parked.push(Parked::limited(operation, why.clone())),
            }
        }
    }

    /// Orders the operations, and names the plan.
    #[must_use]
    pub fn finish(mut self, tenant: &TenantId) -> Plan {
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
