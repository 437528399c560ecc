//! What is known of a shop, and what is only assumed of Shopify.

use std::collections::{BTreeMap, BTreeSet};

use accordant::model::{AttributeModel, EntityModel, Path};
use accordant_http::SecretString;
use chrono::TimeDelta;

use crate::selection;

/// One shop, and how Shopify is talked to. Defaults that the vendor does not promise say so.
#[derive(Debug, Clone)]
pub struct Settings {
    /// `acme.myshopify.com`: webhooks of other shops are not ours, though the same app signs them.
    pub domain: String,
    /// Where the interface is: `https://acme.myshopify.com`.
    pub base: String,
    /// Its version. Pin one, and try the next.
    pub version: String,
    /// The secret of the app that webhooks are signed with, and during its rotation the former one. None: no webhooks.
    pub webhook_secrets: Vec<SecretString>,
    /// How long Shopify goes on with a webhook that is not answered; what was missed for longer is found by a scan alone. By
    /// the vendor: eight more attempts in four hours.
    pub webhook_horizon: TimeDelta,
    /// The metafield that creates are made under, of a definition whose values are unique. `None`: creates are not safe.
    pub key: Option<Key>,
    /// Points in the full bucket, until the shop tells of it.
    pub capacity: u32,
    /// Points that come back in a second, by plan: 100, 200, 1 000, 2 000.
    pub per_second: u32,
    /// Nodes of a page. At most 250 (assumed), and no query may cost more than 1 000 points.
    pub page: usize,
    /// Elements of a list that are read with its record: lines of an order, variants of a product. Of a list that has more,
    /// only a scan tells. At most 250 (assumed).
    pub elements: usize,
    /// Why quantities change, as the shop's history shows it: one of the vendor's reasons.
    pub reason: String,
    /// How far a poll reaches back. Observed: under ten seconds, and once half an hour.
    pub overlap: TimeDelta,
    /// How far a poll stays behind now.
    pub trail: TimeDelta,
    /// How long is waited before it is looked whether a bulk operation is done.
    pub bulk_wait: TimeDelta,
    /// Bytes of its file that are fetched at once. What belongs to one node is never cut: more is fetched where it is longer.
    pub bulk_piece: usize,
    /// The object types that are read.
    pub objects: BTreeMap<String, Object>,
}

/// The metafield that a create is made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Its namespace.
    pub namespace: String,
    /// Its key.
    pub key: String,
}

/// One object type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The type of its nodes: `Customer`.
    pub node: String,
    /// What webhooks of it begin with: `customers`.
    pub topic: String,
    /// The documented paths that are asked for.
    pub paths: BTreeSet<Path>,
}

impl Object {
    /// An object type by the name of its connection: `customers`, `orders`, `products`, `inventoryLevels`.
    #[must_use]
    pub fn new(connection: &str) -> Self {
        let singular = connection.strip_suffix('s').unwrap_or(connection);
        let mut letters = singular.chars();
        let node = letters.next().map(|first| first.to_ascii_uppercase().to_string() + letters.as_str());
        let mut topic = String::new();
        for letter in connection.chars() {
            if letter.is_ascii_uppercase() {
                topic.push('_');
            }
            topic.push(letter.to_ascii_lowercase());
        }
        Self { node: node.unwrap_or_default(), topic, paths: BTreeSet::new() }
    }

    /// Whether it is the quantities of an item at a location: no search covers them, and their ids name the item too.
    pub(crate) fn is_level(&self) -> bool {
        self.node == "InventoryLevel"
    }

    /// Whether something of it lies in lists, which files have in lines of their own.
    pub(crate) fn has_lists(&self) -> bool {
        self.paths.iter().any(|path| selection::list(path).is_some())
    }

    /// Whether a record of it may have this id. The id of an inventory level has the item's behind it.
    pub(crate) fn may_have(&self, id: &str) -> bool {
        let number = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
        match id.split_once("?inventory_item_id=") {
            Some((level, item)) => self.is_level() && number(level) && number(item),
            None => !self.is_level() && number(id),
        }
    }

    /// What stands before the number in an id.
    pub(crate) fn prefix(&self) -> String {
        format!("gid://shopify/{}/", self.node)
    }
}

impl Settings {
    /// The settings of a shop of which nothing is mapped yet.
    #[must_use]
    pub fn new(domain: &str) -> Self {
        Self {
            domain: domain.to_owned(),
            base: format!("https://{domain}"),
            version: "2026-07".into(),
            webhook_secrets: Vec::new(),
            webhook_horizon: TimeDelta::hours(4),
            key: Some(Key { namespace: "accordant".into(), key: "key".into() }),
            capacity: 1_000,
            per_second: 100,
            page: 100,
            elements: 50,
            reason: "correction".into(),
            overlap: TimeDelta::minutes(10),
            trail: TimeDelta::zero(),
            bulk_wait: TimeDelta::seconds(5),
            bulk_piece: 8 << 20,
            objects: BTreeMap::new(),
        }
    }

    /// Reads and writes what these models map of the system `shopify`, and no more.
    #[must_use]
    pub fn maps(mut self, models: &[EntityModel]) -> Self {
        for model in models {
            for mapped in model.objects.iter().filter(|mapped| mapped.system.as_str() == "shopify") {
                let name = mapped.object.as_str();
                let object = self.objects.entry(name.to_owned()).or_insert_with(|| Object::new(name));
                for attribute in &model.attributes {
                    collect(attribute, mapped.key.as_str(), &Path::default(), &mut object.paths);
                }
            }
        }
        self
    }
}

/// The paths of an attribute, and of the members of its elements: those begin where the collection is.
fn collect(attribute: &AttributeModel, key: &str, within: &Path, paths: &mut BTreeSet<Path>) {
    for mapping in attribute.mappings.iter().filter(|mapping| mapping.object.as_str() == key) {
        let here = mapping.read.iter().chain(&mapping.write).filter(|path| !path.keys().is_empty());
        let here: BTreeSet<Path> = here.map(|path| within.join(path)).collect();
        for collection in &here {
            for member in &attribute.members {
                collect(&member.0, key, collection, paths);
            }
        }
        paths.extend(here);
    }
}
