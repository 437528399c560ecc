//! Migrations: what stored values of one attribute become as values of another, declared where a model evolves.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use crate::id::AttributeId;
use crate::value::{Field, Kind, Malformed, Value};

/// Turns stored values of one attribute into values of another: of the same attribute in another type, or of a new one that
/// is split from it. Pure.
///
/// # Contract
///
/// - **As it is read.** What it makes of a value is what the attribute's mappings read of the leaf that this value was read
///   from. Otherwise every system seems to have moved as soon as it is read again.
/// - **Total.** `Ok(None)` says that there is no value. An error refuses the whole change, before anything is touched.
///
/// It runs once, when the model is accepted; what it made is journaled. Afterwards it may be deleted, and looking back to
/// before the change then shows the attribute without a value.
pub trait Migration<F: Value, T: Value>: Send + Sync + 'static {
    /// The name that files use, and that the journal and explanations show.
    fn name(&self) -> Cow<'static, str>;

    /// The value; `None`: there is none.
    ///
    /// # Errors
    ///
    /// [`Malformed`] if nothing can be made of it. Its reason is shown, so it must not quote the value.
    fn migrate(&self, value: F) -> Result<Option<T>, Malformed>;
}

/// A migration whose type parameters have been erased.
pub trait AnyMigration: Send + Sync {
    /// As [`Migration::name`].
    fn name(&self) -> Cow<'static, str>;
    /// The type that it reads.
    fn reads(&self) -> Kind;
    /// The type that it makes.
    fn makes(&self) -> Kind;
    /// As [`Migration::migrate`], in canonical form. What has no value has none afterwards.
    ///
    /// # Errors
    ///
    /// [`Malformed`] also if the text is no canonical form of the type that it reads.
    fn migrate(&self, field: &Field) -> Result<Field, Malformed>;
}

impl fmt::Debug for dyn AnyMigration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// Where the stored values of an attribute come from, if the store was written under a model that did not have it, or had
/// it in another type.
#[derive(Debug, Clone)]
pub struct Migrated {
    /// The attribute as the former model named it; its own id, or a former one, if it was retyped.
    pub from: AttributeId,
    /// What its values become.
    pub by: Arc<dyn AnyMigration>,
}

struct Erased<F, T, M> {
    migration: M,
    _types: PhantomData<fn(F) -> T>,
}

impl<F: Value, T: Value, M: Migration<F, T>> AnyMigration for Erased<F, T, M> {
    fn name(&self) -> Cow<'static, str> {
        self.migration.name()
    }
    fn reads(&self) -> Kind {
        F::KIND
    }
    fn makes(&self) -> Kind {
        T::KIND
    }
    fn migrate(&self, field: &Field) -> Result<Field, Malformed> {
        let Field::Value(text) = field else { return Ok(field.clone()) };
        let Some(value) = self.migration.migrate(F::from_canonical(text)?)? else { return Ok(Field::Null) };
        let mut canonical = String::new();
        value.canonical(&mut canonical);
        Ok(if canonical.is_empty() { Field::Empty } else { Field::Value(canonical.into()) })
    }
}

/// Erases the types of a migration.
pub(crate) fn erase<F: Value, T: Value>(migration: impl Migration<F, T>) -> Arc<dyn AnyMigration> {
    Arc::new(Erased { migration, _types: PhantomData })
}
