//! What runs by itself: the order functions, the nightly backup, the partner's import, the web servers, and the calls that
//! AWS services make with identities of their own.

use serde_json::json;

use crate::account::Account;
use crate::call::{Call, GLOBAL, REGION};
use crate::caller::{
    ANALYTICS_RUNNER, Caller, MAIN, ORDER_PROCESSOR, PARTNER, PARTNER_READONLY, WEB_INSTANCE,
};
use crate::moment::{Moment, is_weekend};

/// The customer managed key of the order data.
pub(crate) const ORDERS_KEY: &str = "3f1c7a52-9d0e-4b6a-8c47-1e5d2f90ab31";
/// Where the shops put their orders.
pub(crate) const INCOMING: &str = "example-orders-incoming";
/// Where the reconciler puts what the partner reads.
pub(crate) const REPORTS: &str = "example-reports";
const BACKUPS: &str = "example-backups";
const CONFIG: &str = "example-config";
const VPC_ENDPOINT: &str = "vpce-0a9f3b7c5d1e2f486";
const VOLUMES: [&str; 2] = ["vol-0b4d6f8a1c3e5a790", "vol-0f1e2d3c4b5a69788"];

/// A service assumes a role: the service calls with an identity of its own, so no policy of the account is involved.
fn assumed_by(account: &mut Account, service: &str, role: &str, session: &str, at: Moment) {
    let shared = account.rng.uuid();
    let owner = if role.contains(PARTNER) {
        PARTNER
    } else {
        MAIN
    };
    let call = Call::read(at, "sts", "AssumeRole")
        .free()
        .parameters(json!({ "roleArn": role, "roleSessionName": session, "durationSeconds": 3600 }))
        .response(json!({
            "credentials": {
                "accessKeyId": account.rng.session_key(), "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
                "expiration": at.plus(3_600).to_string(),
            },
        }))
        .resources(json!([{ "accountId": owner, "type": "AWS::IAM::Role", "ARN": role }]))
        .shared(&shared);
    account.record(&Caller::service(owner, service), call);
}

/// Batches of orders through the day, fewer at weekends, and a reconciliation every night.
pub(crate) fn orders(account: &mut Account) {
    for day in 1..=30 {
        reconcile(account, day);
        let hours: &[u32] = if is_weekend(day) { &[10] } else { &[7, 15] };
        for &hour in hours {
            let minute = account.rng.below(40) as u32;
            process(account, Moment::new(day, hour, minute));
        }
    }
}

/// A session of the role for one of its functions, with the log stream that Lambda opens for it.
fn cold_start(account: &mut Account, function: &str, at: Moment) -> Caller {
    assumed_by(
        account,
        "lambda.amazonaws.com",
        ORDER_PROCESSOR.principal.arn,
        function,
        at,
    );
    let address = format!("203.0.113.{}", 100 + account.rng.below(100));
    let agent = "awslambda-worker/1.0 rusoto/0.48.0 rust/1.87.0 linux";
    let mut caller = Caller::session(
        &mut account.rng,
        &ORDER_PROCESSOR,
        function,
        at,
        &address,
        agent,
    );
    let group = format!("arn:aws:logs:{REGION}:{MAIN}:log-group:/aws/lambda/{function}");
    if matches!(at.day(), 1 | 12) {
        // A log group's actions are checked against its ARN with `:*` behind it.
        let mut call = Call::write(at.plus(1), "logs", "CreateLogGroup")
            .parameters(json!({ "logGroupName": format!("/aws/lambda/{function}") }))
            .api_version("20140328")
            .needs("logs:CreateLogGroup", format!("{group}:*"));
        let exists = at >= Moment::new(1, 8, 0);
        if exists {
            call = call.fails(
                "ResourceAlreadyExistsException",
                "The specified log group already exists",
            );
        }
        account.record(&caller, call);
    }
    let stream = format!("{}/[$LATEST]{}", at.path(), account.rng.hex(32));
    let call = Call::write(at.plus(1), "logs", "CreateLogStream")
        .parameters(
            json!({ "logGroupName": format!("/aws/lambda/{function}"), "logStreamName": stream }),
        )
        .api_version("20140328")
        .needs(
            "logs:CreateLogStream",
            format!("{group}:log-stream:{stream}"),
        );
    account.record(&caller, call);
    caller.agent = "Boto3/1.40.21 md/Botocore#1.40.21 ua/2.1 os/linux#5.10.240-261.963.amzn2.x86_64 lang/python#3.13.7 exec-env/AWS_Lambda_python3.13".to_owned();
    caller
}

