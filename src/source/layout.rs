//! How CloudTrail lays out a bucket, and what of it is asked for: all that the name of a log object tells before any byte of
//! it is fetched. Pure functions of keys.
//!
//! Sources: CloudTrail User Guide, "Getting and viewing your CloudTrail log files", "CloudTrail log file name format".

use std::collections::BTreeSet;

use jiff::{Timestamp, tz::TimeZone};

use crate::error::{Error, Result};
use crate::source::aws;

/// Log objects of a day may be delivered so much later and still be found by the time of their events, in seconds.
/// CloudTrail delivers within minutes on average and promises no time; a trail that was misconfigured, such as one whose
/// bucket could not be reached, is delivered up to 30 days late, and of it only what is in time is found.
const LATE: i64 = 86_400;

/// What of an AWS input is asked for, and how AWS is reached.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Events from this time on, in seconds since 1970.
    pub from: Option<i64>,
    /// Events before this time.
    pub to: Option<i64>,
    /// Only these accounts; empty: all. In S3 an account's folder holds what its own trail recorded: all calls of its own
    /// callers, to other accounts' resources too, as CloudTrail delivers those to the caller's account and to the resource's
    /// (S3 User Guide, "Amazon S3 CloudTrail events", on calls across accounts). So only the folders of the callers' accounts are
    /// listed. Where a call is recorded by the resource's account only, as a data event is that the caller's trail does not
    /// select, it is not found.
    pub accounts: BTreeSet<String>,
    /// Only these Regions; empty: all. Events of global services name us-east-1, and lie in its folder.
    pub regions: BTreeSet<String>,
    /// Whether digests are asked for too.
    pub digests: bool,
    /// How AWS is reached.
    pub aws: aws::Options,
}

impl Scope {
    /// Whether the object with this key in a bucket is asked for.
    #[must_use]
    pub fn admits(&self, key: &str) -> bool {
        Wanted::new(self).admits(key)
    }
}

/// A [`Scope`] in the spelling of keys.
#[derive(Debug)]
pub(super) struct Wanted {
    accounts: BTreeSet<String>,
    regions: BTreeSet<String>,
    digests: bool,
    first: Option<Moment>,
    last: Option<Moment>,
}

/// A time as folders (`2026/09/05`) and as file names (`20260905T1005Z`) spell it.
#[derive(Debug)]
struct Moment {
    day: String,
    minute: String,
}

impl Moment {
    fn of(second: i64) -> Option<Self> {
        let time = Timestamp::from_second(second).ok()?;
        let time = time.to_zoned(TimeZone::UTC);
        Some(Self {
            day: time.strftime("%Y/%m/%d").to_string(),
            minute: time.strftime("%Y%m%dT%H%MZ").to_string(),
        })
    }
}

/// How a folder is to be listed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Folder by folder, as not all of them may be wanted.
    ByFolder,
    /// With all below it, from this key on.
    Whole(Option<String>),
}

/// Folders in which there is no `AWSLogs` are looked through for one to this depth below the input.
const SEARCHED: usize = 4;

impl Wanted {
    pub(super) fn new(scope: &Scope) -> Self {
        let last = scope.to.map(|to| to.saturating_add(LATE));
        Self {
            accounts: scope.accounts.clone(),
            regions: scope.regions.clone(),
            digests: scope.digests,
            first: scope.from.and_then(Moment::of),
            last: last.and_then(Moment::of),
        }
    }

    /// Whether `key`, of an object or (with `/` at its end) of a folder, is or may hold what is asked for. What does not look
    /// like the layout may. Next to CloudTrail's logs an account's folder may hold those of other services and
    /// Insights events, which are not read, and digests, which are where they were asked for.
    pub(super) fn admits(&self, key: &str) -> bool {
        let Some(place) = Place::of(key) else {
            return true;
        };
        let listed =
            |names: &BTreeSet<String>, name: &str| names.is_empty() || names.contains(name);
        let logs = |name: &str| {
            name.starts_with("CloudTrail")
                && name != "CloudTrail-Insight"
                && (name != "CloudTrail-Digest" || self.digests)
        };
        place
            .account
            .is_none_or(|name| listed(&self.accounts, name))
            && place.service.is_none_or(logs)
            && place.region.is_none_or(|name| listed(&self.regions, name))
            && self.admits_time(&place)
    }

    fn admits_time(&self, place: &Place<'_>) -> bool {
        let day = place.date;
        // Of the same length, in the order of time.
        let begun = self
            .first
            .as_ref()
            .is_none_or(|first| day >= &first.day[..day.len()]);
        let minute = match (place.is_day(), delivered(place.file)) {
            (true, minute) if !minute.is_empty() => Some(minute),
            _ => None,
        };
        begun
            && !self.is_over(day)
            && minute.is_none_or(|minute| {
                self.first
                    .as_ref()
                    .is_none_or(|first| minute >= first.minute.as_str())
                    && self
                        .last
                        .as_ref()
                        .is_none_or(|last| minute <= last.minute.as_str())
            })
    }

