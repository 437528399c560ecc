//! What is learned, and from what: chance in closed form, the frequency of values, answers of people; and how it is told.

use std::sync::{Arc, LazyLock};

use accordant_identity::attribute::{Kind, Schema};
use accordant_identity::blocking::Scope;
use accordant_identity::calibration::{Calibration, FEWEST_JUDGED};
use accordant_identity::cluster::{Clusters, Edge, Rails, Refusal, Refused};
use accordant_identity::comparison::{Agreement, Part};
use accordant_identity::decision::{Decision, Decisions, RecordName};
use accordant_identity::explain::{self, Cause};
use accordant_identity::layout::Role;
use accordant_identity::linkage::{self, Linkage};
use accordant_identity::pattern::{Candidate, Candidates};
use accordant_identity::review;
use accordant_identity::sniff;
use accordant_identity::table::{Row, Table};
use accordant_identity::testing::{COLUMNS, Generated, customers};

fn train(table: &Table, decisions: &Decisions) -> Linkage {
    linkage::train(table, Scope::Within, decisions, &mut |_| {}).expect("it can be trained")
}

/// Six hundred records with mailboxes of their own, fifty of them twice; half of all hold one colour, and a tenth share it with few.
fn coloured() -> Table {
    let mut table =
        Table::new(Schema::new(&[("email", Kind::Mailbox), ("colour", Kind::Category), ("<b>city", Kind::City)]));
    for n in 0..600_u32 {
        let person = if n < 100 { n / 2 } else { n };
        let colour = match n % 6 {
            0..=2 => "red",
            3 | 4 => "green",
            _ => "blue",
        };
        let city = match n {
            0..300 => "Amsterdam".to_owned(),
            300..450 => "Delft".to_owned(),
            // Four each.
            _ => format!("Village{}", n / 4),
        };
        table.push(&n.to_string(), "", &[format!("person{person}@mail{person}.example"), colour.into(), city]);
    }
    table
}

#[test]
fn chance_of_the_same_value_is_what_counting_by_hand_gives() {
    let table = coloured();
    let linkage = train(&table, &Decisions::default());
    let model = linkage.scorer.model();
    for column in ["colour", "<b>city"] {
        let field = table.layout().fields.iter().position(|field| field.name == column).expect("a field");
        // Every two of all records, compared one by one.
        let (mut same, mut all) = (0.0, 0.0);
        for a in 0..600 {
            for b in a + 1..600 {
                same += f64::from(u8::from(table.code(a, field) == table.code(b, field)));
                all += 1.0;
            }
        }
        let told = model.frequencies.fields[field].chance;
        // The fifty pairs of one person are no chance.
        assert!((told - same / all).abs() < 51.0 / all, "{column}: {told}, by hand {}", same / all);
        let comparisons = linkage.scorer.comparisons();
        let (number, level) = (0..comparisons.len())
            .find_map(|number| {
                let exact = |part: &Part| part.same.is_some_and(|of| usize::from(of) == field);
                let levels = &comparisons[number].levels;
                let level = levels.iter().position(|level| level.parts.len() == 1 && level.parts.iter().any(exact))?;
                Some((number, level))
            })
            .expect("it is compared");
        assert!((model.chance.levels[number][level] - told).abs() < 1e-3, "{column}");
    }
}

#[test]
fn the_frequency_of_a_value_counts_within_a_floor_and_a_cap() {
    let table = coloured();
    let linkage = train(&table, &Decisions::default());
    let frequencies = &linkage.scorer.model().frequencies;
    for (field, of) in table.layout().fields.iter().enumerate() {
        let counts = &table.counts()[field];
        let dictionary = table.dictionary(field);
        let bits = |code: usize| frequencies.bits_of(field, dictionary.hash(u32::try_from(code).expect("few values")));
        let held: Vec<usize> = (1..counts.len()).filter(|code| counts[*code] > 0).collect();
        for code in &held {
            assert!((-8.0..=8.0).contains(&bits(*code)), "{}: {}", of.name, bits(*code));
            for other in &held {
                // What many more hold is no rarer; pairs that are explained otherwise count for neither.
                assert!(counts[*code] < 3 * counts[*other] || bits(*code) >= bits(*other), "{}", of.name);
            }
        }
    }
    let city = table.layout().fields.iter().position(|field| field.name == "<b>city").expect("a field");
    let of = |name: &str| frequencies.bits_of(city, accordant_identity::hash::bytes(name.as_bytes()));
    assert!(of("amsterdam") > 0.0 && of("delft") < of("amsterdam") && of("village140") < of("delft"));
    assert!(of("nowhere") <= of("village140"), "what nobody was seen to hold is as rare as it gets");
    // However rare: no value moves a weight by more than eight bits.
    let mut crowd = Table::new(Schema::new(&[("email", Kind::Mailbox), ("colour", Kind::Category)]));
    for n in 0..3_000_u32 {
        let colour = if n % 1_000 == 7 { format!("mauve{n}") } else { "red".to_owned() };
        crowd.push(&n.to_string(), "", &[format!("person{}@mail{}.example", n / 2, n / 2), colour]);
    }
    let linkage = train(&crowd, &Decisions::default());
    let colour = crowd.layout().fields.iter().position(|field| field.name == "colour").expect("a field");
    let rarest = linkage.scorer.model().frequencies.bits_of(colour, accordant_identity::hash::bytes(b"mauve7"));
    assert!((rarest + 8.0).abs() < 1e-6, "{rarest}");
}

