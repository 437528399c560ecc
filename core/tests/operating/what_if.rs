//! What a proposal would change, before it is deployed: policies, rules, mappings; and that a look changes nothing.

use std::sync::Arc;

use accordant::chrono::TimeDelta;
use accordant::discrepancy::DiscrepancyKind;
use accordant::engine::WhatIf;
use accordant::model::{At, EntityModel, SystemObject, TypedAttribute};
use accordant::policy::builtin;
use accordant::testing::{FakeSystem, Watched};
use accordant::{
    Accordant, Actor, Choice, Error, ManualClock, MemoryStore, RequireApproval, Ruling, Scope, SeededEntropy, Tenant,
    money,
};
use futures::executor::block_on;
use serde_json::json;

use crate::counted::Counted;
use crate::model::{Account, step};
use crate::owed::{owe, owed};

/// A model of people whose phone is chosen by `policy`, and read in the shop at `path`.
fn people(policy: Option<&str>, path: &str) -> EntityModel {
    let mut model = EntityModel::new("person");
    let mut email = TypedAttribute::<String>::new("email").identity().required(true);
    let mut phone = TypedAttribute::<String>::new("phone");
    for system in ["crm", "shop"] {
        model.object(SystemObject::new(system, "people"));
        email = email.at(At::path(system, "email"));
        phone = phone.at(At::path(system, if system == "shop" { path } else { "phone" }));
    }
    if let Some(first) = policy {
        let other = if first == "crm" { "shop" } else { "crm" };
        phone = phone.resolve(builtin::source_priority(&[first, other]));
    }
    model.attribute(email);
    model.attribute(phone);
    model
}

struct World {
    clock: Arc<ManualClock>,
    store: MemoryStore,
    systems: [FakeSystem; 2],
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
        let systems = ["crm", "shop"].map(|name| FakeSystem::new(name, &[people(None, "phone")], &clock));
        Self { clock, store: MemoryStore::new(), systems }
    }

    fn under(&self, model: EntityModel, store: MemoryStore) -> Accordant {
        let builder = Accordant::builder().clock(Arc::clone(&self.clock)).entropy(SeededEntropy::new(3)).store(store);
        let [crm, shop] = &self.systems;
        builder.connect(crm.clone()).connect(shop.clone()).entity_model(model).build().unwrap()
    }

    /// Both systems know one person; then both are given another number at once.
    fn torn(&self) -> Tenant {
        let tenant = self.under(people(None, "phone"), self.store.clone()).tenant("acme");
        let said = |phone: &str, mobile: &str| json!({ "email": "ana@acme.test", "phone": phone, "mobile": mobile });
        for (system, phone) in [(&self.systems[0], "1"), (&self.systems[1], "1")] {
            system.edit("people", "7", &said(phone, "9"));
            block_on(tenant.poll(system_name(system))).unwrap();
        }
        self.clock.advance(TimeDelta::minutes(1));
        for (system, phone) in [(&self.systems[0], "2"), (&self.systems[1], "3")] {
            system.edit("people", "7", &said(phone, "9"));
        }
        for system in &self.systems {
            block_on(tenant.poll(system_name(system))).unwrap();
        }
        step(&tenant);
        tenant
    }
}

fn system_name(system: &FakeSystem) -> &str {
    accordant::Connector::system(system)
}

fn look(tenant: &Tenant, proposal: &Accordant) -> WhatIf {
    block_on(tenant.what_if(proposal)).unwrap()
}

#[test]
fn another_policy_settles_what_is_parked_and_says_what_it_would_write() {
    let world = World::new();
    let tenant = world.torn();
    let proposal = world.under(people(Some("crm"), "phone"), MemoryStore::new());
    let would = look(&tenant, &proposal);
    let id = block_on(tenant.entities("person", None, 9)).unwrap()[0];
    let expected = format!(
        "4 observations in {} entries, 1 entities compared\n\
         person.phone: 1 golden values would differ\n  \
         {id} phone: \"2\" (parked) -> \"2\"\n\
         person, hard conflict: 1 would not wait for a person any more\n  \
         {id} phone\n\
         shop, phone: 1 writes would be owed otherwise\n  \
         + shop/people/7 phone: \"3\" -> \"2\" (propagates the golden value)",
        would.entries
    );
    assert_eq!(would.to_string(), expected);
    // The proposal's own store can be looked at as any other.
    let view = block_on(proposal.tenant("acme").explain_erased(id, "phone")).unwrap().to_string();
    assert!(view.contains("source_priority"), "{view}");
}

