//! The people and companies that the three systems know: one truth, before each system tells it in its own way.

use super::random::SplitMix64;

/// How many people there are.
pub(super) const PEOPLE: usize = 300;
/// How many companies they work for.
pub(super) const COMPANIES: usize = 100;

/// A person who buys.
#[derive(Debug, Clone)]
pub(super) struct Person {
    /// First name.
    pub(super) first: String,
    /// Last name.
    pub(super) last: String,
    /// E-mail address, in lower case.
    pub(super) email: String,
    /// Ten digits of a national number, if they gave one.
    pub(super) phone: Option<String>,
    /// The same of a mobile phone.
    pub(super) mobile: Option<String>,
    /// Where they live, if they said.
    pub(super) address: Option<Address>,
    /// Their company, by its place.
    pub(super) company: usize,
    /// How far they are as a customer: 0 lead, 1 active, 2 former.
    pub(super) status: usize,
    /// What they owe, in cents.
    pub(super) balance: i64,
    /// The numbers of their orders.
    pub(super) orders: Vec<u64>,
}

/// A postal address in the United States.
#[derive(Debug, Clone)]
pub(super) struct Address {
    /// House number and street.
    pub(super) street: String,
    /// City.
    pub(super) city: &'static str,
    /// State, two letters.
    pub(super) state: &'static str,
    /// ZIP code.
    pub(super) zip: &'static str,
}

/// A company.
#[derive(Debug, Clone)]
pub(super) struct Company {
    /// Its name.
    pub(super) name: String,
    /// Its domain.
    pub(super) domain: String,
    /// Its revenue a year, in whole dollars.
    pub(super) revenue: i64,
}

/// People of the story, each with something that happens to them. The others only have noise.
pub const CAST: [(&str, &str); 9] = [
    ("Ana", "Lopez"),
    ("Bruno", "Keller"),
    ("Chloe", "Martin"),
    ("Daniel", "Okafor"),
    ("Elena", "Rossi"),
    ("Farid", "Haddad"),
    ("Grace", "Lee"),
    ("Hiro", "Tanaka"),
    ("Ines", "Duarte"),
];

const FIRST: [&str; 40] = [
    "Aaron", "Bella", "Carlos", "Dana", "Erik", "Fatima", "George", "Hannah", "Ivan", "Julia", "Kofi", "Laura",
    "Marco", "Nadia", "Oscar", "Paula", "Quinn", "Rosa", "Samir", "Tara", "Umar", "Vera", "Walter", "Xenia", "Yusuf",
    "Zoë", "Andrea", "Björn", "Clara", "David", "Emily", "Felix", "Gina", "Hugo", "Irene", "Jonas", "Karen", "Liam",
    "Mei", "Noor",
];
const LAST: [&str; 37] = [
    "Adams", "Baker", "Chen", "Diaz", "Evans", "Fischer", "Garcia", "Hughes", "Ito", "Jensen", "Khan", "Larsen",
    "Meyer", "Nguyen", "O'Neill", "Patel", "Quist", "Reyes", "Silva", "Turner", "Ueda", "Vogel", "Walsh", "Xu",
    "Young", "Zhang", "Abbott", "Brandt", "Costa", "Dubois", "Ekström", "Foster", "Grant", "Holm", "Ivanov", "Jones",
    "Klein",
];
const STREETS: [&str; 12] = [
    "Maple St",
    "Oak Ave",
    "Pine Rd",
    "Cedar Ln",
    "Elm St",
    "Lake Dr",
    "Hill Rd",
    "Park Ave",
    "River St",
    "Church St",
    "Mill Ln",
    "Spring St",
];
const CITIES: [(&str, &str, &str); 14] = [
    ("San Francisco", "CA", "94107"),
    ("Portland", "OR", "97205"),
    ("Seattle", "WA", "98101"),
    ("Denver", "CO", "80202"),
    ("Austin", "TX", "78701"),
    ("Chicago", "IL", "60601"),
    ("Madison", "WI", "53703"),
    ("Boston", "MA", "02108"),
    ("New York", "NY", "10011"),
    ("Atlanta", "GA", "30303"),
    ("Miami", "FL", "33130"),
    ("Phoenix", "AZ", "85004"),
    ("Columbus", "OH", "43215"),
    ("Nashville", "TN", "37203"),
];
const AREAS: [&str; 14] =
    ["415", "503", "206", "303", "512", "312", "608", "617", "212", "404", "305", "602", "614", "615"];
const NAMES_A: [&str; 20] = [
    "Harbor", "Kite", "Copper", "Maple", "Silver", "North", "Blue", "Quiet", "Granite", "Bright", "Cedar", "Falcon",
    "Golden", "Iron", "Juniper", "Lark", "Mesa", "Orchard", "Prairie", "Willow",
];
const NAMES_B: [&str; 5] = ["Light", "Works", "Supply", "Foods", "Labs"];

/// All companies.
#[must_use]
pub(super) fn companies(random: &mut SplitMix64) -> Vec<Company> {
    (0..COMPANIES)
        .map(|place| {
            let (a, b) = (NAMES_A[place % NAMES_A.len()], NAMES_B[place / NAMES_A.len() % NAMES_B.len()]);
            Company {
                name: format!("{a} {b} Inc."),
                domain: format!("{}{}.example", a.to_lowercase(), b.to_lowercase()),
                revenue: random.between(8, 900) * 100_000,
            }
        })
        .collect()
}

/// All people: those of the story first.
#[must_use]
pub(super) fn people(random: &mut SplitMix64, companies: &[Company]) -> Vec<Person> {
    let mut number = 1_000;
    (0..PEOPLE)
        .map(|place| {
            let in_story = CAST.get(place);
            let (first, last) = in_story.copied().unwrap_or((FIRST[place % FIRST.len()], LAST[place % LAST.len()]));
            let company = place % companies.len();
            let orders = 1 + random.below(3);
            number += orders;
            Person {
                first: first.to_owned(),
                last: last.to_owned(),
                email: format!("{}.{}@{}", plain(first), plain(last), companies[company].domain),
                phone: (in_story.is_some() || !random.once_in(10))
                    .then(|| format!("{}5550{}", AREAS[place % AREAS.len()], 100 + place / AREAS.len())),
                mobile: (in_story.is_some() || random.once_in(2))
                    .then(|| format!("{}5550{}", AREAS[(place + 5) % AREAS.len()], 130 + place / AREAS.len())),
                address: (in_story.is_some() || !random.once_in(16)).then(|| address(random)),
                company,
                status: match random.below(20) {
                    _ if in_story.is_some() => 1,
                    0 => 0,
                    1 => 2,
                    _ => 1,
                },
                balance: if in_story.is_none() && random.once_in(3) { 0 } else { random.between(1_000, 900_000) },
                orders: (number - orders + 1..=number).collect(),
            }
        })
        .collect()
}

/// An address.
pub(super) fn address(random: &mut SplitMix64) -> Address {
    let (city, state, zip) = *random.pick(&CITIES);
    Address { street: format!("{} {}", random.between(1, 990), random.pick(&STREETS)), city, state, zip }
}

/// A name as mailboxes spell it.
fn plain(name: &str) -> String {
    let letter = |letter: char| match letter {
        'ö' => Some('o'),
        'ë' => Some('e'),
        letter if letter.is_ascii_alphabetic() => Some(letter.to_ascii_lowercase()),
        _ => None,
    };
    name.chars().filter_map(letter).collect()
}
