//! The control desk: an address at which the clock is moved and faults are switched, by hand or by a script.

use std::sync::Arc;

use accordant::Clock as _;
use bytes::Bytes;
use chrono::TimeDelta;
use http::{Request, Response, StatusCode};
use serde_json::{Value, json};

use crate::{Accounts, MovableClock, Remote, instant, json};

/// What the desk answers to, for whoever asks it for nothing.
const ABOUT: [(&str, &str); 6] = [
    ("GET /faults", "every fault and scene, and whether it is on"),
    ("PUT /faults/NAME", "switches it on, or lets it happen"),
    ("DELETE /faults/NAME", "switches it off, or undoes it"),
    ("GET /clock", "what time it is for all three"),
    ("POST /clock?advance=90m", "moves the clock on: s, m, h or d"),
    ("GET /ledger", "what was done to the accounts, by whom"),
];

/// The control desk of three accounts.
#[derive(Debug)]
pub struct Control {
    accounts: Arc<Accounts>,
    clock: Arc<MovableClock>,
}

impl Control {
    /// A desk over these accounts and their clock.
    #[must_use]
    pub const fn new(accounts: Arc<Accounts>, clock: Arc<MovableClock>) -> Self {
        Self { accounts, clock }
    }

    fn now(&self) -> Response<Bytes> {
        json::answer(StatusCode::OK, &json!({ "now": instant::millis(self.clock.now()) }))
    }
}

/// `90s`, `90m`, `25h`, `3d`.
fn span(text: &str) -> Option<TimeDelta> {
    let (number, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let number = number.parse::<i64>().ok().filter(|number| (0..=100_000).contains(number))?;
    match unit {
        "s" => TimeDelta::try_seconds(number),
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        _ => None,
    }
}

impl Remote for Control {
    fn answer(&self, request: &Request<Bytes>) -> Option<Response<Bytes>> {
        let refused = |status, why: &str| json::answer(status, &json!({ "error": why }));
        let path = json::segments(request);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        Some(match (request.method().as_str(), path.as_slice()) {
            ("GET", []) => {
                let about: Vec<Value> = ABOUT.iter().map(|(ask, does)| json!({ "ask": ask, "does": does })).collect();
                json::answer(StatusCode::OK, &about.into())
            }
            ("GET", ["faults"]) => json::answer(StatusCode::OK, &json!(self.accounts.switches())),
            (method @ ("PUT" | "DELETE"), ["faults", name]) => match self.accounts.switch(name, method == "PUT") {
                Ok(did) => json::answer(StatusCode::OK, &json!({ "did": did })),
                Err(unknown) => refused(StatusCode::NOT_FOUND, &unknown.to_string()),
            },
            ("GET", ["clock"]) => self.now(),
            ("POST", ["clock"]) => {
                let query = json::query(request);
                let by = query.iter().find(|(key, _)| key == "advance").and_then(|(_, value)| span(value));
                match by {
                    Some(by) => {
                        self.clock.advance(by);
                        self.now()
                    }
                    None => refused(StatusCode::BAD_REQUEST, "advance by how much? 90s, 90m, 25h, 3d"),
                }
            }
            ("GET", ["ledger"]) => {
                let ledgers = self.accounts.ledgers().into_iter();
                let told: Value = ledgers.map(|(system, entries)| (system.to_owned(), json!(entries))).collect();
                json::answer(StatusCode::OK, &told)
            }
            _ => refused(StatusCode::NOT_FOUND, "no such thing: GET / says what there is"),
        })
    }
}
