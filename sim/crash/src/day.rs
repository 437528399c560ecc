//! One day of a small engine on a SQLite file: people edit, webhooks tell, plans are approved and applied.
//!
//! Every acknowledgement is a line on standard output, written after the call that gave it: what a line says must
//! outlive whatever happens next.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use accordant::clock::{ManualClock, SeededEntropy};
use accordant::connector::CreateSafety;
use accordant::error::Error;
use accordant::id::{Actor, TenantId};
use accordant::model::EntityModel;
use accordant::plan::{Limits, Scope};
use accordant::policy::Registry;
use accordant::store::{Committed, StoreError};
use accordant::testing::{Called, StoreWatch, Watched};
use accordant::{Accordant, SqliteStore, Tenant};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use futures::executor::block_on;
use serde_json::json;

use crate::remote::Remote;

/// The tenant of every run.
pub const TENANT: &str = "acme";

/// How long an old request may be under way, where a create has to wait for that.
pub const DRAIN_SECONDS: u32 = 30;

/// The CRM owns who exists and what they owe; the shop owns its memo.
const MODEL: &str = r#"
entity = "account"
existence = ["crm"]
on_delete = "archive"

[system.crm]
object = "people"

[system.shop]
object = "clients"
required = true
create_needs = ["email"]

[attribute.email]
kind = "email"
identity = true
at.crm = "email"
at.shop = "email"

[attribute.balance]
kind = "decimal"
owner = ["crm"]
at.crm = "balance"
at.shop = { path = "balance", strong = true }

[attribute.phone]
kind = "text"
owner = ["crm"]
at.crm = "phone"
at.shop = { path = "phone", strong = true }

[attribute.memo]
kind = "text"
owner = ["shop"]
at.crm = { path = "memo", strong = true }
at.shop = "memo"
"#;

/// The attributes that both systems must agree on.
pub const ATTRIBUTES: [&str; 4] = ["email", "balance", "phone", "memo"];

/// The three classes of create safety, by the name that the command line uses.
pub const CLASSES: [(&str, CreateSafety); 3] = [
    ("remote-key", CreateSafety::RemoteKey),
    ("drain", CreateSafety::DrainThenConsistentLookup { drain_seconds: DRAIN_SECONDS }),
    ("detect", CreateSafety::DetectAndMerge),
];

/// Where a day's files lie.
#[derive(Debug, Clone)]
pub struct Place {
    /// The folder of the store: ours.
    pub ours: PathBuf,
    /// The folder of the systems' logs: theirs.
    pub theirs: PathBuf,
    /// The class of create safety.
    pub safety: CreateSafety,
}

impl Place {
    /// In two folders below this one, which are made.
    ///
    /// # Errors
    ///
    /// If the folders cannot be made.
    pub fn below(folder: &Path, safety: CreateSafety) -> io::Result<Self> {
        let place = Self { ours: folder.join("ours"), theirs: folder.join("theirs"), safety };
        std::fs::create_dir_all(&place.ours)?;
        std::fs::create_dir_all(&place.theirs)?;
        Ok(place)
    }

    /// The store's file.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.ours.join("store.db")
    }

    /// A process on these files. `process` numbers it: its ids and its time are its own.
    ///
    /// # Errors
    ///
    /// If a file cannot be opened.
    pub fn open(&self, process: u32, acknowledge: bool) -> Result<Process, Failed> {
        let model = EntityModel::from_toml(MODEL, &Registry::builtin()).map_err(Failed::of)?;
        // A later process lives in a later hour.
        let begins: DateTime<Utc> = DateTime::from_timestamp_nanos(1_767_600_000_000_000_000);
        let clock = Arc::new(ManualClock::at(begins + TimeDelta::hours(i64::from(process))));
        let crm = Remote::open(&self.theirs.join("crm.log"), &model, "crm", self.safety, &clock).map_err(Failed::of)?;
        let shop =
            Remote::open(&self.theirs.join("shop.log"), &model, "shop", self.safety, &clock).map_err(Failed::of)?;
        let store = SqliteStore::open(self.store()).map_err(Failed::of)?;
        let watched = Watched::new(store.clone(), Telling { acknowledge });
        let builder = Accordant::builder()
            .clock(Arc::clone(&clock))
            .entropy(SeededEntropy::new(u64::from(process)))
            .store(watched)
            .limits(Limits { deletes: 1000, delete_percent: 100, ..Limits::default() })
            .connect(crm.clone())
            .connect(shop.clone())
            .entity_model(model);
        let tenant = builder.build().map_err(Failed::of)?.tenant(TENANT);
        Ok(Process { clock, crm, shop, store, tenant, acknowledge })
    }
}

