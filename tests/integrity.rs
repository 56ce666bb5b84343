//! Log objects held against digests: a trail of several hours in two Regions, and every kind of damage.
//!
//! The two keys in `tests/integrity` were made by `openssl genpkey` for these tests and sign nothing else.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::LazyLock;

use base64::prelude::{BASE64_STANDARD, Engine};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;
use ring::rand::SystemRandom;
use ring::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use serde_json::{Value, json};
use trailfit::cloudtrail::digest::{self, Digest, content_hash};
use trailfit::cloudtrail::digested::Gap;
use trailfit::cloudtrail::integrity::{Checker, Content, Findings, FoundDigest};
use trailfit::cloudtrail::public_keys::PublicKeys;
use trailfit::report;

use crate::lookup;
use crate::program::Run;
use crate::s3_server;

const TRAIL: &[u8] = include_bytes!("integrity/trail.pk8");
const OTHER: &[u8] = include_bytes!("integrity/other.pk8");

const FINGERPRINT: &str = "31e8b5433410dfb61a9dc45cc65b22ff";
const ACCOUNT: &str = "111122223333";
const REGIONS: [&str; 2] = ["eu-west-1", "us-east-1"];

/// The objects of a bucket, with the signatures in their metadata.
#[derive(Clone, Default)]
struct Bucket {
    objects: BTreeMap<String, Vec<u8>>,
    signatures: BTreeMap<String, String>,
}

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn key(pkcs8: &[u8]) -> RsaKeyPair {
    RsaKeyPair::from_pkcs8(pkcs8).unwrap()
}

fn public(pkcs8: &[u8]) -> Vec<u8> {
    key(pkcs8).public_key().as_ref().to_vec()
}

/// The key of the digest that ends at `hour`:30.
fn digest_key(region: &str, hour: u32) -> String {
    format!(
        "AWSLogs/{ACCOUNT}/CloudTrail-Digest/{region}/2026/09/01/{ACCOUNT}_CloudTrail-Digest_{region}_main_eu-west-1_20260901T{hour:02}3000Z.json.gz"
    )
}

/// The key of a log object delivered at `hour`:`minute`.
fn log_key(region: &str, hour: u32, minute: u32, unique: &str) -> String {
    format!(
        "AWSLogs/{ACCOUNT}/CloudTrail/{region}/2026/09/01/{ACCOUNT}_CloudTrail_{region}_20260901T{hour:02}{minute:02}Z_{unique}.json.gz"
    )
}

fn log(unique: &str) -> Vec<u8> {
    let record = json!({
        "eventVersion": "1.11",
        "userIdentity": {"type": "IAMUser", "arn": format!("arn:aws:iam::{ACCOUNT}:user/ann"), "accountId": ACCOUNT, "userName": "ann"},
        "eventTime": "2026-09-01T02:00:00Z",
        "eventSource": "s3.amazonaws.com",
        "eventName": "ListAllMyBuckets",
        "awsRegion": "eu-west-1",
        "eventID": unique,
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT
    });
    json!({"Records": [record]}).to_string().into_bytes()
}

impl Bucket {
    /// What CloudTrail delivers to it from 01:30 to 06:30: a digest an hour in each Region, of two log objects each but in the
    /// fourth hour, which lists none.
    fn delivered() -> Self {
        let mut bucket = Self::default();
        for region in REGIONS {
            for hour in 1..6 {
                let mut logs = Vec::new();
                for unique in ["aaaa", "bbbb"].iter().filter(|_| hour != 4) {
                    let unique = format!("{unique}{hour}{region}");
                    let key = log_key(region, hour, 45, &unique);
                    bucket.objects.insert(key.clone(), gzip(&log(&unique)));
                    logs.push(key);
                }
                bucket.add_digest(region, hour + 1, &logs, (hour > 1).then_some(hour));
            }
        }
        bucket
    }

    /// Adds the digest that ends at `hour`:30, after the one of the hour `previous`.
    fn add_digest(&mut self, region: &str, hour: u32, logs: &[String], previous: Option<u32>) {
        let logs: Vec<Value> = logs
            .iter()
            .map(|key| {
                let hash = content_hash(&*self.objects[key]).unwrap();
                json!({
                    "s3Bucket": "logs", "s3Object": key, "hashValue": hex(&hash), "hashAlgorithm": "SHA-256",
                    "newestEventTime": "2026-09-01T02:00:00Z", "oldestEventTime": "2026-09-01T02:00:00Z"
                })
            })
            .collect();
        let previous = previous.map(|hour| digest_key(region, hour));
        let hash = previous
            .as_ref()
            .map(|key| hex(&content_hash(&*self.objects[key]).unwrap()));
        let content = json!({
            "awsAccountId": ACCOUNT,
            "digestStartTime": format!("2026-09-01T{:02}:30:00Z", hour - 1),
            "digestEndTime": format!("2026-09-01T{hour:02}:30:00Z"),
            "digestS3Bucket": "logs",
            "digestS3Object": digest_key(region, hour),
            "digestPublicKeyFingerprint": FINGERPRINT,
            "digestSignatureAlgorithm": "SHA256withRSA",
            "newestEventTime": null,
            "oldestEventTime": null,
            "previousDigestS3Bucket": previous.as_ref().map(|_| "logs"),
            "previousDigestS3Object": previous,
            "previousDigestHashValue": hash,
            "previousDigestHashAlgorithm": previous.as_ref().map(|_| "SHA-256"),
            "previousDigestSignature": previous.as_ref().map(|key| &self.signatures[key]),
            "logFiles": logs,
        });
        self.put_digest(&digest_key(region, hour), &content, TRAIL);
    }

