//! What is known to be true, and how far what was found is from it.

use std::collections::{HashMap, HashSet};
use std::fmt;

use accordant_identity::cluster::Clusters;
use accordant_identity::resolution::Pair;
use accordant_identity::table::{Row, Table};

/// What is known of a set.
pub(super) enum Known {
    /// By id, the entity.
    Entities(HashMap<String, String>),
    /// Pairs of ids, left and right.
    Pairs(HashSet<(String, String)>),
}

/// What is known of the rows of a table.
pub(super) struct Truth<'a> {
    known: &'a Known,
    table: &'a Table,
    entity_of: Vec<&'a str>,
    pairs: f64,
}

/// Precision, recall and F1 at the best threshold, and at 0.95.
pub(super) struct Judgement {
    best: [f64; 4],
    sure: [f64; 3],
    at_999: f64,
}

fn f1(precision: f64, recall: f64) -> f64 {
    2.0 * precision * recall / (precision + recall).max(1e-12)
}

impl<'a> Truth<'a> {
    pub(super) fn new(known: &'a Known, table: &'a Table) -> Self {
        let (entity_of, pairs) = match known {
            Known::Entities(of) => {
                let rows =
                    (0..table.rows()).map(|row| of.get(table.id(row as Row)).map_or("", String::as_str)).collect();
                let mut counts: HashMap<&str, f64> = HashMap::new();
                of.values().for_each(|entity| *counts.entry(entity).or_default() += 1.0);
                (rows, counts.values().map(|count| count * (count - 1.0) / 2.0).sum())
            }
            Known::Pairs(pairs) => (Vec::new(), pairs.len() as f64),
        };
        Self { known, table, entity_of, pairs }
    }

    fn same(&self, a: Row, b: Row) -> bool {
        match self.known {
            Known::Entities(_) => self.entity_of[a as usize] == self.entity_of[b as usize],
            Known::Pairs(pairs) => pairs.contains(&(self.table.id(a).to_owned(), self.table.id(b).to_owned())),
        }
    }

    /// Judges pairs, which are sorted by probability, the greatest first. Recall is of all true pairs, compared or not.
    pub(super) fn judge(&self, pairs: &[Pair]) -> Judgement {
        let mut sorted: Vec<&Pair> = pairs.iter().collect();
        sorted.sort_by(|x, y| y.probability.total_cmp(&x.probability));
        let mut judged = Judgement { best: [0.0; 4], sure: [0.0; 3], at_999: 0.0 };
        let mut right = 0.0;
        for (place, pair) in sorted.iter().enumerate() {
            right += f64::from(u8::from(self.same(pair.a, pair.b)));
            // A threshold takes all pairs of one probability.
            if sorted.get(place + 1).is_some_and(|next| next.probability >= pair.probability) {
                continue;
            }
            let (precision, recall) = (right / (place + 1) as f64, right / self.pairs);
            let f1 = f1(precision, recall);
            if f1 > judged.best[2] {
                judged.best = [precision, recall, f1, pair.probability];
            }
            if pair.probability >= 0.95 {
                judged.sure = [precision, recall, f1];
            }
            if precision >= 0.999 {
                judged.at_999 = judged.at_999.max(recall);
            }
        }
        judged
    }

    /// Judges clusters by the pairs that they make.
    pub(super) fn clusters(&self, clusters: &Clusters) -> String {
        let groups = clusters.groups();
        let (mut right, mut made, mut largest) = (0.0, 0.0, 0);
        for group in &groups {
            largest = largest.max(group.len());
            for (place, a) in group.iter().enumerate() {
                for b in &group[place + 1..] {
                    made += 1.0;
                    right += f64::from(u8::from(self.same(*a, *b)));
                }
            }
        }
        let (precision, recall) = (right / f64::max(made, 1.0), right / self.pairs);
        let f1 = f1(precision, recall);
        format!(
            "precision {precision:.4}, recall {recall:.4}, F1 {f1:.4}, {} clusters, the largest of {largest}",
            groups.len()
        )
    }

    /// How often pairs of a probability are right.
    pub(super) fn reliability(&self, pairs: &[Pair]) -> String {
        let edges = [0.0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.95, 0.99, 0.999, 1.1];
        let mut told = String::from("  probability     pairs   mean  right\n");
        let (mut error, mut all) = (0.0, 0.0);
        for span in edges.windows(2) {
            let within: Vec<&Pair> =
                pairs.iter().filter(|p| p.probability >= span[0] && p.probability < span[1]).collect();
            if within.is_empty() {
                continue;
            }
            let count = within.len() as f64;
            let mean = within.iter().map(|pair| pair.probability).sum::<f64>() / count;
            let right = within.iter().filter(|pair| self.same(pair.a, pair.b)).count() as f64 / count;
            error += count * (mean - right).abs();
            all += count;
            told.push_str(&format!(
                "  {:>6} to {:<5}{:>7} {mean:.4} {right:.4}\n",
                span[0],
                span[1].min(1.0),
                within.len()
            ));
        }
        told.push_str(&format!("  expected calibration error {:.4}\n", error / f64::max(all, 1.0)));
        told
    }
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ([p, r, f1, at], [sp, sr, sf1]) = (self.best, self.sure);
        write!(
            f,
            "best F1 {f1:.4} (P {p:.4}, R {r:.4}, at {at:.3}); at 0.95 F1 {sf1:.4} (P {sp:.4}, R {sr:.4}); best less that at 0.95 \
             {:.4}; recall at precision 0.999 {:.4}",
            f1 - sf1,
            self.at_999
        )
    }
}
