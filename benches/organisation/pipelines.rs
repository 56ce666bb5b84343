//! Data pipelines: a Glue job over partitions, Athena's reports, an orchestrator with clusters of EMR, and a training job.

use serde_json::{Value, json};

use crate::aws::{by_name, invoke, items, list_objects, log_stream, object, plain_call, publish};
use crate::call::Call;
use crate::moment::{Moment, is_weekend};
use crate::organisation::Organisation;
use crate::rng::Rng;
use crate::who::{DATA, FRANKFURT, IRELAND, Kind, SHOP, Who};

const RAW: &str = "acme-lake-raw";
const CURATED: &str = "acme-lake-curated";

fn role(account: &'static str, region: &'static str, name: &str) -> Who {
    Who::role(Kind::Pipeline, account, region, "service-role/", name)
}

fn session(who: &Who, rng: &mut Rng, name: &str, at: Moment) -> Who {
    let address = format!("10.40.{}.{}", rng.below(4), 10 + rng.below(200));
    who.session(rng, name, at, &address)
}

pub(crate) fn run(organisation: &mut Organisation) {
    let mut names = organisation.rng("pipelines");
    let subject = names.pick(&["clicks", "events", "visits"]).to_owned();
    load(organisation, &subject);
    reports(organisation, &subject);
    orchestrate(organisation, &subject);
    learn(organisation);
    nightly(organisation);
}

/// A call of Glue's catalog on a table: IAM checks the catalog, the database and the table.
fn table(who: &Who, name: &'static str, action: &'static str, database: &str, table: &str) -> Call {
    let parameters = if name == "GetTable" || name == "DeleteTable" {
        json!({ "databaseName": database, "name": table })
    } else {
        json!({ "databaseName": database, "tableName": table })
    };
    by_name("glue", name)
        .parameters(parameters)
        .needs(action, who.arn("glue", "catalog"))
        .needs(action, who.arn("glue", &format!("database/{database}")))
        .needs(
            action,
            who.arn("glue", &format!("table/{database}/{table}")),
        )
}

/// The Glue job: every six hours it reads the hours' partitions, writes its own and tells the catalog.
fn load(organisation: &mut Organisation, subject: &str) {
    let role = role(DATA, FRANKFURT, &format!("glue-load-{subject}"));
    let mut rng = organisation.rng("glue");
    let second = organisation.part(70);
    for day in 0..organisation.days {
        for hour in [0, 6, 12, 18] {
            let at = Moment::new(day, hour, 20);
            let run = format!("jr_{}", rng.hex(64));
            let who = session(&role, &mut rng, "GlueJobRunnerSession", at);
            organisation.record(
                &who,
                at,
                log_stream(&who, "/aws-glue/jobs/output", &format!("<{run}>")),
            );
            organisation.record(
                &who,
                at.plus(1),
                object(
                    &who,
                    "GetObject",
                    "acme-lake-code",
                    &format!("jobs/load_{subject}.py"),
                ),
            );
            // From two thirds of the training on the job reads the app's events too.
            let mut sources = vec![subject];
            if day >= second {
                sources.push("app");
            }
            for source in sources {
                partition(organisation, &who, at, source, &mut rng);
            }
            let scratch = format!("_temporary/<{run}>/manifest.json");
            organisation.record(
                &who,
                at.plus(90),
                object(&who, "PutObject", CURATED, &scratch),
            );
            organisation.record(
                &who,
                at.plus(95),
                object(&who, "DeleteObject", CURATED, &scratch),
            );
        }
    }
}

/// One source's partition of these hours.
fn partition(organisation: &mut Organisation, who: &Who, at: Moment, source: &str, rng: &mut Rng) {
    let partition = format!("dt=<{}>/hour=<{:02}>", at.date(), at.hour());
    let table_name = format!("{source}_raw");
    organisation.record(
        who,
        at.plus(2),
        table(who, "GetTable", "glue:GetTable", "lake", &table_name),
    );
    organisation.record(
        who,
        at.plus(2),
        list_objects(who, RAW, &format!("{source}/{partition}/")),
    );
    for part in 0..2 + rng.below(2) {
        let file = format!(
            "{source}/{partition}/part-<{part:05}>-<{}>.snappy.parquet",
            rng.uuid()
        );
        organisation.record(who, at.plus(4), object(who, "GetObject", RAW, &file));
        let file = format!(
            "{source}/{partition}/part-<{part:05}>-<{}>.c000.snappy.parquet",
            rng.uuid()
        );
        organisation.record(who, at.plus(40), object(who, "PutObject", CURATED, &file));
    }
    let partitions = table(
        who,
        "BatchCreatePartition",
        "glue:BatchCreatePartition",
        "lake",
        source,
    );
    organisation.record(who, at.plus(80), partitions);
}

