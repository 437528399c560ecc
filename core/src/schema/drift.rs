//! Drift: what of a system's schema moved away from its mappings, so that an attribute must stop there. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Mismatch, MismatchKind, Mismatches, ObjectSchema};
use crate::id::ObjectType;
use crate::text::Text;

/// The most fields that a description of an object type may have. What describes more is no schema.
pub(crate) const MOST_FIELDS: usize = 20_000;

/// The fields that a system described, by path, each with what it holds: to tell, of one that is gone, what it is called now.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct KnownFields(BTreeMap<ObjectType, BTreeMap<Text, Text>>);

impl KnownFields {
    /// Of what is described now; what other object types were described as is kept. Of a field that an attribute stops for because it was
    /// retyped, it stays known what it was: nothing else says that it is not what it was.
    pub(crate) fn learn(&mut self, described: &[ObjectSchema], retyped: &[Mismatch]) {
        for schema in described {
            let before = self.0.remove(&schema.object).unwrap_or_default();
            let is_retyped =
                |path: &Text| retyped.iter().any(|one| one.object == schema.object && *one.field.to_string() == **path);
            let field = |field: &super::FieldSchema| {
                let path = Text::from(field.path.to_string());
                let was = before.get(&path).filter(|_| is_retyped(&path)).cloned();
                (path, was.unwrap_or_else(|| field.kind.name().into()))
            };
            self.0.insert(schema.object.clone(), schema.fields.iter().map(field).collect());
        }
    }

    /// What a field held when it was last described otherwise than as text; nothing of one that was text, or of which nothing is presumed.
    pub(crate) fn was_more_than_text(&self, object: &ObjectType, field: &str) -> bool {
        let kind = self.0.get(object).and_then(|fields| fields.get(field));
        let presumed = [
            super::FieldKind::Integer,
            super::FieldKind::Number,
            super::FieldKind::Bool,
            super::FieldKind::Date,
            super::FieldKind::Instant,
            super::FieldKind::Choice(std::collections::BTreeSet::new()),
            super::FieldKind::Reference,
        ];
        kind.is_some_and(|kind| presumed.iter().any(|one| one.name() == kind.as_str()))
    }

    /// Whether a field was described as holding something else than now.
    pub(crate) fn held_other(&self, object: &ObjectType, field: &str, now: &str) -> bool {
        self.0.get(object).and_then(|fields| fields.get(field)).is_some_and(|kind| kind.as_str() != now)
    }

    /// What a field that is gone is called now: the one field of the same kind that is new, if no other of that kind is gone.
    fn renamed(&self, gone: &Mismatch, all: &Mismatches, now: &ObjectSchema) -> Option<Text> {
        let before = self.0.get(&gone.object)?;
        let kind = before.get(gone.field.to_string().as_str())?;
        let gone_too = all.found.iter().any(|other| {
            other.object == gone.object
                && other.kind == MismatchKind::Missing
                && other.field != gone.field
                && before.get(other.field.to_string().as_str()) == Some(kind)
        });
        let is_new = |field: &&super::FieldSchema| {
            field.kind.name() == kind.as_str() && !before.contains_key(field.path.to_string().as_str())
        };
        let mut candidates = now.fields.iter().filter(is_new);
        let first = candidates.next()?;
        (!gone_too && candidates.next().is_none()).then(|| first.path.to_string().into())
    }
}

/// Of what does not fit, that for which an attribute stops: its field is missing or was renamed, holds another type, became
/// read-only, has an option that nothing is made of, or lacks one that is written. What is only wrong about creates, may not
/// fit in length, or is only sometimes refused, stops nothing: the system refuses it by itself.
pub(crate) fn drifts(found: &Mismatches, before: &KnownFields, now: &[ObjectSchema]) -> Vec<Mismatch> {
    let stops = |kind: &MismatchKind| match kind {
        MismatchKind::Missing
        | MismatchKind::Renamed { .. }
        | MismatchKind::WrongType { .. }
        | MismatchKind::ReadOnly
        | MismatchKind::UnknownOption { .. }
        | MismatchKind::UnreadOption { .. } => true,
        MismatchKind::RequiredNotMapped
        | MismatchKind::RequiredMayLack
        | MismatchKind::MayRefuse { .. }
        | MismatchKind::TooLong { .. }
        | MismatchKind::NotUnique => false,
    };
    let mut drifts: Vec<Mismatch> = Vec::new();
    for one in found.found.iter().filter(|one| one.attribute.is_some() && stops(&one.kind)) {
        let mut one = one.clone();
        if one.kind == MismatchKind::Missing
            && let Some(schema) = now.iter().find(|schema| schema.object == one.object)
            && let Some(to) = before.renamed(&one, found, schema)
        {
            one.kind = MismatchKind::Renamed { to };
        }
        drifts.push(one);
    }
    drifts
}

#[cfg(test)]
mod tests {
    use super::super::{FieldKind, FieldSchema};
    use super::*;
    use crate::model::Path;

    fn contacts(fields: &[(&str, FieldKind)]) -> ObjectSchema {
        let mut schema = ObjectSchema::new("contacts");
        for (path, kind) in fields {
            schema.field(FieldSchema::new(Path::new(path), kind.clone()));
        }
        schema
    }

    fn missing(paths: &[&str]) -> Mismatches {
        let one = |path: &&str| Mismatch {
            system: "crm".into(),
            object: "contacts".into(),
            field: Path::new(path),
            attribute: Some("customer.phone".into()),
            kind: MismatchKind::Missing,
        };
        Mismatches { found: paths.iter().map(one).collect(), compared: 1 }
    }

    #[test]
    fn a_field_that_is_gone_is_renamed_where_that_can_be_told_and_missing_where_not() {
        use FieldKind::{Date, Text};
        let mut before = KnownFields::default();
        before.learn(&[contacts(&[("phone", Text), ("fax", Text), ("born", Date)])], &[]);
        let kinds = |gone: &[&str], now: &[(&str, FieldKind)]| -> Vec<MismatchKind> {
            drifts(&missing(gone), &before, &[contacts(now)]).into_iter().map(|one| one.kind).collect()
        };
        let renamed = |to: &str| MismatchKind::Renamed { to: to.into() };
        let fax = ("fax", Text);
        assert_eq!(kinds(&["phone"], &[fax.clone(), ("mobile", Text), ("born", Date)]), [renamed("mobile")]);
        assert_eq!(kinds(&["phone"], &[fax.clone(), ("since", Date), ("born", Date)]), [MismatchKind::Missing]);
        let two_new = [fax.clone(), ("mobile", Text), ("home", Text)];
        assert_eq!(kinds(&["phone"], &two_new), [MismatchKind::Missing], "either could be it");
        let two_gone = kinds(&["phone", "fax"], &[("mobile", Text)]);
        assert_eq!(two_gone, [MismatchKind::Missing, MismatchKind::Missing], "it could be either");
        assert_eq!(
            kinds(&["phone", "born"], &[fax, ("mobile", Text), ("birthday", Date)]),
            [renamed("mobile"), renamed("birthday")]
        );
        let unknown = drifts(&missing(&["phone"]), &KnownFields::default(), &[contacts(&[("mobile", Text)])]);
        assert_eq!(unknown.first().map(|one| &one.kind), Some(&MismatchKind::Missing), "it was never described before");
    }
}
