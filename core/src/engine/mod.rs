//! The engine: sequences the pure centre between connectors and a store, and records what happened. It decides nothing.

mod backlog;
mod bell;
mod builder;
mod case;
mod case_index;
mod checks;
mod desk;
mod due_index;
mod hydrate;
mod identity_index;
mod inputs;
mod intake;
mod live;
mod match_index;
mod match_queue;
mod outdated;
mod parsed;
mod persist;
mod retention;
mod schedule;
mod suppression;
mod tenant;
mod vitals;
mod worker;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::card::CardNumbers;
use crate::clock::{Clock, Entropy};
use crate::connector::Connector;
use crate::decode::DecodeTable;
use crate::id::{ConnectionName, EntityId, ObjectType, RecordRef, SystemName, TenantId};
use crate::model::Model;
use crate::plan::Limits;
use crate::representation::stored::SlotNames;
use crate::settle::RuleSet;
use crate::stamp::Domain;
use crate::store::Store;
use crate::surface::{Channel, Completeness, Deletes, Surface};
use crate::text::Text;
use crate::triage::Triage;

pub use crate::settle::Ruled;
pub use builder::Builder;
pub use case::{Case, CaseKind};
#[cfg(feature = "keys")]
pub(crate) use case_index::PREFIX as CASES;
pub use checks::Checks;
pub use desk::{CaseNote, Comment, Desk};
pub use inputs::Inputs;
pub use intake::TakenIn;
#[cfg(feature = "keys")]
pub(crate) use persist::{identity_of_key, json, record_of_key};
pub use retention::Retention;
pub use schedule::Schedule;
pub use tenant::feed;
pub use tenant::{
    Ages, AggregateResult, Alerted, Applied, Applying, Approved, AsOf, Assigned, BulkDecided, BulkEffect, BulkPreview,
    CaseCursor, CaseFilter, CasePage, Changed, CheckResult, Checked, Compacted, Compared, ConnectionStatus, Difference,
    DiscrepancyFilter, EntryExport, Erased, FailedCall, FailedCheck, Finding, FoundEntity, Granted, Happening,
    HistoryPage, Integrity, JournalSize, JournalSizes, LetterCause, LetterGroup, LetterState, Looking, MOST_AT_ONCE,
    Matched, Next, Otherwise, Outstanding, PersonExport, PlanRequest, PlanState, PlanSummary, PlanThen, Progress,
    Pulse, Ran, RecordExport, Rederived, Replayed, Reread, Resumed, Retried, SchemaChecked, SchemaStop, Search,
    SearchPage, Seen, SeenAsOf, Status, Stepped, StoredDeadLetter, Tenant, Trained, UnlinkedRecord, Unmatched, Unread,
    Verification, WhatIf, WouldBe, WouldWrite,
};
#[cfg(feature = "keys")]
pub(crate) use tenant::{CONFIRMATIONS, REFUSALS, TRAINED_MODELS};

pub use worker::{Worked, Worker};

/// The library, configured: a model, connections, rules, a store.
///
/// Cheap to clone, and shared by all tenants: every verb lives on [`Tenant`], so that no call can forget whose data it is.
#[derive(Clone)]
pub struct Accordant(pub(crate) Arc<Core>);

impl std::fmt::Debug for Accordant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accordant").field("connections", &self.0.connections.keys()).finish_non_exhaustive()
    }
}

impl Accordant {
    /// Starts a configuration.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new()
    }

    /// A tenant's handle.
    #[must_use]
    pub fn tenant(&self, id: &str) -> Tenant {
        let id = if planted!(TenantsMeet) { "everybody" } else { id };
        Tenant::new(Arc::clone(&self.0), TenantId::new(id))
    }

    /// The compiled model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.0.model
    }

    /// The connections by name, each with the system that it is to: by these names records say where they are.
    pub fn connections(&self) -> impl Iterator<Item = (&ConnectionName, &SystemName)> {
        self.0.connections.iter().map(|(name, connection)| (name, &connection.system))
    }
}

