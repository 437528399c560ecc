//! The neighbour: a second tenant of the same process, with a customer of its own who has the same key. Nothing that either
//! hears may be seen by the other.

use std::sync::Arc;

use accordant::engine::CaseFilter;
use accordant::id::RecordRef;
use accordant::text::Text;
use accordant::value::Field;
use accordant::{Actor, Error, Tenant};

use crate::design::Told;
use crate::fault::Fault;
use crate::job::headed;
use crate::office::OFFICE;
use crate::scene::Scene;
use crate::server::id;
use crate::word::Word;

/// The place of the neighbour's record: no system has so many.
const PLACE: usize = 900;

/// The neighbour is told of its customer; then each side is asked what it knows of the other's. Whoever was erased there is somebody
/// else here, and keeps what they hold; who has a role there has none here.
///
/// # Errors
///
/// If the store fails.
pub async fn visit(neighbour: &Tenant, tenant: &Tenant, scene: &Arc<Scene>) -> Result<(), Error> {
    let (name, own, entity, request, known, roles) = {
        let inner = scene.lock();
        let Some(place) = inner.servers.iter().position(|server| server.design.told == Told::Full) else {
            return Ok(());
        };
        let fields: Vec<Word> = (0..inner.design.attributes.len()).map(|_| Word::new(1_000_000)).collect();
        let request = accordant::Delivery::new(inner.design.dialect.record(place, PLACE, 1, 0, &fields));
        let name = inner.servers[place].design.name;
        let known: Vec<RecordRef> = inner
            .servers
            .iter()
            .flat_map(|server| {
                (0..server.records.len()).map(|place| RecordRef::new(server.design.name, server.object(), &id(place)))
            })
            .collect();
        let own = RecordRef::new(name, inner.servers[place].object(), &id(PLACE));
        (
            name,
            own,
            inner.design.dialect.entity().to_owned(),
            headed(request, "record", name),
            known,
            inner.design.house.roles,
        )
    };
    neighbour.accept_model(&Actor::new("ana")).await?;
    neighbour.receive(name, request).await?;
    let accuse = |what: String| scene.lock().oracle.accuse(what);
    if let Some(entity) = neighbour.entity_of(&own).await? {
        let units = neighbour.inspect_erased(entity).await?.units;
        let golden: Vec<(Text, Field)> = units.into_iter().map(|unit| (unit.name, unit.golden)).collect();
        let mut inner = scene.lock();
        let changed = !inner.neighbours.is_empty() && inner.neighbours != golden;
        if changed && !inner.weather.hits.has(Fault::ModelChanged) {
            inner.oracle.accuse("what the neighbour was told once has changed".to_owned());
        }
        inner.neighbours = golden;
    }
    if roles {
        for name in OFFICE {
            let shown = neighbour.seen_by(&Actor::new(name)).open_cases(&CaseFilter::default(), None, 9).await;
            if !matches!(shown, Err(Error::Forbidden { .. })) {
                accuse(format!("{name} has no role with the neighbour, and was not refused"));
            }
        }
    }
    if tenant.entity_of(&own).await?.is_some() {
        accuse("a tenant knows a record that its neighbour was told of".to_owned());
    }
    if neighbour.entity_of(&own).await?.is_none() || neighbour.entities(&entity, None, 9).await?.len() != 1 {
        accuse("the neighbour does not know its own customer, and nobody else".to_owned());
    }
    scene.lock().did("visit");
    for record in known {
        if neighbour.entity_of(&record).await?.is_some() {
            accuse("the neighbour knows a record that it was not told of".to_owned());
        }
    }
    Ok(())
}
