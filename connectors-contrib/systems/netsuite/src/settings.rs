//! What is known of an account, and what is only assumed of NetSuite.

use std::collections::{BTreeMap, BTreeSet};

use accordant::connector::{Item, Says};
use accordant::model::{AttributeModel, EntityModel, Path};
use bytes::Bytes;
use chrono::TimeDelta;
use chrono_tz::Tz;
use serde_json::Value;
use serde_json::value::RawValue;

/// One account, and how NetSuite is talked to. Defaults that the vendor does not promise say so.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where the interface is: `https://123456-sb1.suitetalk.api.netsuite.com`.
    pub base: String,
    /// The zone of the integration's user. One without daylight saving: an hour that comes twice cannot be polled.
    pub zone: Tz,
    /// Requests at once, of the whole account: 5, 15 or 20 by tier, and 10 more for each `SuiteCloud Plus`.
    pub at_once: u32,
    /// Rows of a page. By the vendor: at most 1 000.
    pub page: usize,
    /// How far a poll reaches back: the longest script or import, and a little. Assumed: ten minutes.
    pub overlap: TimeDelta,
    /// How far a poll stays behind now.
    pub trail: TimeDelta,
    /// How long is waited before it is looked whether a job is done, where writes are jobs.
    pub job_wait: TimeDelta,
    /// How often that is. Whatever is not done then is unknown, and asked after later.
    pub job_looks: u32,
    /// Whether the engine may ask which fields there are ([`Connector::describe`](accordant::Connector::describe)): a request for each
    /// object type, and one for each column that queries were refused for, every six hours. Not unless it is set: an option that no mapping
    /// reads stops its attribute from the first look on. Without it, a query that names a column which the account does not have fails.
    pub describes: bool,
    /// What stands before an external id in an address. Assumed: `eid:`.
    pub external: String,
    /// How columns are asked for that are not asked for by their names: `BUILTIN.DF(currency)`.
    pub expressions: BTreeMap<String, String>,
    /// What records call a column, where that is not its name: `firstName`.
    pub fields: BTreeMap<String, String>,
    /// The columns that hold a record's id.
    pub references: BTreeSet<String>,
    /// The columns that NetSuite keeps in a child of the row, such as its address. Observed: when a child changes, the row does
    /// not always say that it did, so that the version of the row says nothing of them.
    pub of_children: BTreeSet<String>,
    /// The object types that are read and written.
    pub objects: BTreeMap<String, Object>,
}

/// One object type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The table of SuiteQL that its rows are in.
    pub table: String,
    /// A condition that tells them from other rows of it.
    pub condition: Option<String>,
    /// The type of its records over REST.
    pub record: String,
    /// How `DeletedRecord` names its type.
    pub deleted_as: String,
    /// What records are made with, whatever is mapped: what the condition asks for.
    pub made_with: BTreeMap<String, Value>,
    /// The columns that are asked for.
    pub columns: BTreeSet<String>,
    /// The columns of its lines that are asked for, where it is a transaction. None: no lines are asked for.
    pub lines: BTreeSet<String>,
    /// The documented paths that are mapped, and that nothing can be asked for: of them nothing is believed.
    pub unasked: BTreeSet<Path>,
}

impl Object {
    /// An object type as a standard account has it. A company is a customer that is no person;
    /// an `item` is an inventory item.
    #[must_use]
    pub fn new(object: &str) -> Self {
        let (table, condition, record) = match object {
            "customer" => ("customer", Some("isperson = 'T'"), "customer"),
            "company" => ("customer", Some("isperson = 'F'"), "customer"),
            "salesorder" => ("transaction", Some("type = 'SalesOrd'"), "salesOrder"),
            // All kinds of items are in one table, and each kind is a record type of its own.
            "item" => ("item", Some("itemtype = 'InvtPart'"), "inventoryItem"),
            other => (other, None, other),
        };
        Self {
            table: table.to_owned(),
            condition: condition.map(str::to_owned),
            record: record.to_owned(),
            deleted_as: table.to_owned(),
            made_with: match object {
                "customer" => BTreeMap::from([("isPerson".to_owned(), Value::Bool(true))]),
                "company" => BTreeMap::from([("isPerson".to_owned(), Value::Bool(false))]),
                _ => BTreeMap::new(),
            },
            columns: BTreeSet::new(),
            lines: BTreeSet::new(),
            unasked: BTreeSet::new(),
        }
    }

