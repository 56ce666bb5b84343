//! Calls that were seen before: what they mean is looked up, not worked out again.
//!
//! [`resolve::meaning`] is a function of the caller and of what [`telling`](resolve::telling) leaves of an event, and of its parameters,
//! response and resources only as far as it looked into them, which it tells by [`Touched`]. Two events that have all of that
//! in common, byte for byte as it stands in the log, mean the same; what those mean that have it in common but for texts that
//! were copied, [`like`](crate::usage::like) tells. The memory saves time only: what it holds, and when it is emptied, changes
//! nothing else.
//!
//! A key is a hash of those bytes, of 128 bits and with a seed of this process' own, so that nobody who writes a log can
//! know what collides.

use simdutf8::basic::from_utf8;

use crate::cloudtrail::event::Event;
use crate::cloudtrail::ordinary::{Field, Member, Ordinary};
use crate::iam::principal::Principal;
use crate::usage::call::{Call, Counted};
use crate::usage::callers::Callers;
use crate::usage::hashed::{Key, Map, random_seed};
use crate::usage::keys;
use crate::usage::like::{Marks, Template};
use crate::usage::memo::{Memo, Touched};
use crate::usage::opaque::opaque;
use crate::usage::origin::{self, Network, Region};
use crate::usage::resolve::{self, Meaning};
use crate::usage::seen::Seen;
use crate::usage::times::EventId;

/// The fields of a call's key, besides its shape, who called, and what is told only where it was looked into. That the Region,
/// the recipient and the category are among them is what lets a call that comes again count for all that its first one counted
/// for. They stand in the order in which CloudTrail writes them, so that neighbours are written together.
const FIELDS: [Field; 5] = [
    Field::AwsRegion,
    Field::ErrorMessage,
    Field::EventType,
    Field::RecipientAccountId,
    Field::EventCategory,
];

/// The fields of a call's shape, beside the names of its parameters, likewise.
const SHAPE: [Field; 3] = [Field::EventSource, Field::EventName, Field::ErrorCode];

/// Parameters with more members are part of a key as a whole.
const MAX_MEMBERS: usize = 64;

/// Records of more bytes are not remembered, nor those with a longer id: CloudTrail's are 36 bytes.
const MAX_RECORD: usize = 16 << 10;
const MAX_ID: usize = 64;

/// What is known of calls that are the same in all but texts that are copied.
enum Like {
    /// That there was one.
    One,
    /// That more of what they mean depends on the texts than resources.
    Nothing,
    /// What they mean.
    Template(Box<Template>),
}

/// What is known of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The call, by its number, and the hash of the session that made it.
    Call(u32, u64),
    /// The caller alone, and what was looked into of calls like this one.
    Caller(Touched),
    /// Not even that.
    Nothing,
}

/// The memory of one worker.
pub struct Calls {
    seed: u64,
    /// It is full where it holds more than about these bytes.
    max: usize,
    calls: Vec<Call>,
    /// Which of `calls` a key is one of.
    keys: Map<u32>,
    /// Which of `calls` has a digest.
    digests: Map<u32>,
    /// About how many bytes the calls take, without the tables that they are found by, and what is known of calls like others.
    bytes: usize,
    like_bytes: usize,
    /// Whether those of several Regions are told apart, though they mean the same.
    by_region: bool,
    /// Who made them.
    pub callers: Callers,
    /// What was looked into in any call of the same shape: its source, its name, its error, and the names of its
    /// parameters.
    shapes: Map<Touched>,
    /// By what a key tells besides copied texts.
    like: Map<Like>,
    marks: Marks,
    sought: Sought,
}

/// What was last looked for.
#[derive(Default)]
struct Sought {
    /// The Region, where calls are told apart by it.
    region: Region,
    shape: Key,
    key: Key,
    /// What the key tells of, beside what all keys do.
    told: Touched,
    /// The members whose texts are copied.
    copied: Vec<usize>,
    /// The key without these texts, where there are any and no call with the key is known.
    like: Option<Key>,
    bytes: Vec<u8>,
}

impl Calls {
    /// A memory that is [full](Self::is_full) with more than about `max` bytes, of calls that are told apart by their Regions
    /// or not.
    #[must_use]
    pub fn new(max: usize, by_region: bool) -> Self {
        Self {
            seed: random_seed(),
            max,
            calls: Vec::new(),
            keys: Map::default(),
            digests: Map::default(),
            bytes: 0,
            like_bytes: 0,
            by_region,
            callers: Callers::default(),
            shapes: Map::default(),
            like: Map::default(),
            marks: Marks::default(),
            sought: Sought::default(),
        }
    }

    /// Whether a record is small enough to be remembered.
    #[must_use]
    pub fn takes(record: &Ordinary<'_>) -> bool {
        let ids = [Field::EventId, Field::SharedEventId];
        record.length() <= MAX_RECORD && ids.iter().all(|id| record.raw(*id).len() <= MAX_ID)
    }

