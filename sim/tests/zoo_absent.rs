//! No defect of the zoo is in an ordinary build: nothing that it says, and no symbol of it.

/// What each defect does wrong, as the zoo says it.
fn sentences() -> Vec<&'static str> {
    let lines = include_str!("../../core/src/zoo.rs").lines().map(str::trim);
    lines.filter_map(|line| line.split_once(": \"")?.1.strip_suffix("\",")).collect()
}

#[test]
fn only_a_build_that_asks_for_the_zoo_has_it() {
    let sentences = sentences();
    assert!(sentences.len() >= 30, "the zoo has {} defects", sentences.len());
    let binary = std::fs::read(env!("CARGO_BIN_EXE_accordant-sim")).expect("the simulator was built");
    let text = String::from_utf8_lossy(&binary);
    assert!(text.contains("breaks the engine in a seeded world"), "this is how it would be found");
    let found = sentences.iter().filter(|sentence| text.contains(**sentence)).count();
    // How both manglings of names spell `accordant::zoo`.
    let symbols = text.contains("accordant3zoo");
    let expected = if cfg!(accordant_zoo) { (sentences.len(), true) } else { (0, false) };
    assert_eq!((found, symbols), expected);
}
