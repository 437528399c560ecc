//! One example for each sentence of `docs/semantics.md` 2 and 3 that concerns fold.

use accordant::observation::{Coverage, DeathEvidence, Said, Sighting};
use accordant::representation::{Life, Representation};
use accordant::stamp::Stamp;
use accordant::value::Field;

use crate::world::{SHAPES, absent, dead, element, full, key, observation, partial, said};

fn folded(observations: &[accordant::observation::Observation]) -> Representation {
    let mut representation = Representation::new();
    for observation in observations {
        representation.fold(observation, &SHAPES);
    }
    representation
}

fn value(representation: &Representation, slot: u16) -> Option<Field> {
    representation.cell(slot).map(|cell| cell.field().clone())
}

#[test]
fn s02_a_covered_attribute_that_the_record_lacks_is_null() {
    let seen = folded(&[full(1, vec![said(0, "ana")])]);
    assert_eq!(value(&seen, 0), Some(Field::value("ana")));
    assert_eq!(value(&seen, 1), Some(Field::Null));
    assert_eq!(seen.element(2, &key("x")).map(|said| said.field.clone()), Some(Field::Null));
}

#[test]
fn s02_what_is_not_covered_stays_unobserved() {
    let uncovered =
        observation(Stamp::new(1), Sighting::Live { full: true }, Coverage::AllBut(vec![1, 2]), vec![said(0, "ana")]);
    let seen = folded(&[uncovered]);
    assert_eq!(value(&seen, 1), None);
    assert_eq!(seen.element(2, &key("x")), None);
    assert_eq!(value(&folded(&[partial(1, vec![said(0, "ana")])]), 1), None, "a webhook covers what it carries");
}

#[test]
fn s02_null_and_empty_are_told_apart() {
    let empty = Said { slot: 0, element: None, field: Field::Empty };
    assert_eq!(value(&folded(&[partial(1, vec![empty])]), 0), Some(Field::Empty));
}

#[test]
fn s02_denied_is_a_register_of_its_own_and_the_last_value_is_kept() {
    let mut refused = full(2, Vec::new());
    refused.denied = vec![0];
    let seen = folded(&[full(1, vec![said(0, "ana")]), refused]);
    assert!(seen.is_denied(0));
    assert!(!seen.is_denied(1));
    assert_eq!(value(&seen, 0), Some(Field::value("ana")));
}

#[test]
fn s02_what_is_said_after_it_was_denied_is_readable_again() {
    let mut refused = full(2, Vec::new());
    refused.denied = vec![0];
    let mut seen = folded(&[full(1, vec![said(0, "ana")]), refused]);
    let outcome = seen.fold(&full(3, vec![said(0, "ana")]), &SHAPES);
    assert!(!seen.is_denied(0));
    assert!(outcome.touched.contains(&0), "the value is the same, yet it can be compared again");
}

#[test]
fn s02_stamps_compare_by_token_then_by_read() {
    assert!(Stamp { token: 2, read: 0 } > Stamp { token: 1, read: 9 });
    assert!(Stamp { token: 1, read: 2 } > Stamp { token: 1, read: 1 });
    let read = |read, text| {
        let stamp = Stamp { token: 1, read };
        observation(stamp, Sighting::Live { full: true }, Coverage::AllBut(Vec::new()), vec![said(0, text)])
    };
    assert_eq!(
        value(&folded(&[read(2, "later read"), read(1, "z earlier read")]), 0),
        Some(Field::value("later read"))
    );
}

#[test]
fn s02_among_equal_stamps_the_greater_bytes_win_and_a_read_is_asked_for() {
    for texts in [["ana", "bea"], ["bea", "ana"]] {
        let mut seen = Representation::new();
        assert!(!seen.fold(&partial(1, vec![said(0, texts[0])]), &SHAPES).tie);
        assert!(seen.fold(&partial(1, vec![said(0, texts[1])]), &SHAPES).tie);
        assert_eq!(value(&seen, 0), Some(Field::value("bea")));
    }
}