fn process(account: &mut Account, at: Moment) {
    let caller = cold_start(account, "order-processor", at);
    // The bucket uses an S3 Bucket Key, so S3 asks for one decryption per batch.
    let context = json!({ "aws:s3:arn": format!("arn:aws:s3:::{INCOMING}") });
    account.record(
        &caller,
        Call::decrypt(at.plus(2), ORDERS_KEY, "AWS Internal", context),
    );
    let batch = 2 + account.rng.below(3);
    for index in 0..batch as u32 {
        let at = at.plus(3 + index * 2);
        let order = account.rng.uuid();
        let object = format!("orders/{}/{order}.json", at.path());
        account.record(
            &caller,
            Call::object(at, "GetObject", "s3:GetObject", INCOMING, &object),
        );
        let (event, action) = if account.rng.chance(30) {
            ("UpdateItem", "dynamodb:UpdateItem")
        } else {
            ("PutItem", "dynamodb:PutItem")
        };
        account.record(&caller, item(at, "GetItem", "dynamodb:GetItem", &order));
        account.record(&caller, item(at.plus(1), event, action, &order));
        let queue = format!("https://sqs.{REGION}.amazonaws.com/{MAIN}/orders-events");
        let arn = format!("arn:aws:sqs:{REGION}:{MAIN}:orders-events");
        let call = Call::write(at.plus(1), "sqs", "SendMessage")
            .data()
            .parameters(
                json!({ "queueUrl": queue, "messageBody": "HIDDEN_DUE_TO_SECURITY_REASONS" }),
            )
            .response(
                json!({ "mD5OfMessageBody": account.rng.hex(32), "messageId": account.rng.uuid() }),
            )
            .resources(json!([{ "accountId": MAIN, "type": "AWS::SQS::Queue", "ARN": arn }]))
            .needs("sqs:SendMessage", arn);
        account.record(&caller, call);
        if index == 0 && matches!(at.day(), 4 | 21) && at < Moment::new(at.day(), 8, 0) {
            let message = format!(
                "User: {} is not authorized to perform: s3:DeleteObject on resource: \"arn:aws:s3:::{INCOMING}/{object}\" \
                 because no identity-based policy allows the s3:DeleteObject action",
                caller.arn()
            );
            let call = Call::object(
                at.plus(2),
                "DeleteObject",
                "s3:DeleteObject",
                INCOMING,
                &object,
            );
            account.record(
                &caller,
                call.denied("s3:DeleteObject", "AccessDenied", message),
            );
        }
    }
}

/// Once a night: the table is compared with what came in, and the partner's report is written.
fn reconcile(account: &mut Account, day: u32) {
    let at = Moment::new(day, 1, 10).plus(account.rng.below(50) as u32);
    let caller = cold_start(account, "order-reconciler", at);
    let table = format!("arn:aws:dynamodb:{REGION}:{MAIN}:table/orders");
    let call = Call::read(at.plus(2), "dynamodb", "Query")
        .data()
        .parameters(json!({
            "tableName": "orders", "keyConditionExpression": "#d = :d", "expressionAttributeNames": { "#d": "day" },
            "consistentRead": false,
        }))
        .resources(json!([{ "accountId": MAIN, "type": "AWS::DynamoDB::Table", "ARN": table }]))
        .api_version("2012-08-10")
        .needs("dynamodb:Query", table);
    account.record(&caller, call);
    let prefix = format!("orders/{}/", at.path());
    account.record(&caller, Call::list_objects(at.plus(3), INCOMING, &prefix));
    if day == 1 {
        // The reports' bucket is made in the morning.
        return;
    }
    let key = format!("reports/{}/orders.csv", at.path());
    let call = Call::object(at.plus(5), "PutObject", "s3:PutObject", REPORTS, &key)
        .response(json!({ "x-amz-server-side-encryption": "AES256" }));
    account.record(&caller, call);
}

