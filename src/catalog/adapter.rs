//! What the adapters do: from a parameter's text to a part of an ARN.

use std::borrow::Cow;

use crate::catalog::resource::{Adapter, ec2_type};
use crate::iam::arn::escape;

impl Adapter {
    /// The part of an ARN that a parameter's text stands for, in policy syntax (see [`crate::iam::arn::ResourceArn`]):
    /// the text's own `*`, `?` and `$` are escaped, those that the adapter adds are meant. `None` where the text is none
    /// of what the adapter is for.
    #[must_use]
    pub fn apply(self, text: &str) -> Option<Cow<'_, str>> {
        let part = match self {
            // A whole ARN in the place of a name: the name stands last.
            Self::Same | Self::Keys => Some(arn_last(text)),
            Self::Bucket => Some(text).filter(|text| !text.starts_with("arn:")),
            Self::AccessPoint => text.split_once(":accesspoint/").map(|(_, name)| name),
            Self::Whole => Some(text).filter(|text| text.starts_with("arn:")),
            Self::AccountId => Some(text).filter(|text| is_account(text)),
            Self::ArnSecond => arn_component(text, 1),
            Self::ArnThird => arn_component(text, 2),
            // A literal is not in the request.
            Self::Literal => None,
            Self::UrlLast => text.rsplit('/').next(),
            Self::UrlAccount => account_of_url(text),
            Self::ArnLast => Some(arn_last(text)),
            Self::AfterLastColon => text.rsplit_once(':').map(|(_, behind)| behind),
            Self::BeforeColon => text.split(':').next(),
            Self::Family => arn_last(text).split(':').next(),
            Self::StripSlash => Some(text.strip_prefix('/').unwrap_or(text)),
            Self::LambdaFunction => Some(lambda_function(text).0),
            Self::LambdaAlias => Some(text).filter(|text| !is_version(text)),
            Self::LambdaAliasOf => lambda_function(text).1.filter(|text| !is_version(text)),
            Self::LambdaVersion => Some(text).filter(|text| is_version(text)),
            Self::LambdaVersionOf => lambda_function(text).1.filter(|text| is_version(text)),
            Self::KmsKey => behind(text, ":key/").filter(|text| !text.contains("alias/")),
            Self::KmsAlias => text
                .split_once("alias/")
                .filter(|(before, _)| before.is_empty() || before.ends_with(':'))
                .map(|(_, alias)| alias),
            Self::LogGroup => {
                behind(text, ":log-group:").map(|name| name.strip_suffix(":*").unwrap_or(name))
            }
            Self::OidcProvider => behind(text, ":oidc-provider/")
                .map(|url| url.strip_prefix("https://").unwrap_or(url)),
            Self::DropPrefix => text.split_once('-').map(|(_, id)| id),
            Self::OuId => text.strip_prefix("ou-"),
            Self::RootId => text.strip_prefix("r-"),
            Self::Ec2Type => Some(text).filter(|kind| !has_no_account(kind)),
            Self::Ec2PublicType => Some(text).filter(|kind| has_no_account(kind)),
            Self::Ec2Instance => Some(text).filter(|id| id.starts_with("i-")),
            Self::ManagedNode => Some(text).filter(|id| id.starts_with("mi-")),
            Self::ArnPath => text
                .starts_with("arn:")
                .then(|| text.split_once('/'))
                .flatten()
                .map(|(_, path)| path),
            Self::WafScope => waf_scope(text),
            Self::LambdaQualified => behind(text, ":function:"),
            // Made of more than a part of the text.
            Self::SecretSuffix => return secret_suffix(text),
            Self::CfnType => {
                return not_empty(escape(text)).map(|name| name.replace("::", "-").into());
            }
            Self::CopySource => return copy_source(text),
            Self::Ec2Path => return ec2_path(text, false),
            Self::Ec2PublicPath => return ec2_path(text, true),
            Self::AwsOwned => return is_aws_owned(text).then_some(Cow::Borrowed("")),
            Self::RuleBus => return rule_bus(text),
            Self::UrlEncoded => return not_empty(percent_encode(text).into()),
            Self::S3Url => return s3_url(text),
            Self::LambdaQualifier => {
                return not_empty(escape(text)).map(|qualifier| format!(":{qualifier}").into());
            }
        };
        not_empty(escape(part?))
    }

    /// Whether the part is the text itself, whatever it is, unless it begins as an ARN does.
    #[must_use]
    pub fn copies(self) -> bool {
        matches!(self, Self::Same | Self::ArnLast | Self::Bucket)
    }

    /// What the adapter makes of a parameter that the request does not have; nothing, but for [`Adapter::RuleBus`] and
    /// [`Adapter::LambdaQualifier`].
    #[must_use]
    pub fn of_absent(self) -> Option<&'static str> {
        matches!(self, Self::RuleBus | Self::LambdaQualifier).then_some("")
    }
}

