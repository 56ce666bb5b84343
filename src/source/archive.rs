//! Zip archives: where each member's bytes lie, so that any of them can be read on its own.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use flate2::CrcReader;
use flate2::read::DeflateDecoder;
use zip::{CompressionMethod, ZipArchive};

/// A member of an archive.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Its path in the archive, as it is written there.
    pub(super) name: String,
    start: u64,
    /// How many bytes of the archive it takes.
    pub(super) stored: u64,
    size: u64,
    crc: u32,
    method: Method,
}

#[derive(Clone, Copy, Debug)]
enum Method {
    Stored,
    Deflated,
    /// What zip also knows and no log shipper uses.
    Unsupported,
    Encrypted,
}

/// The files in an archive, in the order of its directory.
///
/// # Errors
/// Where the archive has no directory that can be read, as one that was cut off.
pub(super) fn members(input: impl Read + Seek) -> io::Result<Vec<Member>> {
    let mut archive = ZipArchive::new(input)?;
    let mut members = Vec::with_capacity(archive.len());
    for index in 0..archive.len() {
        let file = archive.by_index_raw(index)?;
        if !file.is_file() {
            continue;
        }
        let method = match file.compression() {
            _ if file.encrypted() => Method::Encrypted,
            CompressionMethod::STORE => Method::Stored,
            CompressionMethod::DEFLATE => Method::Deflated,
            _ => Method::Unsupported,
        };
        members.push(Member {
            name: String::from_utf8_lossy(file.name_raw()).into_owned(),
            start: file.data_start().unwrap_or_default(),
            stored: file.compressed_size(),
            size: file.size(),
            crc: file.crc32(),
            method,
        });
    }
    Ok(members)
}

/// The members of an archive without its directory, as one that was cut off: found by the headers in front of them
/// (APPNOTE.TXT 4.3.7), up to one that leaves its size to be told later or reaches beyond the end.
///
/// # Errors
/// Where the archive can not be read.
pub(super) fn members_before_break(mut input: impl Read + Seek) -> io::Result<Vec<Member>> {
    let end = input.seek(SeekFrom::End(0))?;
    let mut members = Vec::new();
    let mut next = 0;
    while next + HEADER as u64 <= end {
        let mut header = [0; HEADER];
        input.seek(SeekFrom::Start(next))?;
        input.read_exact(&mut header)?;
        let short = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let long = |at: usize| u32::from(short(at)) | u32::from(short(at + 2)) << 16;
        let (flags, method) = (short(6), short(8));
        let (stored, size) = (long(18), long(22));
        let told_later = flags & 8 != 0 || stored == u32::MAX || size == u32::MAX;
        if !header.starts_with(b"PK\x03\x04") || told_later {
            break;
        }
        let mut name = vec![0; usize::from(short(26))];
        let start = next + (HEADER + name.len()) as u64 + u64::from(short(28));
        next = start + u64::from(stored);
        if next > end {
            break;
        }
        input.read_exact(&mut name)?;
        let name = String::from_utf8_lossy(&name).into_owned();
        let method = match method {
            _ if flags & 1 != 0 => Method::Encrypted,
            0 => Method::Stored,
            8 => Method::Deflated,
            _ => Method::Unsupported,
        };
        if !name.ends_with('/') {
            members.push(Member {
                name,
                start,
                stored: stored.into(),
                size: size.into(),
                crc: long(14),
                method,
            });
        }
    }
    Ok(members)
}

/// The length of a member's header, without its name and extra fields.
const HEADER: usize = 30;

impl Member {
    /// Reads the member from the archive's bytes.
    ///
    /// # Errors
    /// Where its kind of compression is not known or the archive is shorter than it says. Reading fails with
    /// [`io::ErrorKind::FileTooLarge`] where the member grows out of all proportion to what is stored.
    pub(super) fn open<'r>(
        &self,
        mut archive: impl Read + Seek + Send + 'r,
    ) -> io::Result<Box<dyn Read + Send + 'r>> {
        archive.seek(SeekFrom::Start(self.start))?;
        let stored = archive.take(self.stored);
        let inner: Box<dyn Read + Send + 'r> = match self.method {
            Method::Stored => Box::new(stored),
            Method::Deflated => Box::new(Guarded(DeflateDecoder::new(stored))),
            Method::Unsupported => {
                return Err(io::Error::other(
                    "compressed by another method than deflate",
                ));
            }
            Method::Encrypted => return Err(io::Error::other("encrypted")),
        };
        Ok(Box::new(Checked {
            inner: CrcReader::new(inner.take(self.size.saturating_add(1))),
            size: self.size,
            crc: self.crc,
        }))
    }
}

/// A member may always grow to this many bytes, and beyond that to [`BOMB_RATIO`] for each byte stored: what a gzip or
/// zstd stream may too.
const BOMB_FLOOR: u64 = 16 << 20;
const BOMB_RATIO: u64 = 200;

/// Stops a member that grows out of all proportion to what is stored of it.
struct Guarded<R>(DeflateDecoder<R>);

impl<R: Read> Read for Guarded<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let (stored, written) = (self.0.total_in(), self.0.total_out());
        if written > BOMB_FLOOR && written / BOMB_RATIO > stored {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.read(out)
    }
}

/// Fails at the end where what was read is not what the archive's directory says.
struct Checked<R> {
    inner: CrcReader<R>,
    size: u64,
    crc: u32,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(out)?;
        let crc = self.inner.crc();
        let whole = self.size as u32 == crc.amount() && self.crc == crc.sum();
        if n == 0 && !out.is_empty() && !whole {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the zip archive is corrupt here",
            ));
        }
        Ok(n)
    }
}

/// Whether bytes begin as an archive does: with a member, or, where it has none, with its directory's end.
pub(super) fn is_archive(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

/// The bytes of an archive that is held in memory.
pub(super) type Held = Cursor<std::sync::Arc<[u8]>>;
