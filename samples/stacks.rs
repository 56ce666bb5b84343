//! The workflow's stacks: change sets of the order functions, and a preview that comes and goes. CloudFormation works with
//! the caller's permissions, as no stack has a service role.

use serde_json::json;

use crate::account::Account;
use crate::call::{Call, REGION};
use crate::caller::MAIN;
use crate::moment::Moment;
use crate::run::{ARTIFACTS, Run, describe_service, function_arn, update_service};

const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";
const LOG_GROUP: &str = "/aws/lambda/order-processor";
const STACK_ID: &str = "arn:aws:cloudformation:eu-central-1:111122223333:stack/orders/5f0b8c10-71d4-11f0-9a53-0a1b2c3d4e5f";

/// `aws cloudformation deploy`: a change set on the stack `orders`, then what CloudFormation does with the caller's
/// permissions.
pub(crate) fn deploy_functions(account: &mut Account, run: &mut Run, with_service: bool) {
    let template = format!("releases/{}/template.yaml", run.version);
    change_set(account, run, "orders", STACK_ID, "UPDATE", &template);
    for function in ["order-processor", "order-reconciler"] {
        let at = run.at.plus(account.rng.below(16) as u32);
        update_function(account, run, function, at);
    }
    if with_service {
        let call = update_service(run.at.plus(1), "storefront", None).through(CLOUDFORMATION);
        account.record(&run.caller, call);
        let call = describe_service(run.at.plus(9), "storefront").through(CLOUDFORMATION);
        account.record(&run.caller, call);
    }
    let stack = stack_arn("orders");
    run.next(account, |at| {
        Call::read(at, "cloudformation", "DescribeStackEvents")
            .parameters(json!({ "stackName": "orders" }))
            .needs("cloudformation:DescribeStackEvents", stack.as_str())
    });
    run.next(account, |at| describe_stacks(at, "orders"));
}

/// The change set is created, looked at and executed. IAM checks the stack by the name that the caller gave,
/// `stack/NAME/*`; the template's URL is read from S3 with the caller's permissions.
fn change_set(
    account: &mut Account,
    run: &mut Run,
    stack: &'static str,
    id: &str,
    kind: &str,
    template: &str,
) {
    let arn = stack_arn(stack);
    let url = format!("https://{ARTIFACTS}.s3.{REGION}.amazonaws.com/{template}");
    let version = run.version.clone();
    let name = format!("release-{}", run.version.replace('.', "-"));
    let set = format!(
        "arn:aws:cloudformation:{REGION}:{MAIN}:changeSet/{name}/{}",
        account.rng.uuid()
    );
    if kind == "UPDATE" {
        run.next(account, |at| describe_stacks(at, stack));
    }
    // A template looked at by its URL belongs to no stack, so the action has no resource.
    run.next(account, |at| {
        Call::read(at, "cloudformation", "GetTemplateSummary")
            .parameters(json!({ "templateURL": url }))
            .needs("cloudformation:GetTemplateSummary", "*")
    });
    let call = Call::object(run.at, "GetObject", "s3:GetObject", ARTIFACTS, template)
        .through(CLOUDFORMATION);
    account.record(&run.caller, call);
    run.next(account, |at| {
        Call::write(at, "cloudformation", "CreateChangeSet")
            .parameters(json!({
                "stackName": stack, "changeSetName": name, "changeSetType": kind, "templateURL": url,
                "parameters": [{ "parameterKey": "Version", "parameterValue": version }],
                "description": "Created by the release workflow",
            }))
            .response(json!({ "id": set, "stackId": id }))
            .needs("cloudformation:CreateChangeSet", arn.as_str())
    });
    let both = json!({ "stackName": stack, "changeSetName": set });
    run.next(account, |at| {
        Call::read(at, "cloudformation", "DescribeChangeSet")
            .parameters(both.clone())
            .needs("cloudformation:DescribeChangeSet", arn.as_str())
    });
    run.next(account, |at| {
        Call::write(at, "cloudformation", "ExecuteChangeSet")
            .parameters(both)
            .needs("cloudformation:ExecuteChangeSet", arn)
    });
}

