//! What was set up in the first two days and never touched again: the reports' bucket, the queue and key of the order
//! events, and the roles of the notifier and of the partner.

use serde_json::{Value, json};

use crate::account::Account;
use crate::call::{Call, GLOBAL, REGION};
use crate::caller::{ADMINISTRATOR, Caller, MAIN};
use crate::moment::Moment;
use crate::people::{Person, sign_in};
use crate::workloads::REPORTS;

const EVENTS_KEY: &str = "8d5e0b17-4a62-4c9f-b3d8-6f7a1c2e9540";

const JONAS: Person = Person {
    email: "jonas.weber@example.com",
    id: "a2c4e6f8-3051-7052-8c6b-1d3f5a7b9c20",
    address: "203.0.113.62",
    role: ADMINISTRATOR,
};

/// Jonas sets up, in the first two days and never again, what the reports, the notifier and the partner need.
pub(crate) fn administrator(account: &mut Account) {
    let day_one = Moment::new(1, 6, 10);
    let jonas = sign_in(account, &JONAS, day_one);
    set_up_reports(account, &jonas, day_one.plus(120));
    set_up_events(account, &jonas, day_one.plus(900));
    let day_two = Moment::new(2, 9, 40);
    let jonas = sign_in(account, &JONAS, day_two);
    create_roles(account, &jonas, day_two);
}

/// The roles of the notifier and of the partner, each with its permissions.
fn create_roles(account: &mut Account, jonas: &Caller, at: Moment) {
    let trust = |who: Value| {
        json!({
            "Version": "2012-10-17",
            "Statement": [{ "Effect": "Allow", "Principal": who, "Action": "sts:AssumeRole" }],
        })
    };
    let lambda = trust(json!({ "Service": "lambda.amazonaws.com" })).to_string();
    create_role(
        account,
        jonas,
        at.plus(60),
        "/service-role/",
        "order-notifier-role",
        &lambda,
    );
    let call = iam(at.plus(75), "AttachRolePolicy")
        .parameters(json!({
            "roleName": "order-notifier-role",
            "policyArn": "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
        }))
        // The request names the role without its path; what IAM checks is the role's ARN, path included.
        .needs(
            "iam:AttachRolePolicy",
            "arn:aws:iam::111122223333:role/service-role/order-notifier-role",
        );
    account.record(jonas, call);
    let partner =
        trust(json!({ "AWS": "arn:aws:iam::444455556666:role/analytics-runner" })).to_string();
    create_role(
        account,
        jonas,
        at.plus(400),
        "/",
        "partner-readonly",
        &partner,
    );
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"],
            "Resource": [format!("arn:aws:s3:::{REPORTS}"), format!("arn:aws:s3:::{REPORTS}/reports/*")],
        }],
    });
    let call = iam(at.plus(430), "PutRolePolicy")
        .parameters(json!({
            "roleName": "partner-readonly", "policyName": "read-reports", "policyDocument": policy.to_string(),
        }))
        .needs("iam:PutRolePolicy", "arn:aws:iam::111122223333:role/partner-readonly");
    account.record(jonas, call);
}

/// The reports' bucket: private, versioned, encrypted, and only over TLS.
fn set_up_reports(account: &mut Account, jonas: &Caller, at: Moment) {
    let xmlns = "http://s3.amazonaws.com/doc/2006-03-01/";
    let mut put = |seconds, name, action, extra| {
        let call = Call::bucket(at.plus(seconds), name, action, REPORTS, extra);
        account.record(jonas, call);
    };
    let place =
        json!({ "CreateBucketConfiguration": { "xmlns": xmlns, "LocationConstraint": REGION } });
    put(0, "CreateBucket", "s3:CreateBucket", place);
    let access = json!({
        "publicAccessBlock": "",
        "PublicAccessBlockConfiguration": {
            "xmlns": xmlns, "BlockPublicAcls": true, "IgnorePublicAcls": true, "BlockPublicPolicy": true,
            "RestrictPublicBuckets": true,
        },
    });
    put(
        2,
        "PutBucketPublicAccessBlock",
        "s3:PutBucketPublicAccessBlock",
        access,
    );
    let versions = json!({ "versioning": "", "VersioningConfiguration": { "xmlns": xmlns, "Status": "Enabled" } });
    put(3, "PutBucketVersioning", "s3:PutBucketVersioning", versions);
    let encryption = json!({
        "encryption": "",
        "ServerSideEncryptionConfiguration": {
            "xmlns": xmlns,
            "Rule": { "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" }, "BucketKeyEnabled": false },
        },
    });
    put(
        5,
        "PutBucketEncryption",
        "s3:PutEncryptionConfiguration",
        encryption,
    );
    let policy = json!({
        "policy": "",
        "bucketPolicy": {
            "Version": "2012-10-17",
            "Statement": [{
                "Sid": "TlsOnly", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
                "Resource": [format!("arn:aws:s3:::{REPORTS}"), format!("arn:aws:s3:::{REPORTS}/*")],
                "Condition": { "Bool": { "aws:SecureTransport": "false" } },
            }],
        },
    });
    put(60, "PutBucketPolicy", "s3:PutBucketPolicy", policy);
}

