//! What somebody may have meant who mistyped a name.

/// The names of `known` that are at most a third of their letters away from `wrong`, nearest first.
///
/// ```
/// use residual::suggest::near;
/// assert_eq!(near("resnet2O", ["lenet5", "resnet20", "resnet32"]), ["resnet20", "resnet32"]);
/// assert!(near("transformer", ["lenet5", "resnet20"]).is_empty());
/// ```
pub fn near<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let wrong = wrong.to_lowercase();
    let mut near: Vec<_> = known.into_iter().map(|name| (distance(&wrong, name), name)).collect();
    near.retain(|(distance, name)| 3 * distance <= name.chars().count());
    near.sort_by_key(|&(distance, _)| distance);
    near.into_iter().map(|(_, name)| name).collect()
}

/// How many letters must be put in, left out or exchanged (Levenshtein 1966).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<_> = b.chars().collect();
    // row[j] is the distance between the letters of `a` so far and the first j letters of `b`.
    let mut row: Vec<_> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let exchanged = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = exchanged.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_letters() {
        for (a, b, expected) in
            [("", "abc", 3), ("lenet", "lenet5", 1), ("renset", "resnet", 2), ("kitten", "sitting", 3)]
        {
            assert_eq!((distance(a, b), distance(b, a)), (expected, expected), "{a} {b}");
        }
    }
}
