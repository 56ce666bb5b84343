//! `trailfit generate --own-policy`: the permissions that trailfit itself needs to read its inputs.

use std::collections::BTreeSet;

use crate::cli::input::Input;
use crate::cli::{Ending, output, tell, usage_error};
use crate::error::Result;
use crate::iam::action::Action;
use crate::iam::arn::{ResourceArn, escape};
use crate::iam::condition::Condition;
use crate::iam::policy::{Effect, PolicyDocument, Statement};
use crate::source::layout::bucket_and_prefix;
use crate::usage::resource::partition_of;

/// What stands in the template for the inputs. The bucket's name is AWS's own for examples.
const TEMPLATE: [&str; 2] = ["s3://amzn-s3-demo-bucket/AWSLogs/", "lookup-events://"];

/// What a policy for S3 leaves out: no INPUT names the key, and no INPUT asks for digests.
const LEFT_OUT: &str = "\
note: where the objects are encrypted with a KMS key, `kms:Decrypt` on that key is needed too
note: `ingest --verify-digests` without --public-keys needs `cloudtrail:ListPublicKeys` too
";

/// Prints the policy for the inputs, in the partition of `--region`, or of the Region that the environment names.
///
/// # Errors
/// Where none of the inputs is AWS's, or one names no bucket, or stdout takes no more.
pub(crate) fn run(input: &Input, quiet: bool) -> Result<Ending> {
    let region = input.region.first().cloned();
    let region = region.or_else(|| std::env::var("AWS_REGION").ok());
    let inputs = match input.inputs.is_empty() {
        true => TEMPLATE.map(str::to_owned).to_vec(),
        false => input.inputs.clone(),
    };
    let document = policy(&inputs, partition_of(region.as_deref().unwrap_or_default()))?;
    if document.statements.is_empty() {
        return usage_error("to read files no permission of AWS is needed");
    }
    output::print(&document.to_json())?;
    let reads_s3 = inputs.iter().any(|input| input.starts_with("s3://"));
    if reads_s3 && !quiet {
        tell(LEFT_OUT);
    }
    Ok(Ending::Done)
}

/// The least that reading `inputs` takes, as `source::s3` asks for it: pages of the listing below each prefix, and the objects
/// there.
fn policy(inputs: &[String], partition: &str) -> Result<PolicyDocument> {
    let mut statements = Vec::new();
    let distinct: BTreeSet<&String> = inputs.iter().collect();
    for input in distinct.iter().filter(|input| input.starts_with("s3://")) {
        let (bucket, prefix) = bucket_and_prefix(input)?;
        let (bucket, prefix) = (
            format!("arn:{partition}:s3:::{}", escape(bucket)),
            escape(prefix),
        );
        // Without `/` at its end, it may be an object or a folder.
        let patterns = match &*prefix {
            "" => vec!["*".to_owned()],
            folder if folder.ends_with('/') => vec![format!("{folder}*")],
            either => vec![either.to_owned(), format!("{either}/*")],
        };
        let objects = patterns.iter().map(|pattern| format!("{bucket}/{pattern}"));
        let only = Condition {
            operator: "StringLike",
            key: "s3:prefix".into(),
            values: patterns.clone(),
        };
        let number = statements.len() / 2 + 1;
        statements.push(allow(
            format!("List{number}"),
            "s3:ListBucket",
            vec![bucket.clone()],
            if prefix.is_empty() {
                vec![]
            } else {
                vec![only]
            },
        ));
        statements.push(allow(
            format!("Read{number}"),
            "s3:GetObject",
            objects.collect(),
            vec![],
        ));
    }
    if inputs
        .iter()
        .any(|input| input.starts_with("lookup-events://"))
    {
        let (name, any) = ("LookupEvents".to_owned(), vec!["*".to_owned()]);
        statements.push(allow(name, "cloudtrail:LookupEvents", any, vec![]));
    }
    Ok(PolicyDocument { statements })
}

fn allow(
    sid: String,
    action: &'static str,
    resources: Vec<String>,
    conditions: Vec<Condition>,
) -> Statement {
    Statement {
        sid,
        effect: Effect::Allow,
        actions: vec![Action::known(action)],
        resources: resources
            .into_iter()
            .map(ResourceArn::from_pattern)
            .collect(),
        conditions,
    }
}

#[cfg(test)]
mod tests {
    use super::policy;
    use crate::verify::policy::parse;

    #[test]
    fn each_input_has_its_least() {
        let inputs = [
            "s3://b/p/",
            "s3://b",
            "s3://c/one*.json",
            "folder",
            "lookup-events://?region=eu-west-1",
        ];
        let document = policy(&inputs.map(str::to_owned), "aws-cn").unwrap();
        let text = document.to_json();
        assert_eq!(parse(&text).unwrap().len(), 1);
        let compact: String = text.split_whitespace().collect();
        for part in [
            r#""Sid":"List1","Effect":"Allow","Action":"s3:ListBucket","Resource":"arn:aws-cn:s3:::b"}"#,
            r#""s3:GetObject","Resource":"arn:aws-cn:s3:::b/*"}"#,
            r#""Resource":"arn:aws-cn:s3:::b","Condition":{"StringLike":{"s3:prefix":"p/*"}}"#,
            r#""Resource":"arn:aws-cn:s3:::b/p/*"}"#,
            r#"{"s3:prefix":["one${*}.json","one${*}.json/*"]}"#,
            r#""Resource":["arn:aws-cn:s3:::c/one${*}.json","arn:aws-cn:s3:::c/one${*}.json/*"]"#,
            r#""cloudtrail:LookupEvents","Resource":"*"}"#,
        ] {
            assert!(compact.contains(part), "{part}\n{text}");
        }
        assert!(
            policy(&["folder".to_owned()], "aws")
                .unwrap()
                .statements
                .is_empty()
        );
        assert!(policy(&["s3:///x".to_owned()], "aws").is_err());
    }
}
