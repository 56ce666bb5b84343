//! The condition keys of a request: is there a key that these conditions hold of and those do not?
//!
//! Keys are told apart from each other, and of one key's values only those are tried that the conditions tell apart: for
//! text a shortest string that fits, for numbers, dates and addresses one of each interval that the policies' values cut, for
//! set operators one value for each that has to be there.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use jiff::{SignedDuration, Timestamp};

use crate::verify::compare::words::{Tape, Word, shortest};
use crate::verify::condition::{Condition, Network, SetOperator, Test, date, number};
use crate::verify::context::{Context, Key};
use crate::verify::glob::Token;
use crate::verify::matcher::{Answer, Filled};

/// A condition, and whether it has to hold or to fail.
pub(super) type Asked<'p> = (&'p Condition, bool);

/// What there is of a key that conditions ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Solved {
    /// This fits.
    Yes(Key),
    /// Nothing does.
    No,
    /// That could not be told.
    Open,
}

/// What is known of the keys that variables of the policies name, and what counts as an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct World {
    /// The keys that are settled have their values here. Of the others nothing is known in a generous world; in a strict
    /// one they are absent, until they are asked for.
    pub(super) context: Context,
    /// Whether what IAM's documentation or an unknown variable leaves open counts as what is wanted of it. A search in a
    /// generous world that finds nothing proves that there is nothing; what a strict one finds is there.
    pub(super) generous: bool,
}

impl World {
    fn fits(&self, answer: Answer, wanted: bool) -> bool {
        match answer {
            Answer::Unknown => self.generous,
            answer => (answer == Answer::Yes) == wanted,
        }
    }

