//! Codecs: how native leaves become a canonical field, and back.

use std::borrow::Cow;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::equivalence::Normalizer;
use crate::fingerprint::Fingerprint;
use crate::value::{Field, Hints, Leaf, Malformed, Native, Value};

/// Turns the leaves of one mapping into a canonical field, and back.
pub trait Codec: Send + Sync {
    /// Reads one leaf per read path; appends the canonical text to `out` and says what was read.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the leaves are no value of the attribute's type; `out` is then unspecified.
    fn read(&self, leaves: &[Leaf<'_>], out: &mut String) -> Result<Read, Malformed>;

    /// One leaf per write path.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the field is not in canonical form.
    fn write(&self, field: &Field) -> Result<Vec<Native>, Malformed>;

    /// Adds everything that decides how a leaf reads: two codecs of one fingerprint read alike.
    fn fingerprint(&self, fingerprint: &mut Fingerprint);

    /// Whether every value that can be written comes back as it went.
    fn is_exact(&self) -> bool {
        true
    }

    /// Whether it is a user's [`Transform`]: nothing is known of what else it reads than what was tried.
    fn is_transform(&self) -> bool {
        false
    }

    /// As [`Codec::fingerprint`], without what is dated, as the rates of one day.
    fn undated(&self, fingerprint: &mut Fingerprint) {
        self.fingerprint(fingerprint);
    }

    /// As [`Transform::between`], in canonical form.
    fn between(&self, _: &Field) -> Option<(Native, Native)> {
        None
    }
}

impl std::fmt::Debug for dyn Codec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Codec")
    }
}

/// What a codec read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Read {
    /// No value.
    Null,
    /// The empty value.
    Empty,
    /// A value, appended to the output.
    Value,
}