fn not_empty(text: Cow<'_, str>) -> Option<Cow<'_, str>> {
    (!text.is_empty()).then_some(text)
}

/// The text behind `mark`; all of it where the mark is not there.
fn behind<'a>(text: &'a str, mark: &str) -> Option<&'a str> {
    Some(text.split_once(mark).map_or(text, |(_, behind)| behind))
}

fn arn_last(text: &str) -> &str {
    if !text.starts_with("arn:") {
        return text;
    }
    let (_, last) = text
        .rsplit_once('/')
        .or_else(|| text.rsplit_once(':'))
        .unwrap_or(("", text));
    last
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit())
}

/// The component of an ARN's resource part at `index`, which `/` and `:` divide.
fn arn_component(text: &str, index: usize) -> Option<&str> {
    let resource = text.strip_prefix("arn:")?.splitn(5, ':').last()?;
    resource.split(['/', ':']).nth(index)
}

/// `111122223333` of `https://sqs.eu-west-1.amazonaws.com/111122223333/jobs`.
fn account_of_url(url: &str) -> Option<&str> {
    let mut parts = url.rsplit('/');
    parts.next()?;
    let account = parts.next()?;
    let digits = !account.is_empty() && account.bytes().all(|b| b.is_ascii_digit());
    digits.then_some(account)
}

/// The name and the qualifier of `name`, `name:alias`, `account:function:name`, an ARN.
fn lambda_function(text: &str) -> (&str, Option<&str>) {
    let name = text.split_once(":function:").map_or(text, |(_, name)| name);
    match name.split_once(':') {
        Some((name, qualifier)) => (name, Some(qualifier)),
        None => (name, None),
    }
}

fn is_version(qualifier: &str) -> bool {
    qualifier == "$LATEST"
        || (!qualifier.is_empty() && qualifier.bytes().all(|b| b.is_ascii_digit()))
}

/// Six characters come behind a secret's name in its ARN. An ARN is taken as it is by those who look for one.
fn secret_suffix(text: &str) -> Option<Cow<'_, str>> {
    let name = not_empty(escape(text))?;
    (!text.starts_with("arn:")).then(|| Cow::Owned(format!("{name}-??????")))
}

/// The ARNs of images and snapshots have no account. Source: Service Authorization Reference, Amazon EC2.
fn has_no_account(kind: &str) -> bool {
    kind == "image" || kind == "snapshot"
}

fn ec2_path(id: &str, public: bool) -> Option<Cow<'_, str>> {
    let kind = ec2_type(id).filter(|kind| has_no_account(kind) == public)?;
    Some(format!("{kind}/{}", escape(id)).into())
}

fn is_aws_owned(name: &str) -> bool {
    let name = name.trim_start_matches('/').to_ascii_lowercase();
    let reserved = ["aws", "amazon", "amzn"];
    reserved.iter().any(|start| name.starts_with(start)) && !name.starts_with("aws/reference/")
}

/// The bus in a rule's ARN: `name/`, nothing for the default bus.
fn rule_bus(text: &str) -> Option<Cow<'_, str>> {
    let bus = text.split_once(":event-bus/").map_or(text, |(_, bus)| bus);
    match bus {
        "" | "default" => Some("".into()),
        bus => Some(format!("{}/", escape(bus)).into()),
    }
}

