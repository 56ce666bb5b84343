//! Whether log objects are those that CloudTrail delivered: what the digests say, held against what was found.
//!
//! A digest is verified if its own signature fits, or if a verified later one holds its hash. A digest's signature stands in
//! the metadata of its object, which a copy in a folder does not have, and in the next digest. So in a folder the newest
//! digest of each chain can not be checked, nor can what it alone says of log objects.
//!
//! Objects are known by [`file_name`], not by where they lie; a log object under another name is known by its content.

use std::collections::BTreeMap;
use std::fmt;

use crate::cloudtrail::chains::{Chains, Verdict};
use crate::cloudtrail::digest::{Delivery, Digest, Sha256, file_name, is_digest_name};
use crate::cloudtrail::digested::{Digested, Gap};
use crate::cloudtrail::public_keys::PublicKeys;

/// A log object's name tells the minute of its delivery, and the digests' hours begin and end at any second. So near to the
/// end of what the digests cover it is not told that one of them should have named it.
const MARGIN: i64 = 5 * 60;

/// A digest that was found.
#[derive(Clone, Debug)]
pub struct FoundDigest {
    /// Its name among the inputs.
    pub name: String,
    /// What it says.
    pub digest: Digest,
    /// Its signature, where the object's metadata (`x-amz-meta-signature`) are at hand; empty where they have none.
    pub signature: Option<String>,
}

/// The digests that no later one names as the one before it, by their place in `digests` and name. Their signatures stand in the
/// metadata of their objects only.
#[must_use]
pub fn newest(digests: &[FoundDigest]) -> Vec<(usize, String)> {
    // By name, when the last digest ends that names it. One that names itself, or a later one, tells nothing.
    let mut named: BTreeMap<&str, i64> = BTreeMap::new();
    for FoundDigest { digest, .. } in digests {
        if let Some(previous) = &digest.previous_digest_s3_object {
            let end = named.entry(file_name(previous)).or_insert(i64::MIN);
            *end = digest.period.1.max(*end);
        }
    }
    let is_newest = |found: &FoundDigest| {
        let end = named.get(file_name(&found.name));
        end.is_none_or(|&end| end <= found.digest.period.1)
    };
    let numbered = digests.iter().enumerate();
    numbered
        .filter(|(_, found)| is_newest(found))
        .map(|(number, found)| (number, found.name.clone()))
        .collect()
}

/// What is known of the content of a log object that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// It was read to its end, and has this hash.
    Hash(Sha256),
    /// It could not be read to its end.
    Unreadable,
    /// It was not read this time.
    NotRead,
}

/// What is wrong with a digest, or with its place in the chain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DigestProblem {
    /// It is no digest, or can not be read.
    Unreadable(String),
    /// Another file with the same name has another content.
    Twice,
    /// It says that it is another object.
    Renamed(String),
    /// The signature with it does not fit what it says.
    Signature,
    /// The metadata of its object have no signature, as they have of each digest that CloudTrail delivers.
    NoSignature,
    /// It has not the hash or the signature that the next digest, with this name, holds for it.
    Changed(String),
    /// It holds another hash than it should for the previous digest, which is verified.
    Contradicts(String),
    /// The key with this fingerprint is not at hand.
    NoKey(String),
    /// It says that it was signed in a way that is not known.
    Algorithm(String),
    /// It is not there, while the next digest, with this name, and older ones are.
    Missing(String),
}

impl fmt::Display for DigestProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => f.write_str(why),
            Self::Twice => f.write_str("another file of this name has another content"),
            Self::Renamed(name) => write!(f, "it says that it is `{name}`"),
            Self::Signature => f.write_str(
                "its signature does not fit: it was changed, or signed with another key",
            ),
            Self::NoSignature => f.write_str(
                "not checked: its S3 object has no signature in its metadata, as CloudTrail's have: added later, or copied without them",
            ),
            Self::Changed(next) => write!(
                f,
                "changed: it has not the hash and the signature that the next digest holds for it, `{next}`"
            ),
            Self::Contradicts(previous) => write!(
                f,
                "changed: it holds another hash for the previous digest, `{previous}`, which is verified"
            ),
            Self::NoKey(fingerprint) => write!(
                f,
                "not checked: no public key with the fingerprint `{fingerprint}`"
            ),
            Self::Algorithm(name) => write!(f, "not checked: signed by `{name}`"),
            Self::Missing(next) => write!(f, "missing: the next digest names it, `{next}`"),
        }
    }
}

