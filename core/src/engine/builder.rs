//! The builder: everything that can be known to be wrong before the first event is found here, all at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::{Clock, Entropy, SystemClock, SystemEntropy};
use crate::connector::Connector;
use crate::decode::DecodeTable;
use crate::engine::{Accordant, BoundSurface, Connection, Core};
use crate::error::Error;
use crate::id::{AttributeId, ConnectionName, EntityType, ObjectType, SystemName};
use crate::model::{Attribute, Canonical, CompiledEntity, EntityModel, Mistake, Mistakes, Model};
use crate::plan::Limits;
use crate::representation::stored::SlotNames;
use crate::rule::{self, AnyRule, Rule};
use crate::settle::RuleSet;
use crate::stamp::Domain;
use crate::store::{MemoryStore, Store};
use crate::surface::{Channel, Order, Surface};
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

    /// Checks the configuration. Pure: nothing is opened, read or written.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] with every mistake.
    pub fn build(self) -> Result<Accordant, Error> {
        let mut mistakes = self.mistakes;
        let model = match Model::compile(self.models) {
            Ok(model) => model,
            Err(found) => {
                mistakes.extend(found.0);
                return Err(Error::Configuration(Mistakes(mistakes)));
            }
        };
        let mut connections = BTreeMap::new();
        for (name, connector) in self.connectors {
            let system = SystemName::new(connector.system());
            let name = ConnectionName::from(name.unwrap_or_else(|| system.as_str().to_owned()));
            if let Some(connection) = bind(&model, &name, system, connector, self.max_bytes, &mut mistakes)
                && connections.insert(name.clone(), connection).is_some()
            {
                mistakes.push(Mistake::Other(format!("connection `{name}` is connected twice")));
            }
        }
        for entity in &model.entities {
            let mut systems: Vec<&SystemName> = entity.objects.iter().map(|object| &object.declared.system).collect();
            systems.sort();
            systems.dedup();
            for system in systems {
                if !connections.values().any(|connection: &Connection| connection.system == *system) {
                    mistakes.push(Mistake::Unconnected(entity.name.clone(), system.clone()));
                }
            }
        }
        let rules = place_rules(&model, self.rules, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(Error::Configuration(Mistakes(mistakes)));
        }
        let names = model.entities.iter().map(slot_names).collect();
        Ok(Accordant(Arc::new(Core {
            model,
            rules,
            connections,
            store: self.store,
            clock: self.clock,
            entropy: self.entropy,
            limits: self.limits,
            names,
            claims: crate::engine::tenant::Claims::default(),
            accepted: std::sync::RwLock::default(),
        })))
    }
}

fn bind(
    model: &Model,
    name: &ConnectionName,
    system: SystemName,
    connector: Arc<dyn Connector>,
    max_bytes: usize,
    mistakes: &mut Vec<Mistake>,
) -> Option<Connection> {
    let declared: Vec<(&CompiledEntity, usize)> = model
        .entities
        .iter()
        .flat_map(|entity| (0..entity.objects.len()).map(move |object| (entity, object)))
        .filter(|(entity, object)| entity.objects[*object].declared.system == system)
        .collect();
    if declared.is_empty() {
        mistakes.push(Mistake::UnknownSystem(name.to_string(), system));
        return None;
    }
    let mut objects = BTreeMap::new();
    for (entity, object) in &declared {
        let native = &entity.objects[*object].declared.object;
        let about: Vec<&Surface> = connector.surfaces().iter().filter(|surface| surface.object == *native).collect();
        match domain_of(&about) {
            Ok(domain) => {
                if let Some((entity, object)) = model.object(&system, native) {
                    objects.insert(native.clone(), (entity, object, domain));
                }
            }
            Err(Undecided::Nothing) => mistakes.push(Mistake::NothingObserves(name.to_string(), native.clone())),
            Err(Undecided::Several) => mistakes.push(Mistake::DomainsDiffer(name.to_string(), native.clone())),
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
    Some(Connection { system, connector, surfaces, objects })
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

/// Why an object type has no ordering domain.
enum Undecided {
    Nothing,
    Several,
}

/// The one ordering domain of an object type. Where no surface orders anything, the numbers of our own reads do.
fn domain_of(surfaces: &[&Surface]) -> Result<Domain, Undecided> {
    let observing = surfaces.iter().filter(|surface| surface.semantics.observes());
    let mut domains = observing.filter_map(|surface| match surface.semantics.order {
        Order::By(domain) => Some(domain),
        Order::FollowOnly | Order::None => None,
    });
    match domains.next() {
        Some(first) if domains.all(|domain| domain == first) => Ok(first),
        Some(_) => Err(Undecided::Several),
        None if surfaces.iter().any(|surface| matches!(surface.channel, Channel::Read | Channel::Scan)) => {
            Ok(Domain::ReadOrder)
        }
        None => Err(Undecided::Nothing),
    }
}

fn place_rules(
    model: &Model,
    rules: Vec<(EntityType, AttributeId, Arc<dyn AnyRule>)>,
    mistakes: &mut Vec<Mistake>,
) -> Vec<RuleSet> {
    let mut placed: Vec<RuleSet> = vec![RuleSet::new(); model.entities.len()];
    for (entity, attribute, rule) in rules {
        let place = model
            .entity_index(entity.as_str())
            .and_then(|index| Some((index, model.entity(index).unit_index(attribute.as_str())?)));
        match place {
            Some((entity, unit)) => placed[usize::from(entity)].entry(unit).or_default().push(rule),
            None => mistakes.push(Mistake::Other(format!(
                "rule \"{}\" guards `{entity}.{attribute}`, which does not exist",
                rule.name()
            ))),
        }
    }
    placed
}

fn slot_names(entity: &CompiledEntity) -> Vec<SlotNames> {
    let hub = SlotNames::new(entity.attributes.iter().map(|attribute| {
        let was = attribute.was.iter().map(|was| was.as_str().into()).collect();
        (attribute.id.as_str().into(), crate::model::change::hub_read_by(attribute), was)
    }));
    let objects = entity.objects.iter().map(|object| SlotNames::of(object, &entity.attributes));
    objects.chain(std::iter::once(hub)).collect()
}
