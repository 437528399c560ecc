//! HubSpot: CRM v3 objects, associations v4, properties, webhooks v3.
//!
//! From the vendor's published client: paths, bodies, statuses, error shapes, the thirteen search operators, 207 with an
//! error per item, a new id for merged records. As others have observed: 10 000 results per query, rows that become
//! visible late, an order of webhooks that is none. Assumed: limits of pages and batches, the names of error categories
//! below the category itself, which properties an answer carries that was not asked for any.

mod associations;
mod batch;
mod objects;
mod people;
mod properties;
mod records;
mod refusal;
mod route;
mod search;
mod webhooks;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use accordant::Clock;
use bytes::Bytes;
use http::{HeaderValue, Request, Response};

use self::associations::Associations;
use self::properties::Properties;
use self::records::Records;
use self::refusal::Refusal;
use self::webhooks::Webhooks;
use crate::clock::{ClockOf, Shown};
use crate::ledger::{Entry, Ledger};
use crate::limit::Rolling;
use crate::outbox::Outgoing;
use crate::{Chance, Faults, Remote, Sent, Traffic};

pub use self::people::Person;

/// What an account is, and what it allows.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The portal that events name.
    pub portal: u64,
    /// The app that is installed in it.
    pub app: u64,
    /// The token that requests must carry.
    pub token: String,
    /// The secret that webhooks are signed with.
    pub secret: String,
    /// Requests in ten seconds.
    pub per_ten_seconds: usize,
    /// Searches in one second.
    pub searches_per_second: usize,
    /// Requests in one day.
    pub per_day: usize,
    /// What faults are drawn from.
    pub seed: u64,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            portal: 4_242_001,
            app: 77_001,
            token: "pat-sandbox".into(),
            secret: "hubspot-client-secret".into(),
            per_ten_seconds: 190,
            searches_per_second: 4,
            per_day: 625_000,
            seed: 1,
        }
    }
}

/// A HubSpot account.
#[derive(Debug)]
pub struct HubSpot {
    settings: Settings,
    clock: Arc<dyn ClockOf>,
    inside: Mutex<Inside>,
}

/// All that the account holds.
#[derive(Debug)]
struct Inside {
    records: Records,
    properties: Properties,
    associations: Associations,
    webhooks: Webhooks,
    rolling: Rolling,
    searches: Rolling,
    daily: Rolling,
    faults: Faults,
    chance: Chance,
    requests: u64,
    ledger: Ledger,
}

/// Who did something, as events say it.
#[derive(Debug, Clone, Copy)]
struct Act<'a> {
    at: i64,
    source: &'a str,
    by: &'a str,
}

impl HubSpot {
    /// An empty account.
    #[must_use]
    pub fn new(settings: Settings, clock: impl Clock) -> Self {
        let inside = Inside {
            records: Records::default(),
            properties: Properties::standard(),
            associations: Associations::default(),
            webhooks: Webhooks::new(settings.portal, settings.app, settings.secret.clone()),
            rolling: Rolling::new(settings.per_ten_seconds, 10_000),
            searches: Rolling::new(settings.searches_per_second, 1_000),
            daily: Rolling::new(settings.per_day, 86_400_000),
            faults: Faults::default(),
            chance: Chance::new(settings.seed),
            requests: 0,
            ledger: Ledger::default(),
        };
        Self { settings, clock: Arc::new(Shown(clock)), inside: Mutex::new(inside) }
    }

    /// What it is.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// What goes wrong from now on.
    pub fn faults(&self, faults: Faults) {
        self.inside().faults = faults;
    }

    /// What arrived at the limits: all requests, and searches.
    #[must_use]
    pub fn traffic(&self) -> [Traffic; 2] {
        let inside = self.inside();
        [inside.rolling.traffic(), inside.searches.traffic()]
    }

    /// How many were let through in each window since the first, one behind the other, as they are counted at the same limits: all
    /// requests by ten seconds, and searches by the second. The last window may not be over.
    #[must_use]
    pub fn windows(&self) -> [Vec<usize>; 2] {
        let inside = self.inside();
        [inside.rolling.windows().to_vec(), inside.searches.windows().to_vec()]
    }

    /// What was done to the account so far, by people and through the interface, in its order.
    #[must_use]
    pub fn ledger(&self) -> Vec<Entry> {
        self.inside().ledger.entries()
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether the request may be looked at.
    fn admit(&self, inside: &mut Inside, request: &Request<Bytes>, now: i64) -> Result<(), Refusal> {
        let token = format!("Bearer {}", self.settings.token);
        if request.headers().get("authorization").and_then(|value| value.to_str().ok()) != Some(token.as_str()) {
            return Err(Refusal::unauthorized());
        }
        if !inside.rolling.admit(now) || inside.chance.permille(inside.faults.throttled) {
            return Err(Refusal::too_many("TEN_SECONDLY_ROLLING"));
        }
        let searches = request.uri().path().ends_with("/search");
        if inside.chance.permille(inside.faults.busy) || searches && !inside.searches.admit(now) {
            return Err(Refusal::too_many("SECONDLY"));
        }
        if !inside.daily.admit(now) {
            return Err(Refusal::too_many("DAILY"));
        }
        if inside.chance.permille(inside.faults.failing) {
            return Err(Refusal::failed());
        }
        Ok(())
    }
}

impl Remote for HubSpot {
    fn answer(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let now = self.clock.now();
        let mut guard = self.inside();
        let inside = &mut *guard;
        if inside.faults.down {
            return None;
        }
        inside.requests += 1;
        inside.ledger.acts(None);
        let number = inside.requests;
        let answer = self
            .admit(inside, request, now)
            .and_then(|()| route::route(inside, request, now))
            .unwrap_or_else(|refusal| refusal.answer(number));
        let unanswered = answer.status().is_success() && inside.chance.permille(inside.faults.unanswered);
        let mut answer = (!unanswered).then_some(answer)?;
        let headers = [
            ("x-hubspot-ratelimit-interval-milliseconds", 10_000),
            ("x-hubspot-ratelimit-max", self.settings.per_ten_seconds),
            ("x-hubspot-ratelimit-remaining", inside.rolling.left()),
        ];
        for (name, value) in headers {
            answer.headers_mut().insert(name, HeaderValue::from(value));
        }
        Some(answer)
    }

    fn due(&self) -> Vec<Outgoing> {
        let now = self.clock.now();
        self.inside().webhooks.due(now)
    }

    fn is_unreachable(&self) -> bool {
        self.inside().faults.unreachable
    }

    fn answered(&self, sent: Outgoing, accepted: bool) {
        let now = self.clock.now();
        self.inside().webhooks.outbox.answered(sent.parcel, accepted, now);
    }

    fn next_due(&self) -> Option<i64> {
        self.inside().webhooks.outbox.next_due()
    }

    fn sent(&self) -> Sent {
        self.inside().webhooks.outbox.sent()
    }
}
