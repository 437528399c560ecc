//! What linking records costs and how right it is, beside Splink.
#![expect(clippy::float_arithmetic, reason = "shares and means of what was measured")]

mod engine;
mod incremental;
mod order;
mod sets;
mod splink;
mod told;
mod truth;

use std::error::Error;
use std::io::Write;

use accordant_bench::usage::{Clocks, Nanos, peak_memory};
use accordant_identity::blocking::Scope;
use accordant_identity::cluster::{Clusters, Rails};
use accordant_identity::decision::Decisions;
use accordant_identity::linkage::{self, Linkage};
use accordant_identity::resolution::Pair;
use accordant_identity::table::Table;
use sets::Set;
use splink::Yardsticks;
use told::Told;
use truth::Truth;

/// Runs one of the commands, and says last how much was skipped.
pub(crate) fn run(what: &[&str], out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let mut told = Told::to(out);
    proof(what, &mut told)?;
    Ok(told.end()?)
}

fn proof(what: &[&str], out: &mut Told<'_>) -> Result<(), Box<dyn Error>> {
    match *what {
        ["febrl4" | "dblp_acm" | "abt_buy"] => {
            let Some(yardsticks) = Yardsticks::find(out)? else { return Ok(()) };
            let set = sets::public(&yardsticks, what[0])?;
            beside(&set, &yardsticks, out)
        }
        ["customers", records] => customers(records.parse()?, 42, out),
        ["customers", records, seed] => customers(records.parse()?, seed.parse()?, out),
        ["incremental", records] => incremental::run(records.parse()?, out),
        ["incremental", records, "--engine"] => engine::run(records.parse()?, out),
        ["order"] => order::run(1_000, out),
        ["order", orders] => order::run(orders.parse()?, out),
        ["calibration"] => calibration(out),
        _ => Err(
            "identity febrl4|dblp_acm|abt_buy|customers N [SEED]|incremental N [--engine]|order [ORDERS]|calibration"
                .into(),
        ),
    }
}

/// What a run of ours came to.
struct Ran {
    table: Table,
    linkage: Linkage,
    clusters: Clusters,
    pairs: Vec<Pair>,
    load: Nanos,
    train: Nanos,
    predict: Nanos,
    cluster: Nanos,
    /// The most memory the process had until then, in bytes.
    peak: u64,
}

fn link(set: &Set) -> Result<Ran, Box<dyn Error>> {
    let clocks = Clocks::now();
    let mut table = set.read()?;
    let load = clocks.taken().cpu;
    let clocks = Clocks::now();
    let trained = linkage::train(&table, set.scope, &Decisions::default(), &mut |_| {})?;
    let train = clocks.taken().cpu;
    // Predicting is timed on its own, with the model as if it had been stored; the trained run has its pairs already.
    let model = trained.scorer.model().clone();
    let timed = if set.again {
        drop(trained);
        let clocks = Clocks::now();
        let linked = linkage::link(&mut table, model, &mut |_| {});
        (linked, clocks.taken().cpu)
    } else {
        (trained, Nanos::default())
    };
    let (linkage, predict) = timed;
    let clocks = Clocks::now();
    let clusters = linkage.clusters(&table, &Rails::default());
    let cluster = clocks.taken().cpu;
    let peak = peak_memory();
    let pairs = if set.scope == Scope::Across {
        linkage.one_to_one(&table, &Rails::default(), 0.0).pairs
    } else {
        linkage.pairs(&clusters, 0.0)
    };
    Ok(Ran { table, linkage, clusters, pairs, load, train, predict, cluster, peak })
}

fn tell(set: &Set, ran: &Ran, out: &mut dyn Write) -> Result<(), Box<dyn Error>> {
    let known = (set.truth)()?;
    let truth = Truth::new(&known, &ran.table);
    let peak = ran.peak / (1 << 20);
    writeln!(out, "{}: {} records, {} pairs compared", set.name, ran.table.rows(), ran.linkage.candidates.pairs.len())?;
    writeln!(
        out,
        "  CPU s: load {}, train and predict {}, predict with a stored model {}, cluster {}; peak {peak} MB",
        ran.load, ran.train, ran.predict, ran.cluster
    )?;
    let own = linkage_alone(ran);
    writeln!(out, "  pairs on their own:    {}", truth.judge(&own))?;
    writeln!(out, "  pairs in the light of others: {}", truth.judge(&ran.pairs))?;
    if set.scope == Scope::Within {
        writeln!(out, "  clusters: {}", truth.clusters(&ran.clusters))?;
    }
    Ok(())
}

fn linkage_alone(ran: &Ran) -> Vec<Pair> {
    accordant_identity::resolution::alone(
        ran.linkage.scorer.model(),
        &ran.linkage.candidates.pairs,
        &ran.linkage.weights,
    )
}

fn beside(set: &Set, yardsticks: &Yardsticks, out: &mut Told<'_>) -> Result<(), Box<dyn Error>> {
    let ran = link(set)?;
    tell(set, &ran, out)?;
    let ours = Nanos(ran.load.0 + ran.train.0 + ran.cluster.0);
    let predicting = Nanos(ran.predict.0 + ran.cluster.0);
    if let Some(theirs) = yardsticks.splink(&set.script, out)? {
        writeln!(out, "  splink: {}", theirs.told)?;
        let ratio = |theirs: f64, ours: Nanos| theirs / (ours.0.max(1) as f64 / 1e9);
        writeln!(
            out,
            "  splink takes {:.1} times as much end to end ({:.2} s, {ours} s)",
            ratio(theirs.total, ours),
            theirs.total
        )?;
        if predicting.0 > ran.cluster.0 {
            let (told, ours) = (theirs.predicting, predicting);
            writeln!(
                out,
                "  splink takes {:.1} times as much to predict and cluster ({told:.2} s, {ours} s)",
                ratio(told, ours)
            )?;
        }
    }
    Ok(())
}

fn customers(records: usize, seed: u64, out: &mut Told<'_>) -> Result<(), Box<dyn Error>> {
    // First what is held against a goal: the most memory that a process had is told of all that it did.
    if let Some(yardsticks) = Yardsticks::find(out)? {
        beside(&sets::customers(&yardsticks, records, seed)?, &yardsticks, out)?;
    }
    let own = sets::generated(records, seed);
    tell(&own, &link(&own)?, out)
}

fn calibration(out: &mut Told<'_>) -> Result<(), Box<dyn Error>> {
    let mut all = vec![sets::generated(100_000, 7)];
    // Their files go with them.
    let yardsticks = Yardsticks::find(out)?;
    if let Some(yardsticks) = &yardsticks {
        for name in ["febrl4", "dblp_acm", "abt_buy"] {
            all.push(sets::public(yardsticks, name)?);
        }
        all.push(sets::customers(yardsticks, 100_000, 7)?);
    }
    for set in all {
        let ran = link(&set)?;
        let known = (set.truth)()?;
        let truth = Truth::new(&known, &ran.table);
        writeln!(out, "{}: {}", set.name, truth.judge(&ran.pairs))?;
        write!(out, "{}", truth.reliability(&ran.pairs))?;
    }
    Ok(())
}
