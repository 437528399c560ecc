//! Checks that ask for what no row can do, tables that have not what is asked for, and disks that are not there: each a typed error,
//! and nothing half done.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::Arc;

use accordant_quality::check::{
    Batch, Bits, Bound, Check, CheckError, Checker, Column, Reference, Relation, Rule, Settings, State, Texts, Values,
};

fn check(rule: Rule, at_least: f64) -> Check {
    Check { name: "it".to_owned(), rule, at_least }
}

fn present() -> Rule {
    Rule::Present { column: "a".to_owned() }
}

fn new(checks: Vec<Check>) -> Result<Checker, CheckError> {
    Checker::new(checks, Settings::default())
}

#[test]
fn checks_that_ask_for_nothing_are_refused() {
    assert!(matches!(new(vec![]), Err(CheckError::NoChecks)));
    assert!(
        matches!(new(vec![check(present(), 1.0), check(present(), 1.0)]), Err(CheckError::TwiceNamed { name }) if name == "it")
    );
    for at_least in [-0.01, 1.01, f64::NAN, f64::INFINITY] {
        assert!(matches!(new(vec![check(present(), at_least)]), Err(CheckError::Threshold { .. })), "{at_least}");
    }
    let between = |least, most| Rule::Between { column: "a".to_owned(), least, most };
    let nothing_between = [
        Rule::Rows { least: 2, most: Some(1) },
        between(None, None),
        between(Some(Bound::Whole(2)), Some(Bound::Whole(1))),
        between(Some(Bound::Real(1.5)), Some(Bound::Whole(1))),
        between(Some(Bound::Whole(i64::MAX)), Some(Bound::Real(9.0e18))),
        between(Some(Bound::Real(f64::NAN)), None),
        between(None, Some(Bound::Real(f64::NAN))),
        Rule::Fresh { column: "a".to_owned(), now: 0, within: -1 },
    ];
    for rule in nothing_between {
        assert!(matches!(new(vec![check(rule.clone(), 1.0)]), Err(CheckError::Bounds { .. })), "{rule:?}");
    }
    for rule in [Rule::Unique { columns: vec![] }, Rule::OneOf { column: "a".to_owned(), values: BTreeSet::new() }] {
        assert!(matches!(new(vec![check(rule, 1.0)]), Err(CheckError::Empty { .. })));
    }
    let twice = Rule::Related { left: "a".to_owned(), relation: Relation::Less, right: "a".to_owned() };
    assert!(matches!(new(vec![check(twice, 1.0)]), Err(CheckError::TwiceNamed { .. })));
}

#[test]
fn a_table_that_lacks_what_is_asked_is_not_taken() {
    let column = |name: &str| name.to_owned();
    let refers = Rule::Refers { column: column("real"), to: Arc::new(Reference::wholes([1])) };
    let one_of = Rule::OneOf { column: column("whole"), values: ["a".to_owned()].into() };
    let related = Rule::Related { left: column("whole"), relation: Relation::Less, right: column("real") };
    let fresh = Rule::Fresh { column: column("whole"), now: 0, within: 1 };
    let between = Rule::Between { column: column("moment"), least: Some(Bound::Whole(0)), most: None };
    let none = || check(Rule::Present { column: column("none") }, 1.0);
    let batch = || {
        let batch = Batch::of(2).with("whole", Column::full(Values::Whole(&[1, 2]))).unwrap();
        let batch = batch.with("real", Column::full(Values::Real(&[1.0, 2.0]))).unwrap();
        batch.with("moment", Column::full(Values::Moment(&[1, 2]))).unwrap()
    };
    let when = Rule::PresentWhen { column: column("whole"), when: column("real"), equals: Some("1".to_owned()) };
    for rule in [refers, one_of, related, fresh, between, when] {
        let counted = Check { name: "counted".to_owned(), ..check(Rule::Present { column: column("whole") }, 1.0) };
        let mut checker = new(vec![counted, check(rule, 1.0)]).unwrap();
        assert!(matches!(checker.take(&batch()), Err(CheckError::Kind { check, .. }) if check == "it"));
        assert!(checker.states().unwrap().iter().all(|state| state.rows() == 0), "nothing half done");
    }
    let error = new(vec![none()]).unwrap().take(&batch()).unwrap_err();
    assert_eq!(error.to_string(), "check it: there is no column none");
}

