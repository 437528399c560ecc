//! Schemas: a struct that derives `Canonical` derives `JsonSchema` beside it; and the view of an entity side by side has the
//! schema that is checked in, and keeps it.

use accordant::chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use std::path::Path;

use accordant::decision::Lifetime;
use accordant::rule::{Verdict, rule};
use accordant::schemars::{self, JsonSchema};
use accordant::settle::{Choice, Ruling};
use accordant::testing::Story;
use accordant::view::EntityView;
use accordant::{Actor, Canonical, Email, Money, Ref};
use futures::executor::block_on;
use serde_json::{Value as Json, json};

#[derive(Canonical, JsonSchema)]
#[canonical(entity = "member", system(crm, object = "contacts"))]
#[expect(dead_code, reason = "only its schema is used")]
struct Member {
    #[canonical(identity, at(crm = "email"))]
    email: Email,
    #[canonical(at(crm("joined", format = "%Y-%m-%d")))]
    joined: Option<NaiveDate>,
    #[canonical(at(crm = "seen"))]
    seen: Option<DateTime<Utc>>,
    #[canonical(at(crm("balance", currency = USD)))]
    balance: Option<Money>,
    #[canonical(set, at(crm = "tags"))]
    tags: Vec<String>,
    #[canonical(at(crm = "sponsor"))]
    sponsor: Option<Ref<Member>>,
}

#[test]
fn dates_and_instants_have_a_schema() {
    let schema = schemars::schema_for!(Member);
    let format = |field: &str| schema.pointer(&format!("/properties/{field}/format")).cloned();
    assert_eq!((format("joined"), format("seen")), (Some(json!("date")), Some(json!("date-time"))));
    assert_eq!(schema.pointer("/required"), Some(&json!(["email", "tags"])));
}

/// The schema that readers in other languages are written against. A change of it shows in the diff.
#[test]
fn the_view_of_an_entity_has_the_schema_that_is_checked_in() {
    let actual = serde_json::to_string_pretty(&schemars::schema_for!(EntityView)).expect("a schema is JSON") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/schema/entity_view.json");
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    if actual != expected {
        let beside = Path::new(env!("CARGO_TARGET_TMPDIR")).join("entity_view.json");
        std::fs::write(&beside, &actual).expect("the directory for temporary files is there");
        panic!("the schema is another one than docs/schema/entity_view.json: compare it with {}", beside.display());
    }
}

/// A member with all that a view can show: held, parked, decided, proposed, let differ, ended, gone.
fn views() -> Vec<EntityView> {
    let hold = rule("hold", 1, |change: &accordant::rule::Change<'_, Money>| match change.before {
        Some(_) => Verdict::Hold("always".to_owned()),
        None => Verdict::Pass,
    });
    let said = json!({ "email": "ana@acme.test", "balance": "1.00", "nick": "a", "tags": ["x"] });
    let mut story = Story::of::<Shown>()
        .rule(Shown::BALANCE, hold)
        .configure(|builder| builder.four_eyes(Shown::NICK))
        .says("crm", "1", said.clone())
        .says("shop", "1", said)
        .later(TimeDelta::hours(1))
        .says("crm", "1", json!({ "balance": "2.00", "nick": "b" }))
        .says("shop", "1", json!({ "nick": "c" }));
    let (tenant, id) = (story.tenant(), story.entity_id::<Shown>());
    let mut views = vec![block_on(tenant.inspect_erased(id)).expect("a view")];
    let rule = |unit: &str, choice: Choice, lifetime: Lifetime| {
        let ruling = Ruling { choice, lifetime, by: Actor::new("ana"), reason: "why".to_owned() };
        block_on(tenant.rule(id, unit, ruling)).expect("it is decided");
    };
    rule("nick", Choice::Keep, Lifetime::UntilInputsChange);
    rule("balance", Choice::Accept, Lifetime::Once);
    rule("balance", Choice::LetDiffer("shop".into()), Lifetime::Pinned);
    views.push(block_on(tenant.inspect_erased(id)).expect("a view"));
    block_on(tenant.approve_decision(id, "nick", &Actor::new("ben"))).expect("it is approved");
    let mut story = story.later(TimeDelta::hours(1)).says("shop", "1", json!({ "nick": "d" }));
    views.push(block_on(story.tenant().inspect_erased(id)).expect("a view"));
    let mut story = story.deletes("shop", "1");
    views.push(block_on(story.tenant().inspect_erased(id)).expect("a view"));
    views.push(views[0].masked());
    views
}

