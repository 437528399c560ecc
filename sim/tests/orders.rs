//! Whatever order notices come in, the same is true, stands open and is planned. `--orders` tells all seven of each.

use accordant_sim::orders::{histories, tell};

#[test]
fn every_order_of_every_history_comes_to_one_end() {
    for history in histories() {
        for length in 1..=4 {
            let (orders, ends) = tell(&history, length).expect("nothing fails");
            assert_eq!(orders, (1..=length).product::<usize>());
            assert_eq!(ends.len(), 1, "{}, the first {length}:\n{}", history.name, join(ends));
        }
    }
}

fn join(ends: impl IntoIterator<Item = String>) -> String {
    ends.into_iter().collect::<Vec<_>>().join("\n-- or --\n")
}
