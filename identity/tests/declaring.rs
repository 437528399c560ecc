//! Comparisons and rules of blocking that a user declares: what they do, and what is wrong with those that cannot be.
#![expect(clippy::float_arithmetic, reason = "weights and probabilities are estimates; nothing here is an amount")]

use std::sync::Arc;

use accordant_identity::attribute::{Kind, Schema};
use accordant_identity::blocking::{DeclaredRule, Dropped, KeyForm, RuleError, Rules, Scope, Skew};
use accordant_identity::cluster::Rails;
use accordant_identity::comparison::{Aliases, Comparison, DeclarationError, Declared, View};
use accordant_identity::decision::{Decisions, RecordName};
use accordant_identity::index::Index;
use accordant_identity::linkage::{self, Linkage, Settings, Untrainable};
use accordant_identity::model::Model;
use accordant_identity::table::Table;

const COLUMNS: [(&str, Kind); 6] = [
    ("serial", Kind::Identifier),
    ("label", Kind::Text),
    ("born", Kind::Date),
    ("weight", Kind::Number),
    ("colour", Kind::Category),
    ("city", Kind::City),
];

/// What a comparison of two values of a column says, where it is declared so.
fn says(column: &str, declared: Declared, a: &str, b: &str) -> String {
    let schema = Schema::new(&COLUMNS).comparing(column, declared).expect("it fits");
    let place = COLUMNS.iter().position(|(name, _)| *name == column).expect("a column");
    let mut table = Table::new(schema);
    for (id, value) in [("a", a), ("b", b)] {
        let mut values = vec![""; COLUMNS.len()];
        values[place] = value;
        table.push(id, "", &values);
    }
    let mut aliases = Aliases::default();
    aliases.extend(&table);
    let comparisons = Comparison::standard(table.layout(), false);
    let comparison = comparisons.iter().find(|comparison| comparison.name == column).expect("it is compared");
    let level = comparison.level(View::new(&table, &aliases), 0, 1);
    assert_eq!(level, comparison.level(View::new(&table, &aliases), 1, 0), "in either order");
    comparison.levels[usize::from(level)].name.clone()
}

