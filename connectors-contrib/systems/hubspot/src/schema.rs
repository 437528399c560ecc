//! Properties as a schema: what the account says of an object type, and what is mapped there and cannot be kept.

use std::collections::BTreeSet;

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use accordant::id::ObjectType;
use accordant::model::Path;
use accordant::schema::{FieldKind, FieldSchema, Mismatch, MismatchKind, ObjectSchema};
use accordant::text::Text;
use http::StatusCode;
use serde::Deserialize;
use serde_json::json;

use crate::associations::association_path;
use crate::connector::HubSpot;
use crate::fault::unread;
use crate::settings::{Object, Settings, property_path};
use crate::wire::malformed;

#[derive(Deserialize)]
struct Catalogue {
    results: Vec<Property>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Property {
    name: String,
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default)]
    has_unique_value: bool,
    #[serde(default)]
    calculated: bool,
    #[serde(default)]
    options: Vec<Choice>,
    modification_metadata: Option<Modification>,
}

#[derive(Deserialize)]
struct Choice {
    value: Text,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Modification {
    #[serde(default)]
    read_only_value: bool,
}

impl Property {
    fn field(self) -> FieldSchema {
        let options: BTreeSet<Text> = self.options.into_iter().map(|option| option.value).collect();
        let kind = match self.kind.as_str() {
            "string" | "phone_number" => FieldKind::Text,
            "number" => FieldKind::Number,
            "bool" => FieldKind::Bool,
            "date" => FieldKind::Date,
            "datetime" => FieldKind::Instant,
            // Options that come from elsewhere, such as owners, are not listed.
            "enumeration" if !options.is_empty() => FieldKind::Choice(options),
            other => FieldKind::Other(other.into()),
        };
        let own = self.modification_metadata.is_some_and(|may| may.read_only_value);
        FieldSchema::new(property_path(&self.name), kind)
            .read_only(own || self.calculated)
            .unique(self.has_unique_value)
            .as_text()
    }
}

impl Settings {
    /// What an account says of an object type: the answer of `GET /crm/v3/properties/{objectType}`, as a person may export
    /// it. For [`Contract`](accordant::schema::Contract).
    ///
    /// # Errors
    ///
    /// If it is no list of properties.
    pub fn described(&self, object: &str, catalogue: &[u8]) -> Result<ObjectSchema, ConnectorError> {
        let catalogue: Catalogue = serde_json::from_slice(catalogue).map_err(|_| malformed("a list of properties"))?;
        let mut schema = ObjectSchema::new(object);
        for field in catalogue.results.into_iter().map(Property::field) {
            schema.field(field);
        }
        for to in self.objects.get(object).into_iter().flat_map(|object| &object.associations) {
            schema.field(FieldSchema::new(association_path(to), FieldKind::Reference).as_text());
        }
        for path in ["id", "createdAt", "updatedAt", "archived"] {
            schema.field(FieldSchema::new(Path::new(path), FieldKind::Other("envelope".into())).read_only(true));
        }
        Ok(schema)
    }
}

impl Object {
    /// What is read and written of an object type, and an account, as it describes itself, cannot keep.
    fn check(&self, key_property: Option<&str>, schema: &ObjectSchema) -> Vec<Mismatch> {
        let mut found = Vec::new();
        let mut note = |name: &str, kind| {
            let (system, object) = ("hubspot".into(), schema.object.clone());
            found.push(Mismatch { system, object, field: property_path(name), attribute: None, kind });
        };
        for name in self.properties.iter().map(String::as_str).chain([self.modified.as_str()]) {
            match schema.find(&property_path(name)) {
                None => note(name, MismatchKind::Missing),
                Some(field) if self.written.contains(name) && field.read_only => note(name, MismatchKind::ReadOnly),
                Some(_) => {}
            }
        }
        match key_property.map(|name| (name, schema.find(&property_path(name)))) {
            Some((name, None)) => note(name, MismatchKind::Missing),
            Some((name, Some(field))) if field.unique == Some(false) => note(name, MismatchKind::NotUnique),
            _ => {}
        }
        found
    }
}

impl HubSpot {
    /// Makes the account ready: defines the property that creates carry, where it is missing, and says which mappings the
    /// account cannot keep. An empty list is what one wants; nothing is guessed of the rest.
    ///
    /// # Errors
    ///
    /// If the properties cannot be read, or the one that is missing cannot be defined.
    pub async fn prepare(&self) -> Result<Vec<Mismatch>, ConnectorError> {
        let mut found = Vec::new();
        let key = self.settings.key_property.as_deref();
        for (name, object) in &self.settings.objects {
            let path = format!("{}/{name}", self.settings.properties_path);
            let described = self.settings.described(name, self.get(&path, "list the properties").await?.body())?;
            for mismatch in object.check(key, &described) {
                match key.filter(|key| mismatch.field == property_path(key) && mismatch.kind == MismatchKind::Missing) {
                    Some(key) => self.define_key(name, &path, key).await?,
                    None => found.push(mismatch),
                }
            }
            for to in &object.associations {
                if !self.associates(name, to).await? {
                    let (system, field) = ("hubspot".into(), association_path(to));
                    let kind = MismatchKind::Missing;
                    found.push(Mismatch { system, object: name.as_str().into(), field, attribute: None, kind });
                }
            }
        }
        Ok(found)
    }

    /// Whether records of one type can belong to records of the other, as the account has it: asked by the very read that tells
    /// to whom they belong. That nobody belongs to anybody is an answer.
    async fn associates(&self, from: &str, to: &str) -> Result<bool, ConnectorError> {
        let path = format!("{}/{from}/{to}/batch/read", self.settings.associations_path);
        let answer = self.ask(&self.client, "POST", &path, Some(&json!({ "inputs": [{ "id": "1" }] }))).await?;
        match answer.status() {
            StatusCode::OK | StatusCode::MULTI_STATUS => Ok(true),
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND => Ok(false),
            _ => Err(unread(&answer, "look whether an association is known")),
        }
    }

    /// The properties of those of the object types that are read and written.
    pub(crate) async fn ask_for_properties(&self, objects: &[ObjectType]) -> Result<Vec<ObjectSchema>, ConnectorError> {
        let mut described = Vec::new();
        for object in objects.iter().filter(|object| self.settings.objects.contains_key(object.as_str())) {
            let path = format!("{}/{object}", self.settings.properties_path);
            let answer = self.get(&path, "list the properties").await?;
            described.push(self.settings.described(object.as_str(), answer.body())?);
        }
        Ok(described)
    }

    async fn define_key(&self, object: &str, path: &str, key: &str) -> Result<(), ConnectorError> {
        let group = match object {
            "contacts" => "contactinformation",
            "companies" => "companyinformation",
            "deals" => "dealinformation",
            _ => "accordant",
        };
        let body = json!({
            "name": key, "label": "Accordant key", "type": "string", "fieldType": "text", "groupName": group,
            "hasUniqueValue": true, "description": "Written once, when Accordant makes a record. Do not change it.",
        });
        let answer = self.ask(&self.client, "POST", path, Some(&body)).await?;
        if answer.status().is_success() {
            return Ok(());
        }
        let error = unread(&answer, "define the property that creates carry");
        Err(ConnectorError { kind: ConnectorErrorKind::Denied, ..error })
    }
}
