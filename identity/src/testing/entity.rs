//! Customers as they are, before any system writes them down.

use super::Draw;

/// A customer: a company with contacts, or a person.
#[derive(Debug, Clone)]
pub(super) struct Entity {
    pub(super) company: Option<Company>,
    pub(super) contacts: Vec<Contact>,
    pub(super) phone: String,
    pub(super) address: Address,
    pub(super) country: usize,
}

#[derive(Debug, Clone)]
pub(super) struct Company {
    pub(super) brand: String,
    pub(super) domain: String,
}

#[derive(Debug, Clone)]
pub(super) struct Contact {
    pub(super) given: String,
    pub(super) surname: String,
    pub(super) mailbox: String,
}

#[derive(Debug, Clone)]
pub(super) struct Address {
    pub(super) street: String,
    pub(super) city: String,
    pub(super) postcode: String,
}

/// Two letters, code, top-level domain, cities.
pub(super) const COUNTRIES: [(&str, &str, &str, &[&str]); 4] = [
    (
        "us",
        "1",
        "com",
        &["Springfield", "Franklin", "Clinton", "Madison", "Georgetown", "Salem", "Fairview", "Bristol"],
    ),
    ("gb", "44", "co.uk", &["Newport", "Ashford", "Milton", "Kingston", "Richmond", "Preston", "Whitby"]),
    ("de", "49", "de", &["Neustadt", "Altdorf", "Burgdorf", "Rosenheim", "Lindau", "Mühlhausen"]),
    ("nl", "31", "nl", &["Nieuwegein", "Oosterhout", "Heerenveen", "Zaandam", "Veenendaal"]),
];

pub(super) const GIVEN: [&str; 40] = [
    "James",
    "Robert",
    "William",
    "Thomas",
    "Michael",
    "Daniel",
    "Anthony",
    "Andrew",
    "Edward",
    "Samuel",
    "Benjamin",
    "Peter",
    "Jan",
    "Stefan",
    "Klaus",
    "Pieter",
    "Lars",
    "Omar",
    "Wei",
    "Arjun",
    "Elizabeth",
    "Katherine",
    "Margaret",
    "Susan",
    "Rebecca",
    "Jennifer",
    "Anna",
    "Emma",
    "Laura",
    "Sophie",
    "Petra",
    "Sabine",
    "Marijke",
    "Aisha",
    "Mei",
    "Priya",
    "Nora",
    "Helen",
    "Julia",
    "Claire",
];
const SOUNDS: [&str; 32] = [
    "ba", "ber", "bo", "cal", "da", "del", "den", "fer", "ga", "gor", "ha", "hem", "ki", "kor", "la", "lin", "lo",
    "mar", "mon", "na", "nel", "per", "ri", "ros", "sa", "sen", "ta", "ter", "van", "vel", "win", "zan",
];
const COLOURS: [&str; 24] = [
    "Amber",
    "Arrow",
    "Atlas",
    "Birch",
    "Bluewater",
    "Bridge",
    "Castle",
    "Cobalt",
    "Coral",
    "Falcon",
    "Granite",
    "Harbour",
    "Juniper",
    "Lantern",
    "Meadow",
    "Northwind",
    "Oakfield",
    "Pioneer",
    "Quarry",
    "Redwood",
    "Silver",
    "Tidal",
    "Vista",
    "Willow",
];
const TRADES: [&str; 16] = [
    "Solutions",
    "Systems",
    "Logistics",
    "Foods",
    "Interiors",
    "Electronics",
    "Design",
    "Engineering",
    "Services",
    "Energy",
    "Bakery",
    "Packaging",
    "Security",
    "Travel",
    "Textiles",
    "Software",
];
const PROVIDERS: [&str; 4] = ["gmail.com", "outlook.com", "yahoo.com", "gmx.de"];
pub(super) const KINDS_OF_STREET: [&str; 6] = ["Street", "Road", "Avenue", "Lane", "Drive", "Court"];

