//! Parts of a name that a machine made up: dates, generated identifiers, numbers.
//!
//! Knows nothing of evidence: it says what a part looks like, not whether it is generalised.

use std::ops::Range;

use crate::generate::layout::{Layout, is_account};

/// What a part of a name looks like. The order is that of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shape {
    /// A day, a month or a time: `2026-09-01`, `20260901T1200Z`, the path `2026/09/01`, `year=2026`.
    Date,
    /// A UUID, long hexadecimal, an EC2-style id, a long random word.
    Identifier,
    /// A run of digits.
    Number,
}

/// One part of an ARN, as a byte range of its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) range: Range<usize>,
    pub(super) shape: Shape,
}

/// Shorter hexadecimal is too often a word or a number.
const HEX_LENGTH: usize = 16;
/// … but for a commit's, behind a separator, with letters and digits in turn (git abbreviates to seven and more).
const SHORT_HASH_LENGTH: usize = 7;
/// Random letters and digits: the shortest word in one case (a ULID has 26, an access key id 20) …
const RANDOM_LENGTH: usize = 20;
/// … and in mixed case, where fewer words look alike (the file names of CloudTrail have 16).
const MIXED_RANDOM_LENGTH: usize = 16;
/// How often a random word changes between letters and digits at least. `productionbackup2026` does so once.
const RANDOM_SWITCHES: usize = 4;
/// More parts than this in one ARN stay as they are: it bounds the work on a hostile name.
const MAX_SLOTS: usize = 16;

/// The parts of an ARN that look made up, in the order they stand. Parts of the resource's type, of the bucket and of a
/// name that alone identifies a long-lived resource are never among them.
pub(super) fn slots(layout: &Layout<'_>) -> Vec<Slot> {
    let mut out = Vec::new();
    let has_wildcard = memchr::memchr2(b'*', b'?', layout.text.as_bytes()).is_some();
    let mut i = layout.first;
    while i < layout.components.len() && out.len() < MAX_SLOTS {
        let component = layout.component(i);
        let range = layout.components[i].clone();
        let fresh = layout.made_for_each_use == Some(i);
        i += 1;
        let is_wild = has_wildcard && component.contains(['*', '?']);
        if layout.sole == Some(i - 1) && !fresh || is_wild {
            continue;
        }
        if let Some(last) = date_path(layout, i - 1) {
            out.push(Slot {
                range: range.start..layout.components[last].end,
                shape: Shape::Date,
            });
            i = last + 1;
        } else if is_log_stream(component)
            || fresh && layout.service == "ec2" && is_ec2_id(component)
        {
            out.push(Slot {
                range,
                shape: Shape::Identifier,
            });
        } else if !is_account(component) {
            within(component, range.start, &mut out);
        }
    }
    out.truncate(MAX_SLOTS);
    out
}

/// Whether a part of `name` is a date or a generated identifier.
pub(super) fn has_identifier(name: &str) -> bool {
    made_up(name).is_some()
}

/// From where the first date or generated identifier in `name` begins to where the last one ends; `None` where there is none.
pub(super) fn made_up(name: &str) -> Option<Range<usize>> {
    let mut found = Vec::new();
    within(name, 0, &mut found);
    let mut made_up = found.iter().filter(|slot| slot.shape != Shape::Number);
    let first = made_up.next()?.range.clone();
    let end = made_up.next_back().map_or(first.end, |slot| slot.range.end);
    Some(first.start..end)
}

/// The last component of a path of a year, a month and perhaps a day and an hour that starts at component `from`:
/// `2026/09/01`.
fn date_path(layout: &Layout<'_>, from: usize) -> Option<usize> {
    let number = |i: usize, length: usize| -> Option<u32> {
        let range = layout.components.get(i)?;
        if range.len() != length {
            return None;
        }
        let slash = i == from || layout.text.as_bytes()[range.start - 1] == b'/';
        let text = layout.component(i);
        let fits = slash && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| fits)
    };
    number(from, 4).filter(|y| (1990..2100).contains(y))?;
    number(from + 1, 2).filter(|m| (1..=12).contains(m))?;
    if number(from + 2, 2).is_none_or(|d| !(1..=31).contains(&d)) {
        return Some(from + 1);
    }
    Some(if number(from + 3, 2).is_some_and(|h| h < 24) {
        from + 3
    } else {
        from + 2
    })
}