/// Why a day ended early.
#[derive(Debug)]
pub struct Failed(Box<dyn std::error::Error + Send + Sync>);

impl Failed {
    /// For this cause.
    pub fn of(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(cause.into())
    }
}

impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(one) = cause {
            write!(f, ": {one}")?;
            cause = one.source();
        }
        Ok(())
    }
}

impl std::error::Error for Failed {}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::of(error)
    }
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::of(error)
    }
}

/// Says of every commit that was acknowledged the place and digest of the journal's head, on a line.
struct Telling {
    acknowledge: bool,
}

fn tell(line: &str) {
    let mut out = io::stdout().lock();
    // Whoever no longer listens needs no answer.
    drop(out.write_all(line.as_bytes()).and_then(|()| out.flush()));
}

#[async_trait]
impl StoreWatch for Telling {
    async fn after(&self, _: &TenantId, call: Called<'_>) -> Result<(), StoreError> {
        if let (true, Called::Commit(Committed::Done { head })) = (self.acknowledge, call) {
            tell(&format!("commit {} {}\n", head.seq, head.digest));
        }
        Ok(())
    }
}

/// An engine, its store and its systems.
#[derive(Debug)]
pub struct Process {
    /// Its clock.
    pub clock: Arc<ManualClock>,
    /// The system that owns existence.
    pub crm: Remote,
    /// The system that must have what the other has.
    pub shop: Remote,
    /// The store.
    pub store: SqliteStore,
    /// The engine's handle.
    pub tenant: Tenant,
    acknowledge: bool,
}

impl Process {
    /// Takes steps until nothing is due.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn steps(&self) -> Result<(), Failed> {
        while block_on(self.tenant.step())?.more() {}
        Ok(())
    }

    /// Plans, approves and applies once. Says whether there was something to do.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn mend(&self) -> Result<bool, Failed> {
        for connection in ["crm", "shop"] {
            block_on(self.tenant.poll(connection))?;
        }
        self.steps()?;
        let plan = block_on(self.tenant.plan(Scope::default()).into_future())?;
        if plan.operations.is_empty() {
            return Ok(false);
        }
        block_on(self.tenant.approve(plan.hash, &Actor::new("ana")))?;
        block_on(self.tenant.apply(plan.hash))?;
        self.steps()?;
        Ok(true)
    }

    /// Works until there is nothing left to do; time passes between the rounds, so that waits end. Says whether that was
    /// reached.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn rest(&self) -> Result<bool, Failed> {
        block_on(self.tenant.recover())?;
        for _ in 0..8 {
            self.clock.advance(TimeDelta::seconds(i64::from(DRAIN_SECONDS) + 61));
            if !self.mend()? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A webhook comes in, and is acknowledged once it is durable.
    fn told(&self, of: &Remote, connection: &str, id: &str, modified: i64) -> Result<(), Failed> {
        block_on(self.tenant.receive(connection, of.webhook(id)))?;
        if self.acknowledge {
            let object = if connection == "crm" { "people" } else { "clients" };
            tell(&format!("received {connection}/{object}/{id} {modified}\n"));
        }
        Ok(())
    }

    /// The day itself.
    ///
    /// # Errors
    ///
    /// If the store or a system's file fails.
    pub fn live(&self, rounds: u32) -> Result<(), Failed> {
        for round in 0..rounds {
            self.clock.advance(TimeDelta::seconds(1));
            let id = (round % 5).to_string();
            let fields = [
                ("email", json!(format!("p{id}@acme.test"))),
                ("balance", json!(round.to_string())),
                ("phone", json!(format!("+{}", round * 7))),
            ];
            let modified = self.crm.edit(&id, &fields)?;
            // One in three is not told of: a poll has to find it.
            if round % 3 != 2 {
                self.told(&self.crm, "crm", &id, modified)?;
            }
            let client = self.shop.living().into_keys().nth(usize::try_from(round % 4).unwrap_or_default());
            if let (Some(client), true) = (client, round % 2 == 1) {
                let modified = self.shop.edit(&client, &[("memo", json!(format!("memo {round}")))])?;
                self.told(&self.shop, "shop", &client, modified)?;
            }
            // Somebody comes, and is gone for good a little later.
            if round % 11 == 4 {
                let id = format!("d{round}");
                let modified = self.crm.edit(&id, &[("email", json!(format!("{id}@acme.test")))])?;
                self.told(&self.crm, "crm", &id, modified)?;
            }
            if round % 11 == 10 {
                let id = format!("d{}", round - 6);
                let modified = self.crm.delete(&id)?;
                self.told(&self.crm, "crm", &id, modified)?;
            }
            if round % 2 == 1 {
                self.mend()?;
            }
        }
        Ok(())
    }
}
