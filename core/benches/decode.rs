//! The decoder next to hand-written borrowed serde structs that do the same work on the same payloads.
//!
//! Both read id, token and up to eight fields of each body into a packed batch. The ratio of `table` to `struct` is the
//! price, or the gain, of a decoder that knows nothing at compile time.
//!
//! ```text
//! cargo bench -p accordant --bench decode
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    missing_docs,
    unreachable_pub,
    dead_code,
    reason = "a benchmark: a panic is a failed run, and the model is shared with the tests"
)]

use std::borrow::Cow;
use std::hint::black_box;

use accordant::decode::Batch;
use accordant::surface::SurfaceShape;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};

#[path = "../tests/decode/support.rs"]
mod support;

/// Borrowed unless it has escapes; null is empty. `Option<Cow<str>>` would allocate every time.
#[derive(Default)]
struct Str<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Str<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = Str<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("text or null")
            }
            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Borrowed(text)))
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<Str<'de>, E> {
                Ok(Str(Cow::Owned(text.to_owned())))
            }
            fn visit_unit<E: Error>(self) -> Result<Str<'de>, E> {
                Ok(Str::default())
            }
            fn visit_none<E: Error>(self) -> Result<Str<'de>, E> {
                Ok(Str::default())
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Str<'de>, D::Error> {
                deserializer.deserialize_str(Text)
            }
        }
        deserializer.deserialize_option(Text)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Webhook<'a> {
    occurred_at: i64,
    object_id: u64,
    #[serde(borrow)]
    property_name: Str<'a>,
    #[serde(borrow)]
    property_value: Str<'a>,
}

#[derive(Deserialize)]
struct Address<'a> {
    #[serde(borrow, default)]
    company: Str<'a>,
    #[serde(borrow, default)]
    city: Str<'a>,
}

#[derive(Deserialize)]
struct Rest<'a> {
    id: u64,
    #[serde(borrow)]
    updated_at: Str<'a>,
    #[serde(borrow)]
    email: Str<'a>,
    #[serde(borrow)]
    first_name: Str<'a>,
    #[serde(borrow)]
    last_name: Str<'a>,
    #[serde(borrow)]
    phone: Str<'a>,
    #[serde(borrow)]
    state: Str<'a>,
    #[serde(borrow)]
    total_spent: Str<'a>,
    #[serde(borrow)]
    default_address: Address<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EmailOf<'a> {
    #[serde(borrow)]
    email_address: Str<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PhoneOf<'a> {
    #[serde(borrow)]
    phone_number: Str<'a>,
}

#[derive(Deserialize)]
struct Amount<'a> {
    #[serde(borrow)]
    amount: Str<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Customer<'a> {
    #[serde(borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    updated_at: Str<'a>,
    #[serde(borrow)]
    first_name: Str<'a>,
    #[serde(borrow)]
    last_name: Str<'a>,
    #[serde(borrow)]
    state: Str<'a>,
    #[serde(borrow)]
    default_email_address: EmailOf<'a>,
    #[serde(borrow)]
    default_phone_number: PhoneOf<'a>,
    #[serde(borrow)]
    amount_spent: Amount<'a>,
    #[serde(borrow)]
    default_address: Address<'a>,
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    customer: Customer<'a>,
}

#[derive(Deserialize)]
struct Graphql<'a> {
    #[serde(borrow)]
    data: Data<'a>,
}

#[derive(Deserialize)]
struct Row<'a> {
    #[serde(borrow)]
    id: Str<'a>,
    #[serde(borrow)]
    lastmodifieddate: Str<'a>,
    #[serde(borrow)]
    email: Str<'a>,
    #[serde(borrow)]
    firstname: Str<'a>,
    #[serde(borrow)]
    lastname: Str<'a>,
    #[serde(borrow)]
    phone: Str<'a>,
    #[serde(borrow)]
    companyname: Str<'a>,
    #[serde(borrow)]
    billcity: Str<'a>,
    #[serde(borrow)]
    isinactive: Str<'a>,
    #[serde(borrow)]
    balance: Str<'a>,
}

/// What a hand-written program would pack its partials into.
#[derive(Default)]
struct Packed {
    arena: String,
    records: Vec<(u64, i64, u32)>,
    cells: Vec<(u16, u32, u32)>,
}

impl Packed {
    fn clear(&mut self) {
        self.arena.clear();
        self.records.clear();
        self.cells.clear();
    }

