//! The vocabulary of comparison: what two values of each kind say of each other, and which answers are told apart.

use accordant_identity::attribute::{Kind, Schema};
use accordant_identity::comparison::{Agreement, Aliases, Comparison, View};
use accordant_identity::table::Table;

/// Two records of some kinds, and what a comparison says of them.
fn level(kinds: &[Kind], one: &[&str], other: &[&str], name: &str) -> (u8, String) {
    let columns: Vec<(String, Kind)> = kinds.iter().enumerate().map(|(n, kind)| (format!("c{n}"), *kind)).collect();
    let columns: Vec<(&str, Kind)> = columns.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
    let mut table = Table::new(Schema::new(&columns));
    let (a, b) = (table.push("1", "", one), table.push("2", "", other));
    let mut aliases = Aliases::default();
    aliases.extend(&table);
    let comparisons = Comparison::standard(table.layout(), false);
    let comparison = comparisons.iter().find(|comparison| comparison.name == name).expect("it is compared");
    let view = View::new(&table, &aliases);
    let level = comparison.level(view, a, b);
    assert_eq!(level, comparison.level(view, b, a), "whichever comes first: {one:?} {other:?}");
    let parts = &comparison.levels[usize::from(level)].parts;
    let told: Vec<String> = parts.iter().map(|part| format!("{:?} {:?}", part.role, part.agreement)).collect();
    for part in parts {
        let same = part.same.is_none_or(|field| table.code(a, field.into()) == table.code(b, field.into()));
        assert!(same && (part.same.is_none() || part.agreement == Agreement::Exact), "{one:?} {other:?}");
    }
    (level, told.join(", "))
}

type Table3<'a> = &'a [(&'a [&'a str], &'a [&'a str], &'a str)];

fn say(kinds: &[Kind], comparison: &str, table: Table3<'_>) {
    for (one, other, expected) in table {
        assert_eq!(level(kinds, one, other, comparison).1, *expected, "{one:?} {other:?}");
    }
}

#[test]
fn names_are_compared_jointly() {
    let kinds = [Kind::GivenName, Kind::Surname];
    say(
        &kinds,
        "name",
        &[
            (&["Anna", "Visser"], &["anna", "VISSER"], "GivenName Exact, Surname Exact"),
            (&["Robert", "Smith"], &["Bob", "Smith"], "GivenName Near, Surname Exact"),
            (&["Robert", "Smith"], &["R.", "Smith"], "GivenName Near, Surname Exact"),
            (&["Annika", "Smith"], &["Anika", "Smith"], "GivenName Near, Surname Exact"),
            (&["Robert", "Smith"], &["P", "Smith"], "GivenName Differ, Surname Exact"),
            (&["Anna", "Visser"], &["Peter", "Visser"], "GivenName Differ, Surname Exact"),
            (&["Anna", "Jansen"], &["Anna", "Janssen"], "GivenName Exact, Surname Near"),
            (&["Anna", "Jansen"], &["Anna", "Bakker"], "GivenName Exact, Surname Differ"),
            (&["Anna", "Visser"], &["Visser", "Anna"], "GivenName Exact, Surname Exact"),
            (&["", "Visser"], &["Anna", "Visser"], "Surname Exact"),
            (&["Anna", ""], &["Anna", "Visser"], "GivenName Exact"),
            (&["", ""], &["Anna", "Visser"], ""),
            (&["Anna", ""], &["", "Visser"], ""),
        ],
    );
    // What agrees in different ways is told apart: the same, a short form, an initial, a slip, and changed places.
    let robert: [(&[&str], &[&str]); 5] = [
        (&["Robert", "Smith"], &["Robert", "Smith"]),
        (&["Robert", "Smith"], &["Bob", "Smith"]),
        (&["Robert", "Smith"], &["R", "Smith"]),
        (&["Robert", "Smith"], &["Robrt", "Smith"]),
        (&["Robert", "Smith"], &["Smith", "Robert"]),
    ];
    let mut levels: Vec<u8> = robert.iter().map(|(one, other)| level(&kinds, one, other, "name").0).collect();
    levels.sort_unstable();
    levels.dedup();
    assert_eq!(levels.len(), robert.len());
}

