//! An erasure that is interrupted anywhere, after any history, has not begun, or is finished by the next step.

use accordant::error::Error;
use accordant::store::MemoryStore;
use accordant::testing::{FailsOnce, Watched};
use futures::executor::block_on;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::erasing::{assert_gone, happened};
use crate::histories::step;
use crate::people::dump;
use crate::support::{Variant, assert_clean, by, nth, open};

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn an_erasure_of_any_history_that_is_interrupted_anywhere_is_finished_by_the_next_step(
        before in vec(step(), 1..10), place in 0usize..6, call in 0usize..50, took_effect in any::<bool>(),
    ) {
        block_on(async {
            // The same history twice: who is erased in the one without a fault is erased in the other.
            let (_, _, twin) = happened(&before, MemoryStore::new()).await;
            let Some(id) = nth(&twin, place).await else { return Ok(()) };
            let whole = twin.erase(id, &by(), "request 7").await.unwrap();
            let (clock, store, tenant) = happened(&before, MemoryStore::new()).await;
            let failing = Watched::new(store.clone(), FailsOnce::at(call, took_effect));
            let interrupted = open(Variant::default(), failing, &clock, 8).tenant("acme");
            let outcome = interrupted.erase(id, &by(), "request 7").await;
            // At every moment, what is stored is what the journal adds up to.
            assert_clean(&tenant, "interrupted").await;
            let next = open(Variant::default(), store.clone(), &clock, 9).tenant("acme");
            drop(next.step().await.unwrap());
            assert_clean(&next, "after the next step").await;
            if let Ok(view) = next.inspect_erased(id).await {
                prop_assert!(outcome.is_err(), "it is done, and they are there: {view:?}");
                return Ok(());
            }
            assert_gone(&dump(&store, "acme").await, &whole, "after the next step");
            let again = next.erase(id, &by(), "request 7").await.unwrap();
            prop_assert!(again.already && again.payloads == 0, "something was left to do: {again:?}");
            let unknown = next.inspect_erased(id).await.unwrap_err();
            prop_assert!(matches!(unknown, Error::UnknownEntity { .. }), "{}", unknown);
            Ok(())
        })?;
    }
}