    /// What is known of `record`. `seen` is where it will be looked for.
    pub fn find(&mut self, record: &Ordinary<'_>, seen: &Seen) -> Known {
        if !self.callers.find(record) {
            return Known::Nothing;
        }
        let (caller, session) = (self.callers.number(), self.callers.session());
        let (seed, sought) = (self.seed, &mut self.sought);
        if self.by_region {
            sought.region = record.text(Field::AwsRegion).unwrap_or_default().into();
        }

        let parameters = record.raw(Field::RequestParameters);
        let members = record.parameters();
        let bytes = &mut sought.bytes;
        bytes.clear();
        record.write(&SHAPE, bytes);
        for member in members {
            bytes.extend_from_slice(member.quoted_name(parameters));
        }
        sought.shape = Key::of(bytes, seed);
        let touched = self.shapes.get(&sought.shape).copied().unwrap_or_default();
        sought.told = touched;

        bytes.clear();
        bytes.extend_from_slice(&sought.shape.bytes());
        bytes.extend_from_slice(&caller.to_le_bytes());
        touched.write(bytes);
        record.write(&FIELDS, bytes);
        sought.copied.clear();
        write_parameters(parameters, members, touched, bytes, &mut sought.copied);
        for (field, told) in [
            (Field::ResponseElements, touched.response),
            (Field::Resources, touched.resources),
        ] {
            if told {
                bytes.push(b'\n');
                bytes.extend_from_slice(record.raw(field));
            }
        }
        let length = bytes.len();
        for member in &sought.copied {
            bytes.push(b'\n');
            bytes.extend_from_slice(members[*member].value(parameters));
        }
        sought.key = Key::of(bytes, seed);
        if let Some(call) = self.keys.get(&sought.key) {
            return Known::Call(*call, session);
        }
        sought.like = (length < bytes.len()).then(|| Key::of(&bytes[..length], seed));
        match self.learn_like_another(record, seen) {
            Some((call, session)) => Known::Call(call, session),
            None => Known::Caller(touched),
        }
    }

    /// Learns the record that was last looked for from what calls like it mean.
    fn learn_like_another(&mut self, record: &Ordinary<'_>, seen: &Seen) -> Option<(u32, u64)> {
        let Like::Template(template) = self.like.get(&self.sought.like?)? else {
            return None;
        };
        let (parameters, members) = (record.raw(Field::RequestParameters), record.parameters());
        let text = |member: &usize| {
            let value = members[*member].value(parameters);
            // As all of the record.
            let text = from_utf8(&value[1..value.len() - 1]).ok()?;
            Some((*member, text))
        };
        let texts = self.sought.copied.iter().map(text);
        let texts: Vec<(usize, &str)> = texts.collect::<Option<_>>()?;
        let meaning = template.fill(&texts)?;
        let (source, name) = (
            record.text(Field::EventSource),
            record.text(Field::EventName),
        );
        let digest = seen.digest(source, name, self.callers.last().0, &meaning);
        // Another resource is seldom that of a third call. Where it is, the two add up; calls that are told apart by their
        // Regions are asked for by their digests, so that there must be one.
        Some(self.remember(meaning, digest, source, !self.by_region))
    }

    /// The caller of a call.
    #[must_use]
    pub fn caller_of(&self, call: u32) -> &Principal {
        self.callers.principal(self.calls[call as usize].caller)
    }

    /// Works out what the record means that was last looked for, of which `event` has the parts that matter, and remembers
    /// it. Returns its call and its session's hash; `None` where its key does not tell yet all that the meaning was found
    /// by, so that it must be looked for once more.
    pub fn learn(
        &mut self,
        event: &Event<'_, '_>,
        memo: &mut Memo,
        seen: &Seen,
    ) -> Option<(u32, u64)> {
        let meaning = meaning(event, &self.callers, memo, None);
        let all = memo.touched.and(self.sought.told);
        if all != self.sought.told {
            self.shapes.insert(self.sought.shape, all);
            self.like_bytes += 2 * size_of::<(Key, Touched)>();
            return None;
        }
        let (source, name) = (event.event_source, event.event_name);
        let digest = seen.digest(source, name, self.callers.last().0, &meaning);
        let learned = self.remember(meaning, digest, source, false);
        self.learn_like(event, memo);
        Some(learned)
    }

    /// Works out what calls like `event` mean, which was just learned, if that is worth the while: one came before.
    fn learn_like(&mut self, event: &Event<'_, '_>, memo: &mut Memo) {
        let Some(like) = self.sought.like else {
            return;
        };
        let Some(known) = self.like.get_mut(&like) else {
            self.like_bytes += 2 * size_of::<(Key, Like)>();
            self.like.insert(like, Like::One);
            return;
        };
        if !matches!(known, Like::One) {
            return;
        }
        let copied = self.sought.copied.iter();
        let marks = self
            .marks
            .of_members(copied.fold(0, |bits, member| bits | 1 << member));
        let marked = meaning(event, &self.callers, memo, Some(marks));
        *known = match marks.template(marked) {
            Some(template) => {
                self.like_bytes += template.size();
                Like::Template(Box::new(template))
            }
            None => Like::Nothing,
        };
    }