/// One item of the table `orders`. DynamoDB logs the key and the names of the other attributes, not their values.
fn item(at: Moment, name: &'static str, action: &'static str, order: &str) -> Call {
    let table = format!("arn:aws:dynamodb:{REGION}:{MAIN}:table/orders");
    let mut parameters = json!({ "tableName": "orders", "key": { "orderId": order } });
    match name {
        "PutItem" => {
            parameters["items"] = json!(["orderId", "day", "customerId", "total", "lines"])
        }
        "UpdateItem" => parameters["updateExpression"] = json!("SET #s = :s"),
        _ => {}
    }
    let call = if name == "GetItem" {
        Call::read(at, "dynamodb", name)
    } else {
        Call::write(at, "dynamodb", name)
    };
    call.data()
        .parameters(parameters)
        .resources(json!([{ "accountId": MAIN, "type": "AWS::DynamoDB::Table", "ARN": table }]))
        .api_version("2012-08-10")
        .needs(action, table)
}

/// A server in the cellar, with an access key older than anybody's memory of it.
pub(crate) fn backups(account: &mut Account) {
    let caller = Caller::backup_legacy();
    // Eight nights' snapshots are kept; those of before the month have to go first.
    let mut kept: Vec<[String; 2]> = (0..8).map(|_| snapshots(account)).collect();
    for day in 1..=30 {
        let at = Moment::new(day, 2, 0).plus(account.rng.below(20) as u32);
        let call = Call::read(at, "ec2", "DescribeVolumes")
            .parameters(json!({
                "volumeSet": {},
                "filterSet": { "items": [{ "name": "tag:backup", "valueSet": { "items": [{ "value": "nightly" }] } }] },
            }))
            .needs("ec2:DescribeVolumes", "*");
        account.record(&caller, call);
        let new = snapshots(account);
        for (index, (volume, snapshot)) in VOLUMES.iter().zip(&new).enumerate() {
            let call = create_snapshot(at.plus(3 + index as u32), volume, snapshot);
            account.record(&caller, call);
        }
        let call = Call::read(at.plus(6), "ec2", "DescribeSnapshots")
            .parameters(json!({
                "snapshotSet": {}, "ownersSet": { "items": [{ "owner": "self" }] }, "sharedUsersSet": {},
                "filterSet": { "items": [{ "name": "tag:backup", "valueSet": { "items": [{ "value": "nightly" }] } }] },
            }))
            .needs("ec2:DescribeSnapshots", "*");
        if day == 11 {
            // The very call that succeeds every night, so the throttled one was allowed too.
            let throttled = Call::read(at.plus(5), "ec2", "DescribeSnapshots")
                .needs("ec2:DescribeSnapshots", "*")
                .fails("Client.RequestLimitExceeded", "Request limit exceeded.");
            account.record(&caller, throttled);
        }
        account.record(&caller, call);
        let old = std::mem::replace(&mut kept[day as usize % 8], new);
        for (index, snapshot) in old.iter().enumerate() {
            let mut call = Call::write(at.plus(7 + index as u32), "ec2", "DeleteSnapshot")
                .parameters(json!({ "snapshotId": snapshot, "force": false }))
                .response(json!({ "requestId": account.rng.uuid(), "_return": true }))
                .needs(
                    "ec2:DeleteSnapshot",
                    format!("arn:aws:ec2:{REGION}::snapshot/{snapshot}"),
                );
            if day == 9 && index == 0 {
                let message = format!("The snapshot '{snapshot}' does not exist.");
                call = call.fails("Client.InvalidSnapshot.NotFound", message);
            }
            account.record(&caller, call);
        }
        let key = format!("db/{}.sql.gz", at.date());
        let call = Call::object(at.plus(240), "PutObject", "s3:PutObject", BACKUPS, &key)
            .response(json!({ "x-amz-server-side-encryption": "AES256" }));
        account.record(&caller, call);
        if day == 19 {
            let message = "User: arn:aws:iam::111122223333:user/backup-legacy is not authorized to perform: \
                           iam:CreateAccessKey on resource: user backup-legacy because no identity-based policy allows \
                           the iam:CreateAccessKey action";
            let call = Call::write(at.plus(900), "iam", "CreateAccessKey")
                .region(GLOBAL)
                .host("iam.amazonaws.com")
                .denied("iam:CreateAccessKey", "AccessDenied", message);
            account.record(&caller, call);
        }
    }
}

fn snapshots(account: &mut Account) -> [String; 2] {
    [(); 2].map(|()| format!("snap-0{}", account.rng.hex(16)))
}

