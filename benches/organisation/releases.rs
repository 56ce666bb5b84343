//! Release roles: a workflow of GitHub's assumes one for each application, uploads what it has built, and changes stacks
//! through CloudFormation with its own permissions, or ECS by itself. Pull requests get stacks of their own for some days.

use serde_json::json;

use crate::aws::{bucket, function, log_group, object, queue, role};
use crate::call::Call;
use crate::containers::{by_container, by_file};
use crate::moment::{Moment, is_weekend};
use crate::organisation::Organisation;
use crate::rng::Rng;
use crate::who::{DATA, FRANKFURT, GLOBAL, IRELAND, Kind, SHOP, TOOLS, Who};

const CLOUDFORMATION: &str = "cloudformation.amazonaws.com";

/// An application and the role that releases it.
pub(crate) struct Application {
    pub(crate) who: Who,
    pub(crate) name: String,
    pub(crate) artifacts: String,
    pub(crate) rng: Rng,
    pub(crate) build: u64,
    pull_request: u64,
    /// The stacks of open pull requests: number, the day they close, and the suffixes of what CloudFormation named.
    open: Vec<(u64, u32, String)>,
}

impl Application {
    fn new(
        organisation: &Organisation,
        account: &'static str,
        region: &'static str,
        name: &str,
    ) -> Self {
        let mut rng = organisation.rng(&format!("release {name}"));
        let mut who = Who::role(
            Kind::Releases,
            account,
            region,
            "ci/",
            &format!("release-{name}"),
        );
        who.agent = "aws-sdk-nodejs/3.883.0 os/linux/x64 lang/js md/nodejs/24.5.0";
        Self {
            who,
            name: name.to_owned(),
            artifacts: format!("acme-artifacts-{account}"),
            build: 400 + rng.below(4_000),
            pull_request: 80 + rng.below(900),
            open: Vec::new(),
            rng,
        }
    }

    /// One run of the workflow.
    pub(crate) fn session(&mut self, at: Moment) -> Who {
        let run = 17_300_000_000 + self.rng.below(900_000_000);
        let address = format!("198.51.100.{}", 10 + self.rng.below(200));
        self.who
            .session(&mut self.rng, &format!("run-{run}"), at, &address)
    }
}

pub(crate) fn run(organisation: &mut Organisation) {
    let mut names = organisation.rng("releases");
    let mut pick = |from: &[&str]| names.pick(from).to_owned();
    let storefront = pick(&["storefront", "webshop", "shopfront"]);
    let backoffice = pick(&["backoffice", "admin-ui", "console"]);
    let ingest = pick(&["ingest", "collector", "intake"]);
    let mut stacks = Application::new(organisation, SHOP, FRANKFURT, &storefront);
    let mut containers = Application::new(organisation, SHOP, IRELAND, &backoffice);
    let mut functions = Application::new(organisation, DATA, FRANKFURT, &ingest);
    let mut library = Application::new(organisation, TOOLS, FRANKFURT, "design-system");
    for day in (0..organisation.days).filter(|day| !is_weekend(*day)) {
        by_stack(organisation, &mut stacks, day, "<sha>");
        by_container(organisation, &mut containers, day);
        by_stack(organisation, &mut functions, day, "<build>");
        by_file(organisation, &mut library, day);
    }
}

