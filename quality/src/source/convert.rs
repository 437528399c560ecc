//! Columns of Arrow as columns that are checked.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType};
use arrow_schema::{DataType, TimeUnit};

use crate::check::{Bits, Column, Texts, Values};

/// What had to be made of a column to show it.
#[derive(Debug)]
pub(super) enum Made {
    /// Nothing: it is shown as it is.
    Itself,
    Whole(Vec<i64>),
    Moment(Vec<i64>),
    Real(Vec<f64>),
}

/// Makes what is needed. Nothing of a kind that is not checked, and of numbers and moments that it cannot be made of exactly.
pub(super) fn make(array: &dyn Array) -> Option<Made> {
    Some(match array.data_type() {
        DataType::Utf8 | DataType::Int64 | DataType::Float64 | DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Made::Itself
        }
        DataType::Boolean => {
            let values = array.as_boolean().values();
            Made::Whole(values.iter().map(i64::from).collect())
        }
        DataType::Int8 => wholes::<Int8Type>(array)?,
        DataType::Int16 => wholes::<Int16Type>(array)?,
        DataType::Int32 => wholes::<Int32Type>(array)?,
        DataType::UInt8 => wholes::<UInt8Type>(array)?,
        DataType::UInt16 => wholes::<UInt16Type>(array)?,
        DataType::UInt32 => wholes::<UInt32Type>(array)?,
        DataType::UInt64 => wholes::<UInt64Type>(array)?,
        DataType::Float32 => {
            Made::Real(array.as_primitive::<Float32Type>().values().iter().map(|value| f64::from(*value)).collect())
        }
        DataType::Date32 => moments::<Date32Type>(array, |days| i64::from(days).checked_mul(86_400_000_000))?,
        DataType::Timestamp(TimeUnit::Second, _) => {
            moments::<TimestampSecondType>(array, |seconds| seconds.checked_mul(1_000_000))?
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            moments::<TimestampMillisecondType>(array, |millis| millis.checked_mul(1_000))?
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            moments::<TimestampNanosecondType>(array, |nanos| (nanos % 1_000 == 0).then_some(nanos / 1_000))?
        }
        _ => return None,
    })
}

/// Of rows without a value, whatever is there is not looked at.
fn each<T: ArrowPrimitiveType>(array: &dyn Array, made: impl Fn(T::Native) -> Option<i64>) -> Option<Vec<i64>> {
    let values = array.as_primitive::<T>();
    let at = |(row, value): (usize, &T::Native)| if values.is_valid(row) { made(*value) } else { Some(0) };
    values.values().iter().enumerate().map(at).collect()
}

fn wholes<T: ArrowPrimitiveType<Native: TryInto<i64>>>(array: &dyn Array) -> Option<Made> {
    each::<T>(array, |value| value.try_into().ok()).map(Made::Whole)
}

fn moments<T: ArrowPrimitiveType>(array: &dyn Array, made: impl Fn(T::Native) -> Option<i64>) -> Option<Made> {
    each::<T>(array, made).map(Made::Moment)
}

/// The column, as it is or as it was made.
pub(super) fn show<'a>(array: &'a dyn Array, made: &'a Made) -> Option<Column<'a>> {
    let values = match (made, array.data_type()) {
        (Made::Whole(values), _) => Values::Whole(values),
        (Made::Moment(values), _) => Values::Moment(values),
        (Made::Real(values), _) => Values::Real(values),
        (Made::Itself, DataType::Utf8) => {
            let texts = array.as_string::<i32>();
            Values::Text(Texts::between(texts.value_data(), texts.value_offsets())?)
        }
        (Made::Itself, DataType::Int64) => Values::Whole(array.as_primitive::<Int64Type>().values()),
        (Made::Itself, DataType::Float64) => Values::Real(array.as_primitive::<Float64Type>().values()),
        (Made::Itself, _) => Values::Moment(array.as_primitive::<TimestampMicrosecondType>().values()),
    };
    Some(match array.nulls() {
        Some(nulls) => Column::partial(values, Bits::from(nulls.validity(), nulls.offset())),
        None => Column::full(values),
    })
}
