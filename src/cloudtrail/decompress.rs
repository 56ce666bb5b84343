//! Bytes as they are stored → bytes as they were written: gzip, zstd and plain, told from the leading bytes.
//!
//! A stream that breaks half-way gives every byte before the break and then one error, whose inner error is a
//! [`Broken`]. Memory stays flat: 64 KiB a layer, plus zstd's window (128 MiB at most, by ruzstd's own limit).

use std::cell::Cell;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::{Crc, Decompress, FlushDecompress, Status};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

/// How many compressions around one another are undone (a `.gz` that was compressed again by a shipper is seen; more is
/// somebody's joke).
const MAX_LAYERS: usize = 3;

/// A compressed stream may always grow to this many bytes.
pub(super) const BOMB_FLOOR: u64 = 16 << 20;

/// Beyond [`BOMB_FLOOR`] it may hold at most this many bytes for each byte that is stored. A record of 1 to 3 kB carries
/// two random identifiers (`eventID`, `requestID`: 32 bytes that do not compress), so no log comes near; zeros reach
/// 1,030 in gzip and 30,000 in zstd.
const BOMB_RATIO: u64 = 200;

const BUFFER: usize = 64 << 10;

/// Why a stream ends before its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Broken {
    /// The compressed stream just stops.
    #[error("the {0} stream is cut off")]
    CutOff(&'static str),
    /// The compressed bytes make no sense, or do not have their check-sum.
    #[error("the {0} stream is corrupt")]
    Corrupt(&'static str),
    /// Something else follows the last gzip member or zstd frame.
    #[error("foreign bytes follow the {0} stream")]
    Trailing(&'static str),
    /// The stream grows out of all proportion.
    #[error(
        "more than {BOMB_RATIO} bytes come out for each byte stored, as in a decompression bomb"
    )]
    Bomb,
    /// Compressed again and again.
    #[error("compressed more than {MAX_LAYERS} times over")]
    TooManyLayers,
    /// A zip archive where only a stream can be read.
    #[error("a zip archive inside another container; unpack it first")]
    Zip,
}

impl From<Broken> for io::Error {
    fn from(broken: Broken) -> Self {
        Self::new(io::ErrorKind::InvalidData, broken)
    }
}

/// Undoes the compression of `input`, whose stored bytes it counts in `stored`.
///
/// # Errors
/// Those of `input`, or a [`Broken`] where the first bytes of a layer already are.
pub fn decompress<'r>(
    input: &'r mut dyn Read,
    stored: &'r Cell<u64>,
) -> io::Result<Box<dyn BufRead + 'r>> {
    let counted = Counted {
        input,
        count: stored,
    };
    let mut inner: Box<dyn BufRead + 'r> = Box::new(BufReader::with_capacity(BUFFER, counted));
    for _ in 0..=MAX_LAYERS {
        let mut head = [0; 4];
        let length = read_up_to(&mut inner, &mut head)?;
        let peeked = Cursor::new(head).take(length as u64).chain(inner);
        let layer: Box<dyn Read + 'r> = match Layer::of(&head[..length]) {
            Layer::Gzip => Box::new(Gzip::new(peeked)),
            Layer::Zstd => Box::new(Zstd::new(peeked)),
            Layer::Zip => return Err(Broken::Zip.into()),
            Layer::Plain => return Ok(Box::new(peeked)),
        };
        let guarded = Guarded {
            layer,
            stored,
            out: 0,
        };
        inner = Box::new(BufReader::with_capacity(BUFFER, guarded));
    }
    Err(Broken::TooManyLayers.into())
}

/// How bytes are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    Gzip,
    Zstd,
    Zip,
    Plain,
}

impl Layer {
    /// That of bytes which begin with `head`, four of them or as many as there are.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b] | [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Self::Zstd,
            [b'P', b'K', 3, 4] | [b'P', b'K', 5, 6] => Self::Zip,
            _ => Self::Plain,
        }
    }
}

/// Fills `buffer` as far as the input goes; its length.
fn read_up_to(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut length = 0;
    while length < buffer.len() {
        match read_some(input, &mut buffer[length..])? {
            0 => break,
            n => length += n,
        }
    }
    Ok(length)
}

