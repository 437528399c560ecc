//! The rules that people ask for first, each as they would write it; and how rules stand to each other.

use std::borrow::Cow;

use accordant::chrono::TimeDelta;
use accordant::engine::{Accordant, Ruled};
use accordant::fingerprint::Fingerprint;
use accordant::model::Attribute;
use accordant::ownership::Authority;
use accordant::policy::{Answer, Candidates, Policy};
use accordant::rule::{
    Condition, Met, above, becomes, below, changes, clears, moved_by, moved_by_percent, not, other_above, other_is,
    replaces, said_as, said_by, stood_for, when,
};
use accordant::settle::{Choice, Ruling};
use accordant::testing::Story;
use accordant::value::Field;
use accordant::{Actor, Canonical, DiscrepancyKind, Email, Error, Lifetime, Money, RequireApproval, money};
use futures::executor::block_on;
use serde_json::{Value as Json, json};

use crate::model::{Customer, Member};

/// An account as sales, the shop and the warehouse know it.
#[derive(Canonical)]
#[canonical(entity = "account", system(crm, object = "accounts"))]
#[canonical(system(shop, object = "shops"), system(erp, object = "debtors"))]
struct Account {
    #[canonical(identity, at(crm = "number", shop = "number", erp = "number"))]
    number: String,
    /// Everyone's; the latest wins, and goes everywhere.
    #[canonical(resolve(latest), at(crm = "name", shop = "title", erp = "name1"))]
    name: Option<String>,
    #[canonical(resolve(latest), at(crm = "email", shop = "email", erp = "email"))]
    email: Option<Email>,
    #[canonical(resolve(latest), at(crm("revenue", currency = USD), erp("revenue", currency = "currency")))]
    revenue: Option<Money>,
    #[canonical(resolve(latest), at(shop("total", currency = USD), erp("total", currency = USD)))]
    order_total: Option<Money>,
    /// How many are in stock: nobody promises less than somebody counted.
    #[canonical(resolve(maximum), at(shop = "stock", erp = "stock"))]
    stock: Option<i64>,
    #[canonical(resolve(Scored), at(crm = "score", shop = "score", erp = "score"))]
    lead_score: Option<i64>,
    #[canonical(resolve(latest), at(crm = "tier", erp = "tier"))]
    tier: Option<String>,
}

/// A lead's score weighs how much somebody says by how lately they said it: each day takes five points off.
struct Scored;

impl Policy<i64> for Scored {
    fn name(&self) -> Cow<'static, str> {
        "scored".into()
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.number(1);
    }

    fn resolve(&self, candidates: &Candidates<'_, i64>) -> Answer<i64> {
        const DAY: i64 = 24 * 60 * 60 * 1000;
        let latest = candidates.all().iter().map(|candidate| candidate.stamp.token).max().unwrap_or_default();
        let points = |place: usize| {
            let age = latest.saturating_sub(candidates.all()[place].stamp.token) / DAY;
            candidates.value(place).map(|score| score.saturating_sub(age.saturating_mul(5)))
        };
        let best =
            (0..candidates.all().len()).filter_map(|place| Some((points(place)?, place))).max_by_key(|(p, _)| *p);
        best.map_or(Answer::Inconclusive("nobody has a score"), |(_, place)| Answer::Winner(place))
    }
}

/// An account that the three systems hold alike; an hour later something is said.
fn agreeing(story: Story, more: &Json) -> Story {
    let mut said = json!({ "number": "1", "currency": "USD" });
    for (name, value) in more.as_object().expect("an object") {
        said[name] = value.clone();
    }
    story
        .says("crm", "1", said.clone())
        .says("shop", "1", said.clone())
        .says("erp", "1", said)
        .expect_no_discrepancy()
        .later(TimeDelta::hours(1))
}

fn account() -> Story {
    Story::of::<Account>()
}

fn ruling(choice: Choice) -> Ruling {
    Ruling { choice, lifetime: Lifetime::Once, by: Actor::new("ana"), reason: "she was called".to_owned() }
}