/// Athena's reports: on working days, and at the month's turn with a table of its own.
fn reports(organisation: &mut Organisation, subject: &str) {
    let role = role(DATA, IRELAND, "athena-reports");
    let mut rng = organisation.rng("athena");
    for day in 0..organisation.days {
        if is_weekend(day) && !Organisation::is_monthly(day) {
            continue;
        }
        let at = Moment::new(day, 5, rng.below(40) as u32);
        let who = session(&role, &mut rng, "reports", at);
        for (later, report) in (0..).zip(["revenue", "retention", "stock"]) {
            query(
                organisation,
                &who,
                at.plus(later * 60),
                report,
                subject,
                &mut rng,
            );
        }
        if Organisation::is_monthly(day) {
            let at = at.plus(600);
            query(organisation, &who, at, "month-end", subject, &mut rng);
            let name = format!("month_<{}>", at.month().replace('-', "_"));
            organisation.record(
                &who,
                at.plus(30),
                table(&who, "CreateTable", "glue:CreateTable", "reports", &name),
            );
            let file = format!("monthly/<{}>/revenue.parquet", at.month());
            organisation.record(
                &who,
                at.plus(40),
                object(&who, "PutObject", "acme-reports", &file),
            );
            organisation.record(&who, at.plus(50), publish(&who, "reports-month-end"));
        }
    }
}

fn query(
    organisation: &mut Organisation,
    who: &Who,
    at: Moment,
    report: &str,
    subject: &str,
    rng: &mut Rng,
) {
    let group = who.arn("athena", "workgroup/reports");
    let id = rng.uuid();
    let call = Call::write("athena", "StartQueryExecution")
        .parameters(json!({ "queryString": "HIDDEN", "workGroup": "reports", "queryExecutionContext": { "database": "lake" } }))
        .response(json!({ "queryExecutionId": id }))
        .needs("athena:StartQueryExecution", group.as_str());
    organisation.record(who, at, call);
    organisation.record(
        who,
        at.plus(1),
        table(who, "GetTable", "glue:GetTable", "lake", subject),
    );
    let part = format!(
        "{subject}/dt=<{}>/hour=<03>/part-<00000>-<{}>.c000.snappy.parquet",
        at.date(),
        rng.uuid()
    );
    let call = object(who, "GetObject", CURATED, &part).through("athena.amazonaws.com");
    organisation.record(who, at.plus(2), call);
    for (name, action) in [
        ("GetQueryExecution", "athena:GetQueryExecution"),
        ("GetQueryResults", "athena:GetQueryResults"),
    ] {
        let call = Call::read("athena", name)
            .parameters(json!({ "queryExecutionId": id }))
            .needs(action, group.as_str());
        organisation.record(who, at.plus(20), call);
    }
    let results = "acme-athena-results";
    for ending in ["csv", "csv.metadata"] {
        let file = format!("reports/<{id}>.{ending}");
        let call = object(who, "PutObject", results, &file).through("athena.amazonaws.com");
        organisation.record(who, at.plus(15), call);
    }
    organisation.record(
        who,
        at.plus(30),
        object(who, "GetObject", results, &format!("reports/<{id}>.csv")),
    );
    let file = format!("daily/<{}>/{report}.csv", at.date());
    organisation.record(
        who,
        at.plus(31),
        object(who, "PutObject", "acme-reports", &file),
    );
}

/// The orchestrator: a job run, a cluster that comes and goes each night, functions between them.
fn orchestrate(organisation: &mut Organisation, subject: &str) {
    let role = role(DATA, FRANKFURT, "orchestrator");
    let mut rng = organisation.rng("orchestrator");
    for day in 0..organisation.days {
        let at = Moment::new(day, 1, rng.below(20) as u32);
        let who = session(&role, &mut rng, "orchestrator", at);
        let job = who.arn("glue", &format!("job/load-{subject}"));
        let run = format!("jr_{}", rng.hex(64));
        for (later, name, action) in [
            (0, "StartJobRun", "glue:StartJobRun"),
            (90, "GetJobRun", "glue:GetJobRun"),
        ] {
            let call = by_name("glue", name)
                .parameters(json!({ "jobName": format!("load-{subject}"), "runId": run }))
                .needs(action, job.as_str());
            organisation.record(&who, at.plus(later), call);
        }
        cluster(organisation, &who, at.plus(120), &mut rng);
        organisation.record(
            &who,
            at.plus(900),
            invoke(&who, &format!("{subject}-quality")),
        );
        let machine = who.arn("states", "stateMachine:publish");
        let name = format!("publish-{}", at.date());
        let call = Call::write("states", "StartExecution")
            .parameters(json!({ "stateMachineArn": machine, "name": name }))
            .needs("states:StartExecution", machine);
        organisation.record(&who, at.plus(950), call);
        let execution = who.arn("states", &format!("execution:publish:<{name}>"));
        let call = Call::read("states", "DescribeExecution")
            .parameters(json!({ "executionArn": execution }))
            .needs("states:DescribeExecution", execution);
        organisation.record(&who, at.plus(990), call);
        if Organisation::is_monthly(day) {
            organisation.record(
                &who,
                at.plus(2_000),
                invoke(&who, &format!("{subject}-compact")),
            );
        }
    }
}