#[test]
fn a_mailbox_is_split_and_free_domains_say_nothing_of_a_site() {
    let kinds = [Kind::Mailbox, Kind::Website];
    say(
        &kinds,
        "mailbox",
        &[
            (&["Anna@Acme.nl", ""], &["anna@acme.nl", ""], "Mailbox Exact, Site Exact"),
            (&["anna.visser@gmail.com", ""], &["anna.visser@outlook.com", ""], "Mailbox Near"),
            (&["anna.visser@acme.nl", ""], &["anna.vissr@acme.nl", ""], "Mailbox Near, Site Near"),
            (&["anna@acme.nl", ""], &["peter@acme.nl", ""], "Mailbox Differ, Site Exact"),
            (&["anna@acme.nl", ""], &["peter@bolt.com", ""], "Mailbox Differ, Site Differ"),
            (&["anna@gmail.com", ""], &["peter@gmail.com", ""], "Mailbox Differ"),
            (&["anna@acme.nl", ""], &["peter@gmail.com", ""], "Mailbox Differ"),
            // An office is no person: its mailbox at another domain is another's.
            (&["info@acme.nl", ""], &["info@bolt.com", ""], "Mailbox Differ, Site Differ"),
            (&["", "https://www.acme.nl/about"], &["anna@acme.nl", ""], "Site Exact"),
            (&["", "acme.nl"], &["", "bolt.com"], "Site Differ"),
            (&["", ""], &["anna@acme.nl", ""], ""),
            (&["", ""], &["", ""], ""),
        ],
    );
    let both_private = level(&kinds, &["anna@gmail.com", ""], &["peter@gmail.com", ""], "mailbox").0;
    let one_private = level(&kinds, &["anna@gmail.com", ""], &["peter@acme.nl", ""], "mailbox").0;
    assert_ne!(both_private, one_private);
}

#[test]
fn an_address_is_one_comparison() {
    let kinds = [Kind::Street, Kind::Postcode, Kind::City];
    let at: &[&str] = &["12 Main Street", "1234 AB", "Utrecht"];
    say(
        &kinds,
        "address",
        &[
            (at, &["12 main st.", "1234ab", "UTRECHT"], "Street Exact, Postcode Exact, City Exact"),
            (at, &["14 Main Street", "1234AB", "Utrecht"], "Street Near, Postcode Exact, City Exact"),
            (at, &["12 Mian Street", "1234AB", "Utrecht"], "Street Near, Postcode Exact, City Exact"),
            (at, &["12 Main Street", "1234AC", "Utrect"], "Street Exact, Postcode Near, City Near"),
            (at, &["7 Canal Road", "9999ZZ", "Groningen"], "Street Differ, Postcode Differ, City Differ"),
            (at, &["12 Main Street", "", ""], "Street Exact"),
            (at, &["", "", ""], ""),
        ],
    );
    let neighbour = level(&kinds, at, &["14 Main Street", "", ""], "address").0;
    let slip = level(&kinds, at, &["12 Mian Street", "", ""], "address").0;
    assert_ne!(neighbour, slip, "another number is no slip");
}

#[test]
fn companies_are_compared_by_letters_words_and_domains() {
    let kinds = [Kind::Company, Kind::Mailbox];
    say(
        &kinds,
        "company",
        &[
            (&["Acme Ltd", ""], &["ACME GmbH", ""], "Company Exact"),
            (&["Jansen Logistics", ""], &["Logistics Jansen", ""], "Company Near"),
            (&["Jansen Logistics", ""], &["Jansen Logistcs", ""], "Company Near"),
            (&["Jansen Logistics", ""], &["Jansen", ""], "Company Near"),
            (&["Jansen Logistics", ""], &["Bakker Foods", ""], "Company Differ"),
            (&["Jansen Logistics", ""], &["", "ana@jansenlogistics.nl"], "Company Exact"),
            (&["Jansen Logistics", ""], &["", "ana@jansen.nl"], "Company Near"),
            (&["Jansen Logistics", ""], &["", "ana@bolt.com"], "Company Differ"),
            (&["", ""], &["", ""], ""),
            (&["Acme", ""], &["", ""], ""),
        ],
    );
    // Among companies of which many are of one trade.
    let among = |one: &str, other: &str| {
        let mut table = Table::new(Schema::new(&[("company", Kind::Company)]));
        let (a, b) = (table.push("1", "", &[one]), table.push("2", "", &[other]));
        for n in 0..60 {
            table.push(&format!("o{n}"), "", &[format!("Name{n} Media Groep")]);
        }
        let (aliases, comparisons) = (Aliases::default(), Comparison::standard(table.layout(), false));
        let level = comparisons[0].level(View::new(&table, &aliases), a, b);
        comparisons[0].levels[usize::from(level)].name.clone()
    };
    for (one, other, expected) in [
        ("Zandvliet Media", "Studio Zandvliet", "rare words shared"),
        ("Zandvliet Media Groep", "Zandvliet", "one name within the other"),
        ("Foo Media", "Quux Media", "common words shared"),
        ("Media", "Zandvliet Media", "common words shared"),
        ("Zandvliet Bakkerij", "Zandvoort Slagerij", "other company"),
    ] {
        assert_eq!((among(one, other), among(other, one)), (expected.to_owned(), expected.to_owned()), "{one} {other}");
    }
    let neither = level(&kinds, &["", ""], &["", ""], "company").0;
    let one = level(&kinds, &["Acme", ""], &["", ""], "company").0;
    assert_ne!(neither, one, "that a record has no company tells something");
}

