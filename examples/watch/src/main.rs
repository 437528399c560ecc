//! Prints what is watched, and what comes of it.

use std::io::{self, Write as _};

use watch::scenes::SCENES;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut out = io::stdout().lock();
    for scene in SCENES {
        out.write_all(scene.play()?.as_bytes())?;
    }
    Ok(())
}
