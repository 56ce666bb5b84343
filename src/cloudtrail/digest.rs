//! Digest files: which log objects CloudTrail delivered in an hour, with their hashes, signed and chained.
//!
//! By the AWS CloudTrail User Guide: "CloudTrail digest file structure" for the fields, "Custom implementations of
//! CloudTrail log file integrity validation" for what is signed, and how.

use std::cell::Cell;
use std::io::{self, Read};

use ring::digest::{Context, SHA256};
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};
use serde::Deserialize;

use crate::cloudtrail::clock;
use crate::cloudtrail::decompress::decompress;

/// A SHA-256 hash.
pub type Sha256 = [u8; 32];

/// The largest digest file that is read, in decompressed bytes: some 100,000 log objects in one hour.
const MAX_DIGEST: u64 = 64 << 20;

/// Takes up bytes one after another, for their SHA-256.
pub(super) struct Hasher(Context);

impl Hasher {
    pub(super) fn new() -> Self {
        Self(Context::new(&SHA256))
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub(super) fn finish(self) -> Sha256 {
        let mut hash = [0; 32];
        hash.copy_from_slice(self.0.finish().as_ref());
        hash
    }
}

/// The hash of `bytes`.
#[must_use]
pub fn sha256(bytes: &[u8]) -> Sha256 {
    let mut hasher = Hasher::new();
    hasher.update(bytes);
    hasher.finish()
}

/// The hash of a log object's content, as digests hold it: of what comes out of its compression. For an object whose
/// records are read too, see [`crate::cloudtrail::reader::Reader::hashing`].
///
/// # Errors
/// Those of `stored`, or what is wrong with the compression.
pub fn content_hash(mut stored: impl Read) -> io::Result<Sha256> {
    let count = Cell::new(0);
    let mut content = decompress(&mut stored, &count)?;
    let mut hasher = Hasher::new();
    loop {
        let bytes = content.fill_buf()?;
        if bytes.is_empty() {
            return Ok(hasher.finish());
        }
        hasher.update(bytes);
        let length = bytes.len();
        content.consume(length);
    }
}

/// The bytes that hexadecimal digits stand for; `None` where `text` is anything else.
pub(super) fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    digits
        .chunks_exact(2)
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

fn to_hex(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// The last part of an object's name, without `.gz`: what tells a delivered object, as CloudTrail ends each log object's
/// name with a unique string and each digest's with a time. So a copy is known wherever it lies, unpacked too.
#[must_use]
pub fn file_name(name: &str) -> &str {
    let last = name.rsplit(['/', '\\', '!']).next().unwrap_or(name);
    last.strip_suffix(".gz").unwrap_or(last)
}

/// Where and when an object was delivered, as its name tells: `<account>_CloudTrail_<region>_<time>_<unique>.json.gz`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery<'n> {
    /// The account whose trail it is.
    pub account: &'n str,
    /// The Region whose events it holds.
    pub region: &'n str,
    /// The minute of its delivery, in seconds since 1970.
    pub time: i64,
}

impl<'n> Delivery<'n> {
    /// What the name of a log object tells; `None` where it is none that CloudTrail gives.
    #[must_use]
    pub fn of(name: &'n str) -> Option<Self> {
        let (account, rest) = file_name(name).split_once("_CloudTrail_")?;
        let (region, rest) = rest.split_once('_')?;
        let (time, _unique) = rest.split_once('_')?;
        let time = time.strip_suffix('Z').filter(|time| time.len() == 13)?;
        let time = compact_seconds(&format!("{time}00"))?;
        Some(Self {
            account,
            region,
            time,
        })
    }
}

/// The time `20260901T101500` in seconds since 1970.
fn compact_seconds(text: &str) -> Option<i64> {
    let part = |range| text.get(range).unwrap_or_default();
    let (date, time) = text.split_once('T')?;
    if date.len() != 8 || time.len() != 6 {
        return None;
    }
    clock::seconds(&format!(
        "{}-{}-{}T{}:{}:{}Z",
        part(0..4),
        part(4..6),
        part(6..8),
        part(9..11),
        part(11..13),
        part(13..15)
    ))
}

/// Whether an object's name is that of a digest file, `<account>_CloudTrail-Digest_<region>_<trail>_<home>_<time>.json.gz`.
#[must_use]
pub fn is_digest_name(name: &str) -> bool {
    file_name(name).contains("_CloudTrail-Digest_")
}

/// Why a file is no digest that can be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoDigest {
    /// It can not be read, or not to its end.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is longer than any digest.
    #[error("it is larger than {} MiB", MAX_DIGEST >> 20)]
    TooLarge,
    /// It is not what the User Guide describes.
    #[error("it is not a digest: {0}")]
    Json(#[from] serde_json::Error),
    /// Its times are none, or it ends before it starts.
    #[error("it is not a digest: its times are not readable")]
    Times,
}

/// A digest file. The names are those of the file's fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Digest {
    /// The account whose log objects it lists.
    pub aws_account_id: String,
    /// From when on it lists what was delivered, as it stands in the file.
    pub digest_start_time: String,
    /// Until when, likewise. Part of what is signed.
    pub digest_end_time: String,
    /// The bucket to which it was delivered.
    pub digest_s3_bucket: String,
    /// The key under which it was delivered.
    pub digest_s3_object: String,
    /// Which public key fits its signature.
    pub digest_public_key_fingerprint: String,
    /// How it is signed.
    pub digest_signature_algorithm: String,
    /// The digest before it; absent where the chain starts, and the next three too.
    pub previous_digest_s3_object: Option<String>,
    /// The hash of the previous digest's content, in hexadecimal digits.
    pub previous_digest_hash_value: Option<String>,
    /// How that hash was made.
    pub previous_digest_hash_algorithm: Option<String>,
    /// The previous digest's signature, in hexadecimal digits.
    pub previous_digest_signature: Option<String>,
    /// The log objects delivered.
    #[serde(default)]
    pub log_files: Vec<LogFile>,
    /// The hash of this digest's own content.
    #[serde(skip)]
    pub hash: Sha256,
    /// `digest_start_time` and `digest_end_time` in seconds since 1970.
    #[serde(skip)]
    pub period: (i64, i64),
}

