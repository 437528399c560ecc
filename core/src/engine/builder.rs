//! The builder: everything that can be known to be wrong before the first event is found here, all at once.

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use self::names::{Declared, domain_of};
use chrono::TimeDelta;

use crate::alert::{AlertSink, Threshold};
use crate::card::CardNumbers;
use crate::checkpoint::CheckpointKeys;
use crate::clock::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::connector::Connector;
use crate::decode::DecodeTable;
use crate::engine::match_index::match_columns;
use crate::engine::schedule::not_longer_than_nothing;
use crate::engine::vitals::{Metered, Vitals};
use crate::engine::{Accordant, BoundSurface, Checks, Connection, Core, Inputs, Retention, Schedule};
use crate::error::Error;
use crate::id::{AttributeId, ConnectionName, EntityType, ObjectType, SystemName};
use crate::matching::Matching;
use crate::model::{Attribute, Canonical, CompiledEntity, EntityModel, Mistake, Mistakes, Model, UnitIndex};
use crate::plan::Limits;
use crate::representation::stored::SlotNames;
use crate::role::Roles;
use crate::rule::{self, AnyRule, Guard, Rule};
use crate::settle::RuleSet;
use crate::store::{MemoryStore, Store};
use crate::surface::Surface;
use crate::telemetry::Instruments;
use crate::text::Text;
use crate::triage::Triage;
use crate::value::Value;

/// Collects a configuration; [`Builder::build`] checks it.
pub struct Builder {
    models: Vec<EntityModel>,
    mistakes: Vec<Mistake>,
    connectors: Vec<(Option<String>, Arc<dyn Connector>)>,
    rules: Vec<(EntityType, AttributeId, Arc<dyn AnyRule>)>,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    limits: Limits,
    retention: Retention,
    checkpoint_keys: Option<Arc<dyn CheckpointKeys>>,
    #[cfg(feature = "keys")]
    sealed: Option<Arc<dyn crate::seal::SealKeys>>,
    cards: CardNumbers,
    roles: Option<Roles>,
    schedule: Schedule,
    checks: Checks,
    inputs: Inputs,
    thresholds: Vec<Threshold>,
    sinks: Vec<Box<dyn AlertSink>>,
    pulses: BTreeMap<ConnectionName, Option<TimeDelta>>,
    lease: Option<TimeDelta>,
    triage: Vec<Triage>,
    matching: Vec<Matching>,
    four_eyes: Vec<(EntityType, AttributeId)>,
    max_bytes: usize,
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("models", &self.models.len()).finish_non_exhaustive()
    }
}

/// The largest body that is decoded unless the builder says otherwise: 16 MiB.
const MAX_BYTES: usize = 16 << 20;

impl Builder {
    pub(super) fn new() -> Self {
        Self {
            models: Vec::new(),
            mistakes: Vec::new(),
            connectors: Vec::new(),
            rules: Vec::new(),
            store: Arc::new(MemoryStore::default()),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            limits: Limits::default(),
            retention: Retention::default(),
            checkpoint_keys: None,
            #[cfg(feature = "keys")]
            sealed: None,
            cards: CardNumbers::default(),
            roles: None,
            schedule: Schedule::default(),
            checks: Checks::new(),
            inputs: Inputs::new(),
            thresholds: Threshold::standard(),
            sinks: Vec::new(),
            pulses: BTreeMap::new(),
            lease: None,
            triage: Vec::new(),
            matching: Vec::new(),
            four_eyes: Vec::new(),
            max_bytes: MAX_BYTES,
        }
    }

    /// Where state and journal are kept. Without it, in memory.
    #[must_use]
    pub fn store(mut self, store: impl Store) -> Self {
        self.store = Arc::new(store);
        self
    }

    /// Connects a system under its own name.
    #[must_use]
    pub fn connect(mut self, connector: impl Connector) -> Self {
        self.connectors.push((None, Arc::new(connector)));
        self
    }

    /// Connects a system under another name: a sandbox, or a second account.
    #[must_use]
    pub fn connect_as(mut self, name: &str, connector: impl Connector) -> Self {
        self.connectors.push((Some(name.to_owned()), Arc::new(connector)));
        self
    }

