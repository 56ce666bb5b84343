//! `trailfit lint` as a user runs it, and each check by an example of what it finds.

use std::collections::BTreeSet;
use std::fs;

use proptest::prelude::*;
use serde_json::{Value, json};
use trailfit::verify::context::{Context, Key};
use trailfit::verify::evaluate::{Attached, Decision, Request, evaluate};
use trailfit::verify::lint::checks::{self, Kind};
use trailfit::verify::lint::lint;
use trailfit::verify::policy;

use crate::program::{Run, project};

/// A document of one statement, to which a test gives what it needs; `{}` says nothing that a check could find.
fn document(statement: Value) -> Value {
    let mut whole =
        json!({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"});
    for (name, value) in statement.as_object().unwrap() {
        match value {
            Value::Null => whole.as_object_mut().unwrap().remove(name),
            value => whole
                .as_object_mut()
                .unwrap()
                .insert(name.clone(), value.clone()),
        };
    }
    json!({"Version": "2012-10-17", "Statement": whole})
}

fn found(text: &str) -> Vec<(&'static str, String)> {
    let findings = lint(text).into_iter();
    findings.map(|f| (f.check.code, f.pointer)).collect()
}

/// Code, what a statement says, and where below the statement it is found.
fn statements() -> Vec<(&'static str, Value, &'static str)> {
    let on = |condition: Value| json!({"Condition": condition});
    let passing = |action: &str, resource: &str| json!({"Action": action, "Resource": resource});
    let role = "arn:aws:iam::111122223333:role/r";
    vec![
        ("MISSING_EFFECT", json!({"Effect": null}), ""),
        ("INVALID_EFFECT", json!({"Effect": "allow"}), "/Effect"),
        ("DATA_TYPE_MISMATCH", json!({"Effect": true}), "/Effect"),
        ("MISSING_ACTION", json!({"Action": null}), ""),
        ("MISSING_RESOURCE", json!({"Resource": null}), ""),
        (
            "UNSUPPORTED_ELEMENT_COMBINATION",
            json!({"NotAction": "s3:*"}),
            "/NotAction",
        ),
        (
            "INVALID_POLICY_ELEMENT",
            json!({"Actions": "s3:*"}),
            "/Actions",
        ),
        (
            "UNSUPPORTED_PRINCIPAL",
            json!({"Principal": "*"}),
            "/Principal",
        ),
        ("UNSUPPORTED_SID", json!({"Sid": "read it"}), "/Sid"),
        ("EMPTY_SID_VALUE", json!({"Sid": ""}), "/Sid"),
        ("EMPTY_ARRAY_ACTION", json!({"Action": []}), "/Action"),
        (
            "EMPTY_ARRAY_ACTION",
            json!({"Action": null, "NotAction": []}),
            "/NotAction",
        ),
        (
            "UNKNOWN_VARIABLE",
            json!({"Resource": "arn:aws:s3:::b/${username}"}),
            "/Resource",
        ),
        (
            "UNKNOWN_VARIABLE",
            on(json!({"StringEquals": {"aws:username": "${awz:username}"}})),
            "/Condition/StringEquals/aws:username",
        ),
        (
            "MULTIVALUED_VARIABLE",
            json!({"Resource": "arn:aws:s3:::b/${aws:TagKeys}"}),
            "/Resource",
        ),
        (
            "TYPE_MISMATCH_ARN",
            on(json!({"ArnLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/r", "role/r"]}})),
            "/Condition/ArnLike/aws:PrincipalArn/1",
        ),
        (
            "TYPE_MISMATCH_ARN",
            on(json!({"StringEquals": {"aws:PrincipalArn": "111122223333"}})),
            "/Condition/StringEquals/aws:PrincipalArn",
        ),
        (
            "INVALID_ACCOUNT_VALUE",
            on(json!({"StringEquals": {"aws:PrincipalAccount": "1111"}})),
            "/Condition/StringEquals/aws:PrincipalAccount",
        ),
        (
            "INVALID_REGION",
            on(json!({"StringEqualsIgnoreCase": {"aws:RequestedRegion": "EU-WEST-9"}})),
            "/Condition/StringEqualsIgnoreCase/aws:RequestedRegion",
        ),
        (
            "INVALID_ARN_REGION",
            passing(
                "logs:PutLogEvents",
                "arn:aws:logs:eu-west-9:111122223333:log-group:g",
            ),
            "/Resource",
        ),
        (
            "INVALID_ARN_ACCOUNT",
            passing(
                "logs:PutLogEvents",
                "arn:aws:logs:eu-west-1:1111:log-group:g",
            ),
            "/Resource",
        ),
        (
            "INVALID_ARN_REGION",
            passing("apigateway:GET", "arn:aws:apigateway:cn-north-1::/restapis"),
            "/Resource",
        ),
        (
            "INVALID_ARN_ACCOUNT",
            passing("iam:GetRole", "arn:aws:iam::1111:rolle/r"),
            "/Resource",
        ),
        ("EMPTY_ARRAY_RESOURCE", json!({"Resource": []}), "/Resource"),
        (
            "UNSUPPORTED_CHARACTER",
            json!({"Resource": "arn:aws:s3:::b/\u{4e2d}"}),
            "/Resource",
        ),
        // Actions.
        (
            "INVALID_ACTION",
            json!({"Action": "s3:GetObjekt"}),
            "/Action",
        ),
        (
            "INVALID_ACTION",
            json!({"Action": ["s3:GetObject", "s3:Objekt*"]}),
            "/Action/1",
        ),
        ("INVALID_ACTION", json!({"Action": "s3"}), "/Action"),
        (
            "INVALID_SERVICE_IN_ACTION",
            json!({"Action": "s4:GetObject"}),
            "/Action",
        ),
        (
            "WILDCARD_IN_SERVICE_NAME",
            json!({"Action": "s3*:GetObject"}),
            "/Action",
        ),
        (
            "WILDCARD_IN_SERVICE_NAME",
            json!({"Resource": "arn:aws:s*:::b/k"}),
            "/Resource",
        ),
        (
            "VARIABLE_UNSUPPORTED_IN_ELEMENT",
            json!({"Action": "s3:${aws:username}"}),
            "/Action",
        ),
        (
            "REDUNDANT_ACTION",
            json!({"Action": ["s3:Get*", "S3:getobject"]}),
            "/Action/1",
        ),
        (
            "REDUNDANT_ACTION",
            json!({"Action": ["s3:GetObject", "s3:Get*"]}),
            "/Action/0",
        ),
        (
            "REDUNDANT_ACTION",
            json!({"Action": ["s3:GetObject", "s3:GETOBJECT"]}),
            "/Action/1",
        ),
        // Resources.
        (
            "INVALID_ARN_PREFIX",
            json!({"Resource": "b/k"}),
            "/Resource",
        ),
        (
            "MISSING_ARN_FIELD",
            json!({"Resource": "arn:aws:s3:b"}),
            "/Resource",
        ),
        (
            "INVALID_PARTITION",
            json!({"Resource": "arn:amazon:s3:::b/k"}),
            "/Resource",
        ),
        (
            "INVALID_ARN_SERVICE_CASE",
            json!({"Resource": "arn:aws:S3:::b/k"}),
            "/Resource",
        ),
        (
            "INVALID_SERVICE",
            json!({"Resource": "arn:aws:s4:::b/k"}),
            "/Resource",
        ),
        (
            "INVALID_SERVICE",
            on(json!({"StringEquals": {"s4:prefix": "a"}})),
            "/Condition/StringEquals/s4:prefix",
        ),
        (
            "ARN_REGION_NOT_ALLOWED",
            passing("iam:GetRole", "arn:aws:iam:eu-west-1:111122223333:role/r"),
            "/Resource",
        ),
        (
            "ARN_ACCOUNT_NOT_ALLOWED",
            json!({"Resource": "arn:aws:s3::111122223333:b/k"}),
            "/Resource",
        ),
        (
            "MISSING_ARN_REGION",
            passing("sqs:SendMessage", "arn:aws:sqs::111122223333:q"),
            "/Resource",
        ),
        (
            "INVALID_ARN_REGION",
            passing("sqs:SendMessage", "arn:aws:sqs:eu-west-9:111122223333:q"),
            "/Resource",
        ),
        (
            "INVALID_ARN_REGION",
            passing("sqs:SendMessage", "arn:aws:sqs:cn-north-1:111122223333:q"),
            "/Resource",
        ),
        (
            "MISSING_ARN_ACCOUNT",
            passing("sqs:SendMessage", "arn:aws:sqs:eu-west-1::q"),
            "/Resource",
        ),
        (
            "INVALID_ARN_ACCOUNT",
            passing("sqs:SendMessage", "arn:aws:sqs:eu-west-1:11112222333:q"),
            "/Resource",
        ),
        (
            "INVALID_ARN_RESOURCE",
            passing(
                "states:StartExecution",
                "arn:aws:states:eu-west-1:111122223333:statemachine:m",
            ),
            "/Resource",
        ),
        (
            "UNKNOWN_ARN_RESOURCE",
            passing("iam:GetRole", "arn:aws:iam::111122223333:rolle/r"),
            "/Resource",
        ),
        (
            "REDUNDANT_RESOURCE",
            json!({"Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::b/k*"]}),
            "/Resource/1",
        ),
        (
            "UNSUPPORTED_RESOURCE_FOR_ACTION",
            json!({"Action": ["s3:GetObject", "s3:ListBucket"]}),
            "/Action/1",
        ),
        (
            "RESOURCE_WITHOUT_ACTION",
            json!({"Resource": ["arn:aws:s3:::b/k", "arn:aws:s3:::b"]}),
            "/Resource/1",
        ),
        // Variables.
        (
            "MISSING_BRACE_IN_VARIABLE",
            json!({"Resource": "arn:aws:s3:::b/${aws:username"}),
            "/Resource",
        ),
        (
            "MISSING_QUOTE_IN_VARIABLE",
            json!({"Resource": "arn:aws:s3:::b/${aws:username, nobody}"}),
            "/Resource",
        ),
        (
            "UNSUPPORTED_SPACE_IN_VARIABLE",
            json!({"Resource": "arn:aws:s3:::b/${aws: username}"}),
            "/Resource",
        ),
        (
            "EMPTY_VARIABLE",
            json!({"Resource": "arn:aws:s3:::b/${}"}),
            "/Resource",
        ),
        (
            "INVALID_GLOBAL_CONDITION_KEY",
            json!({"Resource": "arn:aws:s3:::b/${aws:usrname}"}),
            "/Resource",
        ),
        (
            "INVALID_VARIABLE_FOR_OPERATOR",
            on(json!({"Bool": {"aws:SecureTransport": "${aws:ViaAWSService}"}})),
            "/Condition/Bool/aws:SecureTransport",
        ),
        // Conditions: shape, operators and keys.
        ("EMPTY_OBJECT_CONDITION", on(json!({})), "/Condition"),
        (
            "EMPTY_OBJECT_CONDITION",
            on(json!({"Bool": {}})),
            "/Condition/Bool",
        ),
        (
            "INVALID_CONDITION_OPERATOR",
            on(json!({"StringIs": {"s3:prefix": "a"}})),
            "/Condition/StringIs",
        ),
        (
            "INVALID_CONDITION_KEY_FORMAT",
            on(json!({"StringEquals": {"prefix": "a"}})),
            "/Condition/StringEquals/prefix",
        ),
        (
            "INVALID_GLOBAL_CONDITION_KEY",
            on(json!({"StringEquals": {"aws:SourceIpAddress": "a"}})),
            "/Condition/StringEquals/aws:SourceIpAddress",
        ),
        (
            "INVALID_SERVICE_CONDITION_KEY",
            on(json!({"StringEquals": {"s3:prefixx": "a"}})),
            "/Condition/StringEquals/s3:prefixx",
        ),
        (
            "MISSING_TAG_KEY_IN_CONDITION",
            on(json!({"StringEquals": {"aws:ResourceTag": "a"}})),
            "/Condition/StringEquals/aws:ResourceTag",
        ),
        (
            "DUPLICATE_KEYS_WITH_DIFFERENT_CASE",
            on(json!({"StringEquals": {"s3:authType": "a", "s3:AuthType": "b"}})),
            "/Condition/StringEquals/s3:AuthType",
        ),
        (
            "NULL_WITH_IF_EXISTS",
            on(json!({"NullIfExists": {"aws:TagKeys": "true"}})),
            "/Condition/NullIfExists",
        ),
        (
            "NULL_WITH_QUALIFIER",
            on(json!({"ForAnyValue:Null": {"aws:TagKeys": "true"}})),
            "/Condition/ForAnyValue:Null",
        ),
        (
            "MISSING_QUALIFIER",
            on(json!({"StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}})),
            "/Condition/StringEquals/aws:CalledVia",
        ),
        (
            "FORALLVALUES_WITH_SINGLE_VALUED_KEY",
            on(json!({"ForAllValues:StringEquals": {"aws:username": "ann"}})),
            "/Condition/ForAllValues:StringEquals/aws:username",
        ),
        (
            "TYPE_MISMATCH",
            on(json!({"StringEquals": {"aws:SecureTransport": "true"}})),
            "/Condition/StringEquals/aws:SecureTransport",
        ),
        (
            "STRING_LIKE_OPERATOR_WITH_ARN_CONDITION_KEYS",
            on(json!({"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/r"}})),
            "/Condition/StringLike/aws:PrincipalArn",
        ),
        (
            "DEPRECATED_GLOBAL_CONDITION_KEY",
            on(json!({"ArnLike": {"aws:ARN": "arn:aws:iam::*:role/r"}})),
            "/Condition/ArnLike/aws:ARN",
        ),
        (
            "UNTRUSTWORTHY_CONDITION_KEY",
            on(json!({"StringEquals": {"aws:UserAgent": "curl"}})),
            "/Condition/StringEquals/aws:UserAgent",
        ),
        (
            "MISSING_PAIRED_CONDITION_KEYS",
            on(json!({"IpAddress": {"aws:VpcSourceIp": "10.0.0.0/8"}})),
            "/Condition/IpAddress/aws:VpcSourceIp",
        ),
        (
            "DYNAMODB_ATTRIBUTES_WITHOUT_SELECT",
            json!({
                "Action": "dynamodb:Query",
                "Resource": "arn:aws:dynamodb:eu-west-1:111122223333:table/t",
                "Condition": {"ForAllValues:StringEquals": {"dynamodb:Attributes": "id"}},
            }),
            "/Condition/ForAllValues:StringEquals/dynamodb:Attributes",
        ),
        (
            "S3_PREFIX_IN_NEGATIVE_CONTEXT",
            json!({
                "Effect": "Deny",
                "Action": "s3:ListBucket",
                "Resource": "arn:aws:s3:::b",
                "Condition": {"StringLike": {"s3:prefix": "private/*"}},
            }),
            "/Condition/StringLike/s3:prefix",
        ),
        (
            "UNSUPPORTED_ACTION_FOR_CONDITION_KEY",
            json!({
                "Action": ["iam:PassRole", "iam:GetRole"],
                "Resource": role,
                "Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}},
            }),
            "/Action/1",
        ),
        (
            "UNLISTED_CONDITION_KEY_FOR_ACTION",
            on(json!({"StringEquals": {"s3:prefix": "a"}})),
            "/Action",
        ),
        (
            "MFA_DENIAL_WITHOUT_IF_EXISTS",
            json!({"Effect": "Deny", "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "false"}}}),
            "/Condition/Bool/aws:MultiFactorAuthPresent",
        ),
        (
            "VARIABLE_BEFORE_ARN_RESOURCE",
            json!({"Resource": "arn:aws:s3::${aws:PrincipalAccount}:b/k"}),
            "/Resource",
        ),
        (
            "UNSUPPORTED_RESOURCE_FOR_ACTION",
            json!({"Action": ["s3:GetObject", "s3:*Bucket"]}),
            "/Action/1",
        ),
        // Conditions: values.
        (
            "EMPTY_ARRAY_CONDITION",
            on(json!({"StringEquals": {"aws:username": []}})),
            "/Condition/StringEquals/aws:username",
        ),
        (
            "EMPTY_ARRAY_CONDITION_FORALLVALUES",
            on(json!({"ForAllValues:StringEquals": {"aws:TagKeys": []}})),
            "/Condition/ForAllValues:StringEquals/aws:TagKeys",
        ),
        (
            "EMPTY_ARRAY_CONDITION_FORANYVALUE",
            on(json!({"ForAnyValue:StringEquals": {"aws:TagKeys": []}})),
            "/Condition/ForAnyValue:StringEquals/aws:TagKeys",
        ),
        (
            "EMPTY_ARRAY_CONDITION_IFEXISTS",
            on(json!({"StringEqualsIfExists": {"aws:username": []}})),
            "/Condition/StringEqualsIfExists/aws:username",
        ),
        (
            "INVALID_CONDITION_DATA_TYPE",
            on(json!({"StringEquals": {"aws:username": ["a", 7]}})),
            "/Condition/StringEquals/aws:username/1",
        ),
        (
            "INVALID_CONDITION_MULTIPLE_BOOLEAN",
            on(json!({"Bool": {"aws:SecureTransport": [true, false]}})),
            "/Condition/Bool/aws:SecureTransport",
        ),
        (
            "TYPE_MISMATCH_BOOLEAN",
            on(json!({"Bool": {"aws:SecureTransport": "yes"}})),
            "/Condition/Bool/aws:SecureTransport",
        ),
        (
            "TYPE_MISMATCH_DATE",
            on(json!({"DateLessThan": {"aws:CurrentTime": "1 May 2026"}})),
            "/Condition/DateLessThan/aws:CurrentTime",
        ),
        (
            "INVALID_DATE_VALUE",
            on(json!({"DateLessThan": {"aws:CurrentTime": "1777593600"}})),
            "/Condition/DateLessThan/aws:CurrentTime",
        ),
        (
            "TYPE_MISMATCH_NUMBER",
            on(json!({"NumericLessThan": {"s3:max-keys": "ten"}})),
            "/Condition/NumericLessThan/s3:max-keys",
        ),
        (
            "TYPE_MISMATCH_STRING",
            on(json!({"BinaryEquals": {"aws:username": "ann!"}})),
            "/Condition/BinaryEquals/aws:username",
        ),
        (
            "TYPE_MISMATCH_IP_RANGE",
            on(json!({"IpAddress": {"aws:SourceIp": "203.0.113.0/33"}})),
            "/Condition/IpAddress/aws:SourceIp",
        ),
        (
            "IMPROVE_IP_RANGE",
            on(json!({"IpAddress": {"aws:SourceIp": "203.0.113.7/24"}})),
            "/Condition/IpAddress/aws:SourceIp",
        ),
        (
            "PRIVATE_IP_ADDRESS",
            on(json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "fd00::/8"]}})),
            "/Condition/IpAddress/aws:SourceIp",
        ),
        (
            "PRIVATE_IP_ADDRESS_SUBSET",
            on(json!({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "203.0.113.0/24"]}})),
            "/Condition/IpAddress/aws:SourceIp",
        ),
        (
            "PRIVATE_NOT_IP_ADDRESS",
            on(json!({"NotIpAddress": {"aws:SourceIp": "192.168.1.0/24"}})),
            "/Condition/NotIpAddress/aws:SourceIp",
        ),
        (
            "PRIVATE_NOT_IP_ADDRESS_SUBSET",
            on(json!({"NotIpAddress": {"aws:SourceIp": ["172.31.0.0/16", "203.0.113.0/24"]}})),
            "/Condition/NotIpAddress/aws:SourceIp",
        ),
        (
            "WILDCARD_WITHOUT_LIKE_OPERATOR",
            on(json!({"StringEquals": {"aws:username": "a*"}})),
            "/Condition/StringEquals/aws:username",
        ),
        (
            "INVALID_REGION",
            on(json!({"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-west-9"]}})),
            "/Condition/StringEquals/aws:RequestedRegion/1",
        ),
        (
            "INVALID_VPC_FORMAT",
            on(json!({"StringEquals": {"aws:SourceVpc": "vpce-1a2b3c4d"}})),
            "/Condition/StringEquals/aws:SourceVpc",
        ),
        (
            "INVALID_VPCE_FORMAT",
            on(json!({"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4"}})),
            "/Condition/StringEquals/aws:SourceVpce",
        ),
        (
            "INVALID_SERVICE_PRINCIPAL_FORMAT",
            json!({
                "Action": "iam:PassRole",
                "Resource": role,
                "Condition": {"StringEquals": {"iam:PassedToService": "Lambda"}},
            }),
            "/Condition/StringEquals/iam:PassedToService",
        ),
        (
            "INVALID_KMS_KEY_VALUE",
            json!({
                "Action": "s3:PutObject",
                "Condition": {"StringEquals": {"s3:x-amz-server-side-encryption-aws-kms-key-id": "1234abcd"}},
            }),
            "/Condition/StringEquals/s3:x-amz-server-side-encryption-aws-kms-key-id",
        ),
        (
            "REDUNDANT_CONDITION_VALUE_NUM",
            on(json!({"NumericLessThan": {"aws:MultiFactorAuthAge": ["900", "3600"]}})),
            "/Condition/NumericLessThan/aws:MultiFactorAuthAge",
        ),
        (
            "REDUNDANT_CONDITION_VALUE",
            on(json!({"StringLike": {"aws:username": ["a*", "ann"]}})),
            "/Condition/StringLike/aws:username/1",
        ),
        (
            "EQUIVALENT_TO_NULL_FALSE",
            on(json!({"StringLike": {"aws:username": "*"}})),
            "/Condition/StringLike/aws:username",
        ),
        (
            "EQUIVALENT_TO_NULL_TRUE",
            on(json!({"StringNotLike": {"aws:username": "*"}})),
            "/Condition/StringNotLike/aws:username",
        ),
        (
            "REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION",
            on(json!({"StringLikeIfExists": {"aws:username": "*"}})),
            "/Condition/StringLikeIfExists/aws:username",
        ),
        (
            "REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION",
            on(json!({"StringNotLike": {"aws:RequestedRegion": "*"}})),
            "/Condition/StringNotLike/aws:RequestedRegion",
        ),
        // Tags.
        (
            "ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
            json!({
                "Action": "ec2:DescribeInstances",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}},
            }),
            "/Action",
        ),
        (
            "DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
            json!({
                "Effect": "Deny",
                "Action": "ec2:DescribeInstances",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}},
            }),
            "/Action",
        ),
        (
            "ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
            json!({
                "Action": null,
                "NotAction": "iam:*",
                "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}},
            }),
            "/Condition/StringEquals/aws:ResourceTag~1team",
        ),
        (
            "DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE",
            json!({
                "Effect": "Deny",
                "Action": null,
                "NotAction": "iam:*",
                "Condition": {"StringEquals": {"aws:ResourceTag/team": "a"}},
            }),
            "/Condition/StringEquals/aws:ResourceTag~1team",
        ),
    ]
}

