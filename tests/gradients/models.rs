//! Whole networks, tiny: the gradient of every parameter tensor, through the loss. All others are checked,
//! narrow, beside their code: `src/models/gradients.rs`.

use crate::check::normal;
use residual::{
    gradcheck::{Settings, check_layer, check_model},
    models::{
        self, Options, Shortcut,
        resnext_forms::{Cardinality, Form},
    },
    ops::cross_entropy::CrossEntropy,
    rng::Generator,
};

/// Checks up to 8 entries of each tensor: none may go unchecked, and at most one entry in three may lie
/// too near a kink.
fn check(name: &str, options: &Options) {
    let mut model = models::build(name, options).expect("a known name");
    let Options { in_channels, input_size, classes, .. } = *options;
    let images = normal([3, input_size, input_size, in_channels], &mut Generator::new(11, 0));
    let labels = [0, classes - 1, 1];
    let loss = CrossEntropy { label_smoothing: 0.1 };
    let report =
        check_model(&mut *model, &images, &labels, &loss, &Settings { entries: 8, ..Settings::default() });
    let (checked, skipped, worst) = (report.checked(), report.skipped(), report.worst_error());
    println!("{name}: worst relative error {worst:.1e} in {checked} entries, {skipped} skipped at kinks");
    assert!(report.passed(), "{report:#?}");
    assert!(report.tensors.iter().all(|tensor| tensor.checked > 0), "{report:#?}");
    assert!(3 * skipped <= checked + skipped, "{report:#?}");
}

#[test]
fn lenet5() {
    check("lenet5", &Options { classes: 4, in_channels: 1, input_size: 16, ..Options::default() });
    check("lenet5", &Options { classes: 3, in_channels: 3, input_size: 28, ..Options::default() });
}

#[test]
fn residual_networks() {
    for shortcut in [Shortcut::A, Shortcut::B, Shortcut::Conv3x3] {
        check(
            "resnet8",
            &Options { classes: 4, in_channels: 3, input_size: 6, shortcut, ..Options::default() },
        );
    }
}

#[test]
fn plain_networks() {
    check("plain8", &Options { classes: 4, in_channels: 1, input_size: 6, ..Options::default() });
}

/// The block of a ResNeXt, in each of its forms.
#[test]
fn aggregated_blocks() {
    let measures = Cardinality { paths: 3, width: 2, channels: 8 };
    for form in [Form::Split, Form::Concatenated, Form::Grouped] {
        let x = normal([2, 5, 4, 8], &mut Generator::new(17, 0));
        let report = check_layer(&mut measures.block(form, &Options::default()), &x, &Settings::default());
        println!("{form:?}: worst relative error {:.1e}", report.worst_error());
        assert!(report.passed(), "{report:#?}");
        assert!(report.tensors.iter().all(|tensor| tensor.checked > 0), "{report:#?}");
    }
}
