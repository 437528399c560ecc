//! What these tests begin with: accounts in both systems, of which the shop is owed other balances; and what goes wrong there.

use accordant::Tenant;
use futures::executor::block_on;
use serde_json::json;

use crate::model::{World, account, plan, step};

/// Accounts of these numbers, in both systems.
pub(crate) fn in_both(world: &World, numbers: impl IntoIterator<Item = usize>) {
    for number in numbers {
        world.crm.edit("accounts", &number.to_string(), &account(number));
        world.shop.edit("customers", &format!("c{number}"), &account(number));
    }
}

/// So many accounts in both systems, of which the shop is owed other balances.
pub(crate) fn owed(accounts: usize) -> (World, Tenant) {
    owed_under(accounts, World::tenant)
}

/// The same, in a process of one's own.
pub(crate) fn owed_under(accounts: usize, open: impl FnOnce(&World) -> Tenant) -> (World, Tenant) {
    let world = World::new();
    in_both(&world, 1..=accounts);
    let tenant = open(&world);
    for system in ["crm", "shop"] {
        block_on(tenant.poll(system)).unwrap();
    }
    step(&tenant);
    assert!(plan(&tenant).is_empty(), "{}", plan(&tenant));
    owe(&world, &tenant, accounts, "200.00");
    (world, tenant)
}

/// The CRM comes to hold another balance of the first accounts.
pub(crate) fn owe(world: &World, tenant: &Tenant, accounts: usize, balance: &str) {
    for number in 1..=accounts {
        world.crm.edit("accounts", &number.to_string(), &json!({ "balance": balance }));
    }
    block_on(tenant.poll("crm")).unwrap();
    step(tenant);
}

/// How many kinds of faults there are.
pub(crate) const FAULTS: u8 = 5;

/// What happens to the next write into the shop: its answer or the request itself is lost, or it is refused, stale or put off.
pub(crate) fn fault(world: &World, kind: u8) {
    let shop = &world.shop;
    match kind {
        0 => shop.loses_answer(),
        1 => shop.loses_request(),
        2 => shop.refuses("no"),
        3 => shop.goes_stale(),
        _ => shop.defers(),
    };
}
