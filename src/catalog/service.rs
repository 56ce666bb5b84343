//! Event sources: which IAM prefixes the calls of `monitoring.amazonaws.com` are checked under.

use crate::catalog::table::{Key, Table, columns};

/// Written by `mappings/generate.py` from botocore's `endpointPrefix` and `signingName` and `overrides/services.tsv`.
const SERVICES: Table = Table(include_str!("../../mappings/generated/services.tsv"));

/// What event sources end with. Source: the DNS suffixes of the partitions in botocore's `partitions.json`, and
/// `aws.internal`, which CloudTrail has for calls between services.
const SUFFIXES: [&str; 8] = [
    ".amazonaws.com",
    ".amazonaws.com.cn",
    ".aws.internal",
    ".amazonaws.eu",
    ".c2s.ic.gov",
    ".sc2s.sgov.gov",
    ".cloud.adc-e.uk",
    ".csp.hci.ic.gov",
];

/// The event source without its domain: `s3` for `s3.amazonaws.com`, `api.ecr` for `api.ecr.amazonaws.com`. A label
/// alone is given back as it is.
#[must_use]
pub fn label(event_source: &str) -> &str {
    SUFFIXES
        .iter()
        .find_map(|suffix| event_source.strip_suffix(suffix))
        .unwrap_or(event_source)
}

/// The IAM prefixes that the calls of an event source are checked under, best first; none for a source that the tables
/// do not know. `api.newthing` is taken for `newthing` where only that is known.
pub fn prefixes(event_source: &str) -> impl Iterator<Item = &'static str> + use<> {
    let label = label(event_source);
    let row = SERVICES.row(Key::Whole(label)).or_else(|| {
        let (_, last) = label.rsplit_once('.')?;
        SERVICES.row(Key::Whole(last))
    });
    row.map_or("", |line| columns::<2>(line)[1])
        .split_ascii_whitespace()
}

#[cfg(test)]
mod tests {
    use super::{label, prefixes};

    #[test]
    fn label_drops_the_domain_of_every_partition() {
        for (source, expected) in [
            ("s3.amazonaws.com", "s3"),
            ("ec2.amazonaws.com.cn", "ec2"),
            ("api.ecr.amazonaws.com", "api.ecr"),
            ("kms.aws.internal", "kms"),
            ("monitoring", "monitoring"),
            ("", ""),
        ] {
            assert_eq!(label(source), expected);
        }
    }

    #[test]
    fn prefixes_of_sources_whose_label_is_no_prefix() {
        for (source, expected) in [
            ("s3.amazonaws.com", "s3"),
            ("monitoring.amazonaws.com", "cloudwatch"),
            ("tagging.amazonaws.com", "tag"),
            ("amazonmq.amazonaws.com", "mq"),
            ("application-insights.amazonaws.com", "applicationinsights"),
            ("email.amazonaws.com", "ses"),
            ("api.ecr.amazonaws.com", "ecr"),
            ("cloudcontrolapi.amazonaws.com", "cloudformation"),
            ("rdsdataapi.amazonaws.com", "rds-data"),
            ("mturk-requester.amazonaws.com", "mechanicalturk"),
        ] {
            assert_eq!(prefixes(source).next(), Some(expected), "{source}");
        }
        assert_eq!(prefixes("no-such-service.amazonaws.com").next(), None);
        let scaling: Vec<_> = prefixes("autoscaling.amazonaws.com").collect();
        assert_eq!(scaling, ["autoscaling", "application-autoscaling"]);
    }
}
