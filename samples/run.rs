//! One run of the release workflow: the session that the OIDC token becomes, and the calls that several steps make.

use serde_json::json;

use crate::account::Account;
use crate::call::{Call, REGION};
use crate::caller::{Caller, GITHUB_DEPLOY, MAIN};
use crate::moment::Moment;

/// Where the workflow keeps what it releases.
pub(crate) const ARTIFACTS: &str = "example-artifacts";

/// A run of the workflow: its session, its version and the time it has reached.
pub(crate) struct Run {
    pub(crate) caller: Caller,
    pub(crate) version: String,
    pub(crate) at: Moment,
}

impl Run {
    /// The next step, some seconds on.
    pub(crate) fn next(&mut self, account: &mut Account, call: impl FnOnce(Moment) -> Call) {
        self.at = self.at.plus(2 + account.rng.below(16) as u32);
        account.record(&self.caller, call(self.at));
    }
}

/// The OIDC token becomes a session: that needs the role's trust, no permission of anybody in the account.
pub(crate) fn begin(account: &mut Account, release: u64, at: Moment) -> Run {
    let provider = format!("arn:aws:iam::{MAIN}:oidc-provider/token.actions.githubusercontent.com");
    let subject = "repo:example/orders:environment:production";
    let session = format!("orders-{}", 17_300_000_000 + release * 4_711_003);
    let address = format!("198.51.100.{}", 10 + account.rng.below(200));
    let agent = "aws-sdk-nodejs/3.883.0 os/linux/x64 lang/js md/nodejs/24.5.0 configure-aws-credentials-for-github-actions";
    let token = json!({
        "type": "WebIdentityUser",
        "principalId": format!("{provider}:sts.amazonaws.com:{subject}"),
        "userName": subject,
        "identityProvider": provider,
    });
    let mut caller = Caller::session(
        &mut account.rng,
        &GITHUB_DEPLOY,
        &session,
        at,
        &address,
        agent,
    );
    caller.identity["sessionContext"]["webIdFederationData"] =
        json!({ "federatedProvider": provider, "attributes": {} });
    let assume = Call::read(at, "sts", "AssumeRoleWithWebIdentity")
        .free()
        .parameters(json!({
            "roleArn": GITHUB_DEPLOY.principal.arn, "roleSessionName": session, "durationSeconds": 3600,
        }))
        .response(json!({
            "credentials": {
                "accessKeyId": caller.identity["accessKeyId"], "sessionToken": "HIDDEN_DUE_TO_SECURITY_REASONS",
                "expiration": at.plus(3_600).to_string(),
            },
            "subjectFromWebIdentityToken": subject,
            "assumedRoleUser": {
                "assumedRoleId": caller.identity["principalId"], "arn": caller.identity["arn"],
            },
            "provider": provider,
            "audience": "sts.amazonaws.com",
        }))
        .resources(json!([{ "accountId": MAIN, "type": "AWS::IAM::Role", "ARN": GITHUB_DEPLOY.principal.arn }]));
    account.record(&Caller::outsider(MAIN, token, &address, agent), assume);
    let who = Call::read(at.plus(1), "sts", "GetCallerIdentity").free();
    account.record(&caller, who);
    caller.agent = "aws-cli/2.28.21 md/awscrt#0.27.6 ua/2.1 os/linux#6.11.0-azure md/arch#x86_64 lang/python#3.13.7 md/command#deploy".to_owned();
    let version = format!("1.{release}.0");
    Run {
        caller,
        version,
        at: at.plus(30),
    }
}

pub(crate) fn describe_service(at: Moment, service: &str) -> Call {
    Call::read(at, "ecs", "DescribeServices")
        .parameters(json!({ "cluster": "production", "services": [service] }))
        .needs("ecs:DescribeServices", service_arn(service))
}

pub(crate) fn update_service(at: Moment, service: &str, definition: Option<&str>) -> Call {
    let arn = service_arn(service);
    let mut parameters = json!({ "cluster": "production", "service": service });
    match definition {
        Some(definition) => parameters["taskDefinition"] = json!(definition),
        None => parameters["desiredCount"] = json!(2),
    }
    Call::write(at, "ecs", "UpdateService")
        .parameters(parameters)
        .response(json!({
            "service": {
                "serviceArn": arn, "serviceName": service, "status": "ACTIVE", "desiredCount": 2, "runningCount": 2,
                "clusterArn": format!("arn:aws:ecs:{REGION}:{MAIN}:cluster/production"), "launchType": "FARGATE",
                "createdBy": format!("arn:aws:iam::{MAIN}:role/ci/github-deploy"),
            },
        }))
        .needs("ecs:UpdateService", arn)
}

pub(crate) fn function_arn(function: &str) -> String {
    format!("arn:aws:lambda:{REGION}:{MAIN}:function:{function}")
}

fn service_arn(service: &str) -> String {
    format!("arn:aws:ecs:{REGION}:{MAIN}:service/production/{service}")
}