#[test]
fn columns_are_as_long_as_their_batch() {
    let batch = || Batch::of(9);
    let nine = [0; 9];
    assert!(matches!(batch().with("a", Column::full(Values::Whole(&nine[1..]))), Err(CheckError::Lengths { .. })));
    let short = Column::partial(Values::Whole(&nine), Bits::from(&[0xff], 0));
    assert!(matches!(batch().with("a", short), Err(CheckError::Lengths { .. })));
    let late = Column::partial(Values::Whole(&nine), Bits::from(&[0xff, 0xff], 8));
    assert!(matches!(batch().with("a", late), Err(CheckError::Lengths { .. })));
    let good = batch().with("a", Column::full(Values::Whole(&nine))).unwrap();
    assert!(matches!(good.with("a", Column::full(Values::Whole(&nine))), Err(CheckError::TwiceNamed { .. })));
    for places in [&[][..], &[1, 0], &[0, 4], &[-1, 0]] {
        assert!(Texts::between(b"abc", places).is_none(), "{places:?}");
    }
}

#[test]
fn an_empty_table_has_no_share() {
    let mut checker = new(vec![check(present(), 1.0)]).unwrap();
    checker.take(&Batch::of(0).with("a", Column::full(Values::Whole(&[]))).unwrap()).unwrap();
    let outcome = &checker.outcomes().unwrap()[0];
    assert_eq!((outcome.good, outcome.of, outcome.share(), outcome.passed()), (0, 0, None, None));
}

#[test]
fn numbers_beyond_doubles_are_compared_exactly() {
    let large = 9_007_199_254_740_993;
    let cases = [
        (Bound::Real(9_007_199_254_740_992.0), large, false),
        (Bound::Whole(large), large, true),
        (Bound::Real(f64::INFINITY), i64::MAX, true),
        (Bound::Real(9_223_372_036_854_775_808.0), i64::MAX, true),
        (Bound::Real(-9_223_372_036_854_775_808.0), i64::MIN, true),
        (Bound::Real(2.5), 2, true),
        (Bound::Real(-2.5), -2, false),
    ];
    for (most, value, passes) in cases {
        let rule = Rule::Between { column: "a".to_owned(), least: None, most: Some(most) };
        let mut checker = new(vec![check(rule, 1.0)]).unwrap();
        checker.take(&Batch::of(1).with("a", Column::full(Values::Whole(&[value]))).unwrap()).unwrap();
        assert_eq!(checker.outcomes().unwrap()[0].passed(), Some(passes), "{most:?} {value}");
    }
}

/// Where keys have neither memory nor a file, there is no answer; no answer is never a wrong one.
#[test]
fn keys_without_room_are_an_error_for_ever() {
    let gone = tempfile::tempdir().unwrap().path().join("gone");
    let settings = Settings { memory: 1_000, spill: Some(gone), ..Settings::default() };
    let unique = check(Rule::Unique { columns: vec!["a".to_owned()] }, 1.0);
    let mut checker = Checker::new(vec![unique], settings).unwrap();
    let keys: Vec<i64> = (0..1_000).collect();
    let batch = Batch::of(keys.len()).with("a", Column::full(Values::Whole(&keys))).unwrap();
    assert!(matches!(checker.take(&batch), Err(CheckError::Spill(_))));
    assert!(matches!(checker.take(&batch), Err(CheckError::Broken)));
    assert!(matches!(checker.outcomes(), Err(CheckError::Broken)));
    assert!(matches!(checker.states(), Err(CheckError::Broken)));
}

