//! The day, scene by scene. Each begins in an office of its own, so that none depends on what another left behind.

mod desk;
mod letters;
mod lifetimes;
mod people;
mod plans;
mod rollout;
mod standing;
mod two_people;
mod what_if;

use std::pin::Pin;

use accordant::Error;
use futures::executor::block_on;

use crate::page::Page;

/// How a scene is played.
type Play = for<'p> fn(&'p mut Page) -> Pin<Box<dyn Future<Output = Result<(), Error>> + 'p>>;

/// One scene.
#[derive(Debug)]
pub struct Scene {
    /// The file of what it prints.
    pub name: &'static str,
    title: &'static str,
    play: Play,
}

/// All scenes, in the order of the day.
pub const SCENES: &[Scene] = &[
    Scene {
        name: "desk",
        title: "08:00  Two people at once, and a third who decides",
        play: |page| Box::pin(desk::play(page)),
    },
    Scene {
        name: "rollout",
        title: "09:00  A connection is paused, and catches up",
        play: |page| Box::pin(rollout::play(page)),
    },
    Scene { name: "plans", title: "10:30  A plan goes from hand to hand", play: |page| Box::pin(plans::play(page)) },
    Scene {
        name: "lifetimes",
        title: "11:30  How long a decision holds",
        play: |page| Box::pin(lifetimes::play(page)),
    },
    Scene {
        name: "two_people",
        title: "13:00  A held change takes two people",
        play: |page| Box::pin(two_people::play(page)),
    },
    Scene {
        name: "standing",
        title: "14:00  A standing approval is given, used and withdrawn",
        play: |page| Box::pin(standing::play(page)),
    },
    Scene {
        name: "letters",
        title: "15:30  A mapping is mended, and what came meanwhile is tried again",
        play: |page| Box::pin(letters::play(page)),
    },
    Scene {
        name: "what_if",
        title: "16:00  A policy is proposed, and looked at before it is deployed",
        play: |page| Box::pin(what_if::play(page)),
    },
];

impl Scene {
    /// Plays it: what it prints.
    ///
    /// # Errors
    ///
    /// If the engine refuses what a scene does: then the scene is wrong.
    pub fn play(&self) -> Result<String, Error> {
        let mut page = Page::titled(self.title);
        block_on((self.play)(&mut page))?;
        Ok(page.into_text())
    }
}
