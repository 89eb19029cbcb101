//! Folders in which the built program runs.

use super::folder::{Folder, gzip, idx};
use png::ColorType;
use residual::{
    Tensor,
    checkpoint::{self, Array, Metadata, TensorFile},
    models::{self, Options},
};
use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

/// A folder of its own for each test.
pub struct Place(Folder);

/// What the program said, and how it ended.
pub struct Answer {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Place {
    /// An empty one.
    pub fn new() -> Self {
        Self(Folder::new("place"))
    }

    /// With `data`, forty training and twenty test images like MNIST's.
    pub fn with_data() -> Self {
        let place = Self::new();
        for (part, count) in [("train", 40), ("t10k", 20)] {
            let pixels: Vec<_> = (0..count * 784).map(|i| (i * i % 251) as u8).collect();
            let labels: Vec<_> = (0..count).map(|i| (i % 10) as u8).collect();
            place.write(&format!("data/{part}-images-idx3-ubyte.gz"), &gzip(&idx(&[count, 28, 28], &pixels)));
            place.write(&format!("data/{part}-labels-idx1-ubyte.gz"), &gzip(&idx(&[count], &labels)));
        }
        place
    }

    /// With good and bad files of every kind.
    pub fn with_files() -> Self {
        let place = Self::with_data();
        place.write("garbage", b"This is no file of tensors, and no image either.");
        fs::create_dir(place.file("empty")).expect("a folder can be made");
        for name in ["train-images", "train-labels", "t10k-images", "t10k-labels"] {
            let name = format!("{name}-idx{}-ubyte.gz", if name.ends_with("images") { 3 } else { 1 });
            let whole = fs::read(place.file("data").join(&name)).expect("a file that was written");
            let cut = if name.starts_with("train-images") { whole.len() / 2 } else { whole.len() };
            place.write(&format!("truncated/{name}"), &whole[..cut]);
        }
        let config = serde_json::to_vec(&residual::train::Config::default()).expect("plain data");
        place.write("run/config.json", &config);
        let grey = Options { in_channels: 1, input_size: 28, ..Options::default() };
        place.save_weights("weights", "lenet5", &grey);
        place.save_input("images", Tensor::full([2, 1, 28, 28], 0.5f32));
        place.save_input("colour", Tensor::full([2, 3, 28, 28], 0.5f32));
        place.save_input("flat", Tensor::full([2, 784], 0.5f32));
        place.save_pictures();
        place
    }

    /// Weights of the network called `model`, as they start.
    pub fn save_weights(&self, name: &str, model: &str, options: &Options) {
        let mut network = models::build::<f32>(model, options).expect("a known name");
        let metadata = Metadata {
            model: model.into(),
            in_channels: options.in_channels,
            input_size: [options.input_size; 2],
            data: "mnist".into(),
            classes: (0..options.classes).map(|class| class.to_string()).collect(),
            mean: vec![0.5],
            std: vec![0.5],
            shortcut: None,
        };
        checkpoint::save(&self.file(name), |each| network.visit(each), &metadata).expect("a file");
    }

    /// Pictures of a slope in grey, and files that no picture comes out of.
    fn save_pictures(&self) {
        let (good, jpeg) = (png([28, 28], ColorType::Grayscale, &slope()), include_bytes!("slope.jpg"));
        self.write("slope.png", &good);
        self.write("cut.png", &good[..good.len() / 2]);
        self.write("slope.jpg", jpeg);
        self.write("cut.jpg", &jpeg[..jpeg.len() - 40]);
        self.write("vast.png", &png([1 << 30, 1 << 30], ColorType::Rgb, &[]));
        self.write("hollow.png", &png([10_000, 10_000], ColorType::Rgb, &[]));
        // Height and width stand behind the start of the frame, its length and its precision.
        let frame = jpeg.windows(2).position(|two| two == [0xff, 0xc0]).expect("a start of frame");
        let mut vast = jpeg.to_vec();
        vast[frame + 5..frame + 9].fill(0xff);
        self.write("vast.jpg", &vast);
    }

    /// A file with `input` and nothing else.
    pub fn save_input<T: residual::Real>(&self, name: &str, input: Tensor<T>) {
        let mut file = TensorFile::default();
        file.arrays.insert("input".into(), Array::of(&input));
        file.write(&self.file(name)).expect("a file can be written");
    }

    /// Writes a file, and the folders that it is in.
    pub fn write(&self, name: &str, bytes: &[u8]) {
        let folder = self.file(name).parent().map(Path::to_owned).expect("a folder above");
        fs::create_dir_all(folder).expect("a folder can be made");
        self.0.write(name, bytes);
    }

    /// The path of a file here.
    pub fn file(&self, name: &str) -> PathBuf {
        Path::new(self.0.path()).join(name)
    }

    /// Every file and folder here, with how large it is.
    pub fn listing(&self) -> Vec<(PathBuf, u64)> {
        let mut found = Vec::new();
        let mut folders = vec![self.file("")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("a folder can be read") {
                let path = entry.expect("an entry").path();
                found.push((path.clone(), fs::metadata(&path).expect("an entry").len()));
                if path.is_dir() {
                    folders.push(path);
                }
            }
        }
        found.sort();
        found
    }

    /// The program with these arguments, which are words between spaces.
    pub fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_residual"));
        command
            .args(args.split_whitespace())
            .current_dir(self.file(""))
            .env_remove("RESIDUAL_ISA")
            .env_remove("RESIDUAL_CONV");
        command
    }

    /// Runs it to its end.
    pub fn run(&self, args: &str) -> Answer {
        Answer::of(self.command(args).output().expect("the program runs"))
    }
}

impl Answer {
    /// What a finished program left.
    pub fn of(output: Output) -> Self {
        Self {
            status: output.status.code().expect("an end without a signal"),
            stdout: String::from_utf8(output.stdout).expect("text"),
            stderr: String::from_utf8(output.stderr).expect("text"),
        }
    }
}

/// The bytes of `slope.jpg`, before it was compressed.
pub fn slope() -> Vec<u8> {
    (0..784).map(|i| ((4 * (i % 28) + 3 * (i / 28)) % 256) as u8).collect()
}

/// A PNG file of this height and width; without pixels, with none of them.
pub fn png([height, width]: [u32; 2], color: ColorType, pixels: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width, height);
    encoder.set_color(color);
    let mut writer = encoder.write_header().expect("memory can be written");
    if pixels.is_empty() {
        // An empty stream of zlib.
        writer.write_chunk(png::chunk::IDAT, &[0x78, 0x9c, 3, 0, 0, 0, 0, 1]).expect("memory can be written");
        drop(writer);
    } else {
        writer.write_image_data(pixels).expect("as many bytes as pixels");
        writer.finish().expect("memory can be written");
    }
    file
}
