//! A tenant as an actor may see it: what they may not see is masked, and that they saw personal data is journaled.

mod lists;
mod past;

pub use past::SeenAsOf;

use std::collections::BTreeSet;

use crate::engine::Tenant;
use crate::engine::case::{Case, CaseKind};
use crate::engine::desk::CASE_NOTED;
use crate::engine::persist::Changes;
use crate::engine::tenant::attempts::Attempts;
use crate::engine::tenant::cases::{CASE_CHANGED, CASE_OPENED, CaseCursor, CaseFilter, CasePage};
use crate::engine::tenant::dead_letter::{LetterCause, StoredDeadLetter};
use crate::engine::tenant::export_person::PersonExport;
use crate::engine::tenant::history::{Happening, HistoryPage};
use crate::engine::tenant::matching::ANSWERED;
use crate::engine::tenant::search::{Search, SearchPage};
use crate::error::Error;
use crate::explain::Explanation;
use crate::id::{Actor, EntityId, EntityType, Id, RecordRef};
use crate::matching::HeldTogether;
use crate::model::{Canonical, CompiledEntity};
use crate::plan::{Plan, PlanHash};
use crate::role::Role;
use crate::text::Text;
use crate::view::{EntityView, View};

/// The journal's kind for personal data that somebody saw.
pub(crate) const PERSONAL_DATA_READ: &str = "personal_data_read";

/// What an entry of a list is about, where no entity is.
const LISTS: &str = "lists";

/// The happenings whose words may quote any value, whatever they are about.
const QUOTING: [&str; 8] =
    ["observed", CASE_NOTED, "case_closed", CASE_OPENED, CASE_CHANGED, ANSWERED, "refused", "held_apart"];

/// A tenant as an actor may see it: [`Tenant::seen_by`].
#[derive(Debug, Clone)]
pub struct Seen {
    tenant: Tenant,
    actor: Actor,
}

/// What an actor may see.
struct Sight<'a> {
    seen: &'a Seen,
    role: Option<Role>,
}

impl Tenant {
    /// This tenant as an actor may see it. A door that knows who asks reads through this, and not through the tenant itself, which
    /// shows everything to the program that holds it.
    ///
    /// What their role does not show is masked, and whatever shows personal data is journaled: who saw it, of whom, and by which
    /// call. Where no roles are configured, nothing is masked, nobody is refused, and nothing is journaled.
    #[must_use]
    pub fn seen_by(&self, actor: &Actor) -> Seen {
        Seen { tenant: self.clone(), actor: actor.clone() }
    }
}

impl Seen {
    /// As [`Tenant::inspect`]. The struct cannot be masked: it is given to those who may see all of it.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`], also where one attribute may not be seen; and as [`Tenant::inspect`].
    pub async fn inspect<E: Canonical>(&self, id: Id<E>) -> Result<View<E>, Error> {
        let of = self.tenant.entity_model(E::ENTITY)?;
        let sight = self.sight(self.for_all_of(of), "see every attribute of this type").await?;
        let view = self.tenant.inspect(id).await?;
        sight.note(&view.entity.id.text(), "inspect", view.entity.units.iter().any(|unit| unit.pii)).await?;
        Ok(view)
    }

    /// As [`Tenant::inspect_erased`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::inspect_erased`].
    pub async fn inspect_erased(&self, id: EntityId) -> Result<EntityView, Error> {
        let sight = self.sight(Role::Viewer, "look at entities").await?;
        let view = self.tenant.inspect_erased(id).await?;
        sight.masked(view, "inspect").await
    }

    /// As [`Tenant::explain_erased`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::explain_erased`].
    pub async fn explain_erased(&self, id: EntityId, unit: &str) -> Result<Explanation, Error> {
        let sight = self.sight(Role::Viewer, "look at entities").await?;
        let explained = self.tenant.explain_erased(id, unit).await?;
        sight.hidden(explained).await
    }

