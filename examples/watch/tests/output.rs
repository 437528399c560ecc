//! What each scene prints is what is kept beside it. `UPDATE_EXPECTED=1` keeps what it prints now.
#![allow(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use watch::scenes::SCENES;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expected")
}

#[test]
fn every_scene_prints_what_is_expected() {
    for scene in SCENES {
        let printed = scene.play().expect("the scene can be played");
        let file = folder().join(scene.name).with_extension("txt");
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&file, &printed).expect("it can be kept");
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        assert_eq!(printed, expected, "{}", scene.name);
        assert_eq!(printed, scene.play().expect("again"), "the same scene twice");
    }
}

#[test]
fn nothing_is_expected_of_a_scene_that_is_not_played() {
    let kept = fs::read_dir(folder()).expect("the folder").map(|file| file.expect("a file").file_name());
    let kept: BTreeSet<String> = kept.map(|name| name.to_string_lossy().into_owned()).collect();
    let played: BTreeSet<String> = SCENES.iter().map(|scene| format!("{}.txt", scene.name)).collect();
    assert_eq!(kept, played);
}

#[test]
fn it_is_plain_text() {
    for scene in SCENES {
        let printed = scene.play().expect("the scene can be played");
        assert!(printed.chars().all(|c| c == '\n' || !c.is_control()), "{}", scene.name);
    }
}