    /// A row as an item. What nobody asked for is not cleared.
    pub(crate) fn record(&self, surface: &str, row: &RawValue) -> Item {
        let item = Item::new(surface.into(), Says::Record, Bytes::copy_from_slice(row.get().as_bytes()));
        if self.unasked.is_empty() {
            return item;
        }
        item.denying(self.unasked.iter().cloned().collect::<Vec<Path>>())
    }
}

impl Settings {
    /// The settings of an account of which nothing is mapped yet.
    #[must_use]
    pub fn new(base: &str, zone: Tz) -> Self {
        let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(one, other)| ((*one).to_owned(), (*other).to_owned())).collect()
        };
        Self {
            base: base.to_owned(),
            zone,
            at_once: 5,
            page: 1_000,
            overlap: TimeDelta::minutes(10),
            trail: TimeDelta::zero(),
            job_wait: TimeDelta::seconds(2),
            job_looks: 15,
            describes: false,
            external: "eid:".into(),
            expressions: pairs(&[
                ("currency", "BUILTIN.DF(currency)"),
                ("entitystatus", "BUILTIN.DF(entitystatus)"),
                ("status", "BUILTIN.DF(status)"),
            ]),
            fields: pairs(&[
                ("firstname", "firstName"),
                ("lastname", "lastName"),
                ("companyname", "companyName"),
                ("mobilephone", "mobilePhone"),
                ("entitystatus", "entityStatus"),
                ("otherrefnum", "otherRefNum"),
                ("isperson", "isPerson"),
                ("itemid", "itemId"),
                ("displayname", "displayName"),
                ("entityid", "entityId"),
            ]),
            references: ["parent", "entity", "subsidiary", "salesrep", "supervisor", "department"]
                .map(str::to_owned)
                .into(),
            of_children: ["addr1", "addr2", "city", "state", "zip", "country"].map(str::to_owned).into(),
            objects: BTreeMap::new(),
        }
    }

    /// Reads and writes what these models map of the system `netsuite`, and no more.
    #[must_use]
    pub fn maps(mut self, models: &[EntityModel]) -> Self {
        for model in models {
            for mapped in model.objects.iter().filter(|mapped| mapped.system.as_str() == "netsuite") {
                let name = mapped.object.as_str();
                let object = self.objects.entry(name.to_owned()).or_insert_with(|| Object::new(name));
                for attribute in &model.attributes {
                    collect(attribute, mapped.key.as_str(), object);
                }
            }
        }
        self
    }

    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base.trim_end_matches('/'))
    }
}

/// Takes up the columns that an attribute is read from and written to; those of a collection's members are its lines', where
/// the object type is a transaction. What is neither cannot be asked for.
fn collect(attribute: &AttributeModel, key: &str, object: &mut Object) {
    let paths = |attribute: &AttributeModel| -> Vec<Path> {
        let mappings = attribute.mappings.iter().filter(|mapping| mapping.object.as_str() == key);
        let paths = mappings.flat_map(|mapping| mapping.read.iter().chain(&mapping.write));
        paths.filter(|path| !path.keys().is_empty()).cloned().collect()
    };
    let columns = |attribute: &AttributeModel| -> Vec<String> { paths(attribute).iter().filter_map(column).collect() };
    for path in paths(attribute) {
        match column(&path) {
            Some(column) if attribute.members.is_empty() => drop(object.columns.insert(column)),
            Some(column) if column == LINES && object.table == "transaction" => {
                object.lines.extend(attribute.members.iter().flat_map(|member| columns(&member.0)));
            }
            _ => drop(object.unasked.insert(path)),
        }
    }
}

/// Where a record has its lines.
pub(crate) const LINES: &str = "lines";

/// The column that a documented path is, if it can be one: nothing else gets into a query.
pub(crate) fn column(path: &Path) -> Option<String> {
    let [name] = path.keys() else { return None };
    let plain = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'_';
    (!name.is_empty() && name.bytes().all(plain)).then(|| name.to_string())
}