/// Whether a component is the last of a Lambda log stream's name, `[$LATEST]0f…`; `$` is escaped in policy syntax.
/// Source: Lambda Developer Guide, "Using CloudWatch Logs with Lambda".
fn is_log_stream(component: &str) -> bool {
    component
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .is_some_and(|(_, id)| is_hex(id))
}

/// Whether a component is a whole EC2 id: `i-0123456789abcdef0`, or with eight digits as before 2016. Its stem says no
/// more than the resource's type.
pub(super) fn is_ec2_id(component: &str) -> bool {
    component.rsplit_once('-').is_some_and(|(kind, id)| {
        kind.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
            && matches!(id.len(), 8 | 17)
            && id.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

fn is_hex(word: &str) -> bool {
    word.len() >= HEX_LENGTH
        && word.bytes().all(|b| b.is_ascii_hexdigit())
        && word.bytes().any(|b| b.is_ascii_digit())
}

fn is_random(word: &str) -> bool {
    if word.len() < MIXED_RANDOM_LENGTH {
        return false;
    }
    let mixed = word.bytes().any(|b| b.is_ascii_lowercase())
        && word.bytes().any(|b| b.is_ascii_uppercase());
    let least = if mixed {
        MIXED_RANDOM_LENGTH
    } else {
        RANDOM_LENGTH
    };
    let switches = word
        .as_bytes()
        .windows(2)
        .filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit())
        .count();
    word.len() >= least && switches >= RANDOM_SWITCHES
}

/// Adds the parts of one component, which starts at byte `offset` of the ARN.
fn within(component: &str, offset: usize, out: &mut Vec<Slot>) {
    let bytes = component.as_bytes();
    // Nothing is made up without a digit but a UUID of letters, and most components have none.
    let digit = |any: bool, b: &u8| any | b.is_ascii_digit();
    if bytes.len() < UUID && !bytes.iter().fold(false, digit) {
        return;
    }
    let mut push = |range: Range<usize>, shape: Shape| {
        out.push(Slot {
            range: offset + range.start..offset + range.end,
            shape,
        });
    };
    let mut at = 0;
    // Up to where no version starts, so that no text is looked through for each number in it.
    let mut none_to = 0;
    while at < bytes.len() {
        if !bytes[at].is_ascii_alphanumeric() {
            at += 1;
            continue;
        }
        let end = word_end(bytes, at);
        let word = &component[at..end];
        // Of a UUID too, some words may have none.
        if word.len() != UUID_WORD && !word.bytes().any(|b| b.is_ascii_digit()) {
            at = end;
            continue;
        }
        if let Some(end) = uuid(bytes, at) {
            push(at..end, Shape::Identifier);
            at = end;
            continue;
        }
        if let Some(end) = date(bytes, at) {
            push(at..end, Shape::Date);
            at = end;
            continue;
        }
        let is_identifier = is_hex(word) || is_random(word) || is_short_id(&component[..at], word);
        if !is_identifier && at >= none_to {
            match version(component, at) {
                Ok(version) => {
                    at = version.end;
                    push(version, Shape::Number);
                    continue;
                }
                Err(end) => none_to = end,
            }
        }
        if is_identifier {
            push(at..end, Shape::Identifier);
        } else if let Some(digits) = calendar_value(&component[..at], word) {
            push(at..at + digits, Shape::Date);
        } else {
            numbers(word, |range| {
                push(at + range.start..at + range.end, Shape::Number)
            });
        }
        at = end;
    }
}

/// Whether `word` is a short hash: the eight digits of an old EC2-style id behind a lower-case word and `-`, a commit's, or the
/// suffix that CloudFormation gives to a name.
fn is_short_id(before: &str, word: &str) -> bool {
    if word.len() < SHORT_HASH_LENGTH {
        return false;
    }
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    if digits == 0 || digits == word.len() {
        return false;
    }
    let hex = word.bytes().all(|b| b.is_ascii_hexdigit());
    let ec2 = before
        .strip_suffix('-')
        .is_some_and(|stem| stem.ends_with(|c: char| c.is_ascii_lowercase()));
    let separate = before.is_empty() || before.ends_with(['-', '_', '.', '=']);
    // Source: CloudFormation User Guide, "Name type": the stack's name, the logical id and a random suffix.
    let suffix = before.ends_with('-')
        && matches!(word.len(), 12 | 13)
        && !word.bytes().any(|b| b.is_ascii_lowercase());
    let switches = word.as_bytes().windows(2);
    let switches = switches.filter(|pair| pair[0].is_ascii_digit() != pair[1].is_ascii_digit());
    ec2 && hex && word.len() == 8 || (separate && hex || suffix) && switches.count() >= 2
}

/// The numbers of a version that starts at `from`: `1.31.0`, `2.4` in `v2.4`. Else up to where none starts.
fn version(name: &str, from: usize) -> Result<Range<usize>, usize> {
    let bytes = name.as_bytes();
    let digits = |at: usize| {
        let run = bytes.get(at..)?.iter().take_while(|b| b.is_ascii_digit());
        Some(at + run.count()).filter(|end| *end > at)
    };
    let start = from + usize::from(matches!(bytes[from], b'v' | b'V'));
    let major = digits(start).ok_or(start)?;
    if bytes.get(major) != Some(&b'.') {
        return Err(major);
    }
    let mut end = digits(major + 1).ok_or(major)?;
    while bytes.get(end) == Some(&b'.')
        && let Some(more) = digits(end + 1)
    {
        end = more;
    }
    match ends_at(bytes, end) {
        true => Ok(start..end),
        false => Err(end),
    }
}

/// The length of `word` where it is the value of a Hive partition by time: `2026` in `year=2026`.
fn calendar_value(before: &str, word: &str) -> Option<usize> {
    let key = before.strip_suffix('=')?;
    let timely = ["year", "month", "day", "hour"].contains(&key);
    (timely && word.len() <= 4 && word.bytes().all(|b| b.is_ascii_digit())).then_some(word.len())
}

/// Each run of digits in `word`, but for those that could be an account's id.
fn numbers(word: &str, mut found: impl FnMut(Range<usize>)) {
    let bytes = word.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let start = at;
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
        }
        if at == start {
            at += 1;
        } else if !is_account(&word[start..at]) {
            found(start..at);
        }
    }
}

