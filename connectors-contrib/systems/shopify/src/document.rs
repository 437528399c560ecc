//! Documents: every query and mutation that is sent, made of the paths that are mapped.

use std::collections::BTreeSet;

use accordant::model::Path;

use crate::selection::{Lists, fields};
use crate::settings::{Key, Object};

/// A page of a search.
pub(crate) fn page(connection: &str, object: &Object, by_id: bool, lists: Lists) -> String {
    let sort = if by_id { "ID" } else { "UPDATED_AT" };
    let fields = fields(object, &object.paths, lists);
    format!(
        "query Page($first: Int!, $query: String!) {{ page: {connection}(first: $first, query: $query, sortKey: {sort}) \
         {{ nodes {{{fields} }} }} }}"
    )
}

/// A page of the inventory levels of one location: the one behind a place in the list of locations. There is no search for
/// levels as such.
pub(crate) fn levels(object: &Object, lists: Lists) -> String {
    let fields = fields(object, &object.paths, lists);
    format!(
        "query Levels($location: String, $first: Int!, $after: String, $query: String!) {{ page: locations(first: 1, \
         after: $location, sortKey: ID, includeLegacy: true) {{ nodes {{ inventoryLevels(first: $first, after: $after, \
         query: $query) {{ nodes {{{fields} }} pageInfo {{ hasNextPage endCursor }} }} }} pageInfo {{ hasNextPage \
         endCursor }} }} }}"
    )
}

/// Nodes by their ids, with these paths.
pub(crate) fn nodes(object: &Object, paths: &BTreeSet<Path>, lists: Lists) -> String {
    let fields = fields(object, paths, lists);
    format!("query Nodes($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {} {{{fields} }} }} }}", object.node)
}

/// The customer that was made under a key.
pub(crate) fn customer_of_key(object: &Object, lists: Lists) -> String {
    let fields = fields(object, &object.paths, lists);
    format!(
        "query OfKey($identifier: CustomerIdentifierInput!) {{ found: customerByIdentifier(identifier: $identifier) \
         {{{fields} }} }}"
    )
}

/// Everything, for a bulk operation.
pub(crate) fn everything(connection: &str, object: &Object) -> String {
    let fields = fields(object, &object.paths, Lists::InFile);
    if object.is_level() {
        return format!(
            "{{ inventoryItems {{ edges {{ node {{ id inventoryLevels {{ edges {{ node {{{fields} }} }} }} }} }} }} }}"
        );
    }
    format!("{{ {connection} {{ edges {{ node {{{fields} }} }} }} }}")
}

/// Begins a bulk operation.
pub(crate) const RUN_BULK: &str = "mutation RunBulk($query: String!, $grouped: Boolean!) { did: \
     bulkOperationRunQuery(query: $query, groupObjects: $grouped) { bulkOperation { id } userErrors { field message code } } }";

/// How far a bulk operation is.
pub(crate) const BULK: &str =
    "query Bulk($id: ID!) { operation: bulkOperation(id: $id) { status errorCode url partialDataUrl objectCount } }";

/// Makes a customer under a key; the whole record comes back.
pub(crate) fn create(object: &Object, lists: Lists) -> String {
    let fields = fields(object, &object.paths, lists);
    format!(
        "mutation Create($identifier: CustomerSetIdentifiers, $input: CustomerSetInput!) {{ did: \
         customerSet(identifier: $identifier, input: $input) {{ record: customer {{{fields} }} \
         userErrors {{ field message code }} }} }}"
    )
}

/// Changes a customer, a product or an order; the whole record comes back.
pub(crate) fn update(object: &Object, lists: Lists) -> String {
    let fields = fields(object, &object.paths, lists);
    let (mutation, argument, input, record) = match object.node.as_str() {
        "Product" => ("productUpdate", "product", "ProductUpdateInput", "product"),
        "Order" => ("orderUpdate", "input", "OrderInput", "order"),
        _ => ("customerUpdate", "input", "CustomerInput", "customer"),
    };
    format!(
        "mutation Update($input: {input}!) {{ did: {mutation}({argument}: $input) {{ record: {record} {{{fields} }} \
         userErrors {{ field message }} }} }}"
    )
}

/// Sets a quantity where it still is what it was, and once for a key: from 2026-04 on Shopify takes it in no other way.
pub(crate) const SET_QUANTITIES: &str = "mutation SetQuantities($input: InventorySetQuantitiesInput!, $key: String!) \
     { did: inventorySetQuantities(input: $input) @idempotent(key: $key) { userErrors { field message code } } }";

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
pub(crate) fn all(connection: &str, object: &Object, lists: Lists) -> Vec<String> {
    let mut all = vec![
        nodes(object, &object.paths, lists),
        nodes(object, &looked_at(object, &object.paths), lists),
        everything(connection, object),
        RUN_BULK.to_owned(),
        BULK.to_owned(),
    ];
    if object.is_level() {
        all.extend([levels(object, lists), SET_QUANTITIES.to_owned()]);
    } else {
        all.extend([page(connection, object, false, lists), page(connection, object, true, lists)]);
    }
    if matches!(object.node.as_str(), "Customer" | "Product" | "Order") {
        all.extend([update(object, lists), SET_METAFIELDS.to_owned()]);
    }
    if object.node == "Customer" {
        all.extend([customer_of_key(object, lists), create(object, lists)]);
        all.extend([UPDATE_ADDRESS, CREATE_ADDRESS, DELETE].map(str::to_owned));
    }
    all
}

/// What is looked at before a write to these paths: they, and what names the places that mutations write to.
pub(crate) fn looked_at(object: &Object, paths: &BTreeSet<Path>) -> BTreeSet<Path> {
    let more: &[&str] = match object.node.as_str() {
        "Customer" => &["defaultAddress.id"],
        "InventoryLevel" => &["item.id", "location.id"],
        _ => &[],
    };
    paths.iter().cloned().chain(more.iter().map(|path| Path::new(path))).collect()
}

/// The terms of a search for what changed within a window.
pub(crate) fn within(from: Option<i64>, until: i64) -> Vec<String> {
    let until = format!("updated_at:<={}", instant(until));
    std::iter::once(until).chain(from.map(|from| format!("updated_at:>={}", instant(from)))).collect()
}

/// An instant as searches take it.
fn instant(at: i64) -> String {
    let at = chrono::DateTime::from_timestamp_millis(at).unwrap_or_default();
    at.format("'%Y-%m-%dT%H:%M:%SZ'").to_string()
}
