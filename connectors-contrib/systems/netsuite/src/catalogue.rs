//! The account's own catalogue of records, as it may be exported, in the vocabulary of schemas.
//!
//! From the vendor's pages: `metadata-catalog` gives an `OpenAPI` document (`application/swagger+json`) or the JSON Schema of
//! one record (`application/schema+json`). Assumed: references are objects with `id` and `refName`.

use std::collections::BTreeSet;

use accordant::connector::ConnectorError;
use accordant::id::ObjectType;
use accordant::model::Path;
use accordant::schema::{FieldKind, FieldSchema, ObjectSchema};
use accordant::text::Text;
use accordant::value::Native;
use http::StatusCode;
use serde_json::Value;

use crate::connector::NetSuite;
use crate::fault::unread;
use crate::known::Refused;
use crate::query;
use crate::settings::{LINES, Object, Settings};
use crate::wire::malformed;

impl Settings {
    /// What an account says of an object type: the answer of
    /// `GET /services/rest/record/v1/metadata-catalog?select={record}`, in either of its two forms. Its fields are named by
    /// the columns that SuiteQL has them under. For [`Contract`](accordant::schema::Contract).
    ///
    /// # Errors
    ///
    /// If it is neither form, or does not describe the record of the object type.
    pub fn described(&self, object: &str, catalogue: &[u8]) -> Result<ObjectSchema, ConnectorError> {
        self.described_to(object, self.objects.get(object), catalogue)
    }

    /// The same, of an object type as the account is known to have it.
    fn described_to(
        &self,
        name: &str,
        object: Option<&Object>,
        catalogue: &[u8],
    ) -> Result<ObjectSchema, ConnectorError> {
        let record = object.map_or(name, |object| object.record.as_str());
        let catalogue: Value = serde_json::from_slice(catalogue).map_err(|_| malformed("a catalogue"))?;
        let schemas = &catalogue["components"]["schemas"];
        let described = if schemas.is_object() { &schemas[record] } else { &catalogue };
        let properties = described["properties"].as_object().ok_or_else(|| malformed("a catalogue of this record"))?;
        let required: Vec<&str> =
            described["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut schema = ObjectSchema::new(name);
        for (name, property) in properties {
            let field = field(self.column_of(name), property);
            if object.is_some_and(|object| object.unasked.contains(&field.path)) {
                // What nothing can be asked for is not there, whatever the catalogue has.
                continue;
            }
            schema.field(field.required(required.contains(&name.as_str())));
        }
        for column in ["id", "lastmodifieddate"] {
            let path = Path::new(column);
            if schema.find(&path).is_none() {
                schema.field(FieldSchema::new(path, FieldKind::Other("key".into())).read_only(true));
            }
        }
        if object.is_some_and(|object| !object.lines.is_empty()) {
            // A table of their own, which the catalogue of records does not describe.
            schema.field(FieldSchema::new(Path::new(LINES), FieldKind::Other("lines".into())).read_only(true));
        }
        Ok(schema)
    }

    /// The column of a record's field: by the settings, or else the same name in small letters.
    fn column_of(&self, field: &str) -> String {
        let named = self.fields.iter().find(|(_, own)| own.as_str() == field);
        named.map_or_else(|| field.to_ascii_lowercase(), |(column, _)| column.clone())
    }
}

impl NetSuite {
    /// What the account says of those of the object types that are read and written. A column that no query may name is not there,
    /// though the catalogue has it.
    pub(crate) async fn ask_for_catalogue(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        let mut described = Vec::new();
        for name in objects.iter().map(ObjectType::as_str) {
            let Some(object) = self.settings.objects.get(name) else { continue };
            let path = format!("/services/rest/record/v1/metadata-catalog/{}", object.record);
            let answer = self.ask_as("GET", &path, None, ("accept", "application/schema+json"), &[]).await?;
            if answer.status() != StatusCode::OK {
                return Err(unread(&answer));
            }
            self.ask_for_refused(name, object).await?;
            described.push(self.settings.described_to(name, self.known.object(name).as_deref(), answer.body())?);
        }
        Ok(described)
    }

    /// Asks for what queries were refused for, each by itself: the answer says whether it is back, whatever the catalogue has.
    async fn ask_for_refused(&self, name: &str, mapped: &Object) -> Result<(), ConnectorError> {
        // No record has this id: nothing but the columns is asked for.
        let nobody = ["0"];
        let refused = self.known.refused(name);
        let mut again = Refused::default();
        for column in refused.columns {
            let only = BTreeSet::from([column.clone()]);
            if self.takes(&query::named(mapped, &self.settings, &only, "id", &nobody)).await? {
                again.columns.insert(column);
            }
        }
        again.lines = refused.lines && self.takes(&query::lines(mapped, &nobody, None)).await?;
        self.known.takes(name, mapped, &again);
        Ok(())
    }
}

fn field(column: String, property: &Value) -> FieldSchema {
    let is_reference = property["properties"]["refName"].is_object() || property["$ref"].is_string();
    let options = || property["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(Text::from);
    let kind = match (property["type"].as_str(), property["format"].as_str()) {
        _ if property["enum"].is_array() => FieldKind::Choice(options().collect()),
        _ if is_reference => FieldKind::Reference,
        (Some("string"), Some("date")) => FieldKind::Date,
        (Some("string"), Some("date-time")) => FieldKind::Instant,
        (Some("string"), _) => FieldKind::Text,
        (Some("integer"), _) => FieldKind::Integer,
        (Some("number"), _) => FieldKind::Number,
        (Some("boolean"), _) => FieldKind::Bool,
        (other, _) => FieldKind::Other(other.unwrap_or("untyped").into()),
    };
    // How SuiteQL carries it: all as text, `T` and `F`; days and instants as the user's settings have them.
    let examples = match &kind {
        FieldKind::Bool => vec![Native::Text("T".into()), Native::Text("F".into())],
        FieldKind::Date | FieldKind::Instant | FieldKind::Reference => Vec::new(),
        kind => FieldSchema::new(Path::default(), kind.clone()).as_text().examples,
    };
    let field = FieldSchema::new(Path::from(column.as_str()), kind)
        .carried_as(examples)
        .read_only(property["readOnly"] == true);
    match property["maxLength"].as_u64().and_then(|most| usize::try_from(most).ok()) {
        Some(most) => field.at_most(most),
        None => field,
    }
}
