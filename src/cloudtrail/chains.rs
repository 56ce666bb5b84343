//! The chains of digests: each holds the hash and the signature of the one before it.

use std::collections::BTreeMap;

use crate::cloudtrail::digest::{Digest, file_name};
use crate::cloudtrail::integrity::{DigestProblem, Findings, FoundDigest};
use crate::cloudtrail::public_keys::PublicKeys;

/// What is to be held of a digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is CloudTrail's.
    Verified,
    /// Its signature is not at hand.
    Unsigned,
    /// It is not, or that can not be told.
    Wrong(DigestProblem),
}

/// Which digest follows which.
pub(super) struct Chains {
    /// For each digest those that name it as the one before them.
    next: Vec<Vec<usize>>,
    /// The names of digests that are named and were not found, each with a digest that names it.
    absent: BTreeMap<String, usize>,
}

impl Chains {
    /// `digests` are sorted, the newest first.
    pub(super) fn of(digests: &[FoundDigest]) -> Self {
        let named = digests.iter().enumerate();
        let numbers: BTreeMap<&str, usize> = named
            .map(|(number, found)| (file_name(&found.name), number))
            .collect();
        let (mut next, mut absent) = (vec![Vec::new(); digests.len()], BTreeMap::new());
        for (number, found) in digests.iter().enumerate() {
            let Some(previous) = &found.digest.previous_digest_s3_object else {
                continue;
            };
            match numbers.get(file_name(previous)) {
                // Else a digest could vouch for itself.
                Some(&previous) if previous > number => next[previous].push(number),
                Some(_) => {}
                None => {
                    absent.insert(previous.clone(), number);
                }
            }
        }
        Self { next, absent }
    }

    /// A verdict for each digest.
    pub(super) fn judge(&self, keys: &PublicKeys, digests: &[FoundDigest]) -> Vec<Verdict> {
        let mut verdicts: Vec<Verdict> = Vec::with_capacity(digests.len());
        for (number, found) in digests.iter().enumerate() {
            let next = &self.next[number];
            let verdict = judge(keys, digests, found, next, &verdicts);
            // Where both are signed neither can be wrong; a later one without a signature can.
            for &later in next {
                let says = digests[later].digest.previous_hash() == Some(found.digest.hash);
                if verdict == Verdict::Verified && !says && verdicts[later] != Verdict::Verified {
                    let name = found.name.clone();
                    verdicts[later] = Verdict::Wrong(DigestProblem::Contradicts(name));
                }
            }
            verdicts.push(verdict);
        }
        verdicts
    }

    /// Tells of digests that are named, absent and not merely older than all that was found of their chain.
    pub(super) fn tell_missing(&self, digests: &[FoundDigest], findings: &mut Findings) {
        let mut oldest: BTreeMap<_, i64> = BTreeMap::new();
        for found in digests {
            // The newest come first: the last one is the oldest.
            oldest.insert(chain(&found.digest), found.digest.period.0);
        }
        let unreadable: Vec<String> = findings
            .digests
            .iter()
            .map(|(name, _)| name.clone())
            .collect();
        for (name, &next) in &self.absent {
            let found = &digests[next];
            let is_there = unreadable
                .iter()
                .any(|other| file_name(other) == file_name(name));
            if !is_there && oldest.get(&chain(&found.digest)) < Some(&found.digest.period.0) {
                let problem = DigestProblem::Missing(found.name.clone());
                findings.digests.push((name.clone(), problem));
            }
        }
    }
}

fn chain(digest: &Digest) -> (&str, (&str, &str, bool)) {
    (&digest.aws_account_id, digest.chain())
}

/// The verdict on the digest `found`, with those on the later ones, of which `next` name it as the one before them.
fn judge(
    keys: &PublicKeys,
    digests: &[FoundDigest],
    found: &FoundDigest,
    next: &[usize],
    verdicts: &[Verdict],
) -> Verdict {
    let digest = &found.digest;
    if file_name(&found.name) != file_name(&digest.digest_s3_object) {
        return Verdict::Wrong(DigestProblem::Renamed(digest.digest_s3_object.clone()));
    }
    let names_it = |later: &&usize| digests[**later].digest.previous_hash() == Some(digest.hash);
    let verified = |later: &&usize| verdicts[**later] == Verdict::Verified;
    if next.iter().filter(verified).any(|later| names_it(&later)) {
        return Verdict::Verified;
    }
    let told = next.iter().filter_map(|&later| {
        let signature = &digests[later].digest.previous_digest_signature;
        signature.as_deref()
    });
    let own = found.signature.as_deref();
    let signatures = own.into_iter().chain(told).filter(|text| !text.is_empty());
    let signatures: Vec<&str> = signatures.collect();
    let known = digest.is_signed_as_known();
    let fits = known.then(|| keys.check(digest, &signatures)).flatten();
    if fits == Some(true) {
        return Verdict::Verified;
    }
    if let Some(&later) = next.iter().find(|later| !names_it(later)) {
        return Verdict::Wrong(DigestProblem::Changed(digests[later].name.clone()));
    }
    if !known {
        let algorithm = digest.digest_signature_algorithm.clone();
        return Verdict::Wrong(DigestProblem::Algorithm(algorithm));
    }
    if signatures.is_empty() {
        return match own {
            Some(_) => Verdict::Wrong(DigestProblem::NoSignature),
            None => Verdict::Unsigned,
        };
    }
    match fits {
        Some(_) => Verdict::Wrong(DigestProblem::Signature),
        None => {
            let fingerprint = digest.digest_public_key_fingerprint.clone();
            Verdict::Wrong(DigestProblem::NoKey(fingerprint))
        }
    }
}