#[test]
fn revenue_over_ten_million_waits_for_two_people() {
    let rule = when(above(money!(10_000_000 USD))).hold("revenue over 10 M").by_two();
    let story = agreeing(account().rule(Account::REVENUE, rule), &json!({ "revenue": "9000000" }));
    let mut story = story
        .says("crm", "1", json!({ "revenue": "10000000" })) // not over
        .expect(Account::REVENUE, "10000000 USD")
        .later(TimeDelta::hours(1))
        .says("crm", "1", json!({ "revenue": "10000000.01" }))
        .expect(Account::REVENUE, "10000000 USD")
        .expect_held(Account::REVENUE, "10000000.01 USD")
        .expect_quiet();
    let (tenant, id) = (story.tenant(), story.entity_id::<Account>());
    let proposed = block_on(tenant.rule(id, "revenue", ruling(Choice::Accept))).expect("it is proposed");
    assert_eq!(proposed, Ruled::Proposed);
    let own = block_on(tenant.approve_decision(id, "revenue", &Actor::new("ana")));
    assert!(matches!(own, Err(Error::OwnProposal { .. })), "{own:?}");
    block_on(tenant.approve_decision(id, "revenue", &Actor::new("ben"))).expect("it is approved");
    drop(story.expect(Account::REVENUE, "10000000.01 USD"));
}

#[test]
fn an_amount_in_another_currency_is_one_of_which_nobody_can_tell() {
    let rule = when(above(money!(10_000_000 USD))).hold("revenue over 10 M");
    let story = agreeing(account().rule(Account::REVENUE, rule), &json!({ "revenue": "9000000" }));
    let mut story = story
        .says("erp", "1", json!({ "revenue": "1", "currency": "EUR" }))
        .expect(Account::REVENUE, "9000000 USD")
        .expect_held(Account::REVENUE, "1.00 EUR");
    let told = story.explain(Account::REVENUE);
    assert!(told.contains("revenue over 10 M (it cannot be told whether it is above 10000000.00 USD)"), "{told}");
}

#[test]
fn a_new_email_address_is_verified_first() {
    let rule = when(replaces().and(not(said_by("erp")))).review("verify the new address");
    agreeing(account().rule(Account::EMAIL, rule), &json!({ "email": "a@acme.test" }))
        .says("crm", "1", json!({ "email": "b@acme.test" }))
        .expect(Account::EMAIL, "a@acme.test")
        .expect_held(Account::EMAIL, "b@acme.test")
        .expect_quiet()
        .decides("ana", Account::EMAIL, Choice::Accept)
        .expect(Account::EMAIL, "b@acme.test")
        .apply()
        .later(TimeDelta::hours(1))
        .says("erp", "1", json!({ "email": "c@acme.test" })) // verified by accounting already
        .expect(Account::EMAIL, "c@acme.test")
        .apply()
        .expect_no_discrepancy();
}

#[test]
fn an_order_total_that_moved_by_more_than_a_hundred_is_held() {
    let rule = when(moved_by(money!(100 USD))).hold("the total moved by more than 100");
    agreeing(account().rule(Account::ORDER_TOTAL, rule), &json!({ "total": "500" }))
        .says("shop", "1", json!({ "total": "600" }))
        .expect(Account::ORDER_TOTAL, "600 USD")
        .apply()
        .later(TimeDelta::hours(1))
        .says("shop", "1", json!({ "total": "499.99" }))
        .expect(Account::ORDER_TOTAL, "600 USD")
        .expect_held(Account::ORDER_TOTAL, "499.99 USD")
        .expect_quiet();
}