/// A tagged snapshot. IAM checks the volume, and, because the snapshot has no id yet, every snapshot; for the tags too.
fn create_snapshot(at: Moment, volume: &str, snapshot: &str) -> Call {
    let tags = json!({ "items": [{ "key": "backup", "value": "nightly" }] });
    let any = format!("arn:aws:ec2:{REGION}::snapshot/*");
    Call::write(at, "ec2", "CreateSnapshot")
        .parameters(json!({
            "volumeId": volume, "description": format!("nightly {}", at.date()),
            "tagSpecificationSet": { "items": [{ "resourceType": "snapshot", "tags": [{ "key": "backup", "value": "nightly" }] }] },
        }))
        .response(json!({
            "snapshotId": snapshot, "volumeId": volume, "status": "pending", "startTime": at.millis(), "ownerId": MAIN,
            "volumeSize": "100", "description": format!("nightly {}", at.date()), "tagSet": tags, "encrypted": false,
        }))
        .needs("ec2:CreateSnapshot", format!("arn:aws:ec2:{REGION}:{MAIN}:volume/{volume}"))
        .needs("ec2:CreateSnapshot", any.as_str())
        .needs("ec2:CreateTags", any)
}

/// The partner's job assumes `partner-readonly` across accounts and reads last night's report.
pub(crate) fn partner(account: &mut Account) {
    for day in 3..=30 {
        let at = Moment::new(day, 4, 30).plus(account.rng.below(600) as u32);
        let reader = assume_across_accounts(account, at);
        let prefix = format!("reports/{}/", at.path());
        let call = Call::list_objects(at.plus(3), REPORTS, &prefix);
        account.record(&reader, call);
        let key = format!("{prefix}orders.csv");
        let call = Call::object(at.plus(4), "GetObject", "s3:GetObject", REPORTS, &key);
        account.record(&reader, call);
        if day == 6 {
            let call = Call::list_objects(at.plus(3), "example-report", &prefix)
                .inconclusive("NoSuchBucket", "The specified bucket does not exist");
            account.record(&reader, call);
        }
        if day == 17 {
            let key = format!("{prefix}receipt.txt");
            let message = format!(
                "User: {} is not authorized to perform: s3:PutObject on resource: \"arn:aws:s3:::{REPORTS}/{key}\" \
                 because no identity-based policy allows the s3:PutObject action",
                reader.arn()
            );
            let call = Call::object(at.plus(6), "PutObject", "s3:PutObject", REPORTS, &key);
            account.record(
                &reader,
                call.denied("s3:PutObject", "AccessDenied", message),
            );
        }
    }
}

/// One `AssumeRole` leaves two records under one `sharedEventID`: in the partner's account that of the role that called,
/// which needs the permission, and in the called account one that knows only which account it was.
fn assume_across_accounts(account: &mut Account, at: Moment) -> Caller {
    let (role, session, address) = (
        PARTNER_READONLY.principal.arn,
        "nightly-import",
        "198.51.100.230",
    );
    let agent = "Boto3/1.39.4 md/Botocore#1.39.4 ua/2.1 os/linux#6.1.147-172.266.amzn2023.x86_64 lang/python#3.12.11 exec-env/AWS_ECS_FARGATE";
    assumed_by(
        account,
        "ecs-tasks.amazonaws.com",
        ANALYTICS_RUNNER.principal.arn,
        session,
        at,
    );
    let runner = Caller::session(
        &mut account.rng,
        &ANALYTICS_RUNNER,
        session,
        at,
        address,
        agent,
    );
    let reader = Caller::session(
        &mut account.rng,
        &PARTNER_READONLY,
        session,
        at.plus(2),
        address,
        agent,
    );
    let shared = account.rng.uuid();
    let assume = || {
        Call::read(at.plus(2), "sts", "AssumeRole")
            .parameters(json!({ "roleArn": role, "roleSessionName": session, "externalId": "orders-reports" }))
            .response(json!({
                "credentials": {
                    "accessKeyId": reader.identity["accessKeyId"], "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
                    "expiration": at.plus(3_602).to_string(),
                },
                "assumedRoleUser": {
                    "assumedRoleId": reader.identity["principalId"], "arn": reader.identity["arn"],
                },
            }))
            .resources(json!([{ "accountId": MAIN, "type": "AWS::IAM::Role", "ARN": role }]))
            .shared(&shared)
    };
    account.record(&runner, assume().needs("sts:AssumeRole", role));
    let elsewhere = json!({
        "type": "AWSAccount", "principalId": runner.identity["principalId"], "accountId": PARTNER,
    });
    let seen_here = Caller::outsider(MAIN, elsewhere, address, agent);
    account.record(&seen_here, assume().copy());
    reader
}

