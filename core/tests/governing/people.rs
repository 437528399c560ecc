//! An office whose people have roles, and a lead about whom the systems disagree.

use std::sync::Arc;

use accordant::clock::{ManualClock, SeededEntropy};
use accordant::engine::{Accordant, Builder, CaseFilter, Tenant};
use accordant::id::{RecordRef, TenantId};
use accordant::role::{Role, Roles};
use accordant::store::MemoryStore;
use accordant::{Actor, Canonical, EntityId, Scope};
use proptest::prelude::*;
use serde_json::json;

use crate::support::{Fake, clock, dump_of, record, says};

#[derive(Canonical)]
#[canonical(entity = "lead", system(crm, object = "contacts"), system(shop, object = "customers"))]
#[allow(dead_code, reason = "its fields are read through the derive")]
pub(crate) struct Lead {
    #[canonical(identity, pii, at(crm = "email", shop = "email"))]
    email: String,
    #[canonical(pii, at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
    #[canonical(at(crm = "score", shop = "score"))]
    score: Option<String>,
    #[canonical(at(crm = "tier", shop = "tier"))]
    tier: Option<String>,
}

/// The attributes, and which are personal data.
pub(crate) const UNITS: [(&str, bool); 4] = [("email", true), ("phone", true), ("score", false), ("tier", false)];

pub(crate) const RANKS: [Role; 4] = [Role::Viewer, Role::Operator, Role::Approver, Role::Admin];

/// What attributes ask for, beyond what calls ask for: to be seen and to be decided.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) personal: Role,
    pub(crate) read: [Option<Role>; 4],
    pub(crate) decide: [Option<Role>; 4],
}

impl Asked {
    /// From which role on an attribute is shown, as the sentences of the model say it.
    pub(crate) fn to_read(&self, unit: usize) -> Role {
        let least = if UNITS[unit].1 { self.personal } else { Role::Viewer };
        self.read[unit].map_or(least, |role| role.max(least))
    }

    /// From which role on all that is stored is shown.
    pub(crate) fn to_read_all(&self) -> Role {
        (0..UNITS.len()).map(|unit| self.to_read(unit)).max().unwrap_or(Role::Viewer)
    }

    pub(crate) fn to_decide(&self, unit: usize) -> Role {
        self.decide[unit].map_or(Role::Operator, |role| role.max(Role::Operator))
    }

    fn roles(&self) -> Roles {
        let mut roles = Roles::new(&Actor::new("root")).personal_data_from(self.personal);
        for (unit, (name, _)) in UNITS.iter().enumerate() {
            if let Some(role) = self.read[unit] {
                roles = roles.read_from("lead", name, role);
            }
            if let Some(role) = self.decide[unit] {
                roles = roles.decide_from("lead", name, role);
            }
        }
        roles
    }
}

pub(crate) fn rank() -> impl Strategy<Value = Role> {
    (0..RANKS.len()).prop_map(|rank| RANKS[rank])
}

pub(crate) fn asked() -> impl Strategy<Value = Asked> {
    let of = || proptest::array::uniform4(proptest::option::of(rank()));
    (rank(), of(), of()).prop_map(|(personal, read, decide)| Asked { personal, read, decide })
}

/// A tenant of these roles, with its store.
pub(crate) fn office(asked: &Asked) -> (Tenant, MemoryStore) {
    let store = MemoryStore::new();
    (built(asked, &store, &clock()).build().unwrap().tenant("acme"), store)
}

fn built(asked: &Asked, store: &MemoryStore, clock: &Arc<ManualClock>) -> Builder {
    let builder = Accordant::builder().store(store.clone()).clock(Arc::clone(clock)).entropy(SeededEntropy::new(7));
    let builder = builder.connect(Fake::new("crm", "contacts")).connect(Fake::new("shop", "customers"));
    builder.entity::<Lead>().roles(asked.roles())
}

/// Both systems say something of one lead, and disagree about everything but the address; the score is owed to the shop; a letter
/// cannot be read. Every value names its attribute.
pub(crate) async fn disagree(tenant: &Tenant) -> EntityId {
    let of = |round: u8, score: u8| {
        json!({ "email": "email-1", "phone": format!("phone-{round}"), "score": format!("score-{score}"),
            "tier": format!("tier-{round}") })
    };
    says(tenant, "crm", &[record("1", 1, of(0, 0))]).await.unwrap();
    says(tenant, "shop", &[record("1", 1, of(0, 0))]).await.unwrap();
    says(tenant, "crm", &[record("1", 5_000, of(1, 1))]).await.unwrap();
    says(tenant, "shop", &[record("1", 5_000, of(2, 0))]).await.unwrap();
    says(tenant, "shop", &[record("2", 1, json!({ "email": { "email-9": "phone-9" } }))]).await.unwrap();
    tenant.plan(Scope::default()).await.unwrap();
    // The index of cases is made by whoever lists them first.
    tenant.open_cases(&CaseFilter::default(), None, 9).await.unwrap();
    tenant.entity_of(&RecordRef::new("crm", "contacts", "1")).await.unwrap().unwrap()
}

/// Everything that is stored of a tenant, as one text.
pub(crate) async fn dump(store: &MemoryStore, tenant: &str) -> String {
    dump_of(store, &TenantId::new(tenant)).await.join("\n")
}

/// Another tenant of the same store.
pub(crate) fn another(asked: &Asked, store: &MemoryStore, name: &str) -> Tenant {
    built(asked, store, &clock()).build().unwrap().tenant(name)
}
