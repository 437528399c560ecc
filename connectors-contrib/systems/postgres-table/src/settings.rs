//! What is known of a database and its tables.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use accordant::model::{AttributeModel, EntityModel, Path};
use chrono::TimeDelta;
use tokio_postgres::Config;

/// A database, and the tables of it that are object types.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(crate) system: String,
    pub(crate) tables: BTreeMap<String, Table>,
    pub(crate) page: usize,
    pub(crate) config: Config,
    pub(crate) patience: Duration,
    pub(crate) connections: usize,
    pub(crate) channel: Option<String>,
    pub(crate) log: Option<Log>,
    pub(crate) describes: bool,
    /// What is read of the tables. None: rows whole.
    pub(crate) models: Vec<EntityModel>,
    #[cfg(feature = "tls")]
    pub(crate) authorities: Vec<Vec<u8>>,
}

/// Logical decoding: a slot that only this connection reads, and a publication of its tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The replication slot. It is made at the first poll, and keeps the log until it is read: drop it when the connection
    /// is given up, or the disk fills.
    pub slot: String,
    /// The publication, made by whoever owns the tables: `CREATE PUBLICATION accordant FOR TABLE customers`.
    pub publication: String,
    /// How long what was taken in stays in the slot: for a store that is put back to an earlier state, and asks again from
    /// there. Not at all unless said otherwise: every poll then passes over it once more.
    pub kept: TimeDelta,
    /// How long one look into the log may take: a transaction is decoded whole before the first of it is told. Ten minutes
    /// unless said otherwise.
    pub patience: Duration,
}

impl Log {
    /// The log of this slot and publication, given up when it was taken in.
    #[must_use]
    pub fn new(slot: &str, publication: &str) -> Self {
        Self {
            slot: slot.to_owned(),
            publication: publication.to_owned(),
            kept: TimeDelta::zero(),
            patience: Duration::from_secs(600),
        }
    }

    /// One look into the log may take so long.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// What was taken in is kept for so long.
    #[must_use]
    pub const fn kept_for(mut self, kept: TimeDelta) -> Self {
        self.kept = kept;
        self
    }
}

/// A table as an object type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) id: String,
    pub(crate) modified: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) sequence: Option<String>,
    pub(crate) deleted: Option<(String, TimeDelta)>,
    pub(crate) key: Option<String>,
    pub(crate) kept: bool,
    pub(crate) overlap: TimeDelta,
    pub(crate) reach: i64,
    pub(crate) columns: BTreeSet<String>,
}

impl Table {
    /// A table of the schema `public` with a unique column `id`.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self {
            schema: "public".to_owned(),
            name: name.to_owned(),
            id: "id".to_owned(),
            modified: None,
            version: None,
            sequence: None,
            deleted: None,
            key: None,
            kept: false,
            overlap: TimeDelta::minutes(10),
            reach: 1_000,
            columns: BTreeSet::new(),
        }
    }

    /// It is in this schema.
    #[must_use]
    pub fn schema(mut self, schema: &str) -> Self {
        schema.clone_into(&mut self.schema);
        self
    }

    /// Its rows are told apart by this column: unique, and never null.
    #[must_use]
    pub fn id(mut self, column: &str) -> Self {
        column.clone_into(&mut self.id);
        self
    }

    /// This column (`timestamptz`) says when a row changed. It is polled, and orders the states of a row where nothing more
    /// exact does.
    #[must_use]
    pub fn modified(mut self, column: &str) -> Self {
        self.modified = Some(column.to_owned());
        self
    }

    /// This column, a whole number, grows with each change of its row. It orders the states of a row.
    #[must_use]
    pub fn version(mut self, column: &str) -> Self {
        self.version = Some(column.to_owned());
        self
    }

    /// This column, a whole number, is taken from one sequence at each change of any row. It is polled, and orders the states
    /// of a row. The table must take the number itself, in a trigger: only it knows its sequence.
    #[must_use]
    pub fn sequence(mut self, column: &str) -> Self {
        self.sequence = Some(column.to_owned());
        self
    }

    /// Rows of which this column (`boolean`) is true are deleted, and stay readable for this long. A row is deleted by
    /// setting it. Without such a column, rows are deleted from the table.
    #[must_use]
    pub fn deleted(mut self, column: &str, kept_for: TimeDelta) -> Self {
        self.deleted = Some((column.to_owned(), kept_for));
        self
    }

    /// This column (`text`, unique) holds the key of a row that we made. Without it, a create may happen twice.
    #[must_use]
    pub fn key(mut self, column: &str) -> Self {
        self.key = Some(column.to_owned());
        self
    }

    /// The table keeps `version` and `modified` itself, in a trigger. Otherwise our writes raise the one and set the other.
    #[must_use]
    pub const fn kept_by_the_table(mut self) -> Self {
        self.kept = true;
        self
    }

    /// How far a poll by `modified` reaches back: as long as a transaction may take, and a little. Ten minutes unless said
    /// otherwise.
    #[must_use]
    pub const fn overlap(mut self, overlap: TimeDelta) -> Self {
        self.overlap = overlap;
        self
    }

    /// How far a poll by `sequence` reaches back: as many numbers as may be taken while a transaction goes on. A thousand
    /// unless said otherwise.
    #[must_use]
    pub const fn reach(mut self, numbers: i64) -> Self {
        self.reach = numbers;
        self
    }

    /// The column by whose number the states of a row are ordered, if there is one.
    pub(crate) fn counted(&self) -> Option<&str> {
        self.sequence.as_deref().or(self.version.as_deref())
    }

    /// The column that orders the states of a row.
    pub(crate) fn ordered_by(&self) -> Option<&str> {
        self.counted().or(self.modified.as_deref())
    }
}

