//! The public keys that CloudTrail signs digests with, by `ListPublicKeys`: each Region has its own.

use std::collections::BTreeSet;

use aws_sdk_cloudtrail::Client;
use aws_sdk_cloudtrail::primitives::DateTime;

use crate::error::Result;
use crate::source::aws::{self, Aws, Refusal};
use crate::source::lookup::is_region;

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    /// What digests call it by.
    pub fingerprint: String,
    /// DER (PKCS #1).
    pub value: Vec<u8>,
}

/// What the Regions told, and those that told nothing, with why.
pub type Listed = (Vec<PublicKey>, Vec<(String, Refusal)>);

/// The keys that were valid in these Regions at any time of `period`, in seconds since 1970.
///
/// # Errors
/// Where there is no way to AWS at all.
pub fn list(
    options: &aws::Options,
    regions: &BTreeSet<String>,
    period: (i64, i64),
) -> Result<Listed> {
    let aws = Aws::new(options)?;
    let (mut keys, mut refused) = (Vec::new(), Vec::new());
    // Names out of digests that anybody may have written.
    let regions = regions.iter().filter(|region| is_region(region));
    let asked = regions.map(|region| {
        let client = Client::new(&aws.config(Some(region)));
        (region, aws.handle().spawn(ask(client, period)))
    });
    for (region, answer) in asked.collect::<Vec<_>>() {
        match aws.block_on(answer) {
            Ok(Ok(found)) => keys.extend(found),
            Ok(Err(refusal)) => refused.push((region.clone(), refusal)),
            Err(failed) => refused.push((region.clone(), Refusal::without_answer(&failed))),
        }
    }
    Ok((keys, refused))
}

async fn ask(
    client: Client,
    (from, to): (i64, i64),
) -> std::result::Result<Vec<PublicKey>, Refusal> {
    let request = client
        .list_public_keys()
        .start_time(DateTime::from_secs(from))
        .end_time(DateTime::from_secs(to));
    let mut listed = request.into_paginator().items().send();
    let mut keys = Vec::new();
    while let Some(key) = listed.next().await {
        let key = key.map_err(|error| Refusal::of(&error))?;
        if let (Some(fingerprint), Some(value)) = (key.fingerprint, key.value) {
            keys.push(PublicKey {
                fingerprint,
                value: value.into_inner(),
            });
        }
    }
    Ok(keys)
}