    /// A value, or absence, of the one key that all of `asked` are about.
    pub(super) fn solve(&self, asked: &[Asked<'_>], steps: &mut u64) -> Solved {
        let Some(key) = asked.first().map(|(condition, _)| &condition.lookup) else {
            return Solved::Yes(Key::Absent);
        };
        let all = |context: &Context| {
            let mut asked = asked.iter();
            asked.all(|(condition, wanted)| self.fits(condition.holds(context), *wanted))
        };
        if self.context.names(key) {
            return match all(&self.context) {
                true => Solved::Yes(self.context.get(key).clone()),
                false => Solved::No,
            };
        }
        let fits = |value: &Key| all(&self.context.clone().with(key, value.clone()));
        let known = |values: &[&str]| Key::Known(values.iter().map(|v| (*v).to_owned()).collect());
        if fits(&Key::Absent) {
            return Solved::Yes(Key::Absent);
        }
        let (nulls, tests): (Vec<Asked<'_>>, Vec<Asked<'_>>) = asked
            .iter()
            .partition(|(condition, _)| matches!(condition.test, Test::Null(_)));
        let present = self.context.clone().with(key, known(&["x"]));
        if !nulls
            .iter()
            .all(|(null, wanted)| self.fits(null.holds(&present), *wanted))
        {
            return Solved::No;
        }
        // What `Null` makes of no text as the only value is not documented for all keys: there it is not looked at.
        let takes_it = tests.iter().all(|(condition, _)| takes(condition, ""));
        let empty = Some(known(&[""])).filter(|empty| takes_it && nulls.is_empty() && fits(empty));
        let one = self.value(&tests, steps).map(|value| vec![value]);
        let several = self.several(&tests, steps);
        let mut open = false;
        for values in [one, several] {
            match values {
                Tried::Found(values) => {
                    let key = Key::Known(values);
                    if fits(&key) {
                        return Solved::Yes(key);
                    }
                }
                Tried::None => {}
                Tried::Open => open = true,
            }
        }
        match empty {
            Some(empty) => Solved::Yes(empty),
            None if open => Solved::Open,
            None => Solved::No,
        }
    }

    /// Several values at once, where a set operator asks for them: what all of them have to be, and for each operator that
    /// asks for one, that one. One of them may be the empty string, which alone would be none.
    fn several(&self, tests: &[Asked<'_>], steps: &mut u64) -> Tried<Vec<String>> {
        let (of_sets, plain): (Vec<Asked<'_>>, Vec<Asked<'_>>) = tests
            .iter()
            .partition(|(condition, _)| condition.set.is_some());
        // No page says what an operator without a set does with several values.
        if of_sets.is_empty() || !plain.is_empty() && !self.generous {
            return Tried::None;
        }
        let of_all = |(condition, wanted): &Asked<'_>| {
            (condition.set == Some(SetOperator::ForAllValues)) == *wanted
        };
        let (every, some): (Vec<Asked<'_>>, Vec<Asked<'_>>) =
            of_sets.iter().partition(|asked| of_all(asked));
        let mut values = Vec::new();
        for one in &some {
            let with: Vec<Asked<'_>> = every.iter().chain([one]).copied().collect();
            match self.value(&with, steps) {
                Tried::Found(value) => values.push(value),
                Tried::None if self.fit(&with, "") => values.push(String::new()),
                other => return other.map(|value| vec![value]),
            }
        }
        // What no operator asks for may be there, too: beside the empty string it must be.
        while values.iter().all(String::is_empty) || values.len() < 2 {
            match self.value(&every, steps) {
                Tried::Found(value) => values.push(value),
                Tried::None if !values.iter().all(String::is_empty) => break,
                other => return other.map(|value| vec![value]),
            }
        }
        Tried::Found(values)
    }

    /// Whether the tests hold or fail of `value` as wanted.
    fn fit(&self, tests: &[Asked<'_>], value: &str) -> bool {
        tests.iter().all(|(condition, wanted)| {
            takes(condition, value) && self.fits(condition.holds_for(value, &self.context), *wanted)
        })
    }

    /// One value of which the tests hold or fail as wanted, not empty.
    fn value(&self, tests: &[Asked<'_>], steps: &mut u64) -> Tried<String> {
        let is_text =
            |(condition, _): &Asked<'_>| matches!(condition.test, Test::Text { .. } | Test::Arn(_));
        if tests.iter().all(is_text) {
            return self.text(tests, steps);
        }
        for value in candidates(tests) {
            *steps = steps.saturating_sub(tests.len() as u64);
            if *steps == 0 {
                return Tried::Open;
            }
            if self.fit(tests, &value) {
                return Tried::Found(value);
            }
        }
        // The same number, date or address can be written in other ways, of which a text may be one; a boolean can not.
        let boolean = |(condition, _): &Asked<'_>| matches!(condition.test, Test::Bool(_));
        match tests.iter().any(boolean) || !tests.iter().any(is_text) {
            true => Tried::None,
            false => Tried::Open,
        }
    }

    /// A shortest text, not empty.
    fn text(&self, tests: &[Asked<'_>], steps: &mut u64) -> Tried<String> {
        let mut wanted = vec![vec![Tape::of(&[Token::One, Token::Star])]];
        let mut unwanted = Vec::new();
        for (condition, holds) in tests {
            let tapes = self.tapes(condition);
            if *holds == condition.negated {
                unwanted.extend(tapes.sure);
            } else if !(self.generous && tapes.unknown) {
                let mut group = tapes.sure;
                group.extend(tapes.possible.into_iter().filter(|_| self.generous));
                wanted.push(group);
            }
        }
        match shortest(&wanted, &unwanted, steps) {
            Word::Found(text) => Tried::Found(text),
            Word::None => Tried::None,
            Word::TooMany => Tried::Open,
        }
    }

    /// What the condition's values match.
    fn tapes(&self, condition: &Condition) -> Tapes {
        let mut tapes = Tapes {
            sure: Vec::new(),
            possible: Vec::new(),
            unknown: false,
        };
        match &condition.test {
            Test::Text { fold, values } => {
                for pattern in values {
                    tapes.add(&pattern.filled(&self.context), *fold);
                }
            }
            Test::Arn(values) => {
                for pattern in values {
                    match pattern {
                        Some(pattern) => tapes.add(&pattern.narrow.filled(&self.context), false),
                        None => tapes.unknown = true,
                    }
                }
            }
            _ => {}
        }
        tapes
    }
}

/// The texts of a condition on text.
struct Tapes {
    sure: Vec<Tape>,
    /// Those of which it hangs on a variable what exactly they match.
    possible: Vec<Tape>,
    /// Of a value no page says what it matches.
    unknown: bool,
}

impl Tapes {
    fn add(&mut self, filled: &Filled, fold: bool) {
        match filled {
            Filled::Exactly(glob) => {
                self.sure.push(Tape::new(glob, fold));
            }
            Filled::Among(glob) => {
                self.possible.push(Tape::new(glob, fold));
            }
            Filled::Nothing => {}
        }
    }
}

/// What trying to find something came to.
enum Tried<T> {
    Found(T),
    None,
    Open,
}

impl<T> Tried<T> {
    fn map<U>(self, f: impl FnOnce(T) -> U) -> Tried<U> {
        match self {
            Self::Found(found) => Tried::Found(f(found)),
            Self::None => Tried::None,
            Self::Open => Tried::Open,
        }
    }
}

/// Whether a value is of the type that the condition's operator compares. A key has one type, so that no other comes.
fn takes(condition: &Condition, value: &str) -> bool {
    match condition.test {
        Test::Number(..) => number(value).is_some(),
        Test::Date(..) => date(value).is_some(),
        Test::Ip(_) => value.parse::<IpAddr>().is_ok(),
        Test::Bool(_) => matches!(value, "true" | "false"),
        _ => true,
    }
}

/// One value of each kind that the tests tell apart, the plainest first.
fn candidates(tests: &[Asked<'_>]) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut numbers = Vec::new();
    let mut dates = Vec::new();
    let mut networks = Vec::new();
    for (condition, _) in tests {
        match &condition.test {
            // And one of the type, where no value is of it.
            Test::Number(_, values) => {
                out.push("0".to_owned());
                numbers.extend(values.iter().flatten().copied());
            }
            Test::Date(_, values) => {
                out.push("2000-01-01T00:00:00Z".to_owned());
                dates.extend(values.iter().flatten().copied());
            }
            Test::Ip(values) => {
                // Addresses for documentation: RFC 5737 and RFC 3849.
                out.extend(["203.0.113.7", "2001:db8::7"].map(str::to_owned));
                networks.extend(values.iter().flatten().copied());
            }
            Test::Bool(_) => out.extend(["true", "false"].map(str::to_owned)),
            Test::Binary(values) => {
                out.extend(values.iter().map(|value| value.to_string()));
                // Longer than all, so that it is another.
                let longest = values.iter().map(|value| value.len()).max();
                out.push("AAAA".repeat(longest.unwrap_or(0) / 4 + 1));
            }
            Test::Text { values, .. } => {
                let literal = |pattern| match pattern {
                    Filled::Exactly(glob) if glob.is_literal() => Some(glob.prefix().to_owned()),
                    _ => None,
                };
                let context = Context::partial();
                let texts = values
                    .iter()
                    .filter_map(|value| literal(value.filled(&context)));
                out.extend(texts.inspect(|text| {
                    numbers.extend(number(text));
                    dates.extend(date(text));
                    networks.extend(Network::parse(text));
                }));
            }
            Test::Arn(_) | Test::Null(_) => {}
        }
    }
    out.extend(around_numbers(&mut numbers));
    out.extend(around_dates(&mut dates));
    out.extend(around_networks(&networks));
    out
}

/// The numbers, one between each two neighbours, one below and one above.
fn around_numbers(numbers: &mut [f64]) -> Vec<String> {
    numbers.sort_by(f64::total_cmp);
    let below = |n: &f64| if n - 1.0 < *n { n - 1.0 } else { n.next_down() };
    let above = |n: &f64| if n + 1.0 > *n { n + 1.0 } else { n.next_up() };
    let ends = numbers.first().map(below).into_iter();
    let ends = ends.chain(numbers.last().map(above));
    let between = numbers.windows(2).map(|pair| {
        let whole = pair[0].floor() + 1.0;
        if pair[0] < whole && whole < pair[1] {
            whole
        } else {
            f64::midpoint(pair[0], pair[1])
        }
    });
    let all = ends.chain(between).chain(numbers.iter().copied());
    all.map(|number| number.to_string()).collect()
}

/// Likewise. Near the first and the last moment there is no other a second away, but one a nanosecond away may be.
fn around_dates(dates: &mut [Timestamp]) -> Vec<String> {
    dates.sort();
    let steps = [SignedDuration::from_secs(1), SignedDuration::from_nanos(1)];
    let below = dates
        .first()
        .into_iter()
        .flat_map(|date| steps.map(|step| date.checked_sub(step)));
    let above = dates
        .last()
        .into_iter()
        .flat_map(|date| steps.map(|step| date.checked_add(step)));
    let between = dates.windows(2).map(|pair| {
        let half = pair[1].duration_since(pair[0]) / 2;
        pair[0].checked_add(half)
    });
    let found = below.chain(above).chain(between).filter_map(Result::ok);
    found
        .chain(dates.iter().copied())
        .map(|date| date.to_string())
        .collect()
}

/// The first and last address of each network and their neighbours outside: what lies in some networks and not in
/// others has a least address, and that is one of these.
fn around_networks(networks: &[Network]) -> Vec<String> {
    let mut found: BTreeSet<IpAddr> = BTreeSet::new();
    for network in networks {
        let (bits, all) = match network.address {
            IpAddr::V4(address) => (address.to_bits().into(), u32::MAX.into()),
            IpAddr::V6(address) => (address.to_bits(), u128::MAX),
        };
        let host = all.checked_shr(network.bits).unwrap_or(0);
        let (first, last) = (bits & !host, bits | host);
        let outside = [first.checked_sub(1), last.checked_add(1)];
        let outside = outside.into_iter().flatten().filter(|bits| *bits <= all);
        found.extend(
            [first, last]
                .into_iter()
                .chain(outside)
                .map(|bits| match network.address {
                    IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(bits as u32)),
                    IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
                }),
        );
    }
    found.iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::around_networks;
    use crate::verify::condition::Network;

    #[test]
    fn networks_have_ends_and_neighbours() {
        let around = |text: &str| around_networks(&[Network::parse(text).unwrap()]).join(" ");
        for (network, expected) in [
            (
                "10.0.0.9/8",
                "9.255.255.255 10.0.0.0 10.255.255.255 11.0.0.0",
            ),
            ("0.0.0.0/0", "0.0.0.0 255.255.255.255"),
            ("255.255.255.255", "255.255.255.254 255.255.255.255"),
            ("::/127", ":: ::1 ::2"),
            ("::/0", ":: ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ] {
            assert_eq!(around(network), expected, "{network}");
        }
    }
}