    fn is_over(&self, day: &str) -> bool {
        self.last
            .as_ref()
            .is_some_and(|last| day > &last.day[..day.len()])
    }

    /// Whether neither `key` nor any that comes behind it in the listing of the folder `prefix` is asked for. Only in a month or
    /// a day keys are in the order of time: above, another Region or account follows.
    pub(super) fn ends_before(&self, key: &str, prefix: &str) -> bool {
        Place::of(prefix).is_some_and(|folder| folder.is_month())
            && Place::of(key).is_some_and(|place| self.is_over(place.date))
    }

    /// How the folder `prefix`, so deep below the input, is to be listed. A month is listed whole, as its days are few
    /// and their keys are in order.
    pub(super) fn step(&self, prefix: &str, depth: usize) -> Step {
        let Some(place) = Place::of(prefix) else {
            return match depth < SEARCHED && !prefix.contains("AWSLogs/") {
                true => Step::ByFolder,
                false => Step::Whole(None),
            };
        };
        if place.file.is_empty() && !place.is_month() && place.odd.is_none() {
            return Step::ByFolder;
        }
        let start = self.first.as_ref().filter(|first| {
            place.odd.is_none()
                && place.is_month()
                && !place.is_day()
                && first.day.starts_with(place.date)
        });
        Step::Whole(start.map(|first| format!("{prefix}{}", &first.day["2026/09/".len()..])))
    }
}

/// What a key tells by the folders on its way, as far as they look like the layout
/// `[prefix/]AWSLogs/[o-…/]<account>/CloudTrail/<Region>/<year>/<month>/<day>/<file>`.
#[derive(Debug, Default, PartialEq, Eq)]
struct Place<'k> {
    account: Option<&'k str>,
    service: Option<&'k str>,
    region: Option<&'k str>,
    /// `2026`, `2026/09` or `2026/09/05`; empty where there is none.
    date: &'k str,
    /// The first folder that is something else.
    odd: Option<&'k str>,
    /// What is behind the last `/`.
    file: &'k str,
}

/// What the folders below `AWSLogs` look like: account, service, Region, year, month, day.
const LEVELS: [fn(&str) -> bool; 6] = [
    |name| digits(name, 12),
    |_| true,
    is_region,
    |name| digits(name, 4),
    |name| digits(name, 2),
    |name| digits(name, 2),
];

impl<'k> Place<'k> {
    /// `None` where there is no `AWSLogs` on the way.
    fn of(key: &'k str) -> Option<Self> {
        let logs = key
            .match_indices("AWSLogs/")
            .find(|(at, _)| *at == 0 || key[..*at].ends_with('/'))?;
        let mut at = logs.0 + "AWSLogs/".len();
        let file = key[at..].rsplit('/').next().unwrap_or_default();
        if key[at..].starts_with("o-") {
            at += key[at..].find('/').map_or(0, |end| end + 1);
        }
        let mut place = Self {
            file,
            ..Self::default()
        };
        let mut date = at..at;
        for (number, looks_right) in LEVELS.iter().enumerate() {
            let Some((name, _)) = key[at..].split_once('/') else {
                break;
            };
            if !looks_right(name) {
                place.odd = Some(name);
                break;
            }
            match number {
                0 => place.account = Some(name),
                1 => place.service = Some(name),
                2 => place.region = Some(name),
                3 => date = at..at + name.len(),
                _ => date.end = at + name.len(),
            }
            at += name.len() + 1;
        }
        place.date = &key[date];
        Some(place)
    }

    fn is_month(&self) -> bool {
        self.date.len() >= "2026/09".len()
    }

    fn is_day(&self) -> bool {
        self.date.len() == "2026/09/05".len()
    }
}

fn digits(name: &str, count: usize) -> bool {
    name.len() == count && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether it looks like a Region's name: `eu-west-1`, `us-gov-east-1`.
fn is_region(name: &str) -> bool {
    let mut parts = name.rsplit('-');
    let number = parts.next().unwrap_or_default();
    !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && parts.clone().count() >= 2
        && parts.all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase()))
}

/// The bucket and the prefix of an input, `s3://bucket/prefix`; the prefix is empty where it names the bucket only.
///
/// # Errors
/// [`Error::Usage`] where it names no bucket.
pub fn bucket_and_prefix(input: &str) -> Result<(&str, &str)> {
    let path = input.strip_prefix("s3://").unwrap_or(input);
    let (bucket, prefix) = path.split_once('/').unwrap_or((path, ""));
    let is_odd = |sign: char| sign.is_whitespace() || sign.is_control();
    if bucket.is_empty() || bucket.contains(is_odd) {
        let help = "help: give s3://bucket or s3://bucket/prefix";
        return Err(Error::Usage(format!("`{input}` names no bucket\n{help}")));
    }
    Ok((bucket, prefix))
}