#[test]
fn states_of_other_checks_are_refused() {
    let unique = || check(Rule::Unique { columns: vec!["a".to_owned()] }, 1.0);
    let state = |rule| -> Vec<State> {
        let mut checker = new(vec![check(rule, 1.0)]).unwrap();
        checker.take(&Batch::of(2).with("a", Column::full(Values::Whole(&[1, 1]))).unwrap()).unwrap();
        checker.into_states().unwrap()
    };
    let resume = |states| Checker::resume(vec![unique()], Settings::default(), states);
    assert!(matches!(resume(state(present())), Err(CheckError::OtherChecks)));
    assert!(matches!(resume(vec![]), Err(CheckError::OtherChecks)));
    let mut held = resume(state(unique().rule)).unwrap();
    assert!(matches!(held.merge(state(present())), Err(CheckError::OtherChecks)));
    assert_eq!(held.outcomes().unwrap()[0].of, 2, "nothing has changed");
    // More good ones than rows, and keys of no rows.
    let more = r#"[{"check":"it","rows":2,"held":{"tally":{"good":3,"of":2,"examples":[]}}}]"#;
    let states: Vec<State> = serde_json::from_str(more).unwrap();
    assert!(matches!(
        Checker::resume(vec![check(present(), 1.0)], Settings::default(), states),
        Err(CheckError::OtherChecks)
    ));
    let none = r#"[{"check":"it","rows":2,"held":{"keys":[[[97],0,0]]}}]"#;
    assert!(serde_json::from_str::<Vec<State>>(none).is_err());
}

/// What one check counted is never told of under the name of another.
#[test]
fn a_check_of_another_name_is_another() {
    let named = |name: &str| Check { name: name.to_owned(), ..check(present(), 1.0) };
    let seen = |name: &str| {
        let mut checker = new(vec![named(name)]).unwrap();
        checker.take(&Batch::of(1).with("a", Column::full(Values::Whole(&[1]))).unwrap()).unwrap();
        checker
    };
    let states = |name: &str| seen(name).into_states().unwrap();
    let resume = |states| Checker::resume(vec![named("one")], Settings::default(), states);
    assert!(matches!(resume(states("other")), Err(CheckError::OtherChecks)));
    assert_eq!(resume(states("one")).unwrap().outcomes().unwrap()[0].good, 1);
    assert!(matches!(seen("one").merge(states("other")), Err(CheckError::OtherChecks)));
    let merged = states("one").remove(0).merge(states("other").remove(0), &Settings::default());
    assert!(matches!(merged, Err(CheckError::OtherChecks)));
}