/// A log object in a digest.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogFile {
    /// Its key.
    pub s3_object: String,
    /// The hash of its content, in hexadecimal digits.
    pub hash_value: String,
    /// How that hash was made.
    pub hash_algorithm: String,
}

impl LogFile {
    /// The hash; `None` where it is none, or made in another way.
    #[must_use]
    pub fn hash(&self) -> Option<Sha256> {
        hash(&self.hash_algorithm, &self.hash_value)
    }
}

fn hash(algorithm: &str, value: &str) -> Option<Sha256> {
    (algorithm == "SHA-256").then(|| from_hex(value)?.try_into().ok())?
}

impl Digest {
    /// Reads a digest file, compressed or not.
    ///
    /// # Errors
    /// Where it can not be read or is no digest.
    pub fn read(mut stored: impl Read) -> Result<Self, NoDigest> {
        let (count, mut content) = (Cell::new(0), Vec::new());
        let mut limited = decompress(&mut stored, &count)?.take(MAX_DIGEST + 1);
        limited.read_to_end(&mut content)?;
        if content.len() as u64 > MAX_DIGEST {
            return Err(NoDigest::TooLarge);
        }
        let mut digest: Self = serde_json::from_slice(&content)?;
        let times = (&digest.digest_start_time, &digest.digest_end_time);
        let (start, end) = (clock::seconds(times.0), clock::seconds(times.1));
        let period = start.zip(end).filter(|(start, end)| start <= end);
        digest.period = period.ok_or(NoDigest::Times)?;
        digest.hash = sha256(&content);
        Ok(digest)
    }

    /// The previous digest's hash; `None` where the chain starts here, or the hash is none.
    #[must_use]
    pub fn previous_hash(&self) -> Option<Sha256> {
        let algorithm = self.previous_digest_hash_algorithm.as_deref()?;
        hash(algorithm, self.previous_digest_hash_value.as_deref()?)
    }

    /// The Region and the rest of what tells its chain from others (the trail and its home Region, and whether it is a
    /// backfill digest), out of its key.
    #[must_use]
    pub fn chain(&self) -> (&str, &str, bool) {
        let name = file_name(&self.digest_s3_object);
        let name = name.strip_suffix(".json").unwrap_or(name);
        let (name, backfill) = match name.strip_suffix("_backfill") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let after = name.split_once("_CloudTrail-Digest_").unwrap_or_default().1;
        let (region, rest) = after.split_once('_').unwrap_or((after, ""));
        let trail = rest.rsplit_once('_').map_or("", |(trail, _time)| trail);
        (region, trail, backfill)
    }

    /// Whether it says that it is signed in the one way that is known.
    #[must_use]
    pub fn is_signed_as_known(&self) -> bool {
        self.digest_signature_algorithm == "SHA256withRSA"
    }

    /// What is signed.
    #[must_use]
    pub fn signing_string(&self) -> String {
        format!(
            "{}\n{}/{}\n{}\n{}",
            self.digest_end_time,
            self.digest_s3_bucket,
            self.digest_s3_object,
            to_hex(&self.hash),
            self.previous_digest_signature.as_deref().unwrap_or("null")
        )
    }

