//! The book's exercises: `cargo test --test exercises -- --include-ignored ch03` judges yours, in
//! `book/exercises/ch03.rs`. The solutions have to pass the very same checks.

use std::{fs, path::Path};

macro_rules! chapters {
    ($($yours:ident $yours_at:literal $solved:ident $solved_at:literal)*) => {
        $(
            #[path = $yours_at]
            #[allow(unused)]
            mod $yours;
            #[path = $solved_at]
            mod $solved;
        )*

        const FILES: &[(&str, &str)] = &[$(($yours_at, $solved_at)),*];
    };
}

chapters! {
    ch01 "../book/exercises/ch01.rs" solution_01 "../book/solutions/ch01.rs"
    ch02 "../book/exercises/ch02.rs" solution_02 "../book/solutions/ch02.rs"
    ch03 "../book/exercises/ch03.rs" solution_03 "../book/solutions/ch03.rs"
    ch04 "../book/exercises/ch04.rs" solution_04 "../book/solutions/ch04.rs"
    ch05 "../book/exercises/ch05.rs" solution_05 "../book/solutions/ch05.rs"
    ch06 "../book/exercises/ch06.rs" solution_06 "../book/solutions/ch06.rs"
    ch07 "../book/exercises/ch07.rs" solution_07 "../book/solutions/ch07.rs"
    ch08 "../book/exercises/ch08.rs" solution_08 "../book/solutions/ch08.rs"
    ch09 "../book/exercises/ch09.rs" solution_09 "../book/solutions/ch09.rs"
    ch10 "../book/exercises/ch10.rs" solution_10 "../book/solutions/ch10.rs"
    ch11 "../book/exercises/ch11.rs" solution_11 "../book/solutions/ch11.rs"
    ch12 "../book/exercises/ch12.rs" solution_12 "../book/solutions/ch12.rs"
    ch13 "../book/exercises/ch13.rs" solution_13 "../book/solutions/ch13.rs"
    ch14 "../book/exercises/ch14.rs" solution_14 "../book/solutions/ch14.rs"
    ch15 "../book/exercises/ch15.rs" solution_15 "../book/solutions/ch15.rs"
    ch16 "../book/exercises/ch16.rs" solution_16 "../book/solutions/ch16.rs"
}

/// What follows the line `mod tests {`, without the attributes that spare the unsolved.
fn checks(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(path);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (_, checks) =
        text.split_once("\nmod tests {").unwrap_or_else(|| panic!("{}: no checks", path.display()));
    checks.lines().filter(|line| !line.trim().starts_with("#[ignore")).collect::<Vec<_>>().join("\n")
}

#[test]
fn solutions_pass_the_readers_checks() {
    for (yours, solved) in FILES {
        assert!(checks(yours) == checks(solved), "{yours} and {solved} are checked differently");
        assert!(checks(yours).contains("#[test]"), "{yours} checks nothing");
    }
}

#[test]
fn exercises_are_unsolved_and_spared() {
    for (yours, _) in FILES {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(yours);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let spared = text.matches("#[ignore = \"yours to solve\"]").count();
        assert!(text.contains("todo!("), "{yours}: nothing is left to do");
        assert_eq!(text.matches("#[test]").count(), spared, "{yours}: CI spares what is yours to solve");
    }
}