/// One or two releases a day through a stack, and the stacks of pull requests.
fn by_stack(organisation: &mut Organisation, app: &mut Application, day: u32, naming: &str) {
    if day == 0 {
        let who = app.session(Moment::new(0, 8, 0));
        set_up(organisation, &who, app);
    }
    for hour in [10, 15] {
        if !app.rng.chance(65) {
            continue;
        }
        let at = Moment::new(day, hour, app.rng.below(50) as u32);
        let who = app.session(at);
        organisation.record(&who, at, Call::read("sts", "GetCallerIdentity").free());
        app.build += 1;
        let version = match naming {
            "<sha>" => format!("<{}>", app.rng.hex(40)),
            _ => format!("<{}>", app.build),
        };
        let folder = format!("{}/{version}", app.name);
        for file in ["template.yaml", "functions.zip"] {
            organisation.record(
                &who,
                at.plus(3),
                object(
                    &who,
                    "PutObject",
                    &app.artifacts,
                    &format!("{folder}/{file}"),
                ),
            );
        }
        let stack = format!("{}-production", app.name);
        change(
            organisation,
            &who,
            at.plus(20),
            &stack,
            &folder,
            app,
            "UPDATE",
        );
        let changed = ["api", "jobs", "hooks"];
        for which in &changed[..1 + app.rng.below(3) as usize] {
            update_function(
                organisation,
                &who,
                at.plus(60),
                &format!("{stack}-{which}"),
                &app.artifacts,
                &folder,
            );
        }
        if app.rng.chance(12) {
            new_part(organisation, &who, at.plus(90), &stack, &mut app.rng);
        }
        let outcome = stack_call(
            &who,
            "DescribeStackEvents",
            "cloudformation:DescribeStackEvents",
            &stack,
        );
        organisation.record(&who, at.plus(120), outcome);
        overreach(organisation, app, &who, at.plus(150));
    }
    pull_requests(organisation, app, day);
}

/// Now and then a workflow tries what nobody has granted it.
fn overreach(organisation: &mut Organisation, app: &mut Application, who: &Who, at: Moment) {
    if app.rng.chance(5) {
        let user = format!("arn:aws:iam::{}:user/tester", who.account);
        let call = Call::write("iam", "CreateUser")
            .region(GLOBAL)
            .parameters(json!({ "userName": "tester" }))
            .needs("iam:CreateUser", user)
            .denied(who);
        organisation.record(who, at, call);
    }
}

/// What is done once, when the role is new: the bucket of the artifacts and the first stack.
fn set_up(organisation: &mut Organisation, who: &Who, app: &Application) {
    let at = Moment::new(0, 8, 5);
    let name = app.artifacts.as_str();
    let calls = [
        bucket(who, "CreateBucket", "s3:CreateBucket", name),
        bucket(who, "PutBucketVersioning", "s3:PutBucketVersioning", name),
        bucket(
            who,
            "PutBucketEncryption",
            "s3:PutEncryptionConfiguration",
            name,
        ),
        bucket(
            who,
            "PutBucketPublicAccessBlock",
            "s3:PutBucketPublicAccessBlock",
            name,
        ),
        stack_call(
            who,
            "CreateStack",
            "cloudformation:CreateStack",
            &format!("{}-production", app.name),
        ),
    ];
    for (later, call) in (0..).zip(calls) {
        organisation.record(who, at.plus(later * 20), call.once());
    }
}

/// A call of CloudFormation on a stack that is given by name: IAM checks `stack/NAME/*`.
fn stack_call(who: &Who, name: &'static str, action: &'static str, stack: &str) -> Call {
    let call = if name.starts_with("Describe") || name.starts_with("Get") {
        Call::read("cloudformation", name)
    } else {
        Call::write("cloudformation", name)
    };
    call.parameters(json!({ "stackName": stack })).needs(
        action,
        who.arn("cloudformation", &format!("stack/{stack}/*")),
    )
}

