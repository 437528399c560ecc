//! References: which native object type the ids of one are of, in each system.

use crate::id::{EntityType, ObjectKey, ObjectType};
use crate::model::{AttributeModel, EntityModel, Mistake, SystemObject};

/// The object types of every entity type.
type Declared = [(EntityType, Vec<SystemObject>)];

/// Finds a reference whose ids could be of no object type, or of several.
pub(super) fn check_reference(
    model: &EntityModel,
    attribute: &AttributeModel,
    declared: &Declared,
    mistakes: &mut Vec<Mistake>,
) {
    let Some(target) = &attribute.reference else { return };
    let place = || (model.entity.clone(), attribute.id.clone());
    let Some((_, objects)) = declared.iter().find(|(name, _)| name == target) else {
        let (entity, id) = place();
        mistakes.push(Mistake::UnknownReference(entity, id, target.clone()));
        return;
    };
    for mapping in &attribute.mappings {
        let Some(own) = model.objects.iter().find(|object| object.key == mapping.object) else { continue };
        let here = objects.iter().filter(|object| object.system == own.system);
        let keys: Vec<ObjectKey> = here.map(|object| object.key.clone()).collect();
        let (system, target) = (own.system.clone(), target.clone());
        match &mapping.via_object {
            Some(via) if !keys.contains(via) => {
                mistakes.push(Mistake::UnknownViaObject(place(), via.clone(), system, target, keys));
            }
            None if keys.len() != 1 => mistakes.push(Mistake::AmbiguousReference(place(), system, target, keys)),
            Some(_) | None => {}
        }
    }
}

/// The native object type whose ids a reference to `target` holds where `object` maps it.
pub(super) fn target_object(
    target: &EntityType,
    attribute: &AttributeModel,
    object: &SystemObject,
    declared: &Declared,
) -> Option<ObjectType> {
    let (_, objects) = declared.iter().find(|(name, _)| name == target)?;
    let mapping = attribute.mappings.iter().find(|mapping| mapping.object == object.key);
    let via = mapping.and_then(|mapping| mapping.via_object.as_ref());
    let named =
        |candidate: &&SystemObject| candidate.system == object.system && via.is_none_or(|via| candidate.key == *via);
    objects.iter().find(named).map(|found| found.object.clone())
}
