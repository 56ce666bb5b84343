//! From records to files, in the layout and under the names that CloudTrail uses, and the answer key beside them.

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, GzBuilder};
use serde_json::{Value, json};

use crate::moment::Moment;
use crate::organisation::{Need, Organisation, Times, Truth};
use crate::rng::Rng;

/// Writes the logs below `folder/AWSLogs` and `folder/truth.json`.
pub(crate) fn write(
    folder: &Path,
    seed: u64,
    organisation: &Organisation,
) -> Result<(), Box<dyn Error>> {
    logs(folder, organisation)?;
    fs::write(folder.join("truth.json"), truth(seed, organisation))?;
    Ok(())
}

/// Writes the logs below `folder/AWSLogs`: a file for each account, Region and day. CloudTrail writes one about every five
/// minutes; a whole day's keeps them few.
pub(crate) fn logs(folder: &Path, organisation: &Organisation) -> Result<(), Box<dyn Error>> {
    let logs = folder.join("AWSLogs");
    if logs.exists() {
        fs::remove_dir_all(&logs)?;
    }
    let mut rng = organisation.rng("names of files");
    for ((account, region, day), records) in &organisation.files {
        let at = Moment::new(*day, 23, 55);
        let below = logs.join(format!("{account}/CloudTrail/{region}/{}", at.path()));
        fs::create_dir_all(&below)?;
        let unique = rng.text(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
            16,
        );
        let name = format!(
            "{account}_CloudTrail_{region}_{}T2355Z_{unique}.json.gz",
            at.compact()
        );
        let mut order: Vec<&String> = records.iter().collect();
        shuffle(&mut order, &mut rng);
        let file = fs::File::create(below.join(name))?;
        let mut writer = GzBuilder::new().write(file, Compression::fast());
        writer.write_all(b"{\"Records\":[")?;
        for (place, record) in order.iter().enumerate() {
            if place > 0 {
                writer.write_all(b",")?;
            }
            writer.write_all(record.as_bytes())?;
        }
        writer.write_all(b"]}")?;
        writer.finish()?;
    }
    Ok(())
}

/// CloudTrail does not sort the records of a file.
fn shuffle<T>(records: &mut [T], rng: &mut Rng) {
    for last in (1..records.len()).rev() {
        let other = rng.below(last as u64 + 1) as usize;
        records.swap(last, other);
    }
}

/// The answer key, one action a line.
pub(crate) fn truth(seed: u64, organisation: &Organisation) -> String {
    let principals = organisation.principals.iter();
    let principals: Vec<String> = principals
        .map(|(principal, truth)| entry(principal, truth))
        .collect();
    format!(
        "{{\n\"seed\": {seed},\n\"train\": {},\n\"test\": {},\n\"principals\": [\n{}\n]\n}}\n",
        json!({ "from": Moment::new(0, 0, 0).date(), "to": Moment::new(organisation.train, 0, 0).date() }),
        json!({
            "from": Moment::new(organisation.train, 0, 0).date(), "to": Moment::new(organisation.days, 0, 0).date(),
        }),
        principals.join(",\n"),
    )
}

fn entry(principal: &str, truth: &Truth) -> String {
    let passed = truth.passed.iter();
    let passed: Vec<Value> = passed
        .map(|(role, service)| json!({ "role": role, "service": service }))
        .collect();
    format!(
        "{{\n\"principal\": {},\n\"kind\": {},\n\"account\": {},\n\"records\": {},\n\"denied\": {},\n\"passed\": {},\n\
         \"trueNeeds\": [\n{}\n],\n\"trained\": [\n{}\n],\n\"tested\": [\n{}\n]\n}}",
        json!(principal),
        json!(truth.kind.name()),
        json!(truth.account),
        truth.records,
        json!(truth.denied),
        json!(passed),
        patterns(truth),
        needs(&truth.trained),
        needs(&truth.tested),
    )
}

/// The patterns; `shown` where a call before the cut shows it.
fn patterns(truth: &Truth) -> String {
    let lines = truth.patterns.iter().map(|need| {
        let shown = truth.shown.contains(need);
        json!({ "action": need.0, "resource": need.1, "shown": shown }).to_string()
    });
    lines.collect::<Vec<_>>().join(",\n")
}

/// By action, the resources with their calls; what nobody could foresee on a line of its own.
fn needs(needs: &BTreeMap<Need, Times>) -> String {
    let mut grouped: BTreeMap<(&str, bool), BTreeMap<&str, u64>> = BTreeMap::new();
    for ((action, resource), times) in needs {
        let group = grouped.entry((action, times.new)).or_default();
        group.insert(resource, times.calls);
    }
    let lines = grouped.into_iter().map(|((action, new), resources)| {
        let resources: Value = resources
            .into_iter()
            .map(|(r, n)| (r.to_owned(), json!(n)))
            .collect();
        json!({ "action": action, "new": new, "resources": resources }).to_string()
    });
    lines.collect::<Vec<_>>().join(",\n")
}
