//! `.pth` files by hand, honest and not.

use flate2::Crc;

/// A zip archive that holds these entries as they are.
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut records) = (Vec::new(), Vec::new());
    for (name, bytes) in entries {
        let mut crc = Crc::new();
        crc.update(bytes);
        let at = file.len() as u32;
        let size = (bytes.len() as u32).to_le_bytes();
        // From "version needed" to the length of the extra field, as both headers have it.
        let common = [
            &[0; 10],
            &crc.sum().to_le_bytes()[..],
            &size,
            &size,
            &(name.len() as u16).to_le_bytes(),
            &[0; 2],
        ]
        .concat();
        file.extend([b"PK\x03\x04", &common[..], name.as_bytes(), bytes].concat());
        records
            .extend([b"PK\x01\x02\0\0", &common[..], &[0; 10], &at.to_le_bytes(), name.as_bytes()].concat());
    }
    let (at, length) = ((file.len() as u32).to_le_bytes(), (records.len() as u32).to_le_bytes());
    let count = (entries.len() as u16).to_le_bytes();
    file.extend([&records[..], b"PK\x05\x06", &[0; 4], &count, &count, &length, &at, &[0; 2]].concat());
    file
}

/// A file with this pickle, without its end, and one storage.
pub fn file(pickle: &Pickle, storage: &[u8]) -> Vec<u8> {
    zip(&[("x/data.pkl", &[&pickle.0[..], b"."].concat()), ("x/data/0", storage)])
}

/// A pickle that is being written.
#[derive(Clone)]
pub struct Pickle(pub Vec<u8>);

impl Pickle {
    pub fn new() -> Self {
        Self(b"\x80\x02".into())
    }

    /// With these bytes at the end.
    pub fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    pub fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    pub fn int(self, x: i64) -> Self {
        self.raw(b"\x8a\x08").raw(&x.to_le_bytes())
    }

    pub fn ints(self, xs: &[i64]) -> Self {
        xs.iter().fold(self.raw(b"("), |pickle, &x| pickle.int(x)).raw(b"t")
    }

    pub fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    /// A tensor as PyTorch writes it.
    pub fn tensor(self, claim: &Claim) -> Self {
        self.global("torch._utils", "_rebuild_tensor_v2")
            .raw(b"((")
            .text("storage")
            .global("torch", claim.storage)
            .text(claim.key)
            .text("cpu")
            .int(claim.len)
            .raw(b"tQ")
            .int(claim.offset)
            .ints(claim.shape)
            .ints(claim.strides)
            .raw(b"\x89}tR")
    }
}

/// What a pickle says of a tensor.
#[derive(Clone)]
pub struct Claim<'a> {
    pub storage: &'a str,
    pub key: &'a str,
    pub len: i64,
    pub offset: i64,
    pub shape: &'a [i64],
    pub strides: &'a [i64],
}

/// Six floats as 2 x 3.
pub const HONEST: Claim<'static> =
    Claim { storage: "FloatStorage", key: "0", len: 6, offset: 0, shape: &[2, 3], strides: &[3, 1] };

/// A dict with this tensor as `w`.
pub fn dict(claim: &Claim) -> Pickle {
    Pickle::new().raw(b"}").text("w").tensor(claim).raw(b"s")
}

/// Six floats.
pub fn floats() -> Vec<u8> {
    (0..6).flat_map(|i| (i as f32).to_le_bytes()).collect()
}
