//! What people do: they sign in through IAM Identity Center, an engineer works, and the root user looks in once.

use serde_json::json;

use crate::account::Account;
use crate::call::{Call, GLOBAL, REGION};
use crate::caller::{Caller, MAIN, PLATFORM_ENGINEER, Role};
use crate::moment::{Moment, is_weekend};
use crate::workloads::ORDERS_KEY;

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:142.0) Gecko/20100101 Firefox/142.0";
const INSTANCES: [&str; 2] = ["i-0e1f2a3b4c5d6e7f8", "i-0f9e8d7c6b5a49382"];

/// Somebody behind IAM Identity Center, with the one permission set that the samples see.
pub(crate) struct Person {
    pub(crate) email: &'static str,
    /// The user's id in the identity store.
    pub(crate) id: &'static str,
    pub(crate) address: &'static str,
    pub(crate) role: Role,
}

const MARIA: Person = Person {
    email: "maria.lopez@example.com",
    id: "f3a4b8c2-7061-70a1-9b5d-2c8e4f6a1b30",
    address: "203.0.113.61",
    role: PLATFORM_ENGINEER,
};

/// A person signs in: the portal's records name a user of Identity Center, the assertion becomes a session, and none of
/// that needs a permission in the account.
pub(crate) fn sign_in(account: &mut Account, who: &Person, at: Moment) -> Caller {
    let Person {
        email: user,
        id,
        address,
        role,
    } = who;
    let portal = json!({
        "type": "IdentityCenterUser", "accountId": MAIN,
        "onBehalfOf": {
            "userId": id, "identityStoreArn": format!("arn:aws:identitystore::{MAIN}:identitystore/d-99676c0a4b"),
        },
        "credentialId": account.rng.uuid(),
    });
    let portal = Caller::outsider(MAIN, portal, address, BROWSER);
    let workflow = account.rng.uuid();
    let call = Call::write(at, "signin", "UserAuthentication")
        .event_type("AwsServiceEvent")
        .additional(json!({
            "AuthWorkflowID": workflow, "CredentialType": "EXTERNAL_IDP", "UserName": user,
            "LoginTo": format!("https://portal.sso.{REGION}.amazonaws.com/"),
        }))
        .response(json!({ "UserAuthentication": "Success" }));
    account.record(&portal, call);
    let call = Call::write(at.plus(4), "sso", "Federate")
        .event_type("AwsServiceEvent")
        .additional(json!({ "role_name": role.name, "account_id": MAIN }));
    account.record(&portal, call);
    let mut caller = Caller::session(&mut account.rng, role, user, at.plus(5), address, BROWSER);
    caller.inside = true;
    let provider = "arn:aws:iam::111122223333:saml-provider/AWSSSO_0123456789abcdef_DO_NOT_DELETE";
    let assertion = json!({
        "type": "SAMLUser", "principalId": format!("{}:{user}", role.id), "userName": user, "identityProvider": provider,
    });
    let call = Call::read(at.plus(5), "sts", "AssumeRoleWithSAML")
        .free()
        .parameters(json!({
            "principalArn": provider, "roleArn": role.principal.arn, "roleSessionName": user, "durationSeconds": 28_800,
        }))
        .response(json!({
            "credentials": {
                "accessKeyId": caller.identity["accessKeyId"], "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
                "expiration": at.plus(28_805).to_string(),
            },
            "assumedRoleUser": { "assumedRoleId": caller.identity["principalId"], "arn": caller.identity["arn"] },
            "subject": user, "subjectType": "persistent", "issuer": "https://portal.sso.eu-central-1.amazonaws.com/saml",
        }))
        .resources(json!([{ "accountId": MAIN, "type": "AWS::IAM::Role", "ARN": role.principal.arn }]));
    account.record(
        &Caller::outsider(MAIN, assertion, address, "aws-internal/3"),
        call,
    );
    caller
}

/// Maria's working days: she looks around every time, and does one thing more on most days.
pub(crate) fn engineer(account: &mut Account) {
    for day in 1..=30 {
        if is_weekend(day) || !account.rng.chance(75) {
            continue;
        }
        let minute = account.rng.below(45) as u32;
        let at = Moment::new(day, 8, minute);
        let maria = sign_in(account, &MARIA, at);
        let at = at.plus(60);
        browse(account, &maria, at);
        read_logs(account, &maria, at.plus(300));
        if day % 2 == 0 {
            read_secrets(account, &maria, at.plus(700));
        }
        if day % 3 == 0 {
            restart(account, &maria, at.plus(1_200), day);
        }
    }
    refused(account);
}