fn word_end(bytes: &[u8], from: usize) -> usize {
    let rest = &bytes[from..];
    from + rest
        .iter()
        .position(|b| !b.is_ascii_alphanumeric())
        .unwrap_or(rest.len())
}

fn ends_at(bytes: &[u8], end: usize) -> bool {
    !bytes.get(end).is_some_and(u8::is_ascii_alphanumeric)
}

/// The length of a UUID, and of its first word.
const UUID: usize = 36;
const UUID_WORD: usize = 8;

/// Where a UUID that starts at `from` ends.
fn uuid(bytes: &[u8], from: usize) -> Option<usize> {
    let end = from + UUID;
    let text = bytes.get(from..end)?;
    let fits = text.iter().enumerate().all(|(i, b)| match i {
        8 | 13 | 18 | 23 => *b == b'-',
        _ => b.is_ascii_hexdigit(),
    });
    (fits && ends_at(bytes, end)).then_some(end)
}

/// Where a date that starts at `from`, with the time behind it, ends.
fn date(bytes: &[u8], from: usize) -> Option<usize> {
    let two = |at: usize| match bytes.get(at..at + 2)? {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(u32::from(a - b'0') * 10 + u32::from(b - b'0')),
        _ => None,
    };
    // An account's id, which is never generalised.
    let is_account = |at: usize| {
        let run = bytes.iter().skip(at).take(13);
        run.take_while(|b| b.is_ascii_digit()).count() == 12
    };
    two(from).filter(|century| [19, 20].contains(century) && !is_account(from))?;
    two(from + 2)?;
    let separator = bytes
        .get(from + 4)
        .copied()
        .filter(|b| matches!(b, b'-' | b'_' | b'.'));
    let gap = usize::from(separator.is_some());
    let month_at = from + 4 + gap;
    two(month_at).filter(|month| (1..=12).contains(month))?;
    let day_at = month_at + 2 + gap;
    let has_day = bytes
        .get(day_at - gap..day_at)
        .is_some_and(|s| s.first().copied() == separator)
        && two(day_at).is_some_and(|day| (1..=31).contains(&day));
    if !has_day {
        // `2026-09`; not `2026.09`, which is a version as often, and not the start of `2026-09-1234`.
        let end = month_at + 2;
        let more = bytes.get(end).copied() == separator
            && bytes.get(end + 1).is_some_and(u8::is_ascii_digit);
        let fits = matches!(separator, Some(b'-' | b'_')) && ends_at(bytes, end) && !more;
        return fits.then_some(end);
    }
    // The time may stop after the hour, the minute, the second or its fraction: the longest that ends the word wins.
    let mut ends = vec![day_at + 2];
    let mut at = day_at + 2;
    at += usize::from(matches!(
        bytes.get(at),
        Some(b'T' | b't' | b'-' | b'_' | b' ')
    ));
    for limit in [23, 59, 60] {
        if ends.len() > 1 && matches!(bytes.get(at), Some(b':' | b'-' | b'_' | b'.')) {
            at += 1;
        }
        if two(at).is_none_or(|value| value > limit) || is_account(at) {
            break;
        }
        at += 2;
        ends.push(at);
    }
    if ends.len() == 4 {
        at += usize::from(bytes.get(at) == Some(&b'.'));
        while bytes.get(at).is_some_and(u8::is_ascii_digit) {
            at += 1;
            ends.push(at);
        }
    }
    let zulu = |end: &usize| end + usize::from(matches!(bytes.get(*end), Some(b'Z' | b'z')));
    ends.iter()
        .map(zulu)
        .filter(|end| ends_at(bytes, *end))
        .max()
}

