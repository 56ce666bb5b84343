//! Who made calls, looked up by `userIdentity` as it stands in the log.

use foldhash::HashMap;
use xxhash_rust::xxh3::xxh3_64;

use crate::cloudtrail::ordinary::{Field, Ordinary};
use crate::iam::principal::Principal;
use crate::usage::hashed::{Key, Map, random_seed};
use crate::usage::identity::Caller;

/// Identities beyond this number are forgotten, and those whose names, not yet asked for, take more bytes.
const MAX: usize = 1 << 14;
const MAX_NAMES: usize = 1 << 20;

/// So many identities are found by the reader's number.
const NUMBERED: usize = 1 << 10;

/// The memory of callers of one worker.
pub struct Callers {
    seed: u64,
    identities: Vec<Who>,
    /// Which of `identities` a `userIdentity` is, by a hash of it as it stands in the log.
    hashed: Map<u32>,
    /// The same by the reader's [number](Ordinary::identity) of it, for those that came last.
    numbered: Vec<Option<(u64, u32)>>,
    /// The callers' numbers. Whoever chooses the names can make look-ups slow, no more: all of a caller is compared.
    numbers: HashMap<(Principal, Option<Box<str>>), u32>,
    callers: Vec<(Principal, Option<Box<str>>)>,
    /// Which of `identities` was last found.
    last: u32,
    /// The hash of the identity that was last looked for by it, and the reader's number of that identity: what [learning](Self::learn)
    /// is told by, which follows at once where it was not found.
    new: Key,
    new_number: Option<u64>,
    bytes: usize,
    /// How many bytes the names took when they were learned.
    names: usize,
}

/// Who has an identity.
struct Who {
    /// The same for all identities that [`telling`](crate::usage::resolve::telling) leaves the same of.
    caller: u32,
    session: u64,
    /// What is told once, until it was [asked for](Callers::take_names).
    names: Option<Box<Names>>,
}

/// What an identity tells of its caller that the ledger keeps by name.
#[derive(Debug)]
pub struct Names {
    /// The session's name.
    pub session: Option<Box<str>>,
    /// The long-term access key's id.
    pub access_key: Option<Box<str>>,
}

impl Default for Callers {
    fn default() -> Self {
        Self {
            seed: random_seed(),
            identities: Vec::new(),
            hashed: Map::default(),
            numbered: vec![None; NUMBERED],
            numbers: HashMap::default(),
            callers: Vec::new(),
            last: 0,
            new: Key::default(),
            new_number: None,
            bytes: 0,
            names: 0,
        }
    }
}

/// The hash of a session's name.
#[must_use]
pub fn session_hash(session: Option<&str>) -> u64 {
    xxh3_64(session.unwrap_or_default().as_bytes())
}

impl Callers {
    /// Looks for who made `record`; whether that is known.
    pub fn find(&mut self, record: &Ordinary<'_>) -> bool {
        let found = self.identity(record);
        self.last = found.unwrap_or_default();
        found.is_some()
    }

    /// Which of `identities` made `record`.
    fn identity(&mut self, record: &Ordinary<'_>) -> Option<u32> {
        let number = record.identity();
        if let Some(number) = number
            && let Some((known, identity)) = self.numbered[number as usize % NUMBERED]
            && known == number
        {
            return Some(identity);
        }
        let text = record.raw(Field::UserIdentity);
        self.new = Key::of(text, self.seed);
        self.new_number = number;
        let identity = *self.hashed.get(&self.new)?;
        self.number_new(identity);
        Some(identity)
    }

    fn number_new(&mut self, identity: u32) {
        if let Some(number) = self.new_number {
            self.numbered[number as usize % NUMBERED] = Some((number, identity));
        }
    }

    fn who(&self) -> &Who {
        &self.identities[self.last as usize]
    }

    /// The number of the caller that was last found.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.who().caller
    }

    /// The hash of the session that was last found.
    #[must_use]
    pub fn session(&self) -> u64 {
        self.who().session
    }

    /// The caller that was last found, and on whose behalf it called.
    #[must_use]
    pub fn last(&self) -> (&Principal, Option<&str>) {
        let (principal, invoked_by) = &self.callers[self.number() as usize];
        (principal, invoked_by.as_deref())
    }

    /// The principal of a caller's number.
    #[must_use]
    pub fn principal(&self, number: u32) -> &Principal {
        &self.callers[number as usize].0
    }

    /// The names of the identity that was last found, when they are asked for the first time.
    pub fn take_names(&mut self) -> Option<Box<Names>> {
        self.identities[self.last as usize].names.take()
    }

    /// Remembers who made the record that was last looked for and not found.
    pub fn learn(&mut self, caller: Caller, invoked_by: Option<&str>) {
        let next = self.callers.len() as u32;
        let identity = (caller.principal, invoked_by.map(Box::from));
        let number = match self.numbers.get(&identity) {
            Some(number) => *number,
            None => {
                let (Principal { arn, name, .. }, via) = &identity;
                let texts = [arn, name, &identity.0.account].map(String::len);
                let texts = texts.iter().sum::<usize>() + via.as_ref().map_or(0, |via| via.len());
                self.bytes += 512 + 4 * texts;
                self.callers.push(identity.clone());
                self.numbers.insert(identity, next);
                next
            }
        };
        if self.identities.len() >= MAX || self.names > MAX_NAMES {
            self.identities.clear();
            self.hashed.clear();
            self.numbered.fill(None);
            self.names = 0;
        }
        let names = [&caller.session, &caller.access_key].into_iter().flatten();
        self.names += names
            .map(|name| size_of::<Names>() + name.len())
            .sum::<usize>();
        let named = caller.session.is_some() || caller.access_key.is_some();
        let session = session_hash(caller.session.as_deref());
        let names = || Names {
            session: caller.session.map(Box::from),
            access_key: caller.access_key.map(Box::from),
        };
        let who = Who {
            caller: number,
            session,
            names: named.then(|| Box::new(names())),
        };
        let next = self.identities.len() as u32;
        self.hashed.insert(self.new, next);
        self.number_new(next);
        self.identities.push(who);
    }

    /// About how many bytes the callers take. Their identities are bounded by themselves.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::{Callers, MAX_NAMES};
    use crate::cloudtrail::user_identity::UserIdentity;
    use crate::usage::identity::caller;

    #[test]
    fn no_text_of_an_identity_is_held_without_being_counted() {
        let long = "x".repeat(10_000);
        let plain = UserIdentity {
            kind: Some("AWSAccount"),
            ..UserIdentity::default()
        };
        for identity in [
            UserIdentity {
                account_id: Some(&long),
                ..plain
            },
            UserIdentity {
                invoked_by: Some(&long),
                ..plain
            },
        ] {
            let mut callers = Callers::default();
            callers.learn(caller(&identity), identity.invoked_by);
            assert!(callers.bytes() > 2 * long.len());
        }
        let mut callers = Callers::default();
        for number in 0..300u128 {
            let arn = format!("arn:aws:sts::111122223333:assumed-role/r/{number}{long}");
            let identity = UserIdentity {
                arn: Some(&arn),
                ..UserIdentity::default()
            };
            callers.new = number.into();
            callers.learn(caller(&identity), None);
        }
        let names = callers.identities.iter().flat_map(|who| &who.names);
        let lengths = names.flat_map(|names| names.session.as_ref().map(|name| name.len()));
        assert!(lengths.sum::<usize>() < MAX_NAMES + 2 * long.len());
        assert_eq!(callers.identities.len(), callers.hashed.len());
    }
}
