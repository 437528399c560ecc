//! Retention: ids of deliveries are forgotten when no repetition can come any more.

use accordant::chrono::TimeDelta;
use accordant::store::Table;
use accordant::surface::Channel;
use futures::executor::block_on;

use crate::support::{BY_TIME, Scripted, World, shows, surface};

#[test]
fn ids_of_deliveries_are_forgotten_after_thirty_days_and_piece_by_piece() {
    let crm = Scripted::new("crm", vec![surface(Channel::Webhook, BY_TIME), surface(Channel::Read, BY_TIME)]);
    let world = World::of(&crm);
    let delivers = |number: usize| {
        crm.state().delivery_id = Some(format!("d{number}"));
        world.receive(&crm, vec![shows(Channel::Webhook, "1", Some(7), "Ana")]);
    };
    let ids = || world.rows(Table::Dedup).len();
    (0..700).for_each(delivers);
    assert_eq!(ids(), 700);
    let journal = || block_on(world.tenant.replay()).expect("the journal is whole").entries;
    let before = journal();
    delivers(3);
    assert_eq!((ids(), journal()), (700, before), "a repetition");
    world.clock.advance(TimeDelta::days(29));
    delivers(700);
    while block_on(world.tenant.step()).expect("a step").more() {}
    assert_eq!(ids(), 701);
    world.clock.advance(TimeDelta::days(2));
    let first = block_on(world.tenant.step()).expect("a step");
    assert!(first.more(), "a step looks through so many rows and no more");
    assert!(ids() > 1);
    while block_on(world.tenant.step()).expect("a step").more() {}
    assert_eq!(ids(), 1);
    delivers(3);
    assert_eq!((ids(), journal()), (2, before), "a repetition after all says nothing new");
    assert!(block_on(world.tenant.verify()).expect("it runs").is_clean());
}
