//! Three accounts over HTTP, customers that drift in every way, and a world that comes to rest; or says what did not.

use std::process::ExitCode;

use quickstart::screen::{Screen, Tone};
use three_systems::Failure;
use three_systems::run::run;
use three_systems::script::Weather;

const USAGE: &str = "usage: three-systems [--customers N] [--fault NAME|all|each]";

/// How many customers there are.
const CUSTOMERS: usize = 2_000;

#[tokio::main]
async fn main() -> Result<ExitCode, Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (mut customers, mut weathers) = (CUSTOMERS, vec![("fair".to_owned(), Weather::Fair)]);
    for pair in arguments.chunks(2) {
        match pair {
            [name, number] if name == "--customers" => customers = number.parse()?,
            [name, fault] if name == "--fault" && fault == "each" => {
                weathers = accordant_sandbox::names().map(|name| (name.to_owned(), Weather::One(name))).collect();
            }
            [name, fault] if name == "--fault" => {
                let known = accordant_sandbox::names().collect::<Vec<_>>().join(", ");
                let unknown = || format!("there is no fault {fault:?}; there are {known}, all and each");
                weathers = vec![(fault.clone(), Weather::named(fault).ok_or_else(unknown)?)];
            }
            _ => return Err(USAGE.into()),
        }
    }
    let screen = Screen::stdout();
    let mut kept = true;
    for (name, weather) in weathers {
        screen.line(screen.tone(Tone::Strong, &format!("\nThree systems, {customers} customers, weather: {name}")));
        let report = match run(customers, weather, Some(&screen)).await {
            Ok(report) => report,
            Err(error) => {
                screen.line(screen.tone(Tone::Bad, &format!("it could not go on: {error}")));
                kept = false;
                continue;
            }
        };
        report.print(&screen);
        for broken in report.broken() {
            screen.line(screen.tone(Tone::Bad, &format!("broken: {broken}")));
            kept = false;
        }
    }
    Ok(if kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