/// What is wrong with a log object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum LogProblem {
    /// Its content has not the hash in the digest with this name.
    Changed(String),
    /// The digest with this name lists it, and it was not found.
    Missing(String),
    /// It was delivered, by its name, when verified digests cover its account and Region, and none of these lists it.
    Unlisted,
    /// It could not be read to its end, so it has no hash.
    Unreadable,
}

impl fmt::Display for LogProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Changed(digest) => {
                write!(f, "changed: its content has not the hash in the digest `{digest}`")
            }
            Self::Missing(digest) => write!(f, "missing: the digest `{digest}` lists it"),
            Self::Unlisted => f.write_str(
                "listed by no verified digest, though verified digests cover the time of its delivery: added later, or by a trail without log file validation",
            ),
            Self::Unreadable => f.write_str("not checked: it cannot be read to its end"),
        }
    }
}

/// What was found out. All is sorted, whatever the order of the objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// Digests that are verified.
    pub digests_verified: u64,
    /// Digests whose signature is not at hand, as that of the newest in a folder.
    pub digests_unsigned: Vec<String>,
    /// What is wrong with digests, by name.
    pub digests: Vec<(String, DigestProblem)>,
    /// Log objects that have the hash in a verified digest.
    pub logs_verified: u64,
    /// How many of them have another name than CloudTrail gave them.
    pub logs_renamed: u64,
    /// Log objects that have the hash in a digest that is not itself verified.
    pub logs_unproved: u64,
    /// Log objects that a digest lists, and that were found but not read this time.
    pub logs_not_read: u64,
    /// Log objects delivered at a time that no digest covers, by account and Region.
    pub logs_outside: BTreeMap<(String, String), u64>,
    /// Objects that no digest lists and whose names are none of CloudTrail's: copies in another form, other files.
    pub logs_unplaced: u64,
    /// What is wrong with log objects, by name.
    pub logs: Vec<(String, LogProblem)>,
    /// The times without digests, between the first and the last digest of all.
    pub gaps: Vec<Gap>,
}

impl Findings {
    /// Whether something was verified, and nothing is wrong. Gaps, and digests and log objects that could not be
    /// verified for want of a signature, are told apart from this.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.digests_verified > 0 && self.digests.is_empty() && self.logs.is_empty()
    }
}

/// What a digest says of a log object.
#[derive(Debug)]
struct Listed {
    key: String,
    /// Which digest.
    digest: usize,
    hash: Option<Sha256>,
    found: bool,
    read: bool,
}

/// Holds log objects against digests. Takes some 200 bytes for each log object that the digests list.
#[derive(Debug)]
pub struct Checker {
    digests: Vec<FoundDigest>,
    verified: Vec<bool>,
    /// Sorted by [`file_name`], each there once.
    listed: Vec<Listed>,
    covered: Digested,
    /// Which digests those are.
    delivered: Vec<usize>,
    /// Objects that no digest lists by this name.
    unlisted: BTreeMap<String, Content>,
    findings: Findings,
}