    /// Puts a digest, signed as the User Guide says.
    fn put_digest(&mut self, name: &str, content: &Value, signer: &[u8]) {
        let bytes = content.to_string();
        let text = |field: &str| content[field].as_str().unwrap_or("null").to_owned();
        let signed = format!(
            "{}\n{}/{}\n{}\n{}",
            text("digestEndTime"),
            text("digestS3Bucket"),
            text("digestS3Object"),
            hex(&digest::sha256(bytes.as_bytes())),
            text("previousDigestSignature"),
        );
        let signer = key(signer);
        let mut signature = vec![0; signer.public().modulus_len()];
        let random = SystemRandom::new();
        signer
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .unwrap();
        self.objects.insert(name.to_owned(), gzip(bytes.as_bytes()));
        self.signatures.insert(name.to_owned(), hex(&signature));
    }

    /// Changes a digest; its signature stays.
    fn change_digest(&mut self, name: &str, change: impl FnOnce(&mut Value)) -> Value {
        let mut bytes = Vec::new();
        let object = &self.objects[name][..];
        std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(object), &mut bytes).unwrap();
        let mut content: Value = serde_json::from_slice(&bytes).unwrap();
        change(&mut content);
        self.objects
            .insert(name.to_owned(), gzip(content.to_string().as_bytes()));
        content
    }

    /// What is found out with these keys, with the metadata of the bucket or without, as in a copy in a folder.
    fn check(&self, keys: &PublicKeys, metadata: bool) -> Findings {
        let (mut digests, mut unreadable) = (Vec::new(), Vec::new());
        for (name, stored) in &self.objects {
            match Digest::read(&**stored) {
                _ if !digest::is_digest_name(name) => {}
                Ok(digest) => digests.push(FoundDigest {
                    name: name.clone(),
                    digest,
                    signature: self.signatures.get(name).filter(|_| metadata).cloned(),
                }),
                Err(error) => unreadable.push((name.clone(), error.to_string())),
            }
        }
        let mut checker = Checker::new(keys, digests, unreadable);
        for (name, stored) in self.objects.iter().rev() {
            let content = content_hash(&**stored).map_or(Content::Unreadable, Content::Hash);
            checker.found(name, content);
        }
        checker.finish(|_| true)
    }

    /// As [`Self::check`], with the trail's key and the metadata; each thing wrong in a line, with names cut to the end that
    /// tells.
    fn wrong(&self) -> Vec<String> {
        said(&self.check(&keys(), true))
    }
}

fn keys() -> PublicKeys {
    let mut keys = PublicKeys::default();
    keys.add(&format!("{FINGERPRINT}.der"), &public(TRAIL))
        .unwrap();
    keys
}

fn said(findings: &Findings) -> Vec<String> {
    let digests = findings
        .digests
        .iter()
        .map(|(name, problem)| format!("{name}: {problem}"));
    let logs = findings
        .logs
        .iter()
        .map(|(name, problem)| format!("{name}: {problem}"));
    digests.chain(logs).map(|line| short(&line)).collect()
}

/// `line` with `digest eu-west-1 03` and `log eu-west-1 02:45 aaaa` for the keys.
fn short(line: &str) -> String {
    let mut line = line.to_owned();
    for region in REGIONS {
        for hour in 0..12 {
            line = line.replace(
                &digest_key(region, hour),
                &format!("digest {region} {hour:02}"),
            );
            for unique in ["aaaa", "bbbb"] {
                let key = log_key(region, hour, 45, &format!("{unique}{hour}{region}"));
                line = line.replace(&key, &format!("log {region} {hour:02}:45 {unique}"));
            }
        }
    }
    line
}

#[test]
fn an_untouched_trail_is_verified_as_a_whole() {
    let bucket = Bucket::delivered();
    let findings = bucket.check(&keys(), true);
    let expected = Findings {
        digests_verified: 10,
        logs_verified: 16,
        ..Findings::default()
    };
    assert_eq!(findings, expected);
    assert!(findings.is_sound());
}

#[test]
fn in_a_folder_the_newest_digest_can_not_be_checked() {
    let findings = Bucket::delivered().check(&keys(), false);
    let newest = REGIONS.map(|region| digest_key(region, 6));
    let expected = Findings {
        digests_verified: 8,
        digests_unsigned: newest.to_vec(),
        logs_verified: 12,
        logs_unproved: 4,
        ..Findings::default()
    };
    assert_eq!(findings, expected);
    assert!(findings.is_sound());
}

