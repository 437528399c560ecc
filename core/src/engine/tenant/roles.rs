//! Who has which role, and asking for it. Where no roles are configured, nobody is asked.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::engine::Tenant;
use crate::engine::hydrate::parse;
use crate::engine::persist::{Changes, PART};
use crate::engine::tenant::attempts::Attempts;
use crate::error::Error;
use crate::id::Actor;
use crate::model::CompiledEntity;
use crate::plan::{Intent, Operation};
use crate::role::{Role, Roles};
use crate::store::{RowKey, Table};
use crate::text::Text;

/// The journal's kind for a role that was granted, or taken.
pub(crate) const ROLE_GRANTED: &str = "role_granted";

const PREFIX: &str = "role\u{1f}";

/// A role as it was granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Granted {
    /// The role.
    pub role: Role,
    /// Who granted it.
    pub by: Actor,
    /// When, in milliseconds since the epoch.
    pub at: i64,
    /// Why, in the person's words.
    pub reason: String,
}

/// The actor that a row's key names.
pub(crate) fn actor_of_key(key: &str) -> Option<Actor> {
    key.strip_prefix(PREFIX).map(Actor::new)
}

/// What the keys of granted roles begin with.
pub(crate) const fn granted_prefix() -> &'static str {
    PREFIX
}

fn grant_key(actor: &Actor) -> RowKey {
    RowKey::new(Table::Meta, Text::of_parts(&["role", PART, actor.as_str()]))
}

impl Tenant {
    /// Gives an actor a role in this tenant, in place of the one that they had. Journaled.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for whoever is no admin; or a store that failed.
    pub async fn grant(&self, actor: &Actor, role: Role, by: &Actor, reason: &str) -> Result<(), Error> {
        self.set_role(actor, Some(role), by, reason).await
    }

    /// Takes an actor's role in this tenant. Journaled. Whoever the builder names an admin stays one.
    ///
    /// # Errors
    ///
    /// As [`Tenant::grant`].
    pub async fn revoke(&self, actor: &Actor, by: &Actor, reason: &str) -> Result<(), Error> {
        self.set_role(actor, None, by, reason).await
    }

    /// The roles that were granted in this tenant, by actor.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub async fn grants(&self) -> Result<BTreeMap<Actor, Granted>, Error> {
        let rows = self.all_rows(Table::Meta, PREFIX, "list roles").await?;
        let grant = |row: &crate::store::Row| Ok((actor_of_key(&row.key), parse(Table::Meta, row)?));
        let grants: Result<Vec<(Option<Actor>, Granted)>, Error> = rows.iter().map(grant).collect();
        Ok(grants?.into_iter().filter_map(|(actor, granted)| Some((actor?, granted))).collect())
    }

    async fn set_role(&self, actor: &Actor, role: Option<Role>, by: &Actor, reason: &str) -> Result<(), Error> {
        self.require_role(by, Role::Admin, "grant roles").await?;
        self.refuse_cards("reason", [reason])?;
        let mut attempts = Attempts::default();
        loop {
            let key = grant_key(actor);
            let row = self.row(&key, "look up a role").await?;
            let at = self.now();
            let granted = role.map(|role| Granted { role, by: by.clone(), at, reason: reason.to_owned() });
            let mut changes = Changes::new(&self.core, at, by);
            changes.commit.expect.push((key.clone(), row.map(|row| row.revision)));
            changes.journal(ROLE_GRANTED, "roles", &(actor, &granted));
            match &granted {
                Some(granted) => changes.put(key, granted),
                None => changes.delete(key),
            }
            if attempts.commit(self, "grant a role", changes.commit).await? {
                return Ok(());
            }
        }
    }

    /// An actor's role in this tenant; `None`: they have none.
    pub(super) async fn role_of(&self, roles: &Roles, actor: &Actor) -> Result<Option<Role>, Error> {
        if roles.is_admin(actor) {
            return Ok(Some(Role::Admin));
        }
        let row = self.row(&grant_key(actor), "look up a role").await?;
        let granted = row.as_ref().map(|row| parse::<Granted>(Table::Meta, row)).transpose()?;
        Ok(granted.map(|granted| granted.role))
    }

    /// Refuses whoever has less than a role. Without configured roles, nobody.
    pub(super) async fn require_role(&self, actor: &Actor, needs: Role, doing: &'static str) -> Result<(), Error> {
        let Some(roles) = &self.core.roles else { return Ok(()) };
        let role = self.role_of(roles, actor).await?;
        if role.is_some_and(|role| role >= needs) || planted!(RoleNotAsked) {
            return Ok(());
        }
        Err(Error::Forbidden { actor: actor.clone(), role, doing, needs })
    }

    /// Refuses whoever may not decide a unit.
    pub(super) async fn require_to_decide(&self, actor: &Actor, of: &CompiledEntity, unit: &str) -> Result<(), Error> {
        let Some(roles) = &self.core.roles else { return Ok(()) };
        self.require_role(actor, roles.to_decide(of, unit), "decide this attribute").await
    }

    /// Refuses whoever may not decide what operations write: to let a value through is to say it.
    pub(super) async fn require_to_write<'o>(
        &self,
        actor: &Actor,
        operations: impl Iterator<Item = &'o Operation> + Send,
    ) -> Result<(), Error> {
        let Some(roles) = &self.core.roles else { return Ok(()) };
        let needs = operations.map(|operation| self.to_write(roles, operation)).max();
        match needs {
            Some(needs) => self.require_role(actor, needs, "let writes of this attribute through").await,
            None => Ok(()),
        }
    }

    fn to_write(&self, roles: &Roles, operation: &Operation) -> Role {
        let of = self.core.model.entity_index(operation.entity_type.as_str()).map(|of| self.core.model.entity(of));
        let needs = |unit: &str| of.map_or(Role::Operator, |of| roles.to_decide(of, unit));
        match &operation.intent {
            Intent::Set(_) => needs(&operation.unit),
            Intent::Create(fields) => fields.iter().map(|(unit, _)| needs(unit)).max().unwrap_or(Role::Operator),
            Intent::Archive => Role::Operator,
        }
    }
}