    /// Whether `signature`, in hexadecimal digits, is this digest's by `key`, an RSA public key in DER (PKCS #1).
    #[must_use]
    pub fn is_signed(&self, signature: &str, key: &[u8]) -> bool {
        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key);
        let text = self.signing_string();
        from_hex(signature).is_some_and(|signature| key.verify(text.as_bytes(), &signature).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::{Delivery, Digest, content_hash, file_name, from_hex, sha256, to_hex};
    use crate::cloudtrail::reader::tests::gzip;

    #[test]
    fn hexadecimal_digits_there_and_back() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(from_hex(&to_hex(&bytes)), Some(bytes));
        assert_eq!(from_hex("0aF"), None);
        assert_eq!(from_hex("0g"), None);
        assert_eq!(from_hex("\u{fc}"), None);
    }

    #[test]
    fn the_hash_is_that_of_the_content_however_it_is_stored() {
        // FIPS 180-2, appendix B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(to_hex(&sha256(b"abc")), abc);
        let large = b"0123456789".repeat(100_000);
        for content in [&b"abc"[..], &large, b""] {
            let twice = gzip(&gzip(content));
            for stored in [content.to_vec(), gzip(content), twice] {
                assert_eq!(content_hash(&*stored).unwrap(), sha256(content));
            }
        }
        assert!(content_hash(&gzip(&large)[..900]).is_err());
    }

    #[test]
    fn names_tell_account_region_and_time() {
        let name = "s3://b/p/AWSLogs/o-1/111122223333/CloudTrail/eu-west-1/2026/09/01/111122223333_CloudTrail_eu-west-1_20260901T1015Z_Mu0KsOhtH1ar15ZZ.json.gz";
        let delivery = Delivery::of(name).unwrap();
        assert_eq!(
            (delivery.account, delivery.region, delivery.time),
            ("111122223333", "eu-west-1", 1_788_257_700)
        );
        assert_eq!(
            file_name(name),
            "111122223333_CloudTrail_eu-west-1_20260901T1015Z_Mu0KsOhtH1ar15ZZ.json"
        );
        assert_eq!(file_name("logs.zip!a.json"), "a.json");
        for other in [
            "a.json",
            "1_CloudTrail_eu-west-1_20260901T101Z_x.json",
            "1_CloudTrail_eu-west-1_\u{fc}0260901T101Z_x.json",
            "1_CloudTrail-Digest_eu-west-1_t_eu-west-1_20260901T101500Z.json.gz",
        ] {
            assert_eq!(Delivery::of(other), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_digest_is_told() {
        let text = String::from(
            r#"{"awsAccountId":"1","digestStartTime":"2026-09-01T10:00:00Z","digestEndTime":"2026-09-01T11:00:00Z","digestS3Bucket":"b","digestS3Object":"AWSLogs/1/CloudTrail-Digest/eu-west-1/2026/09/01/1_CloudTrail-Digest_eu-west-1_my_trail_us-east-1_20260901T110000Z.json.gz","digestPublicKeyFingerprint":"f","digestSignatureAlgorithm":"SHA256withRSA","previousDigestSignature":null,"logFiles":[]}"#,
        );
        let digest = Digest::read(&*gzip(text.as_bytes())).unwrap();
        assert_eq!(digest.chain(), ("eu-west-1", "my_trail_us-east-1", false));
        assert_eq!(digest.period.1 - digest.period.0, 3600);
        assert_eq!(
            digest.signing_string(),
            format!(
                "2026-09-01T11:00:00Z\nb/{}\n{}\nnull",
                digest.digest_s3_object,
                to_hex(&sha256(text.as_bytes()))
            )
        );
        assert!(!digest.is_signed("00", b"no key"));
        let broken = Digest::read(&gzip(text.as_bytes())[..60]).unwrap_err();
        assert!(
            broken.to_string().starts_with("it cannot be read: "),
            "{broken}"
        );
        let other = Digest::read(&b"{\"Records\":[]}"[..]).unwrap_err();
        assert!(
            other.to_string().starts_with("it is not a digest: "),
            "{other}"
        );
        for start in ["soon", "2026-09-01T11:00:01Z"] {
            let text = text.replace("2026-09-01T10:00:00Z", start);
            let timeless = Digest::read(text.as_bytes()).unwrap_err();
            assert_eq!(
                timeless.to_string(),
                "it is not a digest: its times are not readable"
            );
        }
        let huge = gzip(&vec![b' '; (64 << 20) + 1]);
        assert!(Digest::read(&*huge).is_err());
    }
}