#[test]
fn a_changed_log_object_is_named() {
    let mut bucket = Bucket::delivered();
    let name = log_key("eu-west-1", 2, 45, "aaaa2eu-west-1");
    bucket.objects.insert(name, gzip(&log("another")));
    assert_eq!(
        bucket.wrong(),
        [
            "log eu-west-1 02:45 aaaa: changed: its content has not the hash in the digest `digest eu-west-1 03`"
        ]
    );
}

#[test]
fn compressing_again_changes_nothing_and_appending_does() {
    let mut bucket = Bucket::delivered();
    let name = log_key("eu-west-1", 2, 45, "aaaa2eu-west-1");
    let mut again = GzEncoder::new(Vec::new(), Compression::best());
    again.write_all(&log("aaaa2eu-west-1")).unwrap();
    let again = again.finish().unwrap();
    bucket.objects.insert(name.clone(), again.clone());
    assert!(bucket.wrong().is_empty());
    bucket.objects.insert(name, [again, gzip(b"{}")].concat());
    assert_eq!(bucket.wrong().len(), 1);
}

#[test]
fn a_removed_log_object_is_named() {
    let mut bucket = Bucket::delivered();
    let name = log_key("us-east-1", 3, 45, "bbbb3us-east-1");
    bucket.objects.remove(&name).unwrap();
    assert_eq!(
        bucket.wrong(),
        ["log us-east-1 03:45 bbbb: missing: the digest `digest us-east-1 04` lists it"]
    );
}

#[test]
fn a_log_object_cut_off_is_named() {
    let mut bucket = Bucket::delivered();
    let name = log_key("us-east-1", 3, 45, "bbbb3us-east-1");
    bucket.objects.get_mut(&name).unwrap().truncate(100);
    assert_eq!(
        bucket.wrong(),
        ["log us-east-1 03:45 bbbb: not checked: it cannot be read to its end"]
    );
}

#[test]
fn a_back_dated_log_object_is_named_where_digests_cover_its_time() {
    let mut bucket = Bucket::delivered();
    let mut add = |region, hour, minute| {
        let name = log_key(region, hour, minute, "forged");
        bucket.objects.insert(name.clone(), gzip(&log("forged")));
        name
    };
    let forged = add("eu-west-1", 4, 0);
    add("eu-west-1", 6, 29); // at the end of what the digests cover
    add("eu-west-1", 9, 0);
    add("eu-north-1", 4, 0);
    bucket
        .objects
        .insert("export.json".into(), gzip(&log("export")));
    let findings = bucket.check(&keys(), true);
    assert_eq!(
        said(&findings),
        [format!(
            "{forged}: listed by no verified digest, though verified digests cover the time of its delivery: added later, or by a trail without log file validation"
        )]
    );
    let outside = findings.logs_outside.into_iter();
    let outside: Vec<_> = outside
        .map(|((_, region), count)| (region, count))
        .collect();
    assert_eq!(outside, [("eu-north-1".into(), 1), ("eu-west-1".into(), 2)]);
    assert_eq!(findings.logs_unplaced, 1);
}

#[test]
fn what_was_wrong_is_told_by_every_run() {
    let mut bucket = Bucket::delivered();
    let name = log_key("eu-west-1", 2, 45, "aaaa2eu-west-1");
    bucket.objects.insert(name.clone(), gzip(&log("other")));
    let said = folder(&bucket, Run::new())
        .args(INGEST)
        .args(["--public-keys", "keys"])
        .code(1);
    let changed = |stderr: &str| {
        let lines = stderr.lines().filter(|line| line.contains(&name));
        lines.filter(|line| line.contains("changed")).count()
    };
    assert_eq!(changed(&said.stderr), 1, "{}", said.stderr);
    let path = |name: &str| said.folder.path().join(name).display().to_string();
    let (logs, ledger, keys) = (path("in"), path("ledger.db"), path("keys"));
    for _ in 0..2 {
        let again = Run::new()
            .args(["ingest", &logs, "--ledger", &ledger])
            .args(["--verify-digests", "--public-keys", &keys])
            .code(1);
        assert_eq!(changed(&again.stderr), 1, "{}", again.stderr);
    }
    // Its events were read once.
    let principals = Run::new().args(["principals", &ledger, "--format", "json"]);
    assert_eq!(principals.code(0).json()[0]["events"], 16);
}

#[test]
fn a_log_object_under_another_name_is_known_by_its_content() {
    let mut bucket = Bucket::delivered();
    let name = log_key("eu-west-1", 2, 45, "aaaa2eu-west-1");
    let object = bucket.objects.remove(&name).unwrap();
    bucket.objects.insert("renamed.json.gz".into(), object);
    let findings = bucket.check(&keys(), true);
    assert_eq!((findings.logs_verified, findings.logs_renamed), (16, 1));
    assert!(findings.is_sound());
    // Unpacked, and all in one folder, they keep the names that tell them.
    let flat = bucket.objects.iter().map(|(name, stored)| {
        let name = name.rsplit('/').next().unwrap();
        (format!("flat/{name}"), stored.clone())
    });
    let flat = Bucket {
        objects: flat.collect(),
        ..Bucket::default()
    };
    let flat = flat.check(&keys(), false);
    assert_eq!((flat.logs_verified, flat.logs_unproved), (12, 4));
}

