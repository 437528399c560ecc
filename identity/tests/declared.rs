//! What attributes are taken to hold in the engine: declared beside the model, or by their types, or read off their values.

use std::sync::{Arc, Mutex};

use accordant::chrono::{DateTime, NaiveDate, Utc};
use accordant::matching::{Features, Judged, MatchIndex, Matcher, MatcherError, Matching, Subject, Thresholds};
use accordant::testing::Story;
use accordant::{Actor, Canonical, Country, Currency, Decimal, Domain, Email, Phone, WebUrl};
use accordant_identity::attribute::Kind;
use accordant_identity::engine::FellegiSunter;
use accordant_identity::model::Model;
use futures::executor::block_on;
use serde_json::json;

/// One attribute of each type, under names that say nothing.
#[derive(Canonical, Clone, Debug)]
#[expect(dead_code, reason = "the engine knows the model, and no thing is made here")]
#[canonical(entity = "thing", system(crm, object = "things"), system(erp, object = "articles"))]
struct Thing {
    #[canonical(resolve(latest), at(crm = "a", erp = "a"))]
    a: Option<String>,
    #[canonical(resolve(latest), at(crm = "b", erp = "b"))]
    b: Option<String>,
    #[canonical(pii, resolve(latest), at(crm = "c", erp = "c"))]
    c: Option<Email>,
    #[canonical(pii, resolve(latest), at(crm = "d", erp = "d"))]
    d: Option<Phone>,
    #[canonical(resolve(latest), at(crm = "e", erp = "e"))]
    e: Option<Country>,
    #[canonical(resolve(latest), at(crm = "f", erp = "f"))]
    f: Option<Domain>,
    #[canonical(resolve(latest), at(crm = "g", erp = "g"))]
    g: Option<WebUrl>,
    #[canonical(resolve(latest), at(crm = "h", erp = "h"))]
    h: Option<NaiveDate>,
    #[canonical(resolve(latest), at(crm = "i", erp = "i"))]
    i: Option<bool>,
    #[canonical(resolve(latest), at(crm = "j", erp = "j"))]
    j: Option<Currency>,
    #[canonical(resolve(latest), at(crm = "k", erp = "k"))]
    k: Option<Decimal>,
    #[canonical(resolve(latest), at(crm = "l", erp = "l"))]
    l: Option<DateTime<Utc>>,
    #[canonical(resolve(latest), at(crm = "m", erp = "m"))]
    m: Option<i64>,
    #[canonical(resolve(latest), at(crm = "n", erp = "n"))]
    n: Option<u64>,
}

/// The matcher, and the models that it learned.
struct Kept {
    matcher: FellegiSunter,
    models: Arc<Mutex<Vec<String>>>,
}

impl Matcher for Kept {
    fn train(
        &self,
        subject: &Subject,
        records: &[Features],
        judged: &[Judged],
        version: u32,
    ) -> Result<String, MatcherError> {
        let model = self.matcher.train(subject, records, judged, version)?;
        self.models.lock().expect("nobody failed").push(model.clone());
        Ok(model)
    }

    fn index(
        &self,
        subject: &Subject,
        model: &str,
        thresholds: Thresholds,
        records: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError> {
        self.matcher.index(subject, model, thresholds, records)
    }
}

/// By attribute, what a matcher takes it to hold.
fn kinds(matcher: FellegiSunter) -> Vec<(String, Kind)> {
    let models = Arc::new(Mutex::new(Vec::new()));
    let kept = Kept { matcher, models: Arc::clone(&models) };
    let mut story = Story::of::<Thing>().configure(|builder| builder.match_by(Matching::of::<Thing>(kept)));
    for n in 0..60 {
        let (person, system) = (n / 2, ["crm", "erp"][n % 2]);
        let says = json!({"a": format!("green house {person}"), "b": format!("Visser{person}"), "c": format!("p{person}@acme.nl")});
        story = story.says(system, &format!("{n}"), says);
    }
    block_on(story.tenant().train_matcher("thing", &Actor::new("ana"))).expect("they tell something");
    let models = models.lock().expect("nobody failed");
    let model = Model::from_bytes(models.last().expect("a model").as_bytes()).expect("it can be read");
    model.schema.attributes.into_iter().map(|attribute| (attribute.name, attribute.kind)).collect()
}

fn named(kinds: &[(String, Kind)], name: &str) -> Kind {
    kinds.iter().find(|(named, _)| named == name).expect("an attribute").1
}

#[test]
fn types_say_what_attributes_hold() {
    let kinds = kinds(FellegiSunter::new());
    for (name, expected) in [
        ("c", Kind::Mailbox),
        ("d", Kind::Phone),
        ("e", Kind::Country),
        ("f", Kind::Website),
        ("g", Kind::Website),
        ("h", Kind::Date),
        ("i", Kind::Ignored),
        ("j", Kind::Ignored),
        ("k", Kind::Ignored),
        ("l", Kind::Ignored),
        ("m", Kind::Ignored),
        ("n", Kind::Ignored),
    ] {
        assert_eq!(named(&kinds, name), expected, "{name}");
    }
    assert_eq!(named(&kinds, "a"), Kind::Text, "of a text, its values say it");
}

#[test]
fn what_is_declared_goes_before_types_and_values() {
    let plain = kinds(FellegiSunter::new());
    let declared = FellegiSunter::new().kind("b", Kind::Surname).kind("c", Kind::Text).kind("m", Kind::Number);
    let declared = kinds(declared);
    assert_eq!(named(&declared, "b"), Kind::Surname);
    assert_eq!(named(&declared, "c"), Kind::Text);
    assert_eq!(named(&declared, "m"), Kind::Number);
    assert_ne!(named(&plain, "b"), Kind::Surname);
    let rest = |kinds: &[(String, Kind)]| -> Vec<(String, Kind)> {
        kinds.iter().filter(|(name, _)| !["b", "c", "m"].contains(&name.as_str())).cloned().collect()
    };
    assert_eq!(rest(&declared), rest(&plain));
}
