//! Prints who is linked, what is asked, and why.

use std::io::{self, Write as _};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    io::stdout().lock().write_all(matching::scene::play()?.as_bytes())?;
    Ok(())
}