/// Twelve checks of one pattern; code, how the action comes in, the resources, where it is found.
fn powers() -> Vec<(String, Value, &'static str)> {
    let mut out = Vec::new();
    for (start, action) in [
        ("PASS_ROLE", "iam:PassRole"),
        ("CREATE_SLR", "iam:CreateServiceLinkedRole"),
    ] {
        let other = "arn:aws:iam::111122223333:role/other";
        for (end, actions, resource, at) in [
            (
                "STAR_IN_RESOURCE",
                json!({"Action": action}),
                "Resource",
                "/Action",
            ),
            (
                "NOT_RESOURCE",
                json!({"Action": action}),
                "NotResource",
                "/Action",
            ),
            (
                "STAR_IN_ACTION_AND_RESOURCE",
                json!({"Action": "iam:*"}),
                "Resource",
                "/Action",
            ),
            (
                "STAR_IN_ACTION_AND_NOT_RESOURCE",
                json!({"Action": "*"}),
                "NotResource",
                "/Action",
            ),
            (
                "STAR_IN_RESOURCE_AND_NOT_ACTION",
                json!({"NotAction": "s3:*"}),
                "Resource",
                "/NotAction",
            ),
            (
                "NOT_ACTION_AND_NOT_RESOURCE",
                json!({"NotAction": "s3:*"}),
                "NotResource",
                "/NotAction",
            ),
        ] {
            let mut statement = json!({"Action": null, "Resource": null});
            statement
                .as_object_mut()
                .unwrap()
                .extend(actions.as_object().unwrap().clone());
            statement[resource] = if resource == "Resource" {
                json!("*")
            } else {
                json!(other)
            };
            out.push((format!("{start}_WITH_{end}"), statement, at));
        }
    }
    out
}