/// Everything that tenants share.
pub(crate) struct Core {
    pub(crate) model: Model,
    pub(crate) rules: Vec<RuleSet>,
    pub(crate) connections: BTreeMap<ConnectionName, Connection>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limits: Limits,
    pub(crate) retention: Retention,
    /// What signs checkpoints, and checks them.
    pub(crate) checkpoint_keys: Option<Arc<dyn crate::checkpoint::CheckpointKeys>>,
    /// What becomes of card numbers in what people enter.
    pub(crate) cards: CardNumbers,
    /// Who may do what; none: everybody may do everything.
    pub(crate) roles: Option<crate::role::Roles>,
    pub(crate) schedule: Schedule,
    /// The models, as they were declared: what systems say of themselves is held against them.
    pub(crate) models: Vec<crate::model::EntityModel>,
    /// What is known to stand still because systems describe themselves otherwise than expected.
    pub(crate) stops: tenant::Stops,
    /// From where on somebody is told, and who.
    pub(crate) thresholds: Vec<crate::alert::Threshold>,
    pub(crate) sinks: Vec<Box<dyn crate::alert::AlertSink>>,
    /// Where the thresholds stand.
    pub(crate) alerting: tenant::Alerting,
    /// What is verified though no event asked for it.
    pub(crate) checks: Checks,
    /// In which order what waits is read, and how much may wait.
    pub(crate) inputs: Inputs,
    /// How much waits, as far as this process knows.
    pub(crate) backlogs: backlog::Backlogs,
    /// How many dead letters wait, as far as this process looked.
    pub(crate) letters: tenant::LetterCounts,
    /// What everything else took of the budgets of checks, and is not counted there yet.
    pub(crate) live: live::LiveCalls,
    /// How often connections are read anew that say otherwise than the schedule.
    pub(crate) pulses: BTreeMap<ConnectionName, Option<chrono::TimeDelta>>,
    /// The units on which a decision takes two people, by name, per entity type.
    pub(crate) four_eyes: Vec<BTreeSet<Text>>,
    /// How records are matched where no key says whose they are, per entity type.
    pub(crate) matching: Vec<Option<crate::matching::Matching>>,
    /// What matchers are told of and compare, per entity type.
    pub(crate) match_columns: Vec<Vec<match_index::MatchColumn>>,
    /// What the matchers' indexes hold.
    pub(crate) match_indexes: match_index::MatchIndexes,
    /// How cases are weighed, per entity type.
    pub(crate) triage: Vec<Option<Triage>>,
    /// How slots are named in stored state: per entity type and object type; the hub's own last.
    pub(crate) names: Vec<Vec<SlotNames>>,
    /// The writes that applications in this process have under way.
    pub(crate) claims: tenant::Claims,
    /// What wakes the runs of this process.
    pub(crate) bells: bell::Bells,
    /// What rows held when they were last read.
    pub(crate) memory: parsed::Memory,
    /// How far the tenants' tables were looked through for what has run out.
    pub(crate) sweeps: retention::Sweeps,
    /// How long what this process takes in hand is its own, in milliseconds; none where one process works alone.
    pub(crate) lease: Option<i64>,
    /// What commits rest on beside what they read.
    pub(crate) footings: tenant::Footings,
    /// The tenants whose cases are known to be filed by this triage.
    pub(crate) filed: std::sync::RwLock<BTreeSet<TenantId>>,
    /// What telemetry counts of the store.
    pub(crate) commits: crate::telemetry::Commits,
}

