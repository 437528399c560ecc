//! What is written as CSV.

use std::error::Error;
use std::path::Path;

use accordant_identity::cluster::Clusters;
use accordant_identity::resolution::Pair;
use accordant_identity::table::{Row, Table};

/// The clusters of one-to-one pairs: those more probable than not.
pub(crate) fn couples(table: &Table, pairs: &[Pair]) -> Clusters {
    let mut of: Vec<Row> = (0..table.rows()).map(|row| Row::try_from(row).unwrap_or(Row::MAX)).collect();
    for pair in pairs.iter().filter(|pair| pair.probability > 0.5) {
        of[pair.a.max(pair.b) as usize] = pair.a.min(pair.b);
    }
    Clusters { of, ..Clusters::default() }
}

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
            let system = table.systems().get(usize::from(table.system_of(*row))).map_or("", |system| system);
            out.write_record([&(number + 1).to_string(), system, table.id(*row)])?;
        }
    }
    Ok(out.flush()?)
}
