//! Prints a day of the people who run Accordant.

use std::io::{self, Write as _};

use operator::day::SCENES;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    for scene in SCENES {
        out.write_all(scene.play()?.as_bytes())?;
    }
    Ok(())
}
