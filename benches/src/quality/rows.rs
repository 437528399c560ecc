//! Orders with defects, of which it is known how many there are.
#![expect(clippy::float_arithmetic, reason = "prices are made of cents, as doubles that a file then holds")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use accordant_bench::workload::Random;
use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;

use super::checks::{COUNTRIES, CUSTOMERS, DAY, FRESH, NOW};

/// Of each check, how many rows pass, of how many that are judged.
pub(super) type Truth = BTreeMap<&'static str, (u64, u64)>;

/// How many rows are made at once.
const BATCH: u64 = 131_072;

#[derive(Debug, Default)]
struct Rows {
    order_id: Vec<Option<String>>,
    email: Vec<Option<String>>,
    phone: Vec<Option<String>>,
    country: Vec<String>,
    quantity: Vec<i64>,
    price: Vec<f64>,
    ordered_at: Vec<i64>,
    shipped_at: Vec<Option<i64>>,
    updated_at: Vec<i64>,
    customer_id: Vec<i64>,
}

/// Makes rows one by one, and counts what is wrong with them as it decides it.
struct Orders {
    random: Random,
    truth: Truth,
    made: u64,
    known: Vec<String>,
}

impl Orders {
    /// So many times of ten thousand.
    fn sometimes(&mut self, of_ten_thousand: u64) -> bool {
        self.random.below(10_000) < of_ten_thousand
    }

    fn count(&mut self, check: &'static str, passes: bool) {
        let (good, of) = self.truth.entry(check).or_default();
        *good += u64::from(passes);
        *of += 1;
    }

    fn make(&mut self, rows: &mut Rows) {
        let number = self.made;
        self.made += 1;

        let has = !self.sometimes(5);
        self.count("order_id is there", has);
        let again = has && !self.known.is_empty() && self.sometimes(10);
        let id = match (has, again) {
            (false, _) => None,
            (true, true) => {
                let place = self.random.below(self.known.len() as u64) as usize;
                Some(self.known[place].clone())
            }
            (true, false) => Some(self.newly(number)),
        };
        if id.is_some() {
            self.count("order_id is unique", !again);
        }
        rows.order_id.push(id);

        let has = !self.sometimes(300);
        self.count("email is mostly there", has);
        let good = !self.sometimes(100);
        let (name, host) = (self.random.below(1_000_000), self.random.below(5_000));
        rows.email.push(has.then(|| match (good, name % 3) {
            (true, _) => format!("person.{name}@company{host}.example"),
            (false, 0) => format!("person.{name}.company{host}.example"),
            (false, 1) => format!("person.{name}@company{host}"),
            (false, _) => format!("person {name}@company{host}.example"),
        }));
        if has {
            self.count("email is an address", good);
        }

        let has = !self.sometimes(500);
        let good = !self.sometimes(50);
        let digits = 2_000_000_000 + self.random.below(7_999_999_999);
        rows.phone.push(
            has.then(|| if good { format!("+1{digits}") } else { format!("{}-{}", digits / 10_000, digits % 10_000) }),
        );
        if has {
            self.count("phone is a number", good);
        }

        let good = !self.sometimes(20);
        let place = self.random.below(COUNTRIES.len() as u64) as usize;
        rows.country.push(if good { COUNTRIES[place].to_owned() } else { "XX".to_owned() });
        self.count("country is one of ours", good);

        let good = !self.sometimes(30);
        let quantity = 1 + self.random.below(100) as i64;
        rows.quantity.push(if good { quantity } else { [0, -quantity, 100 + quantity][place % 3] });
        self.count("quantity is in range", good);

        let good = !self.sometimes(10);
        let cents = 1 + self.random.below(1_000_000);
        rows.price.push(if good { cents as f64 / 100.0 } else { 10_000.0 + cents as f64 });
        self.count("price is in range", good);

        let ordered = NOW - (40 + self.random.below(300) as i64) * DAY - self.random.below(86_400) as i64 * 1_000_000;
        rows.ordered_at.push(ordered);
        let has = !self.sometimes(1_000);
        let good = !self.sometimes(40);
        let after = self.random.below(5 * 86_400) as i64 * 1_000_000;
        rows.shipped_at.push(has.then_some(if good { ordered + after } else { ordered - after - 1_000_000 }));
        if has {
            self.count("shipped after it was ordered", good);
        }

        let good = !self.sometimes(100);
        let age = self.random.below(30 * 86_400) as i64 * 1_000_000;
        rows.updated_at.push(if good { NOW - age } else { NOW - FRESH - age - 1_000_000 });
        self.count("updated lately", good);

        let good = !self.sometimes(20);
        let customer = 1 + self.random.below(CUSTOMERS) as i64;
        rows.customer_id.push(if good { customer } else { CUSTOMERS as i64 + customer });
        self.count("customer is known", good);
    }

