//! Releases without a stack: containers, and the files of a library's pages.

use serde_json::{Value, json};

use crate::aws::{ecs_service, items, list_objects, object, plain_call};
use crate::call::Call;
use crate::moment::Moment;
use crate::organisation::Organisation;
use crate::releases::Application;
use crate::who::{GLOBAL, Who};

/// Images to ECR, then a new revision of the task definition for the service, which takes two roles with it.
pub(crate) fn by_container(organisation: &mut Organisation, app: &mut Application, day: u32) {
    if !app.rng.chance(80) {
        return;
    }
    let at = Moment::new(day, 14, app.rng.below(50) as u32);
    let who = app.session(at);
    app.build += 1;
    let name = app.name.clone();
    organisation.record(
        &who,
        at,
        plain_call("ecr", "GetAuthorizationToken", "ecr:GetAuthorizationToken"),
    );
    let digest = format!("sha256:{}", app.rng.hex(64));
    for (call, action) in [
        (
            "BatchCheckLayerAvailability",
            "ecr:BatchCheckLayerAvailability",
        ),
        ("InitiateLayerUpload", "ecr:InitiateLayerUpload"),
        ("UploadLayerPart", "ecr:UploadLayerPart"),
        ("CompleteLayerUpload", "ecr:CompleteLayerUpload"),
        ("PutImage", "ecr:PutImage"),
    ] {
        let arn = who.arn("ecr", &format!("repository/{name}"));
        let mut parameters = json!({ "registryId": who.account, "repositoryName": name });
        if call == "PutImage" {
            parameters["imageTag"] = json!(app.build.to_string());
        } else {
            parameters["layerDigests"] = json!([digest]);
        }
        let call = if call.starts_with("Batch") {
            Call::read("ecr", call)
        } else {
            Call::write("ecr", call)
        };
        let call = call
            .parameters(parameters)
            .resources(json!([{ "accountId": who.account, "ARN": arn }]))
            .needs(action, arn);
        organisation.record(&who, at.plus(5), call);
    }
    for service in [format!("{name}-web"), format!("{name}-jobs")] {
        roll_out(organisation, &who, at.plus(30), &service, app);
    }
    if app.rng.chance(30) {
        // The schema changes: a task runs the migration.
        let family = format!("{name}-migrate");
        let call = Call::write("ecs", "RunTask")
            .parameters(json!({ "cluster": "production", "taskDefinition": format!("{family}:{}", app.build) }))
            .needs("ecs:RunTask", who.arn("ecs", &format!("task-definition/{family}:<{}>", app.build)));
        organisation.record(&who, at.plus(200), call);
        let task = app.rng.hex(32);
        let call = Call::read("ecs", "DescribeTasks")
            .parameters(json!({ "cluster": "production", "tasks": [task] }))
            .needs(
                "ecs:DescribeTasks",
                who.arn("ecs", &format!("task/production/<{task}>")),
            );
        organisation.record(&who, at.plus(230), call);
    }
}

fn roll_out(
    organisation: &mut Organisation,
    who: &Who,
    at: Moment,
    service: &str,
    app: &Application,
) {
    let (execution, task) = (
        who.role_arn(&format!("{service}-execution")),
        who.role_arn(&format!("{service}-task")),
    );
    let image = format!(
        "{}.dkr.ecr.{}.amazonaws.com/{}:{}",
        who.account, who.region, app.name, app.build
    );
    let definition: Value = json!({
        "family": service, "executionRoleArn": execution, "taskRoleArn": task, "networkMode": "awsvpc",
        "requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "1024",
        "containerDefinitions": [{ "name": "app", "image": image, "essential": true }],
    });
    let arn = who.arn("ecs", &format!("task-definition/{service}"));
    let call = Call::write("ecs", "RegisterTaskDefinition")
        .parameters(definition)
        .response(
            json!({ "taskDefinition": { "taskDefinitionArn": format!("{arn}:{}", app.build) } }),
        )
        .needs("ecs:RegisterTaskDefinition", format!("{arn}:*"))
        .passes(execution, "ecs-tasks.amazonaws.com")
        .passes(task, "ecs-tasks.amazonaws.com");
    organisation.record(who, at, call);
    organisation.record(
        who,
        at.plus(2),
        ecs_service(
            who,
            "UpdateService",
            "ecs:UpdateService",
            "production",
            service,
        ),
    );
    for wait in [20, 40, 60] {
        let call = ecs_service(
            who,
            "DescribeServices",
            "ecs:DescribeServices",
            "production",
            service,
        );
        organisation.record(who, at.plus(wait), call);
    }
}

/// A library's pages: files of every version below the site's bucket, then the caches are told. Semantic versions.
pub(crate) fn by_file(organisation: &mut Organisation, app: &mut Application, day: u32) {
    if !app.rng.chance(35) {
        return;
    }
    let at = Moment::new(day, 16, app.rng.below(50) as u32);
    let who = app.session(at);
    app.build += 1;
    let version = format!("{}.{}.{}", 4 + day / 50, app.build % 50 / 5, app.build % 5);
    let bucket = "acme-design-site";
    organisation.record(&who, at, list_objects(&who, bucket, "releases/"));
    for file in ["index.html", "app.css"] {
        organisation.record(
            &who,
            at.plus(2),
            object(
                &who,
                "PutObject",
                bucket,
                &format!("releases/<{version}>/{file}"),
            ),
        );
    }
    let script = format!("releases/<{version}>/app.<{}>.js", app.rng.hex(8));
    organisation.record(&who, at.plus(3), object(&who, "PutObject", bucket, &script));
    organisation.record(
        &who,
        at.plus(4),
        object(&who, "PutObject", bucket, "latest/index.html"),
    );
    let call = Call::write("cloudfront", "CreateInvalidation")
        .region(GLOBAL)
        .parameters(json!({ "distributionId": "E2QWRUHAPOMQZL", "invalidationBatch": { "callerReference": version } }))
        .needs(
            "cloudfront:CreateInvalidation",
            format!("arn:aws:cloudfront::{}:distribution/E2QWRUHAPOMQZL", who.account),
        );
    organisation.record(&who, at.plus(8), call);
    let id = json!({ "name": "design-system" });
    organisation.record(
        &who,
        at.plus(12),
        items(&who, "PutItem", "dynamodb:PutItem", "releases", id),
    );
}
