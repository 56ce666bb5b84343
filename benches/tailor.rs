//! How long it takes to plan policies: `cargo bench --bench tailor`. One thread; the facts are made by a fixed rule, over 90 days.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement that cannot go on has failed"
)]

use divan::Bencher;
use trailfit::generate;
use trailfit::generate::options::{Options, Resources};
use trailfit::iam::action::Action;
use trailfit::iam::arn::ResourceArn;
use trailfit::usage::ledger::{PrincipalUsage, Tally};

fn main() {
    divan::main();
}

const SETTINGS: [Resources; 3] = [Resources::Exact, Resources::Balanced, Resources::Broad];

const ACTIONS: [&str; 10] = [
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:GetObjectTagging",
    "s3:PutObjectTagging",
    "lambda:CreateFunction",
    "lambda:GetFunction",
    "sqs:SendMessage",
    "dynamodb:GetItem",
    "ssm:GetParameter",
];

/// Eight letters that look like no other's.
fn letters(i: u64) -> String {
    let scattered = i.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let letter = |n: u32| char::from(b'a' + u8::try_from(scattered >> (8 * n) & 15).unwrap());
    (0..8).map(letter).collect()
}

fn name(i: u64) -> String {
    match i % 5 {
        0 => format!("users/{}/{}", letters(i / 30), letters(i + 7)),
        1 => format!("2026/{:02}/{:02}/part-{i}", i % 12 + 1, i % 28 + 1),
        2 => format!(
            "jobs/{:016x}/{}",
            i.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            i % 3
        ),
        3 => format!("preview-{}-{}", i % 97, letters(i)),
        _ => letters(i),
    }
}

fn resource(action: &str, i: u64) -> ResourceArn {
    let account = "eu-west-1:111122223333";
    let name = name(i);
    let text = match action.split_once(':').unwrap().0 {
        "s3" => format!("arn:aws:s3:::bucket-{}/{name}", i % 3),
        "lambda" => format!(
            "arn:aws:lambda:{account}:function:{}",
            name.replace('/', "-")
        ),
        "sqs" => format!("arn:aws:sqs:{account}:{}", name.replace('/', "-")),
        "dynamodb" => format!(
            "arn:aws:dynamodb:{account}:table/{}",
            name.replace('/', "-")
        ),
        _ => format!("arn:aws:ssm:{account}:parameter/{name}"),
    };
    ResourceArn::from_pattern(text)
}

/// A principal that used each of the actions on so many resources, each on one to three days.
fn principal(seed: u64, each: u64) -> PrincipalUsage {
    let mut usage = PrincipalUsage::default();
    for action in ACTIONS {
        let resources = usage.facts.entry(Action::known(action)).or_default();
        for i in (0..each).map(|i| i + seed * 1_000_003) {
            let first = u16::try_from(i * 7 % 88).unwrap();
            let tally = Tally {
                used: 1,
                days: (first..=first + u16::try_from(i % 3).unwrap()).collect(),
                ..Tally::default()
            };
            resources.insert(resource(action, i), Box::new(tally));
        }
    }
    usage
}

/// As many resources as the ledger keeps apart for one action, ten times.
#[divan::bench(args = [1, 2], sample_count = 1, sample_size = 1)]
fn one_principal_with_100_000_resources(bencher: Bencher<'_, '_>, setting: usize) {
    let usage = principal(1, 10_000);
    let options = Options {
        resources: SETTINGS[setting],
        ..Options::default()
    };
    bencher.bench_local(|| generate::plan(&usage, &options));
}

/// Two hundred facts each.
#[divan::bench(args = [0, 1, 2], sample_count = 1, sample_size = 1)]
fn a_thousand_principals_with_200_000_facts(bencher: Bencher<'_, '_>, setting: usize) {
    let usages: Vec<PrincipalUsage> = (0..1_000).map(|seed| principal(seed, 20)).collect();
    let options = Options {
        resources: SETTINGS[setting],
        ..Options::default()
    };
    bencher.bench_local(|| {
        let plans = usages.iter().map(|usage| generate::plan(usage, &options));
        plans.map(|plan| plan.documents.len()).sum::<usize>()
    });
}
