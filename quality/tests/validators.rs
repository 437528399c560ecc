//! What validators take and what they do not, case by case.
#![cfg(feature = "validators")]

use accordant_quality::validate::{Invalid, Region, Validator};

fn table(validator: Validator, cases: &[(&str, Result<(), Invalid>)]) {
    for (text, expected) in cases {
        assert_eq!(validator.check(text), *expected, "{validator:?} {text:?}");
    }
}

const OK: Result<(), Invalid> = Ok(());
const CHARACTER: Result<(), Invalid> = Err(Invalid::Character);
const CHECK_DIGIT: Result<(), Invalid> = Err(Invalid::CheckDigit);
const FORM: Result<(), Invalid> = Err(Invalid::Form);
const LENGTH: Result<(), Invalid> = Err(Invalid::Length);
const TOO_LONG: Result<(), Invalid> = Err(Invalid::TooLong);
const UNKNOWN: Result<(), Invalid> = Err(Invalid::Unknown);

#[test]
fn emails() {
    table(
        Validator::Email,
        &[
            ("ana@acme.test", OK),
            ("ana.weber+tag@mail.acme.test", OK),
            ("\"ana weber\"@acme.test", OK),
            ("bücher@bücher.test", OK),
            ("ana", FORM),
            ("@acme.test", FORM),
            ("ana@", FORM),
            ("ana@acme", FORM),
            ("ana@acme..test", FORM),
            ("ana@[192.0.2.1]", FORM),
            ("ana@192.0.2.1", FORM),
            ("Ana <ana@acme.test>", FORM),
            ("ana weber@acme.test", CHARACTER),
            ("", FORM),
            (&"a".repeat(250).add("@b.de"), TOO_LONG),
        ],
    );
}

#[test]
fn phones() {
    table(
        Validator::Phone { region: None },
        &[
            ("+14155552671", OK),
            ("+1 (415) 555-2671", OK),
            ("+442071838750", OK),
            ("+4930901820", OK),
            ("4155552671", FORM),
            ("+1415555267", UNKNOWN),
            ("+11155552671", UNKNOWN),
            ("+1 415 CALL ME", CHARACTER),
            ("++14155552671", CHARACTER),
            ("", FORM),
            ("+", LENGTH),
            ("+123456789012345678901234", LENGTH),
            (&"1".repeat(65), TOO_LONG),
        ],
    );
    let us = Region::new("US").ok();
    table(
        Validator::Phone { region: us },
        &[("(415) 555-2671", OK), ("+442071838750", OK), ("123", LENGTH), ("0155552671", UNKNOWN)],
    );
    for (code, expected) in
        [("us", Invalid::Unknown), ("USA", Invalid::Length), ("ZZ", Invalid::Unknown), ("", Invalid::Length)]
    {
        assert_eq!(Region::new(code), Err(expected), "{code}");
    }
}

#[test]
fn ibans() {
    table(
        Validator::Iban,
        &[
            ("DE89370400440532013000", OK),
            ("DE89 3704 0044 0532 0130 00", OK),
            ("GB82WEST12345698765432", OK),
            ("NO9386011117947", OK),
            ("DE88370400440532013000", CHECK_DIGIT),
            ("DE8937040044053201300", CHECK_DIGIT),
            ("XX89370400440532013000", CHECK_DIGIT),
            ("DE", FORM),
            ("", FORM),
            ("DE89-3704-0044-0532-0130-00", FORM),
            (&"1".repeat(43), TOO_LONG),
        ],
    );
}

#[test]
fn gtins() {
    table(
        Validator::Gtin,
        &[
            ("96385074", OK),
            ("036000291452", OK),
            ("4006381333931", OK),
            ("10614141000415", OK),
            ("4006381333932", CHECK_DIGIT),
            ("400638133393", CHECK_DIGIT),
            ("40063813339", LENGTH),
            ("", LENGTH),
            ("4006381 33931", CHARACTER),
            ("٤006381333931", CHARACTER),
            ("400638133393145", TOO_LONG),
        ],
    );
}

#[test]
fn codes() {
    table(
        Validator::Country,
        &[
            ("DE", OK),
            ("US", OK),
            ("XK", UNKNOWN),
            ("ZZ", UNKNOWN),
            ("de", CHARACTER),
            ("D", LENGTH),
            ("", LENGTH),
            ("DEU", TOO_LONG),
        ],
    );
    table(
        Validator::Currency,
        &[
            ("EUR", OK),
            ("JPY", OK),
            ("ZZZ", UNKNOWN),
            ("eur", CHARACTER),
            ("EU", LENGTH),
            ("", LENGTH),
            ("EURO", TOO_LONG),
        ],
    );
}

