//! Scores by example: each definition of `docs/quality.md`, in figures.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::float_arithmetic, reason = "scores are estimates")]

use accordant_quality::score::{
    Cause, Dimension, Gate, Measure, OutlookError, Policy, PolicyError, Remedy, Report, Risk, Scope, Score, outlook,
    recommendations, report,
};

fn measure(system: &str, attribute: &str, cause: Cause, good: u64, of: u64) -> Measure {
    let attributes = if attribute.is_empty() { vec![] } else { vec![attribute.to_owned()] };
    let check = format!("{attribute} {cause:?}");
    Measure {
        system: system.to_owned(),
        entity: "customer".to_owned(),
        attributes,
        check,
        cause,
        good,
        of,
        at_least: 0.95,
    }
}

fn of<'r>(report: &'r Report, scope: &Scope) -> &'r Score {
    report.scores.iter().find(|score| score.scope == *scope).unwrap()
}

fn attribute(name: &str) -> Scope {
    Scope::Attribute("customer".to_owned(), name.to_owned())
}

fn near(one: f64, other: f64) -> bool {
    (one - other).abs() < 1e-12
}

fn measures() -> Vec<Measure> {
    vec![
        measure("hubspot", "email", Cause::Missing, 90, 100),
        measure("hubspot", "email", Cause::Malformed, 81, 90),
        measure("shopify", "email", Cause::Missing, 300, 300),
        measure("shopify", "phone", Cause::Malformed, 150, 300),
        measure("shopify", "", Cause::RowCount, 1, 1),
        measure("hubspot", "phone", Cause::Wrong, 9, 10),
        measure("hubspot", "phone", Cause::Stale, 0, 0),
    ]
}

#[test]
fn a_score_is_the_share_of_all_that_was_judged() {
    let report = report(&measures(), &Policy::default()).unwrap();
    let email = of(&report, &attribute("email"));
    let completeness = &email.parts[&Dimension::Completeness];
    assert!((completeness.good, completeness.of) == (390, 400) && near(completeness.score, 0.975));
    assert!(near(email.parts[&Dimension::Validity].score, 0.9));
    assert_eq!(email.parts.len(), 2);
    let hubspot = of(&report, &Scope::System("hubspot".to_owned()));
    assert!(near(hubspot.parts[&Dimension::Completeness].score, 0.9));
    assert!(!hubspot.parts.contains_key(&Dimension::Timeliness), "nothing was judged");
    let entity = of(&report, &Scope::Entity("customer".to_owned()));
    assert_eq!((entity.parts[&Dimension::Completeness].good, entity.parts[&Dimension::Completeness].of), (391, 401));
    // Accuracy is what the evidence leaves plausible, and never its bare share.
    let accuracy = &hubspot.parts[&Dimension::Accuracy];
    let plausible = accuracy.accuracy.unwrap();
    assert!(near(accuracy.score, 9.5 / 11.0) && plausible.least < accuracy.score && accuracy.score < plausible.most);
    let scopes: Vec<&Scope> = report.scores.iter().map(|score| &score.scope).collect();
    assert!(scopes.is_sorted() && scopes.len() == 5);
}

#[test]
fn a_composite_is_the_weighted_geometric_mean_beside_its_parts() {
    let weights = [(Dimension::Completeness, 1.0), (Dimension::Validity, 3.0), (Dimension::Timeliness, 1.0)].into();
    let mut policy = Policy { weights, ..Policy::default() };
    let composite =
        |policy: &Policy, name: &str| of(&report(&measures(), policy).unwrap(), &attribute(name)).composite.clone();
    let email = composite(&policy, "email").unwrap();
    let mean = (0.975f64 * 0.9f64.powi(3)).powf(0.25);
    assert!(near(email.value, mean) && near(email.ungated, mean), "{email:?}");
    assert_eq!((email.gates.len(), email.unknown.as_slice()), (0, &[Dimension::Timeliness][..]));
    // A floor holds it down to what is below it.
    policy.floors = [(Dimension::Validity, 0.95), (Dimension::Completeness, 0.975)].into();
    let email = composite(&policy, "email").unwrap();
    assert!(near(email.value, 0.9) && near(email.ungated, mean));
    assert!(
        matches!(email.gates.as_slice(), [Gate::Floor { dimension: Dimension::Validity, .. }]),
        "at its floor is not below"
    );
    // A critical attribute holds down all that it is part of.
    policy.floors.clear();
    policy.critical = [("customer".to_owned(), "phone".to_owned())].into();
    for scope in [Scope::System("shopify".to_owned()), Scope::Entity("customer".to_owned()), attribute("phone")] {
        let report = report(&measures(), &policy).unwrap();
        let held = of(&report, &scope).composite.clone().unwrap();
        assert!(near(held.value, 0.5) && held.ungated >= 0.5, "{held:?}");
        assert!(held.gates.iter().any(|gate| matches!(gate, Gate::Critical { attribute, .. } if attribute == "phone")));
    }
    assert!(composite(&policy, "email").unwrap().gates.is_empty());
    // Where nothing that counts is known, there is no figure.
    policy.weights = [(Dimension::Timeliness, 1.0)].into();
    assert_eq!(composite(&policy, "email"), None);
}

