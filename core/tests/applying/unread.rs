//! Nothing is created where nobody has looked: what is not known there may be there unseen.

use std::sync::Arc;

use accordant::connector::Connector;
use accordant::surface::Channel;
use accordant::testing::FakeSystem;
use accordant::{Accordant, Canonical, ManualClock, SeededEntropy, Tenant};
use futures::executor::block_on;

use crate::model::{Account, Between, account, plan};

/// The CRM has an account; the shop has a customer of the same address, and was never read.
fn first_day() -> (Tenant, FakeSystem) {
    first_day_with(FakeSystem::clone)
}

fn first_day_with<C: Connector>(heard: impl FnOnce(&FakeSystem) -> C) -> (Tenant, FakeSystem) {
    let clock = Arc::new(ManualClock::at("2026-01-05T08:00:00Z".parse().unwrap()));
    let models = [Account::model()];
    let [crm, shop] = ["crm", "shop"].map(|name| FakeSystem::new(name, &models, &clock));
    crm.edit("accounts", "1", &account(1));
    shop.edit("customers", "s1", &account(1));
    let accordant = Accordant::builder()
        .clock(clock)
        .entropy(SeededEntropy::new(1))
        .connect(crm)
        .connect(heard(&shop))
        .entity::<Account>()
        .build()
        .unwrap();
    let tenant = accordant.tenant("acme");
    block_on(tenant.poll("crm")).unwrap();
    (tenant, shop)
}

#[test]
fn a_create_waits_until_the_system_was_read_to_its_end() {
    let (tenant, shop) = first_day();
    let planned = plan(&tenant);
    assert!(planned.operations.is_empty(), "{planned}");
    assert_eq!(
        planned.to_string(),
        "parked: shop/customers create: email \"a1@acme.test\", balance \"100.00 USD\", phone \"1\" (a record is expected here, and \
         none ever existed): what is there was never read to its end: poll or scan it first\n"
    );
    block_on(tenant.poll("shop")).unwrap();
    assert!(plan(&tenant).is_empty(), "the customer was there all the time: {}", plan(&tenant));
    assert_eq!(shop.writes(), 0);
}

#[test]
fn a_scan_to_the_end_is_as_good_as_a_poll() {
    let (tenant, shop) = first_day();
    shop.delete("customers", "s1");
    assert!(plan(&tenant).operations.is_empty());
    block_on(tenant.scan("shop")).unwrap();
    assert_eq!(plan(&tenant).operations.len(), 1, "now it is known to be missing");
}

#[test]
fn a_list_that_breaks_off_proves_no_absence() {
    let (tenant, shop) = first_day();
    shop.delete("customers", "s1");
    shop.unavailable(true);
    block_on(tenant.poll("shop")).unwrap_err();
    assert!(plan(&tenant).operations.is_empty());
    shop.unavailable(false);
    block_on(tenant.poll("shop")).unwrap();
    assert_eq!(plan(&tenant).operations.len(), 1);
}

/// A log is followed from now on: that it was read to its end says nothing of what stood there before it began.
#[test]
fn a_log_that_was_followed_to_its_end_lists_nothing() {
    let (tenant, shop) = first_day_with(|shop| {
        let mut shop = Between::new(shop);
        for surface in shop.surfaces.iter_mut().filter(|surface| surface.channel == Channel::Poll) {
            surface.channel = Channel::Stream;
        }
        shop
    });
    shop.delete("customers", "s1");
    block_on(tenant.poll("shop")).unwrap();
    assert!(plan(&tenant).operations.is_empty(), "{}", plan(&tenant));
    block_on(tenant.scan("shop")).unwrap();
    assert_eq!(plan(&tenant).operations.len(), 1, "now it is known to be missing");
}
