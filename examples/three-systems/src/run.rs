//! One run: a script in some weather, from the first contact to a quiet world, and the judge's word on it.

use accordant_sandbox::Remote as _;
use quickstart::screen::Screen;

use crate::Failure;
use crate::day::{Went, come_to_rest, decide, first_contact, play};
use crate::judge::Truth;
use crate::report::Report;
use crate::script::{Script, Weather};
use crate::world::World;

/// Runs a day of so many customers. With a screen, it says how far it is.
///
/// # Errors
///
/// If something stands in the way of the run itself. What was promised and not kept is in the report.
pub async fn run(customers: usize, weather: Weather, screen: Option<&Screen>) -> Result<Report, Failure> {
    let script = Script::of(customers, weather);
    let mut went = Went::default();
    let mut world = World::open(&script.customers).await?;
    world.start().await?;
    first_contact(&world, &mut went).await?;
    // What was made before is the morning, whether or not anybody had to wait for a limit.
    world.reach(world.now() + 60_000);
    let began = world.now();
    let mut progress = screen.map(|screen| screen.progress("things that happened", script.acts.len()));
    play(&mut world, &script, &mut went, |played| {
        for _ in 0..played {
            progress.iter_mut().for_each(quickstart::screen::Progress::step);
        }
    })
    .await?;
    if let Some(progress) = progress {
        progress.finish("a day");
    }
    come_to_rest(&world, &mut went).await?;
    let truth = Truth::of(&world.accounts, began);
    let (before, alone) = (truth.untouched(), truth.wrong(&world).0);
    decide(&world, &truth, &mut went).await?;
    come_to_rest(&world, &mut went).await?;
    let truth = Truth::of(&world.accounts, began);
    let after = truth.wrong(&world).0;
    let verdict = truth.judge(&world).await?;
    let sent = [world.accounts.hubspot.sent(), world.accounts.shopify.sent()];
    Ok(Report { before, alone, after, went, verdict, sent })
}
