//! Attempts: somebody of the office calls what they may, or may not. Who may not is refused and changes nothing; who may look is
//! shown no word that their rank does not show.

use std::sync::Arc;

use accordant::chrono::DateTime;
use accordant::engine::{CaseFilter, Search};
use accordant::rollout::Stage;
use accordant::settle::{Choice, Ruling};
use accordant::store::Store as _;
use accordant::{Actor, EntityId, Error, Lifetime, Tenant};

use crate::design::ATTRIBUTES;
use crate::job::subjects;
use crate::key::Key;
use crate::office::{ADMIN, OFFICE, to_decide, to_see, to_see_all};
use crate::oracle::spelled;
use crate::scene::Scene;
use crate::server::body::CARD;
use crate::word::Word;

/// What is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// Looks at an entity, why its values are, its history, the open cases, and at what was.
    Look,
    /// Searches by a value.
    Search,
    /// Reads dead letters.
    Letters,
    /// Takes out all that is held on somebody.
    Export,
    /// Decides the last attribute.
    Decide,
    /// Enters a value of the last attribute.
    Enter,
    /// Merges an entity.
    Merge,
    /// Holds a connection.
    Hold,
    /// Approves the last plan.
    Approve,
    /// Erases somebody.
    Erase,
    /// Lets somebody come back.
    Lift,
    /// Makes themselves an admin.
    Grant,
    /// Lets a connection be written.
    Stage,
    /// Accepts a model.
    Accept,
    /// Enters the number of a card as a value, which nobody may.
    Card,
    /// Gives a reason with the number of a card in it, which nobody may.
    CardInWords,
}

/// Everything that is tried, by number.
pub const TRIES: [Try; 16] = [
    Try::Look,
    Try::Search,
    Try::Letters,
    Try::Export,
    Try::Decide,
    Try::Enter,
    Try::Merge,
    Try::Hold,
    Try::Approve,
    Try::Erase,
    Try::Lift,
    Try::Grant,
    Try::Stage,
    Try::Accept,
    Try::Card,
    Try::CardInWords,
];

impl Try {
    /// The rank that it takes.
    const fn takes(self, attributes: usize) -> usize {
        match self {
            Try::Look => 1,
            Try::Merge | Try::Hold | Try::CardInWords => 2,
            Try::Search | Try::Letters => to_see_all(attributes),
            Try::Decide | Try::Enter | Try::Card => to_decide(attributes - 1, attributes),
            Try::Approve => 3,
            Try::Export | Try::Erase | Try::Lift | Try::Grant | Try::Stage | Try::Accept => ADMIN,
        }
    }

    /// Whether it enters the number of a card: nobody may.
    const fn is_card(self) -> bool {
        matches!(self, Try::Card | Try::CardInWords)
    }

    /// Whether it changes nothing: whoever may do more does it in the jobs of the operators.
    const fn looks(self) -> bool {
        matches!(self, Try::Look | Try::Search | Try::Letters | Try::Export) || self.is_card()
    }
}

/// Somebody tries something about somebody.
///
/// # Errors
///
/// If the store fails.
pub async fn attempt(
    tenant: &Tenant,
    scene: &Arc<Scene>,
    (who, what): (usize, usize),
    subject: usize,
) -> Result<(), Error> {
    let what = TRIES[what % TRIES.len()];
    let of = subjects(tenant, scene).await?;
    let Some(entity) = of.iter().find(|(_, of)| of.contains_key(&subject)).map(|(entity, _)| *entity) else {
        return Ok(());
    };
    let (attributes, rank, since) = {
        let mut inner = scene.lock();
        let attributes = inner.design.attributes.len();
        let Some((rank, since)) = inner.office.rank(who) else { return Ok(()) };
        // Of two attempts at once, nobody can tell which was journaled.
        if (rank >= what.takes(attributes) && !what.looks()) || !inner.office.begins(who) {
            return Ok(());
        }
        inner.say(|| format!("{} of rank {rank} tries {what:?} of k{subject}", OFFICE[who]));
        (attributes, rank, since)
    };
    let may = rank >= what.takes(attributes);
    let begun = scene.image.journal_place(tenant.id(), i64::MAX).await.unwrap_or_default();
    let outcome = call(tenant, scene, (who, what), entity).await;
    let entries = entries_by(tenant, scene, OFFICE[who], begun).await;
    let mut inner = scene.lock();
    inner.office.ends(who);
    if inner.office.rank(who) != Some((rank, since)) {
        // They have another rank by now.
        return Ok(());
    }
    let name = OFFICE[who];
    let refused = if matches!(outcome, Err(Error::Forbidden { .. })) { " refused" } else { "" };
    inner.did(&format!("{what:?}{refused}"));
    match outcome {
        Ok(_) if what.is_card() => inner.oracle.accuse(format!("{name} of rank {rank} entered the number of a card")),
        Err(_) if what.is_card() && entries > 0 => {
            inner.oracle.accuse(format!("{name} was refused {what:?}, and it was journaled"));
        }
        Err(Error::Value { .. }) if what.is_card() => inner.did("a card number is refused"),
        Err(Error::Forbidden { .. }) if may => {
            inner.oracle.accuse(format!("{name} may {what:?} with rank {rank}, and was refused"));
        }
        Err(Error::Forbidden { .. }) if entries > 0 => {
            inner.oracle.accuse(format!("{name} was refused {what:?}, and it was journaled"));
        }
        Err(Error::Forbidden { .. }) => {}
        Err(Error::UnknownEntity { .. }) if may => {}
        Err(error) if may => return Err(error),
        _ if !may => inner.oracle.accuse(format!("{name} may not {what:?} with rank {rank}, and was not refused")),
        Err(_) => {}
        Ok(shown) => {
            if what == Try::Look && (entries > 0) != (rank >= 2) {
                inner.oracle.accuse(format!("{name} of rank {rank} looked, and {entries} entries say so"));
            }
            for spelled in spelled(&shown) {
                let word = Word::parse(spelled).and_then(|word| inner.oracle.whose(word));
                let needs = match word {
                    Some((_, attribute)) => to_see(attribute, attributes),
                    None if Key::parse(spelled).is_some() => 2,
                    None => continue,
                };
                if rank < needs {
                    let line = format!("{name} of rank {rank} is shown {spelled}, which takes {needs}");
                    inner.oracle.accuse(line);
                    break;
                }
            }
        }
    }
    Ok(())
}

