//! Scripts that failed once and spell everything out hold ever after.

use std::collections::BTreeSet;

use accordant_sim::regression;
use accordant_sim::run::run;

#[test]
fn scripts_that_spell_everything_out_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");
    let (mut read, mut acts) = (0, BTreeSet::new());
    for file in std::fs::read_dir(folder).expect("the folder is there") {
        let path = file.expect("it can be listed").path();
        let text = std::fs::read_to_string(&path).expect("it can be read");
        if !text.lines().any(|line| line.starts_with("system ")) {
            continue;
        }
        read += 1;
        let options = regression::read(&text).unwrap_or_else(|| panic!("{} is no script", path.display()));
        let outcome = run(&options, false);
        assert_eq!(outcome.violations, Vec::<String>::new(), "{}", path.display());
        acts.extend(outcome.acts.into_keys());
    }
    assert!(read > 0, "there are such scripts");
    for act in ["grant 3", "Search", "an export", "erased", "lift"] {
        assert!(acts.contains(act), "in none of them is there `{act}`: {acts:?}");
    }
}
