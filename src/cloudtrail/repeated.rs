//! Objects that come again and again: identities, and what is told of TLS. One that begins with the bytes of a whole one
//! is that one, so that it need not be looked through again.

use crate::cloudtrail::skip::Text;

/// Larger objects are not remembered, nor very small ones.
const MAX_LENGTH: usize = 4 << 10;
const MIN_LENGTH: usize = IN_SHORT[2] + 8;

/// Where short objects differ: they are told by their beginning alone, for behind them something else stands each time.
const IN_SHORT: [usize; 3] = [24, 32, 40];

/// Where longer identities differ: in the session's name and the access key.
pub(super) const IN_IDENTITIES: &[usize] = &[64, 72, 200, 208];

/// Where longer `tlsDetails` differ: in the host.
pub(super) const IN_TLS: &[usize] = &[40, 88, 96, 104];

/// As a power of two, how many places there are for objects of one kind.
const PLACES: u32 = 9;

/// The objects remembered of one kind.
pub(super) struct Repeated {
    /// Two in each place, the one last used first.
    places: Vec<[Known; 2]>,
    /// Where objects differ that reach so far.
    words: &'static [usize],
    /// How many were ever remembered.
    count: u64,
}

/// An object that was looked through.
#[derive(Clone, Default)]
struct Known {
    mixed: u64,
    number: u64,
    bytes: Vec<u8>,
}

impl Repeated {
    pub(super) fn new(words: &'static [usize]) -> Self {
        Self {
            places: vec![<[Known; 2]>::default(); 1 << PLACES],
            words,
            count: 0,
        }
    }

    /// The position behind the object at `start`, as [`Text::value`] has it, and a number that no other bytes have in the
    /// place of this object; none where they are not remembered.
    pub(super) fn value(
        &mut self,
        text: &mut Text<'_>,
        start: usize,
    ) -> Option<(usize, Option<u64>)> {
        let rest = text.bytes().get(start..)?;
        let long = mix(rest, self.words);
        let known = long.and_then(|mixed| self.find(rest, mixed));
        let known = known.or_else(|| self.find(rest, mix(rest, &IN_SHORT)?));
        if let Some((length, number)) = known {
            return Some((start + length, Some(number)));
        }
        let end = text.value(start)?;
        let object = &rest[..end - start];
        if !(MIN_LENGTH..=MAX_LENGTH).contains(&object.len()) {
            return Some((end, None));
        }
        let mixed = mix(object, self.words).or_else(|| mix(object, &IN_SHORT));
        let number = mixed.map(|mixed| self.remember(object, mixed));
        Some((end, number))
    }

    /// The length and the number of the object that `rest` begins with.
    fn find(&mut self, rest: &[u8], mixed: u64) -> Option<(usize, u64)> {
        let place = &mut self.places[(mixed >> (u64::BITS - PLACES)) as usize];
        let is = |known: &Known| known.mixed == mixed && rest.starts_with(&known.bytes);
        if !is(&place[0]) {
            place.swap(0, 1);
            if !is(&place[0]) {
                place.swap(0, 1);
                return None;
            }
        }
        // An empty place is found by what mixes to nothing, too.
        let Known { number, bytes, .. } = &place[0];
        (*number != 0).then_some((bytes.len(), *number))
    }

    fn remember(&mut self, object: &[u8], mixed: u64) -> u64 {
        let place = &mut self.places[(mixed >> (u64::BITS - PLACES)) as usize];
        place.swap(0, 1);
        self.count += 1;
        let known = &mut place[0];
        (known.mixed, known.number) = (mixed, self.count);
        known.bytes.clear();
        known.bytes.extend_from_slice(object);
        self.count
    }
}

/// Mixes the words at some places; `None` where there are not so many bytes.
fn mix(bytes: &[u8], places: &[usize]) -> Option<u64> {
    let mut mixed = 0u64;
    for &at in places {
        let word = u64::from_le_bytes(*bytes.get(at..)?.first_chunk()?);
        mixed = mixed.rotate_left(21) ^ word;
    }
    Some(mixed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{IN_IDENTITIES, MAX_LENGTH, Repeated};
    use crate::cloudtrail::skip::Text;

    /// An object of so many bytes, which ends with `last`.
    fn object(length: usize, last: char) -> String {
        let filler = "x".repeat(length - r#"{"a":"_"}"#.len());
        format!(r#"{{"a":"{filler}{last}"}}"#)
    }

    #[test]
    fn the_same_number_means_the_same_bytes() {
        let mut repeated = Repeated::new(IN_IDENTITIES);
        let mut known: HashMap<u64, String> = HashMap::new();
        let mut number = |text: &str, behind: &str| {
            let bytes = format!("{text},{behind}");
            let (end, number) = repeated.value(&mut Text::new(bytes.as_bytes()), 0).unwrap();
            assert_eq!(end, text.len());
            if let Some(number) = number {
                assert_eq!(known.entry(number).or_insert(text.to_owned()), text);
            }
            number
        };
        for length in [48, 60, 215, 216, 300, MAX_LENGTH] {
            let (one, other) = (object(length, 'a'), object(length, 'b'));
            let first = number(&one, "");
            assert!(first.is_some());
            let behind = "another".repeat(60);
            assert_eq!(number(&one, &behind), first, "{length}");
            let second = number(&other, &behind);
            assert!(second.is_some() && second != first);
            assert_eq!(number(&one, ""), first, "both are remembered");
            assert_eq!(number(&other, "x"), second);
            // Those that differ behind what they are found by have one place, which the first two lose.
            let more = ['c', 'd', 'a', 'b', 'c'].map(|last| number(&object(length, last), ""));
            assert!(more.iter().all(Option::is_some));
            assert_eq!(![48, 216].contains(&length), more[2] != first);
        }
        for odd in ["{}", "{\"a\":1}", &object(MAX_LENGTH + 1, 'a')] {
            assert_eq!(number(odd, ""), None);
            assert_eq!(number(odd, ""), None);
        }
    }

    #[test]
    fn what_mixes_to_nothing_is_not_an_empty_place() {
        let mut repeated = Repeated::new(IN_IDENTITIES);
        let bytes = [b"{".as_slice(), &[0; 300]].concat();
        assert_eq!(repeated.value(&mut Text::new(&bytes), 0), None);
    }
}
