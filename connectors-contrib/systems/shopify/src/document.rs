//! Documents: every query and mutation that is sent, made of the paths that are mapped.

use std::collections::{BTreeMap, BTreeSet};

use accordant::model::Path;

use crate::settings::{Key, Object};

/// Fields, and what is asked for below them.
#[derive(Default)]
struct Tree(BTreeMap<String, Tree>);

impl Tree {
    fn add(&mut self, keys: &[String]) {
        if let Some((first, rest)) = keys.split_first() {
            self.0.entry(first.clone()).or_default().add(rest);
        }
    }

    fn write(&self, text: &mut String) {
        for (field, below) in &self.0 {
            text.push(' ');
            text.push_str(field);
            if !below.0.is_empty() {
                text.push_str(" {");
                below.write(text);
                text.push_str(" }");
            }
        }
    }

    /// How many objects one node may come with.
    fn objects(&self) -> u32 {
        self.0.values().filter(|below| !below.0.is_empty()).map(|below| 1 + below.objects()).sum()
    }
}

/// Whether a key is a name of GraphQL's: nothing else gets into a document.
pub(crate) fn is_name(key: &str) -> bool {
    let mut letters = key.bytes();
    letters.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && letters.all(|letter| letter.is_ascii_alphanumeric() || letter == b'_')
}

/// The namespace and the key of a metafield's path.
pub(crate) fn metafield(path: &Path) -> Option<(&str, &str)> {
    match path.keys() {
        [first, namespace, key] if first.as_str() == "metafields" => Some((namespace.as_str(), key.as_str())),
        _ => None,
    }
}

/// What an answer calls a metafield.
fn alias(namespace: &str, key: &str) -> String {
    let plain =
        |text: &str| text.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    let (namespace, key): (String, String) = (plain(namespace), plain(key));
    format!("metafield_{namespace}_{key}")
}

/// Where an answer has what the documented shape has elsewhere.
pub(crate) fn renames(paths: &BTreeSet<Path>) -> Vec<(Path, Path)> {
    let metafields = paths.iter().filter_map(|path| Some((path, metafield(path)?)));
    metafields
        .map(|(path, (namespace, key))| (path.clone(), Path::new(&format!("{}.value", alias(namespace, key)))))
        .collect()
}

fn tree(paths: impl IntoIterator<Item = Path>) -> Tree {
    let mut tree = Tree::default();
    for always in ["id", "updatedAt"] {
        tree.add(&[always.to_owned()]);
    }
    for path in paths {
        match metafield(&path) {
            Some((namespace, key)) => {
                let quoted = |text: &str| serde_json::Value::from(text).to_string();
                let asked = format!(
                    "{}: metafield(namespace: {}, key: {})",
                    alias(namespace, key),
                    quoted(namespace),
                    quoted(key)
                );
                tree.add(&[asked.clone(), "value".to_owned()]);
                tree.add(&[asked, "compareDigest".to_owned()]);
            }
            None if path.keys().iter().all(|key| is_name(key)) => {
                tree.add(&path.keys().iter().map(ToString::to_string).collect::<Vec<_>>());
            }
            // What is no name is no field: the record then lacks it, and the schema check of the mapping says so.
            None => {}
        }
    }
    tree
}

/// The fields of a node that the mapped paths need.
fn fields(paths: impl IntoIterator<Item = Path>) -> String {
    let mut text = String::new();
    tree(paths).write(&mut text);
    text
}

/// A page of a search, and what it costs at most: a point for each node and for each object in it.
pub(crate) fn page(connection: &str, object: &Object, by_id: bool, first: usize) -> (String, u32) {
    let sort = if by_id { "ID" } else { "UPDATED_AT" };
    let fields_of = fields(object.paths.iter().cloned());
    let document = format!(
        "query Page($first: Int!, $query: String!) {{ page: {connection}(first: $first, query: $query, sortKey: {sort}) \
         {{ nodes {{{fields_of} }} }} }}"
    );
    let each = 1 + tree(object.paths.iter().cloned()).objects();
    (document, u32::try_from(first).unwrap_or(u32::MAX).saturating_mul(each).saturating_add(2))
}

