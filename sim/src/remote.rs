//! A fake system as a connector: calls that take time, fail, arrive late, and are answered or not.

use std::sync::Arc;

use accordant::bytes::Bytes;
use accordant::chrono::TimeDelta;
use accordant::connector::{
    Connector, ConnectorError, ConnectorErrorKind, CreateSafety, Cursor, Delivery, Item, Outcome, Page, ReadAnswer,
    RecordKey, Retry, Says, Verified, Write, WriteReceipt,
};
use accordant::http;
use accordant::id::SurfaceName;
use accordant::surface::Surface;
use async_trait::async_trait;

use crate::agenda::Event;
use crate::fault::Fault;
use crate::pause::{Pause, Reply, may_die};
use crate::scene::{Inner, Request, Scene};
use crate::server::{body, surfaces};
use crate::silent::nothing;

/// How long a caller waits for the reply to a write, in milliseconds.
const PATIENCE: i64 = 30_000;

/// The header that carries what a webhook says, and the one that proves where it comes from.
pub const SAYS: &str = "x-says";
/// The header that proves where a webhook comes from.
pub const PROOF: &str = "x-proof";

/// The connector of one fake system.
#[derive(Debug)]
pub struct Remote {
    scene: Arc<Scene>,
    place: usize,
    name: &'static str,
    safety: CreateSafety,
    surfaces: Vec<Surface>,
}

impl Remote {
    /// The connector of the system at this place.
    #[must_use]
    pub fn new(scene: &Arc<Scene>, place: usize) -> Self {
        let inner = scene.lock();
        let server = &inner.servers[place];
        let mut surfaces = surfaces::of(server.object(), &server.design);
        for object in inner.design.dialect.beside().get(server.design.name).into_iter().flatten() {
            surfaces.extend(surfaces::of(object, &server.design));
        }
        Self { scene: Arc::clone(scene), place, name: server.design.name, safety: server.design.safety, surfaces }
    }