impl Checker {
    /// Judges the digests. `unreadable` are files with a digest's name that are none, and why.
    #[must_use]
    pub fn new(
        keys: &PublicKeys,
        mut digests: Vec<FoundDigest>,
        unreadable: Vec<(String, String)>,
    ) -> Self {
        let mut findings = Findings::default();
        let unreadable = unreadable.into_iter();
        let unreadable = unreadable.map(|(name, why)| (name, DigestProblem::Unreadable(why)));
        findings.digests.extend(unreadable);
        // The newest first, as each tells of the one before it.
        digests.sort_by(|a, b| {
            let order = |found: &FoundDigest| (found.digest.period.1, found.digest.period.0);
            order(b).cmp(&order(a)).then_with(|| a.name.cmp(&b.name))
        });
        drop_copies(&mut digests, &mut findings);
        let chains = Chains::of(&digests);
        let verdicts = chains.judge(keys, &digests);
        chains.tell_missing(&digests, &mut findings);
        for (found, verdict) in digests.iter().zip(&verdicts) {
            match verdict {
                Verdict::Verified => findings.digests_verified += 1,
                Verdict::Unsigned => findings.digests_unsigned.push(found.name.clone()),
                Verdict::Wrong(problem) => {
                    findings.digests.push((found.name.clone(), problem.clone()));
                }
            }
        }
        let mut checker = Self {
            verified: verdicts.iter().map(|v| *v == Verdict::Verified).collect(),
            digests,
            listed: Vec::new(),
            covered: Digested::default(),
            delivered: Vec::new(),
            unlisted: BTreeMap::new(),
            findings,
        };
        checker.list(&verdicts);
        checker
    }

    /// Notes what the digests list, and which times they cover.
    fn list(&mut self, verdicts: &[Verdict]) {
        for (number, found) in self.digests.iter_mut().enumerate() {
            let logs = std::mem::take(&mut found.digest.log_files);
            self.listed.extend(logs.into_iter().map(|log| Listed {
                hash: log.hash(),
                key: log.s3_object,
                digest: number,
                found: false,
                read: false,
            }));
            let (region, _trail, backfill) = found.digest.chain();
            // A backfill digest lists what was late in an hour that has a digest of its own; and anybody can make up one that
            // nothing vouches for.
            if !backfill && verdicts[number] == Verdict::Verified {
                let account = &found.digest.aws_account_id;
                self.covered.add(account, region, found.digest.period);
                self.delivered.push(number);
            }
        }
        // Of a log object that is listed more than once counts what a verified digest says.
        let verified = &self.verified;
        let order = |listed: &Listed| (!verified[listed.digest], listed.digest);
        self.listed.sort_by(|a, b| {
            let names = file_name(&a.key).cmp(file_name(&b.key));
            names.then_with(|| order(a).cmp(&order(b)))
        });
        self.listed
            .dedup_by(|later, kept| file_name(&later.key) == file_name(&kept.key));
        self.findings.gaps = self.covered.gaps();
    }

    /// The digests that are verified and no backfill: each with its name, account, Region and
    /// period.
    pub fn delivered(&self) -> impl Iterator<Item = (&str, &str, &str, (i64, i64))> {
        self.delivered.iter().map(|&number| {
            let FoundDigest { name, digest, .. } = &self.digests[number];
            let (region, _, _) = digest.chain();
            (
                name.as_str(),
                digest.aws_account_id.as_str(),
                region,
                digest.period,
            )
        })
    }

    /// The hash that a verified digest holds for the log object `name`.
    #[must_use]
    pub fn expected(&self, name: &str) -> Option<Sha256> {
        let listed = &self.listed[self.position(name)?];
        listed.hash.filter(|_| self.verified[listed.digest])
    }