/// When a delivery file was delivered, as its name tells: `20260301T1005Z` of
/// `111122223333_CloudTrail_eu-west-1_20260301T1005Z_a1B2c3D4e5F6g7H8.json.gz`. Empty for any other name.
#[must_use]
pub fn delivered(name: &str) -> &str {
    let is_time = |part: &&str| {
        let shape = |(at, byte): (usize, u8)| match at {
            8 => byte == b'T',
            13 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        };
        part.len() == 14 && part.bytes().enumerate().all(shape)
    };
    let file = name
        .rsplit(['/', std::path::MAIN_SEPARATOR])
        .next()
        .unwrap_or_default();
    file.split('_').find(is_time).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Scope, Step, Wanted, delivered};

    const SEPTEMBER_5: i64 = 1_788_566_400;

    fn wanted(from: Option<i64>, to: Option<i64>, accounts: &[&str], regions: &[&str]) -> Wanted {
        let names = |names: &[&str]| -> BTreeSet<String> {
            names.iter().map(|&name| name.to_owned()).collect()
        };
        Wanted::new(&Scope {
            from,
            to,
            accounts: names(accounts),
            regions: names(regions),
            ..Scope::default()
        })
    }

    #[test]
    fn a_delivery_files_name_tells_when() {
        for (name, when) in [
            (
                "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01/111122223333_CloudTrail_eu-west-1_20260301T1005Z_a1B2c3D4e5F6g7H8.json.gz",
                "20260301T1005Z",
            ),
            ("x_20260301T1005Z", "20260301T1005Z"),
            ("20260301T1005Z/events.json", ""),
            ("x_20260301T100Z.json", ""),
            ("x_2026030éT1005Z", ""),
            ("", ""),
        ] {
            assert_eq!(delivered(name), when, "{name}");
        }
    }

    #[test]
    fn folders_that_hold_nothing_asked_for_are_left_out() {
        let noon = Some(SEPTEMBER_5 + 43_200);
        let later = Some(SEPTEMBER_5 + 86_400 + 43_200);
        let wanted = wanted(noon, later, &["111122223333"], &["eu-west-1"]);
        for admitted in [
            "",
            "a/b/",
            "x.json",
            "AWSLogs/",
            "p/AWSLogs/o-a1b2c3d4e5/",
            "AWSLogs/111122223333/",
            "p/q/AWSLogs/o-a1b2c3d4e5/111122223333/CloudTrail/",
            "AWSLogs/111122223333/CloudTrail-Aggregated/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/05/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/07/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/05/x_20260905T1200Z_y.json.gz",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/07/x_20260907T1200Z_y.json.gz",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/05/renamed",
            "AWSLogs/111122223333/CloudTrail/copied/2020/01/01/x",
            "AWSLogs/not-an-account/CloudTrail/us-east-1/2020/",
            "NoAWSLogs/444455556666/x",
        ] {
            assert!(wanted.admits(admitted), "{admitted}");
        }
        for left_out in [
            "AWSLogs/444455556666/",
            "AWSLogs/o-a1b2c3d4e5/444455556666/",
            "AWSLogs/111122223333/elasticloadbalancing/",
            "AWSLogs/111122223333/CloudTrail-Digest/",
            "AWSLogs/111122223333/CloudTrail-Insight/eu-west-1/2026/09/05/x",
            "AWSLogs/111122223333/CloudTrail/us-east-1/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2025/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/08/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/04/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/08/",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/05/x_20260905T1159Z_y.json.gz",
            "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/09/07/x_20260907T1201Z_y.json.gz",
        ] {
            assert!(!wanted.admits(left_out), "{left_out}");
        }
        let region = "a/b/c/d/AWSLogs/111122223333/CloudTrail/eu-west-1/";
        let ends =
            |day: &str, prefix: &str| wanted.ends_before(&format!("{region}{day}/x"), prefix);
        for folder in ["2026/09/", "2026/09/08/"] {
            let folder = format!("{region}{folder}");
            assert!(ends("2026/09/08", &folder) && !ends("2026/09/07", &folder));
        }
        for above in ["", "a/b/c/d/", "a/b/c/d/AWSLogs/", region] {
            assert!(!ends("2026/09/08", above), "{above}");
        }
    }

    #[test]
    fn months_are_listed_whole_from_the_first_day_asked_for() {
        let wanted = wanted(Some(SEPTEMBER_5), None, &[], &[]);
        let region = "p/AWSLogs/o-a/111122223333/CloudTrail/eu-west-1/";
        for (prefix, depth, step) in [
            ("", 0, Step::ByFolder),
            ("a/b/c/d/", 4, Step::Whole(None)),
            ("a/b/c/d/AWSLogs/", 5, Step::ByFolder),
            (region, 9, Step::ByFolder),
            (&format!("{region}2026/"), 9, Step::ByFolder),
            (&format!("{region}2026/10/"), 9, Step::Whole(None)),
            (
                &format!("{region}2026/09/"),
                9,
                Step::Whole(Some(format!("{region}2026/09/05"))),
            ),
            (&format!("{region}2026/09/05/"), 0, Step::Whole(None)),
            ("AWSLogs/of-another-kind/", 1, Step::Whole(None)),
        ] {
            assert_eq!(wanted.step(prefix, depth), step, "{prefix}");
        }
    }
}
