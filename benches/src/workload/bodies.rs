//! The bytes that each surface sends for an event.

use std::fmt::Write as _;

use super::Event;
use super::people::Person;

/// Appends a delivery as one line.
pub(super) fn write_line(event: &Event, sequence: u64, out: &mut String) {
    let mut person = event.truth.person();
    // Systems keep addresses as they were typed, or in lower case.
    if !event.number.is_multiple_of(3) {
        person.email.make_ascii_lowercase();
    }
    let source = crate::customer::SOURCES[event.source];
    let written = write!(out, r#"{{"src":"{source}","seq":{sequence},"body":"#).and_then(|()| match event.source {
        0 => hubspot_webhook(event, &person, out),
        1 => shopify_rest(event, &person, out),
        2 => shopify_graphql(event, &person, out),
        _ => netsuite_row(event, &person, out),
    });
    debug_assert!(written.is_ok(), "a string takes all that is written to it");
    out.push_str("}\n");
}

fn hubspot_webhook(event: &Event, person: &Person, out: &mut String) -> std::fmt::Result {
    let (name, value) = match event.attribute {
        0 => ("email", person.email.clone()),
        1 => ("firstname", person.first.to_owned()),
        2 => ("lastname", person.last.to_owned()),
        3 => ("phone", format!("+{}", person.phone)),
        4 => ("company", person.company.clone().unwrap_or_default()),
        5 => ("city", person.city.to_owned()),
        6 => ("customer_status", if person.active { "active" } else { "disabled" }.to_owned()),
        _ => ("total_revenue", money(person)),
    };
    write!(
        out,
        concat!(
            r#"{{"eventId":{event},"subscriptionId":1166,"portalId":62515,"appId":1160452,"occurredAt":{at},"#,
            r#""subscriptionType":"contact.propertyChange","attemptNumber":{attempt},"objectId":{id},"#,
            r#""propertyName":"{name}","propertyValue":"{value}","changeSource":"CRM","sourceId":"userId:{user}","#,
            r#""isSensitive":false}}"#
        ),
        event = 100_000_000 + event.number,
        at = event.second() * 1_000,
        attempt = u8::from(event.again),
        id = 10_000_000_000 + event.customer * 17,
        name = name,
        value = value,
        user = event.customer % 97,
    )
}

const fn shopify_id(event: &Event) -> u64 {
    7_000_000_000_000 + event.customer * 32_768
}

fn shopify_rest(event: &Event, person: &Person, out: &mut String) -> std::fmt::Result {
    let (area, exchange, line) = punctuated(&person.phone);
    let opened = time(1_600_000_000 + event.customer, 'T', -5);
    write!(
        out,
        concat!(
            r#"{{"id":{id},"email":"{email}","created_at":"{opened}-05:00","updated_at":"{at}-05:00","#,
            r#""first_name":"{first}","last_name":"{last}","orders_count":{orders},"state":"{state}","#,
            r#""total_spent":"{spent}","last_order_id":{order},"#,
            r#""note":"Ring the \"blue\" bell,\nthen wait at the gate please","verified_email":true,"#,
            r#""multipass_identifier":null,"tax_exempt":false,"tags":"retail, loyal, campaign-{tag}","#,
            r#""last_order_name":"N1{orders}","currency":"USD","phone":"{phone}","addresses":[],"#,
            r#""accepts_marketing":false,"accepts_marketing_updated_at":"{opened}-05:00","#,
            r#""marketing_opt_in_level":null,"tax_exemptions":[],"email_marketing_consent":"#,
            r#"{{"state":"not_subscribed","opt_in_level":null,"consent_updated_at":null}},"#,
            r#""sms_marketing_consent":null,"admin_graphql_api_id":"gid://shopify/Customer/{id}","default_address":"#,
            r#"{{"id":{address},"customer_id":{id},"first_name":"{first}","last_name":"{last}","company":{company},"#,
            r#""address1":"{house} Juniper Street","address2":"","city":"{city}","province":"Oregon","#,
            r#""country":"United States","zip":"97{zip:03}","phone":"{phone}","name":"{first} {last}","#,
            r#""province_code":"OR","country_code":"US","country_name":"United States","default":true}}}}"#
        ),
        id = shopify_id(event),
        email = person.email,
        opened = opened,
        at = time(event.second(), 'T', -5),
        first = person.first,
        last = person.last,
        orders = event.number % 40,
        state = if person.active { "enabled" } else { "disabled" },
        spent = money(person),
        order = 5_000_000_000_000 + event.number,
        tag = event.number % 50,
        phone = format_args!("+1 {area}-{exchange}-{line}"),
        address = shopify_id(event) + 1,
        company = quoted(person),
        house = event.customer % 9_000 + 1,
        city = person.city,
        zip = event.customer % 1_000,
    )
}