#[test]
fn a_removed_digest_is_named_with_the_time_without_one() {
    let mut bucket = Bucket::delivered();
    bucket.objects.remove(&digest_key("eu-west-1", 4)).unwrap();
    let findings = bucket.check(&keys(), true);
    assert_eq!(
        said(&findings),
        ["digest eu-west-1 04: missing: the next digest names it, `digest eu-west-1 05`"]
    );
    let gap = Gap {
        account: ACCOUNT.into(),
        region: "eu-west-1".into(),
        from: 1_788_233_400,
        to: 1_788_237_000,
    };
    assert_eq!(findings.gaps, [gap]);
    let place = (ACCOUNT.to_owned(), "eu-west-1".to_owned());
    assert_eq!(findings.logs_outside, BTreeMap::from([(place, 2)]));
    let text = report::integrity::text(&findings);
    assert!(text.ends_with("note: no verified digest for 111122223333 eu-west-1 from 2026-09-01T03:30:00Z to 2026-09-01T04:30:00Z (1 hour)\n"), "{text}");

    // The first of a chain names one before it that was not given, which is no damage; the newest leaves a gap only.
    let mut bucket = Bucket::delivered();
    bucket.objects.remove(&digest_key("eu-west-1", 2)).unwrap();
    bucket.objects.remove(&digest_key("us-east-1", 6)).unwrap();
    let findings = bucket.check(&keys(), true);
    assert!(findings.is_sound(), "{:?}", said(&findings));
    let gaps = findings.gaps.iter().map(|gap| &*gap.region);
    assert_eq!(gaps.collect::<Vec<_>>(), ["eu-west-1", "us-east-1"]);
}

#[test]
fn a_changed_digest_is_named_with_and_without_its_signature() {
    let mut bucket = Bucket::delivered();
    let unlist = |content: &mut Value| {
        content["logFiles"].as_array_mut().unwrap().pop();
    };
    bucket.change_digest(&digest_key("eu-west-1", 4), unlist);
    let changed = "digest eu-west-1 04: changed: it has not the hash and the signature that the next digest holds for it, `digest eu-west-1 05`";
    assert_eq!(bucket.wrong(), [changed]);
    let in_folder = bucket.check(&keys(), false);
    assert_eq!(said(&in_folder)[0], changed);
    // What the digest says is not taken for proved, and its hour not for covered.
    assert_eq!(in_folder.logs_unproved, 1 + 4);
    assert_eq!(in_folder.gaps.len(), 1);

    let mut bucket = Bucket::delivered();
    bucket.change_digest(&digest_key("eu-west-1", 6), unlist);
    assert_eq!(
        bucket.wrong(),
        [
            "digest eu-west-1 06: its signature does not fit: it was changed, or signed with another key"
        ]
    );
}

#[test]
fn a_digest_signed_by_another_key_is_named() {
    let mut bucket = Bucket::delivered();
    let name = digest_key("eu-west-1", 4);
    let content = bucket.change_digest(&name, |content| content["logFiles"] = json!([]));
    bucket.put_digest(&name, &content, OTHER);
    assert_eq!(
        bucket.wrong(),
        [
            "digest eu-west-1 04: changed: it has not the hash and the signature that the next digest holds for it, `digest eu-west-1 05`"
        ]
    );
    // The newest, under the name of the trail's key and of another.
    let mut bucket = Bucket::delivered();
    let name = digest_key("eu-west-1", 6);
    let content = bucket.change_digest(&name, |content| content["logFiles"] = json!([]));
    bucket.put_digest(&name, &content, OTHER);
    assert_eq!(
        bucket.wrong(),
        [
            "digest eu-west-1 06: its signature does not fit: it was changed, or signed with another key"
        ]
    );
    let content = bucket.change_digest(&name, |content| {
        content["digestPublicKeyFingerprint"] = "0000".into();
    });
    bucket.put_digest(&name, &content, OTHER);
    assert_eq!(
        bucket.wrong(),
        ["digest eu-west-1 06: not checked: no public key with the fingerprint `0000`"]
    );
}

#[test]
fn a_wrong_or_absent_key_verifies_nothing() {
    let bucket = Bucket::delivered();
    let mut wrong = PublicKeys::default();
    wrong.add(FINGERPRINT, &public(OTHER)).unwrap();
    for (keys, why) in [
        (
            wrong,
            "its signature does not fit: it was changed, or signed with another key",
        ),
        (
            PublicKeys::default(),
            "not checked: no public key with the fingerprint `31e8b5433410dfb61a9dc45cc65b22ff`",
        ),
    ] {
        for metadata in [true, false] {
            let findings = bucket.check(&keys, metadata);
            let newest = if metadata { 0 } else { 2 };
            assert_eq!(findings.digests.len(), 10 - newest);
            assert!(said(&findings).iter().all(|line| line.ends_with(why)));
            assert_eq!((findings.digests_verified, findings.logs_verified), (0, 0));
            assert_eq!(findings.logs_unproved, 16);
            assert!(!findings.is_sound());
        }
    }
}

