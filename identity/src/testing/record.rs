//! What a system writes down of a customer.

use super::Draw;
use super::entity::{Address, COUNTRIES, Entity, digits, mailbox};
use super::slips::slip;

/// How often a system leaves out company, given name, surname, mailbox, phone and address.
fn missing(system: &str) -> [f64; 6] {
    match system {
        "crm" => [0.04, 0.05, 0.06, 0.03, 0.25, 0.45],
        "shop" => [0.45, 0.02, 0.02, 0.0, 0.35, 0.03],
        _ => [0.01, 0.30, 0.30, 0.25, 0.20, 0.06],
    }
}

const SHORT: [(&str, &str); 8] = [
    ("Robert", "Bob"),
    ("William", "Bill"),
    ("Michael", "Mike"),
    ("Elizabeth", "Liz"),
    ("Katherine", "Kate"),
    ("Margaret", "Peggy"),
    ("Samuel", "Sam"),
    ("Thomas", "Tom"),
];

/// The values of a record, in the order of [`super::COLUMNS`].
pub(super) fn of(draw: &mut Draw, entity: &Entity, system: &str) -> [String; 11] {
    let contact = &entity.contacts[if draw.happens(0.25) { draw.below(entity.contacts.len()) } else { 0 }];
    let (mut given, mut surname, mut mail) = (contact.given.clone(), contact.surname.clone(), contact.mailbox.clone());
    let (mut company, mut domain) = (String::new(), String::new());
    if let Some(of) = &entity.company {
        company.clone_from(&of.brand);
        if system == "erp" || draw.happens(0.4) {
            company.push_str([" Ltd", " Inc.", " GmbH", " B.V."][draw.below(4)]);
        }
        if draw.happens(0.06) {
            company = slip(draw, &company);
        }
        if draw.happens(if system == "crm" { 0.85 } else { 0.15 }) {
            domain.clone_from(&of.domain);
        }
        if draw.happens(0.07) {
            mail = format!("{}@{}", ["info", "office", "sales"][draw.below(3)], of.domain);
        } else if draw.happens(0.04) {
            mail = mailbox(draw, &given, &surname, "");
        }
    } else if draw.happens(0.06) {
        mail = mailbox(draw, &given, &surname, "");
    }
    if draw.happens(0.13) {
        given = SHORT.iter().find(|(long, _)| *long == given).map_or(given, |(_, short)| (*short).to_owned());
    } else if draw.happens(0.03) {
        given.truncate(1);
    }
    for value in [&mut given, &mut surname] {
        if draw.happens(0.05) {
            *value = slip(draw, value);
        }
    }
    if draw.happens(0.02) {
        std::mem::swap(&mut given, &mut surname);
    }
    if draw.happens(0.03) {
        mail = slip(draw, &mail);
    }
    let (country, code, _, _) = COUNTRIES[entity.country];
    let number = if draw.happens(0.1) { digits(draw, 9) } else { entity.phone.clone() };
    let mut phone =
        if draw.happens(0.5) { format!("+{code} {number}") } else { format!("0{} {}", &number[..3], &number[3..]) };
    let moved = draw.happens(0.09);
    let mut address = if moved { Address::draw(draw, entity.country) } else { entity.address.clone() };
    if draw.happens(0.3) {
        address.street = address.street.replace("Street", "St").replace("Road", "Rd").replace("Avenue", "Ave");
    }
    if draw.happens(0.07) {
        address.street = slip(draw, &address.street);
    }
    let [no_company, no_given, no_surname, no_mail, no_phone, no_address] = missing(system);
    for (value, missing) in [
        (&mut company, no_company),
        (&mut given, no_given),
        (&mut surname, no_surname),
        (&mut mail, no_mail),
        (&mut phone, no_phone),
    ] {
        if draw.happens(missing) {
            value.clear();
        }
    }
    if draw.happens(no_address) {
        address = Address { street: String::new(), city: String::new(), postcode: String::new() };
    }
    if company.is_empty() && mail.is_empty() && phone.is_empty() && (given.is_empty() || surname.is_empty()) {
        mail.clone_from(&contact.mailbox);
    }
    let Address { street, city, postcode } = address;
    [system.to_owned(), company, given, surname, mail, phone, domain, street, city, postcode, country.to_owned()]
}
