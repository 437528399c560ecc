//! The zoo on the command line.

#[cfg(accordant_zoo)]
use crate::figures::Figure;
#[cfg(accordant_zoo)]
use crate::shrink::kind;

use super::Args;
#[cfg(accordant_zoo)]
use super::proofs;

/// How many seeds a defect may go uncaught.
#[cfg(accordant_zoo)]
const MOST_SEEDS: u64 = 2000;

/// Hunts planted defects. Says whether one went uncaught.
#[cfg(accordant_zoo)]
pub(super) fn zoo(args: &Args) -> bool {
    use accordant::zoo::Bug;
    let wanted = |bug: &Bug| args.bug.as_ref().is_none_or(|name| name == bug.name());
    let bugs: Vec<Bug> = Bug::ALL.iter().copied().filter(wanted).collect();
    let known = crate::zoo::known(args.start, args.seeds, args.threads);
    println!("{:<26}{:>6}  kinds of violations that the honest engine shows in as many seeds", known.len(), args.seeds);
    for kind in &known {
        println!("{:<34}{kind}", "");
    }
    println!("{:<26}{:>6}  what the oracle found", "bug", "seeds");
    let tell = |hunt: &crate::zoo::Hunt| println!("{hunt}");
    let hunts = crate::zoo::hunt_all(&bugs, args.start, MOST_SEEDS, args.threads, &known, &tell);
    if args.report {
        let command = "RUSTFLAGS=\"--cfg accordant_zoo\" cargo run --release -p accordant-sim -- --zoo --report";
        let caught = hunts.iter().filter(|hunt| hunt.caught.is_some()).count();
        let mut figures = proofs::measured("planted defects", command)
            .figure(Figure::new("planted").count("count", hunts.len()))
            .figure(Figure::new("caught").count("count", caught))
            .figure(
                Figure::new("kinds of violations that the honest engine shows too, and that prove nothing")
                    .count("count", known.len()),
            );
        for hunt in &hunts {
            let found = hunt.caught.as_ref().map_or_else(|| "NOT CAUGHT".to_owned(), |(_, found)| kind(found));
            figures = figures.figure(Figure::new(hunt.bug.wrong()).count("seeds", hunt.seeds).says("found", &found));
        }
        proofs::keep("zoo", &figures);
    }
    let caught = hunts.iter().filter(|hunt| hunt.caught.is_some()).count();
    println!("{:<26}{caught} of {}", "caught", hunts.len());
    caught < hunts.len()
}

/// An ordinary build has no zoo.
#[cfg(not(accordant_zoo))]
pub(super) fn zoo(_: &Args) -> bool {
    println!("no defect is in this build; plant them with");
    println!("RUSTFLAGS=\"--cfg accordant_zoo\" cargo run --release -p accordant-sim -- --zoo");
    true
}

/// Plants a defect for one seed.
#[cfg(accordant_zoo)]
pub(super) fn plant(args: &Args) {
    use accordant::zoo::Bug;
    let bug = Bug::ALL.iter().copied().find(|bug| args.bug.as_deref() == Some(bug.name()));
    accordant::zoo::plant(bug);
}

#[cfg(not(accordant_zoo))]
pub(super) const fn plant(_: &Args) {}