#[test]
fn a_chain_that_is_cut_is_named() {
    let mut bucket = Bucket::delivered();
    let name = digest_key("eu-west-1", 5);
    let start = |content: &mut Value| {
        for (field, value) in content.as_object_mut().unwrap() {
            if field.starts_with("previous") {
                *value = Value::Null;
            }
        }
    };
    bucket.change_digest(&name, start);
    assert_eq!(
        bucket.wrong(),
        [
            "digest eu-west-1 05: changed: it has not the hash and the signature that the next digest holds for it, `digest eu-west-1 06`"
        ]
    );
    // The newest digest of a folder, which nothing vouches for, holds another hash for the one before it.
    let mut bucket = Bucket::delivered();
    bucket.change_digest(&digest_key("eu-west-1", 6), |content| {
        content["previousDigestHashValue"] = "00".repeat(32).into();
    });
    assert_eq!(
        said(&bucket.check(&keys(), false)),
        [
            "digest eu-west-1 06: changed: it holds another hash for the previous digest, `digest eu-west-1 05`, which is verified"
        ]
    );
}

#[test]
fn a_digest_in_anothers_place_or_twice_is_named() {
    let mut bucket = Bucket::delivered();
    let (four, five) = (digest_key("eu-west-1", 4), digest_key("eu-west-1", 5));
    bucket
        .objects
        .insert(five.clone(), bucket.objects[&four].clone());
    assert!(
        bucket
            .wrong()
            .contains(&"digest eu-west-1 05: it says that it is `digest eu-west-1 04`".to_owned())
    );

    let mut bucket = Bucket::delivered();
    let copy = format!("copy/{four}");
    bucket
        .objects
        .insert(copy.clone(), bucket.objects[&four].clone());
    assert!(bucket.wrong().is_empty());
    bucket.change_digest(&copy, |content| content["logFiles"] = json!([]));
    assert!(
        bucket
            .wrong()
            .concat()
            .contains("another file of this name has another content")
    );
}

#[test]
fn a_validation_that_was_off_for_a_while_leaves_a_gap_and_nothing_wrong() {
    let mut bucket = Bucket::delivered();
    bucket.add_digest("eu-west-1", 9, &[], None);
    let findings = bucket.check(&keys(), true);
    assert!(findings.is_sound(), "{:?}", said(&findings));
    let gaps: Vec<_> = findings
        .gaps
        .iter()
        .map(|gap| (&*gap.region, (gap.to - gap.from) / 3600))
        .collect();
    assert_eq!(gaps, [("eu-west-1", 2), ("us-east-1", 3)]);
}

#[test]
fn public_keys_in_every_form() {
    let bucket = Bucket::delivered();
    let der = public(TRAIL);
    let base64 = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    let wrapped = |text: String| {
        text.as_bytes()
            .chunks(64)
            .map(|line| format!("{}\n", std::str::from_utf8(line).unwrap()))
            .collect::<String>()
    };
    let length = |bytes: &[u8]| [&[0x82][..], &(bytes.len() as u16).to_be_bytes(), bytes].concat();
    let bits = [&[3][..], &length(&[&[0][..], &der].concat())].concat();
    let algorithm = [
        0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0,
    ];
    let spki = [&[0x30][..], &length(&[&algorithm[..], &bits].concat())].concat();
    let listed = json!({"PublicKeyList": [
        {"Value": base64(&public(OTHER)), "Fingerprint": "0000", "ValidityStartTime": "2026-08-01T00:00:00Z"},
        {"Value": base64(&der), "Fingerprint": FINGERPRINT}
    ]});
    let forms: [(&str, Vec<u8>); 6] = [
        ("key.der", der.clone()),
        ("key.der", spki.clone()),
        ("31e8b5433410dfb61a9dc45cc65b22ff.der", spki.clone()),
        (
            "key.pem",
            format!(
                "-----BEGIN RSA PUBLIC KEY-----\n{}-----END RSA PUBLIC KEY-----\n",
                wrapped(base64(&der))
            )
            .into(),
        ),
        (
            "key.pem",
            format!(
                "-----BEGIN PUBLIC KEY-----\r\n{}-----END PUBLIC KEY-----\n",
                wrapped(base64(&spki))
            )
            .into(),
        ),
        ("keys.json", listed.to_string().into()),
    ];
    for (name, content) in forms {
        let mut keys = PublicKeys::default();
        keys.add(name, &content).unwrap();
        assert!(bucket.check(&keys, true).is_sound(), "{name}");
    }
    let mut keys = PublicKeys::default();
    for none in [
        &b""[..],
        b"key",
        &der[..200],
        &spki[..40],
        b"{\"PublicKeyList\":[{\"Value\":\"?\",\"Fingerprint\":\"f\"}]}",
    ] {
        assert!(keys.add("a", none).is_err());
    }
}