/// The consoles of EC2, S3 and CloudWatch. None of these calls can be limited to a resource, except that of the alarms,
/// which takes them all.
fn browse(account: &mut Account, maria: &Caller, at: Moment) {
    let call = Call::read(at, "ec2", "DescribeInstances")
        .parameters(json!({ "maxResults": 100, "instancesSet": {}, "filterSet": {} }))
        .needs("ec2:DescribeInstances", "*");
    account.record(maria, call);
    let call = Call::read(at.plus(1), "ec2", "DescribeInstanceStatus")
        .parameters(json!({ "instancesSet": {}, "filterSet": {}, "includeAllInstances": true }))
        .needs("ec2:DescribeInstanceStatus", "*");
    account.record(maria, call);
    let call = Call::read(at.plus(9), "ec2", "DescribeSecurityGroups")
        .parameters(json!({
            "securityGroupSet": {}, "securityGroupIdSet": { "items": [{ "groupId": "sg-0a1b2c3d4e5f60718" }] }, "filterSet": {},
        }))
        .needs("ec2:DescribeSecurityGroups", "*");
    account.record(maria, call);
    let call = Call::read(at.plus(60), "s3", "ListBuckets")
        .region(GLOBAL)
        .parameters(json!({ "Host": "s3.amazonaws.com" }))
        .needs("s3:ListAllMyBuckets", "*");
    account.record(maria, call);
    let call = Call::read(at.plus(120), "monitoring", "DescribeAlarms")
        .parameters(json!({ "maxRecords": 100 }))
        .needs(
            "cloudwatch:DescribeAlarms",
            format!("arn:aws:cloudwatch:{REGION}:{MAIN}:alarm:*"),
        );
    account.record(maria, call);
    let call = Call::read(at.plus(125), "monitoring", "GetMetricData")
        .data()
        .parameters(json!({
            "startTime": Moment::new(at.day(), 0, 0).to_string(), "endTime": at.to_string(),
            "metricDataQueries": [{
                "id": "m1", "returnData": true,
                "metricStat": {
                    "metric": {
                        "namespace": "AWS/ECS", "metricName": "CPUUtilization",
                        "dimensions": [{ "name": "ClusterName", "value": "production" }],
                    },
                    "period": 300, "stat": "Average",
                },
            }],
        }))
        .needs("cloudwatch:GetMetricData", "*");
    account.record(maria, call);
}

fn read_logs(account: &mut Account, maria: &Caller, at: Moment) {
    let functions = ["order-processor", "order-reconciler"];
    let group = format!("/aws/lambda/{}", account.rng.pick(&functions));
    let arn = format!("arn:aws:logs:{REGION}:{MAIN}:log-group:{group}:*");
    let call = Call::read(at, "logs", "FilterLogEvents")
        .parameters(json!({
            "logGroupName": group, "startTime": Moment::new(at.day(), 0, 0).millis(), "filterPattern": "ERROR", "limit": 50,
        }))
        .api_version("20140328")
        .needs("logs:FilterLogEvents", arn.as_str());
    account.record(maria, call);
    if account.rng.chance(60) {
        let call = Call::read(at.plus(40), "logs", "StartQuery")
            .parameters(json!({
                "logGroupNames": [group], "startTime": Moment::new(at.day(), 0, 0).millis() / 1_000,
                "endTime": at.millis() / 1_000, "queryString": "fields @timestamp, @message | sort @timestamp desc | limit 20",
            }))
            .response(json!({ "queryId": account.rng.uuid() }))
            .api_version("20140328")
            .needs("logs:StartQuery", arn);
        account.record(maria, call);
    }
}

/// A parameter and a secret, both under the customer managed key: each service decrypts with Maria's permissions.
fn read_secrets(account: &mut Account, maria: &Caller, at: Moment) {
    let name = [
        "/orders/prod/payment-endpoint",
        "/orders/prod/feature-flags",
    ][usize::from(account.rng.chance(40))];
    let arn = format!("arn:aws:ssm:{REGION}:{MAIN}:parameter{name}");
    let call = Call::read(at, "ssm", "GetParameter")
        .parameters(json!({ "name": name, "withDecryption": true }))
        .resources(json!([{ "accountId": MAIN, "ARN": arn }]))
        .needs("ssm:GetParameter", arn.as_str());
    account.record(maria, call);
    let call = Call::decrypt(
        at,
        ORDERS_KEY,
        "AWS Internal",
        json!({ "PARAMETER_ARN": arn }),
    );
    account.record(maria, call);
    // The secret is asked for by name; its ARN ends in six characters that the caller does not know.
    let secret = format!("arn:aws:secretsmanager:{REGION}:{MAIN}:secret:prod/orders/db");
    let call = Call::read(at.plus(90), "secretsmanager", "GetSecretValue")
        .parameters(json!({ "secretId": "prod/orders/db" }))
        .needs("secretsmanager:GetSecretValue", format!("{secret}-??????"));
    account.record(maria, call);
    let context = json!({
        "SecretARN": format!("{secret}-Xk2Vb9"), "SecretVersionId": "d1a7c3e5-4b60-4f82-9d1c-7e3a5b8f2064",
    });
    let call = Call::decrypt(
        at.plus(90),
        ORDERS_KEY,
        "secretsmanager.amazonaws.com",
        context,
    );
    account.record(maria, call);
}