#[test]
fn a_decision_stays_whatever_the_policy_and_one_that_rests_on_it_is_asked_for_again() {
    for lifetime in [accordant::Lifetime::Pinned, accordant::Lifetime::default()] {
        let world = World::new();
        let tenant = world.torn();
        let id = block_on(tenant.entities("person", None, 9)).unwrap()[0];
        let (by, reason) = (Actor::new("ana"), "I called".to_owned());
        let ruling = Ruling { choice: Choice::Take("shop".into()), lifetime, by, reason };
        block_on(tenant.rule(id, "phone", ruling)).unwrap();
        let would = look(&tenant, &world.under(people(Some("crm"), "phone"), MemoryStore::new()));
        if lifetime == accordant::Lifetime::Pinned {
            assert!(would.golden.is_empty(), "{would}");
            continue;
        }
        // It held until its inputs change, and the policy is one of them: golden keeps its value, and a person is asked.
        let expected = format!(
            "4 observations in {} entries, 1 entities compared\n\
             person.phone: 1 golden values would differ\n  \
             {id} phone: \"3\" -> \"3\" (parked)\n\
             person, hard conflict: 1 would wait for a person\n  \
             {id} phone\n\
             crm, phone: 1 writes would be owed otherwise\n  \
             - crm/people/7 phone: \"2\" -> \"3\" (propagates the golden value)",
            would.entries
        );
        assert_eq!(would.to_string(), expected);
    }
}

#[test]
fn another_mapping_reads_what_was_kept() {
    let world = World::new();
    let tenant = world.torn();
    let would = look(&tenant, &world.under(people(Some("shop"), "mobile"), MemoryStore::new()));
    // The shop's mobile number is heard instead of its phone: at first contact it contradicted the CRM's.
    let opened = &would.discrepancies[&("person".into(), DiscrepancyKind::HardConflictNoBase)].opened;
    assert_eq!(opened.count, 1, "{would}");
    assert_eq!(would.undecodable, 0);
}

#[test]
fn a_rule_would_hold_what_it_is_for() {
    let (world, tenant) = owed(2);
    owe(&world, &tenant, 1, "99000.00");
    let rule = RequireApproval::when_moved_by(money!(10_000 USD));
    let builder = Accordant::builder().clock(Arc::clone(&world.clock)).entity::<Account>();
    let builder = builder.connect(world.crm.clone()).connect(world.shop.clone());
    let would = look(&tenant, &builder.rule(Account::BALANCE, rule).build().unwrap());
    let changed = &would.golden[&("account".into(), "balance".into())];
    assert_eq!(changed.count, 1, "{would}");
    let (_, status) = changed.examples[0].would_be.as_ref().unwrap();
    assert!(status.contains("is held by"), "{would}");
    // Of the two balances that are owed one is not, as long as nobody approved it.
    assert_eq!(would.writes[&("shop".into(), "balance".into())].count, 1, "{would}");
}

/// What a create did not carry, and a person entered in the new record before it was found, is that person's word: a look
/// hears it as the engine did, and does not take it for our writing.
#[test]
fn what_a_create_did_not_carry_is_heard_anew() {
    let model = || {
        let mut model = EntityModel::new("person");
        model.object(SystemObject::new("crm", "people").required());
        model.object(SystemObject::new("shop", "people"));
        let at = |system: &str, path: &str| At::path(system, path);
        let email = TypedAttribute::<String>::new("email").identity().required(true);
        model.attribute(email.at(at("crm", "email")).at(at("shop", "email")));
        let phone = TypedAttribute::<String>::new("phone").owner("crm");
        model.attribute(phone.at(at("crm", "phone")).at(at("shop", "phone")));
        model
    };
    let world = World::new();
    let [crm, shop] = &world.systems;
    let tenant = world.under(model(), world.store.clone()).tenant("acme");
    shop.edit("people", "7", &json!({ "email": "ana@acme.test" }));
    for system in ["crm", "shop"] {
        block_on(tenant.poll(system)).unwrap();
    }
    step(&tenant);
    crm.loses_answer();
    let plan = block_on(tenant.plan(Scope::default()).into_future()).unwrap();
    block_on(tenant.approve(plan.hash, &Actor::new("ana"))).unwrap();
    assert_eq!(block_on(tenant.apply(plan.hash)).unwrap().unknown, 1, "{plan}");
    let made = crm.ids("people").remove(0);
    crm.edit("people", &made, &json!({ "phone": "5" }));
    assert_eq!(block_on(tenant.recover()).unwrap().done, 1);
    let id = block_on(tenant.entities("person", None, 9)).unwrap()[0];
    let told = |tenant: &Tenant| block_on(tenant.explain_erased(id, "phone")).unwrap().to_string();
    assert!(told(&tenant).contains('5'), "{}", told(&tenant));
    let proposal = world.under(model(), MemoryStore::new());
    let would = look(&tenant, &proposal);
    assert!(would.is_same(), "{would}");
    assert_eq!(told(&proposal.tenant("acme")), told(&tenant));
}