/// Nodes by their ids, with these paths.
pub(crate) fn nodes(object: &Object, paths: &BTreeSet<Path>) -> String {
    let fields = fields(paths.iter().cloned());
    format!("query Nodes($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {} {{{fields} }} }} }}", object.node)
}

/// The customer that was made under a key.
pub(crate) fn customer_of_key(object: &Object) -> String {
    let fields = fields(object.paths.iter().cloned());
    format!(
        "query OfKey($identifier: CustomerIdentifierInput!) {{ found: customerByIdentifier(identifier: $identifier) \
         {{{fields} }} }}"
    )
}

/// Everything, for a bulk operation.
pub(crate) fn everything(connection: &str, object: &Object) -> String {
    format!("{{ {connection} {{ edges {{ node {{{} }} }} }} }}", fields(object.paths.iter().cloned()))
}

/// Begins a bulk operation.
pub(crate) const RUN_BULK: &str = "mutation RunBulk($query: String!) { did: bulkOperationRunQuery(query: $query) \
     { bulkOperation { id } userErrors { field message code } } }";

/// How far a bulk operation is.
pub(crate) const BULK: &str =
    "query Bulk($id: ID!) { operation: bulkOperation(id: $id) { status errorCode url partialDataUrl } }";

/// Makes a customer under a key; the whole record comes back.
pub(crate) fn create(object: &Object) -> String {
    let fields = fields(object.paths.iter().cloned());
    format!(
        "mutation Create($identifier: CustomerSetIdentifiers, $input: CustomerSetInput!) {{ did: \
         customerSet(identifier: $identifier, input: $input) {{ record: customer {{{fields} }} \
         userErrors {{ field message code }} }} }}"
    )
}

/// Changes a customer; the whole record comes back.
pub(crate) fn update(object: &Object) -> String {
    let fields = fields(object.paths.iter().cloned());
    format!(
        "mutation Update($input: CustomerInput!) {{ did: customerUpdate(input: $input) {{ record: customer {{{fields} }} \
         userErrors {{ field message }} }} }}"
    )
}

/// Changes the address that a customer has.
pub(crate) const UPDATE_ADDRESS: &str = "mutation UpdateAddress($customerId: ID!, $addressId: ID!, \
     $address: MailingAddressInput!) { did: customerAddressUpdate(customerId: $customerId, addressId: $addressId, \
     address: $address, setAsDefault: true) { userErrors { field message } } }";

/// Gives a customer an address.
pub(crate) const CREATE_ADDRESS: &str = "mutation CreateAddress($customerId: ID!, $address: MailingAddressInput!) \
     { did: customerAddressCreate(customerId: $customerId, address: $address, setAsDefault: true) \
     { userErrors { field message } } }";

/// Sets metafields, where they still are what they were.
pub(crate) const SET_METAFIELDS: &str = "mutation SetMetafields($metafields: [MetafieldsSetInput!]!) \
     { did: metafieldsSet(metafields: $metafields) { userErrors { field message code } } }";

/// Deletes a customer.
pub(crate) const DELETE: &str = "mutation Delete($input: CustomerDeleteInput!) { did: customerDelete(input: $input) \
     { userErrors { field message } } }";

/// The variable that names a create's key.
pub(crate) fn identifier(key: &Key, value: &str) -> serde_json::Value {
    serde_json::json!({ "customId": { "namespace": key.namespace, "key": key.key, "value": value } })
}

/// Every document that is sent for an object type, for whoever holds them against a schema.
pub(crate) fn all(connection: &str, object: &Object) -> Vec<String> {
    let mut all = vec![
        page(connection, object, false, 1).0,
        page(connection, object, true, 1).0,
        nodes(object, &object.paths),
        everything(connection, object),
        RUN_BULK.to_owned(),
        BULK.to_owned(),
    ];
    if object.node == "Customer" {
        let look: BTreeSet<Path> = object.paths.iter().cloned().chain([Path::new("defaultAddress.id")]).collect();
        all.extend([customer_of_key(object), create(object), update(object), nodes(object, &look)]);
        all.extend([UPDATE_ADDRESS, CREATE_ADDRESS, SET_METAFIELDS, DELETE].map(str::to_owned));
    }
    all
}

/// An instant as searches take it.
pub(crate) fn instant(at: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(at).unwrap_or_default();
    at.format("'%Y-%m-%dT%H:%M:%SZ'").to_string()
}
