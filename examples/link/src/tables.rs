//! What is written as CSV.

use std::collections::HashSet;
use std::error::Error;
use std::path::Path;

use accordant_identity::cluster::{Clusters, Edge, Rails, Refusal, Refused};
use accordant_identity::linkage::OneToOne;
use accordant_identity::resolution::Pair;
use accordant_identity::table::{Row, Table};

/// The clusters of one-to-one pairs: those as sure as a pair must be within one file. One that is as strong, of which a record has another
/// partner, was refused, beside what was refused before.
pub(crate) fn couples(table: &Table, found: &OneToOne, rails: &Rails) -> Clusters {
    let pairs = &found.pairs;
    let of = (0..table.rows()).map(|row| Row::try_from(row).unwrap_or(Row::MAX)).collect();
    let mut clusters = Clusters { of, ..Clusters::default() };
    let edge = |pair: &Pair| Edge { a: pair.a, b: pair.b, weight: pair.weight.unwrap_or_default() };
    let mut coupled: HashSet<Row> = HashSet::new();
    for pair in pairs.iter().filter(|pair| pair.probability >= SURE) {
        clusters.of[pair.a.max(pair.b) as usize] = pair.a.min(pair.b);
        clusters.bridges.push(edge(pair));
        coupled.extend([pair.a, pair.b]);
    }
    let others = pairs.iter().filter(|pair| pair.probability < SURE && edge(pair).weight >= rails.sure);
    let rivals = others.filter(|pair| coupled.contains(&pair.a) || coupled.contains(&pair.b));
    let rivals = rivals.map(|pair| Refused { edge: edge(pair), because: Refusal::TwiceInOneSystem });
    clusters.refused = found.refused.iter().copied().chain(rivals).collect();
    clusters
}

/// As probable is one entity, of one file or two: what [`Rails::sure`] is in bits.
pub(crate) const SURE: f64 = 0.95;

/// Writes `left,right,probability,weight`. A pair that follows from others has no weight of its own.
pub(crate) fn write_pairs(path: &Path, table: &Table, pairs: &[Pair]) -> Result<(), Box<dyn Error>> {
    let mut out = csv::Writer::from_path(path)?;
    out.write_record(["left", "right", "probability", "weight"])?;
    for pair in pairs {
        let weight = pair.weight.map_or_else(String::new, |weight| format!("{weight:.3}"));
        out.write_record([table.id(pair.a), table.id(pair.b), &format!("{:.6}", pair.probability), &weight])?;
    }
    Ok(out.flush()?)
}

/// Writes `cluster,system,id`: the cluster is the number of its first record.
pub(crate) fn write_clusters(path: &Path, table: &Table, clusters: &Clusters) -> Result<(), Box<dyn Error>> {
    let mut out = csv::Writer::from_path(path)?;
    out.write_record(["cluster", "system", "id"])?;
    for (number, group) in clusters.groups().iter().enumerate() {
        for row in group {
            let system = table.systems().get(table.system_of(*row)).map_or("", |system| system);
            out.write_record([&(number + 1).to_string(), system, table.id(*row)])?;
        }
    }
    Ok(out.flush()?)
}

/// Writes `left,right,weight,because`, the strongest first.
pub(crate) fn write_refused(path: &Path, table: &Table, refused: &[Refused]) -> Result<(), Box<dyn Error>> {
    let mut refused = refused.to_vec();
    refused.sort_by(|x, y| {
        let (one, other) = (x.edge, y.edge);
        other.weight.total_cmp(&one.weight).then((one.a, one.b).cmp(&(other.a, other.b)))
    });
    let mut out = csv::Writer::from_path(path)?;
    out.write_record(["left", "right", "weight", "because"])?;
    for Refused { edge, because } in &refused {
        let weight = format!("{:.3}", edge.weight);
        out.write_record([table.id(edge.a), table.id(edge.b), &weight, &because.to_string()])?;
    }
    Ok(out.flush()?)
}

#[cfg(test)]
mod tests {
    use accordant_identity::attribute::{Kind, Schema};

    use super::*;

    #[test]
    fn what_is_sure_is_one_and_a_rival_as_strong_is_a_case() {
        let mut table = Table::new(Schema::new(&[("email", Kind::Mailbox)]));
        ["l1", "l2", "r1", "r2"].iter().for_each(|id| assert!(table.push(id, &id[..1], &[""]) < 4));
        let pair = |a, b, weight, probability| Pair { a, b, weight: Some(weight), probability };
        // The second is open, the third a strong rival of the first, the last a weak one.
        let pairs = vec![pair(0, 2, 20.0, 0.99), pair(1, 3, 3.0, 0.9), pair(0, 3, 15.0, 0.04), pair(1, 2, 1.0, 0.04)];
        let found = OneToOne { pairs, refused: Vec::new() };
        let clusters = couples(&table, &found, &Rails::default());
        assert_eq!(clusters.groups(), [vec![0, 2], vec![1], vec![3]]);
        let ends = |edge: &Edge| (edge.a, edge.b);
        assert_eq!(clusters.bridges.iter().map(ends).collect::<Vec<_>>(), [(0, 2)]);
        let refused: Vec<_> = clusters.refused.iter().map(|refused| (ends(&refused.edge), refused.because)).collect();
        assert_eq!(refused, [((0, 3), Refusal::TwiceInOneSystem)]);
    }
}
