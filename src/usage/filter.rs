//! Which events are asked for.

use std::collections::BTreeSet;

/// Which events to look at. An event outside is counted as such and nothing else.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Not before this time, in seconds since 1970.
    pub from: Option<i64>,
    /// Before this time.
    pub to: Option<i64>,
    /// Only callers of these accounts; empty: all.
    pub accounts: BTreeSet<String>,
    /// Only these Regions; empty: all.
    pub regions: BTreeSet<String>,
}

impl Filter {
    /// Whether it admits events of this Region, whose callers are of `account`.
    #[must_use]
    pub fn admits_place(&self, region: Option<&str>, account: &str) -> bool {
        let region = region.unwrap_or_default();
        (self.accounts.is_empty() || self.accounts.contains(account))
            && (self.regions.is_empty() || self.regions.contains(region))
    }

    /// Whether it admits an event of this time.
    #[must_use]
    pub fn admits_time(&self, time: Option<i64>) -> bool {
        let in_time = |time: i64| {
            self.from.is_none_or(|from| time >= from) && self.to.is_none_or(|to| time < to)
        };
        (self.from.is_none() && self.to.is_none()) || time.is_some_and(in_time)
    }

    /// Whether it admits an event of this time and Region, whose caller is of `account`.
    #[must_use]
    pub fn admits(&self, time: Option<i64>, region: Option<&str>, account: &str) -> bool {
        self.admits_time(time) && self.admits_place(region, account)
    }
}