/// A clear in between is no way round a rule about how far a value moves, nor round one about a value that is replaced.
#[test]
fn what_comes_after_a_clear_moves_from_what_stood_before_it() {
    let far = when(moved_by(money!(100 USD))).hold("the total moved by more than 100");
    let percent = when(moved_by_percent(10)).hold("it moved by more than a tenth");
    let old = RequireApproval::when_moved_by(money!(100 USD));
    let stories = [
        account().rule(Account::ORDER_TOTAL, far),
        account().rule(Account::ORDER_TOTAL, percent),
        account().rule(Account::ORDER_TOTAL, old),
        account().rule(Account::ORDER_TOTAL, when(replaces().and(not(clears()))).review("look at it")),
    ];
    for story in stories {
        agreeing(story, &json!({ "total": "500" }))
            .decides_for("ana", Account::ORDER_TOTAL, Choice::Value(Field::Null), Lifetime::Once)
            .expect_missing(Account::ORDER_TOTAL)
            .apply()
            .later(TimeDelta::hours(1))
            .says("shop", "1", json!({ "total": "900" }))
            .expect_missing(Account::ORDER_TOTAL)
            .expect_held(Account::ORDER_TOTAL, "900.00 USD")
            .decides("ana", Account::ORDER_TOTAL, Choice::Accept)
            .expect(Account::ORDER_TOTAL, "900 USD");
    }
}

/// Nor is a word that was held meanwhile and taken back: what stood before the clear is remembered.
#[test]
fn what_was_held_after_a_clear_and_taken_back_leaves_what_stood_before_it() {
    let far = when(moved_by(money!(100 USD))).hold("the total moved by more than 100");
    agreeing(account().rule(Account::ORDER_TOTAL, far), &json!({ "total": "500" }))
        .decides_for("ana", Account::ORDER_TOTAL, Choice::Value(Field::Null), Lifetime::Once)
        .apply()
        .later(TimeDelta::hours(1))
        .says("shop", "1", json!({ "total": "900" }))
        .expect_held(Account::ORDER_TOTAL, "900.00 USD")
        .later(TimeDelta::hours(1))
        .says("shop", "1", json!({ "total": null }))
        .expect_missing(Account::ORDER_TOTAL)
        .later(TimeDelta::hours(1))
        .says("shop", "1", json!({ "total": "700" }))
        .expect_missing(Account::ORDER_TOTAL)
        .expect_held(Account::ORDER_TOTAL, "700.00 USD");
}