    /// Whether a digest lists a log object of this name.
    #[must_use]
    pub fn lists(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Whether, of what was `asked` for by its key, a log object is listed and was not found so far.
    #[must_use]
    pub fn misses(&self, asked: impl Fn(&str) -> bool) -> bool {
        let mut listed = self.listed.iter();
        listed.any(|listed| !listed.found && asked(&listed.key))
    }

    fn position(&self, name: &str) -> Option<usize> {
        let name = file_name(name);
        let found = self
            .listed
            .binary_search_by(|listed| file_name(&listed.key).cmp(name));
        found.ok()
    }

    /// Holds a log object against the digests; digests themselves are left out. The order of the objects is of no matter, and
    /// one may be found first and read later.
    pub fn found(&mut self, name: &str, content: Content) {
        if is_digest_name(name) {
            return;
        }
        let Some(position) = self.position(name) else {
            if content != Content::NotRead || !self.unlisted.contains_key(name) {
                self.unlisted.insert(name.to_owned(), content);
            }
            return;
        };
        let listed = &mut self.listed[position];
        listed.found = true;
        listed.read |= content != Content::NotRead;
        let digest = listed.digest;
        let problem = match content {
            Content::NotRead => return,
            // Verified digests tell of all that was delivered at that time.
            Content::Hash(hash) if listed.hash == Some(hash) => {
                match !self.verified[digest] && self.covers(name) {
                    true => LogProblem::Unlisted,
                    false => return self.count(digest),
                }
            }
            Content::Hash(_) => LogProblem::Changed(self.digests[digest].name.clone()),
            Content::Unreadable => LogProblem::Unreadable,
        };
        self.findings.logs.push((name.to_owned(), problem));
    }

    /// Counts a log object with the hash that this digest holds for it.
    fn count(&mut self, digest: usize) {
        match self.verified[digest] {
            true => self.findings.logs_verified += 1,
            false => self.findings.logs_unproved += 1,
        }
    }

    /// What was found out, once all objects were found. Those that are not among what was `asked` for, by their keys, are not
    /// missed.
    #[must_use]
    pub fn finish(mut self, asked: impl Fn(&str) -> bool) -> Findings {
        let mut absent: BTreeMap<Sha256, Vec<(String, usize)>> = BTreeMap::new();
        for listed in std::mem::take(&mut self.listed) {
            self.findings.logs_not_read += u64::from(listed.found && !listed.read);
            if !listed.found {
                // No content has the hash of zeros.
                let originals = absent.entry(listed.hash.unwrap_or_default()).or_default();
                originals.push((listed.key, listed.digest));
            }
        }
        for (name, content) in std::mem::take(&mut self.unlisted) {
            let renamed = match content {
                Content::Hash(hash) => absent.remove(&hash),
                Content::Unreadable | Content::NotRead => None,
            };
            if let Some(originals) = renamed {
                for (_, digest) in originals {
                    self.count(digest);
                    self.findings.logs_renamed += u64::from(self.verified[digest]);
                }
                continue;
            }
            self.place(name);
        }
        for (name, digest) in absent.into_values().flatten() {
            if !asked(&name) {
                continue;
            }
            let problem = LogProblem::Missing(self.digests[digest].name.clone());
            self.findings.logs.push((name, problem));
        }
        self.findings.digests.sort();
        self.findings.digests_unsigned.sort();
        self.findings.logs.sort();
        self.findings
    }

    /// Tells whether a digest should have listed an object that none lists.
    fn place(&mut self, name: String) {
        let Some(delivery) = Delivery::of(&name) else {
            return self.findings.logs_unplaced += 1;
        };
        let place = (delivery.account.to_owned(), delivery.region.to_owned());
        if self.covers(&name) {
            self.findings.logs.push((name, LogProblem::Unlisted));
        } else {
            *self.findings.logs_outside.entry(place).or_default() += 1;
        }
    }

    /// Whether verified digests cover the time at which a log object was delivered, as its name tells it.
    fn covers(&self, name: &str) -> bool {
        Delivery::of(name).is_some_and(|delivery| {
            let period = (delivery.time - MARGIN, delivery.time + MARGIN);
            self.covered
                .covers(delivery.account, delivery.region, period)
        })
    }
}

/// Leaves one of the digests that were found twice.
fn drop_copies(digests: &mut Vec<FoundDigest>, findings: &mut Findings) {
    let mut known: BTreeMap<String, Sha256> = BTreeMap::new();
    digests.retain(|found| {
        let hash = found.digest.hash;
        match known.get(file_name(&found.name)) {
            None => {
                known.insert(file_name(&found.name).to_owned(), hash);
                true
            }
            Some(other) => {
                if *other != hash {
                    findings
                        .digests
                        .push((found.name.clone(), DigestProblem::Twice));
                }
                false
            }
        }
    });
}