    /// As [`Tenant::history`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::history`].
    pub async fn history(&self, id: EntityId, after: Option<u64>, limit: usize) -> Result<HistoryPage, Error> {
        let sight = self.sight(Role::Viewer, "read histories").await?;
        let of = self.tenant.entity_type_of(id).await?;
        let mut page = self.tenant.history(id, after, limit).await?;
        let shown = sight.mask_happenings(of.as_ref(), &mut page.happenings);
        sight.note(&id.text(), "history", shown).await?;
        Ok(page)
    }

    /// As [`Tenant::case_history`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::case_history`].
    pub async fn case_history(&self, key: &str) -> Result<Vec<Happening>, Error> {
        let sight = self.sight(Role::Viewer, "read histories").await?;
        let mut told = self.tenant.case_history(key).await?;
        let case = self.tenant.case(key).await.ok();
        let shown = sight.mask_happenings(case.and_then(|case| case.entity_type).as_ref(), &mut told);
        sight.note(key, "case_history", shown).await?;
        Ok(told)
    }

    /// As [`Tenant::case`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::case`].
    pub async fn case(&self, key: &str) -> Result<Case, Error> {
        let sight = self.sight(Role::Viewer, "look at cases").await?;
        let mut case = self.tenant.case(key).await?;
        let shown = sight.mask_case(&mut case);
        sight.note(key, "case", shown).await?;
        Ok(case)
    }

    /// As [`Tenant::open_cases`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::open_cases`].
    pub async fn open_cases(
        &self,
        filter: &CaseFilter,
        after: Option<&CaseCursor>,
        limit: usize,
    ) -> Result<CasePage, Error> {
        let sight = self.sight(Role::Viewer, "look at cases").await?;
        let mut page = self.tenant.open_cases(filter, after, limit).await?;
        let mut shown_of = BTreeSet::new();
        sight.mask_cases(&mut page.cases, &mut shown_of);
        sight.note_of(&shown_of, "open_cases").await?;
        Ok(page)
    }