#[test]
fn s02_what_is_pushed_with_the_token_of_a_read_is_read_again_where_it_says_otherwise() {
    let read = Stamp { token: 1, read: 5 };
    let read = observation(read, Sighting::Live { full: true }, Coverage::AllBut(Vec::new()), vec![said(0, "ana")]);
    let mut seen = folded(&[read]);
    assert!(!seen.fold(&partial(1, vec![said(0, "ana")]), &SHAPES).tie, "an echo");
    assert!(seen.fold(&partial(1, vec![said(0, "bea")]), &SHAPES).tie, "it may be later, or earlier");
    assert_eq!(value(&seen, 0), Some(Field::value("ana")), "until it is read");
    assert!(!seen.fold(&partial(0, vec![said(0, "eva")]), &SHAPES).tie, "it is late");
}

#[test]
fn s02_the_same_said_twice_at_one_stamp_asks_for_nothing() {
    let mut seen = folded(&[full(1, vec![said(0, "ana"), element(2, "x", "x")])]);
    let outcome = seen.fold(&full(1, vec![said(0, "ana"), element(2, "x", "x")]), &SHAPES);
    assert_eq!(outcome, accordant::representation::FoldOutcome::default());
}

#[test]
fn s02_equal_stamps_that_disagree_about_an_element_ask_for_a_read() {
    let with = || full(1, vec![element(2, "x", "x"), element(2, "y", "y")]);
    let without = || full(1, vec![element(2, "x", "x")]);
    for [first, second] in [[with(), without()], [without(), with()]] {
        let mut seen = Representation::new();
        assert!(!seen.fold(&first, &SHAPES).tie);
        assert!(seen.fold(&second, &SHAPES).tie, "present and absent at one stamp");
        assert_eq!(seen.element(2, &key("y")).map(|said| said.field.clone()), Some(Field::value("y")));
    }
}

#[test]
fn s03_the_value_is_the_maximum_and_a_late_arrival_never_replaces_it() {
    let seen = folded(&[partial(5, vec![said(0, "new")]), partial(3, vec![said(0, "old")])]);
    assert_eq!(value(&seen, 0), Some(Field::value("new")));
}

#[test]
fn s03_unchanged_since_is_derived_from_the_set() {
    let mut seen = folded(&[partial(5, vec![said(0, "a")]), partial(9, vec![said(0, "a")])]);
    let cell = |seen: &Representation| {
        let cell = seen.cell(0).expect("it was said");
        (cell.since().token, cell.not_before().map(|stamp| stamp.token), cell.stamp().token)
    };
    assert_eq!(cell(&seen), (5, None, 9));
    seen.fold(&partial(7, vec![said(0, "b")]), &SHAPES);
    assert_eq!(cell(&seen), (9, Some(7), 9), "it was otherwise in between");
}

#[test]
fn s03_an_element_that_was_gone_in_between_stands_since_it_came_back() {
    let with = |token| full(token, vec![element(2, "x", "x")]);
    let seen = folded(&[with(1), with(2), full(3, Vec::new()), with(4), with(5)]);
    let said = seen.element(2, &key("x")).expect("the set was seen");
    assert_eq!((said.since.token, said.not_before.map(|stamp| stamp.token)), (4, Some(3)));
}

#[test]
fn s03_existence_is_independent_of_cells_and_dead_hides_without_erasing() {
    let seen = folded(&[full(1, vec![said(0, "ana")]), dead(2, DeathEvidence::Deleted)]);
    assert_eq!(seen.existence().life(), Life::Dead(DeathEvidence::Deleted));
    assert!(!seen.speaks());
    assert_eq!(value(&seen, 0), Some(Field::value("ana")));
    let late = folded(&[dead(2, DeathEvidence::Deleted), full(1, vec![said(0, "ana")])]);
    assert_eq!(late, seen, "an old sighting does not revive it");
}

