//! Golden records as Parquet files, for analysts.
//!
//! A row for each entity of a type, in the order of ids, which is that of first sight; a column for each unit that is asked
//! for, by name. Values are their canonical text, as everywhere in Accordant: exact, and for the reader to cast. Text
//! where golden has a value or is empty, `NULL` where it is cleared or was never heard of.
//!
//! | column | content |
//! | --- | --- |
//! | `entity_id` | the entity |
//! | `life` | whether golden says that it exists: `Live` or `Retired` |
//! | `discrepancies` | how many stand open |
//! | one for each unit | the golden value |

use std::io::Write;
use std::sync::Arc;

use accordant::engine::Tenant;
use accordant::error::Error;
use accordant::id::EntityId;
use accordant::value::Field;
use accordant::view::EntityView;
use parquet::basic::{ConvertedType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::Type;

/// How many entities are read, and written as a row group, at once.
const PAGE: usize = 5_000;

/// Golden records that could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ParquetExportError {
    /// They could not be read.
    #[error("golden records could not be read")]
    Engine(#[source] Error),
    /// The file could not be written.
    #[error("the Parquet file could not be written")]
    File(#[source] ParquetError),
    /// The model has no such unit.
    #[error("entities of type {entity_type} have no unit `{unit}`")]
    UnknownUnit {
        /// The entity type.
        entity_type: String,
        /// The unit that was asked for.
        unit: String,
    },
}

impl From<ParquetError> for ParquetExportError {
    fn from(error: ParquetError) -> Self {
        Self::File(error)
    }
}

/// Writes the golden records of a type to `out`, page by page, and says after each how many entities it holds. Gives how
/// many there are in the end.
///
/// # Errors
///
/// [`ParquetExportError::UnknownUnit`] if an entity lacks one of `units`. What `out` holds then is no Parquet file.
pub async fn write_golden(
    tenant: &Tenant,
    entity_type: &str,
    units: &[&str],
    out: impl Write + Send,
    mut told: impl FnMut(u64) + Send,
) -> Result<u64, ParquetExportError> {
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(out, Arc::new(schema(entity_type, units)?), properties)?;
    let (mut after, mut written): (Option<EntityId>, u64) = (None, 0);
    loop {
        let page = tenant.entities(entity_type, after, PAGE).await.map_err(ParquetExportError::Engine)?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        let mut views = Vec::with_capacity(page.len());
        for id in page {
            views.push(tenant.inspect_erased(id).await.map_err(ParquetExportError::Engine)?);
        }
        group(&mut writer, entity_type, units, &views)?;
        written += views.len() as u64;
        told(written);
    }
    writer.close()?;
    Ok(written)
}

fn schema(entity_type: &str, units: &[&str]) -> Result<Type, ParquetError> {
    let text = |name: &str, repetition| {
        let column = Type::primitive_type_builder(name, Physical::BYTE_ARRAY);
        column.with_converted_type(ConvertedType::UTF8).with_repetition(repetition).build()
    };
    let count = Type::primitive_type_builder("discrepancies", Physical::INT64);
    let mut columns = vec![
        Arc::new(text("entity_id", Repetition::REQUIRED)?),
        Arc::new(text("life", Repetition::REQUIRED)?),
        Arc::new(count.with_repetition(Repetition::REQUIRED).build()?),
    ];
    for unit in units {
        columns.push(Arc::new(text(unit, Repetition::OPTIONAL)?));
    }
    Type::group_type_builder(entity_type).with_fields(columns).build()
}

/// Writes a page as a row group.
fn group<W: Write + Send>(
    writer: &mut SerializedFileWriter<W>,
    entity_type: &str,
    units: &[&str],
    views: &[EntityView],
) -> Result<(), ParquetExportError> {
    let mut group = writer.next_row_group()?;
    let required = |texts: Vec<String>| texts.into_iter().map(|text| ByteArray::from(text.into_bytes())).collect();
    let ids: Vec<ByteArray> = required(views.iter().map(|view| view.id.to_string()).collect());
    let lives: Vec<ByteArray> = required(views.iter().map(|view| format!("{:?}", view.life)).collect());
    let open: Vec<i64> = views.iter().map(|view| i64::try_from(view.discrepancies.len()).unwrap_or(i64::MAX)).collect();
    for texts in [ids, lives] {
        if let Some(mut column) = group.next_column()? {
            column.typed::<ByteArrayType>().write_batch(&texts, None, None)?;
            column.close()?;
        }
    }
    if let Some(mut column) = group.next_column()? {
        column.typed::<Int64Type>().write_batch(&open, None, None)?;
        column.close()?;
    }
    for unit in units {
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        for view in views {
            let text = golden(view, unit).ok_or_else(|| ParquetExportError::UnknownUnit {
                entity_type: entity_type.to_owned(),
                unit: (*unit).to_owned(),
            })?;
            levels.push(i16::from(text.is_some()));
            values.extend(text.map(|text| ByteArray::from(text.into_bytes())));
        }
        if let Some(mut column) = group.next_column()? {
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None)?;
            column.close()?;
        }
    }
    group.close()?;
    Ok(())
}

/// The golden value of a unit: `None` if there is no such unit, `Some(None)` if it has no value.
fn golden(view: &EntityView, unit: &str) -> Option<Option<String>> {
    let unit = view.units.iter().find(|held| held.name.as_str() == unit)?;
    Some(match &unit.golden {
        Field::Value(value) => Some(value.to_string()),
        Field::Empty => Some(String::new()),
        _ => None,
    })
}
