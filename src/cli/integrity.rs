//! `--verify-digests`: the digests among the inputs, and the keys that they are held against.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::input::Input;
use crate::cli::{tell, usage_error};
use crate::cloudtrail::digest::{Digest, content_hash, is_digest_name};
use crate::cloudtrail::integrity::{Checker, Content, FoundDigest, newest};
use crate::cloudtrail::public_keys::PublicKeys;
use crate::error::Result;
use crate::report::terminal;
use crate::source::files::{self, LogObject};
use crate::source::public_keys;

/// So many digests are fetched ahead.
const AHEAD: usize = 64;

/// The largest file with public keys that is read: an answer of `ListPublicKeys` has some 500 bytes a key.
const MAX_KEYS: u64 = 4 << 20;

/// Whether log objects are held against digests, and by which keys.
#[derive(Args, Clone, Debug)]
pub struct Integrity {
    /// Hold the log objects against CloudTrail's digests: what was changed, removed or added since their delivery is named,
    /// and makes the exit code 1.
    #[arg(long)]
    pub verify_digests: bool,

    /// The public keys of the digests' signatures: files in DER or PEM, or what `aws cloudtrail list-public-keys` prints.
    /// Without it CloudTrail is asked for them (`cloudtrail:ListPublicKeys`).
    #[arg(long, value_name = "DIR", requires = "verify_digests")]
    pub public_keys: Option<PathBuf>,
}

impl Integrity {
    /// Takes the digests out of `objects`, and reads and judges them; also gives what it took. `None` where that was not asked
    /// for.
    ///
    /// # Errors
    /// Where the public keys can not be read, or there is no way to AWS.
    pub fn checker(
        &self,
        objects: &mut Vec<LogObject>,
        input: &Input,
    ) -> Result<Option<(Checker, Vec<LogObject>)>> {
        if !self.verify_digests {
            return Ok(None);
        }
        let (digests, logs) = std::mem::take(objects)
            .into_iter()
            .partition(|object: &LogObject| is_digest_name(&object.name));
        *objects = logs;
        let (mut found, unreadable) = read(&digests);
        let keys = match &self.public_keys {
            Some(folder) => from_folder(folder, input)?,
            None => from_cloudtrail(&found, input)?,
        };
        // In S3 the newest digest of each chain has its signature too.
        for (number, name) in newest(&found) {
            let object = digests.iter().find(|object| object.name == name);
            let Some(object) = object.filter(|object| object.is_remote()) else {
                continue;
            };
            match object.digest_signature() {
                Ok(signature) => found[number].signature = Some(signature.unwrap_or_default()),
                Err(why) => warn(&format!("`{name}`"), &why),
            }
        }
        let mut checker = Checker::new(&keys, found, unreadable);
        // Some may be in the ledger, and are not read again.
        for object in objects.iter() {
            checker.found(&object.name, Content::NotRead);
        }
        Ok(Some((checker, digests)))
    }
}

/// Where log objects that digests list were not found, reads those in the ledger whose names no digest lists: they may be these,
/// under other names.
pub(super) fn find_renamed(checker: &mut Checker, known: &[LogObject], input: &Input) {
    if !checker.misses(asked_for(input)) {
        return;
    }
    for object in known {
        if !checker.lists(&object.name) {
            let hash = object.open().and_then(content_hash);
            let content = hash.map_or(Content::Unreadable, Content::Hash);
            checker.found(&object.name, content);
        }
    }
}

/// Tells of a log object's key whether it was to be among the inputs.
pub(super) fn asked_for(input: &Input) -> impl Fn(&str) -> bool {
    let scope = input.scope();
    move |key| scope.admits(key) && input.inputs.iter().any(|input| may_hold(input, key))
}

/// Whether an input may hold the object with this key: where both tell their place below `AWSLogs`, they must agree.
fn may_hold(input: &str, key: &str) -> bool {
    let input = format!("{}/", input.trim_end_matches('/'));
    match (place(&input), place(key)) {
        (Some(input), Some(key)) => key.starts_with(input) || input.strip_suffix('/') == Some(key),
        _ => true,
    }
}

