//! Tables by what is a hash already.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher, RandomState};

use xxhash_rust::xxh3::xxh3_128_with_seed;

/// A number that nobody can know who writes a log: another one each time.
#[must_use]
pub fn random_seed() -> u64 {
    RandomState::new().hash_one(0)
}

/// A hash of 128 bits, as a key. Of these, a table looks at 64, and then compares all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u64, u64);

impl Key {
    /// The hash of `bytes` with `seed`.
    #[must_use]
    pub fn of(bytes: &[u8], seed: u64) -> Self {
        xxh3_128_with_seed(bytes, seed).into()
    }

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
