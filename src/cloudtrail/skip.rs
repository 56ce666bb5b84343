//! Moves over JSON values of the plainest kind, checking every byte: what is moved over here is valid JSON to any parser,
//! save that its UTF-8 is still to be checked.
//!
//! Plain is what CloudTrail writes: no blanks between tokens, whole numbers or short decimals, escapes of one code unit.
//! `None` says that a value is not plain, never that it is wrong.

use memchr::memchr3;
use wide::{CmpEq, CmpLt, i8x16};

/// Deeper values are not plain. One bit each, below a bit that marks the outermost.
const MAX_DEPTH: u32 = 62;

/// How many bytes are looked at in one step.
const WIDTH: usize = 64;

/// A text that is moved over from its beginning to its end.
pub(super) struct Text<'a> {
    bytes: &'a [u8],
    /// Which of the bytes from `block` on are special, the first by the lowest bit. Most strings are short, so that several
    /// of them end in one block.
    marks: u64,
    block: usize,
}

impl<'a> Text<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let block = bytes.len();
        Self {
            bytes,
            marks: 0,
            block,
        }
    }

    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The position behind the value that begins at `at`.
    pub(super) fn value(&mut self, at: usize) -> Option<usize> {
        match self.bytes.get(at)? {
            b'"' => self.string(at + 1).map(|(end, _)| end),
            b'{' | b'[' => self.nested(at),
            _ => scalar(self.bytes, at),
        }
    }

    /// The position of the first special byte from `at` on.
    #[inline(always)]
    fn special(&mut self, mut at: usize) -> Option<usize> {
        loop {
            let ahead = at.wrapping_sub(self.block);
            if ahead < WIDTH {
                let marks = self.marks >> ahead;
                if marks != 0 {
                    return Some(at + marks.trailing_zeros() as usize);
                }
                at = self.block + WIDTH;
            }
            self.mark(at)?;
        }
    }

    /// Marks the special bytes from `at` on.
    #[inline(never)]
    fn mark(&mut self, at: usize) -> Option<()> {
        let rest = self.bytes.get(at..)?;
        self.marks = match rest.first_chunk() {
            Some(block) => marks(block),
            None => last_marks(rest)?,
        };
        self.block = at;
        Some(())
    }

    /// The position behind the string whose first byte is at `at`, and whether it has escapes in it.
    #[inline(always)]
    pub(super) fn string(&mut self, at: usize) -> Option<(usize, bool)> {
        let end = self.special(at)?;
        match self.bytes[end] {
            b'"' => Some((end + 1, false)),
            _ => self.escaped_string(end).map(|end| (end, true)),
        }
    }

    /// The position behind a string whose first escape, or whatever else does not belong there, is at `at`.
    #[cold]
    fn escaped_string(&mut self, mut at: usize) -> Option<usize> {
        while self.bytes[at] == b'\\' {
            at = escape(self.bytes, at + 1)?;
            at = self.special(at)?;
        }
        (self.bytes[at] == b'"').then_some(at + 1) // and no control character
    }

    /// The position behind the name and the colon that begin at `at`.
    #[inline(always)]
    fn name(&mut self, at: usize) -> Option<usize> {
        if self.bytes.get(at) != Some(&b'"') {
            return None;
        }
        let (end, _) = self.string(at + 1)?;
        (self.bytes.get(end) == Some(&b':')).then_some(end + 1)
    }

    /// The position behind the object or array that begins at `at`.
    fn nested(&mut self, mut at: usize) -> Option<usize> {
        let bytes = self.bytes;
        // One bit for each open bracket, the innermost lowest: whether it is an object's.
        let mut open = 1u64;
        loop {
            // Before a value.
            match bytes.get(at)? {
                b'"' => at = self.string(at + 1)?.0,
                bracket @ (b'{' | b'[') => {
                    let object = *bracket == b'{';
                    open = open << 1 | u64::from(object);
                    if open >> (MAX_DEPTH + 1) != 0 {
                        return None;
                    }
                    at += 1;
                    match bytes.get(at)? {
                        b'}' | b']' => {} // which must be the right one
                        _ if object => {
                            at = self.name(at)?;
                            continue;
                        }
                        _ => continue,
                    }
                }
                _ => at = scalar(bytes, at)?,
            }
            // Behind a value, or before the end of an empty one.
            while open != 1 {
                let object = open & 1 == 1;
                at += 1;
                match bytes.get(at - 1)? {
                    b',' if object => {
                        at = self.name(at)?;
                        break;
                    }
                    b',' => break,
                    b'}' if object => open >>= 1,
                    b']' if !object => open >>= 1,
                    _ => return None,
                }
            }
            if open == 1 {
                return Some(at);
            }
        }
    }
}

/// One bit for each byte, the lowest for the first: whether it is special: a quote, a backslash or a
/// control character.
#[inline]
fn marks(block: &[u8; WIDTH]) -> u64 {
    let (parts, _) = block.as_chunks();
    let part = |at: usize| {
        let bytes = i8x16::new(<[u8; 16]>::map(parts[at], u8::cast_signed));
        let backslash = bytes.cmp_eq(i8x16::splat(b'\\'.cast_signed()));
        // With one bit turned, quotes and control characters are those up to 0x20, taken for unsigned ones; turning the sign's
        // bit makes them that for a comparison of signed ones.
        let turned = bytes ^ i8x16::splat(i8::MIN ^ (b'"' ^ 0x20).cast_signed());
        let quote_or_control = turned.cmp_lt(i8x16::splat(i8::MIN + 0x21));
        let found = (backslash | quote_or_control).move_mask();
        u64::from(found.cast_unsigned()) << (16 * at)
    };
    part(0) | part(1) | part(2) | part(3)
}

