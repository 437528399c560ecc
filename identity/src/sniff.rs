//! What columns hold, by their names and a sample of their values: linking without configuration.

use crate::attribute::{Attribute, Kind, Schema};
use crate::normalize;

/// Reads kinds off the names of columns and a sample of rows.
#[must_use]
pub fn schema<V: AsRef<str>, R: AsRef<[V]>>(names: &[String], sample: &[R], ids: &[String]) -> Schema {
    let attributes = names.iter().enumerate().map(|(column, name)| {
        let values = sample.iter().filter_map(|row| row.as_ref().get(column)).map(|value| value.as_ref().trim());
        let values: Vec<&str> = values.filter(|value| !normalize::says_nothing(value)).collect();
        Attribute::new(name.as_str(), kind(name, &values, ids))
    });
    Schema { attributes: attributes.collect(), ..Schema::default() }
}

/// The name of a column as it is read: small letters and digits only, other scripts in Latin letters. `E-mail`, `email` and `EMAIL`
/// are one name.
#[must_use]
pub fn plain(name: &str) -> String {
    let mut plain = String::new();
    normalize::code(name, &mut plain);
    plain
}

/// Names of columns, [`plain`], and what they hold.
const NAMED: &[(&str, Kind)] = &[
    ("firstname", Kind::GivenName),
    ("givenname", Kind::GivenName),
    ("forename", Kind::GivenName),
    ("fname", Kind::GivenName),
    ("vorname", Kind::GivenName),
    ("prenom", Kind::GivenName),
    ("first", Kind::GivenName),
    ("lastname", Kind::Surname),
    ("surname", Kind::Surname),
    ("familyname", Kind::Surname),
    ("lname", Kind::Surname),
    ("nachname", Kind::Surname),
    ("last", Kind::Surname),
    ("fullname", Kind::FullName),
    ("contact", Kind::FullName),
    ("contactname", Kind::FullName),
    ("person", Kind::FullName),
    ("customername", Kind::FullName),
    ("company", Kind::Company),
    ("companyname", Kind::Company),
    ("organisation", Kind::Company),
    ("organization", Kind::Company),
    ("organizationname", Kind::Company),
    ("account", Kind::Company),
    ("accountname", Kind::Company),
    ("firm", Kind::Company),
    ("business", Kind::Company),
    ("businessname", Kind::Company),
    ("employer", Kind::Company),
    ("vendor", Kind::Company),
    ("supplier", Kind::Company),
    ("email", Kind::Mailbox),
    ("emailaddress", Kind::Mailbox),
    ("mail", Kind::Mailbox),
    ("mailbox", Kind::Mailbox),
    ("website", Kind::Website),
    ("domain", Kind::Website),
    ("url", Kind::Website),
    ("web", Kind::Website),
    ("homepage", Kind::Website),
    ("site", Kind::Website),
    ("phone", Kind::Phone),
    ("phonenumber", Kind::Phone),
    ("telephone", Kind::Phone),
    ("tel", Kind::Phone),
    ("mobile", Kind::Phone),
    ("mobilephone", Kind::Phone),
    ("cell", Kind::Phone),
    ("fax", Kind::Phone),
    ("street", Kind::Street),
    ("address", Kind::Street),
    ("address1", Kind::Street),
    ("addressline1", Kind::Street),
    ("streetaddress", Kind::Street),
    ("streetname", Kind::Street),
    ("addr1", Kind::Street),
    ("addr", Kind::Street),
    ("streetnumber", Kind::HouseNumber),
    ("housenumber", Kind::HouseNumber),
    ("streetno", Kind::HouseNumber),
    ("postcode", Kind::Postcode),
    ("postalcode", Kind::Postcode),
    ("zip", Kind::Postcode),
    ("zipcode", Kind::Postcode),
    ("plz", Kind::Postcode),
    ("city", Kind::City),
    ("town", Kind::City),
    ("suburb", Kind::City),
    ("locality", Kind::City),
    ("ort", Kind::City),
    ("country", Kind::Country),
    ("countrycode", Kind::Country),
    ("countryname", Kind::Country),
    ("land", Kind::Country),
    ("state", Kind::Category),
    ("province", Kind::Category),
    ("region", Kind::Category),
    ("gender", Kind::Category),
    ("sex", Kind::Category),
    ("type", Kind::Category),
    ("category", Kind::Category),
    ("venue", Kind::Category),
    ("year", Kind::Category),
    ("currency", Kind::Category),
    ("dateofbirth", Kind::Date),
    ("birthdate", Kind::Date),
    ("dob", Kind::Date),
    ("birthday", Kind::Date),
    ("date", Kind::Date),
    ("socsecid", Kind::Identifier),
    ("ssn", Kind::Identifier),
    ("taxid", Kind::Identifier),
    ("vat", Kind::Identifier),
    ("vatid", Kind::Identifier),
    ("vatnumber", Kind::Identifier),
    ("ein", Kind::Identifier),
    ("duns", Kind::Identifier),
    ("isbn", Kind::Identifier),
    ("gtin", Kind::Identifier),
    ("ean", Kind::Identifier),
    ("upc", Kind::Identifier),
    ("sku", Kind::Identifier),
    ("iban", Kind::Identifier),
    ("mpn", Kind::Identifier),
    ("modelno", Kind::Identifier),
    ("price", Kind::Number),
    ("amount", Kind::Number),
    ("title", Kind::Title),
    ("productname", Kind::Title),
    ("product", Kind::Title),
    ("authors", Kind::Names),
    ("author", Kind::Names),
    ("artists", Kind::Names),
    ("artist", Kind::Names),
    ("description", Kind::Description),
    ("notes", Kind::Ignored),
    ("comment", Kind::Ignored),
    ("comments", Kind::Ignored),
    ("system", Kind::System),
    ("source", Kind::System),
    ("sourcesystem", Kind::System),
    ("createdat", Kind::Ignored),
    ("updatedat", Kind::Ignored),
    ("timestamp", Kind::Ignored),
];