/// A user's own way between native leaves and a value: several paths for one value, a unit, a code.
///
/// `read` and `write` must undo each other; `accordant::laws!` checks it.
pub trait Transform<T>: Send + Sync + 'static {
    /// The name that appears in errors.
    fn name(&self) -> Cow<'static, str>;

    /// Adds version and parameters.
    fn fingerprint(&self, fingerprint: &mut Fingerprint);

    /// Reads one leaf per read path; `None`: no value.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if the leaves make no value.
    fn read(&self, leaves: &[Leaf<'_>]) -> Result<Option<T>, Malformed>;

    /// One leaf per write path.
    fn write(&self, value: &T) -> Vec<Native>;

    /// As [`Transform::fingerprint`], without what is dated, as the rates of one day. Two that differ in that alone read the
    /// same amounts by other rates: what stands in the system has not moved.
    fn undated(&self, fingerprint: &mut Fingerprint) {
        self.fingerprint(fingerprint);
    }

    /// The least and the greatest leaf that are read as this value. Only a transform with something dated needs it: by these a
    /// value that was read by the rates of one day is known again by those of another. `None`: no leaf is.
    fn between(&self, _: &T) -> Option<(Native, Native)> {
        None
    }

    /// Whether every value comes back as it went: the ordinary case. One that rounds, as a conversion does, says no: then what
    /// it reads of what it wrote is the form that the system is known to hold, and it must stay that form.
    fn is_exact(&self) -> bool {
        true
    }
}

/// The codec of a value type: one leaf, and for amounts a second one with the currency.
pub(super) struct LeafCodec<T> {
    pub(super) hints: Hints,
    /// How many paths are written.
    pub(super) paths: usize,
    pub(super) normalizers: Arc<[Arc<dyn Normalizer>]>,
    pub(super) _type: PhantomData<fn() -> T>,
}

impl<T: Value> Codec for LeafCodec<T> {
    fn read(&self, leaves: &[Leaf<'_>], out: &mut String) -> Result<Read, Malformed> {
        let leaf = match leaves.first().copied().unwrap_or(Leaf::Null) {
            Leaf::Null => return Ok(Read::Null),
            Leaf::Text(text) if text.trim().is_empty() => return Ok(Read::Empty),
            leaf => leaf,
        };
        let start = out.len();
        match leaves.get(1).and_then(Leaf::as_text) {
            Some(currency) => {
                let hints = Hints { currency: Some(currency.into()), ..self.hints.clone() };
                T::canonical_of(leaf, &hints, out)?;
            }
            None => T::canonical_of(leaf, &self.hints, out)?,
        }
        normalize(&self.normalizers, start, out);
        Ok(if out.len() == start { Read::Empty } else { Read::Value })
    }

    fn write(&self, field: &Field) -> Result<Vec<Native>, Malformed> {
        Ok(match field {
            Field::Null => vec![Native::Null],
            Field::Empty => vec![Native::Text("".into())],
            Field::Value(text) => {
                let value = T::from_canonical(text)?;
                // Without a path for its currency, an amount would be read back in the mapping's own.
                let other =
                    |unit: &crate::text::Text| self.hints.currency.as_ref().is_some_and(|currency| currency != unit);
                if self.paths < 2 && value.unit().as_ref().is_some_and(other) {
                    return Err(Malformed::new("the mapping is in another currency"));
                }
                let amount = value.native(&self.hints);
                // Written only where the mapping has a second path for it.
                std::iter::once(amount).chain(value.unit().map(Native::Text)).take(self.paths).collect()
            }
        })
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.text(T::KIND.name).number(i64::from(T::KIND.version));
        let Hints { object, currency, region, zone, format } = &self.hints;
        for hint in [object, currency, region, zone, format] {
            fingerprint.text(hint.as_deref().unwrap_or(""));
        }
        for normalizer in self.normalizers.iter() {
            fingerprint.text(&normalizer.name());
            normalizer.fingerprint(fingerprint);
        }
    }
}

/// The codec of a user's transform.
pub(super) struct TransformCodec<T> {
    pub(super) transform: Arc<dyn Transform<T>>,
    pub(super) normalizers: Arc<[Arc<dyn Normalizer>]>,
}

impl<T: Value> Codec for TransformCodec<T> {
    fn read(&self, leaves: &[Leaf<'_>], out: &mut String) -> Result<Read, Malformed> {
        let empty =
            |leaf: &Leaf<'_>| matches!(leaf, Leaf::Null) || leaf.as_text().is_some_and(|text| text.trim().is_empty());
        if leaves.iter().all(empty) {
            let null = leaves.iter().all(|leaf| matches!(leaf, Leaf::Null));
            return Ok(if null { Read::Null } else { Read::Empty });
        }
        let Some(value) = self.transform.read(leaves)? else { return Ok(Read::Null) };
        let start = out.len();
        value.canonical(out);
        normalize(&self.normalizers, start, out);
        Ok(if out.len() == start { Read::Empty } else { Read::Value })
    }

    fn write(&self, field: &Field) -> Result<Vec<Native>, Malformed> {
        Ok(match field {
            Field::Null | Field::Empty => Vec::new(),
            Field::Value(text) => self.transform.write(&T::from_canonical(text)?),
        })
    }

    fn is_exact(&self) -> bool {
        self.transform.is_exact()
    }

    fn is_transform(&self) -> bool {
        true
    }

    fn undated(&self, fingerprint: &mut Fingerprint) {
        fingerprint.text(T::KIND.name).number(i64::from(T::KIND.version)).text(&self.transform.name());
        self.transform.undated(fingerprint);
        for normalizer in self.normalizers.iter() {
            fingerprint.text(&normalizer.name());
            normalizer.fingerprint(fingerprint);
        }
    }

    fn between(&self, field: &Field) -> Option<(Native, Native)> {
        self.transform.between(&T::from_canonical(field.as_value()?).ok()?)
    }

    fn fingerprint(&self, fingerprint: &mut Fingerprint) {
        fingerprint.text(T::KIND.name).number(i64::from(T::KIND.version)).text(&self.transform.name());
        self.transform.fingerprint(fingerprint);
        for normalizer in self.normalizers.iter() {
            fingerprint.text(&normalizer.name());
            normalizer.fingerprint(fingerprint);
        }
    }
}

/// Applies normalizers to the text appended behind `start`.
fn normalize(normalizers: &[Arc<dyn Normalizer>], start: usize, out: &mut String) {
    for normalizer in normalizers {
        if let Cow::Owned(normal) = normalizer.normalize(&out[start..]) {
            out.truncate(start);
            out.push_str(&normal);
        }
    }
}
