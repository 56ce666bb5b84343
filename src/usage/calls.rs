//! Calls that were seen before: what they mean is looked up, not worked out again.
//!
//! [`resolve`](crate::usage::resolve::resolve) is a function of what [`telling`] leaves of an event, and of it only of those
//! parameters that it looked into, which it tells by their [`Touched`]. Two events that have all of that in common, byte
//! for byte as it stands in the log, mean the same. The memory saves time only: what it holds, and when it is emptied,
//! changes nothing else.
//!
//! A key is a hash of those bytes, of 128 bits and with a seed of this process' own, so that nobody who writes a log can
//! know what collides.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher as _, BuildHasherDefault, RandomState};

use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use crate::cloudtrail::event::{Event, UserIdentity};
use crate::cloudtrail::ordinary::{Field, Member, Ordinary, split};
use crate::iam::principal::Principal;
use crate::usage::carriers::Loaded;
use crate::usage::denial::Said;
use crate::usage::hashed::Hashed;
use crate::usage::identity::Caller;
use crate::usage::request;
use crate::usage::resolve::{Need, Outcome, Resolved};
use crate::usage::times::Times;

/// The fields of a call's key, besides who called, the parameters and the response. That the Region, the recipient and the
/// category are among them is what lets a call that comes again count for all that its first one counted for.
const FIELDS: [Field; 9] = [
    Field::EventSource,
    Field::EventName,
    Field::Resources,
    Field::AwsRegion,
    Field::ErrorCode,
    Field::ErrorMessage,
    Field::EventType,
    Field::EventCategory,
    Field::RecipientAccountId,
];

/// What of an event its meaning may depend on, besides the principal: what a key is made of, and nothing else.
#[must_use]
pub fn telling<'t, 'a>(event: &Event<'t, 'a>) -> Event<'t, 'a> {
    Event {
        event_source: event.event_source,
        event_name: event.event_name,
        event_type: event.event_type,
        event_category: event.event_category,
        aws_region: event.aws_region,
        error_code: event.error_code,
        error_message: event.error_message,
        recipient_account_id: event.recipient_account_id,
        user_identity: UserIdentity {
            invoked_by: event.user_identity.invoked_by,
            ..UserIdentity::default()
        },
        request_parameters: event.request_parameters,
        response_elements: event.response_elements,
        resources: event.resources.clone(),
        ..Event::default()
    }
}

/// What of a request and its response was looked into.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// One bit for each of the first 64 members of `requestParameters`, the lowest for the first.
    pub parameters: u64,
    /// Whether it was the response.
    pub response: bool,
}

/// Parameters with more members are part of a key as a whole.
const MAX_MEMBERS: usize = 64;

/// Records of more bytes are not remembered, nor those with a longer id: CloudTrail's are 36 bytes.
const MAX_RECORD: usize = 16 << 10;
const MAX_ID: usize = 64;

/// The memory is emptied where it holds more than about these bytes of calls, and forgets identities beyond this number.
const MAX_CALLS: usize = 12 << 20;
const MAX_IDENTITIES: usize = 1 << 14;

/// What is known of a call, in little room: a worker has tens of thousands.
pub struct Call {
    /// The principal's number.
    principal: u32,
    /// Whether identity policies decide for the principal.
    pub takes_identity_policy: bool,
    outcome: Outcome,
    reason: Cow<'static, str>,
    needs: Box<[Need]>,
    rest: Option<Box<Rest>>,
    /// A hash of all that the ledger takes from it, but for its id, its time and its session.
    pub digest: u128,
    /// How often it came again since it was last [counted](Calls::empty).
    pub again: Times,
}

/// What few calls have.
struct Rest {
    loaded: Option<Loaded>,
    message: Option<Said>,
    notes: Vec<String>,
}

impl Call {
    fn new(resolved: Resolved, principal: u32, digest: u128) -> Self {
        let Resolved {
            caller,
            outcome,
            reason,
            needs,
            loaded,
            message,
            notes,
        } = resolved;
        let more = loaded.is_some() || message.is_some() || !notes.is_empty();
        let rest = Rest {
            loaded,
            message,
            notes,
        };
        Self {
            principal,
            takes_identity_policy: caller.principal.kind.takes_identity_policy(),
            outcome,
            reason,
            needs: needs.into(),
            rest: more.then(|| Box::new(rest)),
            digest,
            again: Times::default(),
        }
    }

