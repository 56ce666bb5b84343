//! The log objects that CloudTrail itself writes, decompressed in one go: a single gzip member of moderate size.
//!
//! Measured on delivery files of 88 kB (190 MB of JSON, 8.6 : 1, one core): libdeflate 2.9 GB/s, flate2 on zlib-rs 2.3 GB/s
//! into one buffer and through the stream alike, zune-inflate 1.2 GB/s. Whatever is not ordinary, damage above all, is left
//! to the stream, which gives every byte before a break.

use std::io::{self, Read};

use libdeflater::Decompressor;
use memchr::memmem;

use crate::cloudtrail::decompress::{BOMB_FLOOR, Layer, read_some};
use crate::cloudtrail::split::PADDING;

/// Objects of more bytes than this are streamed. A trail's delivery files stay far below it.
const MAX_STORED: usize = 2 << 20;

/// Objects that grow to more are streamed, so that what stops a decompression bomb is in one place.
const MAX_WHOLE: usize = BOMB_FLOOR as usize;

/// How much is read at a time.
const CHUNK: usize = 256 << 10;

/// The beginning of a log object as it is stored, and what undoes its compression. Kept from object to object.
pub(super) struct Whole {
    /// The stored bytes are those before `length`.
    stored: Vec<u8>,
    length: usize,
    /// What ended the reading early.
    error: Option<io::Error>,
    inflate: Decompressor,
    /// Reads nothing in one go: what [`crate::cloudtrail::reader::compare_stored`] compares with.
    #[cfg(any(test, fuzzing))]
    pub(super) off: bool,
}

impl Whole {
    pub(super) fn new() -> Self {
        Self {
            stored: Vec::new(),
            length: 0,
            error: None,
            inflate: Decompressor::new(),
            #[cfg(any(test, fuzzing))]
            off: false,
        }
    }

    /// Reads `input` to its end, if it is gzip and not too large. What was read is held.
    fn fill(&mut self, input: &mut dyn Read) -> bool {
        (self.length, self.error) = (0, None);
        while self.length <= MAX_STORED {
            if self.stored.len() < self.length + CHUNK {
                self.stored.resize(self.length + CHUNK, 0);
            }
            match read_some(input, &mut self.stored[self.length..]) {
                Ok(0) => return true,
                Ok(n) => self.length += n,
                Err(error) => {
                    self.error = Some(error);
                    return false;
                }
            }
            if self.stored[0] != 0x1f {
                return false;
            }
        }
        false
    }

    /// Reads and decompresses `input` into `out`, with [`PADDING`] bytes behind it; how many bytes that are, stored and
    /// decompressed. `None` where [`Self::stream`] must do it.
    pub(super) fn read(
        &mut self,
        input: &mut dyn Read,
        out: &mut Vec<u8>,
    ) -> Option<(usize, usize)> {
        if !self.fill(input) {
            return None;
        }
        #[cfg(any(test, fuzzing))]
        if self.off {
            return None;
        }
        let stored = &self.stored[..self.length];
        let (rest, size) = stored.split_last_chunk()?;
        let size = u32::from_le_bytes(*size) as usize;
        if size > MAX_WHOLE || rest.is_empty() {
            return None;
        }
        if out.len() < size + PADDING {
            out.resize(size + PADDING, 0);
        }
        let length = self
            .inflate
            .gzip_decompress(stored, &mut out[..size])
            .ok()?;
        // libdeflate ends with the first member and does not tell where. Its last four bytes are this length, as was
        // checked: where they stand nowhere but at the end, the member reaches to the end.
        let end = u32::try_from(length).ok()?.to_le_bytes();
        let whole = memmem::find(stored, &end) == Some(rest.len());
        let plain = Layer::of(&out[..length.min(4)]) == Layer::Plain;
        (whole && plain).then_some((self.length, length))
    }

    /// What was read of `input`, and then the rest of it.
    pub(super) fn stream<'r>(&'r mut self, input: &'r mut dyn Read) -> impl Read + 'r {
        let broken = Broken(self.error.take());
        self.stored[..self.length].chain(broken).chain(input)
    }
}

/// Fails once where reading failed before, and is empty from then on.
struct Broken(Option<io::Error>);

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use proptest::prelude::*;

    use super::{MAX_STORED, MAX_WHOLE, Whole};
    use crate::cloudtrail::reader::compare_stored;
    use crate::cloudtrail::reader::tests::gzip;

    /// What is read in one go, and what the stream gives where it is not.
    fn read(stored: &[u8]) -> (Option<Vec<u8>>, Vec<u8>) {
        let (mut whole, mut out, mut input) = (Whole::new(), Vec::new(), stored);
        if let Some((bytes_in, length)) = whole.read(&mut input, &mut out) {
            assert_eq!(bytes_in, stored.len());
            out.truncate(length);
            return (Some(out), Vec::new());
        }
        let mut rest = Vec::new();
        whole.stream(&mut input).read_to_end(&mut rest).unwrap();
        (None, rest)
    }

    #[test]
    fn only_a_single_member_of_moderate_size_is_read_in_one_go() {
        let text = b"{\"Records\":[]}".repeat(1000);
        assert_eq!(read(&gzip(&text)), (Some(text.clone()), Vec::new()));
        assert_eq!(
            read(&gzip(b"")),
            (None, gzip(b"")),
            "its length stands in the header too"
        );
        let mut damaged = gzip(&text);
        damaged[30] ^= 1;
        let noise: Vec<u8> = (0..MAX_STORED as u32)
            .flat_map(|n| n.wrapping_mul(0x9e37_79b1).to_be_bytes())
            .collect();
        let others = [
            Vec::new(),
            b"{}".to_vec(),
            vec![0x1f],
            vec![0x1f, 0x8b, 8, 0],
            damaged,
            gzip(&text)[..40].to_vec(),
            [gzip(&text), gzip(&text)].concat(),
            [gzip(&text), vec![0; 8]].concat(),
            [
                gzip(&text),
                b"foreign".to_vec(),
                gzip(&text)[gzip(&text).len() - 8..].to_vec(),
            ]
            .concat(),
            gzip(&gzip(&text)),
            gzip(b"PK\x03\x04rest"),
            gzip(&vec![b' '; MAX_WHOLE + 1]),
            gzip(&noise[..MAX_STORED + 1000]),
        ];
        for stored in others {
            assert_eq!(read(&stored), (None, stored.clone()));
        }
    }

    proptest! {
        #[test]
        fn whatever_is_read_in_one_go_is_what_the_stream_gives(
            text in prop::collection::vec(0x20u8..0x24, 0..200),
            change in prop::option::of((any::<prop::sample::Index>(), any::<u8>())),
            tail in prop::collection::vec(any::<u8>(), 0..4),
        ) {
            let mut stored = [gzip(&text), tail].concat();
            if let Some((at, byte)) = change {
                let at = at.index(stored.len());
                stored[at] = byte;
            }
            compare_stored(&stored);
        }
    }
}
