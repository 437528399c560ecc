//! Where a run takes place: its store, its queue, its systems; and the model that all of its processes have.

use std::sync::Arc;
use std::time::Duration;

use accordant::chrono::TimeDelta;
use accordant::model::EntityModel;
use accordant::plan::Limits;
use accordant::policy::Registry;
use accordant::queue::{Consumer, Message, Queue, QueueError, SqliteQueue, Topic};
use accordant::store::Store;
use accordant::{Accordant, Schedule, SqliteStore};
use accordant_kafka::{KafkaOptions, KafkaQueue};
use accordant_mongodb::{MongoOptions, MongoStore};
use accordant_nats::{NatsOptions, NatsQueue};
use accordant_postgres::{PostgresOptions, PostgresStore};

use crate::Failed;
use crate::remote::Remote;

/// The tenant of every run.
pub(crate) const TENANT: &str = "acme";

/// How long what a worker has in hand is its own.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// How long a member of a group that says nothing keeps its partitions.
const QUEUE_LEASE: Duration = Duration::from_secs(6);

/// The systems and their object types.
pub(crate) const SYSTEMS: [(&str, &str); 2] = [("crm", "people"), ("shop", "clients")];

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

/// What is written where without being asked for: attribute, system.
pub(crate) const FOLLOWS: [(&str, &str); 3] = [("balance", "shop"), ("phone", "shop"), ("memo", "crm")];

/// A kind of database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Postgres,
    Mongodb,
    Sqlite,
}

impl Database {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "postgres" => Some(Self::Postgres),
            "mongodb" => Some(Self::Mongodb),
            "sqlite" => Some(Self::Sqlite),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mongodb => "mongodb",
            Self::Sqlite => "sqlite",
        }
    }
}

/// A kind of broker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Broker {
    Nats,
    Kafka,
    Sqlite,
}

impl Broker {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "nats" => Some(Self::Nats),
            "kafka" => Some(Self::Kafka),
            "sqlite" => Some(Self::Sqlite),
            _ => None,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nats => "nats",
            Self::Kafka => "kafka",
            Self::Sqlite => "sqlite",
        }
    }
}

/// Where everything is.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) database: Database,
    /// A URL, or a path.
    pub(crate) database_at: String,
    pub(crate) broker: Broker,
    /// A URL, addresses, or a path.
    pub(crate) broker_at: String,
    /// The port of the systems.
    pub(crate) systems: u16,
    /// What schemas, topics and streams of this run are called.
    pub(crate) name: String,
}

impl Place {
    /// As [`Place::words`] wrote it.
    pub(crate) fn read(words: &[String]) -> Option<Self> {
        let [database, database_at, broker, broker_at, systems, name] = words else { return None };
        Some(Self {
            database: Database::named(database)?,
            database_at: database_at.clone(),
            broker: Broker::named(broker)?,
            broker_at: broker_at.clone(),
            systems: systems.parse().ok()?,
            name: name.clone(),
        })
    }

    /// As words of a command.
    pub(crate) fn words(&self) -> [String; 6] {
        [
            self.database.name().to_owned(),
            self.database_at.clone(),
            self.broker.name().to_owned(),
            self.broker_at.clone(),
            self.systems.to_string(),
            self.name.clone(),
        ]
    }

    /// Opens the store, and configures Accordant on it.
    pub(crate) async fn accordant(&self) -> Result<Accordant, Failed> {
        let model = EntityModel::from_toml(MODEL, &Registry::builtin())?;
        let mut builder = Accordant::builder()
            .lease(TimeDelta::from_std(LEASE)?)
            .limits(Limits { deletes: 100_000, delete_percent: 100, ..Limits::default() })
            .schedule(Schedule {
                poll: TimeDelta::seconds(3),
                scan: Some(TimeDelta::seconds(45)),
                retry: TimeDelta::seconds(3),
                idle: TimeDelta::seconds(1),
            });
        builder = match self.database {
            Database::Sqlite => builder.store(SqliteStore::open(&self.database_at)?),
            Database::Mongodb => {
                let options = MongoOptions::new(&self.database_at).await?.database(&self.name);
                builder.store(MongoStore::open_with(options.patience(Duration::from_secs(5))).await?)
            }
            Database::Postgres => {
                let options = PostgresOptions::new(&self.database_at)?.schema(&self.name);
                builder.store(PostgresStore::open_with(options.connections(4).patience(Duration::from_secs(5))).await?)
            }
        };
        for (system, object) in SYSTEMS {
            builder = builder.connect(Remote::new(system, object, &model, self.systems));
        }
        Ok(builder.entity_model(model).build()?)
    }

    /// Opens the store alone.
    pub(crate) async fn store(&self) -> Result<Box<dyn Store>, Failed> {
        Ok(match self.database {
            Database::Sqlite => Box::new(SqliteStore::open(&self.database_at)?),
            Database::Mongodb => {
                Box::new(MongoStore::open_with(MongoOptions::new(&self.database_at).await?.database(&self.name)).await?)
            }
            Database::Postgres => {
                let options = PostgresOptions::new(&self.database_at)?.schema(&self.name);
                Box::new(PostgresStore::open_with(options.connections(2)).await?)
            }
        })
    }

    /// Opens the queue.
    pub(crate) async fn queue(&self) -> Result<SharedQueue, Failed> {
        Ok(SharedQueue(match self.broker {
            Broker::Sqlite => Arc::new(SqliteQueue::open(&self.broker_at)?.lease(TimeDelta::from_std(QUEUE_LEASE)?)),
            Broker::Nats => {
                let options = NatsOptions::new(&self.broker_at).prefix(&self.name).lease(QUEUE_LEASE);
                Arc::new(NatsQueue::open_with(options.patience(Duration::from_secs(5))).await?)
            }
            Broker::Kafka => {
                let options = KafkaOptions::new(&self.broker_at).prefix(&self.name).lease(QUEUE_LEASE);
                Arc::new(KafkaQueue::open_with(options.patience(Duration::from_secs(10))).await?)
            }
        }))
    }
}

/// A queue of whichever broker.
#[derive(Clone)]
pub(crate) struct SharedQueue(Arc<dyn Queue>);

#[async_trait::async_trait]
impl Queue for SharedQueue {
    async fn publish(&self, topic: Topic, messages: Vec<Message>) -> Result<(), QueueError> {
        self.0.publish(topic, messages).await
    }

    async fn join(&self, topic: Topic, group: &str) -> Result<Box<dyn Consumer>, QueueError> {
        self.0.join(topic, group).await
    }

    fn most_bytes(&self) -> usize {
        self.0.most_bytes()
    }
}
