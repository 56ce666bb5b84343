//! The release workflow: GitHub Actions assumes `github-deploy` on working days, pushes an image, updates the stack of the
//! order functions through CloudFormation and the web service through ECS.

use serde_json::{Value, json};

use crate::account::Account;
use crate::call::{Call, GLOBAL, REGION};
use crate::caller::MAIN;
use crate::moment::{Moment, is_monday, is_weekend};
use crate::run::{ARTIFACTS, Run, begin, describe_service, function_arn, update_service};
use crate::stacks::{deploy_functions, destroy, preview};

const EXECUTION_ROLE: &str = "arn:aws:iam::111122223333:role/ecs/orders-api-execution";
const TASK_ROLE: &str = "arn:aws:iam::111122223333:role/ecs/orders-api-task";
const NOTIFIER_ROLE: &str = "arn:aws:iam::111122223333:role/service-role/order-notifier-role";

pub(crate) fn month(account: &mut Account) {
    let mut release = 40;
    for day in 1..=30 {
        if is_weekend(day) {
            continue;
        }
        let hours: &[u32] = if account.rng.chance(45) {
            &[9, 14]
        } else {
            &[13]
        };
        for &hour in hours {
            release += 1;
            let minute = account.rng.below(50) as u32;
            let mut run = begin(account, release, Moment::new(day, hour, minute));
            push_image(account, &mut run, release);
            upload(account, &mut run, day);
            deploy_functions(account, &mut run, hour == 14);
            deploy_service(account, &mut run, release);
            once(account, &mut run, day, hour != 14);
        }
    }
}

/// `docker push`: the registry answers which layers it has, takes the missing ones, then the manifest.
fn push_image(account: &mut Account, run: &mut Run, release: u64) {
    let repository = if release.is_multiple_of(3) {
        "storefront"
    } else {
        "orders-api"
    };
    let arn = format!("arn:aws:ecr:{REGION}:{MAIN}:repository/{repository}");
    run.next(account, |at| {
        Call::read(at, "ecr", "GetAuthorizationToken")
            .host(&format!("api.ecr.{REGION}.amazonaws.com"))
            .needs("ecr:GetAuthorizationToken", "*")
    });
    let digest = format!("sha256:{}", account.rng.hex(64));
    let upload = account.rng.uuid();
    let last = 1_000_000 + account.rng.below(8_000_000);
    let image = format!("sha256:{}", account.rng.hex(64));
    let on_repository = |call: Call, action, mut parameters: Value| {
        parameters["repositoryName"] = json!(repository);
        parameters["registryId"] = json!(MAIN);
        call.host(&format!("api.ecr.{REGION}.amazonaws.com"))
            .parameters(parameters)
            .resources(json!([{ "accountId": MAIN, "ARN": arn }]))
            .needs(action, arn.as_str())
    };
    run.next(account, |at| {
        let call = Call::read(at, "ecr", "BatchCheckLayerAvailability").response(json!({
            "layers": [{ "layerDigest": digest, "layerAvailability": "UNAVAILABLE" }], "failures": [],
        }));
        on_repository(call, "ecr:BatchCheckLayerAvailability", json!({ "layerDigests": [digest] }))
    });
    run.next(account, |at| {
        let call = Call::write(at, "ecr", "InitiateLayerUpload")
            .response(json!({ "uploadId": upload, "partSize": 10_485_760 }));
        on_repository(call, "ecr:InitiateLayerUpload", json!({}))
    });
    run.next(account, |at| {
        let call = Call::write(at, "ecr", "UploadLayerPart").response(json!({
            "registryId": MAIN, "repositoryName": repository, "uploadId": upload, "lastByteReceived": last,
        }));
        let part = json!({ "uploadId": upload, "partFirstByte": 0, "partLastByte": last, "layerPartBlob": {} });
        on_repository(call, "ecr:UploadLayerPart", part)
    });
    run.next(account, |at| {
        let call = Call::write(at, "ecr", "CompleteLayerUpload").response(json!({
            "registryId": MAIN, "repositoryName": repository, "uploadId": upload, "layerDigest": digest,
        }));
        let whole = json!({ "uploadId": upload, "layerDigests": [digest] });
        on_repository(call, "ecr:CompleteLayerUpload", whole)
    });
    let version = run.version.clone();
    run.next(account, |at| {
        let call = Call::write(at, "ecr", "PutImage").response(json!({
            "image": {
                "registryId": MAIN, "repositoryName": repository,
                "imageId": { "imageDigest": image, "imageTag": version },
            },
        }));
        let manifest = json!({
            "imageTag": version, "imageManifestMediaType": "application/vnd.oci.image.manifest.v1+json",
        });
        on_repository(call, "ecr:PutImage", manifest)
    });
}

