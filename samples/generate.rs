//! Writes the samples: a month of CloudTrail logs of a made-up account, and what each principal in it truly needs.
//!
//! `cargo run --example samples` writes `samples/AWSLogs/` and `samples/needs.json`; with `-- --check` it writes nothing
//! and fails where the committed files hold something else.
//!
//! This program knows nothing of trailfit: the permissions stand beside the calls that need them, written down from AWS's
//! documentation, so that the answer key can find a mistake in trailfit's tables.

mod account;
mod call;
mod caller;
mod ci;
mod delivery;
mod moment;
mod people;
mod rng;
mod run;
mod setup;
mod stacks;
mod workloads;

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use serde_json::json;

use crate::account::Account;
use crate::call::REGION;
use crate::caller::MAIN;
use crate::moment::Moment;

const SEED: u64 = 0x7261_696c_6669_7421;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = folder();
    let files = delivery::files(&mut month()?);
    match std::env::args().nth(1).as_deref() {
        None => write(&folder, &files),
        Some("--check") => check(&folder, &files),
        Some(other) => Err(format!("`{other}` is not an option: there is only `--check`").into()),
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// The whole month, disturbed as deliveries are.
fn month() -> Result<Account, Box<dyn Error>> {
    let mut account = Account::new(SEED);
    setup::administrator(&mut account);
    workloads::backups(&mut account);
    workloads::orders(&mut account);
    workloads::partner(&mut account);
    workloads::web_servers(&mut account);
    workloads::services(&mut account);
    ci::month(&mut account);
    people::engineer(&mut account);
    people::root(&mut account);
    insight(&mut account);
    account.disturb();
    if let Some(record) = account.unexplained.first() {
        return Err(format!("a call was allowed but needs nothing: {record}").into());
    }
    Ok(account)
}

/// CloudTrail finds the rate of a night's `DeleteSnapshot` unusual: the start and the end of an insight, which share an id
/// and are no calls.
fn insight(account: &mut Account) {
    let shared = account.rng.uuid();
    for (state, at) in [
        ("Start", Moment::new(17, 2, 0)),
        ("End", Moment::new(17, 2, 9)),
    ] {
        let mut context =
            json!({ "baseline": { "average": 0.0014 }, "insight": { "average": 0.6 } });
        if state == "End" {
            context["insightDuration"] = json!(9);
            context["baselineDuration"] = json!(10_080);
        }
        let record = json!({
            "eventVersion": "1.11",
            "eventTime": at.to_string(),
            "awsRegion": REGION,
            "eventID": account.rng.uuid(),
            "eventType": "AwsCloudTrailInsight",
            "recipientAccountId": MAIN,
            "sharedEventID": shared,
            "insightDetails": {
                "state": state,
                "eventSource": "ec2.amazonaws.com",
                "eventName": "DeleteSnapshot",
                "insightType": "ApiCallRateInsight",
                "insightContext": { "statistics": context },
            },
            "eventCategory": "Insight",
        });
        account.insight(MAIN, REGION, at.delivery(), record);
    }
}

fn write(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Box<dyn Error>> {
    let logs = folder.join("AWSLogs");
    if logs.exists() {
        fs::remove_dir_all(&logs)?;
    }
    for (path, content) in files {
        let target = folder.join(path);
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        if path.ends_with(".gz") {
            fs::write(target, delivery::compress(content)?)?;
        } else {
            fs::write(target, content)?;
        }
    }
    Ok(())
}

/// Compares what the files hold, not their compressed bytes: those may change with the compressor's version.
fn check(folder: &Path, files: &BTreeMap<String, Vec<u8>>) -> Result<(), Box<dyn Error>> {
    let mut committed = vec![folder.join("needs.json")];
    walk(&folder.join("AWSLogs"), &mut committed)?;
    let mut missing: BTreeSet<&str> = files.keys().map(String::as_str).collect();
    for path in &committed {
        let name = path
            .strip_prefix(folder)?
            .to_string_lossy()
            .replace('\\', "/");
        let Some(expected) = files.get(&name) else {
            return Err(format!("`{name}` is not one of the samples").into());
        };
        if read(path)? != *expected {
            return Err(format!("`{name}` differs from what the program writes").into());
        }
        missing.remove(name.as_str());
    }
    match missing.first() {
        Some(name) => Err(format!("`{name}` is missing").into()),
        None => Ok(()),
    }
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, Box<dyn Error>> {
    let bytes = fs::read(path)?;
    if path.extension().is_none_or(|extension| extension != "gz") {
        return Ok(bytes);
    }
    let mut content = Vec::new();
    GzDecoder::new(bytes.as_slice()).read_to_end(&mut content)?;
    Ok(content)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use crate::{check, delivery, folder, month};

    #[test]
    fn the_committed_files_are_what_the_program_writes() {
        check(&folder(), &delivery::files(&mut month().unwrap())).unwrap();
    }

    #[test]
    fn every_record_is_counted_once_and_repeated_ids_are_duplicates() {
        let account = month().unwrap();
        let mut deliveries: BTreeMap<&str, u64> = BTreeMap::new();
        for entry in &account.entries {
            *deliveries
                .entry(entry.record["eventID"].as_str().unwrap())
                .or_default() += 1;
        }
        let counts = account.counts();
        assert_eq!(counts.records(), account.entries.len() as u64);
        assert_eq!(counts.records() - counts.duplicate, deliveries.len() as u64);
        assert!(counts.duplicate > 0);
    }

    #[test]
    fn nothing_that_was_refused_is_needed() {
        for (principal, usage) in &month().unwrap().principals {
            for action in &usage.denied {
                assert!(
                    !usage.needs.contains_key(action),
                    "{} {action}",
                    principal.arn
                );
            }
        }
    }

    #[test]
    fn a_call_across_accounts_is_in_both_logs_under_one_id() {
        let account = month().unwrap();
        let mut seen: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for entry in &account.entries {
            let caller = &entry.record["userIdentity"];
            let partners = caller["accountId"] == "444455556666";
            if let Some(id) = entry.record["sharedEventID"].as_str().filter(|_| partners) {
                seen.entry(id).or_default().push(entry.account);
            }
        }
        assert_eq!(seen.len(), 28);
        for accounts in seen.values_mut() {
            accounts.sort_unstable();
            accounts.dedup();
            assert_eq!(accounts, &["111122223333", "444455556666"]);
        }
    }

    #[test]
    fn the_samples_stay_small() {
        let files = delivery::files(&mut month().unwrap());
        let mut total = 0;
        for (path, content) in &files {
            total += match path.ends_with(".gz") {
                true => delivery::compress(content).unwrap().len(),
                false => content.len(),
            };
        }
        assert!(total < 1_000_000, "{total}");
    }
}
