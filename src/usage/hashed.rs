//! Tables by what is a hash already.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hash, Hasher};

/// A hash of 128 bits, as a key. Of these, a table looks at 64, and then compares all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u64, u64);

impl Key {
    /// The hash.
    #[must_use]
    pub fn bytes(self) -> [u8; 16] {
        let Self(low, high) = self;
        (u128::from(high) << 64 | u128::from(low)).to_le_bytes()
    }
}

impl From<u128> for Key {
    fn from(hash: u128) -> Self {
        Self(hash as u64, (hash >> 64) as u64)
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// A table by [`Key`].
pub type Map<V> = HashMap<Key, V, BuildHasherDefault<Hashed>>;

/// Takes 64 bits that are a hash for their hash.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hashed(u64);

impl Hasher for Hashed {
    fn write(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..part.len()].copy_from_slice(part);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
