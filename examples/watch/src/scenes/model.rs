//! A tier was a word and becomes a type of its own; a name is split in two. What is stored goes along, or nothing does.

use std::borrow::Cow;

use accordant::chrono::TimeDelta;
use accordant::fingerprint::Fingerprint;
use accordant::model::{Migration, Transform};
use accordant::settle::{Choice, Ruling};
use accordant::value::{Field, Leaf, Malformed, Native};
use accordant::{Canonical, CanonicalValue, Clock as _, Email, Lifetime, MemoryStore, Scope};
use serde_json::json;

use crate::office::{Customer, Office, customer, find, golden, mia, noah};
use crate::scenes::Played;
use operator::page::Page;

/// What a customer is to sales: one of these.
#[derive(CanonicalValue, Clone, Copy, Debug, PartialEq, Eq)]
enum Tier {
    Basic,
    Gold,
}

/// The word that a tier was.
#[derive(Debug)]
struct TierOfWord;

impl Migration<String, Tier> for TierOfWord {
    fn name(&self) -> Cow<'static, str> {
        "tier_of_word".into()
    }
    fn migrate(&self, word: String) -> Result<Option<Tier>, Malformed> {
        match word.as_str() {
            "basic" => Ok(Some(Tier::Basic)),
            "gold" => Ok(Some(Tier::Gold)),
            _ => Err(Malformed::new("not a tier")),
        }
    }
}

/// A part of a name: what stands before the first space, or behind it.
#[derive(Debug, Clone, Copy)]
enum Part {
    Given,
    Family,
}

impl Part {
    fn of(self, name: &str) -> Option<String> {
        let (given, family) = name.split_once(' ').unwrap_or((name, ""));
        let part = match self {
            Part::Given => given,
            Part::Family => family,
        };
        (!part.is_empty()).then(|| part.to_owned())
    }

    const fn name(self) -> &'static str {
        match self {
            Part::Given => "given_name",
            Part::Family => "family_name",
        }
    }
}

impl Migration<String, String> for Part {
    fn name(&self) -> Cow<'static, str> {
        Part::name(*self).into()
    }
    fn migrate(&self, name: String) -> Result<Option<String>, Malformed> {
        Ok(self.of(&name))
    }
}

/// So both systems are read from now on: their one field holds both parts.
impl Transform<String> for Part {
    fn name(&self) -> Cow<'static, str> {
        Part::name(*self).into()
    }
    fn fingerprint(&self, _: &mut Fingerprint) {}
    fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<String>, Malformed> {
        Ok(leaves.first().and_then(Leaf::as_text).and_then(|name| self.of(name)))
    }
    fn write(&self, _: &String) -> Vec<Native> {
        Vec::new()
    }
}

/// The customer, a version later.
#[derive(Canonical, Clone, Debug, PartialEq)]
#[canonical(entity = "customer", retired("name"))]
#[canonical(system(crm, object = "contacts"), system(shop, object = "customers"))]
struct Later {
    #[canonical(identity, pii, at(crm = "email", shop = "email"))]
    email: Email,
    #[canonical(pii, owner(crm), migrated(from = "name", by = Part::Given))]
    #[canonical(at(crm("name", via = Part::Given, read_only), shop("name", via = Part::Given, read_only)))]
    given: Option<String>,
    #[canonical(pii, owner(crm), migrated(from = "name", by = Part::Family))]
    #[canonical(at(crm("name", via = Part::Family, read_only), shop("name", via = Part::Family, read_only)))]
    family: Option<String>,
    #[canonical(id = "mobile", was("phone"), pii, at(crm = "phone", shop = "phone"))]
    phone: Option<String>,
    #[canonical(migrated(from = "tier", by = TierOfWord), at(crm = "tier", shop = "tier"))]
    tier: Option<Tier>,
}

pub(super) async fn play(page: &mut Page) -> Played {
    let customers = ["Ana Diaz", "Bruno Costa", "Chloe Martin"];
    let office = Office::open(&customers.map(|name| customer(name, "+49 30 1", "gold")));
    let store = MemoryStore::new();
    let acme = office.builder(store.clone()).entity::<Customer>().build()?.tenant("acme");
    office.hear(&acme).await?;
    let bruno = find(&acme, "bruno.costa@example.test").await?;
    office.clock.advance(TimeDelta::hours(1));
    let ruling = Ruling {
        choice: Choice::Value(Field::value("basic")),
        lifetime: Lifetime::Pinned,
        by: mia(),
        reason: "he asked for it".into(),
    };
    acme.rule(bruno, "tier", ruling).await?;
    office.shop.edit("customers", "s3", &json!({ "tier": "goldd" }));
    office.hear(&acme).await?;
    let before = office.clock.now();
    office.clock.advance(TimeDelta::hours(1));

    page.tell("Three customers are stored, and Mia decided Bruno's tier. The next version splits the name, and knows tiers by type.");
    let later = office.builder(store.clone()).entity::<Later>().build()?.tenant("acme");
    let entries = acme.verify().await?.entries;
    if let Err(refused) = later.accept_model(&noah()).await {
        page.show(refused);
    }
    let untouched = acme.verify().await?.entries == entries;
    page.show(format!("anything touched: {}", if untouched { "no" } else { "yes" }));

    page.tell("Somebody mistyped a tier in the shop. It is corrected, and the change is accepted.");
    office.shop.edit("customers", "s3", &json!({ "tier": "gold" }));
    office.hear(&acme).await?;
    page.show(later.accept_model(&noah()).await?);
    let view = |unit| golden(&later, bruno, unit);
    let (given, family) = (view("given").await?, view("family").await?);
    page.show(format!("Bruno: {given} | {family} | {} | {}", view("tier").await?, view("mobile").await?));
    let told = later.explain_erased(bruno, "tier").await?.to_string();
    for line in told.lines().filter(|line| line.contains("chose ") || line.contains("migrated")) {
        page.show(line.trim());
    }

    page.tell(
        "Both systems are read again from their beginning. Nobody has moved, and nothing is owed but what Mia decided.",
    );
    for connection in ["crm", "shop"] {
        later.scan(connection).await?;
    }
    let plan = later.plan(Scope::default()).by(&noah()).await?;
    for operation in &plan.operations {
        page.show(operation);
    }
    page.show(later.verify().await?);

    page.tell("And what was it an hour ago, in words of today?");
    let then = accordant::chrono::DateTime::from_timestamp_millis(before).unwrap_or_default();
    let past = later.as_of(then).inspect_erased(bruno).await?;
    let shown = |unit| past.unit(unit).map(|unit| unit.golden.to_string()).unwrap_or_default();
    page.show(format!("Bruno: {} | {} | {}", shown("given"), shown("family"), shown("tier")));
    Ok(())
}
