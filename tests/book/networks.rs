//! The drawings of the networks are what the crate draws now, and their page says what the crate counts.

use super::{read, source};
use residual::{
    models::{self, Options},
    nn::Graph,
    tensor::Shape,
};
use std::{fs, path::PathBuf};

const PAGE: &str = "appendix-networks.md";

/// Each network of the page: its drawing, its parameters, its multiply-adds for one picture.
fn drawings() -> impl Iterator<Item = (PathBuf, String, [String; 2])> {
    let names = [
        "lenet5",
        "alexnet_paper",
        "vgg16",
        "googlenet",
        "resnet20",
        "resnet18",
        "resnet50",
        "resnext50_32x4d",
    ];
    names.into_iter().map(|name| {
        let entry = models::all().iter().find(|entry| entry.name == name).expect("a network of the registry");
        let in_channels = if name == "lenet5" { 1 } else { 3 };
        let options = Options { in_channels, init: false, ..entry.options() };
        let model = models::build::<f32>(name, &options).expect("it can be built");
        let picture = Shape::from([1, options.input_size, options.input_size, in_channels]);
        let outline = model.outline(picture);
        let counts = [outline.parameters as u64, outline.macs].map(thousands);
        let file = source().join(format!("images/net-{name}.svg"));
        (file, Graph::new(name, &outline, picture).svg(), counts)
    })
}

/// 1,234,567.
fn thousands(count: u64) -> String {
    let digits = count.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    groups.join(",")
}

#[test]
fn networks_are_drawn_as_they_are() {
    let page = read(&source().join(PAGE));
    for (file, svg, counts) in drawings() {
        let renew = "cargo test --test book -- --ignored renew_the_drawings_of_networks";
        assert!(read(&file) == svg, "{} is not what the crate draws now: {renew}", file.display());
        let name = file.file_name().expect("a file").to_string_lossy().into_owned();
        let row = page.lines().find(|line| line.starts_with('|') && line.contains(&name));
        let row = row.unwrap_or_else(|| panic!("{PAGE} has no row with {name}"));
        for count in counts {
            assert!(row.contains(&count), "{PAGE}, {name}: the crate counts {count}");
        }
    }
}

#[test]
#[ignore = "writes book/src/images/net-*.svg"]
fn renew_the_drawings_of_networks() {
    for (file, svg, counts) in drawings() {
        fs::write(&file, svg).expect("the drawing can be written");
        println!("{}: {}", file.display(), counts.join(", "));
    }
}