/// A state comes from a store: whatever it says, it is taken or refused, and nothing overflows behind it.
#[test]
fn a_stored_state_that_cannot_be_is_refused() {
    let rule = || Rule::Fresh { column: "a".to_owned(), now: 9, within: 9 };
    let resume = |state: &str| {
        let states = serde_json::from_str(state).map_err(|_| CheckError::OtherChecks)?;
        Checker::resume(vec![check(rule(), 1.0)], Settings::default(), states)
    };
    let state = |rows: u64, good: u64, classes: &str| {
        format!(
            r#"[{{"check":"it","rows":{rows},"held":{{"ages":[{{"good":{good},"of":{good},"examples":[]}},{{"classes":{classes}}}]}}}}]"#
        )
    };
    let most = i64::MAX.unsigned_abs();
    for (bad, why) in [
        (state(u64::MAX, 1, "{}"), "more rows than tables have"),
        (state(2, 2, r#"{"65535":1}"#), "a class that there is not"),
        (state(2, 2, r#"{"1":3}"#), "more ages than rows"),
    ] {
        assert!(matches!(resume(&bad), Err(CheckError::OtherChecks)), "{why}");
    }
    let mut full = resume(&state(most, most, &format!(r#"{{"495":{most}}}"#))).unwrap();
    assert_eq!(full.outcomes().unwrap()[0].lags.as_ref().unwrap().percentile(50).unwrap().below, u64::MAX);
    full.take(&Batch::of(1).with("a", Column::full(Values::Moment(&[1]))).unwrap()).unwrap();
    assert_eq!(full.outcomes().unwrap()[0].good, most + 1);
    let one = || serde_json::from_str(&state(1, 1, "{}")).unwrap();
    assert!(matches!(full.merge(one()), Err(CheckError::OtherChecks)));
    assert_eq!(full.outcomes().unwrap()[0].good, most + 1, "nothing has changed");
}

/// Whoever prints a checker, its states or its settings prints no value.
#[test]
fn nothing_that_is_printed_holds_a_value() {
    let refers = Rule::Refers { column: "b".to_owned(), to: Arc::new(Reference::wholes([987_654])) };
    let named = Check { name: "reference".to_owned(), ..check(refers, 1.0) };
    let mut checker = new(vec![check(Rule::Unique { columns: vec!["a".to_owned()] }, 1.0), named]).unwrap();
    let batch = Batch::of(2).with("a", Column::full(Values::Whole(&[987_654, 1]))).unwrap();
    checker.take(&batch.with("b", Column::full(Values::Whole(&[987_654, 987_654]))).unwrap()).unwrap();
    let printed = format!("{checker:?} {:?}", checker.states().unwrap());
    let as_bytes = format!("{:?}", b"987654").replace(['[', ']'], "");
    assert!(!printed.contains("987654") && !printed.contains(&as_bytes), "{printed}");
    assert!(printed.contains("2 keys") && printed.contains("1 values"), "{printed}");
}

#[test]
fn a_row_or_a_bit_that_is_nowhere_is_none() {
    let texts = Texts::between(b"ab", &[0, 1, 2]).unwrap();
    assert_eq!([texts.at(1), texts.at(2), texts.at(usize::MAX)], [&b"b"[..], b"", b""]);
    let nowhere = Column::partial(Values::Whole(&[1]), Bits::from(&[1], usize::MAX));
    assert!(matches!(Batch::of(1).with("a", nowhere), Err(CheckError::Lengths { .. })));
}

#[test]
fn texts_are_ordered_as_the_numbers_that_they_are() {
    for (left, right, good) in [
        ("9.5", "100", (1, 1, 0)),
        ("100", "9.5", (0, 0, 0)),
        ("-1", "-0.5", (1, 1, 0)),
        ("7", "7.0", (0, 1, 0)),
        ("9223372036854775807", "9223372036854775806", (0, 0, 0)),
        ("7", "x", (0, 0, 0)),
        ("7", "2026-07-31", (0, 0, 0)),
        ("inf", "inf", (0, 0, 1)),
    ] {
        let good_of = |relation| {
            let rule = Rule::Related { left: "a".to_owned(), relation, right: "b".to_owned() };
            let mut checker = new(vec![check(rule, 1.0)]).unwrap();
            let ends = [left, right].map(|text| [0, i32::try_from(text.len()).unwrap()]);
            let column =
                |text: &'static str, ends| Column::full(Values::Text(Texts::between(text.as_bytes(), ends).unwrap()));
            let batch = Batch::of(1).with("a", column(left, &ends[0])).unwrap();
            checker.take(&batch.with("b", column(right, &ends[1])).unwrap()).unwrap();
            checker.outcomes().unwrap().remove(0).good
        };
        let found = (good_of(Relation::Less), good_of(Relation::AtMost), good_of(Relation::Equal));
        assert_eq!(found, good, "{left} {right}");
    }
}

/// Linked records of two systems: agreement is of texts, whatever they look like; order is of moments.
#[test]
fn texts_are_equal_as_texts_and_ordered_as_moments() {
    let texts = ["2026-07-31", "2026-07-31T00:00:00Z", "2026-08-01", "x"];
    let (mut bytes, mut ends) = (String::new(), vec![0]);
    for text in texts {
        bytes.push_str(text);
        ends.push(i32::try_from(bytes.len()).unwrap());
    }
    let all = |from: usize, to: usize| Values::Text(Texts::between(bytes.as_bytes(), &ends[from..=to]).unwrap());
    let counted = |relation| {
        let rule = Rule::Related { left: "a".to_owned(), relation, right: "b".to_owned() };
        let mut checker = new(vec![check(rule, 1.0)]).unwrap();
        let batch = Batch::of(3).with("a", Column::full(all(0, 3))).unwrap();
        checker.take(&batch.with("b", Column::full(all(1, 4))).unwrap()).unwrap();
        let same = Batch::of(1).with("a", Column::full(all(3, 4))).unwrap();
        checker.take(&same.with("b", Column::full(all(3, 4))).unwrap()).unwrap();
        let outcome = checker.outcomes().unwrap().remove(0);
        (outcome.good, outcome.of)
    };
    assert_eq!(counted(Relation::Equal), (1, 4));
    assert_eq!(counted(Relation::AtMost), (2, 4));
    assert_eq!(counted(Relation::Less), (1, 4));
}
