//! What the scene prints is what is kept beside it. `UPDATE_EXPECTED=1` keeps what it prints now.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

#[test]
fn the_scene_prints_what_is_expected() {
    let printed = matching::scene::play().expect("the scene can be played");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected/matching.txt");
    if std::env::var_os("UPDATE_EXPECTED").is_some() {
        fs::write(&file, &printed).expect("it can be kept");
    }
    assert_eq!(printed, fs::read_to_string(&file).unwrap_or_default());
    assert_eq!(printed, matching::scene::play().expect("again"), "the same scene twice");
}

#[test]
fn it_is_plain_text_and_fits_a_screen() {
    let printed = matching::scene::play().expect("the scene can be played");
    assert!(printed.chars().all(|c| c == '\n' || !c.is_control()));
    assert!(printed.lines().all(|line| line.chars().count() <= 120), "{printed}");
}