/// A change set is made, looked at and executed. CloudFormation reads the template with the caller's permissions.
fn change(
    organisation: &mut Organisation,
    who: &Who,
    at: Moment,
    stack: &str,
    folder: &str,
    app: &mut Application,
    kind: &str,
) {
    let template = format!("{folder}/template.yaml");
    let url = format!(
        "https://{}.s3.{}.amazonaws.com/{template}",
        app.artifacts, who.region
    );
    let set = format!("release-{}", app.build);
    let arn = who.arn("cloudformation", &format!("stack/{stack}/*"));
    if kind == "CREATE" {
        let call = stack_call(
            who,
            "DescribeStacks",
            "cloudformation:DescribeStacks",
            stack,
        );
        let message = "Stack does not exist";
        organisation.record(who, at, call.fails("ValidationException", message));
    } else {
        organisation.record(
            who,
            at,
            stack_call(
                who,
                "DescribeStacks",
                "cloudformation:DescribeStacks",
                stack,
            ),
        );
    }
    let call = Call::write("cloudformation", "CreateChangeSet")
        .parameters(json!({ "stackName": stack, "changeSetName": set, "changeSetType": kind, "templateURL": url }))
        .needs("cloudformation:CreateChangeSet", arn.as_str());
    organisation.record(who, at.plus(2), call);
    let call = object(who, "GetObject", &app.artifacts, &template).through(CLOUDFORMATION);
    organisation.record(who, at.plus(3), call);
    let both = json!({ "stackName": stack, "changeSetName": set });
    for (name, action) in [
        ("DescribeChangeSet", "cloudformation:DescribeChangeSet"),
        ("ExecuteChangeSet", "cloudformation:ExecuteChangeSet"),
    ] {
        let call = if name == "DescribeChangeSet" {
            Call::read("cloudformation", name)
        } else {
            Call::write("cloudformation", name)
        };
        let call = call.parameters(both.clone()).needs(action, arn.as_str());
        organisation.record(who, at.plus(9), call);
    }
    organisation.record(
        who,
        at.plus(30),
        stack_call(
            who,
            "DescribeStacks",
            "cloudformation:DescribeStacks",
            stack,
        ),
    );
}

fn update_function(
    organisation: &mut Organisation,
    who: &Who,
    at: Moment,
    name: &str,
    artifacts: &str,
    folder: &str,
) {
    let key = format!("{folder}/functions.zip");
    let call = Call::write("lambda", "UpdateFunctionCode20150331v2")
        .parameters(
            json!({ "functionName": name, "s3Bucket": artifacts, "s3Key": key, "publish": false }),
        )
        .needs(
            "lambda:UpdateFunctionCode",
            who.arn("lambda", &format!("function:{name}")),
        )
        .through(CLOUDFORMATION);
    organisation.record(who, at, call);
    let call = object(who, "GetObject", artifacts, &key).through("lambda.amazonaws.com");
    organisation.record(who, at.plus(1), call);
    let call = function(who, "GetFunction20150331v2", "lambda:GetFunction", name);
    organisation.record(who, at.plus(6), call.through(CLOUDFORMATION));
}

/// The stack grows by a queue with a function behind it. CloudFormation names what the template does not.
fn new_part(organisation: &mut Organisation, who: &Who, at: Moment, stack: &str, rng: &mut Rng) {
    let word = rng
        .pick(&[
            "Retry", "Audit", "Digest", "Export", "Import", "Sync", "Notify", "Archive",
        ])
        .to_owned();
    let suffix = rng.upper(12);
    create_parts(organisation, who, at, stack, &format!("<{word}>"), &suffix);
}

/// What CloudFormation does to create a function with its role, its log group and its queue.
fn create_parts(
    organisation: &mut Organisation,
    who: &Who,
    at: Moment,
    stack: &str,
    word: &str,
    suffix: &str,
) {
    let role_name = format!("{stack}-{word}Role-<{suffix}>");
    let name = format!("{stack}-{word}-<{suffix}>");
    let passed =
        json!({ "functionName": name, "role": who.role_arn(&role_name), "runtime": "python3.13" });
    let create = Call::write("lambda", "CreateFunction20150331")
        .parameters(passed)
        .needs(
            "lambda:CreateFunction",
            who.arn("lambda", &format!("function:{name}")),
        )
        .passes(who.role_arn(&role_name), "lambda.amazonaws.com");
    let group = format!("/aws/lambda/{name}");
    let queue_name = format!("{stack}-{word}Queue-<{suffix}>");
    let new_queue = Call::write("sqs", "CreateQueue")
        .parameters(json!({ "queueName": queue_name }))
        .needs("sqs:CreateQueue", who.arn("sqs", &queue_name));
    let calls = [
        role(who, "CreateRole", "iam:CreateRole", &role_name),
        role_policy(who, "PutRolePolicy", "iam:PutRolePolicy", &role_name),
        role(who, "GetRole", "iam:GetRole", &role_name),
        log_group(who, "CreateLogGroup", "logs:CreateLogGroup", &group),
        new_queue,
        queue(
            who,
            "GetQueueAttributes",
            "sqs:GetQueueAttributes",
            &queue_name,
        ),
        create,
        function(who, "GetFunction20150331v2", "lambda:GetFunction", &name),
    ];
    for (later, call) in (0..).zip(calls) {
        organisation.record(who, at.plus(later * 4), call.through(CLOUDFORMATION));
    }
}

