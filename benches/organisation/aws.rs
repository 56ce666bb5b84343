//! The calls that many principals make: their parameters as CloudTrail writes them, and what IAM checks for them as the
//! Service Authorization Reference says. Names are marked, see [`crate::call`].

use serde_json::{Value, json};

use crate::call::Call;
use crate::who::{GLOBAL, Who};

/// A call of S3 on an object of a bucket.
pub(crate) fn object(who: &Who, name: &'static str, bucket: &str, key: &str) -> Call {
    let (action, read) = match name {
        "GetObject" | "HeadObject" => ("s3:GetObject", true),
        "PutObject" => ("s3:PutObject", false),
        "DeleteObject" => ("s3:DeleteObject", false),
        "GetObjectTagging" => ("s3:GetObjectTagging", true),
        _ => ("s3:PutObjectTagging", false),
    };
    let arn = format!("arn:aws:s3:::{bucket}/{key}");
    let call = if read {
        Call::read("s3", name)
    } else {
        Call::write("s3", name)
    };
    call.data()
        .parameters(json!({ "bucketName": bucket, "Host": host(who, bucket), "key": key }))
        .resources(json!([
            { "type": "AWS::S3::Object", "ARN": arn },
            { "accountId": who.account, "type": "AWS::S3::Bucket", "ARN": format!("arn:aws:s3:::{bucket}") },
        ]))
        .needs(action, arn)
}

fn host(who: &Who, bucket: &str) -> String {
    format!("{bucket}.s3.{}.amazonaws.com", who.region)
}

/// `ListObjectsV2` below a prefix.
pub(crate) fn list_objects(who: &Who, bucket: &str, prefix: &str) -> Call {
    let arn = format!("arn:aws:s3:::{bucket}");
    Call::read("s3", "ListObjects")
        .data()
        .parameters(json!({
            "list-type": "2", "bucketName": bucket, "encoding-type": "url", "prefix": prefix, "Host": host(who, bucket),
        }))
        .resources(json!([
            { "type": "AWS::S3::Object", "ARNPrefix": format!("{arn}/{prefix}") },
            { "accountId": who.account, "type": "AWS::S3::Bucket", "ARN": arn },
        ]))
        .needs("s3:ListBucket", arn)
}

/// A management call of S3 on a bucket.
pub(crate) fn bucket(who: &Who, name: &'static str, action: &'static str, bucket: &str) -> Call {
    let arn = format!("arn:aws:s3:::{bucket}");
    by_name("s3", name)
        .parameters(json!({ "bucketName": bucket, "Host": host(who, bucket) }))
        .resources(json!([{ "accountId": who.account, "type": "AWS::S3::Bucket", "ARN": arn }]))
        .needs(action, arn)
}

/// Whether a call changes something, by its name.
pub(crate) fn by_name(source: &'static str, name: &'static str) -> Call {
    let reads = [
        "Get", "List", "Describe", "Head", "Query", "Scan", "Batch", "Filter", "Lookup",
    ];
    if reads.iter().any(|verb| name.starts_with(verb)) {
        Call::read(source, name)
    } else {
        Call::write(source, name)
    }
}

/// A call of DynamoDB on items of a table.
pub(crate) fn items(
    who: &Who,
    name: &'static str,
    action: &'static str,
    table: &str,
    key: Value,
) -> Call {
    let arn = who.arn("dynamodb", &format!("table/{table}"));
    by_name("dynamodb", name)
        .data()
        .parameters(json!({ "tableName": table, "key": key }))
        .resources(
            json!([{ "accountId": who.account, "type": "AWS::DynamoDB::Table", "ARN": arn }]),
        )
        .needs(action, arn)
}

/// `Query` on an index of a table, which is a resource of its own.
pub(crate) fn query_index(who: &Who, table: &str, index: &str) -> Call {
    let arn = who.arn("dynamodb", &format!("table/{table}"));
    Call::read("dynamodb", "Query")
        .data()
        .parameters(
            json!({ "tableName": table, "indexName": index, "keyConditionExpression": "#k = :k" }),
        )
        .resources(
            json!([{ "accountId": who.account, "type": "AWS::DynamoDB::Table", "ARN": arn }]),
        )
        .needs("dynamodb:Query", format!("{arn}/index/{index}"))
}

/// A call of SQS on a queue.
pub(crate) fn queue(who: &Who, name: &'static str, action: &'static str, queue: &str) -> Call {
    let url = format!(
        "https://sqs.{}.amazonaws.com/{}/{queue}",
        who.region, who.account
    );
    let call = by_name("sqs", name).parameters(json!({ "queueUrl": url }));
    let messages = matches!(
        name,
        "SendMessage" | "ReceiveMessage" | "DeleteMessage" | "ChangeMessageVisibility"
    );
    let arn = who.arn("sqs", queue);
    let call = call.needs(action, arn.as_str());
    if messages {
        call.data()
            .resources(json!([{ "accountId": who.account, "type": "AWS::SQS::Queue", "ARN": arn }]))
    } else {
        call
    }
}