#[test]
fn a_digest_that_can_not_be_read_is_named() {
    let mut bucket = Bucket::delivered();
    let name = digest_key("eu-west-1", 4);
    bucket.objects.get_mut(&name).unwrap().truncate(60);
    let wrong = bucket.wrong();
    assert_eq!(wrong.len(), 1, "{wrong:?}");
    assert!(
        wrong[0].starts_with("digest eu-west-1 04: it cannot be read: the gzip stream is cut off"),
        "{wrong:?}"
    );
}

/// A run in a folder that holds the bucket's objects and the trail's public key.
fn folder(bucket: &Bucket, run: Run) -> Run {
    let run = run.file("keys/trail.der", public(TRAIL));
    let objects = bucket.objects.iter();
    objects.fold(run, |run, (name, stored)| {
        run.file(&format!("in/{name}"), stored)
    })
}

const INGEST: [&str; 5] = ["ingest", "in", "--ledger", "ledger.db", "--verify-digests"];

#[test]
fn ingest_tells_what_was_verified() {
    let run = folder(&Bucket::delivered(), Run::new());
    let said = run.args(INGEST).args(["--public-keys", "keys"]).code(0);
    let expected = "integrity: 12 log objects verified by 8 verified digests\n\
        integrity: 4 log objects: as listed, but by digests that are not verified themselves\n\
        note: `in/digest eu-west-1 06`: not checked: its signature is in the metadata of its S3 object and in the next digest\n\
        note: `in/digest us-east-1 06`: not checked: its signature is in the metadata of its S3 object and in the next digest\n";
    let stderr = short(&said.stderr);
    assert!(
        stderr.starts_with("read 16 events from 16 log objects, "),
        "{stderr}"
    );
    assert!(stderr.ends_with(expected), "{stderr}");
    let run = folder(&Bucket::delivered(), Run::new());
    let said = run
        .args(INGEST)
        .args(["--public-keys", "keys", "--quiet"])
        .code(0);
    assert_eq!(said.stderr, "");
}

#[test]
fn ingest_names_what_is_wrong_and_says_no() {
    let mut bucket = Bucket::delivered();
    let key = |unique: &str| log_key("eu-west-1", 2, 45, &format!("{unique}2eu-west-1"));
    bucket.objects.insert(key("aaaa"), gzip(&log("another")));
    bucket.objects.remove(&key("bbbb")).unwrap();
    let forged = log_key("eu-west-1", 3, 0, "forged");
    bucket.objects.insert(forged.clone(), gzip(&log("forged")));
    bucket.objects.remove(&digest_key("us-east-1", 4)).unwrap();
    let run = folder(&bucket, Run::new()).args(INGEST);
    let said = run.args(["--public-keys", "keys", "--quiet"]).code(1);
    let lines: Vec<_> = said.stderr.lines().map(short).collect();
    let wrong: Vec<_> = lines
        .iter()
        .filter(|line| line.starts_with("warning: "))
        .collect();
    assert_eq!(
        wrong,
        [
            "warning: `digest us-east-1 04`: missing: the next digest names it, `in/digest us-east-1 05`",
            "warning: `log eu-west-1 02:45 bbbb`: missing: the digest `in/digest eu-west-1 03` lists it",
            "warning: `in/log eu-west-1 02:45 aaaa`: changed: its content has not the hash in the digest `in/digest eu-west-1 03`",
            &format!(
                "warning: `in/{forged}`: listed by no verified digest, though verified digests cover the time of its delivery: added later, or by a trail without log file validation"
            ),
        ]
    );
    let gap = "note: no verified digest for 111122223333 us-east-1 from 2026-09-01T02:30:00Z to 2026-09-01T04:30:00Z (2 hours)";
    assert!(lines.contains(&gap.to_owned()), "{lines:?}");
    // The ledger tells of it from now on, and so does what it is added to.
    let path = |name: &str| said.folder.path().join(name).display().to_string();
    let (ledger, sum) = (path("ledger.db"), path("sum.db"));
    Run::new()
        .args(["ledger", "merge", &ledger, "--ledger", &sum])
        .code(0);
    for ledger in [&ledger, &sum] {
        let again = Run::new().args(["principals", ledger]).code(0);
        assert!(
            again
                .stderr
                .starts_with("read 16 events from 16 log objects, "),
            "{}",
            again.stderr
        );
        assert!(
            again.stderr.ends_with(&format!("{gap}\n")),
            "{}",
            again.stderr
        );
    }
    let index = Run::new()
        .args(["generate", &ledger, "--out", "out"])
        .code(0);
    let index = index.written("out/index.json");
    let gap = json!({"account": ACCOUNT, "region": "us-east-1", "from": "2026-09-01T02:30:00Z", "to": "2026-09-01T04:30:00Z"});
    assert_eq!(index["coverage"]["digestGaps"], json!([gap]));
}