    /// What the call means. Its session is left out: it is with the ledger since the session's first call.
    fn resolved(self, principals: &[Principal]) -> (Resolved, Times) {
        let rest = self.rest.map(|rest| *rest);
        let (loaded, message, notes) = rest.map_or_else(Default::default, |rest| {
            (rest.loaded, rest.message, rest.notes)
        });
        let resolved = Resolved {
            caller: Caller {
                principal: principals[self.principal as usize].clone(),
                session: None,
            },
            outcome: self.outcome,
            reason: self.reason,
            needs: self.needs.into(),
            loaded,
            message,
            notes,
        };
        (resolved, self.again)
    }

    /// About how many bytes of memory it takes.
    fn size(&self) -> usize {
        let needs = self.needs.iter().map(|need| {
            let resources = need.resources.iter();
            size_of::<Need>()
                + resources
                    .map(|each| 32 + each.as_str().len())
                    .sum::<usize>()
        });
        let rest = self.rest.as_ref().map_or(0, |rest| {
            let notes = rest.notes.iter().map(|note| 32 + note.len());
            let loaded = rest.loaded.iter().flat_map(|loaded| &loaded.roles);
            let roles = loaded.map(|role| 64 + role.as_str().len());
            let message = match &rest.message {
                Some(Said::Otherwise(text)) => text.len(),
                Some(Said::TheSame) | None => 0,
            };
            size_of::<Rest>() + notes.sum::<usize>() + roles.sum::<usize>() + message
        });
        size_of::<(u128, Self)>() * 2
            + 128
            + MAX_ID
            + self.reason.len()
            + rest
            + needs.sum::<usize>()
    }
}

/// Who has an identity.
#[derive(Clone, Copy)]
struct Who {
    /// The same for all identities that [`telling`] leaves the same of.
    number: u32,
    session: u64,
}

type Map<V> = HashMap<u128, V, BuildHasherDefault<Hashed>>;

/// The memory of one worker.
pub struct Calls {
    seed: u64,
    calls: Map<Call>,
    /// About how many bytes the calls take.
    bytes: usize,
    /// By `userIdentity` as it stands in the log.
    identities: Map<Who>,
    /// The numbers of identities.
    numbers: HashMap<(Principal, Option<Box<str>>), u32>,
    principals: Vec<Principal>,
    /// What was looked into in any call with the same source, name, and names of parameters.
    shapes: Map<Touched>,
    sought: Sought,
}

/// What was last looked for.
#[derive(Default)]
struct Sought {
    identity: u128,
    members: Vec<Member>,
    shape: u128,
    key: u128,
    /// What the key tells of the parameters and the response; `None` where there is no key.
    told: Option<(u32, Touched)>,
    bytes: Vec<u8>,
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            seed: RandomState::new().hash_one(0),
            calls: Map::default(),
            bytes: 0,
            identities: Map::default(),
            numbers: HashMap::new(),
            principals: Vec::new(),
            shapes: Map::default(),
            sought: Sought::default(),
        }
    }
}

/// The hash of a session's name.
#[must_use]
pub fn session_hash(session: Option<&str>) -> u64 {
    xxh3_64(session.unwrap_or_default().as_bytes())
}

impl Calls {
    /// Whether a record is small enough to be remembered.
    #[must_use]
    pub fn takes(record: &Ordinary<'_>) -> bool {
        let ids = [Field::EventId, Field::SharedEventId];
        record.length() <= MAX_RECORD && ids.iter().all(|id| record.raw(*id).len() <= MAX_ID)
    }