/// One read, again where a signal interrupted it.
pub(super) fn read_some(input: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match input.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

struct Counted<'r> {
    input: &'r mut dyn Read,
    count: &'r Cell<u64>,
}

impl Read for Counted<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let n = self.input.read(out)?;
        self.count.set(self.count.get() + n as u64);
        Ok(n)
    }
}

/// Stops a layer that grows out of all proportion to what is stored.
struct Guarded<'r> {
    layer: Box<dyn Read + 'r>,
    stored: &'r Cell<u64>,
    out: u64,
}

impl Read for Guarded<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.out > BOMB_FLOOR && self.out / BOMB_RATIO > self.stored.get() {
            return Err(Broken::Bomb.into());
        }
        let n = self.layer.read(out)?;
        self.out += n as u64;
        Ok(n)
    }
}

/// All members of a gzip file (RFC 1952), one after another. flate2's own reader drops the bytes that it inflated in the
/// very call that meets a corrupt symbol; here they are given out first.
struct Gzip<R> {
    input: R,
    inflate: Decompress,
    crc: Crc,
    in_member: bool,
    first: bool,
    broken: Option<Broken>,
}

const GZIP: &str = "gzip";

impl<R: BufRead> Gzip<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            inflate: Decompress::new(false),
            crc: Crc::new(),
            in_member: false,
            first: true,
            broken: None,
        }
    }

    /// Reads exactly `N` bytes.
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        match read_up_to(&mut self.input, &mut bytes)? {
            length if length == N => Ok(bytes),
            _ => Err(Broken::CutOff(GZIP).into()),
        }
    }

    /// Reads the next member's header; false at the end of the file. Zeros between and after members are padding.
    fn next_member(&mut self) -> io::Result<bool> {
        loop {
            match self.input.fill_buf()?.first() {
                None => return Ok(false),
                Some(0) => self.input.consume(1),
                Some(_) => break,
            }
        }
        let [id1, id2, method, flags] = self.bytes()?;
        if [id1, id2, method] != [0x1f, 0x8b, 8] {
            return Err(if self.first {
                Broken::Corrupt(GZIP)
            } else {
                Broken::Trailing(GZIP)
            }
            .into());
        }
        self.bytes::<6>()?; // time, extra flags, operating system
        if flags & 4 != 0 {
            let length = u16::from_le_bytes(self.bytes()?);
            for _ in 0..length {
                self.bytes::<1>()?;
            }
        }
        for flag in [8, 16] {
            // a name, a comment: text that ends with a zero
            while flags & flag != 0 && self.bytes()? != [0] {}
        }
        if flags & 2 != 0 {
            self.bytes::<2>()?;
        }
        self.inflate.reset(false);
        self.crc.reset();
        self.first = false;
        Ok(true)
    }

    fn check_trailer(&mut self) -> io::Result<()> {
        let (crc, length) = (
            u32::from_le_bytes(self.bytes()?),
            u32::from_le_bytes(self.bytes()?),
        );
        if (crc, length) == (self.crc.sum(), self.crc.amount()) {
            Ok(())
        } else {
            Err(Broken::Corrupt(GZIP).into())
        }
    }
}

impl<R: BufRead> Read for Gzip<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            if let Some(broken) = self.broken {
                return Err(broken.into());
            }
            if !self.in_member {
                if !self.next_member()? {
                    return Ok(0);
                }
                self.in_member = true;
            }
            let input = self.input.fill_buf()?;
            if input.is_empty() {
                return Err(Broken::CutOff(GZIP).into());
            }
            let (consumed, produced) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self.inflate.decompress(input, out, FlushDecompress::None);
            let consumed = (self.inflate.total_in() - consumed) as usize;
            let produced = (self.inflate.total_out() - produced) as usize;
            self.input.consume(consumed);
            self.crc.update(&out[..produced]);
            match status {
                Ok(Status::StreamEnd) => {
                    self.in_member = false;
                    if let Err(error) = self.check_trailer() {
                        self.broken = Some(broken_of(&error).unwrap_or(Broken::Corrupt(GZIP)));
                    }
                }
                Ok(_) if consumed == 0 && produced == 0 => {
                    self.broken = Some(Broken::Corrupt(GZIP))
                }
                Ok(_) => {}
                Err(_) => self.broken = Some(Broken::Corrupt(GZIP)),
            }
            if produced > 0 {
                return Ok(produced);
            }
        }
        Ok(0)
    }
}