#[test]
fn a_pair_is_no_evidence_that_its_own_value_is_common() {
    let table = coloured();
    let linkage = train(&table, &Decisions::default());
    let frequencies = &linkage.scorer.model().frequencies;
    let email = table.layout().fields.iter().position(|field| field.name == "email").expect("a field");
    // Fifty of 179 700 pairs have one mailbox. Most of the fifty are taken to be one person, and are no chance.
    assert!(frequencies.fields[email].chance < 25.0 / 179_700.0, "{}", frequencies.fields[email].chance);
    let bits = |code: u32| frequencies.bits_of(email, table.dictionary(email).hash(code));
    let (twice, once) = (bits(table.code(0, email)), bits(table.code(500, email)));
    assert!((twice - once).abs() < 1e-6, "{twice} {once}");
}

static RECORDS: LazyLock<Vec<Generated>> = LazyLock::new(|| customers(2_500, 17));

/// Generated customers, and what is learned of them without an answer.
static CUSTOMERS: LazyLock<(Table, Linkage)> = LazyLock::new(|| {
    let records = &*RECORDS;
    let names: Vec<String> = COLUMNS.iter().map(|name| (*name).to_owned()).collect();
    let sample: Vec<Vec<String>> = records.iter().map(|record| record.values.to_vec()).collect();
    let mut table = Table::new(sniff::schema(&names, &sample, &[]));
    for record in records {
        table.push(&record.id, "", &record.values);
    }
    let linkage = train(&table, &Decisions::default());
    (table, linkage)
});

fn name(table: &Table, row: Row) -> RecordName {
    RecordName { system: table.systems()[table.system_of(row)].clone(), id: table.id(row).to_owned() }
}

fn answers(table: &Table, pairs: &[&Candidate], same: impl Fn(usize) -> bool) -> Decisions {
    let mut decisions = Decisions::default();
    for (place, pair) in pairs.iter().enumerate() {
        let (a, b) = (name(table, pair.a), name(table, pair.b));
        decisions.add(Decision { a, b, same: same(place), by: "ana".into(), at: "now".into() });
    }
    decisions
}

#[test]
fn answers_about_some_pairs_move_what_others_like_them_weigh() {
    let (table, plain) = &*CUSTOMERS;
    // The pairs that the model is least sure of: about every other one people say something, all the same.
    // One that a class too seldom seen could explain is held at a weight, whatever is said of others.
    let is_held = |pair: &Candidate| {
        let levels = plain.candidates.patterns.levels(pair.pattern);
        plain.scorer.worth(levels).doubtful > 0.0
    };
    let pairs = plain.candidates.pairs.iter().zip(&plain.weights).filter(|(pair, _)| !is_held(pair));
    let mut unsure: Vec<(&Candidate, f32)> = pairs.map(|(pair, weight)| (pair, weight.abs())).collect();
    unsure.sort_by(|x, y| x.1.total_cmp(&y.1).then((x.0.a, x.0.b).cmp(&(y.0.a, y.0.b))));
    let every_other = |from: usize| -> Vec<&Candidate> {
        unsure.iter().skip(from).step_by(2).take(FEWEST_JUDGED - 1).map(|(pair, _)| *pair).collect()
    };
    let (judged, others) = (every_other(0), every_other(1));
    let mean = |linkage: &Linkage| {
        let weights = others.iter().map(|pair| f64::from(linkage.scorer.weigh(linkage.view(table), pair.a, pair.b)));
        weights.sum::<f64>() / others.len() as f64
    };
    let taught = |same: bool| {
        let linkage = train(table, &answers(table, &judged, |_| same));
        assert_eq!(
            linkage.scorer.model().calibration,
            Calibration::default(),
            "fewer than fifty answers draw no curve"
        );
        mean(&linkage)
    };
    let (one, plain, two) = (taught(true), mean(plain), taught(false));
    assert!(one > plain + 0.2 && two < plain - 0.2, "{one} {plain} {two}: pairs about which nobody said anything");
}

