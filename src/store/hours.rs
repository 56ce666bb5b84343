//! The events of one hour, packed: see `schema.sql`.

use crate::usage::seen::ID;

/// An event of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Packed {
    /// A hash of what makes it itself.
    pub print: u64,
    /// The `id` of the call that it is one of.
    pub call: u32,
    /// Its second in the hour.
    pub second: u16,
    /// Whether it is a correction, which counts in the place of the event with the same id.
    pub corrects: bool,
}

/// Stands beside the second of a correction, which takes twelve bits.
const CORRECTS: u16 = 1 << 15;

/// So many bytes an event takes.
pub const BYTES: usize = 14;

/// The events in `bytes`, in their order; `None` where that is not a whole number of them.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Option<impl ExactSizeIterator<Item = Packed> + '_> {
    let (events, rest) = bytes.as_chunks::<BYTES>();
    let packed = |event: &[u8; BYTES]| {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = *event;
        let second = u16::from_be_bytes([m, n]);
        Packed {
            print: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            call: u32::from_be_bytes([i, j, k, l]),
            second: second & !CORRECTS,
            corrects: second & CORRECTS != 0,
        }
    };
    rest.is_empty().then(|| events.iter().map(packed))
}

/// `events`, which are sorted, as bytes.
#[must_use]
pub fn pack(events: &[Packed]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(events.len() * BYTES);
    for event in events {
        bytes.extend_from_slice(&event.print.to_be_bytes());
        bytes.extend_from_slice(&event.call.to_be_bytes());
        let corrects = if event.corrects { CORRECTS } else { 0 };
        bytes.extend_from_slice(&(event.second | corrects).to_be_bytes());
    }
    bytes
}

/// Those of `events`, which are sorted, that count: where one of several with the same id is a correction, it alone does; of
/// several corrections, the last in order, which is as good as any.
pub fn counted(events: &[Packed]) -> impl Iterator<Item = &Packed> {
    let one_event = |a: &Packed, b: &Packed| a.print & ID == b.print & ID;
    events.chunk_by(one_event).flat_map(|same| {
        let correction = same.iter().rev().find(|event| event.corrects);
        let all = match correction {
            Some(_) => &[],
            None => same,
        };
        correction.into_iter().chain(all)
    })
}

#[cfg(test)]
mod tests {
    use super::{Packed, counted, pack, unpack};

    #[test]
    fn what_is_packed_comes_out_again() {
        let events = [(1, 7, 0, true), (u64::MAX, u32::MAX, 3599, false)];
        let events = events.map(|(print, call, second, corrects)| Packed {
            print,
            call,
            second,
            corrects,
        });
        let bytes = pack(&events);
        assert!(unpack(&bytes).unwrap().eq(events));
        assert!(unpack(&bytes[1..]).is_none());
    }

    #[test]
    fn a_correction_counts_in_the_place_of_what_it_corrects() {
        let id = |id: u64, rest: u64| id << 32 | rest;
        let event = |(print, corrects)| Packed {
            print,
            call: 0,
            second: 0,
            corrects,
        };
        for (events, expected) in [
            (
                &[(id(1, 1), false), (id(1, 2), false)][..],
                vec![id(1, 1), id(1, 2)],
            ),
            (
                &[(id(1, 1), false), (id(1, 2), true), (id(2, 3), false)],
                vec![id(1, 2), id(2, 3)],
            ),
            (
                &[(id(1, 1), true), (id(1, 2), true), (id(1, 3), false)],
                vec![id(1, 2)],
            ),
            (&[], vec![]),
        ] {
            let events: Vec<Packed> = events.iter().copied().map(event).collect();
            let prints: Vec<u64> = counted(&events).map(|event| event.print).collect();
            assert_eq!(prints, expected);
        }
    }
}