#[cfg(test)]
mod tests {
    use super::{Shape, slots};
    use crate::generate::layout::Layout;
    use crate::iam::arn::ResourceArn;

    /// The ARN with each part replaced by `<D>`, `<I>` or `<N>`.
    fn shown(arn: &str) -> String {
        let arn = ResourceArn::from_pattern(arn);
        let Some(layout) = Layout::of(&arn) else {
            return arn.to_string();
        };
        let mut text = arn.to_string();
        for slot in slots(&layout).iter().rev() {
            let mark = match slot.shape {
                Shape::Date => "<D>",
                Shape::Identifier => "<I>",
                Shape::Number => "<N>",
            };
            text.replace_range(slot.range.clone(), mark);
        }
        text
    }

    #[test]
    fn parts_of_object_keys() {
        for (key, expected) in [
            ("a/path/of/words.txt", "a/path/of/words.txt"),
            ("3f2504e0-4f89-11d3-9a0c-0305e82c3301.json", "<I>.json"),
            (
                "x3f2504e0-4f89-11d3-9a0c-0305e82c3301",
                "x<N>f<N>e<N>-<N>f<N>-<N>d<N>-<N>a<N>c-<I>",
            ),
            ("logs/2026/09/01/part", "logs/<D>/part"),
            ("logs/2026/09/01/13/part", "logs/<D>/part"),
            ("logs/2026/09/part", "logs/<D>/part"),
            ("logs/2026/13/part", "logs/<N>/<N>/part"),
            ("logs/3026/09/part", "logs/<N>/<N>/part"),
            (
                "t/year=2026/month=09/day=1/f",
                "t/year=<D>/month=<D>/day=<D>/f",
            ),
            ("t/dt=2026-09-01/f", "t/dt=<D>/f"),
            ("db-2026-09-01.sql.gz", "db-<D>.sql.gz"),
            ("db-2026-09.sql.gz", "db-<D>.sql.gz"),
            ("db-2026.09.sql.gz", "db-<N>.sql.gz"),
            ("db_20260901.bak", "db_<D>.bak"),
            ("db-20261399.bak", "db-<N>.bak"),
            ("x-20260901T1200Z.log", "x-<D>.log"),
            ("x-2026-09-01T12:00:07.123Z.log", "x-<D>.log"),
            ("x-2026-09-01-12-00-00-y", "x-<D>-y"),
            ("x-2026-09-01-98765", "x-<D>-<N>"),
            ("x-2026-09-99", "x-<N>-<N>-<N>"),
            ("x20260901120000", "x<N>"),
            ("20260901120000.gz", "<D>.gz"),
            ("203012041159_CloudTrail.gz", "203012041159_CloudTrail.gz"),
            ("x-2026-09-01-111122223333.gz", "x-<D>-111122223333.gz"),
            (
                "commit/4b825dc642cb6eb9a060e54bf8d69288fbee4904/x",
                "commit/<I>/x",
            ),
            ("facadefacadefacadefacade", "facadefacadefacadefacade"),
            ("01ARZ3NDEKTSV4RRFFQ69G5FAV.json", "<I>.json"),
            ("productionbackupofweek42", "productionbackupofweek<N>"),
            ("i-0123456789abcdef0/console.txt", "i-<I>/console.txt"),
            ("app-1a2b3c4d.zip", "app-<I>.zip"),
            ("app-facebeef.zip", "app-facebeef.zip"),
            ("build-1234.zip", "build-<N>.zip"),
            ("web/3fa9c1d/x", "web/<I>/x"),
            ("web-3fa9c1d.zip", "web-<I>.zip"),
            ("web/decade90/x", "web/decade<N>/x"),
            ("stack-Sync-AD4PEUGOM3BJ.zip", "stack-Sync-<I>.zip"),
            ("stack-PRODUCTION42.zip", "stack-PRODUCTION<N>.zip"),
            ("releases/1.31.0/x", "releases/<N>/x"),
            ("app-v2.4-rc1.zip", "app-v<N>-rc<N>.zip"),
            ("app-1.2.3.tar.gz", "app-<N>.tar.gz"),
            ("part-1.7z", "part-<N>.<N>z"),
            ("1.2.3x-v1.2", "<N>.<N>.<N>x-v<N>"),
            ("1.v2.3/1.2.3x.4.5", "<N>.v<N>/<N>.<N>.<N>x.<N>"),
            ("AWSLogs/111122223333/x", "AWSLogs/111122223333/x"),
            (
                "111122223333_CloudTrail_eu-west-1.gz",
                "111122223333_CloudTrail_eu-west-<N>.gz",
            ),
            ("wild-*-2026-09-01", "wild-*-2026-09-01"),
            ("é2026-09-01é", "é<D>é"),
        ] {
            let prefix = "arn:aws:s3:::bucket-2026-09-01/";
            let found = shown(&format!("{prefix}{key}"));
            assert_eq!(found.strip_prefix(prefix), Some(expected), "{key}");
        }
    }