/// `Publish` to a topic.
pub(crate) fn publish(who: &Who, topic: &str) -> Call {
    let arn = who.arn("sns", topic);
    Call::write("sns", "Publish")
        .data()
        .parameters(json!({ "topicArn": arn, "message": "HIDDEN_DUE_TO_SECURITY_REASONS" }))
        .resources(json!([{ "accountId": who.account, "type": "AWS::SNS::Topic", "ARN": arn }]))
        .needs("sns:Publish", arn)
}

/// A call of KMS with a key, made by `through` with the caller's permissions.
pub(crate) fn key(
    who: &Who,
    name: &'static str,
    action: &'static str,
    id: &str,
    through: &'static str,
) -> Call {
    let arn = who.arn("kms", &format!("key/{id}"));
    Call::read("kms", name)
        .parameters(json!({ "keyId": arn, "encryptionAlgorithm": "SYMMETRIC_DEFAULT" }))
        .resources(json!([{ "accountId": who.account, "type": "AWS::KMS::Key", "ARN": arn }]))
        .through(through)
        .needs(action, arn)
}

/// `GetSecretValue` by the secret's name. Its ARN ends in six characters that the caller does not know.
pub(crate) fn secret(who: &Who, name: &str, suffix: &str) -> Call {
    Call::read("secretsmanager", "GetSecretValue")
        .parameters(json!({ "secretId": name }))
        .needs(
            "secretsmanager:GetSecretValue",
            who.arn("secretsmanager", &format!("secret:{name}-{suffix}")),
        )
}

/// A call of Systems Manager on a parameter, whose name begins with a slash.
pub(crate) fn parameter(who: &Who, name: &'static str, action: &'static str, path: &str) -> Call {
    by_name("ssm", name)
        .parameters(json!({ "name": path, "withDecryption": true }))
        .needs(action, who.arn("ssm", &format!("parameter{path}")))
}

/// A new log stream of a log group.
pub(crate) fn log_stream(who: &Who, group: &str, stream: &str) -> Call {
    Call::write("logs", "CreateLogStream")
        .parameters(json!({ "logGroupName": group, "logStreamName": stream }))
        .needs(
            "logs:CreateLogStream",
            who.arn("logs", &format!("log-group:{group}:log-stream:{stream}")),
        )
}

/// The log stream that a new instance of a Lambda function opens.
pub(crate) fn function_stream(
    who: &Who,
    function: &str,
    at: crate::moment::Moment,
    id: &str,
) -> Call {
    let stream = format!("<{}>/[$LATEST]<{id}>", at.path());
    log_stream(who, &format!("/aws/lambda/{function}"), &stream)
}

/// A call of CloudWatch Logs on a log group.
pub(crate) fn log_group(who: &Who, name: &'static str, action: &'static str, group: &str) -> Call {
    by_name("logs", name)
        .parameters(json!({ "logGroupName": group }))
        .needs(action, who.arn("logs", &format!("log-group:{group}:*")))
}

/// `Invoke` of a function.
pub(crate) fn invoke(who: &Who, function: &str) -> Call {
    let arn = who.arn("lambda", &format!("function:{function}"));
    Call::write("lambda", "Invoke")
        .data()
        .parameters(json!({ "functionName": arn, "invocationType": "RequestResponse" }))
        .resources(
            json!([{ "accountId": who.account, "type": "AWS::Lambda::Function", "ARN": arn }]),
        )
        .needs("lambda:InvokeFunction", arn)
}

/// A management call of Lambda on a function.
pub(crate) fn function(
    who: &Who,
    name: &'static str,
    action: &'static str,
    function: &str,
) -> Call {
    by_name("lambda", name)
        .parameters(json!({ "functionName": function }))
        .needs(action, who.arn("lambda", &format!("function:{function}")))
}

/// A call of IAM on a role without a path.
pub(crate) fn role(who: &Who, name: &'static str, action: &'static str, role: &str) -> Call {
    by_name("iam", name)
        .region(GLOBAL)
        .parameters(json!({ "roleName": role }))
        .needs(action, who.role_arn(role))
}

/// A call of ECS on a service in a cluster.
pub(crate) fn ecs_service(
    who: &Who,
    name: &'static str,
    action: &'static str,
    cluster: &str,
    service: &str,
) -> Call {
    let arn = who.arn("ecs", &format!("service/{cluster}/{service}"));
    let parameters = if name == "DescribeServices" {
        json!({ "cluster": cluster, "services": [service] })
    } else {
        json!({ "cluster": cluster, "service": service })
    };
    by_name("ecs", name)
        .parameters(parameters)
        .needs(action, arn)
}

/// A call without a resource: a listing, most often.
pub(crate) fn plain_call(source: &'static str, name: &'static str, action: &'static str) -> Call {
    by_name(source, name)
        .parameters(json!({}))
        .needs_all(action)
}
