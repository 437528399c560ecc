//! Pages: they lead on, and one surface that fails stops no other.

use accordant::connector::{ConnectorError, ConnectorErrorKind, Cursor, Page};
use accordant::error::Error;
use accordant::representation::Life;
use accordant::store::Table;
use accordant::surface::{Channel, Deletes, Order};
use futures::executor::block_on;

use crate::support::{BY_TIME, Scripted, World, last_page, page, shows, surface};

fn timed() -> Scripted {
    let channels = [Channel::Poll, Channel::Stream, Channel::Scan, Channel::Read];
    Scripted::new("crm", channels.map(|channel| surface(channel, BY_TIME)).to_vec())
}

fn broken(error: &Error) -> bool {
    matches!(error, Error::Connector { source, .. } if source.kind == ConnectorErrorKind::Contract)
}

#[test]
fn more_pages_without_a_cursor_are_an_error() {
    for channel in [Channel::Poll, Channel::Scan] {
        let crm = timed();
        let world = World::of(&crm);
        let endless = |id: &str| Page { next: None, more: true, ..last_page(vec![shows(channel, id, Some(1), "A")]) };
        crm.gives(channel, endless("1"));
        crm.gives(channel, endless("2"));
        let ended = if channel == Channel::Poll {
            block_on(world.tenant.poll("crm"))
        } else {
            block_on(world.tenant.scan("crm"))
        };
        assert!(broken(&ended.expect_err("pages without end")), "{channel:?}");
        assert_eq!(world.life("1"), Life::Live, "what the page carried is taken in");
        assert_eq!(world.life("2"), Life::Unknown, "it is not read on");
    }
}

#[test]
fn a_cursor_that_leads_back_is_an_error() {
    for length in 1..5_u32 {
        let crm = timed();
        let world = World::of(&crm);
        for read in 0..100 {
            let next = (read % length).to_string();
            crm.gives(Channel::Poll, page(vec![shows(Channel::Poll, "1", Some(i64::from(read)), "A")], &next));
        }
        assert!(broken(&block_on(world.tenant.poll("crm")).expect_err("pages without end")));
        assert!(crm.state().pages["poll"].len() > 80, "a circle of {length} is seen soon");
    }
}

#[test]
fn a_cursor_that_stands_still_with_the_last_page_is_none() {
    let crm = timed();
    let world = World::of(&crm);
    for _ in 0..3 {
        crm.gives(Channel::Poll, Page { next: Some(Cursor("7".into())), more: false, items: Vec::new() });
        world.poll();
    }
}

#[test]
fn a_surface_that_fails_stops_no_other() {
    let crm = timed();
    let world = World::of(&crm);
    let failed = ConnectorError::new(ConnectorErrorKind::Unavailable, "the story says so");
    crm.state().pages.entry("poll").or_default().push_back(Err(failed));
    crm.gives(Channel::Stream, last_page(vec![shows(Channel::Stream, "1", Some(1), "A")]));
    block_on(world.tenant.poll("crm")).expect_err("the poll surface failed");
    assert_eq!(world.life("1"), Life::Live);
}

#[test]
fn an_absence_counts_where_it_may_mean_a_deletion() {
    for (deletes, missed) in [(Deletes::Absence, 1), (Deletes::NeverTold, 0)] {
        let mut scan = surface(Channel::Scan, Order::None);
        scan.semantics.deletes = deletes;
        let crm = Scripted::new("crm", vec![scan, surface(Channel::Read, Order::None)]);
        let world = World::of(&crm);
        crm.gives(Channel::Scan, last_page(vec![shows(Channel::Scan, "1", None, "A")]));
        world.scan();
        crm.gives(Channel::Scan, last_page(Vec::new()));
        world.scan();
        assert_eq!(world.representation("1").existence().missed_scans(), missed);
    }
    let crm = timed();
    let world = World::of(&crm);
    crm.gives(Channel::Scan, last_page(Vec::new()));
    world.scan();
    assert_eq!(world.rows(Table::Cursor).len(), 1);
}

/// A scan goes on where it was, unless that place is gone: then it is begun anew, under its number, and ends complete.
#[test]
fn a_scan_whose_cursor_expired_begins_anew() {
    let crm = timed();
    let world = World::of(&crm);
    let fails = |kind| {
        let failed = ConnectorError::new(kind, "the story says so");
        crm.state().pages.entry("scan").or_default().push_back(Err(failed));
    };
    let shown = |id: &str| shows(Channel::Scan, id, Some(1), "A");
    crm.gives(Channel::Scan, page(vec![shown("1")], "behind 1"));
    fails(ConnectorErrorKind::Unavailable);
    block_on(world.tenant.scan("crm")).expect_err("the second page failed");
    fails(ConnectorErrorKind::Expired);
    // The same places again: they are no circle.
    crm.gives(Channel::Scan, page(vec![shown("1")], "behind 1"));
    crm.gives(Channel::Scan, last_page(vec![shown("2")]));
    world.scan();
    assert_eq!([world.life("1"), world.life("2")], [Life::Live, Life::Live]);
    let afters: Vec<Option<Cursor>> = crm.state().behind["scan"].clone();
    let at = |place: &str| Some(Cursor(place.to_owned()));
    assert_eq!(afters, [None, at("behind 1"), at("behind 1"), None, at("behind 1")]);
}

/// Where it expires again and again, one call does not go round for ever; the next begins anew all the same.
#[test]
fn a_scan_whose_cursors_always_expire_ends_with_that_and_the_next_begins_anew() {
    let crm = timed();
    let world = World::of(&crm);
    for _ in 0..2 {
        crm.gives(Channel::Scan, page(Vec::new(), "nowhere"));
        let failed = ConnectorError::new(ConnectorErrorKind::Expired, "the story says so");
        crm.state().pages.entry("scan").or_default().push_back(Err(failed));
    }
    let ended = block_on(world.tenant.scan("crm")).expect_err("it expired twice");
    assert!(matches!(&ended, Error::Connector { source, .. } if source.kind == ConnectorErrorKind::Expired), "{ended}");
    crm.gives(Channel::Scan, last_page(vec![shows(Channel::Scan, "1", Some(1), "A")]));
    world.scan();
    assert_eq!(world.life("1"), Life::Live);
    assert_eq!(crm.state().behind["scan"].last(), Some(&None), "it began anew");
}