/// `bucket/key` of the header `x-amz-copy-source`, whose key is URL-encoded.
fn copy_source(text: &str) -> Option<Cow<'_, str>> {
    let path = text
        .split_once("?versionId=")
        .map_or(text, |(path, _)| path);
    let decoded = percent_decode(path);
    let path = decoded.strip_prefix('/').unwrap_or(&decoded);
    path.contains('/').then(|| escape(path).into_owned().into())
}

/// Source: AWS WAF API Reference, `Scope`; Service Authorization Reference, AWS WAF V2: resource types.
fn waf_scope(scope: &str) -> Option<&'static str> {
    match scope {
        "CLOUDFRONT" => Some("global"),
        "REGIONAL" => Some("regional"),
        _ => None,
    }
}

/// `bucket/key` of `https://bucket.s3.REGION.amazonaws.com/key` and of `https://s3.REGION.amazonaws.com/bucket/key`, also
/// with the older `s3-REGION`. Source: Amazon S3 User Guide, "Methods for accessing a general purpose bucket".
fn s3_url(url: &str) -> Option<Cow<'_, str>> {
    let (host, path) = url.split_once("://")?.1.split_once('/')?;
    let path = path.split(['?', '#']).next()?;
    let (host, _) = host.split_once(".amazonaws.com")?;
    let is_s3 = |label: &str| label == "s3" || label.starts_with("s3-");
    let at_s3 = |host: &str| host.split('.').next().is_some_and(is_s3);
    let path = percent_decode(path);
    if at_s3(host) {
        return path
            .contains('/')
            .then(|| escape(&path).into_owned().into());
    }
    // A bucket's name may have dots, and `s3` between them: the host's last labels are S3's and the Region.
    let dots: Vec<usize> = host.match_indices('.').map(|(at, _)| at).collect();
    let bucket = dots
        .iter()
        .rev()
        .find(|at| at_s3(&host[*at + 1..]))
        .map(|at| &host[..*at])?;
    (!path.is_empty()).then(|| escape(&format!("{bucket}/{path}")).into_owned().into())
}

