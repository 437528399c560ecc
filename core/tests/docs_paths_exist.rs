//! The documentation names nothing that is not there: no path, and no test.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the workspace").to_owned()
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn markdown_below(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("an entry of a folder").path();
        if path.is_dir() {
            markdown_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            found.push(path);
        }
    }
}

/// What stands between backticks, outside of code blocks.
fn backticked(text: &str) -> Vec<&str> {
    let mut spans = Vec::new();
    let mut fenced = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            spans.extend(line.split('`').skip(1).step_by(2));
        }
    }
    spans
}

/// Whether a text is meant as a path from the root of the repository.
fn looks_like_a_path(text: &str) -> bool {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    let ends = [".rs", ".md", ".toml", "/"].iter().any(|end| text.ends_with(end));
    plain && ends && text.contains('/')
}

#[test]
fn docs_paths_exist() {
    let root = root();
    let mut documents: Vec<PathBuf> =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "benches/README.md", "sim/FINDINGS.md"]
            .iter()
            .map(|name| root.join(name))
            .collect();
    markdown_below(&root.join("docs"), &mut documents);
    documents.sort();

    let mut missing = Vec::new();
    for document in &documents {
        for span in backticked(&read(document)) {
            if looks_like_a_path(span) && !root.join(span).exists() {
                missing.push(format!("{}: `{span}`", document.display()));
            }
        }
    }
    assert!(missing.is_empty(), "paths that are not there:\n{}", missing.join("\n"));
}

/// The documents whose rules are law: each names the tests that pin it as `file::test_name`, and how many rules there are at least.
const NORMATIVE: [(&str, usize); 2] = [("docs/semantics.md", 40), ("docs/identity.md", 35)];

#[test]
fn every_test_that_a_rule_names_exists() {
    for (document, _) in NORMATIVE {
        names_tests_that_exist(document);
    }
}

fn names_tests_that_exist(document: &str) {
    let root = root();
    let text = read(&root.join(document));
    let mut named = 0;
    let mut missing = Vec::new();
    for span in backticked(&text) {
        let Some((file, test)) = span.split_once("::") else { continue };
        if !file.ends_with(".rs") {
            continue;
        }
        named += 1;
        let path = root.join(file);
        let found = path.is_file() && read(&path).contains(&format!("fn {test}("));
        if !found {
            missing.push(span);
        }
    }
    assert!(named > 0, "{document} names its tests as `file::test_name`");
    assert!(missing.is_empty(), "{document} names tests that are not there:\n{}", missing.join("\n"));
}

/// The bullets of a text, each with the lines that go on with it.
fn bullets(text: &str) -> Vec<String> {
    let mut bullets: Vec<String> = Vec::new();
    let mut within = false;
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("- ") {
            bullets.push(rest.to_owned());
            within = true;
        } else if within && line.starts_with("  ") {
            if let Some(bullet) = bullets.last_mut() {
                bullet.push(' ');
                bullet.push_str(line.trim());
            }
        } else {
            within = false;
        }
    }
    bullets
}

#[test]
fn every_rule_names_a_test() {
    for (document, fewest) in NORMATIVE {
        let rules = bullets(&read(&root().join(document)));
        assert!(rules.len() > fewest, "{document} is a list of {} rules", rules.len());
        let names_a_test = |rule: &String| backticked(rule).iter().any(|span| span.contains(".rs::"));
        let unpinned: Vec<&String> = rules.iter().filter(|rule| !names_a_test(rule)).collect();
        assert!(unpinned.is_empty(), "{document} has rules that no test pins:\n{unpinned:#?}");
    }
}

/// The source that defines a function, from its signature on; `None`: it is not there.
fn definition(span: &str) -> Option<String> {
    let (file, name) = span.split_once(".rs::")?;
    let path = root().join(format!("{file}.rs"));
    let source = if path.is_file() { read(&path) } else { return None };
    let at = source.find(&format!("fn {name}("))?;
    let line = source.get(..at)?.rfind('\n').map_or(0, |end| end + 1);
    source.get(line..).map(ToOwned::to_owned)
}

/// The lines of a function, up to the brace at the depth of its signature.
fn body(definition: &str) -> String {
    let depth = definition.len() - definition.trim_start_matches(' ').len();
    let end = format!("{}}}", " ".repeat(depth));
    definition.lines().take_while(|line| *line != end).collect::<Vec<_>>().join("\n")
}

/// Of permissions and erasure, every rule has a test over what is drawn at random, or says that what it ranges over is enumerated;
/// and a rule of the simulator, or says why not.
#[test]
fn every_rule_of_permissions_and_erasure_has_a_property_and_a_rule_in_the_simulator() {
    let text = read(&root().join("docs/permissions-and-erasure.md"));
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
    let rows: Vec<Vec<String>> = text.lines().filter(|line| line.starts_with("| ")).map(cells).collect();
    let rules: Vec<&Vec<String>> = rows.iter().filter(|row| row[1] != "rule" && !row[1].starts_with("---")).collect();
    assert!(rules.len() > 20, "the rules are a table");
    for row in rules {
        let [_, rule, property, simulator, _] = &row[..] else { panic!("{row:?} has not three cells") };
        let properties = backticked(property);
        assert!(!properties.is_empty(), "{rule}: no test is named");
        for span in properties {
            let test = definition(span).unwrap_or_else(|| panic!("{rule}: `{span}` is not there"));
            let drawn = test.split('{').next().is_some_and(|signature| signature.contains(" in "));
            assert!(drawn || property.starts_with("enumerated: "), "{rule}: `{span}` draws nothing at random");
        }
        let judged = backticked(simulator);
        assert!(!judged.is_empty() || simulator.starts_with("not judged: "), "{rule}: the simulator is not named");
        for span in judged.into_iter().filter(|span| span.contains('/')) {
            let judge = definition(span).unwrap_or_else(|| panic!("{rule}: `{span}` is not there"));
            let accuses = ["accuse(", "found.push("].iter().any(|accuses| body(&judge).contains(accuses));
            assert!(accuses, "{rule}: `{span}` accuses nobody");
        }
    }
}