#[test]
fn a_store_that_holds_anything_is_refused() {
    let world = World::new();
    let tenant = world.torn();
    let own = world.under(people(Some("crm"), "phone"), world.store.clone());
    let refused = block_on(tenant.what_if(&own)).unwrap_err();
    assert!(matches!(refused, Error::ScratchNotEmpty), "{refused}");
    // What another tenant has there is none of its business.
    let scratch = MemoryStore::new();
    let proposal = world.under(people(Some("crm"), "phone"), scratch);
    block_on(proposal.tenant("globex").poll("crm")).unwrap();
    assert!(!look(&tenant, &proposal).is_same());
    assert!(matches!(block_on(tenant.what_if(&proposal)), Err(Error::ScratchNotEmpty)), "it is used up");
}

#[test]
fn a_look_tells_how_far_it_is_and_stops_when_asked() {
    let (world, tenant) = owed(300);
    owe(&world, &tenant, 300, "1.00");
    let proposal = || {
        let builder = Accordant::builder().clock(Arc::clone(&world.clock)).entity::<Account>();
        builder.connect(world.crm.clone()).connect(world.shop.clone()).build().unwrap()
    };
    let mut seen = Vec::new();
    let would = block_on(tenant.what_if_while(&proposal(), |looking| {
        seen.push(looking);
        true
    }))
    .unwrap();
    assert!(seen.len() > 2 && seen.is_sorted_by_key(|looking| looking.entries), "{seen:?}");
    assert!(seen.iter().all(|looking| looking.of == would.entries), "{seen:?}");
    assert!(would.is_same() && !would.stopped, "{would}");
    let would = block_on(tenant.what_if_while(&proposal(), |_| false)).unwrap();
    assert!(would.stopped && would.entries < seen[seen.len() - 1].entries);
    assert!(would.to_string().contains("stopped before the end"), "{would}");
}

#[test]
fn nothing_of_the_tenant_is_touched() {
    let world = World::new();
    let tenant = world.torn();
    let planned = || block_on(tenant.plan(Scope::default()).into_future()).unwrap().hash;
    let (before, head) = (planned(), block_on(tenant.verify()).unwrap().entries);
    look(&tenant, &world.under(people(Some("crm"), "phone"), MemoryStore::new()));
    assert_eq!((planned(), block_on(tenant.verify()).unwrap().entries), (before, head));
    assert_eq!(world.systems.iter().map(FakeSystem::writes).sum::<usize>(), 0);
}

/// What a look holds of a history at a time, and what it asks of either store at a time, is the same however long the history is.
#[test]
fn what_a_look_holds_does_not_grow_with_the_history() {
    let looked = |accounts: usize, times: usize| {
        let (world, tenant) = owed(accounts);
        for time in 0..times {
            owe(&world, &tenant, accounts, &format!("{}.00", 300 + time));
            // Every other time what is owed is carried out, so that writes are answered, and some are left.
            if time % 2 == 0 {
                let owed = crate::model::plan(&tenant);
                crate::model::approve(&tenant, owed.hash);
                crate::model::apply(&tenant, owed.hash);
                world.clock.advance(TimeDelta::seconds(1));
            }
        }
        let watched = |store: &MemoryStore| Watched::new(store.clone(), Counted::default());
        let (history, scratch) = (watched(&world.store), watched(&MemoryStore::new()));
        let under = |store: Watched<MemoryStore, Counted>| {
            let builder = Accordant::builder().clock(Arc::clone(&world.clock)).store(store).entity::<Account>();
            builder.connect(world.crm.clone()).connect(world.shop.clone()).build().unwrap()
        };
        let (looker, proposal) = (under(history.clone()).tenant("acme"), under(scratch.clone()));
        let (mut held, mut pages) = (0, 0);
        let look = looker.what_if_while(&proposal, |looking| {
            held = held.max(looking.held);
            pages += 1;
            true
        });
        let would = block_on(look).unwrap();
        assert!(!would.stopped && would.observations >= (accounts * times) as u64, "{would:?}");
        (held, pages, history.watch().at_once().max(scratch.watch().at_once()))
    };
    let (held, pages, at_once) = looked(60, 10);
    let (held_of_more, pages_of_more, at_once_of_more) = looked(60, 60);
    assert!(pages_of_more > 4 * pages, "{pages_of_more} pages of the long one, {pages} of the short one");
    assert!(
        held <= 1_100 && held_of_more <= 1_100,
        "a page of 512 entries, and what is open: {held}, then {held_of_more}"
    );
    assert!(at_once <= 1_024 && at_once_of_more <= 1_024, "{at_once} rows at once, then {at_once_of_more}");
    // Nor with the number of entities.
    let (held, _, at_once) = looked(400, 4);
    assert!(held <= 1_100 && at_once <= 1_600, "{held} held, {at_once} rows at once of 400 entities");
}
