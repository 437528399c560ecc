//! Delete limits: over plans, and again when a plan is applied.

use accordant::plan::{Intent, Limits, Plan, Scope};
use accordant::testing::Story;
use accordant::{EntityId, Error, Stage, Tenant};
use futures::executor::block_on;

use crate::model::{Account, account, apply, approve, approver, plan};

/// Six accounts in both systems, of which the CRM has deleted some. Two deletes are allowed.
fn deleted(deleted: usize) -> (Story, Tenant, Vec<EntityId>) {
    let limits = Limits { deletes: 2, delete_percent: 100, ..Limits::default() };
    let story = (0..6).fold(Story::of::<Account>().limits(limits), |story, number| {
        story.says("crm", &number.to_string(), account(number))
    });
    let mut story = (0..deleted).fold(story.apply(), |story, number| story.deletes("crm", &number.to_string()));
    let tenant = story.tenant();
    let ids = block_on(tenant.entities("account", None, 9)).unwrap();
    let owed = |id: &EntityId| {
        let plan = plan_of(&tenant, vec![*id]);
        plan.operations.iter().chain(plan.parked.iter().map(|parked| &parked.operation)).count() > 0
    };
    let ids = ids.into_iter().filter(owed).collect();
    (story, tenant, ids)
}

fn plan_of(tenant: &Tenant, ids: Vec<EntityId>) -> Plan {
    let scope = Scope { entities: Some(ids), ..Scope::default() };
    block_on(tenant.plan(scope).into_future()).unwrap()
}

#[test]
fn many_plans_with_one_delete_each_meet_the_limit() {
    let (mut story, tenant, ids) = deleted(5);
    assert_eq!(ids.len(), 5);
    for id in ids {
        let plan = plan_of(&tenant, vec![id]);
        approve(&tenant, plan.hash);
        apply(&tenant, plan.hash);
    }
    assert_eq!(story.fake("shop").ids("customers").len(), 4);
    let held = plan(&tenant);
    assert_eq!((held.operations.len(), held.parked.len()), (0, 3));
    assert!(held.parked[0].why.contains("5 deletes of 6 records"), "{}", held.parked[0].why);

    block_on(tenant.confirm_deletes(held.hash, &approver())).unwrap();
    let confirmed = plan(&tenant);
    assert_eq!((confirmed.operations.len(), confirmed.parked.len()), (3, 0));
    assert_eq!(apply(&tenant, confirmed.hash).unapproved, 3, "confirming a limit approves no delete");
    approve(&tenant, confirmed.hash);
    assert_eq!(apply(&tenant, confirmed.hash).done, 3);
    let mut story = story.deletes("crm", "5");
    assert_eq!(plan(&tenant).operations.len(), 1, "from here on the limits count anew");
    assert_eq!(story.fake("shop").ids("customers").len(), 1);
}

/// An archive that was found without effect may arrive late: it counts, and once, though it is sent again.
#[test]
fn an_archive_that_may_arrive_late_counts_and_counts_once() {
    let (mut story, tenant, ids) = deleted(4);
    let plans: Vec<Plan> = ids.iter().map(|id| plan_of(&tenant, vec![*id])).collect();
    plans.iter().for_each(|plan| approve(&tenant, plan.hash));
    story.fake("shop").loses_request();
    assert_eq!(apply(&tenant, plans[0].hash).unknown, 1);
    assert_eq!(block_on(tenant.recover()).unwrap().deferred, 1, "it is not found");
    assert_eq!(apply(&tenant, plans[1].hash).done, 1);
    assert_eq!(apply(&tenant, plans[2].hash).done, 0, "two of two");
    assert_eq!(apply(&tenant, plans[0].hash).done, 1, "it has its room already");
    assert_eq!(story.fake("shop").ids("customers").len(), 4);
    let kept_out = plan(&tenant);
    assert_eq!((kept_out.operations.len(), kept_out.parked.len()), (0, 2), "{kept_out}");
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "{verified}");
}

/// What was confirmed is archived, and then there is nothing to confirm: the limits go on counting.
#[test]
fn deletes_are_confirmed_once_and_are_those_that_were_shown() {
    let (mut story, tenant, _) = deleted(4);
    let held = plan(&tenant);
    assert_eq!((held.operations.len(), held.parked.len()), (0, 4));
    block_on(tenant.confirm_deletes(held.hash, &approver())).unwrap();
    let confirmed = plan(&tenant);
    approve(&tenant, confirmed.hash);
    assert_eq!(apply(&tenant, confirmed.hash).done, 4);
    let again = block_on(tenant.confirm_deletes(held.hash, &approver())).unwrap_err();
    assert!(matches!(again, Error::NothingToConfirm { .. }), "{again}");
    assert!(again.to_string().ends_with("confirm what that one keeps out"), "{again}");
    assert_eq!(story.fake("shop").ids("customers").len(), 2);
    let verified = block_on(tenant.verify()).unwrap();
    assert!(verified.is_clean(), "the journal accounts for what counts: {verified}");
}