    /// The way to the system: takes time, and may end before it is there.
    async fn set_out(&self) -> Result<(), ConnectorError> {
        may_die(&self.scene, "before a call").await;
        let (latency, refused) = {
            let mut inner = self.scene.lock();
            (inner.weather.rng().between(5, 120), inner.refuses(self.place))
        };
        Pause::of(&self.scene, latency).await;
        match refused {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// The way back.
    async fn come_back(&self) {
        let latency = self.scene.lock().weather.rng().between(5, 120);
        Pause::of(&self.scene, latency).await;
        may_die(&self.scene, "after a call").await;
    }
}

impl Inner {
    fn refuses(&mut self, system: usize) -> Option<ConnectorError> {
        if self.weather.strikes(Fault::Throttled) {
            let storm = self.weather.rng().between(60_000, 900_000);
            self.servers[system].throttled_until = self.now + storm;
        }
        if (self.weather.chaos || self.weather.lasts()) && self.servers[system].throttled_until > self.now {
            let error = ConnectorError::new(ConnectorErrorKind::Throttled, "too many calls");
            return Some(error.retry(Retry::After(TimeDelta::seconds(30))));
        }
        if self.weather.strikes(Fault::CallRefused) {
            let error = ConnectorError::new(ConnectorErrorKind::Unavailable, "nobody is there");
            return Some(error.retry(Retry::Backoff));
        }
        None
    }

    /// A replica that is behind says that a record is gone.
    fn mislead(&mut self, system: usize, native: &str) {
        let Some(place) = self.servers[system].find(native) else { return };
        let survivor = self.servers[system].survivor(place);
        if self.servers[system].records[survivor].live {
            self.oracle.mislead(system, survivor);
        }
    }

    /// Puts a write on its way. Says under which ticket.
    fn send(&mut self, system: usize, writes: Vec<Write>) -> usize {
        let ticket = self.sent;
        self.sent += 1;
        let mut latency = self.weather.rng().between(5, 300);
        let mut lost = false;
        if self.weather.strikes(Fault::CallLate) {
            latency = PATIENCE + self.weather.rng().between(1, 600_000);
        }
        if self.weather.strikes(Fault::ReplyLost) {
            lost = true;
        }
        self.oracle.troubles += usize::from(lost || latency > PATIENCE);
        self.judge_sent(system, &writes);
        let task = self.current;
        let (reply, given_up, effect) = (None, false, Vec::new());
        self.wire.insert(ticket, Request { system, writes, task, reply, lost, given_up, effect });
        self.soon(latency, Event::Arrive(ticket));
        ticket
    }
}

#[async_trait]
impl Connector for Remote {
    fn system(&self) -> &str {
        self.name
    }

    fn surfaces(&self) -> &[Surface] {
        &self.surfaces
    }

    fn create_safety(&self) -> CreateSafety {
        self.safety
    }

    fn verify(&self, delivery: &Delivery) -> Result<Verified, ConnectorError> {
        let header = |name: &str| delivery.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
        if header(PROOF) != self.name {
            return Err(ConnectorError::new(ConnectorErrorKind::Denied, "the signature is not the system's"));
        }
        let mut words = header(SAYS).split(' ');
        let says = match (words.next(), words.next(), words.next()) {
            (Some("hint"), Some(id), _) => Says::Hint { id: id.into() },
            (Some("deleted"), Some(id), _) => Says::Deleted { id: id.into() },
            (Some("merged"), Some(survivor), Some(loser)) => {
                Says::Merged { survivor: survivor.into(), losers: vec![loser.into()] }
            }
            _ => Says::Record,
        };
        Ok(Verified {
            items: vec![Item::new(
                self.scene.lock().servers[self.place].surface("webhooks"),
                says,
                delivery.body().clone(),
            )],
            delivery_id: None,
            reply: http::Response::new(Bytes::new()),
        })
    }

    async fn read_page(&self, surface: &SurfaceName, after: Option<Cursor>) -> Result<Page, ConnectorError> {
        self.set_out().await?;
        let page = {
            let mut inner = self.scene.lock();
            let now = inner.now;
            if surface.as_str().split('/').next() != Some(inner.servers[self.place].object()) {
                return Ok(nothing());
            }
            let mut page = match surface.as_str().rsplit('/').next() {
                Some("changes") => {
                    let lag = inner.weather.strikes(Fault::SearchLag);
                    inner.servers[self.place].lag = if lag { 600_000 } else { 0 };
                    inner.servers[self.place].changes_page(after.as_ref(), now)
                }
                Some("scan") => {
                    let shifts = after.is_some() && inner.weather.strikes(Fault::PageShift);
                    inner.servers[self.place].scan_page(after.as_ref(), shifts)
                }
                _ => return Err(ConnectorError::new(ConnectorErrorKind::Unsupported, "no such surface")),
            };
            if let Some(item) = page.items.first_mut()
                && inner.weather.strikes(Fault::SchemaChanged)
            {
                item.body = inner.design.dialect.misshapen(self.place, &item.body);
            }
            if inner.has_cards(self.place) {
                page.items.iter_mut().for_each(|item| item.body = body::with_card(&item.body));
            }
            if inner.weather.strikes(Fault::BodyHostile) {
                let body = if inner.weather.rng().chance(500) { body::nested() } else { body::oversized(70_000) };
                page.items.push(Item::new(surface.clone(), Says::Record, body));
            }
            page
        };
        self.come_back().await;
        Ok(page)
    }

    async fn read_records(&self, keys: &[RecordKey]) -> Result<Vec<ReadAnswer>, ConnectorError> {
        self.set_out().await?;
        let mut lingers = 0;
        let answers = {
            let mut inner = self.scene.lock();
            let now = inner.now;
            let answers = keys
                .iter()
                .map(|key| {
                    if !key.by_create_key && inner.weather.strikes(Fault::RecordPoisoned) {
                        inner.poison(self.place, &key.id);
                    }
                    let stale = !key.by_create_key && inner.weather.strikes(Fault::ReadStale);
                    let replica = stale.then(|| now - inner.weather.rng().between(1_000, 900_000));
                    let answer = inner.servers[self.place].answer(key, now, replica);
                    if replica.is_some() && matches!(answer, ReadAnswer::Gone) {
                        inner.mislead(self.place, &key.id);
                    }
                    answer
                })
                .collect();
            for key in keys.iter().filter(|key| !key.by_create_key) {
                if inner.edits_meanwhile(self.place, &key.id) {
                    lingers = inner.haste.between(500, 3_000);
                }
            }
            answers
        };
        if lingers > 0 {
            Pause::of(&self.scene, lingers).await;
        }
        self.come_back().await;
        Ok(answers)
    }

    async fn write_batch(&self, writes: Vec<Write>) -> Result<Vec<WriteReceipt>, ConnectorError> {
        self.set_out().await?;
        let count = writes.len();
        let ticket = self.scene.lock().send(self.place, writes);
        let reply = Reply::to(&self.scene, ticket, PATIENCE).await;
        may_die(&self.scene, "after a call").await;
        Ok(reply.unwrap_or_else(|| vec![WriteReceipt { outcome: Outcome::Unknown, record: None, token: None }; count]))
    }
}
