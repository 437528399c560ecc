//! The office: people with roles, which admins give and take. What a rank may do and see is spelled out here, and not asked of the
//! engine.

use std::sync::Arc;

use accordant::role::{Role, Roles};
use accordant::{Actor, Error, Tenant};

use crate::design::ATTRIBUTES;
use crate::scene::Scene;

/// The people of the office. Ana and Ben are admins by configuration, and none of them.
pub const OFFICE: [&str; 3] = ["vera", "omar", "zoe"];

/// The ranks: 0 is none, 1 looks, 2 works on cases, 3 lets writes through, and this one does all.
pub const ADMIN: usize = 4;

/// The attribute that is personal data; so is the key.
pub const PERSONAL: usize = 0;

/// From which rank on an attribute is shown: personal data from 2, the last of several from 3.
#[must_use]
pub const fn to_see(attribute: usize, attributes: usize) -> usize {
    match attribute {
        PERSONAL => 2,
        last if last + 1 == attributes => 3,
        _ => 1,
    }
}

/// From which rank on an attribute is decided: the last of several by admins.
#[must_use]
pub const fn to_decide(attribute: usize, attributes: usize) -> usize {
    if attribute > 0 && attribute + 1 == attributes { ADMIN } else { 2 }
}

/// From which rank on everything is shown.
#[must_use]
pub const fn to_see_all(attributes: usize) -> usize {
    if attributes > 1 { 3 } else { 2 }
}

/// The same, as the engine is told.
#[must_use]
pub fn roles(attributes: usize) -> Roles {
    let roles = Roles::new(&Actor::new("ana")).admin(&Actor::new("ben"));
    match attributes {
        0 | 1 => roles,
        _ => {
            let last = ATTRIBUTES[attributes - 1];
            roles.read_from("thing", last, Role::Approver).decide_from("thing", last, Role::Admin)
        }
    }
}

const fn role(rank: usize) -> Option<Role> {
    match rank {
        0 => None,
        1 => Some(Role::Viewer),
        2 => Some(Role::Operator),
        3 => Some(Role::Approver),
        _ => Some(Role::Admin),
    }
}

/// Who has which rank.
#[derive(Debug, Clone, Copy)]
pub struct Office {
    /// None: it is being changed, or nobody knows what came of that.
    ranks: [Option<usize>; OFFICE.len()],
    /// How often anything was changed.
    changes: u64,
    /// Who tries something just now.
    busy: [bool; OFFICE.len()],
}

impl Default for Office {
    fn default() -> Self {
        Self { ranks: [Some(0); OFFICE.len()], changes: 0, busy: [false; OFFICE.len()] }
    }
}

impl Office {
    /// What somebody's rank is, if that is known, and since which change.
    #[must_use]
    pub const fn rank(&self, who: usize) -> Option<(usize, u64)> {
        match self.ranks[who] {
            Some(rank) => Some((rank, self.changes)),
            None => None,
        }
    }

    /// Somebody tries something. Says whether they do: whoever is busy does one thing at a time.
    #[must_use]
    pub const fn begins(&mut self, who: usize) -> bool {
        !std::mem::replace(&mut self.busy[who], true)
    }

    /// What somebody tried has come to its end.
    pub const fn ends(&mut self, who: usize) {
        self.busy[who] = false;
    }

    /// Nobody waits for anything any more: the process is dead.
    pub const fn all_end(&mut self) {
        self.busy = [false; OFFICE.len()];
    }

    const fn set(&mut self, who: usize, rank: Option<usize>) {
        self.ranks[who] = rank;
        self.changes += 1;
    }
}

/// An admin gives somebody a rank, or takes it.
///
/// # Errors
///
/// If the store fails.
pub async fn grant(tenant: &Tenant, scene: &Arc<Scene>, who: usize, rank: usize) -> Result<(), Error> {
    let begun = {
        let mut inner = scene.lock();
        inner.say(|| format!("an admin gives {} the rank {rank}", OFFICE[who]));
        inner.office.set(who, None);
        inner.office.changes
    };
    let (actor, ana) = (Actor::new(OFFICE[who]), Actor::new("ana"));
    match role(rank) {
        Some(role) => tenant.grant(&actor, role, &ana, "as drawn").await?,
        None => tenant.revoke(&actor, &ana, "as drawn").await?,
    }
    let mut inner = scene.lock();
    // Of two at once, nobody knows which was the last.
    if inner.office.changes == begun {
        inner.office.set(who, Some(rank));
        inner.did(&format!("grant {rank}"));
    }
    Ok(())
}
