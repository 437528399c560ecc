//! The inputs of the fuzz targets, replayed: what a target once stumbled over is checked in, and stays mended.

#![cfg(feature = "phone")]

use std::fs;
use std::path::Path;

#[path = "../../fuzz/src/lib.rs"]
mod targets;

/// Runs a target on everything that is checked in for it. Says how many inputs there were.
fn replayed(name: &str) -> usize {
    let (_, run) = targets::TARGETS.into_iter().find(|(target, _)| *target == name).expect("a target of that name");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    let mut paths: Vec<_> =
        fs::read_dir(folder).expect("a corpus").map(|entry| entry.expect("an input").path()).collect();
    paths.sort();
    for path in &paths {
        let input = fs::read(path).expect("an input");
        let outcome = std::panic::catch_unwind(|| run(&input));
        assert!(outcome.is_ok(), "{name} fails on {}", path.file_name().unwrap_or_default().display());
    }
    paths.len()
}

macro_rules! replays {
    ($($name:ident at least $inputs:literal),+ $(,)?) => {
        $(
            #[test]
            fn $name() {
                assert!(replayed(stringify!($name)) >= $inputs);
            }
        )+

        #[test]
        fn every_target_is_replayed() {
            let replayed = [$(stringify!($name)),+];
            assert!(targets::TARGETS.iter().all(|(name, _)| replayed.contains(name)));
        }
    };
}

replays! {
    configure at least 5,
    decode at least 15,
    fold at least 10,
    intake at least 10,
    journal at least 15,
    names at least 10,
    normalize at least 50,
    stored at least 90,
    value at least 50,
}

#[test]
fn inputs_of_no_target_are_not_kept() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus");
    for entry in fs::read_dir(folder).expect("the corpora") {
        let name = entry.expect("a corpus").file_name().into_string().expect("a name");
        let replayed = targets::TARGETS.iter().any(|(target, _)| *target == name);
        assert!(replayed || targets::ELSEWHERE.contains(&name.as_str()), "{name}");
    }
}
