//! What is watched, scene by scene. Each begins in an office of its own, so that none depends on what another left behind.

mod alert;
mod compaction;
mod erasure;
mod model;
mod pulse;
mod quality;
mod schema;

use std::error::Error;
use std::pin::Pin;

use futures::executor::block_on;

use operator::page::Page;

/// How a scene ends: if the engine refuses what it does, it is wrong.
type Played = Result<(), Box<dyn Error>>;

/// How a scene is played.
type Play = for<'p> fn(&'p mut Page) -> Pin<Box<dyn Future<Output = Played> + 'p>>;

/// One scene.
#[derive(Debug)]
pub struct Scene {
    /// The file of what it prints.
    pub name: &'static str,
    title: &'static str,
    play: Play,
}

/// All scenes, in the order in which they are told.
pub const SCENES: &[Scene] = &[
    Scene {
        name: "pulse",
        title: "1. A change that nothing told of is found by a pulse",
        play: |page| Box::pin(pulse::play(page)),
    },
    Scene {
        name: "schema",
        title: "2. A field changes in a system, and its attribute stands still",
        play: |page| Box::pin(schema::play(page)),
    },
    Scene {
        name: "model",
        title: "3. The model itself evolves, over what is stored",
        play: |page| Box::pin(model::play(page)),
    },
    Scene {
        name: "quality",
        title: "4. How good the data is, and what to do about it",
        play: |page| Box::pin(quality::play(page)),
    },
    Scene {
        name: "alert",
        title: "5. An alert is raised, and resolves itself",
        play: |page| Box::pin(alert::play(page)),
    },
    Scene {
        name: "erasure",
        title: "6. A person is erased, and is in no file of the store",
        play: |page| Box::pin(erasure::play(page)),
    },
    Scene {
        name: "compaction",
        title: "7. The journal is compacted, and comes to the same",
        play: |page| Box::pin(compaction::play(page)),
    },
];

impl Scene {
    /// Plays it: what it prints.
    ///
    /// # Errors
    ///
    /// If the engine refuses what a scene does: then the scene is wrong.
    pub fn play(&self) -> Result<String, Box<dyn Error>> {
        let mut page = Page::titled(self.title);
        block_on((self.play)(&mut page))?;
        Ok(page.into_text())
    }
}