#[test]
fn fifty_answers_draw_the_curve_that_probabilities_are_read_off() {
    let (table, plain) = &*CUSTOMERS;
    let mut by_weight: Vec<(&Candidate, f32)> =
        plain.candidates.pairs.iter().zip(&plain.weights).map(|(pair, weight)| (pair, *weight)).collect();
    by_weight.sort_by(|x, y| y.1.total_cmp(&x.1).then((x.0.a, x.0.b).cmp(&(y.0.a, y.0.b))));
    // People say of the strongest pairs that every other is wrong.
    let strongest: Vec<&Candidate> = by_weight.iter().take(FEWEST_JUDGED).map(|(pair, _)| *pair).collect();
    let half = |place: usize| place.is_multiple_of(2);
    let few = train(table, &answers(table, &strongest[1..], half));
    assert_eq!(few.scorer.model().calibration, Calibration::default());
    let enough = train(table, &answers(table, &strongest, half));
    assert_ne!(enough.scorer.model().calibration, Calibration::default());
    let last = strongest[FEWEST_JUDGED - 1];
    let probability =
        |linkage: &Linkage| explain::pair(&linkage.scorer, linkage.view(table), last.a, last.b).probability;
    assert!(probability(plain) > 0.95 && probability(&enough) < 0.9, "{} {}", probability(plain), probability(&enough));
}

#[test]
fn an_explanation_is_told_as_text_and_as_a_chart() {
    let table = coloured();
    let linkage = train(&table, &Decisions::default());
    let explained = explain::pair(&linkage.scorer, linkage.view(&table), 0, 1);
    assert!(explained.steps.iter().any(|step| step.cause == Cause::Prior && step.bits < 0.0));
    assert!(explained.steps.iter().any(|step| step.cause == Cause::Level && step.bits > 0.0));
    assert!(explained.steps.iter().any(|step| step.cause == Cause::Frequency && step.of == "<b>city"), "{explained}");
    // A line per step with its bits and the sum so far, then by what the two were compared, then the whole.
    let text = explained.to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), explained.steps.len() + 2);
    assert!(lines[explained.steps.len()].starts_with("compared by email"), "{text}");
    let mut sum = 0.0;
    for (line, step) in lines.iter().zip(&explained.steps) {
        sum += step.bits;
        let mut words = line.split_whitespace();
        assert_eq!(words.next(), Some(format!("{:+.2}", step.bits).as_str()));
        assert_eq!(words.next(), Some(format!("{sum:+.2}").as_str()));
        let seen = step.seen.map_or_else(String::new, |seen| format!("; {seen}"));
        assert!(line.ends_with(&format!("{}: {}{seen}", step.of, step.says)), "{line}");
        assert_eq!(step.seen.is_some(), step.cause == Cause::Level, "{line}");
    }
    let last = lines.last().expect("the whole");
    assert!(last.contains(&format!("{:+.2} bits", explained.weight)) && last.ends_with("(model 1)"), "{last}");
    assert!(last.contains(&format!("probability {:.4}", explained.probability)) && last.contains(&explained.best));
    let chart = explain::svg(&explained);
    assert!(chart.starts_with("<svg") && chart.ends_with("</svg>"));
    assert_eq!(chart.matches("<rect").count(), explained.steps.len() + 1, "a bar per step, and one for the weight");
    assert!(chart.contains("&lt;b&gt;city: ") && !chart.contains("<b>"), "names are text, not markup");
    for step in &explained.steps {
        assert!(chart.contains(&format!(">{:+.1}</text>", step.bits)), "{}", step.of);
    }
}

#[test]
fn a_pair_weighs_the_same_whatever_else_is_there() {
    let (table, plain) = &*CUSTOMERS;
    let model = plain.scorer.model();
    for (pair, weight) in plain.candidates.pairs.iter().zip(&plain.weights).step_by(97) {
        // Frequencies and rarity are the model's, not those of the two records.
        let mut two = Table::new(model.schema.clone());
        for row in [pair.a, pair.b] {
            let RecordName { system, id } = name(table, row);
            let record = RECORDS.iter().find(|record| record.id == id).expect("it was generated");
            two.push(&id, &system, &record.values);
        }
        let alone = linkage::link(&mut two, Arc::clone(model), &mut |_| {});
        let found = alone.scorer.weigh(alone.view(&two), 0, 1);
        assert!((found - weight).abs() < 1e-4, "{found} and {weight}");
    }
}