/// What of a path lies below `AWSLogs`, with this.
fn place(path: &str) -> Option<&str> {
    path.rfind("AWSLogs/").map(|at| &path[at..])
}

/// Reads digests. Also those that can not be read, with why.
fn read(objects: &[LogObject]) -> (Vec<FoundDigest>, Vec<(String, String)>) {
    let (mut found, mut unreadable) = (Vec::new(), Vec::new());
    for (number, object) in objects.iter().enumerate() {
        if number.is_multiple_of(AHEAD) {
            let ahead = objects[number..].iter().take(2 * AHEAD);
            ahead.for_each(LogObject::announce);
        }
        let name = object.name.clone();
        let digest = object.open().map_err(Into::into).and_then(Digest::read);
        match digest {
            Ok(digest) => found.push(FoundDigest {
                name,
                digest,
                signature: None,
            }),
            Err(error) => unreadable.push((name, error.to_string())),
        }
    }
    (found, unreadable)
}

fn from_folder(folder: &Path, input: &Input) -> Result<PublicKeys> {
    let mut keys = PublicKeys::default();
    let mut some = false;
    for object in files::list(&[folder.display().to_string()], &input.scope())? {
        let mut content = Vec::new();
        let read = object
            .open()
            .and_then(|input| input.take(MAX_KEYS).read_to_end(&mut content));
        let added = match read {
            Ok(_) => keys
                .add(&object.name, &content)
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        some |= added.is_ok();
        if let Err(why) = added {
            warn(&format!("`{}`", object.name), &why);
        }
    }
    if !some {
        return usage_error(format!("`{}` holds no public key", folder.display()));
    }
    Ok(keys)
}

/// The keys of the Regions of digests, and of the home Regions of their trails.
fn from_cloudtrail(digests: &[FoundDigest], input: &Input) -> Result<PublicKeys> {
    let mut keys = PublicKeys::default();
    let mut regions = BTreeSet::new();
    for found in digests {
        let (region, trail, _) = found.digest.chain();
        regions.insert(region.to_owned());
        regions.extend(trail.rsplit('_').next().map(str::to_owned));
    }
    let starts = digests.iter().map(|found| found.digest.period.0);
    let ends = digests.iter().map(|found| found.digest.period.1);
    let (Some(from), Some(to)) = (starts.min(), ends.max()) else {
        return Ok(keys);
    };
    let (listed, refused) = public_keys::list(&input.scope().aws, &regions, (from, to))?;
    for key in listed {
        if let Err(why) = keys.add_listed(key.fingerprint, &key.value) {
            warn("a public key of CloudTrail's", &why);
        }
    }
    for (region, why) in refused {
        warn(&format!("no public keys of {region}"), &why);
        tell("help: allow `cloudtrail:ListPublicKeys`, or give --public-keys DIR\n");
    }
    Ok(keys)
}

fn warn(what: &str, why: &dyn Display) {
    let why = why.to_string();
    let (what, why) = (terminal::safe(what), terminal::safe(&why));
    tell(&format!("warning: {what}: {why}\n"));
}

#[cfg(test)]
mod tests {
    use super::may_hold;

    #[test]
    fn only_what_lies_below_an_input_is_missed() {
        let key = "trail/AWSLogs/1/CloudTrail/eu-west-1/2026/09/01/1_CloudTrail_x.json.gz";
        for (input, expected) in [
            ("s3://b", true),
            ("s3://b/trail/AWSLogs", true),
            ("logs/AWSLogs/1/CloudTrail/eu-west-1/", true),
            (
                "logs/AWSLogs/1/CloudTrail/eu-west-1/2026/09/01/1_CloudTrail_x.json.gz",
                true,
            ),
            ("s3://b/trail/AWSLogs/1/CloudTrail/eu-west-10", false),
            (
                "s3://b/trail/AWSLogs/1/CloudTrail/eu-west-1/2026/09/02",
                false,
            ),
            ("s3://b/trail/AWSLogs/1/CloudTrail-Digest", false),
            ("folder", true),
        ] {
            assert_eq!(may_hold(input, key), expected, "{input}");
        }
    }
}