/// How many entries of the journal behind a place somebody made.
async fn entries_by(tenant: &Tenant, scene: &Arc<Scene>, who: &str, after: u64) -> usize {
    let entries = scene.image.journal(tenant.id(), after, usize::MAX).await.unwrap_or_default();
    entries.iter().filter(|(entry, _)| entry.actor.as_str() == who).count()
}

/// Calls it. Gives what is shown.
async fn call(
    tenant: &Tenant,
    scene: &Arc<Scene>,
    (who, what): (usize, Try),
    entity: EntityId,
) -> Result<String, Error> {
    let by = Actor::new(OFFICE[who]);
    let (unit, name, plan, now) = {
        let inner = scene.lock();
        let unit = ATTRIBUTES[inner.design.attributes.len() - 1];
        (unit, inner.servers[0].design.name, inner.plans.last().copied(), inner.now)
    };
    let seen = tenant.seen_by(&by);
    let reason = "as drawn".to_owned();
    match what {
        Try::Look => look(tenant, &by, entity, now).await,
        Try::Search => {
            let search = Search { value: Some("k0".into()), ..Search::default() };
            seen.search(&search, None, 9).await.map(|page| format!("{page:?}"))
        }
        Try::Letters => seen.dead_letters_of(None, None, 9).await.map(|_| String::new()),
        Try::Export => seen.export_person(entity).await.map(|_| String::new()),
        Try::Decide => {
            let ruling = Ruling { choice: Choice::Take(name.into()), lifetime: Lifetime::default(), by, reason };
            tenant.rule(entity, unit, ruling).await.map(|_| String::new())
        }
        Try::Enter => tenant.enter_erased(entity, unit, None, &by, &reason).await.map(|()| String::new()),
        Try::Merge => tenant.merge(entity, entity, &by).await.map(|_| String::new()),
        Try::Hold => tenant.hold(name, &by, &reason).await.map(|()| String::new()),
        Try::Approve => match plan {
            Some(plan) => tenant.approve(plan, &by).await.map(|_| String::new()),
            None => tenant.checkpoint(&by).await.map(|_| String::new()),
        },
        Try::Erase => tenant.erase(entity, &by, &reason).await.map(|_| String::new()),
        Try::Lift => tenant.lift_suppression(entity, &by, &reason).await.map(|_| String::new()),
        Try::Grant => tenant.grant(&by, accordant::role::Role::Admin, &by, &reason).await.map(|()| String::new()),
        Try::Stage => tenant.set_stage(name, Stage::Act, &by, &reason).await.map(|()| String::new()),
        Try::Accept => tenant.accept_model(&by).await.map(|_| String::new()),
        Try::Card => tenant.enter_erased(entity, unit, Some(CARD), &by, &reason).await.map(|()| String::new()),
        Try::CardInWords => tenant.hold(name, &by, &format!("she pays by {CARD}")).await.map(|()| String::new()),
    }
}

/// Everything that somebody is shown of an entity.
async fn look(tenant: &Tenant, by: &Actor, entity: EntityId, now: i64) -> Result<String, Error> {
    let seen = tenant.seen_by(by);
    let view = seen.inspect_erased(entity).await?;
    let mut shown = format!("{view:?}");
    for unit in &view.units {
        shown += &format!("{:?}", seen.explain_erased(entity, &unit.name).await?);
    }
    shown += &format!("{:?}", seen.history(entity, None, 200).await?);
    let cases = seen.open_cases(&CaseFilter::default(), None, 50).await?;
    for case in &cases.cases {
        shown += &format!("{:?}", seen.case_history(&case.key).await?);
    }
    shown += &format!("{cases:?}");
    if let Some(then) = DateTime::from_timestamp_millis(now) {
        let then = seen.as_of(then);
        shown += &format!("{:?}", then.inspect_erased(entity).await?);
        shown += &format!("{:?}", then.open_cases(&CaseFilter::default()).await?);
    }
    Ok(shown)
}