#[test]
fn single_fields_have_tolerances() {
    let of = |kind: Kind, one: &str, other: &str| level(&[kind], &[one], &[other], "c0");
    for (kind, one, other, expected) in [
        (Kind::Phone, "+31 20 123 4567", "+31201234567", "Phone Exact"),
        (Kind::Phone, "+31 20 123 4567", "+31 20 123 4568", "Phone Near"),
        (Kind::Phone, "+31 20 123 4567", "+31 20 765 4321", "Phone Differ"),
        (Kind::Date, "1980-02-03", "03.02.1980", "Date Exact"),
        (Kind::Date, "1980-02-03", "1980-03-02", "Date Near"),
        (Kind::Date, "1980-02-03", "1981-02-03", "Date Near"),
        (Kind::Date, "1980-02-03", "1955-11-27", "Date Differ"),
        (Kind::Number, "100", "100.0", "Number Exact"),
        (Kind::Number, "100", "$104", "Number Near"),
        (Kind::Number, "100", "120", "Number Differ"),
        (Kind::Number, "100", "300", "Number Differ"),
        (Kind::Identifier, "NL-123 456", "nl123456", "Identifier Exact"),
        (Kind::Identifier, "NL123456", "NL123465", "Identifier Near"),
        (Kind::Identifier, "NL123456", "DE999999", "Identifier Differ"),
        (Kind::Category, "Gold", "gold", "Category Exact"),
        (Kind::Category, "Gold", "Golf", "Category Differ"),
        (Kind::Text, "green bicycle", "green bicycel", "Text Near"),
        (Kind::Text, "green bicycle", "x", "Text Differ"),
        (Kind::Country, "NL", "Netherlands", "Country Exact"),
        (Kind::Country, "NL", "Belgium", "Country Differ"),
        (Kind::Number, "100", "", ""),
        (Kind::Date, "1980-02-03", "unknown", ""),
    ] {
        assert_eq!(of(kind, one, other).1, expected, "{kind:?} {one} {other}");
    }
    assert_ne!(
        of(Kind::Number, "100", "120").0,
        of(Kind::Number, "100", "300").0,
        "a fifth more is not three times as much"
    );
}

/// Titles among others that make some of their words common.
fn titles(one: &str, other: &str) -> Vec<(String, u8)> {
    let mut table = Table::new(Schema::new(&[("title", Kind::Title), ("authors", Kind::Names)]));
    let (a, b) = (table.push("1", "", &[one, one]), table.push("2", "", &[other, other]));
    for n in 0..60 {
        table.push(&format!("o{n}"), "", &[format!("the black player {n}ab{n}"), format!("the black player x{n}")]);
    }
    let aliases = Aliases::default();
    let view = View::new(&table, &aliases);
    let comparisons = Comparison::standard(table.layout(), false);
    let of = |comparison: &Comparison| {
        let level = comparison.level(view, a, b);
        let parts = &comparison.levels[usize::from(level)].parts;
        (parts.iter().map(|part| format!("{:?} {:?}", part.role, part.agreement)).collect::<Vec<_>>().join(", "), level)
    };
    comparisons.iter().map(of).collect()
}

#[test]
fn rare_words_and_codes_tell_and_common_words_do_not() {
    let says = |one: &str, other: &str| titles(one, other)[0].0.clone();
    assert_eq!(says("the black turntable", "turntable the black"), "Title Exact");
    assert_eq!(says("sony dxz123 player", "the black player dxz123"), "Title Near, Identifier Exact");
    assert_eq!(says("sony player dxz123", "sony player kpq987"), "Title Near, Identifier Differ");
    assert_eq!(says("the black turntable", "the black gramophone"), "Title Differ");
    let common = titles("the black turntable", "the black gramophone")[0].1;
    let rare = titles("the black turntable", "a white turntable")[0].1;
    assert!(rare < common, "a rare word that both have makes two titles more alike than two common ones");
    let names = |one: &str, other: &str| titles(one, other)[1].0.clone();
    assert_eq!(names("Knuth Donald", "Donald Knuth"), "Names Exact");
    assert_eq!(names("Knuth, Dijkstra, Hoare", "Knuth, Dijkstra, Wirth"), "Names Near");
    assert_eq!(names("Knuth", "Dijkstra"), "Names Differ");
}
