//! The zip archive around a `.pth` file: entries lie in it as they are, a directory stands at its end.
//!
//! ```text
//! local header, bytes of entry 0, local header, bytes of entry 1, …
//! a directory record for each entry: name, size, checksum, where its local header is
//! (zip64: where the directory is, in 64 bits; where that word is)
//! where the directory is, in 32 bits
//! ```
//!
//! Entries lie beside each other: a directory in which a thousand of them share bytes makes much of a small
//! file, and nobody writes one.
//!
//! A number of 32 bits with all bits set stands for a larger one: the entry's is in an extra field of its
//! record, the directory's in zip64's words.

use super::Refused;
use crate::error::clip;
use flate2::Crc;
use std::{collections::BTreeMap, ops::Range};

/// The entries of an archive by name, within the bytes of the file.
pub struct Archive<'a>(BTreeMap<&'a str, Entry<'a>>);

struct Entry<'a> {
    bytes: &'a [u8],
    /// Where its local header and its bytes are in the file.
    place: Range<usize>,
    checksum: u32,
    checked: bool,
}

/// The longest comment that may follow the last record.
const COMMENT: usize = 0xffff;
const END: &[u8] = b"PK\x05\x06";
const END_64: &[u8] = b"PK\x06\x06";
const LOCATOR_64: &[u8] = b"PK\x06\x07";
const RECORD: &[u8] = b"PK\x01\x02";
const LOCAL: &[u8] = b"PK\x03\x04";

impl<'a> Archive<'a> {
    /// Reads the directory of the archive that `file` is.
    pub fn open(file: &'a [u8]) -> Result<Self, Refused> {
        let damaged = || Refused::damaged("no directory of a zip archive at the end".into());
        let (at, length) = directory(file).ok_or_else(damaged)?;
        let mut records = part(file, at, length).ok_or_else(damaged)?;
        let mut entries = BTreeMap::new();
        while !records.is_empty() {
            let (name, entry, length) = entry(file, records)?;
            if entries.insert(name, entry).is_some() {
                return Err(Refused::damaged(format!("two entries `{}` in the archive", clip(name))));
            }
            records = &records[length..];
        }
        check_apart(&entries)?;
        Ok(Self(entries))
    }

    /// The names of all entries.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        self.0.keys().copied()
    }

    /// What the entry called `name` holds, if it has its checksum.
    pub fn get(&mut self, name: &str) -> Result<&'a [u8], Refused> {
        let entry = self
            .0
            .get_mut(name)
            .ok_or_else(|| Refused::damaged(format!("no entry `{}` in the archive", clip(name))))?;
        if !entry.checked {
            let mut crc = Crc::new();
            crc.update(entry.bytes);
            if crc.sum() != entry.checksum {
                return Err(Refused::damaged(format!("bytes of `{}` that miss their checksum", clip(name))));
            }
            entry.checked = true;
        }
        Ok(entry.bytes)
    }
}

/// No two entries have bytes in common.
fn check_apart(entries: &BTreeMap<&str, Entry<'_>>) -> Result<(), Refused> {
    let mut places: Vec<_> = entries.iter().map(|(name, entry)| (entry.place.clone(), name)).collect();
    places.sort_by_key(|(place, _)| (place.start, place.end));
    match places.array_windows().find(|[(one, _), (next, _)]| next.start < one.end) {
        None => Ok(()),
        Some([(_, one), (_, next)]) => Err(Refused::damaged(format!(
            "entries `{}` and `{}` that overlap in the archive",
            clip(one),
            clip(next)
        ))),
    }
}