/// The [`Broken`] inside `error`, where there is one.
pub fn broken_of(error: &io::Error) -> Option<Broken> {
    error.get_ref()?.downcast_ref().copied()
}

/// All frames of a zstd file (RFC 8878), skippable ones skipped.
struct Zstd<R> {
    input: R,
    decoder: FrameDecoder,
    in_frame: bool,
    broken: Option<Broken>,
}

const ZSTD: &str = "zstd";

/// A last, empty, raw block and room for a check-sum: what ends a broken frame, so that the decoder gives out the window
/// that it holds back for later blocks.
const LAST_BLOCK: [u8; 7] = [1, 0, 0, 0, 0, 0, 0];

impl<R: BufRead> Zstd<R> {
    fn new(input: R) -> Self {
        Self {
            input,
            decoder: FrameDecoder::new(),
            in_frame: false,
            broken: None,
        }
    }

    /// Starts the next frame; false at the end of the file.
    fn next_frame(&mut self) -> io::Result<bool> {
        loop {
            if self.input.fill_buf()?.is_empty() {
                return Ok(false);
            }
            match self.decoder.reset(&mut self.input) {
                Ok(()) => return Ok(true),
                Err(FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::SkipFrame {
                    length,
                    ..
                })) => {
                    io::copy(
                        &mut (&mut self.input).take(u64::from(length)),
                        &mut io::sink(),
                    )?;
                }
                Err(FrameDecoderError::ReadFrameHeaderError(
                    ReadFrameHeaderError::BadMagicNumber(_),
                )) => {
                    return Err(Broken::Trailing(ZSTD).into());
                }
                Err(_) => return Err(Broken::Corrupt(ZSTD).into()),
            }
        }
    }
}

