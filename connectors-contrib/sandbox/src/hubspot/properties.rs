//! Properties: what an object type has, and which values they take.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::refusal::Refusal;
use crate::instant;

/// One property of an object type.
#[derive(Debug, Clone)]
pub(super) struct Property {
    pub(super) name: String,
    pub(super) label: String,
    pub(super) kind: String,
    pub(super) field: String,
    pub(super) options: Vec<String>,
    pub(super) unique: bool,
    pub(super) read_only: bool,
    /// Whether the token may not see it: it is left out of every answer.
    pub(super) hidden: bool,
    standard: bool,
}

impl Property {
    fn standard(name: &str, kind: &str) -> Self {
        let read_only = matches!(
            name,
            "hs_object_id" | "createdate" | "lastmodifieddate" | "hs_lastmodifieddate" | "hs_merged_object_ids"
        );
        Self {
            name: name.to_owned(),
            label: name.to_owned(),
            kind: kind.to_owned(),
            field: if kind == "number" { "number" } else { "text" }.to_owned(),
            options: Vec::new(),
            unique: false,
            read_only,
            hidden: false,
            standard: true,
        }
    }

    /// As a request defines it.
    pub(super) fn defined(body: &Value) -> Result<Self, Refusal> {
        let text = |key: &str| body[key].as_str().map(str::to_owned);
        let needed = |key: &str| text(key).ok_or_else(|| Refusal::bad(format!("{key} is required")));
        let options = body["options"].as_array().into_iter().flatten();
        let property = Self {
            name: needed("name")?,
            label: needed("label")?,
            kind: needed("type")?,
            field: needed("fieldType")?,
            options: options.filter_map(|option| option["value"].as_str().map(str::to_owned)).collect(),
            unique: body["hasUniqueValue"].as_bool().unwrap_or(false),
            read_only: false,
            hidden: false,
            standard: false,
        };
        needed("groupName")?;
        let kinds = ["string", "number", "date", "datetime", "enumeration", "bool"];
        if kinds.contains(&property.kind.as_str()) { Ok(property) } else { Err(Refusal::bad("no such type")) }
    }

    pub(super) fn json(&self) -> Value {
        let option = |(order, value): (usize, &String)| json!({ "label": value, "value": value, "displayOrder": order, "hidden": false });
        json!({
            "name": self.name, "label": self.label, "type": self.kind, "fieldType": self.field, "description": "",
            "groupName": "information", "hasUniqueValue": self.unique, "hubspotDefined": self.standard,
            "options": self.options.iter().enumerate().map(option).collect::<Vec<_>>(),
            "modificationMetadata": {
                "archivable": !self.standard, "readOnlyDefinition": self.standard, "readOnlyValue": self.read_only,
            },
        })
    }

    /// The value as the account keeps it; nothing clears.
    fn accept(&self, value: &str) -> Result<Option<String>, Refusal> {
        let bad = |code| Err(Refusal::property(code, &self.name, format!("{value} was not valid for {}", self.name)));
        if self.read_only {
            return bad("READ_ONLY_VALUE");
        }
        if value.is_empty() {
            return Ok(None);
        }
        let kept = match self.kind.as_str() {
            "number" if value.parse::<f64>().is_err() => return bad("INVALID_NUMBER"),
            "bool" if !matches!(value, "true" | "false") => return bad("INVALID_BOOLEAN"),
            "datetime" | "date" => match instant::parse(value) {
                Some(at) => instant::millis(at),
                None if self.kind == "date" && chrono::NaiveDate::parse_from_str(value, "%Y-%m-%d").is_ok() => {
                    value.to_owned()
                }
                None => return bad("INVALID_DATE"),
            },
            "enumeration" if !value.split(';').all(|one| self.options.iter().any(|option| option == one)) => {
                return bad("INVALID_OPTION");
            }
            _ if self.name == "email" => value.trim().to_lowercase(),
            _ => value.to_owned(),
        };
        if self.name == "email" && !kept.contains('@') {
            return bad("INVALID_EMAIL");
        }
        Ok(Some(kept))
    }
}

