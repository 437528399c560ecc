//! The catalogue of records: which fields a record type has, as the interface describes it, and fields that are taken away.
//!
//! From the vendor's pages: `metadata-catalog/{record}` answers with a JSON Schema. As others have observed: a query that names a
//! column which its table does not have is refused, and the refusal names it.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use serde_json::{Map, Value, json};

use super::record::table_of;
use super::{Inside, NetSuite, refusal};
use crate::json;

/// The fields of record types, by record type and column.
#[derive(Debug)]
pub(super) struct Catalogue {
    fields: BTreeMap<String, BTreeMap<String, Field>>,
    /// Table and column of what was taken away.
    retired: BTreeSet<(String, String)>,
}

/// A field: its name as records have it, and what it holds.
#[derive(Debug, Clone)]
struct Field {
    name: String,
    kind: String,
}

/// What record types have from the beginning: `!` stands before what is read-only.
const STANDARD: [(&str, &str, &[&str]); 4] = [
    (
        "customer",
        "string",
        &[
            "entityId",
            "externalId",
            "firstName",
            "lastName",
            "companyName",
            "email",
            "phone",
            "mobilePhone",
            "addr1",
            "addr2",
            "city",
            "state",
            "zip",
            "country",
        ],
    ),
    (
        "employee",
        "string",
        &["entityId", "externalId", "firstName", "lastName", "email", "phone", "mobilePhone", "title"],
    ),
    ("inventoryitem", "string", &["itemId", "externalId", "displayName", "upcCode"]),
    ("salesorder", "string", &["!tranId", "externalId", "otherRefNum", "memo", "status"]),
];

/// What else they have, by what it holds.
const OTHERWISE: [(&str, &str, &[&str]); 7] = [
    ("customer", "reference", &["parent", "entityStatus", "currency", "subsidiary", "salesRep"]),
    ("customer", "number", &["!balance"]),
    ("customer", "boolean", &["isPerson", "isInactive"]),
    ("employee", "reference", &["supervisor", "department", "subsidiary"]),
    ("inventoryitem", "boolean", &["isInactive"]),
    ("salesorder", "reference", &["entity", "currency"]),
    ("salesorder", "number", &["foreignTotal", "!total"]),
];

impl Catalogue {
    pub(super) fn standard() -> Self {
        let mut catalogue = Self { fields: BTreeMap::new(), retired: BTreeSet::new() };
        for (record, kind, names) in STANDARD.into_iter().chain(OTHERWISE) {
            for name in names {
                catalogue.define(record, name, kind);
            }
        }
        for record in STANDARD.map(|(record, ..)| record) {
            catalogue.define(record, "!id", "string");
            catalogue.define(record, "!lastModifiedDate", "instant");
        }
        catalogue
    }

    fn define(&mut self, record: &str, name: &str, kind: &str) {
        let column = name.trim_start_matches('!').to_lowercase();
        self.retired.remove(&(table_of(record), column.clone()));
        let field = Field { name: name.to_owned(), kind: kind.to_owned() };
        self.fields.entry(record.to_lowercase()).or_default().insert(column, field);
    }

    /// Whether a table had such a column once, and has it no more.
    pub(super) fn is_retired(&self, table: &str, column: &str) -> bool {
        !self.retired.is_empty() && self.retired.contains(&(table.to_owned(), column.to_owned()))
    }

    /// A record type as JSON Schema.
    pub(super) fn answer(&self, path: &[&str], request: &Request<Bytes>) -> Response<Bytes> {
        let accepts = request.headers().get(http::header::ACCEPT).and_then(|accept| accept.to_str().ok());
        if accepts != Some("application/schema+json") {
            return refusal(
                StatusCode::NOT_ACCEPTABLE,
                "INVALID_HEADER",
                "the sandbox has application/schema+json only",
            );
        }
        let fields = match path {
            [record] => self.fields.get(&record.to_lowercase()),
            _ => None,
        };
        let Some(fields) = fields else {
            return refusal(StatusCode::NOT_FOUND, "NONEXISTENT_RECORD", "That record type does not exist.");
        };
        let properties: Map<String, Value> =
            fields.values().map(|field| (field.name.trim_start_matches('!').to_owned(), field.json())).collect();
        json::answer(StatusCode::OK, &json!({ "type": "object", "properties": properties }))
    }
}

impl Field {
    fn json(&self) -> Value {
        let mut schema = match self.kind.as_str() {
            "reference" => {
                let text = json!({ "type": "string" });
                json!({ "type": "object", "properties": { "id": text, "refName": text } })
            }
            "instant" => json!({ "type": "string", "format": "date-time" }),
            "number" => json!({ "type": "number", "format": "double" }),
            kind => json!({ "type": kind }),
        };
        if self.name.starts_with('!') {
            schema["readOnly"] = true.into();
        }
        schema
    }
}

impl NetSuite {
    /// An administrator gives a record type a field, of `string`, `number`, `boolean`, `reference` or `instant`; the name of a
    /// read-only one begins with `!`.
    pub fn defines(&self, record: &str, field: &str, kind: &str) {
        self.inside().catalogue.define(record, field, kind);
    }

    /// An administrator takes a field away: whatever names it is refused. Values stay where they are.
    pub fn retires(&self, record: &str, field: &str) {
        let mut inside = self.inside();
        let (record, column) = (record.to_lowercase(), field.to_lowercase());
        if let Some(fields) = inside.catalogue.fields.get_mut(&record) {
            fields.remove(&column);
        }
        inside.catalogue.retired.insert((table_of(&record), column));
    }
}

impl Inside {
    /// What a query says that names a column which its table does not have.
    pub(super) fn unknown<'c>(&self, table: &str, mut columns: impl Iterator<Item = &'c str>) -> Option<String> {
        let unknown = columns.find(|column| self.catalogue.is_retired(table, column))?;
        Some(format!(
            "Detailed unprocessed description follows. Search error occurred: Unknown identifier '{unknown}'. \
             Available identifiers are: {{{table}={table}}}"
        ))
    }
}