/// One connection, bound to the model.
pub(crate) struct Connection {
    pub(crate) system: SystemName,
    /// Its calls are counted.
    pub(crate) connector: Arc<dyn Connector>,
    pub(crate) vitals: Arc<vitals::Vitals>,
    /// What telemetry counts of it.
    pub(crate) instruments: Arc<crate::telemetry::Instruments>,
    pub(crate) surfaces: Vec<BoundSurface>,
    /// What becomes of card numbers in what it says.
    pub(crate) cards: CardNumbers,
    /// The entity type and object type, by index, of each native type; and the ordering domain of its stamps.
    pub(crate) objects: BTreeMap<ObjectType, (u16, u16, Domain)>,
}

impl Connection {
    /// Whether a scan says by itself all that a hint at a record of an object type would have led to: what the record says, and that
    /// it is gone.
    pub(crate) fn scan_makes_up_for_hints(&self, object: &ObjectType) -> bool {
        let Some((_, _, domain)) = self.objects.get(object) else { return false };
        let mut surfaces = self.surfaces.iter().map(|bound| &bound.surface);
        surfaces.any(|surface| {
            let semantics = &surface.semantics;
            let tells = semantics.completeness == Completeness::Full && semantics.deletes != Deletes::NeverTold;
            surface.channel == Channel::Scan && surface.object == *object && surface.observes(*domain) && tells
        })
    }

    /// Whether nothing that a surface carries is believed: all that it tells is read.
    pub(crate) fn only_hints(&self, surface: &Surface) -> bool {
        self.objects.get(&surface.object).is_some_and(|(_, _, domain)| !surface.observes(*domain))
    }

    /// Whether records of an object type are read from end to end by a scan.
    pub(crate) fn scans(&self, object: &ObjectType) -> bool {
        let mut surfaces = self.surfaces.iter().map(|bound| &bound.surface);
        surfaces.any(|surface| surface.channel == Channel::Scan && surface.object == *object)
    }
}

/// A surface with its decoder; none if the model does not know its object type.
pub(crate) struct BoundSurface {
    pub(crate) surface: Surface,
    pub(crate) decodes: Option<DecodeTable>,
}

impl Core {
    /// The entity type and object type, by index, of a record.
    pub(crate) fn place(&self, record: &RecordRef) -> Option<(u16, u16)> {
        if record.connection.as_str() == crate::hub::SYSTEM {
            let entity = self.model.entity_index(record.object.as_str())?;
            return Some((entity, crate::entity::HUB_OBJECT));
        }
        let (entity, object, _) = self.connections.get(&record.connection)?.objects.get(&record.object)?;
        Some((*entity, *object))
    }

    /// The ordering domain of a record's stamps. The hub's are instants of our own clock.
    pub(crate) fn domain(&self, record: &RecordRef) -> Domain {
        if record.connection.as_str() == crate::hub::SYSTEM {
            return Domain::Time(crate::stamp::TimeScale {
                kind: crate::stamp::TimeKind::FieldModified,
                precision_ms: 1,
                skew_ms: 0,
            });
        }
        let connection = self.connections.get(&record.connection);
        connection.and_then(|c| c.objects.get(&record.object)).map_or(Domain::ReadOrder, |(_, _, domain)| *domain)
    }

    /// Whether the model has references to records of this object type.
    pub(crate) fn is_referred_to(&self, record: &RecordRef) -> bool {
        let Some(connection) = self.connections.get(&record.connection) else { return false };
        self.model.entities.iter().flat_map(|entity| &entity.objects).any(|object| {
            object.declared.system == connection.system
                && object.references.iter().flatten().any(|native| *native == record.object)
        })
    }

    /// How a record's slots are named in stored state.
    pub(crate) fn slot_names(&self, entity: u16, object: u16) -> &SlotNames {
        let names = &self.names[usize::from(entity)];
        names.get(usize::from(object)).unwrap_or(&names[names.len() - 1])
    }

    /// A new entity's id: an instant and randomness, both journaled with the entity.
    pub(crate) fn new_entity_id(&self, as_of: i64) -> EntityId {
        let mut random = [0; 10];
        self.entropy.fill(&mut random);
        EntityId::from_parts(u64::try_from(as_of).unwrap_or(0), random)
    }
}