#[test]
fn nothing_good_is_a_composite_of_nothing() {
    let measures =
        [measure("hubspot", "email", Cause::Missing, 0, 9), measure("hubspot", "email", Cause::Malformed, 9, 9)];
    let report = report(&measures, &Policy::default()).unwrap();
    let composite = of(&report, &attribute("email")).composite.clone().unwrap();
    assert!(near(composite.value, 0.0));
}

#[test]
fn what_affects_most_is_recommended_first() {
    let all = recommendations(&measures());
    let told: Vec<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "shopify, customer, phone: 150 of 300 fail \"phone Malformed\": put the values into their form, and have it checked where they are entered",
            "hubspot, customer, email: 10 of 100 fail \"email Missing\": fill in what is missing, or make the system ask for it",
            "hubspot, customer, email: 9 of 90 fail \"email Malformed\": put the values into their form, and have it checked where they are entered",
            "hubspot, customer, phone: 1 of 10 fail \"phone Wrong\": let another system own the attribute, or verify its values at their source",
        ]
    );
    let mut backwards = measures();
    backwards.reverse();
    assert_eq!(recommendations(&backwards), all, "the order of measures does not matter");
}

#[test]
fn each_cause_has_a_dimension_and_a_remedy() {
    use {Cause as C, Dimension as D, Remedy as R};
    for (cause, dimension, remedy) in [
        (C::Missing, D::Completeness, R::FillIn),
        (C::RowCount, D::Completeness, R::ReadAgain),
        (C::Duplicate, D::Uniqueness, R::Merge),
        (C::Malformed, D::Validity, R::Reform),
        (C::NotAllowed, D::Validity, R::MapValues),
        (C::OutOfRange, D::Validity, R::MendNumbers),
        (C::Stale, D::Timeliness, R::Refresh),
        (C::Contradiction, D::Consistency, R::Compare),
        (C::Dangling, D::Consistency, R::Relink),
        (C::Disagreement, D::Consistency, R::NameOwner),
        (C::Wrong, D::Accuracy, R::Verify),
    ] {
        assert_eq!((cause.dimension(), Remedy::of(cause)), (dimension, remedy), "{cause:?}");
    }
}

#[test]
fn policies_and_measures_that_are_none_are_refused() {
    let refused = |change: fn(&mut Policy)| {
        let mut policy = Policy::default();
        change(&mut policy);
        report(&measures(), &policy).unwrap_err()
    };
    let changes: [fn(&mut Policy); 4] = [
        |policy| policy.weights.clear(),
        |policy| policy.weights = [(Dimension::Validity, 0.0)].into(),
        |policy| policy.weights = [(Dimension::Validity, -1.0), (Dimension::Accuracy, 2.0)].into(),
        |policy| policy.weights = [(Dimension::Validity, f64::NAN)].into(),
    ];
    for change in changes {
        assert_eq!(refused(change), PolicyError::Weights);
    }
    let floors: [fn(&mut Policy); 2] = [
        |policy| policy.floors = [(Dimension::Validity, 1.01)].into(),
        |policy| policy.floors = [(Dimension::Validity, -0.01)].into(),
    ];
    for change in floors {
        assert!(matches!(refused(change), PolicyError::Floor { dimension: Dimension::Validity, .. }));
    }
    for (good, of, at_least) in [(3, 2, 0.5), (1, 2, 1.5), (1, 2, f64::NAN)] {
        let bad = Measure { at_least, ..measure("hubspot", "email", Cause::Missing, good, of) };
        assert!(
            matches!(report(&[bad], &Policy::default()), Err(PolicyError::Measure { system, .. }) if system == "hubspot")
        );
    }
    assert!(report(&[], &Policy::default()).unwrap().scores.is_empty());
}