/// What stands parked for another reason than a limit is not confirmed with it.
#[test]
fn what_an_observed_connection_keeps_out_is_no_delete_to_confirm() {
    let (_, tenant, _) = deleted(4);
    block_on(tenant.set_stage("shop", Stage::Observe, &approver(), "a trial")).unwrap();
    let observed = plan(&tenant);
    assert_eq!((observed.operations.len(), observed.parked.len()), (0, 4));
    let refused = block_on(tenant.confirm_deletes(observed.hash, &approver())).unwrap_err();
    assert!(matches!(refused, Error::NothingToConfirm { .. }), "{refused}");
    block_on(tenant.set_stage("shop", Stage::Propose, &approver(), "it went well")).unwrap();
    assert_eq!(plan(&tenant).parked.len(), 4, "nothing was confirmed");
}

#[test]
fn limits_are_checked_again_before_any_write() {
    let (mut story, tenant, ids) = deleted(4);
    let plans = [plan_of(&tenant, ids[..2].to_vec()), plan_of(&tenant, ids[2..].to_vec())];
    for plan in &plans {
        assert_eq!(plan.operations.iter().filter(|operation| operation.intent == Intent::Archive).count(), 2);
        approve(&tenant, plan.hash);
    }
    assert_eq!(apply(&tenant, plans[0].hash).done, 2);
    let applied = apply(&tenant, plans[1].hash);
    assert_eq!((applied.done, applied.held.len()), (0, 2));
    assert_eq!(story.fake("shop").ids("customers").len(), 4);
}

#[test]
fn an_archive_whose_answer_is_lost_is_found_to_have_happened_and_counts() {
    let (mut story, tenant, ids) = deleted(3);
    story.fake("shop").loses_answer();
    let first = plan_of(&tenant, ids[..2].to_vec());
    approve(&tenant, first.hash);
    let applied = apply(&tenant, first.hash);
    assert_eq!((applied.done, applied.unknown), (1, 1));
    let applied = apply(&tenant, first.hash);
    assert_eq!((applied.done, applied.already), (1, 2), "the recovered one is counted");
    assert_eq!(plan(&tenant).parked.len(), 1, "two are done, and a third is too many");
    assert_eq!(story.fake("shop").ids("customers").len(), 4);
}

#[test]
fn limits_are_measured_against_the_records_that_live() {
    // Ten linked records, of which five were deleted by people in the shop itself.
    let limits = Limits { deletes: 100, delete_percent: 30, ..Limits::default() };
    let mut story = (0..10).fold(Story::of::<Account>().limits(limits), |story, number| {
        story.says("crm", &number.to_string(), account(number))
    });
    story = story.apply();
    let shops = story.fake("shop").ids("customers");
    for id in &shops[..5] {
        story = story.deletes("shop", id);
    }
    let of = |story: &mut Story, number: usize| story.fake("shop").record("customers", &shops[number]).unwrap();
    let living: Vec<String> =
        (5..8).map(|number| of(&mut story, number)["email"].as_str().unwrap().to_owned()).collect();
    for email in living {
        let number = email.trim_start_matches('a').split('@').next().unwrap().to_owned();
        story = story.deletes("crm", &number);
    }
    let planned = plan(&story.tenant());
    let held = planned.parked.iter().filter(|parked| parked.why.contains("3 deletes of 5 records"));
    assert_eq!(held.count(), 3, "{planned}");
}

/// What a limit keeps from being applied it keeps out of the plan too, where a person sees it and confirms it.
#[test]
fn an_archive_of_unknown_outcome_counts_once_and_what_it_keeps_out_can_be_confirmed() {
    let (mut story, tenant, ids) = deleted(3);
    let one = |id: &EntityId| {
        let plan = plan_of(&tenant, vec![*id]);
        approve(&tenant, plan.hash);
        plan
    };
    let plans: Vec<Plan> = ids.iter().map(one).collect();
    story.fake("shop").loses_request();
    assert_eq!(apply(&tenant, plans[0].hash).unknown, 1);
    story.fake("shop").unavailable(true);
    // It may have happened. Beside it there is room for one more, and not for two.
    let both = plan_of(&tenant, ids[1..].to_vec());
    assert_eq!((both.operations.len(), both.parked.len()), (0, 2), "{both}");
    // Planned once more itself, it is no second delete.
    let all = plan_of(&tenant, ids[..2].to_vec());
    assert_eq!((all.operations.len(), all.parked.len()), (2, 0), "{all}");
    block_on(tenant.confirm_deletes(both.hash, &approver())).unwrap();
    story.fake("shop").unavailable(false);
    let confirmed = plan_of(&tenant, ids[1..].to_vec());
    approve(&tenant, confirmed.hash);
    assert_eq!(apply(&tenant, confirmed.hash).done, 2);
    assert_eq!(story.fake("shop").ids("customers").len(), 4);
}
