//! The model of the workload: one customer of eight attributes, in three systems that four surfaces speak for.

use accordant::decode::DecodeTable;
use accordant::model::{Model, Path};
use accordant::surface::{SurfaceShape, TokenFormat};
use accordant::{Canonical, CanonicalValue, Decimal};

use crate::fresh::FreshPriority;

/// Somebody who buys.
#[derive(Canonical, Debug, Clone)]
#[canonical(entity = "customer")]
#[canonical(system(hubspot, object = "contacts"))]
#[canonical(system(shopify, object = "customers"))]
#[canonical(system(netsuite, object = "customer"))]
pub struct Customer {
    /// In lower case.
    #[canonical(pii, normalize = lowercase, on_clear = propagate)]
    #[canonical(resolve(FreshPriority::of(["hubspot", "shopify", "netsuite"])))]
    #[canonical(at(hubspot = "properties.email", shopify = "email", netsuite = "email"))]
    pub email: Option<String>,
    /// First name.
    #[canonical(pii, on_clear = propagate)]
    #[canonical(resolve(FreshPriority::of(["hubspot", "shopify", "netsuite"])))]
    #[canonical(at(hubspot = "properties.firstname", shopify = "firstName", netsuite = "firstname"))]
    pub first: Option<String>,
    /// Last name.
    #[canonical(pii, on_clear = propagate)]
    #[canonical(resolve(FreshPriority::of(["hubspot", "shopify", "netsuite"])))]
    #[canonical(at(hubspot = "properties.lastname", shopify = "lastName", netsuite = "lastname"))]
    pub last: Option<String>,
    /// Digits only: each system punctuates in its own way.
    #[canonical(pii, normalize = digits, on_clear = propagate, resolve(most_recent_authoritative))]
    #[canonical(at(hubspot = "properties.phone", shopify = "phone", netsuite = "phone"))]
    pub phone: Option<String>,
    /// Company name.
    #[canonical(on_clear = propagate, resolve(most_recent_authoritative))]
    #[canonical(at(hubspot = "properties.company", shopify = "defaultAddress.company", netsuite = "companyname"))]
    pub company: Option<String>,
    /// City.
    #[canonical(on_clear = propagate, resolve(most_recent_authoritative))]
    #[canonical(at(hubspot = "properties.city", shopify = "defaultAddress.city", netsuite = "billcity"))]
    pub city: Option<String>,
    /// Whether the account is in use.
    #[canonical(on_clear = propagate)]
    #[canonical(resolve(FreshPriority::of(["netsuite", "shopify", "hubspot"])))]
    #[canonical(at(hubspot = "properties.customer_status", shopify = "state", netsuite = "isinactive"))]
    pub status: Option<Standing>,
    /// What they spent.
    #[canonical(on_clear = propagate, resolve(most_recent_authoritative))]
    #[canonical(at(hubspot = "properties.total_revenue", shopify = "amountSpent.amount", netsuite = "balance"))]
    pub amount: Option<Decimal>,
}

/// Whether an account is in use. Every system spells it in its own way.
#[derive(CanonicalValue, Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// In use.
    #[canonical(at(hubspot = "active", shopify = "enabled" | "ENABLED", netsuite = "F"))]
    Active,
    /// Not in use.
    #[canonical(at(hubspot = "disabled", shopify = "disabled" | "DISABLED", netsuite = "T"))]
    Disabled,
}

/// The surfaces, by the name under which a delivery says where it came from.
pub const SOURCES: [&str; 4] = ["hubspot", "shopify", "shopify_gql", "netsuite"];

/// The object type, by index in the model, that each surface of [`SOURCES`] speaks for.
pub const OBJECT_OF_SOURCE: [u16; 4] = [0, 1, 1, 2];

/// The compiled model.
///
/// # Panics
///
/// If the model has mistakes, which is a mistake of this file.
#[must_use]
pub fn model() -> Model {
    Model::compile(vec![Customer::model()]).expect("the model has no mistakes")
}

/// The decoders, one per surface of [`SOURCES`].
#[must_use]
pub fn tables(model: &Model) -> [DecodeTable; 4] {
    let entity = model.entity(0);
    let table = |source: usize, shape: SurfaceShape| {
        DecodeTable::of(entity, &entity.objects[usize::from(OBJECT_OF_SOURCE[source])], &shape)
    };
    let mut sources = 0..;
    shapes().map(|shape| table(sources.next().unwrap_or_default(), shape))
}

/// How the payloads of each surface of [`SOURCES`] relate to the documented records.
#[must_use]
pub fn shapes() -> [SurfaceShape; 4] {
    [hubspot_webhook(), shopify_rest(), shopify_graphql(), netsuite_suiteql()]
}

/// Whether a surface of [`SOURCES`] carries whole records.
#[must_use]
pub const fn carries_whole_records(source: usize) -> bool {
    source != 0
}

fn renames(pairs: &[(&str, &str)]) -> Vec<(Path, Path)> {
    pairs.iter().map(|(documented, carried)| ((*documented).into(), (*carried).into())).collect()
}

fn hubspot_webhook() -> SurfaceShape {
    SurfaceShape {
        id: "objectId".into(),
        token: "occurredAt".into(),
        named_property: Some(("propertyName".into(), "propertyValue".into(), "properties".into())),
        ..SurfaceShape::default()
    }
}

fn shopify_rest() -> SurfaceShape {
    SurfaceShape {
        id: "id".into(),
        token: "updated_at".into(),
        token_format: TokenFormat::Rfc3339,
        renames: renames(&[
            ("firstName", "first_name"),
            ("lastName", "last_name"),
            ("defaultAddress", "default_address"),
            ("amountSpent.amount", "total_spent"),
        ]),
        ..SurfaceShape::default()
    }
}

fn shopify_graphql() -> SurfaceShape {
    SurfaceShape {
        root: "data.customer".into(),
        id: "data.customer.id".into(),
        id_prefix: "gid://shopify/Customer/".to_owned(),
        token: "data.customer.updatedAt".into(),
        token_format: TokenFormat::Rfc3339,
        renames: renames(&[("email", "defaultEmailAddress.emailAddress"), ("phone", "defaultPhoneNumber.phoneNumber")]),
        ..SurfaceShape::default()
    }
}

fn netsuite_suiteql() -> SurfaceShape {
    SurfaceShape {
        id: "id".into(),
        token: "lastmodifieddate".into(),
        token_format: TokenFormat::Local { format: "%Y-%m-%d %H:%M:%S".to_owned(), zone: "UTC".to_owned() },
        ..SurfaceShape::default()
    }
}