    /// Declares an entity type by its struct.
    #[must_use]
    pub fn entity<E: Canonical>(self) -> Self {
        self.entity_model(E::model())
    }

    /// Declares an entity type by its model: one from a file.
    #[must_use]
    pub fn entity_model(mut self, model: EntityModel) -> Self {
        self.models.push(model);
        self
    }

    /// Guards the changes of an attribute.
    #[must_use]
    pub fn rule<E: Canonical, T: Value, R: Rule<T>>(mut self, attribute: Attribute<E, T>, rule: R) -> Self {
        self.rules.push((E::ENTITY.into(), attribute.id().into(), rule::erase::<T, R>(rule)));
        self
    }

    /// Changes owners, paths, policies of an entity type from a TOML text. The entity type is declared before.
    #[must_use]
    pub fn overlay(mut self, text: &str, registry: &crate::policy::Registry) -> Self {
        let named = text.parse::<toml::Table>().ok();
        let named = named.and_then(|table| Some(table.get("entity")?.as_str()?.to_owned()));
        let found = self.models.iter_mut().find(|model| Some(model.entity.as_str()) == named.as_deref());
        match found {
            Some(model) => {
                if let Err(error) = model.overlay(text, registry) {
                    self.mistakes.push(Mistake::Other(error.to_string()));
                }
            }
            None => self.mistakes.push(Mistake::Other(format!(
                "the overlay is for entity `{}`, which is not declared",
                named.unwrap_or_default()
            ))),
        }
        self
    }

    /// The limits that plans keep. By default 25 deletes and 5 %.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How long is kept what only serves a while. By default, ids of deliveries for thirty days; plans and approvals that
    /// were not carried out for ninety.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// What signs checkpoints, and checks them ([`Tenant::checkpoint`](crate::Tenant::checkpoint)). Without it, none are made, and
    /// the signature of one at which a journal begins is not looked at.
    #[must_use]
    pub fn checkpoint_keys(mut self, keys: impl CheckpointKeys) -> Self {
        self.checkpoint_keys = Some(Arc::new(keys));
        self
    }

    /// What is stored is encrypted under a key of whom it is about, and an erasure destroys that key: in copies of the store that
    /// were made before, nothing of whoever was erased can be read any more ([`SealedStore`](crate::seal::SealedStore)). A tenant that was written without a
    /// seal, or with other keys, is refused before anything of it is changed.
    #[cfg(feature = "keys")]
    #[must_use]
    pub fn sealed(mut self, keys: impl crate::seal::SealKeys) -> Self {
        self.sealed = Some(Arc::new(keys));
        self
    }