/// What only a whole document shows.
fn documents() -> Vec<(&'static str, String, &'static str)> {
    let get = r#"{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}"#;
    let version = r#""Version": "2012-10-17""#;
    let long: Vec<String> = (0..400).map(|n| format!("arn:aws:s3:::b/{n:04}")).collect();
    // Each pair of these has to be compared, character by character.
    let vast: Vec<String> = (0..3_000)
        .map(|n| format!("arn:aws:s3:::*{}{n:04}*", "b".repeat(200)))
        .collect();
    let distinct: Vec<String> = (0..4_000).map(|n| format!("ec2:*{n}*")).collect();
    vec![
        (
            "JSON_SYNTAX_ERROR",
            format!("{{{version}, \"Statement\": {get}"),
            "",
        ),
        ("MISSING_VERSION", format!(r#"{{"Statement": {get}}}"#), ""),
        (
            "OLD_VERSION",
            format!(r#"{{"Version": "2008-10-17", "Statement": {get}}}"#),
            "/Version",
        ),
        (
            "INVALID_VERSION",
            format!(r#"{{"Version": "2012-10-18", "Statement": {get}}}"#),
            "/Version",
        ),
        ("MISSING_STATEMENT", format!("{{{version}}}"), ""),
        (
            "MISSING_STATEMENT",
            format!("{{{version}, \"Statement\": []}}"),
            "/Statement",
        ),
        (
            "DUPLICATE_POLICY_ELEMENT",
            format!("{{{version}, {version}, \"Statement\": {get}}}"),
            "/Version",
        ),
        (
            "UNIQUE_SIDS_REQUIRED",
            format!(
                r#"{{{version}, "Statement": [{{"Sid": "A", "Effect": "Deny", "Action": "s3:*", "Resource": "*"}}, {}]}}"#,
                get.replacen('{', r#"{"Sid": "A", "#, 1)
            ),
            "/Statement/1/Sid",
        ),
        (
            "VARIABLE_UNSUPPORTED_IN_VERSION",
            format!(
                r#"{{"Version": "2008-10-17", "Statement": {}}}"#,
                get.replace("b/k", "b/${aws:username}")
            ),
            "/Statement/Resource",
        ),
        (
            "POLICY_SIZE_EXCEEDS_IDENTITY_POLICY_QUOTA",
            document(json!({"Resource": long})).to_string(),
            "",
        ),
        (
            "REDUNDANT_STATEMENT",
            format!(
                r#"{{{version}, "Statement": [{get}, {{"Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::b/*"}}]}}"#
            ),
            "/Statement/0",
        ),
        (
            "REDUNDANCY_NOT_JUDGED",
            document(json!({"Resource": vast})).to_string(),
            "",
        ),
        (
            "ENTRIES_NOT_JUDGED",
            document(json!({"Action": distinct})).to_string(),
            "",
        ),
        (
            "MORE_FINDINGS",
            document(
                json!({"Condition": {"StringEquals": {"aws:username": vec![json!(null); 1_001]}}}),
            )
            .to_string(),
            "",
        ),
    ]
}

#[test]
fn each_check_finds_its_example_and_nothing_is_found_in_a_good_policy() {
    assert_eq!(found(&document(json!({})).to_string()), []);
    let mut seen = BTreeSet::new();
    let mut examples: Vec<(String, String, String)> = Vec::new();
    let plain = statements()
        .into_iter()
        .map(|(code, s, at)| (code.to_owned(), s, at));
    for (code, statement, at) in plain.chain(powers()) {
        let text = document(statement).to_string();
        examples.push((code, text, format!("/Statement{at}")));
    }
    for (code, text, at) in documents() {
        examples.push((code.to_owned(), text, at.to_owned()));
    }
    for (code, text, pointer) in examples {
        let found = found(&text);
        let hit = found.iter().any(|(c, p)| *c == code && *p == pointer);
        assert!(hit, "{code} at {pointer} in {text:.300}: {found:?}");
        seen.insert(code);
    }
    let all: BTreeSet<_> = checks::all()
        .iter()
        .map(|check| check.code.to_owned())
        .collect();
    assert_eq!(seen, all, "each check has an example");
}

/// What looks like one of the examples and is right.
#[test]
fn what_is_right_is_let_be() {
    let on = |condition: Value| json!({"Condition": condition});
    for statement in [
        json!({"Action": "*", "Resource": "arn:aws:s3:::b/*"}),
        json!({"Action": "apigateway:GET", "Resource": "arn:aws:apigateway:eu-west-1::/restapis"}),
        on(
            json!({"StringEqualsIgnoreCase": {"aws:RequestedRegion": "EU-WEST-1", "aws:SourceVpc": "VPC-1A2B3C4D"}}),
        ),
        json!({"Action": "iam:PassRole", "Resource": "*",
               "Condition": {"StringEqualsIgnoreCase": {"iam:PassedToService": "Lambda.amazonaws.com"}}}),
        json!({"Action": "events:PutRule", "Resource": "*",
               "Condition": {"StringEquals": {"events:source": "aws.ec2", "events:detail-type": "EC2 Instance State-change Notification"}}}),
        on(
            json!({"ArnLike": {"aws:PrincipalArn": ["${aws:PrincipalArn}", "arn:aws:iam::*:role/r"]}, "StringEquals": {"aws:PrincipalAccount": "111122223333"}}),
        ),
        json!({"Resource": "arn:aws:s3:::b/${accounts.google.com:sub}"}),
        json!({"Action": ["s3:Get*", "s3:*Tagging"], "Resource": ["arn:aws:s3:::b/*", "arn:aws:s3:::*/k"]}),
        json!({"Resource": ["arn:aws:s3:::b/${aws:username}/*", "arn:aws:s3:::b/${aws:PrincipalTag/a, 'none'}/${*}"]}),
        json!({"Action": "s3:ListAllMyBuckets", "Resource": "arn:aws:s3:::*"}),
        json!({"Action": "logs:PutLogEvents", "Resource": "arn:aws:logs:*:*:log-group:/a/*:log-stream:*"}),
        json!({"Action": "logs:TagResource", "Resource": "arn:aws:logs:eu-west-1:111122223333:log-group:g"}),
        json!({"Action": "ssm:SendCommand", "Resource": "arn:aws:ssm:eu-west-1::document/AWS-RunShellScript"}),
        json!({"Action": "iam:AttachRolePolicy", "Resource": "arn:aws:iam::*:role/r",
               "Condition": {"ArnEquals": {"iam:PolicyARN": "arn:aws:iam::aws:policy/ReadOnlyAccess"}}}),
        json!({"Action": "iam:PassRole", "Resource": "*",
               "Condition": {"StringEquals": {"iam:PassedToService": ["ec2.amazonaws.com", "ec2.amazonaws.com.cn"]}}}),
        json!({"Action": "iam:PassRole", "Resource": "arn:aws:iam::111122223333:role/service-role/*"}),
        json!({"Effect": "Deny", "Action": "iam:*", "Resource": "*"}),
        json!({"Action": "iam:CreateServiceLinkedRole", "Resource": "*",
               "Condition": {"StringLike": {"iam:AWSServiceName": "ecs.amazonaws.com"}}}),
        on(
            json!({"StringEquals": {"accounts.google.com:aud": "a", "saml:aud": "b", "aws:RequestTag/x": "*".repeat(0)}}),
        ),
        on(json!({"ForAnyValue:StringEquals": {"aws:CalledVia": "athena.amazonaws.com"}})),
        on(json!({"IpAddress": {"aws:SourceIp": ["203.0.113.7", "2001:db8::/32"]}})),
        json!({"Effect": "Deny", "Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}),
        json!({"Condition": {"StringEquals": {"s3:ExistingObjectTag/team": "a"}, "StringEqualsIfExists": {"s3:prefix": "a"}}}),
        on(json!({"DateGreaterThan": {"aws:CurrentTime": "2026-01-31T00:00:00Z"}})),
        on(json!({"Bool": {"aws:SecureTransport": true}, "Null": {"aws:TokenIssueTime": "false"}})),
        on(json!({"StringLike": {"aws:RequestedRegion": "eu-*", "aws:username": ["a*", "b?"]}})),
        json!({"Action": "kms:Decrypt", "Resource": "arn:aws:kms:eu-west-1:111122223333:key/*",
               "Condition": {"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/r", "kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::b"}}}),
        on(
            json!({"StringEquals": {"aws:SourceVpce": "vpce-1a2b3c4d", "aws:SourceVpc": "vpc-1a2b3c4d5e6f7a8b9"}}),
        ),
    ] {
        let text = document(statement).to_string();
        assert_eq!(found(&text), [], "{text}");
    }
}

#[test]
fn text_names_file_line_and_column() {
    let said = Run::new()
        .file("p.json", "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"s3:GetObjekt\", \"Resource\": \"*\"}\n}")
        .args(["lint", "p.json"])
        .code(1);
    assert_eq!(
        said.stdout,
        "p.json:3:46: ERROR INVALID_ACTION: `s3` has no action `GetObjekt`\n  Did you mean `s3:GetObject`?\n"
    );
    assert_eq!(
        said.stderr,
        "files 1, errors 1, security warnings 0, warnings 0, suggestions 0\n"
    );
}

#[test]
fn only_errors_change_the_exit_code() {
    let text = document(json!({"Action": ["s3:Get*", "s3:GetObject"]})).to_string();
    let said = Run::new()
        .args(["lint", "-", "--quiet", "--format", "json"])
        .stdin(text)
        .code(0);
    assert_eq!(said.stderr, "");
    let findings = &said.json()["findings"];
    assert_eq!(
        findings[0],
        json!({
            "file": "-", "line": 1, "column": findings[0]["column"], "path": "/Statement/Action/1", "type": "SUGGESTION",
            "code": "REDUNDANT_ACTION", "message": "`s3:GetObject` is covered by `s3:Get*`", "fix": "Remove it.",
        })
    );
    Run::new().args(["lint", "nowhere.json"]).code(2);
    Run::new()
        .file("p.json", "\u{0}")
        .args(["lint", "p.json"])
        .code(1);
    Run::new()
        .file("p.json", [0xff, 0xfe])
        .args(["lint", "p.json"])
        .code(1);
}

#[test]
fn what_a_policy_holds_does_not_reach_the_terminal() {
    let said = Run::new()
        .file(
            "p.json",
            document(json!({"Action": "s3:\u{1b}[31m"})).to_string(),
        )
        .args(["lint", "p.json"])
        .code(1);
    assert!(said.stdout.contains("\\u{1b}") && !said.stdout.contains('\u{1b}'));
}

/// OASIS, SARIF 2.1.0: the properties that it requires, and those that code scanning reads.
#[test]
fn sarif_has_rules_and_relative_places() {
    let said = Run::new()
        .file(
            "a b/p.json",
            document(json!({"Action": "s3:GetObjekt"})).to_string(),
        )
        .args(["lint", "a b/p.json", "--format", "sarif"])
        .code(1);
    let log = said.json();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(run["tool"]["driver"]["name"], "trailfit");
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert_eq!(rules.len(), checks::all().len());
    let results = run["results"].as_array().unwrap();
    assert!(!results.is_empty());
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert_eq!(
            rules[index]["defaultConfiguration"]["level"],
            result["level"]
        );
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b/p.json");
        assert!(place["region"]["startLine"].as_u64() >= Some(1));
        assert!(result["message"]["text"].is_string());
    }
    for path in ["./a b/p.json", "a b/../a b/./p.json"] {
        let again = Run::new()
            .file(
                "a b/p.json",
                document(json!({"Action": "s3:GetObjekt"})).to_string(),
            )
            .args(["lint", path, "--format", "sarif"])
            .code(1);
        assert_eq!(again.stdout, said.stdout, "{path}");
    }
    let folder = said.folder.path().to_str().unwrap().to_owned();
    let absolute = format!("{folder}/a b/p.json");
    let again = Run::within(said.folder)
        .args(["lint", &absolute, "--format", "sarif"])
        .code(1);
    assert_eq!(
        again.stdout, said.stdout,
        "a path within the working folder is relative to it"
    );
}

#[test]
fn arrays_and_wrappers_have_their_places() {
    let bad = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:Nope", "Resource": "*"}}"#;
    let one = |text: &str| {
        let findings = lint(text);
        assert_eq!(findings.len(), 1, "{text}: {findings:?}");
        (
            findings[0].line,
            findings[0].column,
            findings[0].pointer.clone(),
        )
    };
    assert_eq!(one(bad), (1, 70, "/Statement/Action".to_owned()));
    let good = document(json!({})).to_string();
    let place = (2, 70, "/1/Statement/Action".to_owned());
    assert_eq!(one(&format!("[{good},\n{bad}]")), place);
    let place = (2, 70, "/PolicyVersion/Document/Statement/Action".to_owned());
    assert_eq!(
        one(&format!("{{\"PolicyVersion\": {{\"Document\":\n{bad}}}}}")),
        place
    );
    let encoded: String = bad.bytes().map(|b| format!("%{b:02X}")).collect();
    let place = (1, 20, "/PolicyDocument/Statement/Action".to_owned());
    assert_eq!(
        one(&format!("{{\"PolicyDocument\": \"{encoded}\"}}")),
        place
    );
    for none in ["[]", r#"{"PolicyVersion": {}}"#, "7", "\"a\""] {
        assert!(!lint(none).is_empty(), "{none}");
    }
}

/// One fault is one finding.
#[test]
fn a_fault_does_not_bring_others() {
    let template = json!({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"\u{4e2d}": {}}})
        .to_string();
    assert_eq!(found(&template), [("MISSING_STATEMENT", String::new())]);
    let action = document(
        json!({"Action": ["s3:GetObject", 7], "Resource": ["arn:aws:s3:::b/k", "arn:aws:s3:::b"]}),
    )
    .to_string();
    assert_eq!(
        found(&action),
        [("DATA_TYPE_MISMATCH", "/Statement/Action/1".to_owned())]
    );
}

/// What a list without values says is what the evaluator decides, where the key is missing and where it is there.
#[test]
fn a_condition_without_values_is_told_as_it_is_decided() {
    for (operator, holds) in [
        ("StringEquals", "never holds"),
        ("StringNotEquals", "always holds"),
        (
            "StringEqualsIfExists",
            "holds only where the key is missing",
        ),
        (
            "ForAllValues:StringLike",
            "holds only where the key is missing",
        ),
        ("ForAllValues:StringNotLike", "always holds"),
        ("ForAnyValue:StringEquals", "never holds"),
        (
            "ForAnyValue:StringNotEquals",
            "holds only where the key is there",
        ),
        ("Null", "never holds"),
    ] {
        let text = document(json!({"Condition": {operator: {"aws:TagKeys": []}}})).to_string();
        let told = lint(&text)
            .into_iter()
            .find(|f| f.check.code.starts_with("EMPTY_ARRAY"));
        let told = told.unwrap().message;
        assert!(told.ends_with(holds), "{operator}: {told}");
        let policy = policy::parse(&text).unwrap();
        let attached = [Attached {
            principal: None,
            name: "p",
            policy: &policy[0],
        }];
        for (there, values) in [(false, vec![]), (true, vec!["a".to_owned()])] {
            let expected = match holds {
                "always holds" => true,
                "never holds" => false,
                _ => there == holds.ends_with("there"),
            };
            let key = if there {
                Key::Known(values)
            } else {
                Key::Absent
            };
            let context = Context::complete().with("aws:TagKeys", key);
            let user = "arn:aws:iam::111122223333:user/ann";
            let request = Request::new(user, "s3:GetObject", "arn:aws:s3:::b/k", &context);
            let allowed = evaluate(&request, &attached).decision == Decision::Allowed;
            assert_eq!(allowed, expected, "{operator}, {there}");
        }
    }
}

#[test]
fn a_page_lists_each_check() {
    let rows: String = checks::all()
        .iter()
        .map(|check| {
            let whose = if check.own { "ours" } else { "AWS's" };
            format!(
                "| `{}` | {} | {} | {whose} |\n",
                check.code,
                check.kind.as_str(),
                check.about
            )
        })
        .collect();
    let page = fs::read_to_string(project("docs/lint.md")).unwrap();
    assert!(
        page.contains(&rows),
        "docs/lint.md must have this table:\n{rows}"
    );
}

/// What `generate` writes passes: no finding of any kind.
#[test]
fn what_trailfit_writes_passes() {
    let said = Run::new()
        .args([
            "generate",
            "--quiet",
            "--out",
            "out",
            project("samples/AWSLogs").to_str().unwrap(),
        ])
        .code(0);
    let mut files: Vec<_> = said.written("out/index.json")["principals"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|principal| principal["files"].as_array().unwrap().clone())
        .map(|file| said.folder.path().join("out").join(file.as_str().unwrap()))
        .collect();
    assert!(files.len() > 5, "{files:?}");
    for case in fs::read_dir(project("tests/cases")).unwrap() {
        files.push(case.unwrap().path().join("policy.json"));
    }
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        assert_eq!(lint(&text), [], "{}", file.display());
    }
}

/// Words of policies, some of them wrong.
fn word() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!("s3:Get*"),
        json!("*"),
        json!("iam:PassRole"),
        json!("s3:GetObject"),
        json!("arn:aws:s3:::b/*"),
        json!("arn:aws:iam::*:role/${aws:username}"),
        json!("arn:aws:sqs"),
        json!("${"),
        json!("${}"),
        json!(""),
        json!("Allow"),
        json!("Deny"),
        json!("2012-10-17"),
        json!("203.0.113.0/24"),
        json!("10.1.2.3/8"),
        json!("::/0"),
        json!("é\u{1}*?"),
        json!(7),
        json!(-1.5e300),
        json!(true),
        json!(null),
        json!([]),
        json!({}),
        json!("arn:aws:*:*:*:*/?*/*"),
        json!("a:b"),
        json!("2026-01-01"),
    ])
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "Version",
        "Id",
        "Statement",
        "Sid",
        "Effect",
        "Action",
        "NotAction",
        "Resource",
        "NotResource",
        "Principal",
        "Condition",
        "StringEquals",
        "stringlike",
        "ForAllValues:StringLike",
        "ForAnyValue:StringNotLike",
        "NullIfExists",
        "ForAnyValue:Null",
        "Null",
        "Bool",
        "IpAddress",
        "NotIpAddress",
        "NumericLessThan",
        "DateEquals",
        "ArnLike",
        "BinaryEquals",
        "aws:SourceIp",
        "aws:username",
        "aws:ResourceTag/a",
        "aws:TagKeys",
        "s3:prefix",
        "iam:PassedToService",
        "aws:RequestedRegion",
        "x",
        "",
        "Document",
        "PolicyVersion",
    ])
    .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    word().prop_recursive(6, 40, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
            prop::collection::vec((name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_text_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = lint(&String::from_utf8_lossy(&bytes));
    }

    /// And what it finds no error in, the evaluator reads.
    #[test]
    fn no_document_makes_it_panic(elements in prop::collection::vec((name(), value()), 0..6), statement in value()) {
        let mut text = document(json!({}));
        text["Statement"].as_object_mut().unwrap().extend(elements);
        for text in [text.to_string(), json!({"Version": "2012-10-17", "Statement": statement}).to_string()] {
            let error = lint(&text).into_iter().any(|finding| finding.check.kind == Kind::Error);
            prop_assert!(error || policy::parse(&text).is_ok(), "{text}: {:?}", policy::parse(&text).unwrap_err());
        }
    }

    /// One byte more, less or other in a good policy.
    #[test]
    fn no_slip_of_the_pen_makes_it_panic(at in 0_usize..200, byte in any::<char>(), insert in any::<bool>()) {
        let good = document(json!({
            "Action": ["s3:Get*", "iam:PassRole"], "Resource": ["arn:aws:s3:::b/${aws:username, 'x'}", "arn:aws:iam::*:role/*"],
            "Condition": {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}, "Null": {"aws:TagKeys": true}},
        }));
        let mut text: Vec<char> = good.to_string().chars().collect();
        let at = at % text.len();
        if insert { text.insert(at, byte) } else { text[at] = byte }
        let _ = lint(&text.into_iter().collect::<String>());
    }
}