/// Two web servers of an Auto Scaling group, replaced in the middle of the month.
pub(crate) fn web_servers(account: &mut Account) {
    let generations = [
        ["i-0d2b4f6a8c1e3a5b7", "i-0a7c5e3b1d9f8e6c4"],
        ["i-0c6e8a2d4f1b3d5f9", "i-0b9d7f5c3a1e2c4d6"],
    ];
    for day in 1..=30 {
        let instances = &generations[usize::from(day >= 15)];
        for (index, instance) in instances.iter().enumerate() {
            let boots = matches!(day, 1 | 15);
            let at = Moment::new(day, 6, 5 + 3 * index as u32).plus(account.rng.below(60) as u32);
            serve(account, instance, at, boots);
        }
    }
}

fn serve(account: &mut Account, instance: &str, at: Moment, boots: bool) {
    let address = format!("203.0.113.{}", 20 + u64::from(instance.as_bytes()[3]) % 8);
    let agent = "aws-sdk-go-v2/1.38.3 ua/2.1 os/linux lang/go#1.24.6 amazon-ssm-agent/3.3.2746.0";
    assumed_by(
        account,
        "ec2.amazonaws.com",
        WEB_INSTANCE.principal.arn,
        instance,
        at,
    );
    let mut caller = Caller::session(
        &mut account.rng,
        &WEB_INSTANCE,
        instance,
        at,
        &address,
        agent,
    );
    caller.identity["sessionContext"]["ec2RoleDelivery"] = json!("2.0");
    let call = Call::write(at.plus(1), "ssm", "UpdateInstanceInformation")
        .parameters(json!({
            "instanceId": instance, "agentVersion": "3.3.2746.0", "agentStatus": "Active", "platformType": "Linux",
            "platformName": "Amazon Linux", "platformVersion": "2023", "iPAddress": "10.0.3.17", "agentName": "amazon-ssm-agent",
            "computerName": "ip-10-0-3-17.eu-central-1.compute.internal", "availabilityZone": "eu-central-1a",
        }))
        .needs("ssm:UpdateInstanceInformation", format!("arn:aws:ec2:{REGION}:{MAIN}:instance/{instance}"));
    account.record(&caller, call);
    caller.agent = "aws-cli/2.28.21 md/awscrt#0.27.6 ua/2.1 os/linux#6.1.147-172.266.amzn2023.x86_64 lang/python#3.9.23 md/command#s3.cp".to_owned();
    if boots {
        for file in ["nginx.conf", "app.json"] {
            let key = format!("config/web/{file}");
            let call = Call::object(at.plus(5), "GetObject", "s3:GetObject", CONFIG, &key)
                .vpc_endpoint(VPC_ENDPOINT);
            account.record(&caller, call);
        }
    }
    let call = Call::write(at.plus(20), "monitoring", "PutMetricData")
        .data()
        .parameters(json!({ "namespace": "Web/App" }))
        .needs("cloudwatch:PutMetricData", "*");
    account.record(&caller, call);
}

/// What AWS does by itself.
pub(crate) fn services(account: &mut Account) {
    for day in 1..=30 {
        let at = Moment::new(day, 5, 0).plus(account.rng.below(300) as u32);
        let config = "arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig";
        assumed_by(
            account,
            "config.amazonaws.com",
            config,
            "AWSConfig-Describe",
            at,
        );
        let trail = Caller::service(MAIN, "cloudtrail.amazonaws.com");
        let call = Call::bucket(
            at.plus(60),
            "GetBucketAcl",
            "s3:GetBucketAcl",
            "example-trail-logs",
            json!({ "acl": "" }),
        );
        account.record(&trail, call.free());
    }
    let rotation = Caller::outsider(
        MAIN,
        json!({ "accountId": MAIN, "invokedBy": "AWS Internal" }),
        "AWS Internal",
        "AWS Internal",
    );
    let arn = format!("arn:aws:kms:{REGION}:{MAIN}:key/{ORDERS_KEY}");
    let call = Call::write(Moment::new(10, 3, 14), "kms", "RotateKey")
        .event_type("AwsServiceEvent")
        .resources(json!([{ "accountId": MAIN, "type": "AWS::KMS::Key", "ARN": arn }]));
    account.record(&rotation, call);
}