    /// How often [`Tenant::run`](crate::engine::Tenant::run) does what.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = schedule;
        self
    }

    /// From where on somebody is told that a connection needs him. By default [`Threshold::standard`].
    #[must_use]
    pub fn alerts(mut self, thresholds: impl IntoIterator<Item = Threshold>) -> Self {
        self.thresholds = thresholds.into_iter().collect();
        self
    }

    /// Somebody who is told. A sink is waited for, so that it gives up by itself where nobody answers; one that fails is told again.
    #[must_use]
    pub fn alert_sink(mut self, sink: impl AlertSink) -> Self {
        self.sinks.push(Box::new(sink));
        self
    }

    /// What is verified though no event asked for it, beside pulses. By default nothing. A connection that is not connected, and an entity
    /// type that is not declared, are mistakes.
    #[must_use]
    pub fn checks(mut self, checks: Checks) -> Self {
        self.checks = checks;
        self
    }

    /// In which order what waits to be read is, how much of it may wait, and for how long. By default the oldest first, 100 000 records
    /// of a connection, for ever. What names a connection or an entity type that there is not, or cannot be meant, is a mistake.
    #[must_use]
    pub fn inputs(mut self, inputs: Inputs) -> Self {
        self.inputs = inputs;
        self
    }

    /// How often [`Tenant::run`](crate::engine::Tenant::run) reads this connection anew from end to end, otherwise than
    /// [`Schedule::scan`] says; `None`: never by itself. A connection that is not connected is a mistake.
    #[must_use]
    pub fn pulse(mut self, connection: &str, every: Option<TimeDelta>) -> Self {
        self.pulses.insert(ConnectionName::new(connection), every);
        self
    }

    /// Several processes work on one store: what one of them sends to a system, or reads there, the others leave alone for so
    /// long. What a process that died had in hand is taken up after that.
    ///
    /// Longer than the longest call that a connector makes, and than clocks differ; no call begins in its second half. By
    /// default one process works alone, and takes up at once what it finds when it starts.
    #[must_use]
    pub fn lease(mut self, length: TimeDelta) -> Self {
        self.lease = Some(length);
        self
    }

    /// What is done about this attribute takes two people: what one decides is a proposal until another approves it with
    /// [`Tenant::approve_decision`](crate::Tenant::approve_decision), and nobody enters it; who alone asked for a plan that writes
    /// it neither approves that plan nor confirms what a limit keeps out of it; and a standing approval for it covers nothing
    /// before a second person approved that.
    #[must_use]
    pub fn four_eyes<E: Canonical, T>(mut self, attribute: Attribute<E, T>) -> Self {
        self.four_eyes.push((E::ENTITY.into(), attribute.id().into()));
        self
    }

    /// How grave the cases of an entity type are, and from when they age. By default by kind alone, from first sight.
    #[must_use]
    pub fn triage(mut self, triage: Triage) -> Self {
        self.triage.push(triage);
        self
    }

    /// Matches the records of an entity type where no key says whose they are. A type is matched from when a model was trained:
    /// [`Tenant::train_matcher`](crate::Tenant::train_matcher). By default none is.
    ///
    /// A matcher is shown attributes with one value. Of attributes with several it is shown nothing, nor of derived ones, of references
    /// and of what only the hub holds: where that tells who somebody is, map the part that does to an attribute of its own, as the primary
    /// of several addresses. A type of which it would compare nothing is a mistake that [`Builder::build`] tells.
    #[must_use]
    pub fn match_by(mut self, matching: Matching) -> Self {
        self.matching.push(matching);
        self
    }

    /// The clock. By default the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The source of randomness. By default the operating system.
    #[must_use]
    pub fn entropy(mut self, entropy: impl Entropy) -> Self {
        self.entropy = Arc::new(entropy);
        self
    }

    /// The largest body that is decoded, in bytes. By default 16 MiB.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// What becomes of card numbers in what systems say and people enter: by default they are removed before anything is kept.
    #[must_use]
    pub fn card_numbers(mut self, cards: CardNumbers) -> Self {
        self.cards = cards;
        self
    }

    /// Who may do what. From then on every call that names an actor asks for their role, and
    /// [`Tenant::seen_by`](crate::Tenant::seen_by) shows what it shows; without it, everybody may do everything.
    #[must_use]
    pub fn roles(mut self, roles: Roles) -> Self {
        self.roles = Some(roles);
        self
    }

    /// Checks the configuration. Pure: nothing is opened, read or written.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] with every mistake.
    pub fn build(self) -> Result<Accordant, Error> {
        let mut mistakes = self.mistakes;
        let connectors = named(self.connectors);
        // Names are checked against what was declared: a model that does not compile hides no other mistake.
        let declared = Declared(&self.models);
        let mut names = Vec::new();
        declared.check_connections(&connectors, &mut names);
        // What a file says of an attribute is asked before what code does.
        let of_files = self.models.iter().flat_map(|model| {
            let of = move |attribute: &crate::model::AttributeModel| {
                let id = attribute.id.clone();
                attribute.rules.clone().into_iter().map(move |rule| (model.entity.clone(), id.clone(), rule))
            };
            model.attributes.iter().flat_map(of)
        });
        let rules: Vec<_> = of_files.chain(self.rules).collect();
        declared.check_rules(&rules, &mut names);
        declared.check_four_eyes(&self.four_eyes, &mut names);
        declared.check_triage(&self.triage, &mut names);
        declared.check_matching(&self.matching, &mut names);
        let compiled = Model::compile(self.models.clone()).map_err(|found| mistakes.extend(found.0));
        mistakes.extend(names);
        let unknown = self.pulses.keys().filter(|name| connectors.iter().all(|(connected, _)| connected != *name));
        mistakes.extend(unknown.map(|name| Mistake::Other(format!("`pulse` names `{name}`, which is no connection"))));
        let unknown =
            self.checks.budgets.keys().filter(|name| connectors.iter().all(|(connected, _)| connected != *name));
        mistakes.extend(unknown.map(|name| Mistake::Other(format!("`checks` names `{name}`, which is no connection"))));
        let unknown =
            self.checks.priorities.keys().filter(|name| self.models.iter().all(|model| model.entity != **name));
        let unknown = unknown.map(|name| format!("`checks` names entity `{name}`, which is not declared"));
        mistakes.extend(unknown.map(Mistake::Other));
        let connected =
            connectors.iter().map(|(name, connector)| (name, SystemName::new(connector.system()))).collect();
        declared.check_checks(&self.checks, &connected, &mut mistakes);
        declared.check_inputs(&self.inputs, &connected, &mut mistakes);
        let pulses = self
            .pulses
            .iter()
            .filter_map(|(name, every)| not_longer_than_nothing(&format!("`pulse` of `{name}`"), (*every)?));
        let lease = self.lease.and_then(|length| not_longer_than_nothing("`lease`", length));
        let lengths = self.retention.refused().chain(self.schedule.refused()).chain(pulses).chain(lease);
        mistakes.extend(lengths.map(Mistake::Other));
        if let (Ok(model), Some(roles)) = (&compiled, &self.roles) {
            let unknown = roles.unknown(model).map(|(entity, id)| format!("`{entity}.{id}`"));
            let mistake = |unknown| Mistake::Other(format!("`roles` names {unknown}, which the model does not have"));
            mistakes.extend(unknown.map(mistake));
        }
        let (Ok(model), true) = (compiled, mistakes.is_empty()) else {
            return Err(Error::Configuration(Mistakes(mistakes)));
        };
        let connections = connectors
            .into_iter()
            .map(|(name, connector)| {
                let connection = bind(&model, (&name, connector), &self.clock, self.max_bytes, self.cards);
                (name, connection)
            })
            .collect();
        let rules = place_rules(&model, rules);
        let names = model.entities.iter().map(slot_names).collect();
        let four_eyes = model.entities.iter().map(|entity| two_people(entity, &self.four_eyes)).collect();
        let of =
            |entity: &CompiledEntity| self.triage.iter().find(|triage| *triage.entity_type() == entity.name).cloned();
        let triage = model.entities.iter().map(of).collect();
        let store = self.store;
        #[cfg(feature = "keys")]
        let store = match self.sealed {
            Some(keys) => Arc::new(crate::seal::SealedStore::over(store, keys, Arc::clone(&self.entropy))),
            None => store,
        };
        let of = |entity: &CompiledEntity| self.matching.iter().find(|one| one.entity_type == entity.name).cloned();
        let matching: Vec<Option<Matching>> = model.entities.iter().map(of).collect();
        let columns = |(of, matching): (&CompiledEntity, &Option<Matching>)| {
            matching.as_ref().map(|matching| match_columns(&of.attributes, &*matching.matcher)).unwrap_or_default()
        };
        let match_columns = model.entities.iter().zip(&matching).map(columns).collect();
        Ok(Accordant(Arc::new(Core {
            model,
            rules,
            connections,
            store,
            clock: self.clock,
            entropy: self.entropy,
            limits: self.limits,
            retention: self.retention,
            checkpoint_keys: self.checkpoint_keys,
            cards: self.cards,
            roles: self.roles,
            schedule: self.schedule,
            checks: self.checks,
            inputs: self.inputs,
            backlogs: crate::engine::backlog::Backlogs::default(),
            letters: crate::engine::tenant::LetterCounts::default(),
            live: crate::engine::live::LiveCalls::default(),
            thresholds: self.thresholds,
            sinks: self.sinks,
            alerting: crate::engine::tenant::Alerting::default(),
            models: self.models,
            stops: crate::engine::tenant::Stops::default(),
            pulses: self.pulses,
            four_eyes,
            triage,
            matching,
            match_columns,
            match_indexes: crate::engine::match_index::MatchIndexes::default(),
            names,
            claims: crate::engine::tenant::Claims::default(),
            bells: crate::engine::bell::Bells::default(),
            memory: crate::engine::parsed::Memory::default(),
            sweeps: crate::engine::retention::Sweeps::default(),
            lease: self.lease.map(|length| length.num_milliseconds()),
            footings: crate::engine::tenant::Footings::default(),
            filed: std::sync::RwLock::default(),
            commits: crate::telemetry::Commits::new(),
        })))
    }
}