/// The release's files. On Mondays the workflow looks at what is there and reads the list of last week's release.
fn upload(account: &mut Account, run: &mut Run, day: u32) {
    for file in ["template.yaml", "order-functions.zip", "manifest.json"] {
        let key = format!("releases/{}/{file}", run.version);
        run.next(account, |at| {
            Call::object(at, "PutObject", "s3:PutObject", ARTIFACTS, &key)
                .response(json!({ "x-amz-server-side-encryption": "AES256" }))
        });
    }
    if is_monday(day) {
        run.next(account, |at| Call::list_objects(at, ARTIFACTS, "releases/"));
        run.next(account, |at| {
            Call::object(
                at,
                "GetObject",
                "s3:GetObject",
                ARTIFACTS,
                "releases/1.40.0/manifest.json",
            )
        });
    }
}

/// A new revision of the task definition, then the service moves to it. Registering passes both roles to ECS, of which
/// CloudTrail has no record of its own.
fn deploy_service(account: &mut Account, run: &mut Run, release: u64) {
    let definition = format!("arn:aws:ecs:{REGION}:{MAIN}:task-definition/orders-api:{release}");
    let image = format!(
        "{MAIN}.dkr.ecr.{REGION}.amazonaws.com/orders-api:{}",
        run.version
    );
    let task = json!({
        "family": "orders-api", "networkMode": "awsvpc", "cpu": "256", "memory": "512",
        "requiresCompatibilities": ["FARGATE"], "executionRoleArn": EXECUTION_ROLE, "taskRoleArn": TASK_ROLE,
        "containerDefinitions": [{
            "name": "api", "image": image, "essential": true, "portMappings": [{ "containerPort": 8080, "protocol": "tcp" }],
        }],
    });
    let mut registered = task.clone();
    registered["taskDefinitionArn"] = json!(definition);
    registered["revision"] = json!(release);
    registered["status"] = json!("ACTIVE");
    run.next(account, |at| {
        Call::write(at, "ecs", "RegisterTaskDefinition")
            .parameters(task)
            .response(json!({ "taskDefinition": registered }))
            .needs(
                "ecs:RegisterTaskDefinition",
                format!("arn:aws:ecs:{REGION}:{MAIN}:task-definition/orders-api:*"),
            )
            .passes(EXECUTION_ROLE, "ecs-tasks.amazonaws.com")
            .passes(TASK_ROLE, "ecs-tasks.amazonaws.com")
    });
    run.next(account, |at| describe_service(at, "orders-api"));
    let call = update_service(run.at.plus(2), "orders-api", Some(&definition));
    account.record(&run.caller, call);
    for wait in [15, 30] {
        let call = describe_service(run.at.plus(wait), "orders-api");
        account.record(&run.caller, call);
    }
    run.at = run.at.plus(40);
}

/// What happens on one day only.
fn once(account: &mut Account, run: &mut Run, day: u32, first_run: bool) {
    if !first_run {
        return;
    }
    run.at = run.at.plus(5);
    let at = run.at;
    match day {
        2 => {
            let mut call = Call::list_objects(at, "example-artefacts", "releases/");
            call = call.inconclusive("NoSuchBucket", "The specified bucket does not exist");
            account.record(&run.caller, call);
        }
        3 => create_notifier(account, run, at),
        8 => {
            let user = format!("arn:aws:iam::{MAIN}:user/ci-temp");
            let message = format!(
                "User: {} is not authorized to perform: iam:CreateUser on resource: {user} because no identity-based \
                 policy allows the iam:CreateUser action",
                run.caller.arn()
            );
            let call = Call::write(at, "iam", "CreateUser")
                .region(GLOBAL)
                .host("iam.amazonaws.com")
                .denied("iam:CreateUser", "AccessDenied", message);
            account.record(&run.caller, call);
        }
        10 => preview(account, run),
        24 => destroy(account, run),
        _ => {}
    }
}

/// A new function, made by hand: it does not exist, then it does.
fn create_notifier(account: &mut Account, run: &Run, at: Moment) {
    let arn = function_arn("order-notifier");
    let call = Call::read(at, "lambda", "GetFunction20150331v2")
        .parameters(json!({ "functionName": "order-notifier" }))
        .needs("lambda:GetFunction", arn.as_str())
        .fails(
            "ResourceNotFoundException",
            format!("Function not found: {arn}"),
        );
    account.record(&run.caller, call);
    let key = format!("releases/{}/order-functions.zip", run.version);
    let call = Call::write(at.plus(3), "lambda", "CreateFunction20150331")
        .parameters(json!({
            "functionName": "order-notifier", "runtime": "python3.13", "role": NOTIFIER_ROLE, "handler": "notify.handler",
            "code": { "s3Bucket": ARTIFACTS, "s3Key": key }, "timeout": 10, "memorySize": 128, "publish": false,
            "packageType": "Zip",
        }))
        .response(json!({
            "functionName": "order-notifier", "functionArn": arn, "runtime": "python3.13", "role": NOTIFIER_ROLE,
            "handler": "notify.handler", "timeout": 10, "memorySize": 128, "version": "$LATEST", "state": "Pending",
            "packageType": "Zip",
        }))
        .needs("lambda:CreateFunction", arn)
        .passes(NOTIFIER_ROLE, "lambda.amazonaws.com");
    account.record(&run.caller, call);
    let call = Call::object(at.plus(4), "GetObject", "s3:GetObject", ARTIFACTS, &key)
        .through("lambda.amazonaws.com");
    account.record(&run.caller, call);
}
