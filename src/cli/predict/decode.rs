//! From a PNG or JPEG file to a picture.

use png::{ColorType, Limits, Transformations};
use residual::{Error, data::Picture};
use std::{
    fs::{self, File},
    io::{Cursor, Read},
    path::Path,
};
use zune_jpeg::{
    JpegDecoder,
    zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions},
};

/// Pictures of more pixels are refused: the largest cameras have a hundred million.
const MOST_PIXELS: u64 = 1 << 27;
/// Longer files are refused unread: so many bytes hold the most pixels, not even compressed, in four channels
/// of 16 bits.
const MOST_BYTES: u64 = 9 * MOST_PIXELS;
/// One byte of compressed data becomes at most 1,032 (RFC 1951), each of which holds eight pixels of
/// one bit.
const PNG_PIXELS_PER_BYTE: u64 = 8 * 1032;
/// A block of 8 x 8 pixels takes at least a bit, and the colours' blocks may be four times as wide and high.
const JPEG_PIXELS_PER_BYTE: u64 = 8 * 64;

/// What a file may begin with, and what then reads it.
const KINDS: [(&[u8], Decoder); 2] = [(b"\x89PNG", png), (b"\xff\xd8\xff", jpeg)];
type Decoder = fn(&[u8]) -> Result<Picture, String>;

/// Reads the picture at `path`, transparency and orientation left out.
pub fn read(path: &Path) -> Result<Picture, Error> {
    let io = |source| Error::Io { path: path.into(), action: "read", source };
    let refused = |found: String, hint: &str| Error::Format {
        path: path.into(),
        expected: "a picture, PNG or JPEG".into(),
        found,
        hint: hint.into(),
    };
    let other = |found| refused(found, "convert it, or leave it out");
    // Before it is opened: a pipe makes its reader wait for a writer.
    let about = fs::metadata(path).map_err(io)?;
    if !about.is_file() && !about.is_dir() {
        return Err(refused("a pipe or a device".into(), "write the picture to a file and name that"));
    }
    let mut file = File::open(path).map_err(io)?;
    let mut bytes = Vec::new();
    file.by_ref().take(4).read_to_end(&mut bytes).map_err(io)?;
    let Some((_, decode)) = KINDS.iter().find(|(start, _)| bytes.starts_with(start)) else {
        let found = if bytes.is_empty() { "an empty file" } else { "neither's first bytes" };
        return Err(other(found.into()));
    };
    if about.len() > MOST_BYTES {
        return Err(other(format!("{} bytes", about.len())));
    }
    file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(io)?;
    decode(&bytes).map_err(other)
}

/// What the header declares must be possible for a file of so many bytes, before memory is taken for it.
fn check_size([height, width]: [u64; 2], bytes: &[u8], pixels_per_byte: u64) -> Result<(), String> {
    let pixels = height.saturating_mul(width);
    if pixels == 0 || pixels > MOST_PIXELS {
        return Err(format!("{width} x {height} pixels"));
    }
    if pixels > pixels_per_byte * bytes.len() as u64 {
        return Err(format!("{width} x {height} pixels said to be in {} bytes", bytes.len()));
    }
    Ok(())
}

fn png(bytes: &[u8]) -> Result<Picture, String> {
    let text = |error: png::DecodingError| error.to_string();
    let limits = Limits { bytes: 4 * MOST_PIXELS as usize };
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), limits);
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let (width, height) = decoder.read_header_info().map_err(text)?.size();
    check_size([height.into(), width.into()], bytes, PNG_PIXELS_PER_BYTE)?;
    let mut reader = decoder.read_info().map_err(text)?;
    let size = reader.output_buffer_size().ok_or("more pixels than memory holds")?;
    let mut pixels = vec![0; size];
    reader.next_frame(&mut pixels).map_err(text)?;
    let (pixels, channels) = match reader.output_color_type().0 {
        ColorType::Grayscale => (pixels, 1),
        ColorType::Rgb => (pixels, 3),
        ColorType::GrayscaleAlpha => (pixels.as_chunks::<2>().0.iter().map(|&[grey, _]| grey).collect(), 1),
        ColorType::Rgba => {
            (pixels.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect(), 3)
        }
        ColorType::Indexed => return Err("a palette that was not applied".into()),
    };
    Ok(Picture::new([height as usize, width as usize, channels], pixels))
}

fn jpeg(bytes: &[u8]) -> Result<Picture, String> {
    // Strict: a file that was cut short is an error, and not a picture with a grey end.
    let options = DecoderOptions::default().set_strict_mode(true);
    // What is too large is said below.
    let options = options.set_max_width(u16::MAX.into()).set_max_height(u16::MAX.into());
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    let text = |error: zune_jpeg::errors::DecodeErrors| error.to_string();
    decoder.decode_headers().map_err(text)?;
    let info = decoder.info().ok_or("no header")?;
    let size = [info.height, info.width];
    check_size(size.map(u64::from), bytes, JPEG_PIXELS_PER_BYTE)?;
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (space, channels) = if grey { (ColorSpace::Luma, 1) } else { (ColorSpace::RGB, 3) };
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    let pixels = decoder.decode().map_err(text)?;
    let [height, width] = size.map(usize::from);
    if pixels.len() != height * width * channels {
        return Err(format!("{} bytes for {width} x {height} pixels", pixels.len()));
    }
    Ok(Picture::new([height, width, channels], pixels))
}
