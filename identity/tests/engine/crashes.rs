//! A process that dies at any commit of matching, before it or right after it: the next one ends where an undisturbed one would have.

use accordant::engine::Builder;
use accordant::matching::{Matching, Probability};
use accordant::testing::{Dies, Story, Watched};
use accordant::{Error, MemoryStore};
use accordant_identity::engine::FellegiSunter;
use futures::executor::block_on;

use crate::world::{Customer, ana, groups, matches, records, settled, told};

/// Only what is all but certain is linked, and all else is asked about: there are cases to lose.
fn matched(builder: Builder) -> Builder {
    let matching = Matching::of::<Customer>(FellegiSunter::new());
    builder.match_by(matching.link_from(Probability::per_million(999_900)).review_from(Probability::percent(2)))
}

/// Every so many commits, from the first to the last: together with both ways to die, each kind of commit is hit.
const STRIDE: usize = 7;

#[test]
fn a_process_that_dies_at_any_commit_is_no_other() {
    let records = records(110, 41);
    let run = |dies: Option<(usize, bool)>| {
        let (kept, watch) = (MemoryStore::new(), Dies::default());
        let store = Watched::new(kept.clone(), watch.clone());
        let mut story = told(Story::of::<Customer>().configure(|builder| matched(builder.store(store))), &records);
        let tenant = story.tenant();
        if let Some((commit, durable)) = dies {
            watch.at(commit, durable);
        }
        let ended = block_on(async {
            tenant.train_matcher("customer", &ana()).await?;
            while tenant.step().await?.more() {}
            Ok::<(), Error>(())
        });
        let died = ended.is_err();
        assert_eq!(watch.revive(), died, "{ended:?}");
        drop(tenant);
        if died {
            // Another process takes over: it knows what is stored, and nothing else. It trains if nobody did.
            story = story.rebuilt(|builder| matched(builder.store(kept.clone())));
            settled(&story.tenant());
            if groups(&story.tenant()).len() == records.len() {
                block_on(story.tenant().train_matcher("customer", &ana())).expect("they tell something");
                settled(&story.tenant());
            }
        }
        let tenant = story.tenant();
        assert!(block_on(tenant.verify()).expect("the chain holds").is_clean());
        let cases: Vec<_> = matches(&tenant).into_iter().map(|case| case.records).collect();
        (groups(&tenant), cases, died)
    };
    let (expected, cases, _) = run(None);
    assert!(expected.len() < records.len() && !cases.is_empty(), "something is linked, and something asked");
    for durable in [false, true] {
        let mut tried = 0;
        for commit in (1..).step_by(STRIDE) {
            let (found, asked, died) = run(Some((commit, durable)));
            assert_eq!((&found, &asked), (&expected, &cases), "at commit {commit}, durable: {durable}");
            if !died {
                break;
            }
            tried += 1;
        }
        assert!(tried > 8, "matching has many commits: {tried} of every {STRIDE} were tried");
    }
}