#[test]
fn s03_live_after_dead_is_resurrected_until_a_full_read() {
    let mut seen = folded(&[full(1, vec![said(0, "ana")]), dead(2, DeathEvidence::Archived)]);
    seen.fold(&partial(3, vec![said(1, "x")]), &SHAPES);
    assert_eq!(seen.existence().life(), Life::Resurrected);
    assert!(!seen.speaks());
    seen.fold(&full(4, vec![said(0, "bea")]), &SHAPES);
    assert_eq!(seen.existence().life(), Life::Live);
    assert!(seen.speaks());
}

#[test]
fn s03_a_tie_of_life_and_death_means_live_and_asks_for_a_read() {
    for sighting in [full(2, Vec::new()), partial(2, Vec::new())] {
        let mut seen = folded(&[full(1, vec![said(0, "ana")]), dead(2, DeathEvidence::Deleted)]);
        let outcome = seen.fold(&sighting, &SHAPES);
        assert!(outcome.tie);
        assert_eq!(seen.existence().life(), Life::Live);
    }
}

#[test]
fn s03_of_two_deaths_at_one_stamp_the_strongest_evidence_stands() {
    let (sure, weak) = (dead(2, DeathEvidence::Deleted), dead(2, DeathEvidence::MissingInScans));
    for deaths in [[sure.clone(), weak.clone()], [weak, sure]] {
        assert_eq!(folded(&deaths).existence().life(), Life::Dead(DeathEvidence::Deleted));
    }
    let later = folded(&[dead(2, DeathEvidence::Deleted), dead(3, DeathEvidence::Gone)]);
    assert_eq!(later.existence().life(), Life::Dead(DeathEvidence::Gone), "a later death is another one");
}

#[test]
fn s03_absences_are_a_set_and_a_scan_counts_once() {
    let seen = folded(&[full(1, Vec::new()), absent(1, 3), absent(1, 4), absent(1, 3)]);
    assert_eq!(seen.existence().missed_scans(), 2);
    assert_eq!(seen.existence().life(), Life::Live, "absence alone is no death");
}

#[test]
fn s03_absences_before_the_last_sighting_count_no_longer() {
    let met = observation(
        Stamp { token: 1, read: 5 },
        Sighting::Live { full: true },
        Coverage::AllBut(Vec::new()),
        Vec::new(),
    );
    let seen = folded(&[absent(1, 3), absent(1, 4), met, absent(1, 6)]);
    assert_eq!(seen.existence().missed_scans(), 1);
}

#[test]
fn s03_any_later_sighting_takes_absences_back() {
    let missed = [full(1, Vec::new()), absent(1, 3), absent(1, 4)];
    let pushed = |token| folded(&[&missed[..], &[partial(token, Vec::new())]].concat());
    assert_eq!(pushed(2).existence().missed_scans(), 0, "a webhook says later that it is there");
    assert_eq!(pushed(1).existence().missed_scans(), 2, "a repetition of what was known says nothing new");
    assert_eq!(pushed(0).existence().missed_scans(), 2, "nor does what was late");
    let again = [&missed[..], &[partial(2, Vec::new()), absent(2, 5), absent(2, 4)]].concat();
    assert_eq!(folded(&again).existence().missed_scans(), 1, "a scan noted twice saw no more than at first");
}

#[test]
fn s03_redirects_only_grow_and_the_latest_edge_leads() {
    let mut seen = folded(&[full(9, vec![said(0, "ana")])]);
    assert!(seen.redirect(Stamp::new(5), "30".into()));
    assert!(seen.redirect(Stamp::new(3), "20".into()));
    assert!(!seen.redirect(Stamp::new(5), "30".into()), "known");
    assert_eq!(seen.redirected_to().map(ToString::to_string).as_deref(), Some("30"));
}

#[test]
fn s03_a_record_that_was_merged_away_is_no_candidate() {
    let mut seen = folded(&[full(1, vec![said(0, "ana")])]);
    seen.redirect(Stamp::new(2), "20".into());
    assert!(!seen.speaks());
    seen.fold(&full(3, vec![said(0, "bea")]), &SHAPES);
    assert!(!seen.speaks(), "whatever is addressed to a loser is a hint to read the survivor");
    assert_eq!(seen.existence().life(), Life::Live, "a merge is no death");
}