    /// Remembers what the record means that was last looked for, which is a call to `source`, as a call of its own if it `is_new`. Returns
    /// its call and its session's hash.
    fn remember(
        &mut self,
        meaning: Meaning,
        digest: u128,
        source: Option<&str>,
        is_new: bool,
    ) -> (u32, u64) {
        let via = keys::service_of(source, self.callers.last().1);
        let digest = origin::mix_via(digest, via);
        let sought = &self.sought;
        let next = self.calls.len() as u32;
        let number = if is_new {
            next
        } else {
            let told_apart = origin::mix_region(digest, sought.region);
            *self.digests.entry(told_apart.into()).or_insert(next)
        };
        if number == next {
            let call = Call::new(meaning, self.callers.number(), digest, via);
            self.bytes += call.size();
            self.calls.push(call);
        }
        self.keys.insert(sought.key, number);
        (number, self.callers.session())
    }

    /// What tells a call from others, as it was learned.
    #[must_use]
    pub fn digest(&self, call: u32) -> u128 {
        self.calls[call as usize].digest
    }

    /// The Region of a call that was counted, where calls are told apart by it.
    #[must_use]
    pub fn region(&self, call: u32) -> Region {
        self.calls[call as usize].times.regions.first()
    }

    /// Counts a call.
    pub fn count(
        &mut self,
        call: u32,
        time: Option<i64>,
        id: Option<&EventId>,
        (region, network): (&Region, Network),
    ) {
        self.calls[call as usize]
            .times
            .add(time, id, region, network);
    }

    /// Whether there is more in the memory than it is meant to hold.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let entries = (self.keys.len() + self.digests.len()) * 2 * size_of::<(Key, u32)>();
        self.bytes + entries + self.like_bytes + self.callers.bytes() > self.max
    }

    /// Forgets the calls: hands `each` one caller's after another's, with their digests those that were counted, what they mean, and when they
    /// were made. What else is remembered, of callers and of what calls may mean, stays as long as it is the lesser part.
    pub fn empty(&mut self, mut each: impl FnMut(&Principal, &mut dyn Iterator<Item = Counted>)) {
        // As the sums are by principal and action, of which those that stand together stand near each other in memory, too.
        // Where an action's text stands tells it from others as well as the text does, and adding up knows no order.
        let calls = self.calls.iter().zip(0u32..);
        let counted = calls.filter(|(call, _)| call.times.count > 0);
        let mut order: Vec<(u32, usize, u32)> = counted
            .map(|(call, number)| {
                let action = call.needs.first().map(|need| need.action.as_str().as_ptr());
                (call.caller, action.map_or(0, <*const u8>::addr), number)
            })
            .collect();
        order.sort_unstable();
        for of_caller in order.chunk_by(|(a, ..), (b, ..)| a == b) {
            let principal = self.callers.principal(of_caller[0].0);
            let calls = &mut self.calls;
            each(
                principal,
                &mut of_caller
                    .iter()
                    .map(|(.., number)| calls[*number as usize].take()),
            );
        }
        self.calls.clear();
        self.bytes = 0;
        self.keys.clear();
        self.digests.clear();
        if self.like_bytes + self.callers.bytes() > self.max / 2 {
            self.like_bytes = 0;
            self.shapes.clear();
            self.like.clear();
            self.callers = Callers::default();
        }
    }
}

/// What `event` means for who was last found.
fn meaning<'a>(
    event: &Event<'_, 'a>,
    callers: &'a Callers,
    memo: &mut Memo,
    marks: Option<&'a Marks>,
) -> Meaning {
    let (caller, invoked_by) = callers.last();
    let mut telling = resolve::telling(event);
    telling.user_identity.invoked_by = invoked_by;
    resolve::meaning(&telling, caller, memo, marks)
}

/// Writes the values of `requestParameters` without those texts that matter only where they are `touched`; those among them
/// that are copied are noted.
fn write_parameters(
    raw: &[u8],
    members: &[Member],
    touched: Touched,
    out: &mut Vec<u8>,
    copied: &mut Vec<usize>,
) {
    if members.is_empty() || members.len() > MAX_MEMBERS {
        out.push(b'=');
        return out.extend_from_slice(raw);
    }
    for (index, member) in members.iter().enumerate() {
        let (name, value) = (member.name(raw), member.value(raw));
        let hidden = || opaque(name, value, member.is_plain, touched.below);
        let told = match (touched.parameters >> index & 1, touched.copied >> index & 1) {
            (0, 0) => hidden(),
            (0, _) if hidden() == b"\"" => {
                copied.push(index);
                b"\""
            }
            _ => value,
        };
        out.extend_from_slice(told);
        out.push(b'\n');
    }
}
