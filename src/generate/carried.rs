//! What the uses of a principal carried of one condition key, and whether a condition can rest on it.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::iam::condition::Condition;
use crate::usage::context::ContextKey;
use crate::usage::ledger::{PrincipalUsage, Tally};
use crate::usage::values::{self, Calls};

/// What a condition rests on at least: so many uses, on so many days. With less it is offered and not written.
pub(super) const MIN_USES: u64 = 20;
/// See [`MIN_USES`].
pub(super) const MIN_DAYS: usize = 7;

/// The most values of a condition. What has more is no small set that stays as it is, and no range is made of it: a range would
/// hold what was not seen.
pub(super) const MAX_VALUES: usize = 8;

/// A condition, and why it is not to be written, if it is not.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    pub(super) condition: Condition,
    pub(super) doubt: Option<String>,
}

/// Why so little is not enough to rest on.
pub(super) fn too_few(uses: u64, days: usize) -> Option<String> {
    let few = uses < MIN_USES || days < MIN_DAYS;
    let on =
        |count: u64, word: &str| format!("{count} {word}{}", if count == 1 { "" } else { "s" });
    few.then(|| {
        let (uses, days) = (on(uses, "use"), on(days as u64, "day"));
        format!(
            "it rests on {uses} on {days}, and less than {MIN_USES} on {MIN_DAYS} is too little"
        )
    })
}

/// From when to when the principal was active.
pub(super) struct Active {
    first: u16,
    last: u16,
}

impl Active {
    pub(super) fn of(usage: &PrincipalUsage) -> Self {
        let (first, last) = usage.active().unwrap_or_default();
        Self { first, last }
    }

    /// Whether calls that were first made on this day were so in the second half.
    pub(super) fn is_late(&self, day: u16) -> bool {
        day > self.first + (self.last - self.first) / 2
    }
}

/// What uses told of one key.
#[derive(Clone, Debug, Default)]
pub(super) struct Carried<'u> {
    pub(super) used: u64,
    pub(super) with: u64,
    pub(super) without: u64,
    /// `None` where there are too many.
    pub(super) values: Option<BTreeMap<&'u str, Calls>>,
    too_many: bool,
    pub(super) days: BTreeSet<u16>,
    /// Those of facts of which some use carried the key, from the first such use to the last.
    pub(super) days_with: BTreeSet<u16>,
}

impl<'u> Carried<'u> {
    pub(super) fn add(&mut self, tally: &'u Tally, key: &str) {
        self.used += tally.used;
        self.days.extend(&tally.days);
        if let Some(answered) = tally.contexts.told().get(&key.to_ascii_lowercase()) {
            self.with += answered.with.count;
            // No more of them is kept than the first and the last.
            if let Some((first, last)) = answered.with.days {
                let within = tally
                    .days
                    .iter()
                    .filter(|day| (first..=last).contains(*day));
                self.days_with.extend(within);
            }
            self.without += answered.without.count;
            let values = answered.values().into_iter().flatten();
            self.add_values(values.map(|(value, calls)| (&**value, *calls)));
            self.too_many |= answered.values().is_none();
        } else if let Some(key) = ContextKey::ALL.into_iter().find(|own| own.as_str() == key) {
            for (keys, calls) in tally.contexts.iter() {
                let value = keys.get(key);
                self.with += value.map_or(0, |_| calls);
                // On which days is kept of the fact alone.
                let calls = Calls {
                    count: calls,
                    days: None,
                };
                self.add_values(value.map(|value| (value, calls)));
            }
        }
    }

    pub(super) fn add_values(&mut self, values: impl IntoIterator<Item = (&'u str, Calls)>) {
        let own = self.values.get_or_insert_default();
        for (value, calls) in values {
            own.entry(value).or_default().add(calls);
        }
    }

    pub(super) fn absorb(&mut self, other: Self) {
        self.used += other.used;
        self.with += other.with;
        self.without += other.without;
        self.days.extend(other.days);
        self.days_with.extend(other.days_with);
        self.add_values(other.values.unwrap_or_default());
        self.too_many |= other.too_many;
    }

    /// Whether every use told whether it carried the key.
    pub(super) fn is_told(&self) -> bool {
        self.used > 0 && self.with + self.without == self.used
    }

    /// What is to become of a condition on `key` with these values.
    pub(super) fn verdict(&self, key: &str, active: &Active) -> Verdict {
        let Some(values) = &self.values else {
            return Verdict::Never(None);
        };
        let many = match self.too_many {
            true => Some(format!("more than {}", values::MAX_VALUES)),
            false => (values.len() > MAX_VALUES).then(|| values.len().to_string()),
        };
        if let Some(many) = many {
            return Verdict::Never(Some(format!(
                "calls carried {many} values of {key}, too many for a condition"
            )));
        }
        if values.is_empty() {
            return Verdict::Never(None);
        }
        let is_late = |calls: &Calls| calls.days.is_none_or(|(first, _)| active.is_late(first));
        let late = || {
            let (value, _) = values.iter().find(|(_, calls)| is_late(calls))?;
            Some(format!(
                "`{value}` was first seen in the second half of the time, so others may follow"
            ))
        };
        Verdict::Values {
            values: values.keys().map(|value| (*value).to_owned()).collect(),
            doubt: too_few(self.with, self.days_with.len()).or_else(late),
        }
    }
}

/// What is to become of a condition.
pub(super) enum Verdict {
    Values {
        values: Vec<String>,
        doubt: Option<String>,
    },
    /// There is none, for a reason that a reader must know or for want of values.
    Never(Option<String>),
}

impl Verdict {
    pub(super) fn decide(
        &self,
        operator: &'static str,
        key: impl Into<Cow<'static, str>>,
    ) -> Option<Decision> {
        match self {
            Self::Never(_) => None,
            Self::Values { values, doubt } => Some(Decision {
                condition: Condition {
                    operator,
                    key: key.into(),
                    values: values.clone(),
                },
                doubt: doubt.clone(),
            }),
        }
    }
}
