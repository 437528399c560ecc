//! The indexes of matchers lie with whoever steps a tenant, and with nobody else.

use std::sync::Arc;

use accordant::Accordant;
use accordant::matching::{Features, Judged, MatchIndex, Matcher, MatcherError, Matching, Subject, Thresholds};
use accordant::testing::NobodyAlike;
use futures::executor::block_on;

use crate::model::approver;
use crate::office::{Office, until_quiet};

/// A matcher that finds nobody alike, and whose indexes hold this while they are there.
struct Counted(Arc<()>);

impl Matcher for Counted {
    fn train(&self, _: &Subject, _: &[Features], _: &[Judged], version: u32) -> Result<String, MatcherError> {
        Ok(format!("model {version}"))
    }

    fn index(
        &self,
        _: &Subject,
        _: &str,
        _: Thresholds,
        _: Vec<Features>,
    ) -> Result<Box<dyn MatchIndex>, MatcherError> {
        Ok(Box::new(NobodyAlike(Arc::clone(&self.0))))
    }
}

/// A process, and what its indexes hold: it, and the matcher.
fn process(office: &Office, seed: u64) -> (Accordant, Arc<()>) {
    let there = Arc::new(());
    let builder = office.builder(seed, office.world.store.clone(), office.world.shop.clone());
    let builder = builder.match_by(Matching::of_entity("account", Counted(Arc::clone(&there))));
    (builder.build().unwrap(), there)
}

#[test]
fn a_worker_keeps_no_index_of_a_tenant_that_another_steps() {
    let office = Office::new();
    let (one, there) = process(&office, 1);
    let tenant = one.tenant("acme");
    for number in 1..=3 {
        office.comes(number);
    }
    let mut workers = vec![office.worker_with(&one)];
    until_quiet(&office, &mut workers);
    block_on(tenant.train_matcher("account", &approver())).unwrap();
    until_quiet(&office, &mut workers);
    assert_eq!(Arc::strong_count(&there), 3, "this one steps it");
    // Others come, until one of them has the tenant.
    for seed in 2..20 {
        workers.push(office.worker_with(&process(&office, seed).0));
        until_quiet(&office, &mut workers);
        if !workers[0].share().0.has(tenant.id(), "") {
            break;
        }
    }
    assert!(!workers[0].share().0.has(tenant.id(), ""), "it is another's");
    assert_eq!(Arc::strong_count(&there), 2, "the matcher is there, and no index");
}
