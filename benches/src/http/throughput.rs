//! How fast each connector reads and writes, alone, and what the systems counted of it at their limits.

#![expect(clippy::disallowed_methods, reason = "a rate is one of real time")]

use std::time::{Duration, Instant};

use accordant::connector::{Connector, Outcome, Write, WriteAction};
use accordant::fingerprint::Fingerprint;
use accordant::id::SurfaceName;
use accordant::model::Path;
use accordant::value::Native;
use accordant_sandbox::{hubspot, shopify};
use serde_json::json;

use super::{Failure, Stage, phone};

/// How many customers each account has.
const CUSTOMERS: usize = 3_000;
/// How many writes make a batch.
const BATCH: usize = 100;
/// How long an answer of NetSuite's is on its way: without a way, nothing is ever there at once.
const WAY: Duration = Duration::from_millis(50);
/// Of a hundred, so many of what a system allows are to be used.
const TARGET_USED_PERCENT: u64 = 95;

/// What was done in some time.
struct Done {
    records: usize,
    took: Duration,
}

impl Done {
    fn per_second(&self) -> u64 {
        (self.records as u64 * 1_000)
            .checked_div(u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX))
            .unwrap_or_default()
    }
}

/// Measures for so long each: the three connectors beside each other, since none knows of the others.
pub(super) async fn measure(lasts: Duration) -> Result<Vec<String>, Failure> {
    let stage = Stage::set(hubspot::Settings::default(), WAY).await?;
    let mut ids: [Vec<String>; 3] = Default::default();
    for number in 0..CUSTOMERS {
        let (email, last) = (format!("c{number}@customers.example"), format!("Last {number}"));
        ids[0].push(stage.hubspot.person("ana").creates("contacts", &json!({ "email": email, "lastname": last }))?);
        ids[1].push(stage.shopify.merchant().creates(&json!({ "email": email, "lastName": last }))?);
        let own = [("isperson", "T"), ("email", email.as_str()), ("lastname", last.as_str())];
        ids[2].push(stage.netsuite.edit("customer", None, &own));
    }
    let connectors = stage.connectors(None).await?;
    let [contacts, customers, rows] = &ids;
    let (hubspot, shopify, netsuite) = tokio::try_join!(
        of_hubspot(&stage, &connectors.hubspot, contacts, lasts),
        of_shopify(&stage, &connectors.shopify, customers, lasts),
        of_netsuite(&stage, &connectors.netsuite, rows, lasts),
    )?;
    Ok([hubspot, shopify, netsuite].concat())
}

/// Reads a surface over and over, and counts the records.
async fn read(connector: &dyn Connector, surface: &str, lasts: Duration) -> Result<Done, Failure> {
    let (began, mut after, mut records) = (Instant::now(), None, 0);
    while began.elapsed() < lasts {
        let page = connector.read_page(&SurfaceName::from(surface), after.take()).await?;
        records += page.items.len();
        // At its end, from the beginning.
        after = page.next.filter(|_| page.more);
    }
    Ok(Done { records, took: began.elapsed() })
}

/// Writes a mobile number, or a first name where there is none, into one record after the other.
async fn write(
    connector: &dyn Connector,
    object: &str,
    path: &str,
    ids: &[String],
    lasts: Duration,
) -> Result<Done, Failure> {
    let (began, mut records, mut number) = (Instant::now(), 0, 0);
    while began.elapsed() < lasts {
        let batch: Vec<Write> = (0..BATCH)
            .map(|_| {
                number += 1;
                Write {
                    object: object.into(),
                    action: WriteAction::Update { id: ids[number % ids.len()].as_str().into() },
                    changes: vec![(Path::new(path), Native::Text(phone(number).into()))],
                    expect: Vec::new(),
                    expect_token: None,
                    idempotency_key: Fingerprint::new().bytes(&number.to_be_bytes()).finish(),
                }
            })
            .collect();
        for receipt in connector.write_batch(batch).await? {
            match receipt.outcome {
                Outcome::Applied { .. } => records += 1,
                other => return Err(format!("{object}: {other:?}").into()),
            }
        }
    }
    Ok(Done { records, took: began.elapsed() })
}

fn rate(connector: &str, what: &str, done: &Done) -> String {
    format!(
        r#"{{"figure":"records_per_second","connector":"{connector}","of":"{what}","records":{},"seconds":{},"per_second":{}}}"#,
        done.records,
        done.took.as_secs(),
        done.per_second(),
    )
}

/// What a system counted at a limit.
struct Counted {
    connector: &'static str,
    of: &'static str,
    /// The most in one window, or at once.
    most: u64,
    /// What there may be in one.
    limit: u64,
    refused: u64,
    /// What was used all the while, and what was allowed.
    used: u64,
    allowed: u64,
}

