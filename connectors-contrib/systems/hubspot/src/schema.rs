//! Properties as a schema: what is mapped and does not exist, or cannot be written.

use std::collections::BTreeMap;
use std::fmt;

use accordant::connector::{ConnectorError, ConnectorErrorKind};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::connector::HubSpot;
use crate::fault::unread;
use crate::settings::Object;
use crate::wire::parse;

/// A mapping that the account cannot keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The object type.
    pub object: String,
    /// The property.
    pub property: String,
    /// What is wrong with it.
    pub kind: MismatchKind,
}

/// What is wrong with a mapped property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MismatchKind {
    /// The account has none of this name, or the credentials do not see it.
    Missing,
    /// It is mapped to be written, and its values are HubSpot's own.
    ReadOnly,
    /// Creates are to carry it, and its values are not unique.
    NotUnique,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = match self.kind {
            MismatchKind::Missing => "does not exist, or may not be seen",
            MismatchKind::ReadOnly => "is mapped to be written, and is read-only",
            MismatchKind::NotUnique => "is to carry our keys, and its values are not unique",
        };
        write!(f, "hubspot/{} properties.{} {told}", self.object, self.property)
    }
}

#[derive(Deserialize)]
struct Catalogue {
    results: Vec<Property>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Property {
    name: String,
    #[serde(default)]
    has_unique_value: bool,
    modification_metadata: Option<Modification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Modification {
    read_only_value: bool,
}

impl Object {
    /// What of this object type's mapping an account cannot keep, by its own list of properties: the answer of
    /// `GET /crm/v3/properties/{objectType}`, as a person may export it.
    ///
    /// # Errors
    ///
    /// If it is no list of properties.
    pub fn check(
        &self,
        object: &str,
        key_property: Option<&str>,
        catalogue: &Bytes,
    ) -> Result<Vec<Mismatch>, ConnectorError> {
        let catalogue: Catalogue = parse(catalogue, "a list of properties")?;
        let known: BTreeMap<&str, &Property> =
            catalogue.results.iter().map(|property| (property.name.as_str(), property)).collect();
        let mismatch =
            |property: &str, kind| Mismatch { object: object.to_owned(), property: property.to_owned(), kind };
        let own = |property: &Property| property.modification_metadata.as_ref().is_some_and(|may| may.read_only_value);
        let mut found = Vec::new();
        for name in self.properties.iter().map(String::as_str).chain([self.modified.as_str()]) {
            match known.get(name) {
                None => found.push(mismatch(name, MismatchKind::Missing)),
                Some(property) if self.written.contains(name) && own(property) => {
                    found.push(mismatch(name, MismatchKind::ReadOnly));
                }
                Some(_) => {}
            }
        }
        match key_property.map(|name| (name, known.get(name))) {
            Some((name, None)) => found.push(mismatch(name, MismatchKind::Missing)),
            Some((name, Some(property))) if !property.has_unique_value => {
                found.push(mismatch(name, MismatchKind::NotUnique));
            }
            _ => {}
        }
        Ok(found)
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
            let mismatches = object.check(name, key, self.get(&path, "list the properties").await?.body())?;
            for mismatch in mismatches {
                if Some(mismatch.property.as_str()) == key && mismatch.kind == MismatchKind::Missing {
                    self.define_key(name, &path, &mismatch.property).await?;
                } else {
                    found.push(mismatch);
                }
            }
        }
        Ok(found)
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
