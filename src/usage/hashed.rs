//! Tables by what is a hash already.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, Hash, Hasher, RandomState};

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;

/// A hash of 128 bits, as a key. Of these, a table looks at 64, and then compares all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u64, u64);

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

/// What makes [`Key`]s of several parts, with numbers of this process' own, so that nobody who writes a log can know what
/// collides.
#[derive(Debug)]
pub struct Hashing([(u64, SharedSeed); 2]);

impl Default for Hashing {
    fn default() -> Self {
        let random = RandomState::new();
        Self([0, 2].map(|at| {
            let shared = SharedSeed::from_u64(random.hash_one(at + 1));
            (random.hash_one(at), shared)
        }))
    }
}

impl Hashing {
    /// The hash of no parts.
    #[must_use]
    pub fn begin(&self) -> Parts<'_> {
        let Self(halves) = self;
        Parts(
            halves
                .each_ref()
                .map(|(seed, shared)| FoldHasher::with_seed(*seed, shared)),
        )
    }
}

/// The hash of the parts that were written to it, which are not gathered for it: two halves of 64 bits, each by other numbers.
#[derive(Clone)]
pub struct Parts<'s>([FoldHasher<'s>; 2]);

impl Parts<'_> {
    /// Adds a part; where it ends is part of what is hashed.
    #[inline]
    pub fn write(&mut self, part: &[u8]) {
        for half in &mut self.0 {
            half.write(part);
        }
    }

    /// Adds a number.
    #[inline]
    pub fn write_number(&mut self, number: u128) {
        for half in &mut self.0 {
            half.write_u128(number);
        }
    }

    /// The hash of what was written so far.
    #[inline]
    #[must_use]
    pub fn key(&self) -> Key {
        let [low, high] = self.0.each_ref().map(Hasher::finish);
        Key(low, high)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Hashing, Key};

    fn key(hashing: &Hashing, parts: &[Vec<u8>]) -> Key {
        let mut hash = hashing.begin();
        parts.iter().for_each(|part| hash.write(part));
        hash.key()
    }

    proptest! {
        /// Also where one list is the other with its parts cut elsewhere, or longer by what is empty or zero.
        #[test]
        fn only_the_same_parts_have_the_same_key(
            parts in prop::collection::vec(prop::collection::vec(0..2u8, 0..90), 1..5),
            at in any::<prop::sample::Index>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let hashing = Hashing::default();
            let all = parts.concat();
            let at = at.index(parts.len());
            let (before, behind) = all.split_at(cut.index(all.len() + 1));
            let mut zero = parts.clone();
            zero[at].push(0);
            let mut empty = parts.clone();
            empty.insert(at, Vec::new());
            let two = vec![before.to_vec(), behind.to_vec()];
            let lists = [parts.clone(), two, vec![all.clone()], zero, empty];
            for a in &lists {
                for b in &lists {
                    prop_assert_eq!(key(&hashing, a) == key(&hashing, b), a == b, "{:?} {:?}", a, b);
                }
            }
            prop_assert_ne!(key(&hashing, &parts), key(&Hashing::default(), &parts));
        }
    }
}