fn cluster(organisation: &mut Organisation, who: &Who, at: Moment, rng: &mut Rng) {
    let (service, instances) = (who.role_arn("emr-service"), who.role_arn("emr-instances"));
    let id = format!("j-{}", rng.upper(13));
    let call = Call::write("elasticmapreduce", "RunJobFlow")
        .parameters(json!({
            "name": format!("nightly-{}", at.date()), "releaseLabel": "emr-7.9.0", "serviceRole": "emr-service",
            "jobFlowRole": "emr-instances",
        }))
        .response(json!({ "jobFlowId": id }))
        .needs_all("elasticmapreduce:RunJobFlow")
        .passes(service, "elasticmapreduce.amazonaws.com")
        .passes(instances, "ec2.amazonaws.com");
    organisation.record(who, at, call);
    let arn = who.arn("elasticmapreduce", &format!("cluster/<{id}>"));
    let calls: [(&'static str, &'static str, Value); 4] = [
        (
            "AddJobFlowSteps",
            "elasticmapreduce:AddJobFlowSteps",
            json!({ "jobFlowId": id, "steps": [] }),
        ),
        (
            "DescribeCluster",
            "elasticmapreduce:DescribeCluster",
            json!({ "clusterId": id }),
        ),
        (
            "DescribeStep",
            "elasticmapreduce:DescribeStep",
            json!({ "clusterId": id, "stepId": format!("s-{}", rng.upper(13)) }),
        ),
        (
            "TerminateJobFlows",
            "elasticmapreduce:TerminateJobFlows",
            json!({ "jobFlowIds": [id] }),
        ),
    ];
    for (later, (name, action, parameters)) in (1..).zip(calls) {
        let call = by_name("elasticmapreduce", name)
            .parameters(parameters)
            .needs(action, arn.as_str());
        organisation.record(who, at.plus(later * 60), call);
    }
}

/// Once a week a model is trained under a name with the time in it.
fn learn(organisation: &mut Organisation) {
    let role = role(DATA, FRANKFURT, "model-training");
    let mut rng = organisation.rng("training");
    for day in (0..organisation.days).filter(|day| day % 7 == 2) {
        let at = Moment::new(day, 22, rng.below(50) as u32);
        let who = session(&role, &mut rng, "training", at);
        let name = format!(
            "churn-<{}-22-{:02}-{:02}>",
            at.date(),
            rng.below(60),
            rng.below(60)
        );
        let execution = who.role_arn("sagemaker-execution");
        let arn = who.arn("sagemaker", &format!("training-job/{name}"));
        let call = Call::write("sagemaker", "CreateTrainingJob")
            .parameters(json!({ "trainingJobName": name, "roleArn": execution }))
            .needs("sagemaker:CreateTrainingJob", arn.as_str())
            .passes(execution, "sagemaker.amazonaws.com");
        organisation.record(&who, at, call);
        for wait in [300, 900] {
            let call = Call::read("sagemaker", "DescribeTrainingJob")
                .parameters(json!({ "trainingJobName": name }))
                .needs("sagemaker:DescribeTrainingJob", arn.as_str());
            organisation.record(&who, at.plus(wait), call);
        }
        let model = format!("churn/{name}/output/model.tar.gz");
        organisation.record(
            &who,
            at.plus(1_000),
            object(&who, "GetObject", "acme-models", &model),
        );
        organisation.record(
            &who,
            at.plus(1_010),
            object(
                &who,
                "PutObject",
                "acme-models",
                "churn/current/model.tar.gz",
            ),
        );
    }
}

/// The shop's export: each night's table to the lake, one folder a night.
fn nightly(organisation: &mut Organisation) {
    let role = role(SHOP, FRANKFURT, "lake-export");
    let mut rng = organisation.rng("lake export");
    for day in 0..organisation.days {
        let at = Moment::new(day, 0, 30);
        let who = session(&role, &mut rng, "export", at);
        for (later, source) in (0..).zip(["customers", "orders", "stock"]) {
            let id = json!({ "table": source });
            organisation.record(
                &who,
                at.plus(later),
                items(&who, "Query", "dynamodb:Query", source, id),
            );
            for part in 0..2 {
                let file = format!("shop/{source}/<{}>/<{part:04}>.json.gz", at.compact());
                organisation.record(
                    &who,
                    at.plus(30 + later),
                    object(&who, "PutObject", RAW, &file),
                );
            }
        }
        organisation.record(
            &who,
            at.plus(90),
            plain_call("monitoring", "PutMetricData", "cloudwatch:PutMetricData"),
        );
    }
}
