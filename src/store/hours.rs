//! The events of one hour, packed: see `schema.sql`.

/// An event of an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Packed {
    /// A hash of what makes it itself.
    pub print: u64,
    /// The `id` of the call that it is one of.
    pub call: u32,
    /// Its second in the hour.
    pub second: u16,
}

/// So many bytes an event takes.
pub const BYTES: usize = 14;

/// The events in `bytes`, in their order; `None` where that is not a whole number of them.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Option<impl ExactSizeIterator<Item = Packed> + '_> {
    let (events, rest) = bytes.as_chunks::<BYTES>();
    let packed = |event: &[u8; BYTES]| {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = *event;
        Packed {
            print: u64::from_be_bytes([a, b, c, d, e, f, g, h]),
            call: u32::from_be_bytes([i, j, k, l]),
            second: u16::from_be_bytes([m, n]),
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
        bytes.extend_from_slice(&event.second.to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{Packed, pack, unpack};

    #[test]
    fn what_is_packed_comes_out_again() {
        let events = [(1, 7, 0), (u64::MAX, u32::MAX, 3599)].map(|(print, call, second)| Packed {
            print,
            call,
            second,
        });
        let bytes = pack(&events);
        assert!(unpack(&bytes).unwrap().eq(events));
        assert!(unpack(&bytes[1..]).is_none());
    }
}
