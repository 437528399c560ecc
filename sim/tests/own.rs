//! A user's own model in the simulated world: its values lead back to words, and its worlds come to rest.

use std::sync::Arc;

use accordant::Canonical;
use accordant::value::{Money, Phone};
use accordant_sim::dialect::own::Catalogue;
use accordant_sim::run::run;
use accordant_sim::script::Options;

#[derive(Canonical, Clone, Debug, PartialEq)]
#[canonical(entity = "customer")]
#[canonical(
    system(crm, object = "contacts", required),
    system(shop, object = "customers"),
    system(books, object = "debtor")
)]
struct Customer {
    #[canonical(identity, normalize = lowercase, at(crm = "p.mail", shop = "mail", books = "email"))]
    mail: String,
    #[canonical(owner(crm), at(crm = "p.name", shop = "name", books = "title"))]
    name: Option<String>,
    #[canonical(at(crm("p.phone", region = "US"), shop("phone", region = "US")))]
    phone: Option<Phone>,
    #[canonical(owner(books), at(books("owes", read_only, currency = "cur"), crm("p.owes", strong, currency = USD)))]
    owes: Option<Money>,
    #[canonical(at(crm = "p.vip", shop = "vip"))]
    vip: Option<bool>,
}

fn catalogue() -> Arc<Catalogue> {
    Arc::new(Catalogue::of(vec![Customer::model()]).expect("it compiles"))
}

#[test]
fn what_can_be_told_apart_is_simulated_and_the_rest_is_named() {
    let told = catalogue().to_string();
    let expected = "customer, known by mail, in crm, shop, books: name, phone, owes\n  \
                    left out: vip (its type has too few values)\n";
    assert_eq!(told, expected);
}

#[test]
fn worlds_about_it_come_to_rest_and_the_oracle_finds_nothing() {
    let catalogue = catalogue();
    for seed in 0..24 {
        let outcome = run(&Options::own(seed, &catalogue), false);
        assert_eq!(outcome.violations, Vec::<String>::new(), "seed {seed}");
        assert!(outcome.events > 100, "seed {seed} does something");
    }
}

#[test]
fn a_seed_gives_the_same_trace_again() {
    let catalogue = catalogue();
    for seed in 0..6 {
        let options = Options::own(seed, &catalogue);
        assert_eq!(run(&options, false).hash, run(&options, true).hash, "seed {seed}");
    }
}

#[test]
fn the_engine_writes_in_its_worlds() {
    let catalogue = catalogue();
    let lines: Vec<String> = (0..8).flat_map(|seed| run(&Options::own(seed, &catalogue), true).lines).collect();
    for what in ["the engine creates", "the engine writes"] {
        assert!(lines.iter().any(|line| line.contains(what)), "{what}");
    }
}
