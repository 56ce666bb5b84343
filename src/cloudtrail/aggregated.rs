//! The fields that only a record has that sums calls up (`AwsAggregatedEvent`).

use simd_json::prelude::*;
use simd_json::tape::Object;

use crate::cloudtrail::clock::seconds;
use crate::cloudtrail::event::Json;

/// How often calls were made within five minutes, as `summary` has it.
/// Source: CloudTrail User Guide, "CloudTrail record contents for aggregated events".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary<'a> {
    /// `primaryDimension.dimension`: what the calls are grouped by, as `eventName`.
    pub dimension: &'a str,
    /// The sum of `primaryDimension.statistics[].value`.
    pub calls: u64,
}

/// The fields that only a record has that sums calls up.
#[derive(Default)]
pub(super) struct Aggregated<'a> {
    pub(super) event_id: Option<&'a str>,
    pub(super) account_id: Option<&'a str>,
    pub(super) start: Option<i64>,
    pub(super) summary: Option<Summary<'a>>,
}

impl<'a> Aggregated<'a> {
    pub(super) fn read(&mut self, name: &str, value: Json<'_, 'a>) {
        let start = |window: &Object<'_, 'a>| seconds(window.get("windowStart")?.into_string()?);
        match name {
            "eventId" => self.event_id = value.into_string(),
            "accountId" => self.account_id = value.into_string(),
            "timeWindow" => self.start = value.as_object().as_ref().and_then(start),
            "summary" => self.summary = Summary::from_value(value),
            _ => {}
        }
    }
}

impl<'a> Summary<'a> {
    fn from_value(value: Json<'_, 'a>) -> Option<Self> {
        let primary = value.as_object()?.get("primaryDimension")?.as_object()?;
        let statistics = primary.get("statistics").and_then(|list| list.as_array());
        let mut calls = 0u64;
        for statistic in statistics.iter().flatten() {
            let value = statistic.as_object().and_then(|each| each.get("value"));
            calls = calls.saturating_add(value.and_then(|value| value.as_u64()).unwrap_or(0));
        }
        Some(Self {
            dimension: primary.get("dimension")?.into_string()?,
            calls,
        })
    }
}
