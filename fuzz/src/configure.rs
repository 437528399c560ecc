//! Models in files, and overlays of them: a model, or mistakes that name lines.
//!
//! The first byte says which of the two the text is.

use std::sync::LazyLock;

use accordant::model::{EntityModel, Model};
use accordant::policy::Registry;

use super::world;

static REGISTRY: LazyLock<Registry> = LazyLock::new(Registry::builtin);

static BASE: LazyLock<EntityModel> =
    LazyLock::new(|| EntityModel::from_toml(world::MODEL, &REGISTRY).expect("the model has no mistakes"));

/// A model that compiles or says why not, or mistakes.
pub fn run(data: &[u8]) {
    let Some((pick, text)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let model = if pick & 1 == 0 {
        EntityModel::from_toml(text, &REGISTRY)
    } else {
        let mut model = BASE.clone();
        model.overlay(text, &REGISTRY).map(|()| model)
    };
    match model {
        Ok(model) => match Model::compile(vec![model]) {
            Ok(_) => {}
            Err(mistakes) => assert!(!mistakes.to_string().is_empty()),
        },
        Err(mistakes) => assert!(!mistakes.to_string().is_empty(), "a refusal says why"),
    }
}