impl Counted {
    fn told(&self) -> String {
        let Self { connector, of, most, limit, refused, used, allowed } = self;
        let percent = |part: u64, whole: u64| (part * 100).checked_div(whole).unwrap_or_default();
        format!(
            r#"{{"figure":"limit_used","connector":"{connector}","of":"{of}","most":{most},"limit":{limit},"percent":{},"target_percent":{TARGET_USED_PERCENT},"refused":{refused},"used":{used},"allowed":{allowed},"percent_all_the_while":{}}}"#,
            percent(*most, *limit),
            percent(*used, *allowed),
        )
    }
}

/// What was used and what was allowed in the windows since, as the system counted them one behind the other: in those that are
/// whole, since the first of them began before, and the last is not over.
fn whole(windows: &[usize], first: usize, limit: usize) -> (u64, u64) {
    let whole = windows.get(first..windows.len().saturating_sub(1)).unwrap_or_default();
    (whole.iter().sum::<usize>() as u64, (whole.len() * limit) as u64)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

async fn of_hubspot(
    stage: &Stage,
    connector: &accordant_hubspot::HubSpot,
    ids: &[String],
    lasts: Duration,
) -> Result<Vec<String>, Failure> {
    let [first, _] = stage.hubspot.windows().map(|windows| windows.len());
    let scan = read(connector, "contacts.scan", lasts).await?;
    let write = write(connector, "contacts", "properties.mobilephone", ids, lasts).await?;
    let ([after, _], [windows, _]) = (stage.hubspot.traffic(), stage.hubspot.windows());
    let (used, allowed) = whole(&windows, first, after.limit);
    let requests = Counted {
        connector: "hubspot",
        of: "requests in rolling windows of 10 s",
        most: after.most as u64,
        limit: after.limit as u64,
        refused: after.refused,
        used,
        allowed,
    };
    let [_, first] = stage.hubspot.windows().map(|windows| windows.len());
    let poll = read(connector, "contacts.search", lasts).await?;
    let ([_, after], [_, windows]) = (stage.hubspot.traffic(), stage.hubspot.windows());
    let (used, allowed) = whole(&windows, first, after.limit);
    let searches = Counted {
        connector: "hubspot",
        of: "searches in rolling windows of 1 s",
        most: after.most as u64,
        limit: after.limit as u64,
        refused: after.refused,
        used,
        allowed,
    };
    let rates =
        [("scan", &scan), ("poll", &poll), ("batch write", &write)].map(|(what, done)| rate("hubspot", what, done));
    Ok(rates.into_iter().chain([requests.told(), searches.told()]).collect())
}

async fn of_shopify(
    stage: &Stage,
    connector: &accordant_shopify::Shopify,
    ids: &[String],
    lasts: Duration,
) -> Result<Vec<String>, Failure> {
    let scan = read(connector, "customers.bulk", lasts).await?;
    // The bucket that was full is used up first: what counts is what comes back.
    read(connector, "customers.search", Duration::from_secs(1)).await?;
    let (began, before) = (Instant::now(), stage.shopify.points());
    let poll = read(connector, "customers.search", lasts).await?;
    let write = write(connector, "customers", "firstName", ids, lasts).await?;
    let after = stage.shopify.points();
    let came = u64::from(shopify::Settings::default().per_second) * millis(began.elapsed()) / 1_000;
    let (used, allowed) = (after.spent - before.spent, before.left + came);
    let points = Counted {
        connector: "shopify",
        of: "points, once the full bucket was used up",
        most: used,
        limit: before.left + came,
        refused: after.refused,
        used,
        allowed,
    };
    let rates =
        [("scan", &scan), ("poll", &poll), ("batch write", &write)].map(|(what, done)| rate("shopify", what, done));
    Ok(rates.into_iter().chain([points.told()]).collect())
}

async fn of_netsuite(
    stage: &Stage,
    connector: &accordant_netsuite::NetSuite,
    ids: &[String],
    lasts: Duration,
) -> Result<Vec<String>, Failure> {
    let scan = read(connector, "customer.scan", lasts).await?;
    let poll = read(connector, "customer.suiteql", lasts).await?;
    let (began, before) = (Instant::now(), stage.netsuite.traffic());
    let write = write(connector, "customer", "mobilephone", ids, lasts).await?;
    let (after, took) = (stage.netsuite.traffic(), began.elapsed());
    // Each request is there for as long as its answer is on its way.
    let at_once = Counted {
        connector: "netsuite",
        of: "requests at once; all the while: milliseconds of them",
        most: after.most as u64,
        limit: after.limit as u64,
        refused: after.refused,
        used: (after.let_through - before.let_through) * millis(WAY),
        allowed: after.limit as u64 * millis(took),
    };
    let rates =
        [("scan", &scan), ("poll", &poll), ("batch write", &write)].map(|(what, done)| rate("netsuite", what, done));
    Ok(rates.into_iter().chain([at_once.told()]).collect())
}