    /// As [`Tenant::questions`].
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::questions`].
    pub async fn questions(&self, filter: &CaseFilter, limit: usize) -> Result<Vec<Case>, Error> {
        let sight = self.sight(Role::Viewer, "look at cases").await?;
        let mut cases = self.tenant.questions(filter, limit).await?;
        let mut shown_of = BTreeSet::new();
        sight.mask_cases(&mut cases, &mut shown_of);
        sight.note_of(&shown_of, "questions").await?;
        Ok(cases)
    }

    /// As [`Tenant::explain_match`]. It tells no value, as the waterfall of a case does not: nothing is masked, and nothing journaled.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`] for who has no role; and as [`Tenant::explain_match`].
    pub async fn explain_match(&self, record: &RecordRef) -> Result<Option<HeldTogether>, Error> {
        self.sight(Role::Viewer, "look at matches").await?;
        self.tenant.explain_match(record).await
    }

    /// As [`Tenant::search`]. Who searches by a value learns who has it: that takes whoever may see personal data.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`]; and as [`Tenant::search`].
    pub async fn search(&self, search: &Search, after: Option<EntityId>, limit: usize) -> Result<SearchPage, Error> {
        let sight = match search.value.is_some() {
            true => self.sight(self.for_everything(), "search by a value").await?,
            false => self.sight(Role::Viewer, "search").await?,
        };
        let mut page = self.tenant.search(search, after, limit).await?;
        let mut shown_of = BTreeSet::new();
        sight.mask_cases(&mut page.cases, &mut shown_of);
        for found in &mut page.entities {
            sight.mask_cases(&mut found.cases, &mut shown_of);
        }
        if search.value.is_some() {
            // Who has a value was told of each that was found, and of nobody that nobody has it.
            shown_of.extend(page.entities.iter().map(|found| found.id.text()));
            shown_of.extend(page.cases.iter().flat_map(whom));
            if shown_of.is_empty() {
                sight.note(LISTS, "search", true).await?;
            }
        }
        sight.note_of(&shown_of, "search").await?;
        Ok(page)
    }

    /// As [`Tenant::dead_letters_of`]: raw bytes, for those who may see everything.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`]; and as [`Tenant::dead_letters_of`].
    pub async fn dead_letters_of(
        &self,
        cause: Option<&LetterCause>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<(Text, StoredDeadLetter)>, Error> {
        let sight = self.sight(self.for_everything(), "read dead letters").await?;
        let letters = self.tenant.dead_letters_of(cause, after, limit).await?;
        let of = |letter: &StoredDeadLetter| -> Text {
            letter.record.as_ref().map_or_else(|| LISTS.into(), |of| of.to_string().into())
        };
        sight.note_of(&letters.iter().map(|(_, letter)| of(letter)).collect(), "dead_letters_of").await?;
        Ok(letters)
    }

    /// As [`Tenant::stored_plan`]: it names values, and is for those who may see everything.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`]; and as [`Tenant::stored_plan`].
    pub async fn stored_plan(&self, hash: PlanHash) -> Result<Plan, Error> {
        let sight = self.sight(self.for_everything(), "read plans").await?;
        let plan = self.tenant.stored_plan(hash).await?;
        sight.note(&hash.to_string(), "stored_plan", !plan.operations.is_empty()).await?;
        Ok(plan)
    }

    /// As [`Tenant::export_person`], for admins.
    ///
    /// # Errors
    ///
    /// [`Error::Forbidden`]; and as [`Tenant::export_person`].
    pub async fn export_person(&self, id: EntityId) -> Result<PersonExport, Error> {
        let sight = self.sight(Role::Admin, "export a person").await?;
        let export = self.tenant.export_person(id).await?;
        sight.note(&export.view.id.text(), "export_person", true).await?;
        Ok(export)
    }

    /// What the actor may see, if they have the role that a call needs.
    async fn sight(&self, needs: Role, doing: &'static str) -> Result<Sight<'_>, Error> {
        self.tenant.require_role(&self.actor, needs, doing).await?;
        let role = match &self.tenant.core.roles {
            Some(roles) => self.tenant.role_of(roles, &self.actor).await?,
            None => None,
        };
        Ok(Sight { seen: self, role })
    }

    /// The role from which on every attribute of a type is shown.
    fn for_all_of(&self, of: &CompiledEntity) -> Role {
        let Some(roles) = &self.tenant.core.roles else { return Role::Viewer };
        of.units.iter().map(|unit| roles.to_read(of, &unit.id, unit.pii)).max().unwrap_or(Role::Viewer)
    }

    /// The role from which on everything is shown, bytes included that nobody looked into.
    fn for_everything(&self) -> Role {
        let core = &self.tenant.core;
        let Some(roles) = &core.roles else { return Role::Viewer };
        let types = core.model.entities.iter().map(|of| self.for_all_of(of).max(roles.to_read(of, "", true)));
        types.max().unwrap_or(Role::Viewer)
    }
}

impl Sight<'_> {
    fn needs(&self, of: &CompiledEntity, unit: &str, pii: bool) -> Role {
        self.seen.tenant.core.roles.as_ref().map_or(Role::Viewer, |roles| roles.to_read(of, unit, pii))
    }

    fn shows(&self, of: &CompiledEntity, unit: &str, pii: bool) -> bool {
        let shown = self.role.is_some_and(|role| role >= self.needs(of, unit, pii));
        shown || self.seen.tenant.core.roles.is_none() || planted!(MaskForgotten)
    }

    /// A view with what is not shown masked; that personal data of it is shown is journaled.
    async fn masked(&self, view: EntityView, call: &'static str) -> Result<EntityView, Error> {
        let of = self.seen.tenant.entity_model(view.entity_type.as_str())?;
        let shown = view.units.iter().any(|unit| unit.pii && self.shows(of, &unit.name, true));
        self.note(&view.id.text(), call, shown).await?;
        Ok(view.masked_where(&|unit, pii| !self.shows(of, unit, pii)))
    }

    /// The same of an explanation.
    async fn hidden(&self, explained: Explanation) -> Result<Explanation, Error> {
        let of = self.seen.tenant.entity_model(explained.entity_type.as_str())?;
        let shown = self.shows(of, &explained.unit.name, explained.unit.pii);
        self.note(&explained.entity.text(), "explain", shown && explained.unit.pii).await?;
        Ok(if shown { explained } else { explained.hidden() })
    }

    /// Whether what is told of a unit of a type is shown. What may quote anything, whatever it is about, and what is told of
    /// personal data of no single unit, is shown to those who may see all of the type.
    fn shows_of(&self, of: Option<&EntityType>, unit: Option<&Text>, pii: bool, quotes: bool) -> bool {
        let model = &self.seen.tenant.core.model;
        let of = of.and_then(|of| model.entity_index(of.as_str())).map(|index| model.entity(index));
        let has = |needs: Role| self.seen.tenant.core.roles.is_none() || self.role.is_some_and(|role| role >= needs);
        let any = quotes || (pii && unit.is_none());
        match of {
            Some(of) => unit.is_none_or(|unit| self.shows(of, unit, pii)) && (!any || has(self.seen.for_all_of(of))),
            None => !(pii || quotes) || has(self.seen.for_everything()),
        }
    }

    /// Masks what is not shown. Says whether any of the rest is personal data.
    fn mask_happenings(&self, of: Option<&EntityType>, happenings: &mut [Happening]) -> bool {
        let mut shown = false;
        for one in happenings {
            let personal = one.pii;
            if self.shows_of(of, one.unit.as_ref(), personal, QUOTING.contains(&&*one.kind)) {
                shown |= personal;
            } else {
                *one = Happening { pii: true, ..one.clone() }.masked();
            }
        }
        shown
    }

    /// The same of a case.
    fn mask_case(&self, case: &mut Case) -> bool {
        let personal = case.pii;
        // What a check says of several units, or of none alone, may tell of any.
        let of_several = case.kind == CaseKind::Violation && case.unit.is_none();
        let quotes = !case.comments.is_empty() || case.kind == CaseKind::Refused || of_several;
        if self.shows_of(case.entity_type.as_ref(), case.unit.as_ref(), personal, quotes) {
            return personal;
        }
        *case = Case { pii: true, ..case.clone() }.masked();
        false
    }

    /// The same of cases. Adds of whom personal data is shown.
    fn mask_cases(&self, cases: &mut [Case], shown_of: &mut BTreeSet<Text>) {
        for case in cases {
            if self.mask_case(case) {
                shown_of.extend(whom(case));
            }
        }
    }

    /// Journals of whom personal data was seen: an entry for each.
    async fn note_of(&self, whom: &BTreeSet<Text>, call: &'static str) -> Result<(), Error> {
        self.note_all(whom.iter().map(|of| &**of).collect(), call).await
    }

    /// Journals that personal data was seen, if any was.
    async fn note(&self, subject: &str, call: &'static str, shown: bool) -> Result<(), Error> {
        self.note_all(shown.then_some(subject).into_iter().collect(), call).await
    }

    async fn note_all(&self, subjects: Vec<&str>, call: &'static str) -> Result<(), Error> {
        let Seen { tenant, actor } = self.seen;
        if subjects.is_empty() || tenant.core.roles.is_none() {
            return Ok(());
        }
        let mut attempts = Attempts::default();
        loop {
            let mut changes = Changes::new(&tenant.core, tenant.now(), actor);
            for subject in &subjects {
                changes.journal(PERSONAL_DATA_READ, subject, &(call,));
            }
            if attempts.commit(tenant, "note who saw personal data", changes.commit).await? {
                return Ok(());
            }
        }
    }
}

/// Whom a case is about: entities, or records of none.
fn whom(case: &Case) -> Vec<Text> {
    match &case.entities[..] {
        [] => case.records.iter().map(|record| record.to_string().into()).collect(),
        entities => entities.iter().map(EntityId::text).collect(),
    }
}