fn role_policy(who: &Who, name: &'static str, action: &'static str, role: &str) -> Call {
    Call::write("iam", name)
        .region(GLOBAL)
        .parameters(json!({ "roleName": role, "policyName": "access" }))
        .needs(action, who.role_arn(role))
}

/// Pull requests open on one day in three, are pushed to now and then, and close after one to nine days.
fn pull_requests(organisation: &mut Organisation, app: &mut Application, day: u32) {
    for (number, closes, suffix) in std::mem::take(&mut app.open) {
        let at = Moment::new(day, 11, app.rng.below(50) as u32);
        let stack = format!("{}-pr-<{number}>", app.name);
        let who = app.session(at);
        if closes <= day {
            destroy(organisation, &who, at, &stack, &suffix);
        } else {
            if app.rng.chance(40) {
                let folder = format!("{}/<pr-{number}>", app.name);
                change(organisation, &who, at, &stack, &folder, app, "UPDATE");
                let name = format!("{stack}-Api-<{suffix}>");
                update_function(
                    organisation,
                    &who,
                    at.plus(60),
                    &name,
                    &app.artifacts,
                    &folder,
                );
            }
            app.open.push((number, closes, suffix));
        }
    }
    if app.rng.chance(35) {
        app.pull_request += 1 + app.rng.below(6);
        let number = app.pull_request;
        let at = Moment::new(day, 13, app.rng.below(50) as u32);
        let who = app.session(at);
        let suffix = app.rng.upper(12);
        let stack = format!("{}-pr-<{number}>", app.name);
        let folder = format!("{}/<pr-{number}>", app.name);
        for file in ["template.yaml", "functions.zip"] {
            organisation.record(
                &who,
                at,
                object(
                    &who,
                    "PutObject",
                    &app.artifacts,
                    &format!("{folder}/{file}"),
                ),
            );
        }
        change(
            organisation,
            &who,
            at.plus(20),
            &stack,
            &folder,
            app,
            "CREATE",
        );
        create_parts(organisation, &who, at.plus(70), &stack, "Api", &suffix);
        app.open
            .push((number, day + 1 + app.rng.below(9) as u32, suffix));
    }
}

/// A pull request is closed: the stack goes, and all that is in it.
fn destroy(organisation: &mut Organisation, who: &Who, at: Moment, stack: &str, suffix: &str) {
    let name = format!("{stack}-Api-<{suffix}>");
    let role_name = format!("{stack}-ApiRole-<{suffix}>");
    let queue_name = format!("{stack}-ApiQueue-<{suffix}>");
    let group = format!("/aws/lambda/{name}");
    organisation.record(
        who,
        at,
        stack_call(who, "DeleteStack", "cloudformation:DeleteStack", stack),
    );
    let calls = [
        function(
            who,
            "DeleteFunction20150331",
            "lambda:DeleteFunction",
            &name,
        ),
        role_policy(who, "DeleteRolePolicy", "iam:DeleteRolePolicy", &role_name),
        role(who, "DeleteRole", "iam:DeleteRole", &role_name),
        queue(who, "DeleteQueue", "sqs:DeleteQueue", &queue_name),
        log_group(who, "DeleteLogGroup", "logs:DeleteLogGroup", &group),
    ];
    for (later, call) in (1..).zip(calls) {
        organisation.record(who, at.plus(later * 5), call.through(CLOUDFORMATION));
    }
}
