//! The customers: a model without a key, and what three systems say of people.

use accordant::Canonical;
use serde_json::{Value as Json, json};

/// A customer, of whom no attribute says who they are.
#[derive(Canonical, Clone, Debug, PartialEq)]
#[canonical(entity = "customer", system(crm, object = "contacts"))]
#[canonical(system(shop, object = "accounts"), system(erp, object = "debtors"))]
pub struct Customer {
    /// The given name.
    #[canonical(pii, resolve(latest), at(crm = "first_name", shop = "first_name", erp = "first_name"))]
    pub first_name: Option<String>,
    /// The surname.
    #[canonical(pii, resolve(latest), at(crm = "last_name", shop = "last_name", erp = "last_name"))]
    pub last_name: Option<String>,
    /// The mailbox: people have several, so that no two have to be the same.
    #[canonical(pii, resolve(latest), at(crm = "email", shop = "email", erp = "email"))]
    pub email: Option<String>,
    /// The number to call.
    #[canonical(pii, resolve(latest), at(crm = "phone", shop = "phone", erp = "phone"))]
    pub phone: Option<String>,
    /// Street and number.
    #[canonical(pii, resolve(latest), at(crm = "street", shop = "street", erp = "street"))]
    pub street: Option<String>,
    /// The city.
    #[canonical(resolve(latest), at(crm = "city", shop = "city", erp = "city"))]
    pub city: Option<String>,
}

/// The object type of a system.
#[must_use]
pub fn object(system: &str) -> &'static str {
    match system {
        "crm" => "contacts",
        "shop" => "accounts",
        _ => "debtors",
    }
}

/// What a system says: its name, the id there, and the fields.
pub type Said = (&'static str, String, Json);

fn person(system: &'static str, id: &str, [first, last, email, phone, street, city]: [&str; 6]) -> Said {
    let fields = json!({ "first_name": first, "last_name": last, "email": email, "phone": phone, "street": street, "city": city });
    (system, id.to_owned(), fields)
}

/// The people of the story: Ana, whom three systems spell in three ways, and a Jan and a Pieter of one house: one, or two, as only somebody
/// who knows them can tell.
#[must_use]
pub fn people() -> Vec<Said> {
    vec![
        person("crm", "ana", ["Ana", "de Vries", "ana@devries.example", "+31 20 555 0101", "12 Kerkstraat", "Utrecht"]),
        person("shop", "ana", ["Ana", "De Vries", "ana@devries.example", "020 5550101", "Kerkstraat 12", "Utrecht"]),
        person("erp", "ana", ["Anna", "de Vreis", "", "+31205550101", "12 Kerkstraat", "Utrecht"]),
        person("crm", "jan", ["Jan", "Bakker", "jan@bakker.example", "", "7 Molenweg", "Breda"]),
        person("erp", "jan", ["Pieter", "Bakker", "", "", "7 Molenweg", "Breda"]),
    ]
}

const FIRST: [&str; 12] =
    ["Tim", "Eva", "Lars", "Femke", "Noor", "Omar", "Pia", "Ravi", "Sofie", "Thijs", "Vera", "Wout"];
const LAST: [&str; 16] = [
    "Adel", "Brand", "Clae", "Dorn", "Eken", "Fabri", "Gill", "Hase", "Iven", "Jonk", "Kamp", "Linde", "Mole", "Nord",
    "Otte", "Pasch",
];
const ENDS: [&str; 10] = ["beck", "man", "stra", "veld", "rath", "quist", "sen", "oux", "wick", "ham"];
const STREETS: [&str; 13] =
    ["Hoofd", "Park", "Linde", "Haven", "Ring", "Markt", "Eiken", "Zuid", "Post", "Dorps", "Brug", "Water", "Kapel"];
const WAYS: [&str; 5] = ["straat", "weg", "laan", "plein", "kade"];
const CITIES: [&str; 7] = ["Arnhem", "Delft", "Gouda", "Haarlem", "Leiden", "Tilburg", "Zwolle"];

/// Everybody else: enough for a model to learn what agreement is worth.
#[must_use]
pub fn others() -> Vec<Said> {
    let mut said = Vec::new();
    for number in 0..160_usize {
        let first = FIRST[number * 5 % 12];
        let last = format!("{}{}", LAST[number % 16], ENDS[number / 16]);
        let email = format!("{}@{}.example", first.to_lowercase(), last.to_lowercase());
        let phone = format!("+31 6 {:08}", number * 73_856_093 % 89_999_999 + 10_000_000);
        let street = format!("{} {}{}", number * 37 % 113 + 1, STREETS[number * 7 % 13], WAYS[number * 3 % 5]);
        let city = CITIES[number * 11 % 7];
        let id = number.to_string();
        for (place, system) in ["crm", "shop", "erp"].into_iter().enumerate() {
            // Each system lacks some people, and some of what it could know of those whom it has.
            if (number + place) % 3 == 0 && number % 5 != 0 {
                continue;
            }
            let email = if (number * 5 + place * 3) % 7 == 0 { "" } else { &email };
            let phone = if (number * 3 + place) % 5 == 0 { "" } else { &phone };
            let initial = format!("{}.", &first[..1]);
            let first = if (number * 11 + place * 5) % 13 == 0 { &initial } else { first };
            said.push(person(system, &id, [first, &last, email, phone, &street, city]));
        }
    }
    said
}