impl<R: BufRead> Read for Zstd<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while !out.is_empty() {
            if self.in_frame && self.decoder.can_collect() > 0 {
                return self.decoder.read(out);
            }
            if let Some(broken) = self.broken {
                return Err(broken.into());
            }
            if !self.in_frame || self.decoder.is_finished() {
                self.in_frame = self.next_frame()?;
                if !self.in_frame {
                    return Ok(0);
                }
            }
            if self
                .decoder
                .decode_blocks(&mut self.input, BlockDecodingStrategy::UptoBlocks(1))
                .is_err()
            {
                let at_end = self.input.fill_buf()?.is_empty();
                self.broken = Some(if at_end {
                    Broken::CutOff(ZSTD)
                } else {
                    Broken::Corrupt(ZSTD)
                });
                // Whether the frame can be closed or not, the break is reported.
                let _ = self
                    .decoder
                    .decode_blocks(LAST_BLOCK.as_slice(), BlockDecodingStrategy::All);
            }
        }
        Ok(0)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::io::{Read, Write};

    use super::{BOMB_FLOOR, Broken, GZIP, MAX_LAYERS, ZSTD, broken_of, decompress};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(bytes: &[u8]) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
    }

    /// What comes out of `stored`, and what ended it early.
    fn undo(stored: &[u8]) -> (Vec<u8>, Option<Broken>) {
        let count = Cell::new(0);
        let mut input = stored;
        let mut out = Vec::new();
        let error = match decompress(&mut input, &count) {
            Ok(mut stream) => stream.read_to_end(&mut out).err(),
            Err(error) => Some(error),
        };
        if error.is_none() {
            assert_eq!(count.get(), stored.len() as u64);
        }
        (out, error.map(|error| broken_of(&error).unwrap()))
    }

    /// Text that compresses about as well as logs do, `length` bytes of it.
    fn text(length: usize) -> Vec<u8> {
        let mut state = 1u32;
        let words = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            format!("\"name-{}\":", state >> 22)
        });
        words.flat_map(String::into_bytes).take(length).collect()
    }

    #[test]
    fn every_layer_is_undone() {
        let plain = text(300_000);
        let (first, second) = plain.split_at(100_000);
        let skipped = [
            &[0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3][..],
            &zstd(&plain),
        ]
        .concat();
        let mut named = gzip(&plain);
        // A header with every optional part: two bytes extra, a name, a comment, two bytes check-sum.
        named.splice(
            3..10,
            [
                4 | 8 | 16 | 2,
                0,
                0,
                0,
                0,
                0,
                0,
                2,
                0,
                9,
                9,
                b'n',
                0,
                b'c',
                0,
                7,
                7,
            ],
        );
        let table = [
            ("plain", plain.clone()),
            ("gzip", gzip(&plain)),
            ("gzip with all of a header", named),
            ("gzip, two members", [gzip(first), gzip(second)].concat()),
            (
                "gzip, an empty member and padding",
                [gzip(b""), gzip(&plain), vec![0; 1000]].concat(),
            ),
            ("zstd", zstd(&plain)),
            ("zstd, two frames", [zstd(first), zstd(second)].concat()),
            ("zstd, behind a skippable frame", skipped),
            ("gzip in gzip", gzip(&gzip(&plain))),
            ("gzip in zstd in gzip", gzip(&zstd(&gzip(&plain)))),
        ];
        for (what, stored) in table {
            let (out, broken) = undo(&stored);
            assert_eq!((out == plain, broken), (true, None), "{what}");
        }
        for short in [&b""[..], b"{", b"PK", b"\x28\xb5"] {
            assert_eq!(undo(short), (short.to_vec(), None));
        }
    }

    #[test]
    fn what_stands_before_a_break_comes_out() {
        let plain = text(300_000);
        for (name, stored) in [(GZIP, gzip(&plain)), (ZSTD, zstd(&plain))] {
            let (out, broken) = undo(&stored[..stored.len() / 2]);
            assert!(
                plain.starts_with(&out) && out.len() > plain.len() / 4,
                "{name}: {}",
                out.len()
            );
            assert_eq!(broken, Some(Broken::CutOff(name)));

            let mut corrupt = stored.clone();
            let middle = stored.len() / 2;
            corrupt[middle..middle + 64].fill(0xff);
            let (out, broken) = undo(&corrupt);
            let whole = out.iter().zip(&plain).take_while(|(a, b)| a == b).count();
            assert!(whole > plain.len() / 4, "{name}: {whole}");
            assert!(broken.is_some(), "{name}");

            let (out, broken) = undo(&[&stored[..], b"foreign"].concat());
            assert_eq!((out == plain, broken), (true, Some(Broken::Trailing(name))));
        }
        let mut wrong = gzip(&plain);
        let end = wrong.len() - 8;
        wrong[end] ^= 1;
        assert_eq!(undo(&wrong), (plain, Some(Broken::Corrupt(GZIP))));
    }

    #[test]
    fn bombs_are_stopped() {
        let zeros = vec![0; 1 << 20];
        let gigabytes = gzip(&zeros).repeat(10_000);
        let name_without_end = [&[0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0][..], &[b'n'; 1000]].concat();
        let name_without_end = [
            gzip(&name_without_end),
            gzip(&vec![b'n'; 1 << 20]).repeat(10_000),
        ]
        .concat();
        for bomb in [
            gigabytes.clone(),
            gzip(&gigabytes),
            zstd(&zeros).repeat(10_000),
            name_without_end,
        ] {
            let (out, broken) = undo(&bomb);
            assert_eq!(broken, Some(Broken::Bomb));
            assert!(out.len() as u64 <= BOMB_FLOOR + (1 << 20), "{}", out.len());
        }
        // Small or plain, zeros are no bomb.
        assert_eq!(undo(&gzip(&zeros)), (zeros.clone(), None));
        let layers = (0..=MAX_LAYERS).fold(text(1000), |inner, _| gzip(&inner));
        assert_eq!(undo(&layers), (Vec::new(), Some(Broken::TooManyLayers)));
        assert_eq!(undo(b"PK\x03\x04rest"), (Vec::new(), Some(Broken::Zip)));
    }
}