#[derive(Canonical)]
#[canonical(entity = "shown", system(crm, object = "contacts"), system(shop, object = "customers"))]
#[expect(dead_code, reason = "only its views are looked at")]
struct Shown {
    #[canonical(identity, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(at(crm("balance", currency = USD), shop("balance", currency = USD)))]
    balance: Option<Money>,
    #[canonical(pii, at(crm = "nick", shop = "nick"))]
    nick: Option<String>,
    #[canonical(set, at(crm = "tags", shop = "tags"))]
    tags: Vec<String>,
    #[canonical(hub)]
    note: Option<String>,
}

/// What serde writes is what the schema says, in every view of a life.
#[test]
fn what_is_written_of_a_view_is_what_its_schema_says() {
    let schema = serde_json::to_value(schemars::schema_for!(EntityView)).expect("a schema is JSON");
    let mut checked = 0;
    for view in views() {
        let written = serde_json::to_value(&view).expect("a view is JSON");
        conforms(&schema, &schema, &written, "view", &mut checked);
    }
    assert!(checked > 1_000, "{checked}");
}

/// The part of JSON Schema that schemars writes for these types.
fn conforms(root: &Json, schema: &Json, value: &Json, at: &str, checked: &mut usize) {
    *checked += 1;
    if let Err(why) = check(root, schema, value, at, checked) {
        panic!("{at}: {why}: {value} against {schema}");
    }
}

fn check(root: &Json, schema: &Json, value: &Json, at: &str, checked: &mut usize) -> Result<(), String> {
    if schema == &Json::Bool(true) {
        return Ok(());
    }
    if let Some(name) = schema["$ref"].as_str() {
        let target = root.pointer(name.trim_start_matches('#')).ok_or("a reference leads nowhere")?;
        check(root, target, value, at, checked)?;
    }
    for some in ["anyOf", "oneOf"] {
        if let Some(all) = schema[some].as_array() {
            let fits = all.iter().filter(|one| check(root, one, value, at, &mut 0).is_ok()).count();
            if fits == 0 || (some == "oneOf" && fits > 1) {
                return Err(format!("{fits} of {some} fit"));
            }
        }
    }
    let is = match value {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "integer",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    };
    let types = match &schema["type"] {
        Json::String(one) => vec![one.as_str()],
        Json::Array(all) => all.iter().filter_map(Json::as_str).collect(),
        _ => vec![is],
    };
    if !types.contains(&is) {
        return Err(format!("it is {is}, not {types:?}"));
    }
    if schema.get("const").is_some_and(|only| only != value) {
        return Err("it is another constant".to_owned());
    }
    if schema["enum"].as_array().is_some_and(|all| !all.contains(value)) {
        return Err("it is none of those".to_owned());
    }
    if let Some(all) = value.as_array() {
        for (place, one) in all.iter().enumerate() {
            if schema.get("items").is_some() {
                *checked += 1;
                check(root, &schema["items"], one, &format!("{at}[{place}]"), checked)?;
            }
        }
    }
    let Some(members) = value.as_object() else { return Ok(()) };
    for required in schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        if !members.contains_key(required) {
            return Err(format!("{required} is missing"));
        }
    }
    let Some(known) = schema["properties"].as_object() else { return Ok(()) };
    for (name, member) in members {
        match known.get(name) {
            Some(of) => {
                *checked += 1;
                check(root, of, member, &format!("{at}.{name}"), checked).map_err(|why| format!(".{name}: {why}"))?;
            }
            // A variant with a tag has its content beside.
            None if schema.get("oneOf").is_some() || schema.get("anyOf").is_some() => {}
            None => return Err(format!("{name} is not in the schema")),
        }
    }
    Ok(())
}
