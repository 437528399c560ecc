//! What a file says of its columns before its first row: CSV their names, Parquet their types too, JSON Lines nothing.

use accordant::connector::ConnectorError;
use accordant::model::Path;
use accordant::schema::{FieldKind, FieldSchema, ObjectSchema};

use crate::csv_rows;
use crate::identity::{open, unchanged};
use crate::settings::{File, Format};

/// Whether files of the format say what columns they have.
pub(crate) const fn describes(file: &File) -> bool {
    !matches!(file.format, Format::JsonLines)
}

/// The columns of the file that is there now; `None`: it does not say. Of what is inside a group or a list of Parquet, nothing is said.
pub(crate) fn described(object: &str, file: &File) -> Result<Option<ObjectSchema>, ConnectorError> {
    if !describes(file) {
        return Ok(None);
    }
    let (mut opened, identity) = open(file)?;
    let columns = columns(file, &mut opened, identity.length());
    unchanged(file, &opened, identity)?;
    let mut schema = ObjectSchema::new(object);
    for (name, kind) in columns? {
        schema.field(FieldSchema::new(Path::key(&name), kind));
    }
    Ok(Some(schema))
}

fn columns(file: &File, opened: &mut std::fs::File, length: u64) -> Result<Vec<(String, FieldKind)>, ConnectorError> {
    match file.format {
        // Every cell is a text, whatever the model reads of it.
        Format::Csv { delimiter } => {
            let names = csv_rows::columns(file, opened, length, delimiter)?;
            Ok(names.into_iter().map(|name| (name, FieldKind::Text)).collect())
        }
        Format::JsonLines => Ok(Vec::new()),
        #[cfg(feature = "parquet")]
        Format::Parquet => crate::parquet_rows::columns(file, opened),
    }
}