#[test]
fn what_is_in_the_ledger_is_not_read_again() {
    let bucket = Bucket::delivered();
    let said = folder(&bucket, Run::new())
        .args(INGEST.into_iter().take(4))
        .code(0);
    assert!(
        said.stderr.contains("not calls: 10 CloudTrail digest\n"),
        "{}",
        said.stderr
    );
    // From another folder.
    let path = |name: &str| said.folder.path().join(name).display().to_string();
    let (logs, ledger, keys) = (path("in"), path("ledger.db"), path("keys"));
    let args = [
        "ingest",
        &logs,
        "--ledger",
        &ledger,
        "--verify-digests",
        "--public-keys",
        &keys,
    ];
    let said = Run::new().args(args).code(0);
    let expected = "integrity: 0 log objects verified by 8 verified digests\nintegrity: 16 log objects: listed, and not read again this time\n";
    assert!(said.stderr.contains(expected), "{}", said.stderr);
}

#[test]
fn a_log_object_under_another_name_is_known_in_a_second_run_too() {
    let mut bucket = Bucket::delivered();
    let name = log_key("eu-west-1", 2, 45, "aaaa2eu-west-1");
    let object = bucket.objects.remove(&name).unwrap();
    bucket.objects.insert("renamed.json.gz".into(), object);
    let said = folder(&bucket, Run::new())
        .args(INGEST)
        .args(["--public-keys", "keys"])
        .code(0);
    let renamed = "integrity: 1 log object: verified under another name than CloudTrail gave it\n";
    assert!(said.stderr.contains(renamed), "{}", said.stderr);
    let path = |name: &str| said.folder.path().join(name).display().to_string();
    let (logs, ledger, keys) = (path("in"), path("ledger.db"), path("keys"));
    let args = ["ingest", &logs, "--ledger", &ledger];
    let again = Run::new()
        .args(args)
        .args(["--verify-digests", "--public-keys", &keys])
        .code(0);
    assert!(again.stderr.contains(renamed), "{}", again.stderr);
}

#[test]
fn in_a_bucket_the_newest_digests_are_verified_too() {
    let bucket = Bucket::delivered();
    let server =
        s3_server::Server::with_signatures(bucket.objects.clone(), bucket.signatures.clone());
    let args = [
        "ingest",
        "s3://logs",
        "--ledger",
        "ledger.db",
        "--verify-digests",
        "--public-keys",
        "keys",
    ];
    let run = || server.run(args).file("keys/trail.der", public(TRAIL));
    let said = run().code(0);
    assert!(
        said.stderr
            .ends_with("integrity: 16 log objects verified by 10 verified digests\n"),
        "{}",
        said.stderr
    );
    // What was not asked for is not missed, though the digests list it.
    let said = run().args(["--from", "2026-09-01T03:00:00Z"]).code(0);
    assert!(
        said.stderr
            .contains("integrity: 8 log objects verified by 10 verified digests\n"),
        "{}",
        said.stderr
    );
    let said = run().args(["--region", "us-east-1"]).code(0);
    assert!(
        said.stderr
            .contains("integrity: 8 log objects verified by 5 verified digests\n"),
        "{}",
        said.stderr
    );
}

#[test]
fn a_digest_without_a_signature_vouches_for_nothing() {
    for names_itself in [false, true] {
        let mut bucket = Bucket::delivered();
        let forged = log_key("eu-west-1", 4, 0, "forged");
        bucket.objects.insert(forged.clone(), gzip(&log("forged")));
        // As of another trail, which starts here.
        bucket.add_digest("eu-west-1", 7, std::slice::from_ref(&forged), None);
        let digest = digest_key("eu-west-1", 7);
        let own = digest.replace("_main_", "_other_");
        let content = bucket.change_digest(&digest, |digest| {
            digest["digestS3Object"] = own.clone().into();
            digest["digestStartTime"] = "2026-09-01T03:30:00Z".into();
            if names_itself {
                digest["previousDigestS3Object"] = own.clone().into();
            }
            digest["digestEndTime"] = "2026-09-01T04:30:00Z".into();
        });
        bucket.put_digest(&own, &content, OTHER);
        bucket.objects.remove(&digest).unwrap();
        for name in [&own, &digest] {
            bucket.signatures.remove(name).unwrap();
        }
        // In a folder every newest digest is without one.
        let said = folder(&bucket, Run::new())
            .args(INGEST)
            .args(["--public-keys", "keys"])
            .code(1);
        let named = format!("warning: `in/{forged}`: listed by no verified digest, ");
        assert!(said.stderr.contains(&named), "{}", said.stderr);
        let server = s3_server::Server::with_signatures(bucket.objects, bucket.signatures);
        let args = [
            "ingest",
            "s3://logs",
            "--ledger",
            "ledger.db",
            "--verify-digests",
        ];
        let said = server
            .run(args)
            .args(["--public-keys", "keys"])
            .file("keys/trail.der", public(TRAIL))
            .code(1);
        let expected = format!(
            "integrity: 16 log objects verified by 10 verified digests\n\
        warning: `s3://logs/{own}`: not checked: its S3 object has no signature in its metadata, as CloudTrail's have: added later, or copied without them\n\
        warning: `s3://logs/{forged}`: listed by no verified digest, though verified digests cover the time of its delivery: added later, or by a trail without log file validation\n"
        );
        assert!(said.stderr.ends_with(&expected), "{}", said.stderr);
    }
}

