//! Sorting by buckets that fit a cache: numbers are spread by their first bits, and each bucket is sorted on its own.

/// So many numbers are in a bucket, where they are spread evenly.
const IN_A_BUCKET: usize = 24;
/// More buckets than these would not be written to side by side.
const MOST_BITS: u32 = 14;

/// Room for numbers in buckets, used again and again: memory that is new has to be cleared first.
#[derive(Debug, Default)]
pub(super) struct Buckets {
    ends: Vec<u32>,
    numbers: Vec<u64>,
}

/// By how many bits so many numbers are spread.
pub(super) fn bits(many: usize) -> u32 {
    (usize::BITS - (many / IN_A_BUCKET).leading_zeros()).min(MOST_BITS)
}

/// The first bits of a number: fewer than all.
pub(super) const fn first(number: u64, bits: u32) -> usize {
    (number >> 1 >> (u64::BITS - 1 - bits)) as usize
}

impl Buckets {
    /// Puts numbers into so many buckets. `of` are the numbers, each with its bucket: `many`, fewer than `u32::MAX`.
    pub(super) fn fill(&mut self, buckets: usize, many: usize, of: impl Iterator<Item = (usize, u64)> + Clone) {
        let Self { ends, numbers } = self;
        ends.clear();
        ends.resize(buckets + 1, 0);
        of.clone().for_each(|(bucket, _)| ends[bucket + 1] += 1);
        for place in 1..ends.len() {
            ends[place] += ends[place - 1];
        }
        numbers.resize(many, 0);
        for (bucket, number) in of {
            // Where a bucket begins moves on to where it ends.
            let next = &mut ends[bucket];
            numbers[*next as usize] = number;
            *next += 1;
        }
        ends.pop();
    }

    /// The numbers of the first so many buckets, bucket by bucket, each sorted.
    pub(super) fn sorted(&mut self, buckets: usize) -> impl Iterator<Item = &[u64]> {
        let mut rest = self.numbers.as_mut_slice();
        let mut start = 0;
        self.ends.iter().take(buckets).map(move |end| {
            let (bucket, behind) = std::mem::take(&mut rest).split_at_mut((*end - start) as usize);
            (rest, start) = (behind, *end);
            bucket.sort_unstable();
            &*bucket
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash;

    #[test]
    fn buckets_sort_as_sorting_does() {
        let mut buckets = Buckets::default();
        for many in [0, 1, 2, 100, 50_000, 1_000] {
            let numbers: Vec<u64> = (0..many as u64).rev().map(|number| hash::mix(7, number / 3)).collect();
            let bits = bits(many);
            let of = numbers.iter().map(|number| (first(*number, bits), *number));
            buckets.fill(1 << bits, many, of);
            let sorted: Vec<u64> = buckets.sorted(1 << bits).flatten().copied().collect();
            let mut plainly = numbers;
            plainly.sort_unstable();
            assert_eq!(sorted, plainly, "{many}");
        }
    }
}