/// Documents of a megabyte, of the kinds that nest deeply, or could take long, much memory or many words.
#[test]
fn large_documents_end() {
    const SIZE: usize = 1_000_000;
    // As many of them as make a quarter of a megabyte: an unoptimised build takes seconds for a budget.
    let many = |unit: &dyn Fn(usize) -> Value| -> Vec<Value> {
        let mut size = 0;
        let units = (0..).map(unit);
        let fits = |unit: &Value| {
            size += unit.to_string().len() + 1;
            size < SIZE / 4
        };
        units.take_while(fits).collect()
    };
    let on = |condition: Value| document(json!({"Condition": condition})).to_string();
    let like = |values: Vec<Value>| on(json!({"StringLike": {"aws:username": values}}));
    let actions =
        |unit: &dyn Fn(usize) -> Value| document(json!({"Action": many(unit)})).to_string();
    let resources = |unit: &dyn Fn(usize) -> Value| {
        document(json!({"Action": ["ec2:*", "s3:*"], "Resource": many(unit)})).to_string()
    };
    let statements = |unit: &dyn Fn(usize) -> Value| json!({"Statement": many(unit)}).to_string();
    let allow = |action: String, resource: String| json!({"Effect": "Allow", "Action": action, "Resource": resource});
    let twisted = "*a?".repeat(SIZE / 6);
    let key = "k".repeat(SIZE / 2);
    let nulls = vec![json!(null); SIZE / 10];
    for (kind, text) in [
        ("arrays", "[".repeat(SIZE)),
        ("objects", "{\"Statement\":".repeat(SIZE / 13)),
        ("one line", format!("\"{}", "é\\n".repeat(SIZE / 4))),
        ("empty statements", statements(&|_| json!({}))),
        ("actions of one service", actions(&|n| json!(format!("ec2:*{n}*")))),
        ("equal actions", actions(&|_| json!("ec2:*"))),
        ("unknown actions", actions(&|n| json!(format!("a{n}:b")))),
        ("resources", resources(&|n| json!(format!("arn:aws:ec2:*:*:*a*b{n}*/*")))),
        ("resources of no type", resources(&|n| json!(format!("arn:aws:ec2:eu-west-9:1:x/{n}")))),
        ("stars", document(json!({"Resource": [format!("arn:aws:s3:::{twisted}"), format!("arn:aws:s3:::{twisted}b")]})).to_string()),
        ("patterns of values", like(many(&|n| json!(format!("*{n}*"))))),
        ("values of one pattern", like([vec![json!(format!("{}*", "a*".repeat(SIZE / 4)))], vec![json!("a"); SIZE / 10]].concat())),
        ("a long value", like(vec![json!(format!("*{}", "é".repeat(SIZE / 4))), json!("é".repeat(SIZE / 4))])),
        ("Regions", on(json!({"StringLike": {"aws:RequestedRegion": many(&|n| json!(format!("*-*-{n}")))}}))),
        ("addresses", on(json!({"IpAddress": {"aws:SourceIp": many(&|n| json!(format!("10.0.0.{}/8", n % 256)))}}))),
        ("variables", document(json!({"Resource": format!("arn:aws:s3:::{}", "${aws:a b}".repeat(SIZE / 10))})).to_string()),
        ("statements", statements(&|n| allow(format!("s3:*{n}"), format!("arn:aws:s3:::*{n}")))),
        ("statements on all of a service", statements(&|n| allow("ec2:*".to_owned(), format!("arn:aws:ec2:*:*:*/x{n}")))),
        ("a long key", on(json!({"StringEquals": {format!("{key}:a"): nulls.clone()}}))),
        ("a long operator", on(json!({&key: {"a:b": nulls}}))),
        ("a long element", document(json!({&key: {"\u{4e2d}": vec!["\u{4e2d}"; SIZE / 20]}})).to_string()),
    ] {
        let findings = lint(&text);
        assert!(!findings.is_empty(), "{kind}");
        let size: usize = findings.iter().map(|f| f.pointer.len() + f.message.len() + f.fix.len()).sum();
        assert!(size < SIZE, "{kind}: {size} characters of findings");
    }
}