/// A column, how it is compared, and what is said of two values.
type Case = (&'static str, Declared, &'static [(&'static str, &'static str, &'static str)]);

#[test]
fn a_declared_comparison_says_at_which_tolerance_two_values_are() {
    let table: [Case; 6] = [
        (
            "serial",
            Declared::Same,
            &[("A1", "a-1", "same identifier"), ("A1", "A2", "other identifier"), ("A1", "", "nothing to compare")],
        ),
        (
            "serial",
            Declared::Edits(vec![1, 3]),
            &[
                ("abcdefgh", "abcdefgx", "identifier within 1 edits"),
                ("abcdefgh", "abcdexyz", "identifier within 3 edits"),
                ("abcdefgh", "abcdwxyz", "other identifier"),
            ],
        ),
        (
            "label",
            Declared::Alike(vec![95, 80]),
            &[
                ("katherine smith", "katherine smiht", "text alike by 95 %"),
                ("katherine", "katrine", "text alike by 80 %"),
                ("katherine", "bob", "other text"),
            ],
        ),
        (
            "born",
            Declared::Days(vec![1, 31]),
            &[
                ("1999-12-31", "2000-01-01", "date within 1 days"),
                ("2000-02-01", "2000-03-01", "date within 31 days"),
                ("2000-02-01", "2000-04-01", "other date"),
                ("2000-02-01", "2000", "other date"),
            ],
        ),
        (
            "weight",
            Declared::Share(vec![0.01, 0.5]),
            &[
                ("100", "99.5", "number within 1 %"),
                ("100", "60", "number within 50 %"),
                ("100", "-100", "other number"),
            ],
        ),
        (
            "weight",
            Declared::Apart(vec![0.5]),
            &[("1000", "1000.5", "number within 0.5"), ("1", "1.6", "other number"), ("-2", "2", "other number")],
        ),
    ];
    for (column, declared, cases) in table {
        for (a, b, expected) in cases {
            assert_eq!(says(column, declared.clone(), a, b), *expected, "{declared:?}: {a} and {b}");
        }
    }
}

#[test]
fn a_comparison_that_cannot_be_declared_names_the_attribute_and_what_is_wrong() {
    let cases: [(&str, Declared, &str); 12] = [
        ("sreial", Declared::Same, "`sreial`, where attributes are serial, label, born, weight, colour, city"),
        ("city", Declared::Same, "`city`, which is not compared on its own"),
        ("label", Declared::Days(vec![1]), "of days is declared of `label`, which holds Text"),
        ("born", Declared::Apart(vec![1.0]), "of numbers is declared of `born`, which holds Date"),
        ("serial", Declared::Edits(vec![]), "`serial` are wrong: there are none"),
        ("serial", Declared::Edits(vec![0, 1]), "`serial` are wrong: one is out of bounds"),
        ("serial", Declared::Edits(vec![2, 1]), "`serial` are wrong: the narrowest comes first"),
        ("serial", Declared::Edits(vec![17]), "`serial` are wrong: one is out of bounds"),
        ("label", Declared::Alike(vec![80, 95]), "`label` are wrong: the narrowest comes first"),
        ("born", Declared::Days((1..10).collect()), "`born` are wrong: there are more than eight"),
        ("weight", Declared::Share(vec![1.0]), "`weight` are wrong: one is out of bounds"),
        ("weight", Declared::Apart(vec![f64::NAN]), "`weight` are wrong: one is out of bounds"),
    ];
    for (attribute, declared, expected) in cases {
        let refused = Schema::new(&COLUMNS).comparing(attribute, declared).expect_err("it does not fit");
        assert!(refused.to_string().contains(expected), "{refused}");
    }
    let refused = Schema::new(&COLUMNS).comparing("city", Declared::Same);
    assert!(
        matches!(refused, Err(DeclarationError::NotOnItsOwn { attribute, kind: Kind::City }) if attribute == "city")
    );
    // Declared as a text it stands alone.
    assert!(Schema::new(&[("city", Kind::Text)]).comparing("city", Declared::Alike(vec![90])).is_ok());
}

/// Things that are listed twice: in the second list they weigh half a unit more.
fn things(schema: Schema) -> Table {
    let mut table = Table::new(schema);
    for id in 0..240_u32 {
        let thing = id / 2;
        let weight = f64::from(thing * 37 % 4_001) * 4.0 + if id % 2 == 0 { 0.0 } else { 0.5 };
        let label = format!("thing {}", thing % 60);
        let colour = ["red", "green", "blue"][thing as usize % 3];
        table.push(&id.to_string(), "", &["", &label, "", &weight.to_string(), colour, ""]);
    }
    table
}

fn train(table: &Table, rules: Rules) -> Result<Linkage, Untrainable> {
    let settings = Settings { rules, ..Settings::of(Scope::Within) };
    linkage::train_as(table, &settings, &Decisions::default(), &mut |_| {})
}

#[test]
fn what_is_declared_is_learned_stored_and_the_same_in_an_index() {
    let table = things(Schema::new(&COLUMNS).comparing("weight", Declared::Apart(vec![0.5, 3.0])).expect("it fits"));
    let linkage = train(&table, Rules::Chosen).expect("it can be trained");
    let model = linkage.scorer.model();
    let read = Arc::new(Model::from_bytes(&model.to_bytes()).expect("it can be read back"));
    assert_eq!(&read, model);
    let mut index = Index::new(Arc::clone(&read), Rails::default());
    for id in 0..240_u32 {
        let thing = id / 2;
        let weight = f64::from(thing * 37 % 4_001) * 4.0 + if id % 2 == 0 { 0.0 } else { 0.5 };
        let values = [
            "",
            &format!("thing {}", thing % 60),
            "",
            &weight.to_string(),
            ["red", "green", "blue"][thing as usize % 3],
            "",
        ];
        index.put(&RecordName { system: String::new(), id: id.to_string() }, &values);
    }
    let weight = |linkage: &Linkage, table: &Table, a, b| linkage.scorer.weigh(linkage.view(table), a, b);
    // Half a unit apart is the same thing; without the declaration that is within a twentieth, as another's weight is.
    let near = weight(&linkage, &table, 200, 201);
    assert!(near > weight(&linkage, &table, 200, 203) + 3.0, "{near}");
    let neighbours = index.neighbours(&RecordName { system: String::new(), id: "200".into() });
    let of = neighbours.iter().find(|(record, _)| record.id == "201").expect("they are compared");
    assert!((of.1 - near).abs() < 1e-4, "{of:?} and {near}");
    // One whose tolerances were damaged is refused.
    let mut damaged = Model::clone(&read);
    damaged.schema.attributes[3].compared = Some(Declared::Apart(Vec::new()));
    assert!(Model::from_bytes(&damaged.to_bytes()).is_err());
}

fn skew<'a>(linkage: &'a Linkage, rule: &str) -> Option<&'a Skew> {
    linkage.candidates.skew.iter().find(|skew| skew.rule == rule)
}

#[test]
fn declared_rules_make_the_pairs_alone_or_in_front_of_those_that_are_chosen() {
    let table = things(Schema::new(&COLUMNS));
    let by_label = || vec![DeclaredRule::of(&[("label", KeyForm::Whole), ("colour", KeyForm::Prefix(1))])];
    let alone = train(&table, Rules::Only(by_label())).expect("it can be trained");
    let rules = |linkage: &Linkage| -> Vec<String> {
        linkage.scorer.model().blocking.rules.iter().map(|rule| rule.name.clone()).collect()
    };
    assert_eq!(rules(&alone), ["label + 1 letters of colour"]);
    let agree = |a: u32, b: u32| table.code(a, 1) == table.code(b, 1);
    assert!(alone.candidates.pairs.iter().all(|pair| agree(pair.a, pair.b)));
    // Every two records of a label, of which each has one colour.
    assert_eq!(alone.candidates.pairs.len(), 60 * 6);
    let chosen = train(&table, Rules::Chosen).expect("it can be trained");
    let beside = train(&table, Rules::Beside(by_label())).expect("it can be trained");
    assert_eq!(rules(&beside), [rules(&alone), rules(&chosen)].concat());
    // One that is chosen as well is there once.
    let twice = train(&table, Rules::Beside(vec![DeclaredRule::of(&[("label", KeyForm::Whole)])]));
    assert_eq!(rules(&twice.expect("it can be trained")), rules(&chosen));
    // An explanation names it, and a model that was stored.
    let explained = accordant_identity::explain::pair(&alone.scorer, alone.view(&table), 0, 1);
    assert_eq!(explained.made_by.iter().map(ToString::to_string).collect::<Vec<_>>(), ["label + 1 letters of colour"]);
    let read = Model::from_bytes(&alone.scorer.model().to_bytes()).expect("it can be read back");
    assert_eq!(read.blocking, alone.scorer.model().blocking);
}

#[test]
fn a_rule_that_is_not_selective_is_dropped_and_told_with_what_it_would_have_made() {
    let mut table = Table::new(Schema::new(&COLUMNS));
    // Sixteen of a prefix: no block is too large, and there are seven and a half pairs to a record.
    for id in 0..480_u32 {
        let label = format!("{:03}{}", id / 16, id / 2);
        table.push(&id.to_string(), "", &[&format!("S{}", id / 2), &label, "", "", "red", ""]);
    }
    let wide = || DeclaredRule::of(&[("label", KeyForm::Prefix(3))]);
    let linkage = train(&table, Rules::Beside(vec![wide()])).expect("it can be trained");
    let model = linkage.scorer.model();
    assert!(model.blocking.rules.iter().all(|rule| rule.parts[0].form != KeyForm::Prefix(3)));
    let told = skew(&linkage, "3 letters of label").expect("it is told");
    let pairs = 480 / 16 * (16 * 15 / 2);
    assert_eq!(told.dropped, Some(Dropped::TooManyPairs { pairs, in_all: pairs, most: 480 * 6 }));
    assert_eq!((told.records, told.pairs, told.largest), (480, 0, 16));
    // The model keeps it, and says so in words.
    let remark =
        model.remarks().into_iter().find(|remark| remark.starts_with("`3 letters of label` is no rule of blocking: "));
    assert!(remark.as_ref().is_some_and(|remark| remark.contains("it would make 3600 pairs")), "{remark:?}");
    let nobody = DeclaredRule::of(&[("born", KeyForm::Whole)]);
    let linkage = train(&table, Rules::Beside(vec![nobody.clone()])).expect("it can be trained");
    assert_eq!(skew(&linkage, "born").and_then(|skew| skew.dropped), Some(Dropped::NobodyHasAKey));
    // Where nothing else is to make pairs, that is an error.
    let refused = train(&table, Rules::Only(vec![wide(), nobody])).expect_err("nothing is left");
    let Untrainable::RulesDropped { why } = &refused else { panic!("{refused}") };
    assert!(
        why.contains("`3 letters of label`: it would make 3600 pairs")
            && why.contains("`born`: fewer than two records"),
        "{why}"
    );
}

#[test]
fn a_rule_that_cannot_be_declared_names_the_attribute_and_what_is_wrong() {
    let table = things(Schema::new(&[COLUMNS.as_slice(), &[("name", Kind::FullName)]].concat()));
    let cases: [(&[(&str, KeyForm)], &str); 7] = [
        (&[], "of no attributes"),
        (
            &[("name", KeyForm::Whole)],
            "`name`, where fields are serial, label, born, weight, colour, city, name.given, name.surname",
        ),
        (&[("label", KeyForm::Whole), ("label", KeyForm::Sound)], "`label` twice"),
        (&[("label", KeyForm::Prefix(0))], "Prefix(0) of `label`: that is nothing"),
        (&[("label", KeyForm::Words(3))], "Words(3) of `label`: only companies"),
        (&[("serial", KeyForm::Local)], "Local of `serial`: only mailboxes"),
        (&[("city", KeyForm::Brand)], "Brand of `city`: only companies"),
    ];
    for (parts, expected) in cases {
        let refused = train(&table, Rules::Only(vec![DeclaredRule::of(parts)])).expect_err("it does not fit");
        let Untrainable::Rule(why) = refused else { panic!("{refused}") };
        assert!(why.to_string().contains(expected), "{why}");
    }
    assert_eq!(train(&table, Rules::Only(Vec::new())).err(), Some(Untrainable::Rule(RuleError::Empty)));
}
