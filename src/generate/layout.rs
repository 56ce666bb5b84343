//! Which parts of an ARN may ever be generalised.

use std::ops::Range;

use memchr::memchr2_iter;
use smallvec::SmallVec;

use crate::iam::arn::ResourceArn;

/// Kinds of resource that AWS makes anew for each use, `(service, type, offset)`: `offset` components behind the type
/// stands the identifier that AWS chose. For these one sighting proves that the next will be another one.
///
/// Long-lived kinds whose identifiers look alike (KMS keys, VPCs, subnets, security groups, images, route tables,
/// hosted zones, distributions, REST APIs) are left out on purpose: next month's request names the same one.
///
/// Source: the ARN formats of the Service Authorization Reference.
const MADE_FOR_EACH_USE: &[(&str, &str, usize)] = &[
    ("autoscaling", "autoScalingGroup", 1),
    ("backup", "recovery-point", 1),
    ("batch", "job", 1),
    ("cloudformation", "changeSet", 2),
    ("cloudformation", "stack", 2),
    ("codebuild", "build", 2),
    ("codebuild", "build-batch", 2),
    ("ec2", "export-image-task", 1),
    ("ec2", "export-instance-task", 1),
    ("ec2", "fleet", 1),
    ("ec2", "import-image-task", 1),
    ("ec2", "import-snapshot-task", 1),
    ("ec2", "instance", 1),
    ("ec2", "network-interface", 1),
    ("ec2", "replace-root-volume-task", 1),
    ("ec2", "snapshot", 1),
    ("ec2", "spot-fleet-request", 1),
    ("ec2", "spot-instances-request", 1),
    ("ec2", "volume", 1),
    ("ecs", "container-instance", 2),
    ("ecs", "task", 2),
    ("rds", "cluster-snapshot", 1),
    ("rds", "snapshot", 1),
    ("s3", "job", 1),
    ("ssm", "automation-execution", 1),
    ("ssm", "session", 1),
    ("states", "execution", 2),
    ("states", "express", 2),
    ("states", "mapRun", 2),
];

/// An ARN cut into the components of its resource part.
pub(super) struct Layout<'a> {
    /// The whole ARN.
    pub(super) text: &'a str,
    /// The ARN's service.
    pub(super) service: &'a str,
    /// The resource part cut at `/` and mostly `:`, as byte ranges of `text`. Empty components stay in.
    pub(super) components: SmallVec<[Range<usize>; 8]>,
    /// The first that is not empty: the resource's type, the bucket, or the name of what has no type.
    pub(super) kind: Range<usize>,
    /// The first component that may vary. All before it (the resource's type, or the bucket) never do.
    pub(super) first: usize,
    /// The component that alone names the resource under its type: `deploy` in `role/deploy`. `None` for the keys of
    /// a bucket, which the bucket names already.
    pub(super) sole: Option<usize>,
    /// The component that AWS chooses anew for each use, where the kind is known for it.
    pub(super) made_for_each_use: Option<usize>,
}

impl<'a> Layout<'a> {
    /// The layout of `resource`; `None` where nothing in it may vary: `*`, a bucket, what is not an ARN.
    pub(super) fn of(resource: &'a ResourceArn) -> Option<Self> {
        let parts = resource.parts()?;
        let text = resource.as_str();
        let mut components: SmallVec<[Range<usize>; 8]> = SmallVec::new();
        let behind_fields = text.len() - parts.resource.len();
        let mut start = behind_fields;
        // Where `/` alone divides, a colon is part of a name: object keys, the time in the label of a table's stream.
        let divider = match parts.service {
            "s3" | "dynamodb" => b'/',
            _ => b':',
        };
        for at in memchr2_iter(b'/', divider, parts.resource.as_bytes()) {
            components.push(start..behind_fields + at);
            start = behind_fields + at + 1;
        }
        components.push(start..text.len());

        let mut named = (0..components.len()).filter(|&i| !components[i].is_empty());
        let kind = named.next()?;
        let name = named.next();
        // A wildcard in one of the other fields is none of ours, but then the type is not known for sure either.
        let typed = &text.as_bytes()[..components[kind].end];
        if memchr::memchr2(b'*', b'?', typed).is_some() {
            return None;
        }
        let (first, sole) = match name {
            // Keys: `bucket/key`. Access points and the rest of S3 carry an account and are typed as usual.
            _ if parts.service == "s3" && parts.account.is_empty() => (kind + 1, None),
            Some(name) => (name, Some(name)),
            // `arn:aws:sqs:eu-west-1:111122223333:orders`: a name without a type.
            None => (kind, Some(kind)),
        };
        if first >= components.len() {
            return None;
        }
        let type_name = &text[components[kind].clone()];
        let made_for_each_use = MADE_FOR_EACH_USE
            .iter()
            .find(|(service, of_type, _)| *service == parts.service && *of_type == type_name)
            .map(|(_, _, offset)| kind + offset);
        Some(Self {
            text,
            service: parts.service,
            kind: components[kind].clone(),
            components,
            first,
            sole,
            made_for_each_use,
        })
    }

    /// The text of component `i`.
    pub(super) fn component(&self, i: usize) -> &'a str {
        &self.text[self.components[i].clone()]
    }

    /// Whether component `i` is the first that may vary, so that a bare `*` in its place would leave only the
    /// resource's type or its bucket.
    pub(super) fn is_root(&self, i: usize) -> bool {
        i == self.first
    }

    /// Whether the resource has a name but no type, so that a bare `*` in place of the name would admit every type.
    pub(super) fn is_untyped(&self) -> bool {
        self.sole.is_some_and(|i| self.components[i] == self.kind)
    }
}

/// The length of an account's id.
pub(super) const ACCOUNT: usize = 12;

/// Whether `component` is an account's id, which is never generalised wherever it stands.
pub(super) fn is_account(component: &str) -> bool {
    component.len() == ACCOUNT && component.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::Layout;
    use crate::iam::arn::ResourceArn;

    #[test]
    fn the_type_and_the_bucket_never_vary() {
        for (arn, first, sole) in [
            ("arn:aws:s3:::bucket/a/b", Some("a"), None),
            ("arn:aws:s3:::bucket", None, None),
            (
                "arn:aws:s3:eu-west-1:111122223333:accesspoint/ap/object/k",
                Some("ap"),
                Some("ap"),
            ),
            (
                "arn:aws:iam::111122223333:role/ci/deploy",
                Some("ci"),
                Some("ci"),
            ),
            (
                "arn:aws:sqs:eu-west-1:111122223333:orders",
                Some("orders"),
                Some("orders"),
            ),
            (
                "arn:aws:apigateway:eu-west-1::/restapis/a1b2/stages/x",
                Some("a1b2"),
                Some("a1b2"),
            ),
            (
                "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/x:*",
                Some("aws"),
                Some("aws"),
            ),
            ("*", None, None),
            ("not an arn", None, None),
            ("arn:aws:ec2:*:*:*", None, None),
        ] {
            let arn = ResourceArn::from_pattern(arn);
            let layout = Layout::of(&arn);
            assert_eq!(
                layout.as_ref().map(|l| l.component(l.first)),
                first,
                "{arn}"
            );
            let found = layout.as_ref().and_then(|l| Some(l.component(l.sole?)));
            assert_eq!(found, sole, "{arn}");
        }
    }
}
