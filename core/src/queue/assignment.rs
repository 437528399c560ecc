//! Who gets which partitions, where the broker does not say: each member decides for itself, from what all of them see. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::Text;

/// What a member does about partitions.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Balance {
    /// Those that nobody has, and that it takes.
    pub take: Vec<u32>,
    /// Those of its own that it gives up.
    pub release: Vec<u32>,
}

/// What `me` does, where partitions `0..partitions` are `held` by living members: everybody gets as many as everybody else, the first
/// by name one more where they do not divide. Nobody takes what another has.
#[must_use]
pub fn balance(partitions: u32, held: &BTreeMap<u32, Text>, members: &BTreeSet<Text>, me: &Text) -> Balance {
    let Some(place) = members.iter().position(|member| member == me) else { return Balance::default() };
    let (count, place) = (u32::try_from(members.len()).unwrap_or(u32::MAX), u32::try_from(place).unwrap_or(u32::MAX));
    let target = partitions / count + u32::from(place < partitions % count);
    let target = usize::try_from(target).unwrap_or(usize::MAX);
    let mine: Vec<u32> = (0..partitions).filter(|partition| held.get(partition) == Some(me)).collect();
    if mine.len() > target {
        return Balance { release: mine[target..].to_vec(), ..Balance::default() };
    }
    let free = (0..partitions).filter(|partition| !held.contains_key(partition));
    Balance { take: free.take(target - mine.len()).collect(), ..Balance::default() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn name(number: usize) -> Text {
        format!("m{number}").into()
    }

    fn round(partitions: u32, held: &mut BTreeMap<u32, Text>, members: &BTreeSet<Text>) -> usize {
        let mut moved = 0;
        for me in members {
            let Balance { take, release } = balance(partitions, held, members, me);
            moved += take.len() + release.len();
            for partition in release {
                assert_eq!(held.remove(&partition).as_ref(), Some(me), "nobody gives up what it does not have");
            }
            for partition in take {
                assert_eq!(held.insert(partition, me.clone()), None, "nobody takes what another has");
            }
        }
        moved
    }

    proptest! {
        #[test]
        fn whoever_comes_and_goes_all_partitions_are_held_evenly_after_two_rounds(
            partitions in 1u32..40,
            changes in proptest::collection::vec((0usize..7, any::<bool>()), 1..20),
        ) {
            let mut members: BTreeSet<Text> = [name(0)].into();
            let mut held = BTreeMap::new();
            for (number, comes) in changes {
                if comes {
                    members.insert(name(number));
                } else if members.len() > 1 {
                    members.remove(&name(number));
                    held.retain(|_, holder: &mut Text| *holder != name(number));
                }
                round(partitions, &mut held, &members);
                round(partitions, &mut held, &members);
                prop_assert_eq!(held.len(), partitions as usize);
                let each: Vec<usize> =
                    members.iter().map(|member| held.values().filter(|holder| *holder == member).count()).collect();
                prop_assert!(each.iter().max().zip(each.iter().min()).is_none_or(|(most, least)| most - least <= 1), "{:?}", each);
                prop_assert_eq!(round(partitions, &mut held, &members), 0, "what is even stays");
            }
        }
    }

    #[test]
    fn a_member_that_is_held_to_be_dead_does_nothing() {
        let held = BTreeMap::from([(0, name(1))]);
        assert_eq!(balance(4, &held, &[name(2)].into(), &name(1)), Balance::default());
    }
}