#[test]
fn a_pair_is_as_probable_as_the_way_over_the_bridges() {
    let (table, linkage) = &*CUSTOMERS;
    let clusters = linkage.clusters(table, &Rails::default());
    let of = |weight: f32| linkage.scorer.model().calibration.probability(f64::from(weight));
    let mut beyond = 0;
    for pair in linkage.pairs(&clusters, 0.0) {
        let own = pair.weight.map_or(0.0, of);
        let mut expected = own;
        if clusters.of[pair.a as usize] == clusters.of[pair.b as usize] {
            // All ways from the one over bridges: there is one to each.
            let mut ways = vec![(pair.a, 1.0)];
            while let Some((next, way)) = clusters.bridges.iter().find_map(|bridge| {
                let reached = |row: Row| ways.iter().find(|(at, _)| *at == row).map(|(_, way)| *way);
                match (reached(bridge.a), reached(bridge.b)) {
                    (Some(way), None) => Some((bridge.b, way * of(bridge.weight))),
                    (None, Some(way)) => Some((bridge.a, way * of(bridge.weight))),
                    _ => None,
                }
            }) {
                ways.push((next, way));
            }
            let way = ways.iter().find(|(row, _)| *row == pair.b).expect("bridges hold a cluster together").1;
            expected = own.max(way);
            beyond += u32::from(own < 0.5 && way > 0.5);
        }
        assert!((pair.probability - expected).abs() < 1e-9, "{pair:?}: {expected}");
    }
    assert!(beyond > 0, "a third record settles what two leave open");
}

#[test]
fn a_household_in_which_given_names_agree_is_none() {
    let (_, linkage) = &*CUSTOMERS;
    let model = linkage.scorer.model();
    let household = model.classes.iter().find(|class| class.name == "a household").expect("there may be households");
    assert!(!household.matches);
    let same_given = |part: &Part| part.role == Role::GivenName && part.agreement == Agreement::Exact;
    for (comparison, likely) in linkage.scorer.comparisons().iter().zip(&household.levels) {
        for group in 1..=7 {
            let levels = comparison.levels.iter().zip(likely).filter(|(level, _)| level.group == group);
            let agree: f64 =
                levels.filter(|(level, _)| level.parts.iter().any(same_given)).map(|(_, likely)| likely).sum();
            // Where there is nothing but a given name, it is nothing else.
            assert!(agree < 0.1, "{}: {agree}", comparison.name);
        }
    }
}

#[test]
fn what_is_asked_first_is_what_is_undecided_and_what_much_hangs_on() {
    let (table, linkage) = &*CUSTOMERS;
    let edge = |a, b, weight| Edge { a, b, weight };
    // Two records that are likely one; three by two bridges; five by four: as sure each.
    let bridges = vec![
        edge(0, 1, 3.0),
        edge(2, 3, 3.0),
        edge(3, 4, 30.0),
        edge(5, 6, 3.0),
        edge(6, 7, 30.0),
        edge(7, 8, 30.0),
        edge(8, 9, 30.0),
    ];
    let mut of: Vec<Row> = (0..u32::try_from(table.rows()).expect("few rows")).collect();
    of[..10].copy_from_slice(&[0, 0, 2, 2, 2, 5, 5, 5, 5, 5]);
    let refused = vec![Refused { edge: edge(20, 21, 30.0), because: Refusal::TwiceInOneSystem }];
    let clusters = Clusters { of, bridges, refused };
    let asked = |decisions: &Decisions| -> Vec<(Row, Row)> {
        let model = linkage.scorer.model();
        let questions = review::questions(table, model, &Candidates::default(), &[], &clusters, decisions);
        assert!(questions.windows(2).all(|two| two[0].tells >= two[1].tells));
        questions.iter().map(|question| (question.a, question.b)).collect()
    };
    let all = asked(&Decisions::default());
    let place = |pair: (Row, Row)| all.iter().position(|asked| *asked == pair);
    assert!(place((5, 6)).is_some() && place((5, 6)) < place((2, 3)), "more hangs on the first: {all:?}");
    assert!(all.contains(&(20, 21)), "what was refused is asked, however sure: {all:?}");
    assert_eq!(all.len(), 3, "sure bridges, and one that holds two records, are not asked about: {all:?}");
    let said = Candidate { a: 5, b: 6, pattern: 0 };
    let rest = asked(&answers(table, &[&said], |_| true));
    assert_eq!(rest.len(), 2);
    assert!(!rest.contains(&(5, 6)), "nothing is asked twice");
}
