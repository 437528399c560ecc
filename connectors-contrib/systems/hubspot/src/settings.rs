//! What is known of an account, and what is only assumed of HubSpot.

use std::collections::{BTreeMap, BTreeSet};

use accordant::model::{AttributeModel, EntityModel, Path};
use accordant::ownership::Direction;
use accordant_http::SecretString;
use chrono::TimeDelta;
use url::Url;

use crate::associations::association;

/// One account, and how HubSpot is talked to. Defaults that the vendor does not promise say so.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The portal (account) id. Events of other portals are not ours, though the same app signs them.
    pub portal: u64,
    /// Where the interface is: `https://api.hubapi.com`.
    pub base: Url,
    /// Where objects are under it: `/crm/v3/objects`.
    pub objects_path: String,
    /// Where associations are under it: `/crm/v4/associations`.
    pub associations_path: String,
    /// Where properties are under it: `/crm/v3/properties`.
    pub properties_path: String,
    /// The secret of the app that webhooks are signed with, and during its rotation the former one. None: no webhooks.
    pub webhook_secrets: Vec<SecretString>,
    /// Under which address HubSpot calls us: scheme, host and what a proxy takes off the path.
    pub public_address: Option<Url>,
    /// How long HubSpot goes on with a webhook that is not answered; what was missed for longer is found by a scan alone.
    /// Observed: about 24 hours.
    pub webhook_horizon: TimeDelta,
    /// Whether the engine may ask which properties there are ([`Connector::describe`](accordant::Connector::describe)): a call for each
    /// object type, every six hours. Not unless it is set: an option that no mapping reads stops its attribute from the first look on.
    pub describes: bool,
    /// The property that creates carry, unique by HubSpot: `accordant_key`. `None`: creates are not safe.
    pub key_property: Option<String>,
    /// Requests in ten seconds. By the vendor: 100, 190 or 250 by tier, for all that use the app.
    pub per_ten_seconds: u32,
    /// Searches in a second. By the vendor: 4; newer pages say 5.
    pub searches_per_second: u32,
    /// Items of a batch. Assumed: 100.
    pub batch: usize,
    /// Rows of a page of a list. Assumed: 100.
    pub page: usize,
    /// Rows of a page of a search. Assumed: 100; newer pages say 200.
    pub search_page: usize,
    /// How far a search reaches back behind the one before. Observed: its index may show a change an hour late.
    pub overlap: TimeDelta,
    /// How far a search stays behind now. None is needed where it reaches back far enough.
    pub trail: TimeDelta,
    /// How long archived records are listed. Assumed: 90 days.
    pub archived_for: TimeDelta,
    /// The zone of the account, at whose midnight the daily limit begins anew.
    pub zone: chrono_tz::Tz,
    /// The object types that are read and written.
    pub objects: BTreeMap<String, Object>,
}

/// One object type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The properties that are asked for.
    pub properties: BTreeSet<String>,
    /// The object types to whose records it is asked which one a record belongs to.
    pub associations: BTreeSet<String>,
    /// The properties that are written.
    pub written: BTreeSet<String>,
    /// The property that says when a record changed.
    pub modified: String,
    /// What events of it begin with: `contact`.
    pub event: String,
    /// Its number: `0-1`. Events of the kind `object.…` name it.
    pub type_id: Option<String>,
}

impl Object {
    /// An object type as HubSpot has it by default. Observed: contacts have a property of their own for when they changed.
    #[must_use]
    pub fn new(object: &str) -> Self {
        let (event, type_id) = match object {
            "contacts" => ("contact", Some("0-1")),
            "companies" => ("company", Some("0-2")),
            "deals" => ("deal", Some("0-3")),
            "tickets" => ("ticket", Some("0-5")),
            "products" => ("product", Some("0-7")),
            "line_items" => ("line_item", Some("0-8")),
            custom => (custom, None),
        };
        Self {
            properties: BTreeSet::new(),
            associations: BTreeSet::new(),
            written: BTreeSet::new(),
            modified: if object == "contacts" { "lastmodifieddate" } else { "hs_lastmodifieddate" }.to_owned(),
            event: event.to_owned(),
            type_id: type_id.map(str::to_owned),
        }
    }
}

impl Settings {
    /// The settings of an account in which nothing is mapped yet.
    ///
    /// # Panics
    ///
    /// Never: the address of HubSpot is one.
    #[must_use]
    pub fn new(portal: u64) -> Self {
        Self {
            portal,
            base: Url::parse("https://api.hubapi.com").expect("a constant that is an address"),
            objects_path: "/crm/v3/objects".into(),
            associations_path: "/crm/v4/associations".into(),
            properties_path: "/crm/v3/properties".into(),
            webhook_secrets: Vec::new(),
            public_address: None,
            webhook_horizon: TimeDelta::hours(24),
            describes: false,
            key_property: Some("accordant_key".into()),
            per_ten_seconds: 100,
            searches_per_second: 4,
            batch: 100,
            page: 100,
            search_page: 100,
            overlap: TimeDelta::hours(1),
            trail: TimeDelta::zero(),
            archived_for: TimeDelta::days(90),
            zone: chrono_tz::UTC,
            objects: BTreeMap::new(),
        }
    }

    /// Reads and writes what these models map of the system `hubspot`, and no more.
    #[must_use]
    pub fn maps(mut self, models: &[EntityModel]) -> Self {
        for model in models {
            for mapped in model.objects.iter().filter(|mapped| mapped.system.as_str() == "hubspot") {
                let name = mapped.object.as_str();
                let object = self.objects.entry(name.to_owned()).or_insert_with(|| Object::new(name));
                for attribute in &model.attributes {
                    collect(attribute, mapped.key.as_str(), object);
                }
            }
        }
        self
    }

    /// An address under the base.
    pub(crate) fn address(&self, path: &str) -> String {
        format!("{}{path}", self.base.as_str().trim_end_matches('/'))
    }
}

/// Takes up the properties that an attribute is read from and written to.
fn collect(attribute: &AttributeModel, key: &str, object: &mut Object) {
    for mapping in attribute.mappings.iter().filter(|mapping| mapping.object.as_str() == key) {
        object.properties.extend(mapping.read.iter().chain(&mapping.write).filter_map(property));
        object.associations.extend(mapping.read.iter().chain(&mapping.write).filter_map(association));
        if mapping.direction != Direction::ReadOnly {
            object.written.extend(mapping.write.iter().filter_map(property));
        }
    }
    for member in &attribute.members {
        collect(&member.0, key, object);
    }
}

/// The documented path of a property.
pub(crate) fn property_path(name: &str) -> Path {
    Path::key("properties").join(&Path::key(name))
}

/// The property that a documented path lies in.
pub(crate) fn property(path: &Path) -> Option<String> {
    match path.keys() {
        [first, name, ..] if first.as_str() == "properties" => Some(name.to_string()),
        _ => None,
    }
}