/// CloudFormation replaces a function's code; Lambda fetches the archive. Both act with the caller's permissions.
fn update_function(account: &mut Account, run: &Run, function: &str, at: Moment) {
    let arn = function_arn(function);
    let key = format!("releases/{}/order-functions.zip", run.version);
    let call = Call::write(at, "lambda", "UpdateFunctionCode20150331v2")
        .parameters(json!({
            "fullyQualifiedArn": {
                "arnPrefix": { "partition": "aws", "region": REGION, "account": MAIN },
                "relativeId": { "functionName": function },
                "functionQualifier": {},
            },
            "functionName": function, "s3Bucket": ARTIFACTS, "s3Key": key, "publish": false, "dryRun": false,
        }))
        .response(json!({
            "functionName": function, "functionArn": arn, "runtime": "python3.13", "handler": "app.handler",
            "role": "arn:aws:iam::111122223333:role/service-role/order-processor-role", "version": "$LATEST",
            "lastUpdateStatus": "InProgress", "packageType": "Zip",
        }))
        .through(CLOUDFORMATION)
        .needs("lambda:UpdateFunctionCode", arn.as_str());
    account.record(&run.caller, call);
    let call = Call::object(at.plus(1), "GetObject", "s3:GetObject", ARTIFACTS, &key)
        .through("lambda.amazonaws.com");
    account.record(&run.caller, call);
    let call = Call::read(at.plus(4), "lambda", "GetFunction20150331v2")
        .parameters(json!({ "functionName": function }))
        .through(CLOUDFORMATION)
        .needs("lambda:GetFunction", arn);
    account.record(&run.caller, call);
}

/// A stack for a pull request: it does not exist, then it does, with a dashboard and a metric filter in it.
pub(crate) fn preview(account: &mut Account, run: &mut Run) {
    run.next(account, |at| {
        describe_stacks(at, "preview-142").fails(
            "ValidationException",
            "Stack with id preview-142 does not exist",
        )
    });
    let id = format!(
        "arn:aws:cloudformation:{REGION}:{MAIN}:stack/preview-142/{}",
        account.rng.uuid()
    );
    let template = format!("releases/{}/template.yaml", run.version);
    change_set(account, run, "preview-142", &id, "CREATE", &template);
    run.next(account, |at| {
        Call::write(at, "monitoring", "PutDashboard")
            .parameters(
                json!({ "dashboardName": "preview-142", "dashboardBody": "{\"widgets\":[]}" }),
            )
            .through(CLOUDFORMATION)
            .needs(
                "cloudwatch:PutDashboard",
                format!("arn:aws:cloudwatch::{MAIN}:dashboard/preview-142"),
            )
    });
    let log_group = format!("arn:aws:logs:{REGION}:{MAIN}:log-group:{LOG_GROUP}:*");
    run.next(account, |at| {
        Call::write(at, "logs", "PutMetricFilter")
            .parameters(json!({
                "logGroupName": LOG_GROUP, "filterName": "preview-142-errors", "filterPattern": "ERROR",
                "metricTransformations": [
                    { "metricName": "Errors", "metricNamespace": "preview-142", "metricValue": "1" },
                ],
            }))
            .api_version("20140328")
            .through(CLOUDFORMATION)
            .needs("logs:PutMetricFilter", log_group.as_str())
    });
    run.next(account, |at| describe_stacks(at, "preview-142"));
}

/// The pull request is closed: the stack and what was in it go, and so does the function that nobody used.
pub(crate) fn destroy(account: &mut Account, run: &mut Run) {
    run.next(account, |at| {
        Call::write(at, "cloudformation", "DeleteStack")
            .parameters(json!({ "stackName": "preview-142" }))
            .needs("cloudformation:DeleteStack", stack_arn("preview-142"))
    });
    run.next(account, |at| {
        Call::write(at, "monitoring", "DeleteDashboards")
            .parameters(json!({ "dashboardNames": ["preview-142"] }))
            .through(CLOUDFORMATION)
            .needs(
                "cloudwatch:DeleteDashboards",
                format!("arn:aws:cloudwatch::{MAIN}:dashboard/preview-142"),
            )
    });
    let log_group = format!("arn:aws:logs:{REGION}:{MAIN}:log-group:{LOG_GROUP}:*");
    run.next(account, |at| {
        Call::write(at, "logs", "DeleteMetricFilter")
            .parameters(json!({ "logGroupName": LOG_GROUP, "filterName": "preview-142-errors" }))
            .api_version("20140328")
            .through(CLOUDFORMATION)
            .needs("logs:DeleteMetricFilter", log_group.as_str())
    });
    run.next(account, |at| {
        describe_stacks(at, "preview-142").fails(
            "ValidationException",
            "Stack with id preview-142 does not exist",
        )
    });
    run.next(account, |at| {
        Call::write(at, "lambda", "DeleteFunction20150331")
            .parameters(json!({ "functionName": "order-notifier" }))
            .needs("lambda:DeleteFunction", function_arn("order-notifier"))
    });
}

fn describe_stacks(at: Moment, stack: &'static str) -> Call {
    Call::read(at, "cloudformation", "DescribeStacks")
        .parameters(json!({ "stackName": stack }))
        .needs("cloudformation:DescribeStacks", stack_arn(stack))
}

fn stack_arn(stack: &str) -> String {
    format!("arn:aws:cloudformation:{REGION}:{MAIN}:stack/{stack}/*")
}
