//! Customers, and what is true of them: every value follows from who, what and how often it changed.

use super::random::scatter;

/// How many attributes a customer has.
pub(super) const ATTRIBUTES: usize = 8;

const FIRST: [&str; 30] = [
    "Ada", "Amir", "Ana", "Bruno", "Carmen", "Chen", "Dara", "Elena", "Femi", "Greta", "Hugo", "Ines", "Ivan", "Jonas",
    "Kaito", "Leila", "Malik", "Marta", "Nadia", "Noor", "Olga", "Pavel", "Priya", "Quinn", "Rosa", "Samuel", "Tariq",
    "Ursula", "Victor", "Yusuf",
];
const LAST: [&str; 28] = [
    "Abebe",
    "Almeida",
    "Bauer",
    "Castillo",
    "Dubois",
    "Eriksen",
    "Farouk",
    "Gupta",
    "Haddad",
    "Ivanova",
    "Jensen",
    "Kowalski",
    "Lindqvist",
    "Moreau",
    "Nakamura",
    "Okafor",
    "Pereira",
    "Quiroga",
    "Rossi",
    "Santos",
    "Tanaka",
    "Ueda",
    "Vargas",
    "Weber",
    "Xu",
    "Yilmaz",
    "Zhang",
    "Osterhaus",
];
const CITY: [&str; 20] = [
    "Albuquerque",
    "Baltimore",
    "Boise",
    "Buffalo",
    "Cleveland",
    "El Paso",
    "Fresno",
    "Honolulu",
    "Kansas City",
    "Las Vegas",
    "Milwaukee",
    "Minneapolis",
    "Oakland",
    "Omaha",
    "Raleigh",
    "Sacramento",
    "Tampa",
    "Tucson",
    "Tulsa",
    "Virginia Beach",
];
const TRADE: [&str; 14] = [
    "Amber",
    "Birch",
    "Copper",
    "Delta",
    "Evergreen",
    "Falcon",
    "Granite",
    "Harbor",
    "Ivory",
    "Juniper",
    "Keystone",
    "Lantern",
    "Meridian",
    "Northwind",
];
const LINE: [&str; 14] = [
    "Bakery",
    "Books",
    "Ceramics",
    "Coffee",
    "Cycles",
    "Freight",
    "Gardens",
    "Hardware",
    "Instruments",
    "Optics",
    "Paper",
    "Pharmacy",
    "Textiles",
    "Tools",
];
const DOMAIN: [&str; 4] = ["example.com", "mail.example.org", "office.example.net", "store.example.org"];

/// What is true of a customer: how often each attribute changed.
#[derive(Debug, Clone)]
pub(super) struct Truth {
    customer: u64,
    changes: [u16; ATTRIBUTES],
    /// An attribute of which somebody says something else, and what they say.
    contradicted: Option<(usize, u64)>,
}

/// The values that follow.
#[derive(Debug)]
pub(super) struct Person {
    /// As a person writes it, with capitals.
    pub(super) email: String,
    pub(super) first: &'static str,
    pub(super) last: &'static str,
    /// Eleven digits.
    pub(super) phone: String,
    /// One in five has none.
    pub(super) company: Option<String>,
    pub(super) city: &'static str,
    pub(super) active: bool,
    pub(super) cents: u64,
}

impl Truth {
    pub(super) const fn new(customer: u64) -> Self {
        Self { customer, changes: [0; ATTRIBUTES], contradicted: None }
    }

    /// An attribute changes.
    pub(super) const fn change(&mut self, attribute: usize) {
        self.changes[attribute] = self.changes[attribute].wrapping_add(1);
    }

    /// Somebody says something else of an attribute.
    pub(super) const fn contradict(&mut self, attribute: usize, what: u64) {
        self.contradicted = Some((attribute, what));
    }

    fn throw(&self, attribute: usize) -> u64 {
        let said = match self.contradicted {
            Some((of, what)) if of == attribute => scatter(what) | 1,
            _ => 0,
        };
        let change = u64::from(self.changes[attribute]);
        scatter(scatter(self.customer << 8 | attribute as u64) ^ change << 32 ^ said)
    }

    pub(super) fn person(&self) -> Person {
        let throws: [u64; ATTRIBUTES] = std::array::from_fn(|attribute| self.throw(attribute));
        let [email, first, last, phone, company, city, status, amount] = throws;
        Person {
            email: format!(
                "{}.{}{}@{}",
                one(&FIRST, email),
                one(&LAST, email >> 12),
                (email >> 24) % 90_000,
                one(&DOMAIN, email >> 48)
            ),
            first: one(&FIRST, first),
            last: one(&LAST, last),
            phone: format!("1{}", 2_000_000_000 + phone % 7_000_000_000),
            company: (!company.is_multiple_of(5)).then(|| {
                let form = if company & 512 == 0 { "Inc" } else { "LLC" };
                format!("{} {} {form}", one(&TRADE, company >> 12), one(&LINE, company >> 24))
            }),
            city: one(&CITY, city),
            active: !status.is_multiple_of(8),
            cents: amount % 10_000_000,
        }
    }
}

fn one(of: &[&'static str], throw: u64) -> &'static str {
    let place = usize::try_from(throw % of.len() as u64).unwrap_or_default();
    of[place]
}