impl Settings {
    /// A database by URL (`postgres://user:password@host/database`) or by words (`host=... user=...`), as `libpq` reads
    /// them. TLS is spoken, and the server's certificate and name are checked, where it says `sslmode=require` and the
    /// feature `tls` is on.
    ///
    /// # Errors
    ///
    /// If the address cannot be read. The error quotes nothing of it.
    pub fn new(system: &str, address: &str) -> Result<Self, ConnectorError> {
        let mut config: Config = address.parse().map_err(|_: tokio_postgres::Error| {
            let told = "the address of the database is no URL and no list of words";
            ConnectorError::new(ConnectorErrorKind::Unsupported, told)
        })?;
        if config.get_application_name().is_none() {
            config.application_name("accordant");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(Duration::from_secs(10));
        }
        Ok(Self {
            system: system.to_owned(),
            tables: BTreeMap::new(),
            page: 1_000,
            config,
            patience: Duration::from_secs(30),
            connections: 4,
            channel: None,
            log: None,
            describes: true,
            models: Vec::new(),
            #[cfg(feature = "tls")]
            authorities: Vec::new(),
        })
    }

    /// A table is this object type.
    #[must_use]
    pub fn table(mut self, object: &str, table: Table) -> Self {
        self.tables.insert(object.to_owned(), table);
        self
    }

    /// Rows of a page; 1 000 unless said otherwise, and at least one.
    #[must_use]
    pub fn page(mut self, rows: usize) -> Self {
        self.page = rows.max(1);
        self
    }

    /// How long a statement may take, or wait for others, before it fails; 30 seconds unless said otherwise.
    #[must_use]
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// How many connections are kept at most; 4 unless said otherwise, and at least 1.
    #[must_use]
    pub fn connections(mut self, connections: usize) -> Self {
        self.connections = connections.max(1);
        self
    }

    /// Hears of changes from this channel: `NOTIFY channel, 'customers 7'`, an object type and an id.
    #[must_use]
    pub fn listens(mut self, channel: &str) -> Self {
        self.channel = Some(channel.to_owned());
        self
    }

    /// Hears of changes by logical decoding.
    #[must_use]
    pub fn log(mut self, log: Log) -> Self {
        self.log = Some(log);
        self
    }

    /// Whether the engine may ask which columns there are; it may unless said otherwise. An attribute whose column is not what its mapping
    /// expects stands still from the first look on.
    #[must_use]
    pub const fn may_describe(mut self, describes: bool) -> Self {
        self.describes = describes;
        self
    }

    /// Trusts servers whose certificates these authorities (PEM) have signed, beside those that the platform trusts.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(pem.into());
        self
    }

    /// Reads what these models map of the system, and no more. Without it, rows are read whole.
    #[must_use]
    pub fn maps(mut self, models: &[EntityModel]) -> Self {
        self.models.extend_from_slice(models);
        self
    }

    /// The columns that the models map, of all tables that there are by now.
    pub(crate) fn collect(&mut self) {
        for model in &self.models {
            for mapped in model.objects.iter().filter(|mapped| mapped.system.as_str() == self.system) {
                let Some(table) = self.tables.get_mut(mapped.object.as_str()) else { continue };
                for attribute in &model.attributes {
                    collect(attribute, mapped.key.as_str(), &mut table.columns);
                }
            }
        }
    }
}

fn collect(attribute: &AttributeModel, key: &str, columns: &mut BTreeSet<String>) {
    for mapping in attribute.mappings.iter().filter(|mapping| mapping.object.as_str() == key) {
        let paths = mapping.read.iter().chain(&mapping.write);
        columns.extend(paths.filter_map(|path| path.keys().first()).map(ToString::to_string));
    }
    for member in &attribute.members {
        collect(&member.0, key, columns);
    }
}

/// The column that a documented path is, if it is one whole.
pub(crate) fn column(path: &Path) -> Option<&str> {
    let [name] = path.keys() else { return None };
    Some(name.as_str())
}