    /// What is known of the call in `record`, and the hash of the session that made it.
    pub fn find(&mut self, record: &Ordinary<'_>) -> Option<(&mut Call, u64)> {
        let (seed, sought) = (self.seed, &mut self.sought);
        let identity = record.raw(Field::UserIdentity).as_bytes();
        sought.told = None;
        sought.identity = xxh3_128_with_seed(identity, seed);
        let who = *self.identities.get(&sought.identity)?;

        let parameters = record.raw(Field::RequestParameters);
        split(parameters, &mut sought.members);
        let bytes = &mut sought.bytes;
        bytes.clear();
        for field in [Field::EventSource, Field::EventName] {
            bytes.extend_from_slice(record.raw(field).as_bytes());
        }
        for member in &sought.members {
            bytes.extend_from_slice(member.name(parameters).as_bytes());
            bytes.push(b'\n'); // which no ordinary record holds
        }
        sought.shape = xxh3_128_with_seed(bytes, seed);
        let touched = self.shapes.get(&sought.shape).copied().unwrap_or_default();

        bytes.clear();
        bytes.extend_from_slice(&who.number.to_le_bytes());
        bytes.extend_from_slice(&touched.parameters.to_le_bytes());
        bytes.push(u8::from(touched.response));
        for field in FIELDS {
            bytes.extend_from_slice(record.raw(field).as_bytes());
            bytes.push(b'\n');
        }
        write_parameters(parameters, &sought.members, touched.parameters, bytes);
        if touched.response {
            bytes.push(b'\n');
            bytes.extend_from_slice(record.raw(Field::ResponseElements).as_bytes());
        }
        sought.key = xxh3_128_with_seed(bytes, seed);
        sought.told = Some((who.number, touched));
        let call = self.calls.get_mut(&sought.key)?;
        Some((call, who.session))
    }

    /// Remembers what that means which was last looked for: first who called, then what the meaning was found in, and then
    /// the meaning.
    pub fn learn(
        &mut self,
        resolved: Resolved,
        digest: u128,
        event: &Event<'_, '_>,
        touched: Touched,
    ) {
        let Some((number, told)) = self.sought.told else {
            return self.learn_identity(resolved.caller, event.user_identity.invoked_by);
        };
        let all = Touched {
            parameters: touched.parameters | told.parameters,
            response: touched.response | told.response,
        };
        if all == told {
            let call = Call::new(resolved, number, digest);
            self.bytes += call.size();
            self.calls.insert(self.sought.key, call);
        } else {
            self.shapes.insert(self.sought.shape, all);
        }
    }

    fn learn_identity(&mut self, caller: Caller, invoked_by: Option<&str>) {
        let next = self.principals.len() as u32;
        let principals = &mut self.principals;
        let identity = (caller.principal, invoked_by.map(Box::from));
        let number = *self
            .numbers
            .entry(identity)
            .or_insert_with_key(|(principal, _)| {
                self.bytes += 2 * (principal.arn.len() + principal.name.len());
                principals.push(principal.clone());
                next
            });
        let session = session_hash(caller.session.as_deref());
        if self.identities.len() >= MAX_IDENTITIES {
            self.identities.clear();
        }
        self.identities
            .insert(self.sought.identity, Who { number, session });
    }

    /// Whether there is more in the memory than it is meant to hold.
    #[must_use]
    pub fn is_full(&self) -> bool {
        let more = size_of::<(u128, Touched)>() * 2 * self.shapes.len() + 512 * self.numbers.len();
        self.bytes + more > MAX_CALLS
    }

    /// Empties the memory: hands `each` what the calls mean that came again, and when.
    pub fn empty(&mut self, mut each: impl FnMut(&Resolved, &Times)) {
        for (_, call) in self.calls.drain() {
            if call.again.count > 0 {
                let (resolved, times) = call.resolved(&self.principals);
                each(&resolved, &times);
            }
        }
        self.bytes = 0;
        self.identities.clear();
        self.numbers.clear();
        self.principals.clear();
        self.shapes.clear();
    }
}

/// Writes `requestParameters` without the values of members that matter only where they are looked into, and are not
/// `touched`.
fn write_parameters(raw: &str, members: &[Member], touched: u64, out: &mut Vec<u8>) {
    if members.is_empty() || members.len() > MAX_MEMBERS {
        out.push(b'=');
        return out.extend_from_slice(raw.as_bytes());
    }
    for (index, member) in members.iter().enumerate() {
        let (name, value) = (member.name(raw), member.value(raw));
        let told = match touched >> index & 1 == 0 && request::is_opaque(name, value) {
            true => &value[..1],
            false => value,
        };
        for part in [name, told] {
            out.extend_from_slice(part.as_bytes());
            out.push(b'\n');
        }
    }
}