#[test]
fn cloudtrail_is_asked_for_the_public_keys() {
    let listed = |fingerprint: &str| json!({"Value": BASE64_STANDARD.encode(public(TRAIL)), "Fingerprint": fingerprint});
    let server = lookup::Server::start(move |asked, before| {
        assert_eq!(asked.operation, "ListPublicKeys");
        match (&*asked.region, before) {
            ("us-east-1", _) => (
                400,
                json!({"__type": "AccessDeniedException", "message": "no"}),
            ),
            (_, 0) => (
                200,
                json!({"PublicKeyList": [listed("0000")], "NextToken": "more"}),
            ),
            _ => (200, json!({"PublicKeyList": [listed(FINGERPRINT)]})),
        }
    });
    let run = folder(&Bucket::delivered(), server.run(INGEST));
    let said = run.code(0);
    assert!(
        said.stderr
            .contains("integrity: 12 log objects verified by 8 verified digests\n"),
        "{}",
        said.stderr
    );
    let refused = "warning: no public keys of us-east-1: AccessDeniedException: no\nhelp: allow `cloudtrail:ListPublicKeys`, or give --public-keys DIR\n";
    assert!(said.stderr.starts_with(refused), "{}", said.stderr);
    let period = json!({"StartTime": 1_788_226_200, "EndTime": 1_788_244_200});
    assert_eq!(server.asked("eu-west-1")[0].body, period);
    assert_eq!(server.asked("eu-west-1").len(), 2);
}

#[test]
fn without_keys_or_digests_nothing_is_verified() {
    let bucket = Bucket::delivered();
    let said = folder(&bucket, Run::new())
        .file("none/README", "no key")
        .args(INGEST)
        .args(["--public-keys", "none"])
        .code(2);
    assert_eq!(
        said.stderr,
        "warning: `none/README`: no RSA public key: neither DER nor PEM, nor what `aws cloudtrail list-public-keys` prints\nerror: `none` holds no public key\n"
    );
    let logs = Run::new()
        .file("in/a.json", log("a"))
        .file("keys/trail.der", public(TRAIL));
    let said = logs
        .args(INGEST)
        .args(["--public-keys", "keys", "--quiet"])
        .code(1);
    assert_eq!(
        said.stderr,
        "integrity: 0 log objects verified by 0 verified digests\n\
         integrity: 1 log object: listed by no digest, under a name that tells no time of delivery\n"
    );
    let said = Run::new()
        .args(INGEST.into_iter().take(4))
        .args(["--public-keys", "keys"])
        .code(2);
    assert!(said.stderr.contains("--verify-digests"), "{}", said.stderr);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_byte_changes_unnoticed(
        object in any::<prop::sample::Index>(),
        byte in any::<prop::sample::Index>(),
        bits in 1u8..,
        metadata in any::<bool>(),
    ) {
        static DELIVERED: LazyLock<Bucket> = LazyLock::new(Bucket::delivered);
        let mut bucket = DELIVERED.clone();
        let name = object.get(&bucket.objects.keys().cloned().collect::<Vec<_>>()).clone();
        let stored = bucket.objects.get_mut(&name).unwrap();
        let content = content_hash(&**stored).unwrap();
        let at = byte.index(stored.len());
        stored[at] ^= bits;
        let same = content_hash(&**stored).is_ok_and(|hash| hash == content);
        let findings = bucket.check(&keys(), metadata);
        let newest = !metadata && REGIONS.iter().any(|region| name == digest_key(region, 6));
        prop_assert!(same || newest || !findings.is_sound(), "{name}, byte {at}");
    }

    #[test]
    fn nothing_makes_it_panic(
        content in prop_oneof![
            any::<Vec<u8>>(),
            "[{]\"awsAccountId\":\"\",\"digestStartTime\":\"2026-09-01T0[0-9]:00:00Z\",\"digestEndTime\":\"[0-9]{4}-09-01T0[0-9]:00:00Z\",\"digestS3Bucket\":\"\",\"digestS3Object\":\"[a-z_/.]{0,9}\",\"digestPublicKeyFingerprint\":\"\",\"digestSignatureAlgorithm\":\"\",\"previousDigestS3Object\":\"[a-z_/.]{0,9}\",\"previousDigestSignature\":null[}]".prop_map(String::into_bytes),
            "[0\u{81}\u{2}-]{0,6}[A-Za-z0-9+/=]{0,30}".prop_map(String::into_bytes),
        ],
        name in "[0-9]{0,2}(_CloudTrail(-Digest)?_)?[a-z_/.0-9TZ]{0,30}",
    ) {
        let mut keys = PublicKeys::default();
        let _ = keys.add(&name, &content);
        let digest = Digest::read(&*content).ok();
        let found = digest.map(|digest| FoundDigest { name: name.clone(), digest, signature: Some("00".into()) });
        let mut checker = Checker::new(&keys, found.into_iter().collect(), Vec::new());
        checker.found(&name, Content::Hash([0; 32]));
        let _ = report::integrity::text(&checker.finish(|_| true));
    }
}