/// The two build machines need a push now and then; once she only asks whether she might.
fn restart(account: &mut Account, maria: &Caller, at: Moment, day: u32) {
    let instance = INSTANCES[(day / 3) as usize % 2];
    let arn = format!("arn:aws:ec2:{REGION}:{MAIN}:instance/{instance}");
    let set = json!({ "items": [{ "instanceId": instance }] });
    if day == 21 {
        let message = "Request would have succeeded, but DryRun flag is set.";
        let call = Call::write(at, "ec2", "StartInstances")
            .parameters(json!({ "instancesSet": set, "dryRun": true }))
            .needs("ec2:StartInstances", arn)
            .fails("Client.DryRunOperation", message);
        account.record(maria, call);
        return;
    }
    if day.is_multiple_of(4) {
        let call = Call::write(at, "ec2", "RebootInstances")
            .parameters(json!({ "instancesSet": set }))
            .response(json!({ "requestId": account.rng.uuid(), "_return": true }))
            .needs("ec2:RebootInstances", arn);
        account.record(maria, call);
        return;
    }
    let call = Call::write(at, "ec2", "StartInstances")
        .parameters(json!({ "instancesSet": set }))
        .response(json!({
            "requestId": account.rng.uuid(),
            "instancesSet": {
                "items": [{
                    "instanceId": instance, "currentState": { "code": 0, "name": "pending" },
                    "previousState": { "code": 80, "name": "stopped" },
                }],
            },
        }))
        .needs("ec2:StartInstances", arn);
    account.record(maria, call);
}

/// Two things Maria may not do.
fn refused(account: &mut Account) {
    let at = Moment::new(16, 13, 20);
    let maria = sign_in(account, &MARIA, at);
    let user = "user backup-legacy";
    let because =
        |action: &str| format!("because no identity-based policy allows the {action} action");
    let message = format!(
        "User: {} is not authorized to perform: iam:ListAccessKeys on resource: {user} {}",
        maria.arn(),
        because("iam:ListAccessKeys")
    );
    let call = Call::read(at.plus(100), "iam", "ListAccessKeys")
        .region(GLOBAL)
        .denied("iam:ListAccessKeys", "AccessDenied", message);
    account.record(&maria, call);
    let arn = format!("arn:aws:ec2:{REGION}:{MAIN}:instance/{}", INSTANCES[0]);
    let message = format!(
        "You are not authorized to perform this operation. User: {} is not authorized to perform: ec2:StopInstances on \
         resource: {arn} {}",
        maria.arn(),
        because("ec2:StopInstances")
    );
    let call = Call::write(at.plus(200), "ec2", "StopInstances")
        .parameters(json!({ "instancesSet": { "items": [{ "instanceId": INSTANCES[0] }] }, "force": false }))
        .denied("ec2:StopInstances", "Client.UnauthorizedOperation", message);
    account.record(&maria, call);
}

/// Root signs in once, to look at the bill and at the account. IAM does not limit root; these are the permissions that
/// somebody else would need to do the same.
pub(crate) fn root(account: &mut Account) {
    let at = Moment::new(14, 10, 30);
    let root = Caller::root(&mut account.rng, at);
    let mut signing_in = root.clone();
    signing_in.agent = BROWSER.to_owned();
    if let Some(identity) = signing_in.identity.as_object_mut() {
        identity.remove("accessKeyId");
        identity.remove("sessionContext");
    }
    let call = Call::write(at, "signin", "ConsoleLogin")
        .region(GLOBAL)
        .event_type("AwsConsoleSignIn")
        .response(json!({ "ConsoleLogin": "Success" }))
        .additional(json!({
            "LoginTo": "https://console.aws.amazon.com/console/home", "MobileVersion": "No",
            "MFAIdentifier": "arn:aws:iam::111122223333:mfa/root-account-mfa-device", "MFAUsed": "Yes",
        }));
    account.record(&signing_in, call);
    let calls = [
        ("GetAccountSummary", "iam:GetAccountSummary"),
        ("ListVirtualMFADevices", "iam:ListVirtualMFADevices"),
        ("GetAccountPasswordPolicy", "iam:GetAccountPasswordPolicy"),
    ];
    for (index, (name, action)) in calls.into_iter().enumerate() {
        let call = Call::read(at.plus(40 + index as u32), "iam", name)
            .region(GLOBAL)
            .needs(action, "*");
        account.record(&root, call);
    }
    let call = Call::read(at.plus(300), "ce", "GetCostAndUsage")
        .region(GLOBAL)
        .parameters(json!({
            "timePeriod": { "start": "2026-09-01", "end": "2026-09-14" }, "granularity": "DAILY", "metrics": ["UnblendedCost"],
        }))
        .needs("ce:GetCostAndUsage", "*");
    account.record(&root, call);
}