/// The properties of every object type.
#[derive(Debug)]
pub(super) struct Properties(BTreeMap<String, BTreeMap<String, Property>>);

const TEXTS: [(&str, &[&str]); 6] = [
    (
        "contacts",
        &[
            "email",
            "firstname",
            "lastname",
            "phone",
            "mobilephone",
            "company",
            "associatedcompanyid",
            "address",
            "city",
            "state",
            "zip",
            "country",
            "jobtitle",
            "website",
        ],
    ),
    ("companies", &["name", "domain", "phone", "address", "city", "state", "zip", "country", "industry"]),
    ("deals", &["dealname", "dealstage", "pipeline", "amount", "closedate"]),
    ("products", &["name", "description", "price", "hs_sku"]),
    ("line_items", &["name", "quantity", "price", "hs_product_id", "hs_sku"]),
    ("tickets", &["subject", "content", "hs_pipeline_stage"]),
];

impl Properties {
    /// Those that every account has, or the more common of them.
    pub(super) fn standard() -> Self {
        let of = |texts: &[&str], object: &str| {
            let modified = modified_property(object);
            let always = ["hs_object_id", "hs_merged_object_ids"].into_iter();
            let mut all: BTreeMap<String, Property> = texts
                .iter()
                .copied()
                .chain(always)
                .map(|name| {
                    let number = matches!(name, "amount" | "price" | "quantity" | "associatedcompanyid");
                    (name.to_owned(), Property::standard(name, if number { "number" } else { "string" }))
                })
                .collect();
            for name in ["createdate", modified] {
                all.insert(name.to_owned(), Property::standard(name, "datetime"));
            }
            if object == "companies" {
                all.insert("annualrevenue".into(), Property::standard("annualrevenue", "number"));
            }
            if let Some(email) = all.get_mut("email") {
                email.unique = true;
            }
            all
        };
        Self(TEXTS.iter().map(|(object, texts)| ((*object).to_owned(), of(texts, object))).collect())
    }

    pub(super) fn of(&self, object: &str) -> Result<&BTreeMap<String, Property>, Refusal> {
        self.0.get(object).ok_or_else(|| Refusal::bad(format!("Unable to infer object type from: {object}")))
    }

    pub(super) fn define(&mut self, object: &str, property: Property) -> Result<&Property, Refusal> {
        self.of(object)?;
        let properties = self.0.entry(object.to_owned()).or_default();
        if properties.contains_key(&property.name) {
            return Err(Refusal::taken(&property.name, 0));
        }
        let name = property.name.clone();
        Ok(properties.entry(name).or_insert(property))
    }

    /// A person takes the token's sight of a property, or gives it back.
    pub(super) fn hide(&mut self, object: &str, name: &str, hidden: bool) {
        if let Some(property) = self.0.get_mut(object).and_then(|properties| properties.get_mut(name)) {
            property.hidden = hidden;
        }
    }

    /// The values of a write, as they are kept.
    pub(super) fn accept(&self, object: &str, values: &Value) -> Result<Vec<(String, Option<String>)>, Refusal> {
        let properties = self.of(object)?;
        let values = values.as_object().ok_or_else(|| Refusal::bad("properties is required"))?;
        let accept = |(name, value): (&String, &Value)| {
            let missing = || Refusal::property("PROPERTY_DOESNT_EXIST", name, format!("{name} does not exist"));
            let property = properties.get(name).ok_or_else(missing)?;
            let text = value.as_str().ok_or_else(|| Refusal::bad("values are strings"))?;
            Ok((name.clone(), property.accept(text)?))
        };
        values.iter().map(accept).collect()
    }
}

/// The property that says when a record changed: contacts have one of their own.
pub(super) fn modified_property(object: &str) -> &'static str {
    if object == "contacts" { "lastmodifieddate" } else { "hs_lastmodifieddate" }
}