    fn push(&mut self, id: u64, token: i64, first: u16, fields: &[&Str<'_>]) {
        self.records.push((id, token, self.cells.len() as u32));
        for (slot, field) in (first..).zip(fields) {
            self.cells.push((slot, self.arena.len() as u32, field.0.len() as u32));
            self.arena.push_str(&field.0);
        }
    }
}

/// `YYYY-MM-DD?HH:MM:SS` and perhaps an offset, trusted to be well formed.
fn time(text: &str) -> i64 {
    let text = text.as_bytes();
    let n2 = |at: usize| i64::from(text[at] - b'0') * 10 + i64::from(text[at + 1] - b'0');
    let (year, month, day) = (n2(0) * 100 + n2(2), n2(5), n2(8));
    let year = if month <= 2 { year - 1 } else { year };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (153 * ((month + 9) % 12) + 2) / 5 + day - 719_469;
    let seconds = days * 86_400 + n2(11) * 3_600 + n2(14) * 60 + n2(17);
    let offset = if text.len() >= 25 { n2(20) * 3_600 + n2(23) * 60 } else { 0 };
    (if text.get(19) == Some(&b'-') { seconds + offset } else { seconds - offset }) * 1_000
}

fn webhook(body: &[u8], out: &mut Packed) {
    let item: Webhook<'_> = serde_json::from_slice(body).unwrap();
    let name = item.property_name.0.as_ref();
    let slot = ["email", "firstname", "lastname", "phone", "company", "city", "customer_status", "total_revenue"]
        .iter()
        .position(|known| *known == name);
    if let Some(slot) = slot {
        out.push(item.object_id, item.occurred_at, slot as u16, &[&item.property_value]);
    }
}

fn rest(body: &[u8], out: &mut Packed) {
    let r: Rest<'_> = serde_json::from_slice(body).unwrap();
    let a = &r.default_address;
    let fields = [&r.email, &r.first_name, &r.last_name, &r.phone, &a.company, &a.city, &r.state, &r.total_spent];
    out.push(r.id, time(&r.updated_at.0), 0, &fields);
}

fn graphql(body: &[u8], out: &mut Packed) {
    let g: Graphql<'_> = serde_json::from_slice(body).unwrap();
    let c = &g.data.customer;
    let (email, phone) = (&c.default_email_address.email_address, &c.default_phone_number.phone_number);
    let a = &c.default_address;
    let id = c.id.0.trim_start_matches("gid://shopify/Customer/").parse().unwrap();
    let fields = [email, &c.first_name, &c.last_name, phone, &a.company, &a.city, &c.state, &c.amount_spent.amount];
    out.push(id, time(&c.updated_at.0), 0, &fields);
}

fn row(body: &[u8], out: &mut Packed) {
    let r: Row<'_> = serde_json::from_slice(body).unwrap();
    let fields =
        [&r.email, &r.firstname, &r.lastname, &r.phone, &r.companyname, &r.billcity, &r.isinactive, &r.balance];
    out.push(r.id.0.parse().unwrap(), time(&r.lastmodifieddate.0), 0, &fields);
}

/// Payload number `n`.
type Body = fn(u64) -> String;
/// The hand-written decoder of a shape.
type ByHand = fn(&[u8], &mut Packed);

fn decode(criterion: &mut Criterion) {
    let model = support::model();
    let shapes: [(&str, usize, SurfaceShape, Body, ByHand); 4] = [
        ("hubspot_webhook", 0, support::hubspot_webhook(), support::hubspot_body, webhook),
        ("shopify_rest", 1, support::shopify_rest(), support::rest_body, rest),
        ("shopify_graphql", 1, support::shopify_graphql(), support::graphql_body, graphql),
        ("netsuite_suiteql", 2, support::suiteql(), support::suiteql_body, row),
    ];
    for (name, object, shape, body, by_hand) in shapes {
        let table = support::table(&model, object, &shape);
        let full = shape.named_property.is_none();
        let bodies: Vec<Vec<u8>> = (0..256).map(|n| body(n * 977).into_bytes()).collect();
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Elements(bodies.len() as u64));
        let mut batch = Batch::new();
        group.bench_function("table", |bencher| {
            bencher.iter(|| {
                batch.clear();
                let refused = table.decode_batch(bodies.iter().map(Vec::as_slice), full, &mut batch);
                assert!(refused.is_empty());
                black_box(batch.len())
            });
        });
        let mut packed = Packed::default();
        group.bench_function("struct", |bencher| {
            bencher.iter(|| {
                packed.clear();
                for body in &bodies {
                    by_hand(body, &mut packed);
                }
                black_box(packed.records.len())
            });
        });
        // Both must have done the same work, or the ratio says nothing.
        assert_eq!(batch.records().map(|record| record.cells().len()).sum::<usize>(), packed.cells.len());
        for (record, (id, token, _)) in batch.records().zip(&packed.records) {
            assert_eq!((record.id(), record.token()), (id.to_string().as_str(), Some(*token)));
        }
        group.finish();
    }
}

criterion_group!(benches, decode);
criterion_main!(benches);