/// As [`marks`], for the last few bytes; `None` where there are none.
#[cold]
fn last_marks(rest: &[u8]) -> Option<u64> {
    let mut block = [b' '; WIDTH];
    block[..rest.len()].copy_from_slice(rest);
    (!rest.is_empty()).then(|| marks(&block))
}

/// The position behind the word or number at `at`.
#[inline(always)]
pub(super) fn scalar(bytes: &[u8], at: usize) -> Option<usize> {
    let rest = bytes.get(at..)?;
    match rest.first_chunk() {
        Some(b"true" | b"null") => Some(at + 4),
        Some(b"fals") => (rest.get(4) == Some(&b'e')).then_some(at + 5),
        _ => number(bytes, at),
    }
}

/// A number of at most 15 digits, which every parser reads exactly, without an exponent.
fn number(bytes: &[u8], mut at: usize) -> Option<usize> {
    let digits = |at: usize| {
        let rest = bytes[at..].iter();
        rest.take(16)
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let negative = bytes.get(at) == Some(&b'-');
    at += usize::from(negative);
    let whole = digits(at);
    let zero = bytes.get(at) == Some(&b'0');
    if whole == 0 || (zero && (whole > 1 || negative)) {
        return None;
    }
    at += whole;
    let mut count = whole;
    if bytes.get(at) == Some(&b'.') {
        let fraction = digits(at + 1);
        if fraction == 0 {
            return None;
        }
        at += 1 + fraction;
        count += fraction;
    }
    (count <= 15).then_some(at)
}

/// The position behind an escape, whose backslash is before `at`. Halves of characters beyond the basic plane are not
/// plain.
fn escape(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(at + 1),
        b'u' => {
            let digits = bytes.get(at + 1..at + 5)?;
            let surrogate = matches!(
                digits,
                [b'd' | b'D', b'8'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]
            );
            let hex = digits.iter().all(u8::is_ascii_hexdigit);
            (hex && !surrogate).then_some(at + 5)
        }
        _ => None,
    }
}

/// The position of the first quote, backslash or line break. Most strings of a record are short, so that eight bytes at a
/// time in a register beat the call of a vector search, which takes over from 64 bytes on.
pub(super) fn end_or_escape(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGH: u64 = u64::from_le_bytes([0x80; 8]);
    // The lowest bit set is that of the first byte of `word` that equals `byte`; bits above it may be set wrongly.
    let equal = |word: u64, byte: u8| {
        let word = word ^ (ONES * u64::from(byte));
        word.wrapping_sub(ONES) & !word & HIGH
    };
    let mut position = 0;
    while let (true, Some(eight)) = (position < 64, bytes[position..].first_chunk()) {
        let word = u64::from_le_bytes(*eight);
        let found = equal(word, b'"') | equal(word, b'\\') | equal(word, b'\n');
        if found != 0 {
            return Some(position + found.trailing_zeros() as usize / 8);
        }
        position += 8;
    }
    memchr3(b'"', b'\\', b'\n', &bytes[position..]).map(|found| position + found)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Text, WIDTH, end_or_escape, marks};

    proptest! {
        #[test]
        fn the_end_of_a_string_is_found(bytes in prop::collection::vec(prop_oneof![Just(b'"'), Just(b'\\'), Just(b'\n'), any::<u8>(), 0x20u8..0x24, 0x09u8..0x0c], 0..12), before in 0usize..80) {
            let bytes = [vec![b'x'; before], bytes].concat();
            let expected = bytes.iter().position(|byte| b"\"\\\n".contains(byte));
            prop_assert_eq!(end_or_escape(&bytes), expected);
        }

        #[test]
        fn special_bytes_are_marked(mut block in prop::collection::vec(any::<u8>(), WIDTH), at in 0..WIDTH) {
            let is_special = |byte: u8| byte < 0x20 || byte == b'"' || byte == b'\\';
            for byte in [b'"', b'\\', 0x1f, 0x20, 0x80, 0xff] {
                block[at] = byte;
                let expected = (0..WIDTH).filter(|&at| is_special(block[at]));
                let expected = expected.fold(0, |marks, at| marks | 1 << at);
                prop_assert_eq!(marks(block.first_chunk().unwrap()), expected);
            }
        }

        #[test]
        fn strings_end_where_they_end(texts in prop::collection::vec("[a-zé\\\\\"\n/]{0,100}", 1..8)) {
            let json: Vec<String> = texts.iter().map(|text| format!("{text:?}").replace('\'', "x")).collect();
            let all = json.concat();
            let mut text = Text::new(all.as_bytes());
            let mut at = 0;
            for (json, plain) in json.iter().zip(&texts) {
                let escaped = plain.contains(['\\', '"', '\n']);
                prop_assert_eq!(text.string(at + 1), Some((at + json.len(), escaped)));
                at += json.len();
            }
            prop_assert_eq!(text.string(at), None);
        }
    }
}
