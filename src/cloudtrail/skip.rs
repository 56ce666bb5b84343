//! Moves over JSON values of the plainest kind, checking every byte: what is moved over here is valid JSON to any parser,
//! save that its UTF-8 is still to be checked.
//!
//! Plain is what CloudTrail writes: no blanks between tokens, whole numbers or short decimals, escapes of one code unit.
//! `None` says that a value is not plain, never that it is wrong.

use memchr::memchr3;
use wide::{CmpEq, CmpLt, i8x16};

/// Deeper values are not plain. One bit each, below a bit that marks the outermost.
const MAX_DEPTH: u32 = 62;

/// The position behind the value that begins at `at`.
pub(super) fn value(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string(bytes, at + 1).map(|(end, _)| end),
        b'{' | b'[' => nested(bytes, at),
        _ => scalar(bytes, at),
    }
}

/// The position behind the word or number at `at`.
#[inline]
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

/// The position behind the string whose first byte is at `at`, and whether it has escapes in it.
#[inline]
pub(super) fn string(bytes: &[u8], mut at: usize) -> Option<(usize, bool)> {
    let mut escaped = false;
    loop {
        let rest = bytes.get(at..)?;
        at += match rest.first_chunk() {
            Some(chunk) => match special(chunk) {
                Some(found) => found,
                None => {
                    at += WIDTH;
                    continue;
                }
            },
            None => rest.iter().position(|&byte| is_special(byte))?,
        };
        match bytes[at] {
            b'"' => return Some((at + 1, escaped)),
            b'\\' => {
                escaped = true;
                at = escape(bytes, at + 1)?;
            }
            _ => return None, // a control character
        }
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

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// How many bytes of a string are looked at in one step: most strings of a record are short.
const WIDTH: usize = 16;

/// Which of these bytes is the first that [`is_special`].
#[inline]
fn special(chunk: &[u8; WIDTH]) -> Option<usize> {
    let bytes = i8x16::new(chunk.map(u8::cast_signed));
    let equal = |byte: u8| bytes.cmp_eq(i8x16::splat(byte.cast_signed()));
    // Below 0x20 if all are taken for unsigned ones.
    let control = (bytes ^ i8x16::splat(i8::MIN)).cmp_lt(i8x16::splat(i8::MIN + 0x20));
    let found = (equal(b'"') | equal(b'\\') | control).move_mask();
    (found != 0).then(|| found.trailing_zeros() as usize)
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

/// The position behind the name and the colon that begin at `at`.
#[inline]
fn name(bytes: &[u8], at: usize) -> Option<usize> {
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    let (end, _) = string(bytes, at + 1)?;
    (bytes.get(end) == Some(&b':')).then_some(end + 1)
}

/// The position behind the object or array that begins at `at`.
pub(super) fn nested(bytes: &[u8], mut at: usize) -> Option<usize> {
    // One bit for each open bracket, the innermost lowest: whether it is an object's.
    let mut open = 1u64;
    loop {
        // Before a value.
        match bytes.get(at)? {
            b'"' => at = string(bytes, at + 1)?.0,
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
                        at = name(bytes, at)?;
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
                    at = name(bytes, at)?;
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{WIDTH, end_or_escape, is_special, special};

    proptest! {
        #[test]
        fn the_end_of_a_string_is_found(bytes in prop::collection::vec(prop_oneof![Just(b'"'), Just(b'\\'), Just(b'\n'), any::<u8>(), 0x20u8..0x24, 0x09u8..0x0c], 0..12), before in 0usize..80) {
            let bytes = [vec![b'x'; before], bytes].concat();
            let expected = bytes.iter().position(|byte| b"\"\\\n".contains(byte));
            prop_assert_eq!(end_or_escape(&bytes), expected);
        }

        #[test]
        fn the_first_special_byte_is_found(bytes in any::<[u8; WIDTH]>(), common in prop::collection::vec(0..WIDTH, 0..4)) {
            let mut bytes = bytes.map(|byte| byte.max(0x23) & 0x5b | 0x20);
            for (at, byte) in common.into_iter().zip([b'"', b'\\', 0x1f, 0x80]) {
                bytes[at] = byte;
            }
            let expected = bytes.iter().position(|&byte| is_special(byte));
            prop_assert_eq!(special(&bytes), expected);
        }
    }
}