/// Connectors under the names of their connections.
fn named(connectors: Vec<(Option<String>, Arc<dyn Connector>)>) -> Vec<(ConnectionName, Arc<dyn Connector>)> {
    let name = |name: Option<String>, connector: &dyn Connector| name.unwrap_or_else(|| connector.system().to_owned());
    connectors.into_iter().map(|(own, connector)| (ConnectionName::from(name(own, &*connector)), connector)).collect()
}

fn bind(
    model: &Model,
    (name, connector): (&ConnectionName, Arc<dyn Connector>),
    clock: &Arc<dyn Clock>,
    max_bytes: usize,
    cards: CardNumbers,
) -> Connection {
    let system = SystemName::new(connector.system());
    let mut objects = BTreeMap::new();
    for native in model.entities.iter().flat_map(|entity| &entity.objects).map(|object| &object.declared) {
        if native.system == system
            && let Ok(domain) = domain_of(connector.surfaces(), &native.object)
            && let Some((entity, object)) = model.object(&system, &native.object)
        {
            objects.insert(native.object.clone(), (entity, object, domain));
        }
    }
    let surfaces = connector
        .surfaces()
        .iter()
        .map(|surface| BoundSurface {
            decodes: decoder(model, &system, &surface.object, surface, max_bytes),
            surface: surface.clone(),
        })
        .collect();
    let vitals = Arc::<Vitals>::default();
    let instruments = Arc::new(Instruments::new(name));
    let counted = (Arc::clone(&vitals), Arc::clone(&instruments));
    let connector = Arc::new(Metered::new(name.clone(), connector, counted, Arc::clone(clock)));
    Connection { system, connector, vitals, instruments, surfaces, cards, objects }
}

