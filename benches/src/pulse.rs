//! How old verifications get where a connection allows fewer calls than its checks ask for, by priority: beside the bound that is
//! computed beforehand.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use accordant::check::{Account, Budget, Cadence, Check, Load, Priority, age_bound, choose};
use accordant::chrono::{NaiveTime, TimeDelta};
use accordant::id::ConnectionName;
use accordant_bench::usage::{Clocks, peak_memory};

const HOUR: i64 = 60 * 60 * 1000;

/// In percent: what is checked every hour, every six, every day, every week.
const SHARES: [(Priority, u64); 4] =
    [(Priority::Critical, 1), (Priority::High, 9), (Priority::Normal, 40), (Priority::Low, 50)];

/// `pulse --entities N [--calls-a-day N] [--days N]`: one check per entity, each a call; checks are chosen every hour, and a fifth of
/// the calls is reserved.
pub(crate) fn run(arguments: &[&str], out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let (mut entities, mut calls, mut days) = (1_000_000_u64, 500_000_u32, 60_i64);
    for pair in arguments.chunks(2) {
        match *pair {
            ["--entities", number] => entities = number.parse()?,
            ["--calls-a-day", number] => calls = number.parse()?,
            ["--days", number] => days = number.parse()?,
            _ => return Err("pulse --entities N [--calls-a-day N] [--days N]".into()),
        }
    }
    let connection = ConnectionName::new("crm");
    let cadence = Cadence::default();
    // HubSpot's allowance of a private app, at the time of writing: 190 calls in ten seconds.
    let budget = Budget::new(190, TimeDelta::seconds(10))?.bursting(60_000)?.daily(calls, NaiveTime::MIN)?;
    let loads = SHARES.map(|(priority, percent)| Load { priority, checks: entities * percent / 100, cost: 1 });
    let bounds = age_bound(&loads, &budget, &cadence, TimeDelta::hours(1))?;
    let mut checks: Vec<(Priority, i64)> = Vec::new();
    for load in &loads {
        // They came to be known one after the other, over the first interval.
        let interval = cadence.of(load.priority).num_milliseconds();
        let mut known = 0_i64;
        for _ in 0..load.checks {
            known = (known + 7_919 * 1000) % interval;
            checks.push((load.priority, known - interval));
        }
    }
    let mut account = Account::full(&budget, 0);
    // When half of the time is over, how things began shows no more.
    let (mut ages, mut spent, mut chosen_in_all): (BTreeMap<Priority, Vec<i64>>, u64, u64) = Default::default();
    let clocks = Clocks::now();
    for hour in 1..=days * 24 {
        let now = hour * HOUR;
        let due = checks.iter().enumerate().map(|(what, (priority, since))| Check {
            what,
            connection: connection.clone(),
            priority: *priority,
            since: *since,
            cost: 1,
        });
        let budgets = BTreeMap::from([(connection.clone(), (budget, account))]);
        let chosen = choose(due, &budgets, &cadence, now)?;
        let cost = chosen.cost.values().sum();
        account.spend_checks(&budget, cost, now);
        spent += u64::from(cost);
        chosen_in_all += chosen.checks.len() as u64;
        for what in chosen.checks {
            let Some((priority, since)) = checks.get_mut(what) else { continue };
            if hour > days * 12 {
                ages.entry(*priority).or_default().push(now - *since);
            }
            *since = now;
        }
    }
    let taken = clocks.taken();
    for (priority, since) in &checks {
        // Those that were never verified since count with the age that they have.
        ages.entry(*priority).or_default().push(days * 24 * HOUR - since);
    }
    writeln!(
        out,
        r#"{{"entities":{entities},"calls_a_day":{calls},"reserved_percent":20,"days":{days},"calls_of_checks_a_day":{},"checks_made":{chosen_in_all},"cpu_seconds":{},"wall_seconds":{},"peak_rss_bytes":{}}}"#,
        spent / u64::try_from(days)?.max(1),
        taken.cpu,
        taken.wall,
        peak_memory(),
    )?;
    for (priority, mut ages) in ages {
        ages.sort_unstable();
        let at = |percent: usize| ages.get((ages.len() - 1) * percent / 100).copied().unwrap_or(0);
        let hours = |milliseconds: i64| format!("{}.{}", milliseconds / HOUR, milliseconds % HOUR * 10 / HOUR);
        writeln!(
            out,
            r#"{{"priority":"{priority}","interval_hours":{},"age_hours":{{"p50":{},"p99":{},"max":{}}},"bound_hours":{}}}"#,
            cadence.of(priority).num_hours(),
            hours(at(50)),
            hours(at(99)),
            hours(at(100)),
            hours(bounds.get(&priority).map_or(0, TimeDelta::num_milliseconds)),
        )?;
    }
    Ok(())
}
