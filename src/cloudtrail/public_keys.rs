//! The public keys that fit the signatures of digests.

use std::collections::{BTreeMap, BTreeSet};

use base64::prelude::{BASE64_STANDARD, Engine};
use serde::Deserialize;

use crate::cloudtrail::digest::{Digest, file_name};

/// Public keys, by fingerprint where that is known.
#[derive(Clone, Debug, Default)]
pub struct PublicKeys {
    named: BTreeMap<String, Vec<u8>>,
    /// Those whose fingerprint is not known. What it is made of AWS does not say.
    unnamed: BTreeSet<Vec<u8>>,
}

/// What `ListPublicKeys` answers (AWS CloudTrail API Reference).
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    public_key_list: Vec<ListedKey>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListedKey {
    /// DER (PKCS #1), in base64.
    value: String,
    fingerprint: String,
}

/// A file holds no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "no RSA public key: neither DER nor PEM, nor what `aws cloudtrail list-public-keys` prints"
)]
pub struct NoKey;

impl PublicKeys {
    /// Adds the keys in the file `name`: one in DER or PEM (PKCS #1 or SubjectPublicKeyInfo), or the answer of
    /// `ListPublicKeys`. The fingerprint of a single key is the file's name, without its extension, if it can be one:
    /// 32 hexadecimal digits.
    ///
    /// # Errors
    /// Where it is none of these.
    pub fn add(&mut self, name: &str, content: &[u8]) -> Result<(), NoKey> {
        if let Ok(listed) = serde_json::from_slice::<Listed>(content) {
            for key in listed.public_key_list {
                let der = from_base64(&key.value).ok_or(NoKey)?;
                self.add_listed(key.fingerprint, &der)?;
            }
            return Ok(());
        }
        let from_pem = std::str::from_utf8(content).ok().and_then(pem);
        let key = pkcs1(from_pem.as_deref().unwrap_or(content)).ok_or(NoKey)?;
        let stem = file_name(name).split('.').next().unwrap_or_default();
        if stem.len() == 32 && stem.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            self.named.insert(stem.to_ascii_lowercase(), key.to_vec());
        } else {
            self.unnamed.insert(key.to_vec());
        }
        Ok(())
    }

    /// Adds a key that CloudTrail itself tells, in DER (PKCS #1).
    ///
    /// # Errors
    /// Where it is none.
    pub fn add_listed(&mut self, fingerprint: String, der: &[u8]) -> Result<(), NoKey> {
        let key = pkcs1(der).ok_or(NoKey)?;
        self.named.insert(fingerprint, key.to_vec());
        Ok(())
    }

    /// Whether one of `signatures` is `digest`'s. `None` where its key is not here: a key whose fingerprint is not known can
    /// tell what it signed, and nothing of the rest.
    #[must_use]
    pub fn check(&self, digest: &Digest, signatures: &[&str]) -> Option<bool> {
        let signed = |key: &Vec<u8>| signatures.iter().any(|text| digest.is_signed(text, key));
        match self.named.get(&digest.digest_public_key_fingerprint) {
            Some(key) => Some(signed(key)),
            None => self.unnamed.iter().any(signed).then_some(true),
        }
    }
}

/// The DER in a PEM file.
fn pem(text: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once("PUBLIC KEY-----")?;
    let (body, _) = rest.split_once("-----END ")?;
    from_base64(body)
}

/// The bytes that base64 stands for. White space is left out.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    BASE64_STANDARD.decode(digits.collect::<Vec<_>>()).ok()
}

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;

/// The algorithm of RSA keys in a SubjectPublicKeyInfo: rsaEncryption with NULL (RFC 3279, 2.3.1).
const RSA_ENCRYPTION: [u8; 13] = [
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00,
];

/// The RSAPublicKey (PKCS #1) that `der` is, or that stands in it as a SubjectPublicKeyInfo.
fn pkcs1(der: &[u8]) -> Option<&[u8]> {
    let (inner, rest) = element(der, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    if let Some((_modulus, rest)) = element(inner, INTEGER) {
        let (_exponent, rest) = element(rest, INTEGER)?;
        return rest.is_empty().then_some(der);
    }
    let (algorithm, rest) = element(inner, SEQUENCE)?;
    let (bits, rest) = element(rest, BIT_STRING)?;
    match bits {
        [0, key @ ..] if algorithm == RSA_ENCRYPTION && rest.is_empty() => pkcs1(key),
        _ => None,
    }
}

/// The content of the DER element that `bytes` begin with, if it has this tag, and what follows it.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&[found, length], rest) = bytes.split_first_chunk()?;
    if found != tag {
        return None;
    }
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        }
        _ => return None, // longer than a key of 8,192 bits
    };
    rest.split_at_checked(length)
}