fn decoder(
    model: &Model,
    system: &SystemName,
    native: &ObjectType,
    surface: &Surface,
    max_bytes: usize,
) -> Option<DecodeTable> {
    let (entity, object) = model.object(system, native)?;
    let entity = model.entity(entity);
    let object = entity.objects.get(usize::from(object))?;
    Some(DecodeTable::of(entity, object, &surface.shape).with_max_bytes(max_bytes))
}

fn place_rules(model: &Model, rules: Vec<(EntityType, AttributeId, Arc<dyn AnyRule>)>) -> Vec<RuleSet> {
    let mut placed: Vec<RuleSet> = vec![RuleSet::new(); model.entities.len()];
    for (entity, attribute, rule) in rules {
        let Some(entity) = model.entity_index(entity.as_str()) else { continue };
        let Some((unit, member)) = guarded(model.entity(entity), attribute.as_str()) else { continue };
        placed[usize::from(entity)].entry(unit).or_default().push(Guard { member, rule });
    }
    placed
}

/// The unit that an attribute's rule guards, and which member of it: an attribute of a group is judged for itself.
fn guarded(entity: &CompiledEntity, attribute: &str) -> Option<(UnitIndex, Option<u16>)> {
    let as_member = entity.unit_of(attribute).map(|(unit, member)| (unit, Some(member)));
    as_member.or_else(|| Some((entity.unit_index(attribute)?, None)))
}

/// The units on which a decision takes two people.
fn two_people(entity: &CompiledEntity, asked: &[(EntityType, AttributeId)]) -> BTreeSet<Text> {
    let of_entity = asked.iter().filter(|(of, _)| *of == entity.name);
    let unit = |id: &AttributeId| entity.units.get(usize::from(entity.unit_index(id.as_str())?)).map(|u| u.id.clone());
    of_entity.filter_map(|(_, id)| unit(id)).collect()
}

fn slot_names(entity: &CompiledEntity) -> Vec<SlotNames> {
    let hub = SlotNames::new(entity.attributes.iter().map(|attribute| {
        let was = attribute.was.iter().map(|was| was.as_str().into()).collect();
        (attribute.id.as_str().into(), crate::model::change::hub_read_by(attribute), was)
    }));
    let objects = entity.objects.iter().map(|object| SlotNames::of(object, &entity.attributes));
    objects.chain(std::iter::once(hub)).collect()
}