#[test]
fn inventory_takes_the_maximum() {
    agreeing(account(), &json!({ "stock": "5" }))
        .edits("shop", "1", json!({ "stock": "3" }))
        .edits("erp", "1", json!({ "stock": "8" }))
        .tells("erp", "1")
        .tells("shop", "1")
        .expect(Account::STOCK, "8")
        .apply()
        .expect_in("shop", "1", "stock", json!(8))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn a_lead_score_weighs_recency_and_value() {
    let at_once = |days: i64| {
        agreeing(account(), &json!({ "score": "10" }))
            .edits("crm", "1", json!({ "score": "40" }))
            .later(TimeDelta::days(days))
            .edits("shop", "1", json!({ "score": "30" }))
            .tells("crm", "1")
            .tells("shop", "1")
    };
    // A day takes off five: forty of yesterday are worth more than thirty of today, and of three days ago less.
    at_once(1).expect(Account::LEAD_SCORE, "40").apply().expect_in("shop", "1", "score", json!(40));
    at_once(3).expect(Account::LEAD_SCORE, "30").apply().expect_in("crm", "1", "score", json!(30));
}

#[test]
fn a_name_propagates_everywhere() {
    agreeing(account(), &json!({ "name": "Acme", "title": "Acme", "name1": "Acme" }))
        .says("shop", "1", json!({ "title": "Acme & Sons" }))
        .expect(Account::NAME, "Acme & Sons")
        .apply()
        .expect_in("crm", "1", "name", json!("Acme & Sons"))
        .expect_in("erp", "1", "name1", json!("Acme & Sons"))
        .expect_no_discrepancy()
        .expect_quiet();
}

#[test]
fn what_a_rule_forbids_nobody_brings_about() {
    let rule = when(below(0)).forbid("there is no negative stock");
    let mut story = agreeing(account().rule(Account::STOCK, rule), &json!({ "stock": "5" }))
        .edits("shop", "1", json!({ "stock": "-2" }))
        .edits("erp", "1", json!({ "stock": "-1" }))
        .tells("shop", "1")
        .tells("erp", "1")
        .expect(Account::STOCK, "5")
        .expect_held(Account::STOCK, "-1")
        .expect_quiet();
    let (tenant, id) = (story.tenant(), story.entity_id::<Account>());
    for choice in [Choice::Accept, Choice::Take("shop".into()), Choice::Value(Field::value("-7"))] {
        let refused = block_on(tenant.rule(id, "stock", ruling(choice.clone())));
        assert!(matches!(&refused, Err(Error::NotHeld { advice, .. }) if advice.contains("forbids")), "{choice:?}");
    }
    let offered = block_on(tenant.inspect_erased(id)).expect("a view").unit("stock").expect("a unit").actions.clone();
    assert!(offered.iter().filter_map(|action| action.choice()).all(|choice| choice == Choice::Keep), "{offered:?}");
    story.decides("ana", Account::STOCK, Choice::Keep).apply().expect_in("erp", "1", "stock", json!(5));
}

#[test]
fn what_a_rule_warns_of_happens_and_is_noted_until_the_next_change() {
    let rule = when(moved_by_percent(50)).warn("moved by half").named("big step");
    let story = agreeing(account().rule(Account::STOCK, rule), &json!({ "stock": "10" }))
        .says("erp", "1", json!({ "stock": "16" }))
        .expect(Account::STOCK, "16")
        .expect_discrepancy(DiscrepancyKind::Warned, "stock")
        .apply()
        .expect_in("shop", "1", "stock", json!(16))
        .expect_discrepancy(DiscrepancyKind::Warned, "stock")
        .expect_no_discrepancy() // none that waits for a plan or a person
        .expect_quiet();
    let mut story = story.later(TimeDelta::hours(1)).says("erp", "1", json!({ "stock": "17" })).apply();
    let (tenant, id) = (story.tenant(), story.entity_id::<Account>());
    assert_eq!(block_on(tenant.inspect_erased(id)).expect("a view").discrepancies, []);
    assert!(block_on(tenant.verify()).expect("it verifies").is_clean());
}

/// Forbid, hold, review, warn: in this order, whatever the order of declaration; and among equals the first declared.
#[test]
fn the_gravest_rule_speaks_and_among_equals_the_first() {
    let rules = || {
        [
            when(changes()).warn("noted").named("w"),
            when(above(100)).review("look").named("r"),
            when(above(200)).hold("first").named("h1"),
            when(above(200)).hold("second").named("h2"),
            when(above(1_000)).forbid("never").named("f"),
        ]
    };
    for reversed in [false, true] {
        let mut all: Vec<_> = rules().into();
        if reversed {
            all.reverse();
        }
        let first_hold = if reversed { "h2" } else { "h1" };
        for (stock, rule) in [("50", None), ("150", Some("r")), ("250", Some(first_hold)), ("2000", Some("f"))] {
            let story = all.iter().cloned().fold(account(), |story, rule| story.rule(Account::STOCK, rule));
            let mut story = agreeing_with_warnings(story).says("erp", "1", json!({ "stock": stock }));
            let told = story.explain(Account::STOCK);
            match rule {
                None => assert!(!told.contains("held by"), "{told}"),
                Some(rule) => assert!(told.contains(&format!("held by \"{rule}\"")), "{stock}: {told}"),
            }
        }
    }
}

/// As [`agreeing`], where the first value is noted already.
fn agreeing_with_warnings(story: Story) -> Story {
    let said = json!({ "number": "1", "stock": "5" });
    story.says("shop", "1", said.clone()).says("erp", "1", said).later(TimeDelta::hours(1))
}

#[test]
fn a_rule_may_look_at_other_attributes_at_who_says_it_and_at_age() {
    let gold = || other_is::<i64, Account, String>(Account::TIER, "gold".to_owned());
    let rule =
        when(replaces().and(gold().or(other_above(Account::REVENUE, money!(1_000 USD))))).hold("an important account");
    agreeing(account().rule(Account::STOCK, rule.clone()), &json!({ "stock": "5", "tier": "basic" }))
        .says("erp", "1", json!({ "stock": "6" }))
        .expect(Account::STOCK, "6");
    agreeing(account().rule(Account::STOCK, rule), &json!({ "stock": "5", "tier": "gold" }))
        .says("erp", "1", json!({ "stock": "6" }))
        .expect_held(Account::STOCK, "6");
    // What has stood for a week is not changed by the shop alone; and never by one who does not decide.
    let rule =
        when(stood_for(TimeDelta::days(7)).and(said_by("shop")).or(said_as(Authority::Observer))).hold("ask first");
    let story = || agreeing(account().rule(Account::STOCK, rule.clone()), &json!({ "stock": "5" }));
    story().later(TimeDelta::days(6)).says("shop", "1", json!({ "stock": "6" })).expect(Account::STOCK, "6");
    story().later(TimeDelta::days(7)).says("shop", "1", json!({ "stock": "6" })).expect_held(Account::STOCK, "6");
    story().later(TimeDelta::days(7)).says("erp", "1", json!({ "stock": "6" })).expect(Account::STOCK, "6");
    // A value that goes, and one that comes to be what it must not.
    let story = account()
        .rule(Account::TIER, when(becomes("banned".to_owned())).hold("talk to legal"))
        .rule(Account::NAME, when(clears()).hold("a name is never lost"));
    agreeing(story, &json!({ "tier": "basic" }))
        .says("crm", "1", json!({ "tier": "banned" }))
        .expect_held(Account::TIER, "banned");
}

#[test]
fn conditions_are_joined_as_three_valued_logic_has_it() {
    let of = |met: Met| Condition::<i64>::new("a test", move |_| met);
    let all = [Met::Yes, Met::No, Met::Unknown];
    let nothing = |_: &str| None;
    let around = accordant::rule::Around { as_of: 0, source: None, said: None, before_said: None, golden: &nothing };
    let change =
        accordant::rule::Change { before: None, last: None, after: Some(1), policy: "latest", around: &around };
    for one in all {
        assert_eq!(not(not(of(one))).is_met(&change), one);
        for two in all {
            let (both, either) = (of(one).and(of(two)).is_met(&change), of(one).or(of(two)).is_met(&change));
            assert_eq!(of(two).and(of(one)).is_met(&change), both);
            // De Morgan's laws.
            assert_eq!(not(of(one).or(of(two))).is_met(&change), not(of(one)).and(not(of(two))).is_met(&change));
            assert_eq!(both == Met::Yes, one == Met::Yes && two == Met::Yes);
            assert_eq!(either == Met::No, one == Met::No && two == Met::No);
        }
    }
}

#[test]
fn a_rule_that_looks_at_what_there_is_not_is_a_mistake_of_the_configuration() {
    let gone: Attribute<Customer, String> = Attribute::new("gone");
    let built = Accordant::builder()
        .entity::<Customer>()
        .entity::<Member>()
        .rule(Customer::PHONE, when(other_is(gone, "x".to_owned())).hold("why"))
        .rule(Customer::COMPANY, when(other_is(Member::NAME, "x".to_owned())).hold("why"))
        .rule(gone, when(changes()).hold("why"))
        .build();
    let Err(Error::Configuration(mistakes)) = built else { panic!("it is built") };
    let text = mistakes.to_string();
    for mistake in [
        "on `customer.phone` looks at `customer.gone`, which does not exist",
        "on `customer.company` looks at `member.name`: it may look at its own entity only",
        "guards `customer.gone`, which does not exist",
    ] {
        assert!(text.contains(mistake), "{text}");
    }
}