    /// The number of an order that is new. Some of them are remembered, to come again.
    fn newly(&mut self, number: u64) -> String {
        let id = format!("ORD-{number:09}");
        if self.known.len() < REMEMBERED {
            self.known.push(id.clone());
        } else if self.random.below(100) == 0 {
            let place = self.random.below(REMEMBERED as u64) as usize;
            self.known[place] = id.clone();
        }
        id
    }
}

/// How many orders are remembered, to come again.
const REMEMBERED: usize = 1_024;

/// Writes so many rows, as Parquet and as CSV, and says what is true of them.
pub(super) fn write(rows: u64, seed: u64, parquet: &Path, csv: &Path) -> Result<Truth, Box<dyn Error>> {
    let mut orders = Orders { random: Random::new(seed), truth: Truth::new(), made: 0, known: Vec::new() };
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(BATCH as usize))
        .build();
    let mut parquet_file = Some(File::create(parquet)?);
    let mut parquet: Option<ArrowWriter<File>> = None;
    let mut csv = csv::WriterBuilder::new().buffer_capacity(1 << 20).from_path(csv)?;
    while orders.made < rows {
        let mut made = Rows::default();
        for _ in 0..BATCH.min(rows - orders.made) {
            orders.make(&mut made);
        }
        let batch = made.batch()?;
        if let Some(file) = parquet_file.take() {
            csv.write_record(batch.schema().fields().iter().map(|field| field.name()))?;
            parquet = Some(ArrowWriter::try_new(file, batch.schema(), Some(properties.clone()))?);
        }
        if let Some(parquet) = &mut parquet {
            parquet.write(&batch)?;
        }
        made.write_csv(&mut csv)?;
    }
    if let Some(parquet) = parquet {
        parquet.close()?;
    }
    csv.flush()?;
    orders.truth.insert("as many rows as there are", (1, 1));
    Ok(orders.truth)
}

impl Rows {
    fn batch(&self) -> Result<RecordBatch, Box<dyn Error>> {
        let moments = |moments: Vec<Option<i64>>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(moments).with_timezone("UTC"))
        };
        let some = |moments: &[i64]| moments.iter().copied().map(Some).collect();
        Ok(RecordBatch::try_from_iter_with_nullable([
            ("order_id", Arc::new(StringArray::from_iter(&self.order_id)) as ArrayRef, true),
            ("email", Arc::new(StringArray::from_iter(&self.email)), true),
            ("phone", Arc::new(StringArray::from_iter(&self.phone)), true),
            ("country", Arc::new(StringArray::from_iter_values(&self.country)), true),
            ("quantity", Arc::new(Int64Array::from_iter_values(self.quantity.iter().copied())), true),
            ("price", Arc::new(Float64Array::from_iter_values(self.price.iter().copied())), true),
            ("ordered_at", moments(some(&self.ordered_at)), true),
            ("shipped_at", moments(self.shipped_at.clone()), true),
            ("updated_at", moments(some(&self.updated_at)), true),
            ("customer_id", Arc::new(Int64Array::from_iter_values(self.customer_id.iter().copied())), true),
        ])?)
    }

    fn write_csv(&self, csv: &mut csv::Writer<File>) -> Result<(), Box<dyn Error>> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        for row in 0..self.order_id.len() {
            csv.write_record([
                text(&self.order_id[row]),
                text(&self.email[row]),
                text(&self.phone[row]),
                self.country[row].clone(),
                self.quantity[row].to_string(),
                self.price[row].to_string(),
                moment(self.ordered_at[row]),
                self.shipped_at[row].map(moment).unwrap_or_default(),
                moment(self.updated_at[row]),
                self.customer_id[row].to_string(),
            ])?;
        }
        Ok(())
    }
}

/// Whole seconds, in RFC 3339.
fn moment(micros: i64) -> String {
    let at = accordant::chrono::DateTime::from_timestamp_micros(micros).unwrap_or_default();
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}