/// A score that falls by a thousandth a day, from 0.99 on.
fn falling(days: i64) -> Vec<(i64, u64, u64)> {
    (0..days).map(|day| (day, 9_900 - 10 * day.unsigned_abs(), 10_000)).collect()
}

#[test]
fn a_breach_is_forecast_and_its_risk_told() {
    // On day 20 it is 0.97; a day takes 0.001.
    let days = falling(21);
    for (threshold, horizon, risk) in
        [(0.96, 30, Risk::High), (0.96, 9, Risk::Low), (0.975, 30, Risk::Breached), (0.5, 30, Risk::Low)]
    {
        assert_eq!(outlook(&days, threshold, horizon).unwrap().risk, risk, "{threshold} {horizon}");
    }
    let breach = outlook(&days, 0.96, 30).unwrap().breach.unwrap();
    assert!((breach.likely - 10.0).abs() < 1e-6, "{breach:?}");
    // Plausible, and not likely.
    let wavering: Vec<(i64, u64, u64)> = (0i64..21)
        .map(|day| (day, 9_900 - 10 * day.unsigned_abs() - [0, 60, 5, 40][day as usize % 4], 10_000))
        .collect();
    let wavers = outlook(&wavering, 0.95, 1_000).unwrap();
    let breach = wavers.breach.unwrap();
    assert!(breach.earliest < breach.likely);
    let between = (breach.earliest.midpoint(breach.likely)).ceil() as i64;
    assert!((between as f64) > breach.earliest && (between as f64) < breach.likely, "{breach:?}");
    assert_eq!(outlook(&wavering, 0.95, between).unwrap().risk, Risk::Elevated);
}

/// On day 20 the line is at 0.97, below the threshold, and falls; the day itself was better than that.
#[test]
fn a_good_day_on_a_line_that_fell_below_is_no_low_risk() {
    let mut days = falling(21);
    days[20].1 = 9_760;
    let outlook = |days: &[(i64, u64, u64)]| outlook(days, 0.975, 30).unwrap();
    assert_eq!((outlook(&days).risk, outlook(&days).breach), (Risk::High, None));
    assert!(outlook(&days).trend.unwrap().now < 0.975);
    // One that rises comes from there.
    let mut rising: Vec<(i64, u64, u64)> =
        falling(21).into_iter().map(|(day, good, of)| (20 - day, good - 160, of)).rev().collect();
    rising[20].1 = 9_760;
    assert_eq!(outlook(&rising).risk, Risk::Low);
}

#[test]
fn days_without_rows_are_gaps_and_no_zeros() {
    let mut days = falling(21);
    for day in [3, 4, 5, 11, 20] {
        days[day] = (days[day].0, 0, 0);
    }
    days.remove(8);
    let with_gaps = outlook(&days, 0.96, 30).unwrap();
    assert_eq!((with_gaps.days, with_gaps.risk), (15, Risk::High));
    assert!(near(with_gaps.last.unwrap(), 0.971));
    let few = outlook(&falling(6), 0.5, 30).unwrap();
    assert_eq!((few.risk, few.trend, few.days), (Risk::Unknown, None, 6));
    assert_eq!(outlook(&[], 0.5, 30).unwrap().last, None);
    // A score that rises towards its threshold from above does not come from nowhere.
    let rising: Vec<(i64, u64, u64)> =
        falling(21).into_iter().map(|(day, good, of)| (20 - day, good, of)).rev().collect();
    assert_eq!(outlook(&rising, 0.96, 30).unwrap().risk, Risk::Low);
}

#[test]
fn series_that_are_none_are_refused() {
    for threshold in [-0.1, 1.1, f64::NAN] {
        assert!(matches!(outlook(&falling(9), threshold, 30), Err(OutlookError::Threshold { .. })));
    }
    for days in [0, -1, i64::MIN] {
        assert_eq!(outlook(&falling(9), 0.5, days), Err(OutlookError::Horizon { days }));
    }
    assert_eq!(outlook(&[(1, 1, 1), (1, 1, 1)], 0.5, 1), Err(OutlookError::NotLater { day: 1 }));
    assert_eq!(outlook(&[(2, 1, 1), (1, 1, 1)], 0.5, 1), Err(OutlookError::NotLater { day: 1 }));
    assert_eq!(outlook(&[(2, 2, 1)], 0.5, 1), Err(OutlookError::NoShare { day: 2 }));
}