#[test]
fn domains() {
    table(
        Validator::Domain,
        &[
            ("example.com", OK),
            ("Shop.Example.CO.UK", OK),
            ("xn--bcher-kva.de", OK),
            ("somebody.github.io", OK),
            ("github.io", OK),
            ("co.uk", FORM),
            ("com", FORM),
            ("", FORM),
            ("example..com", FORM),
            ("-example.com", FORM),
            ("example-.com", FORM),
            ("example.nosuchsuffix", UNKNOWN),
            ("exa mple.com", CHARACTER),
            ("https://example.com", CHARACTER),
            (&"a".repeat(64).add(".com"), TOO_LONG),
            (&"a.".repeat(130).add("com"), TOO_LONG),
        ],
    );
}

/// The first is the example of 49 CFR 565; a European one has no check digit.
#[test]
fn vins() {
    table(
        Validator::VinNorthAmerica,
        &[
            ("1M8GDM9AXKP042788", OK),
            ("11111111111111111", OK),
            ("5GZCZ43D13S812715", OK),
            ("1M8GDM9A1KP042788", CHECK_DIGIT),
            ("1M8GDM9AXKP042789", CHECK_DIGIT),
            ("WVWZZZ1JZXW000001", CHECK_DIGIT),
            ("1M8GDM9AXKP04278O", CHARACTER),
            ("1M8GDM9AXKPI42788", CHARACTER),
            ("1M8GDM9AXKPQ42788", CHARACTER),
            ("1m8gdm9axkp042788", CHARACTER),
            ("1M8GDM9AXKP04278", LENGTH),
            ("", LENGTH),
            ("1M8GDM9AXKP0427888", TOO_LONG),
        ],
    );
    table(Validator::Vin, &[("WVWZZZ1JZXW000001", OK), ("WVWZZZ1JZXW00000O", CHARACTER), ("WVWZZZ1JZXW00000", LENGTH)]);
}

/// Numbers that card companies publish for tests.
#[test]
fn cards() {
    table(
        Validator::Card,
        &[
            ("4111111111111111", OK),
            ("4111 1111 1111 1111", OK),
            ("3782-822463-10005", OK),
            ("4111111111111112", CHECK_DIGIT),
            ("1411111111111111", CHECK_DIGIT),
            ("41111111111", LENGTH),
            ("4111 1111 1111 1111 ", LENGTH),
            ("", LENGTH),
            ("4111  1111 1111 1111", CHARACTER),
            ("4111.1111.1111.1111", CHARACTER),
            (&"1".repeat(38), TOO_LONG),
        ],
    );
}

/// Whatever comes, there is an answer; and one digit that is another never passes where a digit checks the others.
#[test]
fn one_wrong_digit_is_seen() {
    for (validator, text) in [
        (Validator::Gtin, "4006381333931"),
        (Validator::Card, "4111111111111111"),
        (Validator::VinNorthAmerica, "11111111111111111"),
    ] {
        for place in 0..text.len() {
            for digit in '0'..='9' {
                let mut letters: Vec<char> = text.chars().collect();
                let same = std::mem::replace(&mut letters[place], digit) == digit;
                let changed: String = letters.into_iter().collect();
                assert_eq!(validator.check(&changed).is_ok(), same, "{changed}");
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn whatever_comes_there_is_an_answer(text in ".{0,70}") {
        let region = Region::new("DE").ok();
        for validator in [
            Validator::Email, Validator::Phone { region: None }, Validator::Phone { region }, Validator::Iban, Validator::Gtin,
            Validator::Country, Validator::Currency, Validator::Domain, Validator::Vin, Validator::VinNorthAmerica, Validator::Card,
        ] {
            let answer = validator.check(&text);
            proptest::prop_assert!(text.len() <= validator.longest() || answer == Err(Invalid::TooLong));
        }
    }

    #[test]
    fn whatever_digits_come_there_is_an_answer(text in "[+]?[0-9]{0,24}") {
        let region = Region::new("US").ok();
        let answer = Validator::Phone { region }.check(&text);
        proptest::prop_assert!(answer.is_err() || text.len() >= 4);
    }
}

use std::ops::Add as _;