    #[test]
    fn names_of_long_lived_resources_have_no_parts() {
        for arn in [
            "arn:aws:s3:::bucket-2026-09-01",
            "arn:aws:kms:eu-west-1:111122223333:key/3f2504e0-4f89-11d3-9a0c-0305e82c3301",
            "arn:aws:iam::111122223333:role/deploy-2026-09-01",
            "arn:aws:lambda:eu-west-1:111122223333:function:resize-1a2b3c4d",
            "arn:aws:dynamodb:eu-west-1:111122223333:table/orders-2026",
            "arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-0123456789abcdef0",
            "arn:aws:ec2:eu-west-1:111122223333:security-group/sg-0123456789abcdef0",
            "arn:aws:sqs:eu-west-1:111122223333:orders-20260901",
            "*",
        ] {
            assert_eq!(shown(arn), arn);
        }
    }

    #[test]
    fn identifiers_that_aws_makes_for_each_use_are_parts() {
        for (resource, expected) in [
            ("ec2|instance/i-0123456789abcdef0", "instance/<I>"),
            ("ec2|volume/vol-12345678", "volume/<I>"),
            (
                "ecs|task/web/0123456789abcdef0123456789abcdef",
                "task/web/<I>",
            ),
            ("ecs|task/web-1a2b3c4d/x", "task/web-1a2b3c4d/x"),
            (
                "cloudformation|stack/app/3f2504e0-4f89-11d3-9a0c-0305e82c3301",
                "stack/app/<I>",
            ),
            (
                "codebuild|build/app:3f2504e0-4f89-11d3-9a0c-0305e82c3301",
                "build/app:<I>",
            ),
            (
                "dynamodb|table/t/stream/2026-09-01T00:48:05.899",
                "table/t/stream/<D>",
            ),
            ("rds|snapshot:db-2026-09-01-00-05", "snapshot:db-<D>"),
            (
                "rds|snapshot:rds:db-2026-09-01-00-05",
                "snapshot:rds:db-<D>",
            ),
            ("ssm|session/ann-0123456789abcdef0", "session/ann-<I>"),
            (
                "logs|log-group:/aws/lambda/f:log-stream:2026/09/01/[${$}LATEST]0123456789abcdef0123456789abcdef",
                "log-group:/aws/lambda/f:log-stream:<D>/<I>",
            ),
            (
                "autoscaling|autoScalingGroup:3f2504e0-4f89-11d3-9a0c-0305e82c3301:autoScalingGroupName/web",
                "autoScalingGroup:<I>:autoScalingGroupName/web",
            ),
        ] {
            let (service, rest) = resource.split_once('|').unwrap();
            let prefix = format!("arn:aws:{service}:eu-west-1:111122223333:");
            assert_eq!(
                shown(&format!("{prefix}{rest}")),
                format!("{prefix}{expected}")
            );
        }
    }
}