/// Where the directory begins, and its length.
fn directory(file: &[u8]) -> Option<(u64, u64)> {
    // The last record is followed by a comment of the length that it names, and by nothing else.
    let is_last = |&at: &usize| {
        u16_at(file, at + 20).is_some_and(|comment| at + 22 + usize::from(comment) == file.len())
    };
    let latest = file.len().checked_sub(22)?;
    let mut ends = (latest.saturating_sub(COMMENT)..=latest).rev().filter(|&at| file[at..].starts_with(END));
    let end = ends.find(is_last)?;
    let (length, at) = (u32_at(file, end + 12)?, u32_at(file, end + 16)?);
    if length != u32::MAX && at != u32::MAX {
        return Some((at.into(), length.into()));
    }
    let locator = end.checked_sub(20)?;
    let end = u64_at(file, starting(file, locator, LOCATOR_64)? + 8)?;
    let end = starting(file, usize::try_from(end).ok()?, END_64)?;
    Some((u64_at(file, end.checked_add(48)?)?, u64_at(file, end.checked_add(40)?)?))
}

/// The entry that the first of `records` is about, and the length of this record.
fn entry<'a>(file: &'a [u8], records: &'a [u8]) -> Result<(&'a str, Entry<'a>, usize), Refused> {
    let damaged = || Refused::damaged("a damaged directory of a zip archive".into());
    let u16 = |at| u16_at(records, at).ok_or_else(damaged);
    starting(records, 0, RECORD).ok_or_else(damaged)?;
    let [name, extra, comment] = [u16(28)?, u16(30)?, u16(32)?].map(usize::from);
    let length = 46 + name + extra + comment;
    if length > records.len() {
        return Err(damaged());
    }
    let extra = &records[46 + name..][..extra];
    let name = str::from_utf8(&records[46..][..name]).map_err(|_| damaged())?;
    let (flags, method) = (u16(8)?, u16(10)?);
    if flags & 1 != 0 || method != 0 {
        return Err(Refused {
            found: format!("`{}` in it compressed or encrypted (method {method})", clip(name)),
            hint: "keep the file as torch.save wrote it, whose archives compress nothing",
        });
    }
    let [packed, size, at] = places(records, extra).ok_or_else(damaged)?;
    let checksum = u32_at(records, 16).ok_or_else(damaged)?;
    let place = if packed == size { stored(file, at, size) } else { None };
    let lies =
        || Refused::damaged(format!("an entry `{}` of {size} bytes that ends past the file", clip(name)));
    let (place, bytes) = place.ok_or_else(lies)?;
    Ok((name, Entry { bytes, place, checksum, checked: false }, length))
}

/// Stored size, size, and place of the local header, the extra field's where the record's are full.
fn places(record: &[u8], extra: &[u8]) -> Option<[u64; 3]> {
    let mut wide = wide(extra).unwrap_or_default().as_chunks().0.iter().map(|&word| u64::from_le_bytes(word));
    // The extra field has the size first.
    let mut full = |at| match u32_at(record, at)? {
        u32::MAX => wide.next(),
        narrow => Some(narrow.into()),
    };
    let (size, packed, at) = (full(24)?, full(20)?, full(42)?);
    Some([packed, size, at])
}

/// Zip64's part of an extra field.
fn wide(mut extra: &[u8]) -> Option<&[u8]> {
    loop {
        let (kind, length) = (u16_at(extra, 0)?, u16_at(extra, 2)?);
        let (part, rest) = extra[4..].split_at_checked(length.into())?;
        if kind == 1 {
            return Some(part);
        }
        extra = rest;
    }
}

/// The bytes behind the local header at `at`, and where both are.
fn stored(file: &[u8], at: u64, size: u64) -> Option<(Range<usize>, &[u8])> {
    let at = starting(file, usize::try_from(at).ok()?, LOCAL)?;
    let (name, extra) = (u16_at(file, at + 26)?, u16_at(file, at + 28)?);
    let start = at + 30 + usize::from(name) + usize::from(extra);
    let bytes = part(file, start as u64, size)?;
    Some((at..start + bytes.len(), bytes))
}

/// So many bytes from there, if the file has them.
fn part(file: &[u8], at: u64, length: u64) -> Option<&[u8]> {
    let end = at.checked_add(length)?;
    file.get(usize::try_from(at).ok()?..usize::try_from(end).ok()?)
}

/// `at`, if these bytes are there.
fn starting(file: &[u8], at: usize, with: &[u8]) -> Option<usize> {
    file.get(at..)?.starts_with(with).then_some(at)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}
