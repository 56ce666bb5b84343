//! What was used to set something up once, for people.

use std::fmt::Write as _;

use crate::generate::one_off::SetUp;
use crate::generate::options::OneOff;
use crate::report::index::date;
use crate::report::summary::{grouped, many};
use crate::report::terminal::safe;

/// The one-off facts of a principal, sorted, with what became of them: a line for each action, day and answer.
#[must_use]
pub fn text(facts: &[SetUp], how: OneOff) -> String {
    let mut out = String::new();
    let alike =
        |a: &SetUp, b: &SetUp| (&a.action, a.day, a.granted) == (&b.action, b.day, b.granted);
    for group in facts.chunk_by(alike) {
        let first = &group[0];
        let resource = safe(first.resource.as_str());
        let on = match group.len() {
            1 => resource.into_owned(),
            several => format!("{} such as {resource}", many(several as u64, "resource")),
        };
        let (word, fate) = match (first.granted, how) {
            (true, OneOff::Keep) => ("one-off", ": granted like all others"),
            (true, OneOff::Separate) => ("one-off", ": granted apart"),
            (true, OneOff::Drop) => ("one-off", ": granted by what recurs"),
            (false, _) => ("not granted", ": one-off"),
        };
        let day = date(first.day).unwrap_or_default();
        let _ = writeln!(out, "{word}: {} on {on}, on {day} only{fate}", first.action);
    }
    out
}

/// The same of several principals in a line, of which `facts` are those of each; empty where none has any.
#[must_use]
pub fn summary<'f>(facts: impl Iterator<Item = &'f [SetUp]>) -> String {
    let (mut principals, mut all, mut left_out) = (0, 0, 0);
    for facts in facts.filter(|facts| !facts.is_empty()) {
        principals += 1;
        all += facts.len() as u64;
        left_out += facts.iter().filter(|fact| !fact.granted).count() as u64;
    }
    let granted = match left_out {
        0 => String::new(),
        left_out => format!(", {} not granted", grouped(left_out)),
    };
    match all {
        0 => String::new(),
        all => format!(
            "one-off: {} of {}{granted}, `oneOff` in index.json\n",
            many(all, "use"),
            many(principals, "principal")
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{summary, text};
    use crate::generate::one_off::SetUp;
    use crate::generate::options::OneOff;
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;

    fn set_up(name: &str, granted: bool) -> SetUp {
        SetUp {
            action: Action::known("sqs:CreateQueue"),
            resource: ResourceArn::from_pattern(format!("arn:aws:sqs:eu-west-1:1:{name}")),
            uses: 1,
            day: 20_000,
            sample_event_id: None,
            granted,
        }
    }

    #[test]
    fn a_line_for_each_answer() {
        let facts = [
            set_up("a", true),
            set_up("b", true),
            set_up("c\u{1b}", false),
        ];
        assert_eq!(
            text(&facts, OneOff::Drop),
            "one-off: sqs:CreateQueue on 2 resources such as arn:aws:sqs:eu-west-1:1:a, on 2024-10-04 only: granted by what recurs\n\
             not granted: sqs:CreateQueue on arn:aws:sqs:eu-west-1:1:c\\u{1b}, on 2024-10-04 only: one-off\n"
        );
        let of = |principals: &[&[SetUp]]| summary(principals.iter().copied());
        assert_eq!(of(&[&[]]), "");
        assert_eq!(
            of(&[&facts, &[], &facts[..1]]),
            "one-off: 4 uses of 2 principals, 1 not granted, `oneOff` in index.json\n"
        );
    }
}
