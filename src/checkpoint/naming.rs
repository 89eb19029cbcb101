//! Names and shapes that others give the same weights.

use super::Array;
use crate::error::clip;
use std::collections::BTreeMap;

/// What PyTorch's wrappers for several devices put before every name.
const WRAPPER: &str = "module.";

/// What timm calls VGG's fully connected layers, the first two of which it has as convolutions over the
/// whole image: the same numbers in the same order.
const TIMM_VGG: [(&str, &str); 3] = [
    ("pre_logits.fc1.", "classifier.0."),
    ("pre_logits.fc2.", "classifier.3."),
    ("head.fc.", "classifier.6."),
];

/// The arrays under torchvision's names. The error is what two names of one array were found.
pub(super) fn as_in_torchvision(
    mut arrays: BTreeMap<String, Array>,
) -> Result<BTreeMap<String, Array>, String> {
    if arrays.keys().all(|name| name.starts_with(WRAPPER)) {
        arrays = arrays.into_iter().map(|(name, array)| (name[WRAPPER.len()..].into(), array)).collect();
    }
    if !arrays.keys().any(|name| name.starts_with(TIMM_VGG[0].0)) {
        return Ok(arrays);
    }
    let mut renamed = BTreeMap::new();
    for (name, array) in arrays {
        let theirs = |(from, to)| Some(format!("{to}{}", name.strip_prefix(from)?));
        let (ours, array) = match TIMM_VGG.into_iter().find_map(theirs) {
            Some(ours) => (ours, flat(array)),
            None => (name.clone(), array),
        };
        // In the order of names, torchvision's come first.
        if renamed.insert(ours.clone(), array).is_some() {
            return Err(format!("`{}` and `{}`, two names of one", clip(&ours), clip(&name)));
        }
    }
    Ok(renamed)
}

/// Weights (out, C, H, W) as (out, C·H·W).
fn flat(array: Array) -> Array {
    let &[out, c, h, w] = &array.shape[..] else { return array };
    match c.checked_mul(h).and_then(|area| area.checked_mul(w)) {
        Some(features) => Array { shape: vec![out, features], ..array },
        None => array,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checkpoint::Numbers;

    fn named(names: &[(&str, &[usize])]) -> BTreeMap<String, Array> {
        let array = |shape: &[usize]| Array {
            shape: shape.into(),
            numbers: Numbers::F32((0..shape.iter().product()).map(|i| i as f32).collect()),
        };
        names.iter().map(|&(name, shape)| (name.into(), array(shape))).collect()
    }

    #[test]
    fn wrappers_are_taken_off_where_all_names_have_them() {
        let wrapped = named(&[("module.fc.bias", &[2]), ("module.fc.weight", &[2, 3])]);
        let plain = named(&[("fc.bias", &[2]), ("fc.weight", &[2, 3])]);
        assert_eq!(as_in_torchvision(wrapped), Ok(plain));
        let own = named(&[("module.fc.bias", &[2]), ("fc.weight", &[2, 3])]);
        assert_eq!(as_in_torchvision(own.clone()), Ok(own));
    }

    #[test]
    fn timms_vgg_is_torchvisions() {
        let timm = named(&[
            ("features.0.weight", &[2, 3, 3, 3]),
            ("head.fc.bias", &[4]),
            ("head.fc.weight", &[4, 5]),
            ("pre_logits.fc1.bias", &[5]),
            ("pre_logits.fc1.weight", &[5, 2, 7, 7]),
            ("pre_logits.fc2.bias", &[5]),
            ("pre_logits.fc2.weight", &[5, 5, 1, 1]),
        ]);
        let torchvision = named(&[
            ("features.0.weight", &[2, 3, 3, 3]),
            ("classifier.0.bias", &[5]),
            ("classifier.0.weight", &[5, 98]),
            ("classifier.3.bias", &[5]),
            ("classifier.3.weight", &[5, 5]),
            ("classifier.6.bias", &[4]),
            ("classifier.6.weight", &[4, 5]),
        ]);
        assert_eq!(as_in_torchvision(timm), Ok(torchvision));
    }
}