/// Every byte but the unreserved ones as `%XX`. Source: RFC 3986, section 2.
fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// What is no valid escape stays as it is; bytes that are no UTF-8 become U+FFFD.
fn percent_decode(text: &str) -> String {
    let hex = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let digits = bytes.get(at + 1).zip(bytes.get(at + 2));
        let value = digits.and_then(|(high, low)| Some(hex(*high)? * 16 + hex(*low)?));
        match (byte, value) {
            (b'%', Some(value)) => {
                out.push(value);
                at += 3;
            }
            (byte, _) => {
                out.push(*byte);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, proptest};

    use crate::catalog::errors;
    use crate::catalog::operation::{self, Operation};
    use crate::catalog::resource::{ADAPTERS, Adapter};

    proptest! {
        /// Whatever a log holds: no panic, and no wildcard but those that the adapter means.
        #[test]
        fn any_text_is_taken_calmly(text in "([a-z:/%*?$\\-]|\\PC){0,40}", name in "\\PC{0,30}") {
            for (label, adapter) in ADAPTERS {
                let Some(part) = adapter.apply(&text) else { continue };
                let bare = part.replace("${*}", "").replace("${?}", "").replace("${$}", "");
                let meant = bare.strip_suffix("-??????").unwrap_or(&bare);
                prop_assert!(!meant.contains(['*', '?']), "{label}: {part}");
            }
            let needs = operation::find(&text, &name);
            prop_assert!(!matches!(needs, Operation::Needs(needs) if needs.iter().next().is_none()));
            prop_assert!(!errors::class(&name).1.is_empty());
            let plain = text.replace(['*', '!'], "x");
            prop_assert!(operation::same_text(&plain, &plain));
            let not = ["!", plain.as_str()].concat();
            prop_assert!(!operation::same_text(&not, &plain));
            prop_assert!(name.starts_with(operation::plain_name(&name)));
        }
    }

    #[test]
    fn each_adapter_takes_what_it_is_for_and_nothing_else() {
        let lambda = "arn:aws:lambda:eu-west-1:111122223333:function:resize";
        let table = [
            ("same", "a*b", Some("a${*}b")),
            ("same", "", None),
            (
                "url-last",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
                Some("jobs"),
            ),
            ("url-last", "/hostedzone/Z1", Some("Z1")),
            ("url-last", "jobs", Some("jobs")),
            (
                "url-account",
                "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs",
                Some("111122223333"),
            ),
            ("url-account", "jobs", None),
            ("url-account", "https://example.com/jobs", None),
            (
                "arn-last",
                "arn:aws:ecs:eu-west-1:111122223333:cluster/web",
                Some("web"),
            ),
            (
                "arn-last",
                "arn:aws:rds:eu-west-1:111122223333:db:main",
                Some("main"),
            ),
            ("arn-last", "web/a", Some("web/a")),
            (
                "arn-second",
                "arn:aws:ecs:eu-west-1:111122223333:service-deployment/web/shop/d1",
                Some("web"),
            ),
            (
                "arn-third",
                "arn:aws:ecs:eu-west-1:111122223333:service-deployment/web/shop/d1",
                Some("shop"),
            ),
            (
                "arn-second",
                "arn:aws:codebuild:eu-west-1:111122223333:report/unit:1a2b",
                Some("unit"),
            ),
            ("arn-third", "arn:aws:sns:eu-west-1:111122223333:jobs", None),
            ("arn-second", "web/shop", None),
            ("literal", "default", None),
            ("account-id", "111122223333", Some("111122223333")),
            ("account-id", "ou-ab12-12345678", None),
            (
                "family",
                "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7",
                Some("web"),
            ),
            ("family", "web:7", Some("web")),
            ("family", "web", Some("web")),
            ("after-last-colon", "web:7", Some("7")),
            ("after-last-colon", "web", None),
            ("before-colon", "project:uuid", Some("project")),
            ("strip-slash", "/a/b", Some("a/b")),
            ("strip-slash", "a/b", Some("a/b")),
            ("secret-suffix", "db/password", Some("db/password-??????")),
            ("secret-suffix", "what?", Some("what${?}-??????")),
            ("lambda-function", lambda, Some("resize")),
            (
                "lambda-function",
                "111122223333:function:resize:live",
                Some("resize"),
            ),
            ("lambda-function", "myfunction:live", Some("myfunction")),
            ("lambda-alias-of", "myfunction:live", Some("live")),
            ("lambda-alias-of", "myfunction:7", None),
            ("lambda-alias-of", lambda, None),
            ("lambda-version-of", "myfunction:7", Some("7")),
            ("lambda-version", "$LATEST", Some("$LATEST")),
            ("lambda-version", "live", None),
            ("lambda-alias", "live", Some("live")),
            ("lambda-alias", "12", None),
            ("kms-key", "1234abcd-12ab", Some("1234abcd-12ab")),
            (
                "kms-key",
                "arn:aws:kms:eu-west-1:111122223333:key/1234abcd",
                Some("1234abcd"),
            ),
            ("kms-key", "alias/app", None),
            (
                "kms-key",
                "arn:aws:kms:eu-west-1:111122223333:alias/app",
                None,
            ),
            ("kms-alias", "alias/app", Some("app")),
            (
                "kms-alias",
                "arn:aws:kms:eu-west-1:111122223333:alias/app/x",
                Some("app/x"),
            ),
            ("kms-alias", "1234abcd", None),
            (
                "log-group",
                "arn:aws:logs:eu-west-1:111122223333:log-group:/aws/lambda/a:*",
                Some("/aws/lambda/a"),
            ),
            ("log-group", "/aws/lambda/a", Some("/aws/lambda/a")),
            (
                "oidc-provider",
                "https://token.actions.example.com",
                Some("token.actions.example.com"),
            ),
            (
                "oidc-provider",
                "arn:aws:iam::111122223333:oidc-provider/a.example.com/id",
                Some("a.example.com/id"),
            ),
            ("drop-prefix", "p-ab12", Some("ab12")),
            ("drop-prefix", "ab12", None),
            ("ou-id", "ou-ab12-cd34", Some("ab12-cd34")),
            ("ou-id", "r-ab12", None),
            ("root-id", "r-ab12", Some("ab12")),
            ("cfn-type", "AWS::S3::Bucket", Some("AWS-S3-Bucket")),
            (
                "copy-source",
                "/bucket/a%20b%2Fc?versionId=1",
                Some("bucket/a b/c"),
            ),
            ("copy-source", "bucket/100%", Some("bucket/100%")),
            ("copy-source", "bucket", None),
            ("ec2-path", "vpc-1a2b", Some("vpc/vpc-1a2b")),
            ("ec2-path", "ami-1a2b", None),
            ("ec2-path", "x", None),
            ("ec2-public-path", "ami-1a2b", Some("image/ami-1a2b")),
            ("ec2-public-path", "vpc-1a2b", None),
            ("ec2-type", "volume", Some("volume")),
            ("ec2-type", "snapshot", None),
            ("ec2-public-type", "snapshot", Some("snapshot")),
            ("ec2-instance", "i-1", Some("i-1")),
            ("ec2-instance", "mi-1", None),
            ("managed-node", "mi-1", Some("mi-1")),
            ("aws-owned", "AWS-RunShellScript", Some("")),
            (
                "aws-owned",
                "/aws/service/ami-amazon-linux-latest/x",
                Some(""),
            ),
            ("aws-owned", "/aws/reference/secretsmanager/x", None),
            ("aws-owned", "/app/x", None),
            ("rule-bus", "orders", Some("orders/")),
            ("rule-bus", "default", Some("")),
            (
                "rule-bus",
                "arn:aws:events:eu-west-1:111122223333:event-bus/orders",
                Some("orders/"),
            ),
            (
                "arn-path",
                "arn:aws:elasticloadbalancing:eu-west-1:111122223333:loadbalancer/app/web/50dc",
                Some("app/web/50dc"),
            ),
            ("arn-path", "app/web", None),
            (
                "url-encoded",
                "arn:aws:x::/a",
                Some("arn%3Aaws%3Ax%3A%3A%2Fa"),
            ),
            ("url-encoded", "", None),
            (
                "s3-url",
                "https://b.s3.eu-west-1.amazonaws.com/a%20b/c?versionId=1",
                Some("b/a b/c"),
            ),
            ("s3-url", "https://b.c.s3.amazonaws.com/k", Some("b.c/k")),
            (
                "s3-url",
                "https://b.s3.c.s3.cn-north-1.amazonaws.com.cn/k",
                Some("b.s3.c/k"),
            ),
            (
                "s3-url",
                "https://b.s3-eu-west-1.amazonaws.com/k*",
                Some("b/k${*}"),
            ),
            (
                "s3-url",
                "https://s3.eu-west-1.amazonaws.com/b/k",
                Some("b/k"),
            ),
            (
                "s3-url",
                "https://s3-eu-west-1.amazonaws.com/b/k",
                Some("b/k"),
            ),
            ("s3-url", "https://s3.amazonaws.com/b", None),
            ("s3-url", "https://b.s3.amazonaws.com/", None),
            ("s3-url", "https://example.com/b/k", None),
            ("s3-url", "b/k", None),
            ("waf-scope", "CLOUDFRONT", Some("global")),
            ("waf-scope", "REGIONAL", Some("regional")),
            ("waf-scope", "x", None),
            (
                "lambda-qualified",
                "myfunction:live",
                Some("myfunction:live"),
            ),
            (
                "lambda-qualified",
                "111122223333:function:resize:7",
                Some("resize:7"),
            ),
            ("lambda-qualified", lambda, Some("resize")),
            ("lambda-qualifier", "live", Some(":live")),
            ("lambda-qualifier", "", None),
        ];
        for (name, text, expected) in table {
            let adapter = Adapter::parse(name).unwrap();
            assert_eq!(adapter.apply(text).as_deref(), expected, "{name} {text}");
        }
        assert_eq!(Adapter::RuleBus.of_absent(), Some(""));
        assert_eq!(Adapter::LambdaQualifier.of_absent(), Some(""));
        assert_eq!(Adapter::Same.of_absent(), None);
    }
}