fn shopify_graphql(event: &Event, person: &Person, out: &mut String) -> std::fmt::Result {
    write!(
        out,
        concat!(
            r#"{{"data":{{"customer":{{"id":"gid://shopify/Customer/{id}","firstName":"{first}","#,
            r#""lastName":"{last}","defaultEmailAddress":{{"emailAddress":"{email}","#,
            r#""marketingState":"NOT_SUBSCRIBED"}},"defaultPhoneNumber":{{"phoneNumber":"+{phone}"}},"#,
            r#""updatedAt":"{at}Z","state":"{state}","numberOfOrders":"{orders}","#,
            r#""amountSpent":{{"amount":"{spent}","currencyCode":"USD"}},"tags":["retail","loyal"],"#,
            r#""defaultAddress":{{"company":{company},"city":"{city}","countryCodeV2":"US"}}}}}},"#,
            r#""extensions":{{"cost":{{"requestedQueryCost":3,"actualQueryCost":3,"throttleStatus":"#,
            r#"{{"maximumAvailable":2000.0,"currentlyAvailable":1997,"restoreRate":100.0}}}}}}}}"#
        ),
        id = shopify_id(event),
        first = person.first,
        last = person.last,
        email = person.email,
        phone = person.phone,
        at = time(event.second(), 'T', 0),
        state = if person.active { "ENABLED" } else { "DISABLED" },
        orders = event.number % 40,
        spent = money(person),
        company = quoted(person),
        city = person.city,
    )
}

fn netsuite_row(event: &Event, person: &Person, out: &mut String) -> std::fmt::Result {
    let (area, exchange, line) = punctuated(&person.phone);
    write!(
        out,
        concat!(
            r#"{{"links":[],"id":"{id}","entityid":"CUST{customer:07}","email":"{email}","firstname":"{first}","#,
            r#""lastname":"{last}","phone":"1 ({area}) {exchange}-{line}","companyname":"{company}","#,
            r#""billcity":"{city}","isinactive":"{inactive}","balance":"{balance}","currency":"1","#,
            r#""subsidiary":"{subsidiary}","lastmodifieddate":"{at}"}}"#
        ),
        id = 500 + event.customer,
        customer = event.customer,
        email = person.email,
        first = person.first,
        last = person.last,
        area = area,
        exchange = exchange,
        line = line,
        company = person.company.as_deref().unwrap_or_default(),
        city = person.city,
        inactive = if person.active { "F" } else { "T" },
        balance = money(person),
        subsidiary = event.customer % 4 + 1,
        at = time(event.second(), ' ', 0),
    )
}

fn money(person: &Person) -> String {
    format!("{}.{:02}", person.cents / 100, person.cents % 100)
}

fn quoted(person: &Person) -> String {
    person.company.as_ref().map_or("null".to_owned(), |company| format!("\"{company}\""))
}

fn punctuated(phone: &str) -> (&str, &str, &str) {
    (&phone[1..4], &phone[4..7], &phone[7..])
}

/// Date and time of an instant, in seconds since the epoch, `hours` from UTC.
fn time(second: u64, between: char, hours: i64) -> String {
    let local = i64::try_from(second).unwrap_or_default() + hours * 3_600;
    let instant = accordant::chrono::DateTime::from_timestamp(local, 0).unwrap_or_default();
    instant.format(&format!("%Y-%m-%d{between}%H:%M:%S")).to_string()
}
