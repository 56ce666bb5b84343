//! Users with access keys: a build server, a developer, a monitoring product.

use serde_json::{Value, json};

use crate::aws::{by_name, list_objects, object, plain_call};
use crate::call::Call;
use crate::moment::{Moment, is_weekend};
use crate::organisation::Organisation;
use crate::who::{FRANKFURT, SHOP, TOOLS, Who};

pub(crate) fn run(organisation: &mut Organisation) {
    jenkins(organisation);
    developer(organisation);
    gauge(organisation);
}

/// The old build server: an archive of every build, by its number.
fn jenkins(organisation: &mut Organisation) {
    let who = Who::user(TOOLS, FRANKFURT, "svc-jenkins", "192.0.2.44");
    let mut rng = organisation.rng("jenkins");
    let mut build = 3_100 + rng.below(500);
    for day in (0..organisation.days).filter(|day| !is_weekend(*day)) {
        for _ in 0..1 + rng.below(3) {
            build += 1;
            let at = Moment::new(day, 8 + rng.below(10) as u32, rng.below(59) as u32);
            for file in ["app.war", "test-report.xml"] {
                let key = format!("jenkins/warehouse/<{build}>/{file}");
                organisation.record(&who, at, object(&who, "PutObject", "acme-builds", &key));
            }
        }
        if day % 7 == 4 {
            let at = Moment::new(day, 20, 0);
            organisation.record(
                &who,
                at,
                list_objects(&who, "acme-builds", "jenkins/warehouse/"),
            );
            let old = format!("jenkins/warehouse/<{}>/app.war", build - 60);
            organisation.record(
                &who,
                at.plus(5),
                object(&who, "DeleteObject", "acme-builds", &old),
            );
        }
    }
}

/// A developer with a machine of her own.
fn developer(organisation: &mut Organisation) {
    let who = Who::user(TOOLS, FRANKFURT, "ines-moreau", "203.0.113.91");
    let mut rng = organisation.rng("developer");
    let machine = format!("i-0{}", rng.hex(16));
    for day in (0..organisation.days).filter(|day| !is_weekend(*day)) {
        if !rng.chance(60) {
            continue;
        }
        let at = Moment::new(day, 9, rng.below(50) as u32);
        let set: Value = json!({ "items": [{ "instanceId": machine }] });
        let arn = who.arn("ec2", &format!("instance/{machine}"));
        organisation.record(
            &who,
            at,
            plain_call("ec2", "DescribeInstances", "ec2:DescribeInstances"),
        );
        let call = Call::write("ec2", "StartInstances").parameters(json!({ "instancesSet": set }));
        organisation.record(
            &who,
            at.plus(5),
            call.needs("ec2:StartInstances", arn.as_str()),
        );
        if rng.chance(50) {
            let notes = format!(
                "ines/<{}-{}>.ipynb",
                rng.pick(&["draft", "prices", "forecast", "test"]),
                rng.below(40)
            );
            organisation.record(
                &who,
                at.plus(900),
                object(&who, "PutObject", "acme-notebooks", &notes),
            );
            organisation.record(
                &who,
                at.plus(960),
                object(&who, "GetObject", "acme-notebooks", &notes),
            );
        }
        if rng.chance(10) {
            organisation.record(
                &who,
                at.plus(990),
                list_objects(&who, "acme-notebooks", "ines/"),
            );
        }
        if rng.chance(8) {
            let call = by_name("secretsmanager", "GetSecretValue")
                .parameters(json!({ "secretId": "prod/orders/database" }))
                .needs(
                    "secretsmanager:GetSecretValue",
                    who.arn("secretsmanager", "secret:prod/orders/database-aB3dE9"),
                );
            organisation.record(&who, at.plus(1_200), call.denied(&who));
        }
        let call = Call::write("ec2", "StopInstances")
            .parameters(json!({ "instancesSet": set, "force": false }));
        organisation.record(&who, at.plus(32_000), call.needs("ec2:StopInstances", arn));
    }
}

/// A monitoring product: the same questions every hour.
fn gauge(organisation: &mut Organisation) {
    let who = Who::user(SHOP, FRANKFURT, "svc-dashboards", "192.0.2.61");
    let mut rng = organisation.rng("gauge");
    for day in 0..organisation.days {
        for hour in (0..24).step_by(4) {
            let at = Moment::new(day, hour, rng.below(50) as u32);
            organisation.record(
                &who,
                at,
                plain_call("monitoring", "GetMetricData", "cloudwatch:GetMetricData"),
            );
            organisation.record(
                &who,
                at.plus(1),
                plain_call("monitoring", "ListMetrics", "cloudwatch:ListMetrics"),
            );
            organisation.record(
                &who,
                at.plus(2),
                plain_call("tagging", "GetResources", "tag:GetResources"),
            );
        }
    }
}
