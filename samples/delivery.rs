//! From records to files, in the layout and under the names that CloudTrail uses.

use std::collections::BTreeMap;
use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use crate::account::{Account, Counts, Usage};
use crate::call::REGION;
use crate::caller::{MAIN, Principal};
use crate::moment::Moment;
use crate::rng::Rng;

/// Every file of the samples: its path below `samples/` and its content before compression.
pub(crate) fn files(account: &mut Account) -> BTreeMap<String, Vec<u8>> {
    let mut groups: BTreeMap<(String, Moment), Vec<Value>> = BTreeMap::new();
    for entry in &account.entries {
        let folder = format!("{}/{}/{}", entry.account, entry.folder, entry.region);
        groups
            .entry((folder, entry.delivered))
            .or_default()
            .push(entry.record.clone());
    }
    let mut files = BTreeMap::new();
    for ((folder, delivered), mut records) in groups {
        shuffle(&mut records, &mut account.rng);
        let unique = account.rng.text(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            16,
        );
        let name = format!(
            "{}_{}_{unique}.json.gz",
            folder.replace('/', "_"),
            delivered.compact()
        );
        let path = format!("AWSLogs/{folder}/{}/{name}", delivered.path());
        files.insert(path, json!({ "Records": records }).to_string().into_bytes());
    }
    let (path, digest) = digest();
    files.insert(path, digest.to_string().into_bytes());
    files.insert("needs.json".to_owned(), needs(account).into_bytes());
    files
}

/// CloudTrail does not sort the records of a file.
fn shuffle(records: &mut [Value], rng: &mut Rng) {
    for last in (1..records.len()).rev() {
        let other = rng.below(last as u64 + 1) as usize;
        records.swap(last, other);
    }
}

/// The first digest of a trail whose log file validation was just switched on: an hour without log files, and nothing
/// before it, so it holds no hash that would have to be true.
fn digest() -> (String, Value) {
    let from = Moment::new(30, 22, 0);
    let to = Moment::new(30, 23, 0);
    let path = format!(
        "AWSLogs/{MAIN}/CloudTrail-Digest/{REGION}/{}/{MAIN}_CloudTrail-Digest_{REGION}_management-events_{REGION}_{}.json.gz",
        to.path(),
        to.compact(),
    );
    let digest = json!({
        "awsAccountId": MAIN,
        "digestStartTime": from.to_string(),
        "digestEndTime": to.to_string(),
        "digestS3Bucket": "example-trail-logs",
        "digestS3Object": path,
        "digestPublicKeyFingerprint": "00000000000000000000000000000000",
        "digestSignatureAlgorithm": "SHA256withRSA",
        "newestEventTime": null,
        "oldestEventTime": null,
        "previousDigestS3Bucket": null,
        "previousDigestS3Object": null,
        "previousDigestHashValue": null,
        "previousDigestHashAlgorithm": null,
        "previousDigestSignature": null,
        "logFiles": [],
    });
    (path, digest)
}

/// The answer key, one need a line so that a change of the workload reads well as a diff.
fn needs(account: &Account) -> String {
    let mut out = String::from("{\n\"counts\": ");
    out.push_str(&counts(account.counts()).to_string());
    out.push_str(",\n\"unattributed\": ");
    out.push_str(&counts(account.unattributed).to_string());
    out.push_str(",\n\"principals\": [\n");
    let principals: Vec<String> = account
        .principals
        .iter()
        .map(|(who, what)| principal(who, what))
        .collect();
    out.push_str(&principals.join(",\n"));
    out.push_str("\n]\n}\n");
    out
}

fn principal(who: &Principal, usage: &Usage) -> String {
    let passed: Vec<Value> = usage
        .passed
        .iter()
        .map(|(role, service)| json!({"role": role, "service": service}))
        .collect();
    let needs: Vec<String> = usage
        .needs
        .iter()
        .map(|(action, resources)| json!({ "action": action, "resources": resources }).to_string())
        .collect();
    format!(
        "{{\n\"principal\": {},\n\"type\": {},\n\"account\": {},\n\"counts\": {},\n\"denied\": {},\n\"passed\": {},\n\"needs\": [\n{}\n]\n}}",
        json!(who.arn),
        json!(who.kind),
        json!(who.account),
        counts(usage.counts),
        json!(usage.denied),
        json!(passed),
        needs.join(",\n"),
    )
}

fn counts(counts: Counts) -> Value {
    json!({
        "records": counts.records(),
        "used": counts.used,
        "denied": counts.denied,
        "inconclusive": counts.inconclusive,
        "ignored": counts.ignored,
        "duplicate": counts.duplicate,
        "shared": counts.shared,
    })
}

/// `content` as a gzip file without a time or a name in its header.
pub(crate) fn compress(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut writer = GzBuilder::new().write(Vec::new(), Compression::best());
    writer.write_all(content)?;
    writer.finish()
}
