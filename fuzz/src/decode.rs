//! Native payloads of every shape: whatever the bytes, they are refused, or give a record that holds together.
//!
//! The first byte picks the surface and says whether it is complete; the rest is the body.

use std::sync::LazyLock;

use accordant::decode::{Batch, DecodeTable};
use accordant::id::{ConnectionName, ObjectType};
use accordant::model::{EntityModel, Model};
use accordant::policy::Registry;
use accordant::stamp::Stamp;
use accordant::surface::{SurfaceShape, TokenFormat};

/// Every kind of value, one or several to a leaf, in three systems.
const MODEL: &str = r#"
entity = "customer"

[system.hubspot]
object = "contacts"

[system.shopify]
object = "customers"

[system.netsuite]
object = "customer"

[attribute.email]
kind = "email"
identity = true
at.hubspot = "properties.email"
at.shopify = "email"
at.netsuite = "email"

[attribute.first]
kind = "text"
at.hubspot = "properties.firstname"
at.shopify = "firstName"
at.netsuite = "firstname"

[attribute.phone]
kind = "phone"
at.hubspot = { path = "properties.phone", region = "US" }
at.shopify = { path = "phone", region = "DE" }
at.netsuite = { path = "phone", region = "US" }

[attribute.balance]
kind = "money"
at.hubspot = { path = "properties.total_revenue", currency = "USD" }
at.shopify = { path = "amountSpent.amount", currency_path = "amountSpent.currencyCode" }
at.netsuite = { path = "balance", currency_path = "currency.id" }

[attribute.score]
kind = "decimal"
at.hubspot = "properties.score"
at.shopify = "score"
at.netsuite = "custentity_score"

[attribute.orders]
kind = "unsigned"
at.hubspot = "properties.orders"
at.shopify = "numberOfOrders"
at.netsuite = "orders"

[attribute.site]
kind = "url"
at.hubspot = "properties.website"
at.shopify = "site"
at.netsuite = "url"

[attribute.seen]
kind = "instant"
at.hubspot = "properties.lastseen"
at.shopify = "seen"
at.netsuite = "lastseen"

[attribute.born]
kind = "date"
at.hubspot = "properties.date_of_birth"
at.shopify = "born"
at.netsuite = "born"

[attribute.active]
kind = "bool"
at.hubspot = "properties.active"
at.shopify = "verified_email"
at.netsuite = "isinactive"

[attribute.manager]
kind = "ref"
to = "customer"
at.hubspot = "properties.manager"
at.shopify = "manager.id"
at.netsuite = "manager"

[attribute.tags]
kind = "text"
shape = "set"
at.hubspot = { path = "properties.tags", separator = ";" }
at.shopify = "tags"
at.netsuite = { path = "tags", separator = "," }

[attribute.street]
kind = "text"
group = "address"
at.shopify = "defaultAddress.address1"
at.netsuite = "addr1"

[attribute.country]
kind = "country"
group = "address"
at.shopify = "defaultAddress.countryCodeV2"
at.netsuite = "country"
"#;

/// The tables of the surfaces: HubSpot's property webhook and object, Shopify's REST and GraphQL, NetSuite's SuiteQL row,
/// and a surface that orders by version.
static TABLES: LazyLock<Vec<DecodeTable>> = LazyLock::new(|| {
    let declared = EntityModel::from_toml(MODEL, &Registry::builtin()).expect("the model has no mistakes");
    let model = Model::compile(vec![declared]).expect("the model has no mistakes");
    let renames =
        |pairs: &[(&str, &str)]| pairs.iter().map(|(from, to)| ((*from).into(), (*to).into())).collect::<Vec<_>>();
    let event = SurfaceShape {
        id: "objectId".into(),
        token: "occurredAt".into(),
        named_property: Some(("propertyName".into(), "propertyValue".into(), "properties".into())),
        ..SurfaceShape::default()
    };
    let object = SurfaceShape {
        id: "id".into(),
        token: "updatedAt".into(),
        token_format: TokenFormat::Rfc3339,
        archived: Some("archived".into()),
        ..SurfaceShape::default()
    };
    let rest = SurfaceShape {
        id: "id".into(),
        token: "updated_at".into(),
        token_format: TokenFormat::Rfc3339,
        renames: renames(&[
            ("firstName", "first_name"),
            ("defaultAddress", "default_address"),
            ("defaultAddress.countryCodeV2", "default_address.country_code"),
            ("amountSpent.amount", "total_spent"),
            ("amountSpent.currencyCode", "currency"),
        ]),
        ..SurfaceShape::default()
    };
    let graphql = SurfaceShape {
        root: "data.customer".into(),
        id: "data.customer.id".into(),
        id_prefix: "gid://shopify/Customer/".to_owned(),
        token: "data.customer.updatedAt".into(),
        token_format: TokenFormat::Rfc3339,
        renames: renames(&[("email", "defaultEmailAddress.emailAddress"), ("phone", "defaultPhoneNumber.phoneNumber")]),
        ..SurfaceShape::default()
    };
    let row = SurfaceShape {
        id: "id".into(),
        token: "lastmodifieddate".into(),
        token_format: TokenFormat::Local {
            format: "%Y-%m-%d %H:%M:%S".to_owned(),
            zone: "America/Los_Angeles".to_owned(),
        },
        ..SurfaceShape::default()
    };
    let version = SurfaceShape {
        id: "id".into(),
        token: "version".into(),
        token_format: TokenFormat::Integer,
        ..SurfaceShape::default()
    };
    let surfaces = [(0, event), (0, object), (1, rest), (1, graphql), (2, row), (2, version)];
    let entity = model.entity(0);
    surfaces.iter().map(|(of, shape)| DecodeTable::of(entity, &entity.objects[*of], shape)).collect()
});

/// Refused, or a record that holds together; and the same record a second time.
pub fn run(data: &[u8]) {
    let Some((pick, body)) = data.split_first() else { return };
    let table = &TABLES[usize::from(pick >> 1) % TABLES.len()];
    let full = pick & 1 == 1;
    let mut batch = Batch::new();
    let first = table.decode(body, full, &mut batch);
    let token = table.token(body);
    match first {
        Err(error) => {
            assert!(batch.is_empty(), "what is refused leaves nothing behind");
            assert!(!error.to_string().is_empty());
        }
        Ok(()) => {
            assert!(token.is_ok(), "the token of a record reads");
            assert_eq!(table.decode(body, full, &mut batch), Ok(()), "a body reads twice");
            let mut records = batch.records();
            let (one, other) = (records.next().expect("decoded"), records.next().expect("decoded twice"));
            assert!(records.next().is_none());
            assert!(!one.id().is_empty(), "a record has an id");
            let (connection, kind) = (ConnectionName::new("c"), ObjectType::new("o"));
            let stamp = Stamp::new(one.token().unwrap_or_default());
            let said = one.to_observation(&connection, &kind, stamp);
            assert_eq!(said, other.to_observation(&connection, &kind, stamp));
            assert!(said.cells.is_sorted_by(|a, b| (a.slot, &a.element) <= (b.slot, &b.element)));
            assert!(one.uncovered().all(|slot| said.cells.iter().all(|cell| cell.slot != slot)));
        }
    }
}
