//! The three accounts together, and what is switched on in all of them: faults, and scenes.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;

use crate::fault::Fault;
use crate::ledger::Entry;
use crate::scene::Scene;
use crate::{Chance, Faults, HubSpot, NetSuite, Shopify};

/// The three accounts.
#[derive(Debug)]
pub struct Accounts {
    /// A HubSpot account.
    pub hubspot: Arc<HubSpot>,
    /// A Shopify shop.
    pub shopify: Arc<Shopify>,
    /// A NetSuite account.
    pub netsuite: Arc<NetSuite>,
    chance: Chance,
    /// How many contacts there are at least when an import touches all of them.
    rows: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    on: BTreeSet<&'static str>,
    /// The contacts that a scene archived.
    archived: Vec<String>,
}

/// Something that can be switched on and off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Switch {
    /// Its name.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// Whether it is on.
    pub on: bool,
}

/// No fault and no scene has this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownSwitch(pub String);

impl fmt::Display for UnknownSwitch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no fault {:?}; there are {}", self.0, names().collect::<Vec<_>>().join(", "))
    }
}

impl std::error::Error for UnknownSwitch {}

/// The names of all faults and scenes.
pub fn names() -> impl Iterator<Item = &'static str> {
    Fault::ALL.iter().map(|fault| fault.name).chain(Scene::ALL.iter().map(|scene| scene.name))
}

impl Accounts {
    /// Three accounts without a fault. What scenes choose is drawn from `seed`; an import makes contacts until there are
    /// `rows` of them, so that more records share an instant than a search can be paged through.
    #[must_use]
    pub fn new(hubspot: Arc<HubSpot>, shopify: Arc<Shopify>, netsuite: Arc<NetSuite>, seed: u64, rows: usize) -> Self {
        Self { hubspot, shopify, netsuite, chance: Chance::new(seed), rows, state: Mutex::default() }
    }

    /// Switches a fault on or off, or begins or ends a scene; what that did, in words.
    ///
    /// # Errors
    ///
    /// [`UnknownSwitch`].
    pub fn switch(&self, name: &str, on: bool) -> Result<String, UnknownSwitch> {
        if let Some(fault) = Fault::ALL.iter().find(|fault| fault.name == name) {
            let mut state = self.state();
            if on {
                state.on.insert(fault.name)
            } else {
                state.on.remove(fault.name)
            };
            let faulty = state.on.iter().filter(|name| Fault::ALL.iter().any(|fault| fault.name == **name));
            let faults = faulty.copied().try_fold(Faults::default(), Faults::with);
            let faults = faults.unwrap_or_default();
            self.hubspot.faults(faults);
            self.shopify.faults(faults);
            self.netsuite.faults(faults);
            return Ok(if on { fault.about.to_owned() } else { "no longer".to_owned() });
        }
        let unknown = || UnknownSwitch(name.to_owned());
        let scene = Scene::ALL.iter().find(|scene| scene.name == name).ok_or_else(unknown)?;
        match scene.end {
            _ if on => {
                if scene.end.is_some() {
                    self.state().on.insert(scene.name);
                }
                Ok((scene.begin)(self))
            }
            Some(end) => {
                self.state().on.remove(scene.name);
                Ok(end(self))
            }
            None => Ok("nothing to undo".to_owned()),
        }
    }

    /// All faults and scenes. A scene that nothing undoes is never on: it happens.
    #[must_use]
    pub fn switches(&self) -> Vec<Switch> {
        let state = self.state();
        let faults = Fault::ALL.iter().map(|fault| Switch {
            name: fault.name,
            about: fault.about,
            on: state.on.contains(fault.name),
        });
        let scenes = Scene::ALL.iter().map(|scene| Switch {
            name: scene.name,
            about: scene.about,
            on: state.on.contains(scene.name),
        });
        faults.chain(scenes).collect()
    }

    /// What was done to each account so far, by people and through the interface, in its order.
    #[must_use]
    pub fn ledgers(&self) -> [(&'static str, Vec<Entry>); 3] {
        [("hubspot", self.hubspot.ledger()), ("shopify", self.shopify.ledger()), ("netsuite", self.netsuite.ledger())]
    }

    pub(crate) const fn chance(&self) -> &Chance {
        &self.chance
    }

    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// Remembers what was archived, beside what was before.
    pub(crate) fn remember_archived(&self, ids: Vec<String>) {
        self.state().archived.extend(ids);
    }

    /// All that was archived and not restored.
    pub(crate) fn take_archived(&self) -> Vec<String> {
        std::mem::take(&mut self.state().archived)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::names;

    #[test]
    fn no_two_switches_share_a_name() {
        assert_eq!(names().collect::<BTreeSet<_>>().len(), names().count());
    }
}