/// The queue of the order events, a repository, and a key for what comes later.
fn set_up_events(account: &mut Account, jonas: &Caller, at: Moment) {
    let call = Call::write(at, "sqs", "CreateQueue")
        .parameters(json!({ "queueName": "orders-events", "attributes": { "VisibilityTimeout": "30" } }))
        .response(json!({ "queueUrl": format!("https://sqs.{REGION}.amazonaws.com/{MAIN}/orders-events") }))
        .needs("sqs:CreateQueue", format!("arn:aws:sqs:{REGION}:{MAIN}:orders-events"));
    account.record(jonas, call);
    let repository = format!("arn:aws:ecr:{REGION}:{MAIN}:repository/storefront");
    let call = Call::write(at.plus(90), "ecr", "CreateRepository")
        .parameters(json!({ "repositoryName": "storefront", "imageTagMutability": "IMMUTABLE" }))
        .response(json!({
            "repository": {
                "repositoryArn": repository, "registryId": MAIN, "repositoryName": "storefront",
                "repositoryUri": format!("{MAIN}.dkr.ecr.{REGION}.amazonaws.com/storefront"),
                "imageTagMutability": "IMMUTABLE",
            },
        }))
        .resources(json!([{ "accountId": MAIN, "ARN": repository }]))
        .needs("ecr:CreateRepository", repository);
    account.record(jonas, call);
    let key = format!("arn:aws:kms:{REGION}:{MAIN}:key/{EVENTS_KEY}");
    let named = json!([{ "accountId": MAIN, "type": "AWS::KMS::Key", "ARN": key }]);
    let call = Call::write(at.plus(200), "kms", "CreateKey")
        .parameters(json!({
            "description": "order events", "keySpec": "SYMMETRIC_DEFAULT", "keyUsage": "ENCRYPT_DECRYPT", "origin": "AWS_KMS",
            "multiRegion": false, "bypassPolicyLockoutSafetyCheck": false,
        }))
        .response(json!({ "keyMetadata": { "aWSAccountId": MAIN, "keyId": EVENTS_KEY, "arn": key, "enabled": true } }))
        .resources(named.clone())
        .needs("kms:CreateKey", "*");
    account.record(jonas, call);
    let call = Call::write(at.plus(205), "kms", "CreateAlias")
        .parameters(json!({ "aliasName": "alias/order-events", "targetKeyId": EVENTS_KEY }))
        .resources(json!([
            { "accountId": MAIN, "type": "AWS::KMS::Key", "ARN": key },
            { "accountId": MAIN, "type": "AWS::KMS::Alias", "ARN": format!("arn:aws:kms:{REGION}:{MAIN}:alias/order-events") },
        ]))
        .needs("kms:CreateAlias", key)
        .needs("kms:CreateAlias", format!("arn:aws:kms:{REGION}:{MAIN}:alias/order-events"));
    account.record(jonas, call);
}

fn create_role(
    account: &mut Account,
    jonas: &Caller,
    at: Moment,
    path: &str,
    name: &str,
    trust: &str,
) {
    let arn = format!("arn:aws:iam::{MAIN}:role{path}{name}");
    let call = iam(at, "CreateRole")
        .parameters(json!({
            "path": path, "roleName": name, "assumeRolePolicyDocument": trust, "maxSessionDuration": 3600,
        }))
        .response(json!({
            "role": {
                "path": path, "roleName": name, "roleId": format!("AROAQ7{}EXAMPLE", account.rng.upper(8)), "arn": arn,
            },
        }))
        .needs("iam:CreateRole", arn);
    account.record(jonas, call);
}

fn iam(at: Moment, name: &'static str) -> Call {
    Call::write(at, "iam", name)
        .region(GLOBAL)
        .host("iam.amazonaws.com")
}
