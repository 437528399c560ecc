//! Three systems, one day: what the generator made, until the engine plays it.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::PathBuf;

use quickstart::generate::{Feed, SEED};
use quickstart::screen::{Screen, Table};
use quickstart::world::{Moment, World};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let directory = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["generate", directory] => return Ok(Feed::of(SEED)?.write(&PathBuf::from(directory))?),
        [directory] => PathBuf::from(directory),
        _ => std::env::temp_dir().join(format!("accordant-quickstart-{}", std::process::id())),
    };
    let screen = Screen::stdout();
    Feed::of(SEED)?.write(&directory)?;
    let world = World::open(&directory)?;
    screen.section("The morning");
    let mut table = Table::new(&["system", "object", "records"]).right(2);
    for remote in world.remotes() {
        for object in remote.dialect().objects() {
            table.row([remote.dialect().system(), object, &remote.count(object).to_string()]);
        }
    }
    screen.table(&table);
    screen.section("The day");
    let mut progress = screen.progress("moments", world.moments_left());
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for moment in world.day() {
        let moment = moment?;
        let kind = match &moment {
            Moment::Delivery(delivery) => format!("{} {}", delivery.connection, delivery.topic),
            Moment::Poll { connection, .. } => format!("{connection} poll"),
        };
        *kinds.entry(kind).or_default() += 1;
        world.answered(&moment)?;
        progress.step();
    }
    progress.finish("none of them read yet");
    let mut table = Table::new(&["", ""]).right(1);
    for (kind, count) in &kinds {
        table.row([kind, &count.to_string()]);
    }
    screen.table(&table);
    Ok(())
}