/// What the name of a column says that it holds; none where it says nothing.
fn named(name: &str) -> Option<Kind> {
    let plain = plain(name);
    NAMED.iter().find(|(named, _)| *named == plain).map(|(_, kind)| *kind)
}

/// What a column holds whose equal values mean one entity: an identifier, whatever its values look like, unless it is named otherwise.
#[must_use]
pub(crate) fn identity(read: &Attribute) -> Kind {
    let tells = |kind: &Kind| !matches!(kind, Kind::Ignored | Kind::System);
    match named(&read.name) {
        None if plain(&read.name).ends_with("name") => read.kind,
        named => named.filter(tells).unwrap_or(Kind::Identifier),
    }
}

fn kind(name: &str, values: &[&str], ids: &[String]) -> Kind {
    let plain = plain(name);
    let share = |is: &dyn Fn(&str) -> bool| {
        values.iter().filter(|value| is(value)).count() as f64 / (values.len().max(1)) as f64
    };
    if values.is_empty() {
        return Kind::Ignored;
    }
    if let Some(kind) = named(name) {
        return kind;
    }
    // A column that repeats ids of this table says which record another system means; it is no value of its own.
    let is_id = |value: &str| ids.binary_search_by(|id| id.as_str().cmp(value)).is_ok();
    if plain != "name" && share(&is_id) > 0.5 {
        return Kind::Ignored;
    }
    if share(&|value| value.contains('@') && value.contains('.')) > 0.6 {
        return Kind::Mailbox;
    }
    if share(&|value| date(value)) > 0.8 {
        return Kind::Date;
    }
    let digits = |value: &str| value.bytes().filter(u8::is_ascii_digit).count();
    if share(&|value| {
        digits(value) >= 7 && digits(value) <= 15 && value.bytes().any(|b| b"+-() ".contains(&b)) && !letters(value)
    }) > 0.7
    {
        return Kind::Phone;
    }
    let mut distinct = values.to_vec();
    distinct.sort_unstable();
    distinct.dedup();
    let variety = distinct.len() as f64 / values.len() as f64;
    if distinct.len() <= 1 {
        return Kind::Ignored;
    }
    if share(&|value| value.parse::<f64>().is_ok() || value.trim_start_matches(['$', '€', '£']).parse::<f64>().is_ok())
        > 0.9
    {
        return if distinct.len() <= 40 {
            Kind::Category
        } else if variety > 0.9 {
            Kind::Identifier
        } else {
            Kind::Number
        };
    }
    if distinct.len() <= 40 && variety < 0.2 {
        return Kind::Category;
    }
    let words = values.iter().map(|value| value.split_whitespace().count()).sum::<usize>() as f64 / values.len() as f64;
    if words > 12.0 {
        return Kind::Description;
    }
    if plain == "name" || plain.ends_with("name") {
        let persons = share(&|value| digits(value) == 0 && (2..=4).contains(&value.split_whitespace().count()));
        return if persons > 0.85 {
            Kind::FullName
        } else if words > 3.0 {
            Kind::Title
        } else {
            Kind::Company
        };
    }
    if words > 3.5 && variety > 0.5 {
        return Kind::Title;
    }
    if variety > 0.9 && words < 1.2 && share(&|value| digits(value) > 0) > 0.8 {
        return Kind::Identifier;
    }
    Kind::Text
}

fn letters(value: &str) -> bool {
    value.bytes().filter(u8::is_ascii_alphabetic).count() > 4
}

fn date(value: &str) -> bool {
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let separated = value.bytes().filter(|byte| b"-/.".contains(byte)).count() == 2;
    let compact = value.len() == 8 && digits == 8 && (value.starts_with("19") || value.starts_with("20"));
    compact || (separated && (4..=8).contains(&digits) && value.len() <= 10) || value.get(10..11) == Some("T")
}
