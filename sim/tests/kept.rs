//! Scripts that failed once and spell everything out hold ever after.

use accordant_sim::regression;
use accordant_sim::run::run;

#[test]
fn scripts_that_spell_everything_out_hold() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/regressions");
    let mut read = 0;
    for file in std::fs::read_dir(folder).expect("the folder is there") {
        let path = file.expect("it can be listed").path();
        let text = std::fs::read_to_string(&path).expect("it can be read");
        if !text.lines().any(|line| line.starts_with("system ")) {
            continue;
        }
        read += 1;
        let options = regression::read(&text).unwrap_or_else(|| panic!("{} is no script", path.display()));
        assert_eq!(run(&options, false).violations, Vec::<String>::new(), "{}", path.display());
    }
    assert!(read > 0, "there are such scripts");
}