impl Entity {
    /// A new customer, that may be a neighbour of another in some way.
    pub(super) fn draw(draw: &mut Draw, neighbour: Option<&Self>, number: u64) -> Self {
        let mut country = draw.few(COUNTRIES.len());
        let mut address = Address::draw(draw, country);
        let mut phone = digits(draw, 9);
        if draw.happens(0.6) {
            let mut brand = brand(draw);
            if let Some((near, company)) = neighbour.and_then(|near| Some((near, near.company.as_ref()?))) {
                if draw.happens(0.03) {
                    brand.clone_from(&company.brand);
                }
                if near.country == country && draw.happens(0.04) {
                    address.clone_from(&near.address);
                    if draw.happens(0.3) {
                        phone.clone_from(&near.phone);
                    }
                }
            }
            let mut site: String = brand.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_lowercase();
            if draw.happens(0.3) {
                site = format!("{}{}", site.chars().take(7).collect::<String>(), digits(draw, 2));
            }
            // Nobody shares a domain with a stranger.
            let domain = format!("{site}{number}.{}", COUNTRIES[country].2);
            let people = 1 + draw.few(3);
            let contacts = (0..people).map(|_| Contact::draw(draw, None, &domain)).collect();
            return Self { company: Some(Company { brand, domain }), contacts, phone, address, country };
        }
        let mut contact = Contact::draw(draw, None, "");
        if let Some(near) = neighbour.filter(|near| near.company.is_none() && draw.happens(0.2)) {
            contact = Contact::draw(draw, near.contacts.first(), "");
            country = near.country;
            address.clone_from(&near.address);
            if draw.happens(0.45) {
                phone.clone_from(&near.phone);
            }
        }
        Self { company: None, contacts: vec![contact], phone, address, country }
    }
}

impl Contact {
    /// A person: of the household of another, at a company's domain or at a provider's.
    fn draw(draw: &mut Draw, household: Option<&Self>, domain: &str) -> Self {
        let given = GIVEN[draw.few(GIVEN.len())].to_owned();
        let surname = household.map_or_else(|| surname(draw), |of| of.surname.clone());
        let mailbox = mailbox(draw, &given, &surname, domain);
        Self { given, surname, mailbox }
    }
}

/// A mailbox of a person; at a provider if there is no domain.
pub(super) fn mailbox(draw: &mut Draw, given: &str, surname: &str, domain: &str) -> String {
    let (given, surname) = (given.to_lowercase(), surname.to_lowercase());
    let mut local = match draw.below(4) {
        0 | 1 => format!("{given}.{surname}"),
        2 => format!("{}{surname}", &given[..1]),
        _ => format!("{given}{surname}"),
    };
    if !domain.is_empty() {
        return format!("{local}@{domain}");
    }
    local.push_str(&digits(draw, 4));
    format!("{local}@{}", PROVIDERS[draw.few(PROVIDERS.len())])
}

impl Address {
    pub(super) fn draw(draw: &mut Draw, country: usize) -> Self {
        let (_, _, _, cities) = COUNTRIES[country];
        let name = coin(draw, 2);
        let number = 1 + draw.below(240);
        let street = format!("{number} {name} {}", draw.one(&KINDS_OF_STREET));
        Self { street, city: cities[draw.few(cities.len())].to_owned(), postcode: digits(draw, 5) }
    }
}

pub(super) fn digits(draw: &mut Draw, many: usize) -> String {
    // The first is no zero: numbers are written with and without one in front.
    (0..many)
        .map(|place| if place == 0 { 1 + draw.below(9) } else { draw.below(10) })
        .map(|digit| digit.to_string())
        .collect()
}

fn surname(draw: &mut Draw) -> String {
    let long = draw.happens(0.85);
    coin(draw, 2 + usize::from(long))
}

/// A coined word, common ones more often.
fn coin(draw: &mut Draw, sounds: usize) -> String {
    let mut word = String::new();
    (0..sounds).for_each(|_| word.push_str(SOUNDS[draw.few(SOUNDS.len())]));
    word[..1].to_uppercase() + &word[1..]
}

fn brand(draw: &mut Draw) -> String {
    let (first, trade) = (draw.one(&COLOURS), draw.one(&TRADES));
    let second = coin(draw, 2);
    match draw.below(3) {
        0 => format!("{first} {second} {trade}"),
        1 => format!("{} {trade}", coin(draw, 3)),
        _ => {
            let (one, other) = (surname(draw), surname(draw));
            format!("{one} & {other} {trade}")
        }
    }
}
