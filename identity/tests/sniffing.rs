//! What columns are taken to hold, by their names and by their values.

use accordant_identity::attribute::Kind;
use accordant_identity::sniff;

/// What a column of some values is taken to hold, under a name.
fn kind(name: &str, values: &[String]) -> Kind {
    let rows: Vec<Vec<String>> = values.iter().map(|value| vec![value.clone()]).collect();
    let ids: Vec<String> = (0..100).map(|n| format!("r{n:03}")).collect();
    sniff::schema(&[name.to_owned()], &rows, &ids).attributes[0].kind
}

#[test]
fn a_name_says_what_its_column_holds_however_it_is_written() {
    let any: Vec<String> = (0..9).map(|n| format!("value {n}")).collect();
    for (names, expected) in [
        (["first_name", "FirstName", "Vorname", "Prénom"], Kind::GivenName),
        (["last name", "SURNAME", "Nachname", "family-name"], Kind::Surname),
        (["E-Mail", "email", "EMAIL_ADDRESS", "mail"], Kind::Mailbox),
        (["Phone Number", "telephone", "mobile", "Tel."], Kind::Phone),
        (["company", "Organisation", "account name", "vendor"], Kind::Company),
        (["Street", "address_line_1", "Address 1", "addr"], Kind::Street),
        (["ZIP", "postal code", "PLZ", "postcode"], Kind::Postcode),
        (["Date of birth", "DOB", "birthday", "birth_date"], Kind::Date),
        (["source", "System", "source_system", "SOURCE SYSTEM"], Kind::System),
        (["created_at", "Updated At", "notes", "timestamp"], Kind::Ignored),
    ] {
        for name in names {
            assert_eq!(kind(name, &any), expected, "{name}");
        }
    }
}

#[test]
fn values_say_what_a_column_of_another_name_holds() {
    let made = |of: &dyn Fn(usize) -> String| (0..100).map(of).collect::<Vec<String>>();
    let words = ["red", "green", "blue", "small", "large", "old", "new", "round", "flat", "long"];
    let sentence = |n: usize, many: usize| (0..many).map(|w| words[(n * 7 + w * 3) % 10]).collect::<Vec<_>>().join(" ");
    for (what, values, expected) in [
        ("mailboxes", made(&|n| format!("p{n}@acme{n}.nl")), Kind::Mailbox),
        ("dates", made(&|n| format!("19{:02}-0{}-1{}", n % 100, 1 + n % 9, n % 10)), Kind::Date),
        ("compact dates", made(&|n| format!("19{:02}0{}1{}", n % 100, 1 + n % 9, n % 10)), Kind::Date),
        ("phones", made(&|n| format!("+31 20 12345{n:02}")), Kind::Phone),
        ("few values", made(&|n| words[n % 3].to_owned()), Kind::Category),
        ("few numbers", made(&|n| (n % 5).to_string()), Kind::Category),
        ("many numbers", made(&|n| format!("{}", 1_000 + n * 37)), Kind::Identifier),
        ("numbers that come again", made(&|n| format!("{}.5", n % 60)), Kind::Number),
        ("codes", made(&|n| format!("AB{n:04}X")), Kind::Identifier),
        ("long texts", made(&|n| format!("{} {n}", sentence(n, 20))), Kind::Description),
        ("titles", made(&|n| format!("{} {n}", sentence(n, 5))), Kind::Title),
        ("words", made(&|n| format!("{}{}", words[n % 10], ["a", "b", "c", "d", "e"][n / 20])), Kind::Text),
        ("one value", made(&|_| "same".to_owned()), Kind::Ignored),
        ("no values", made(&|_| " n/a ".to_owned()), Kind::Ignored),
        ("ids of other rows", made(&|n| format!("r{:03}", 99 - n)), Kind::Ignored),
    ] {
        assert_eq!(kind("x1", &values), expected, "{what}");
    }
    assert_eq!(kind("x1", &[]), Kind::Ignored, "a column without rows");
    let persons = made(&|n| format!("{} {}", ["Anna", "Peter", "Bob"][n % 3], ["Visser", "Smit"][n / 50]));
    assert_eq!(
        kind("name", &made(&|n| format!("{} {n}", persons[n]))),
        Kind::Company,
        "names with digits are no persons"
    );
    assert_eq!(kind("display name", &made(&|n| format!("{}{}", persons[n], words[n % 10]))), Kind::FullName);
}
