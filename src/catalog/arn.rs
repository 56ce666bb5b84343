//! What ARNs may hold: partitions, Regions, and the formats of the ARNs of a service.

use crate::catalog::resource::{self, ResourceType};
use crate::catalog::table::{Key, Table, columns};
use crate::iam::arn::ArnParts;

/// Written by `mappings/generate.py` from botocore's `partitions.json`.
const REGIONS: Table = Table(include_str!("../../mappings/generated/regions.tsv"));

/// Written by `mappings/generate.py` from the ARN formats of all resource types.
const ARN_SERVICES: Table = Table(include_str!("../../mappings/generated/arn_services.tsv"));

/// The partition of a Region: `aws-cn` of `cn-north-1`. `None` for a Region that botocore does not know.
#[must_use]
pub fn partition(region: &str) -> Option<&'static str> {
    let [own, partition] = columns(REGIONS.row(Key::Whole(region))?);
    (own == region).then_some(partition)
}

/// Whether there is such a partition.
#[must_use]
pub fn is_partition(name: &str) -> bool {
    REGIONS.all().any(|line| columns::<2>(line)[1] == name)
}

/// Every Region, in the order of the alphabet.
pub fn regions() -> impl Iterator<Item = &'static str> {
    REGIONS.all().map(|line| columns::<1>(line)[0])
}

/// The formats of all ARNs with this service in their third field, with variables such as `${Partition}`, `${Region}`
/// and `${Account}`; none where no resource type has such an ARN. A format's Region or account is empty where ARNs
/// of the type have none, and text where it is always the same (`aws`).
///
/// ARNs of managed policies have `aws` in the place of the account too, which their format does not tell.
pub fn formats(service: &str) -> impl Iterator<Item = ArnParts<'static>> {
    let formats = types(service).flat_map(ResourceType::formats);
    formats
        .filter_map(ArnParts::parse)
        .filter(move |format| format.service == service)
}

/// The resource types that have ARNs with this service in their third field, and others of the same prefixes.
pub fn types(service: &str) -> impl Iterator<Item = ResourceType> {
    let row = ARN_SERVICES.row(Key::Whole(service));
    let [own, prefixes] = row.map_or([""; 2], columns);
    let prefixes = prefixes.split_ascii_whitespace();
    prefixes
        .filter(move |_| own == service)
        .flat_map(resource::all_of)
}

#[cfg(test)]
mod tests {
    use super::{ARN_SERVICES, formats, is_partition, partition, regions};
    use crate::catalog::table::first_column;

    #[test]
    fn regions_tell_their_partition() {
        for (region, expected) in [
            ("eu-central-1", Some("aws")),
            ("cn-north-1", Some("aws-cn")),
            ("us-gov-west-1", Some("aws-us-gov")),
            ("eusc-de-east-1", Some("aws-eusc")),
            ("EU-CENTRAL-1", None),
            ("aws-global", None),
            ("eu-central-9", None),
            ("", None),
        ] {
            assert_eq!(partition(region), expected, "{region}");
        }
        assert!(regions().all(|region| partition(region).is_some_and(is_partition)));
        assert!(is_partition("aws-iso-b") && !is_partition("aws-global") && !is_partition(""));
    }

    #[test]
    fn formats_tell_what_the_arns_of_a_service_hold() {
        let has = |service, fields: fn(&crate::iam::arn::ArnParts<'_>) -> bool| {
            let mut formats = formats(service).peekable();
            assert!(formats.peek().is_some(), "{service}");
            formats.all(|format| fields(&format))
        };
        assert!(has("iam", |arn| arn.region.is_empty()));
        assert!(has("cloudfront", |arn| arn.region.is_empty()));
        assert!(has("sqs", |arn| arn.region == "${Region}"
            && arn.account == "${Account}"));
        assert!(!has("s3", |arn| arn.account.is_empty()));
        let bucket = formats("s3").find(|arn| arn.resource == "${BucketName}");
        assert!(bucket.is_some_and(|arn| arn.region.is_empty() && arn.account.is_empty()));
        for absent in ["", "S3", "nope", "${Vendor}"] {
            assert_eq!(formats(absent).count(), 0, "{absent}");
        }
    }

    #[test]
    fn every_service_of_an_arn_has_formats() {
        for line in ARN_SERVICES.all() {
            assert!(formats(first_column(line)).next().is_some(), "{line}");
        }
    }
}
