//! The canonical text of a group, an ordered list or a keyed element: its members' fields as a JSON array.

use crate::text::Text;
use crate::value::Field;

/// Joins members into one field: `["12 Main St",null,""]`. All null gives [`Field::Null`].
///
/// Null stays `null` and Empty becomes `""`, so the text says as much as the members did.
#[must_use]
pub fn join<'a>(members: impl IntoIterator<Item = &'a Field>) -> Field {
    let mut text = String::from("[");
    let mut any = false;
    for member in members {
        if text.len() > 1 {
            text.push(',');
        }
        match member {
            Field::Null => text.push_str("null"),
            Field::Empty => {
                any = true;
                text.push_str("\"\"");
            }
            Field::Value(value) => {
                any = true;
                // Serialising a string to a string cannot fail.
                text.push_str(&serde_json::to_string(value.as_str()).unwrap_or_default());
            }
        }
    }
    text.push(']');
    if any { Field::Value(Text::from(text)) } else { Field::Null }
}

/// Splits what [`join`] made. A null group gives `arity` nulls; text that `join` did not make gives `None`.
#[must_use]
pub fn split(field: &Field, arity: usize) -> Option<Vec<Field>> {
    let Field::Value(text) = field else { return Some(vec![Field::Null; arity]) };
    let members: Vec<Option<Text>> = serde_json::from_str(text).ok()?;
    (members.len() == arity).then(|| {
        members
            .into_iter()
            .map(|member| match member {
                None => Field::Null,
                Some(text) if text.is_empty() => Field::Empty,
                Some(text) => Field::Value(text),
            })
            .collect()
    })
}

/// One member's field of a group; a single attribute is its own only member.
#[must_use]
pub fn split_member(field: &Field, arity: usize, member: u16) -> Option<Field> {
    if arity == 1 {
        return (member == 0).then(|| field.clone());
    }
    split(field, arity)?.into_iter().nth(usize::from(member))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_splits_into_what_was_joined() {
        let members = vec![Field::value("12 \"Main\" St"), Field::Null, Field::Empty, Field::value("ü")];
        let joined = join(&members);
        assert_eq!(joined.as_value(), Some(r#"["12 \"Main\" St",null,"","ü"]"#));
        assert_eq!(split(&joined, 4), Some(members));
    }

    #[test]
    fn a_group_of_nulls_is_null() {
        assert_eq!(join(&[Field::Null, Field::Null]), Field::Null);
        assert_eq!(split(&Field::Null, 2), Some(vec![Field::Null, Field::Null]));
    }

    #[test]
    fn text_of_another_arity_does_not_split() {
        assert_eq!(split(&Field::value("[null]"), 2), None);
        assert_eq!(split(&Field::value("12 Main St"), 1), None);
    }
}
