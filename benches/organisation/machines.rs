//! Scanners, backups and partners.

use serde_json::json;

use crate::aws::{bucket, function, list_objects, object, plain_call, queue, role};
use crate::call::Call;
use crate::moment::{Moment, is_weekend};
use crate::organisation::Organisation;
use crate::who::{DATA, FRANKFURT, IRELAND, Kind, PARTNER, SHOP, TOOLS, Who};

pub(crate) fn run(organisation: &mut Organisation) {
    for account in [SHOP, DATA, TOOLS] {
        scan(organisation, account);
    }
    volumes(organisation, SHOP, FRANKFURT);
    volumes(organisation, TOOLS, IRELAND);
    databases(organisation);
    reader(organisation);
    sender(organisation);
}

/// What the scanner asks of the whole account, and what of that nobody has granted it.
const LISTINGS: [(&str, &str, &str); 30] = [
    ("ec2", "DescribeInstances", "ec2:DescribeInstances"),
    (
        "ec2",
        "DescribeSecurityGroups",
        "ec2:DescribeSecurityGroups",
    ),
    ("ec2", "DescribeVpcs", "ec2:DescribeVpcs"),
    ("ec2", "DescribeSubnets", "ec2:DescribeSubnets"),
    ("ec2", "DescribeRouteTables", "ec2:DescribeRouteTables"),
    ("ec2", "DescribeNetworkAcls", "ec2:DescribeNetworkAcls"),
    ("ec2", "DescribeVolumes", "ec2:DescribeVolumes"),
    ("ec2", "DescribeSnapshots", "ec2:DescribeSnapshots"),
    ("ec2", "DescribeAddresses", "ec2:DescribeAddresses"),
    ("ec2", "DescribeRegions", "ec2:DescribeRegions"),
    ("ec2", "DescribeFlowLogs", "ec2:DescribeFlowLogs"),
    ("ec2", "DescribeImages", "ec2:DescribeImages"),
    ("s3", "ListBuckets", "s3:ListAllMyBuckets"),
    ("iam", "ListRoles", "iam:ListRoles"),
    ("iam", "ListUsers", "iam:ListUsers"),
    ("iam", "ListPolicies", "iam:ListPolicies"),
    ("iam", "GetAccountSummary", "iam:GetAccountSummary"),
    (
        "iam",
        "GetAccountPasswordPolicy",
        "iam:GetAccountPasswordPolicy",
    ),
    (
        "iam",
        "GenerateCredentialReport",
        "iam:GenerateCredentialReport",
    ),
    ("iam", "GetCredentialReport", "iam:GetCredentialReport"),
    ("lambda", "ListFunctions20150331", "lambda:ListFunctions"),
    ("kms", "ListKeys", "kms:ListKeys"),
    ("sns", "ListTopics", "sns:ListTopics"),
    ("ecs", "ListClusters", "ecs:ListClusters"),
    (
        "elasticloadbalancing",
        "DescribeLoadBalancers",
        "elasticloadbalancing:DescribeLoadBalancers",
    ),
    (
        "cloudfront",
        "ListDistributions",
        "cloudfront:ListDistributions",
    ),
    (
        "ssm",
        "DescribeInstanceInformation",
        "ssm:DescribeInstanceInformation",
    ),
    ("cloudtrail", "DescribeTrails", "cloudtrail:DescribeTrails"),
    ("guardduty", "ListDetectors", "guardduty:ListDetectors"),
    (
        "securityhub",
        "DescribeStandards",
        "securityhub:DescribeStandards",
    ),
];
const REFUSED: [(&str, &str, &str); 6] = [
    (
        "organizations",
        "ListAccounts",
        "organizations:ListAccounts",
    ),
    (
        "support",
        "DescribeTrustedAdvisorChecks",
        "support:DescribeTrustedAdvisorChecks",
    ),
    ("ce", "GetCostAndUsage", "ce:GetCostAndUsage"),
    ("shield", "ListProtections", "shield:ListProtections"),
    (
        "workspaces",
        "DescribeWorkspaces",
        "workspaces:DescribeWorkspaces",
    ),
    ("glacier", "ListVaults", "glacier:ListVaults"),
];

/// Every night: all listings, then each bucket, each role and each function. What there is grows.
fn scan(organisation: &mut Organisation, account: &'static str) {
    let scanner = Who::role(
        Kind::Scanner,
        account,
        FRANKFURT,
        "security/",
        "posture-scanner",
    );
    let mut rng = organisation.rng(&format!("scanner {account}"));
    let mut names: Vec<String> = Vec::new();
    for day in 0..organisation.days {
        if day == 0 || rng.chance(18) {
            let stems = [
                "orders", "lake", "media", "logs", "reports", "backup", "web", "audit", "tmp",
                "data",
            ];
            for _ in 0..if day == 0 { 6 } else { 1 } {
                names.push(format!(
                    "{}-{}",
                    rng.pick(&stems),
                    rng.text("abcdefghijklmnopqrstuvwxyz", 5)
                ));
            }
        }
        for region in [FRANKFURT, IRELAND] {
            let at = Moment::new(day, 3, rng.below(30) as u32);
            let mut who = scanner.session(&mut rng, "scan", at, "192.0.2.90");
            who.region = region;
            let global = region == IRELAND;
            let listings = LISTINGS
                .iter()
                .filter(|(source, ..)| !(global && matches!(*source, "s3" | "iam" | "cloudfront")));
            for (source, name, action) in listings {
                organisation.record(&who, at, plain_call(source, name, action));
            }
            if global {
                continue;
            }
            for (source, name, action) in REFUSED {
                if rng.chance(50) {
                    organisation.record(&who, at, plain_call(source, name, action).denied(&who));
                }
            }
            // A third of what there is each night.
            for (place, name) in names.iter().enumerate() {
                if place % 3 == day as usize % 3 {
                    inspect(organisation, &who, at.plus(60), name);
                }
            }
        }
    }
}

fn inspect(organisation: &mut Organisation, who: &Who, at: Moment, name: &str) {
    let any = format!("acme-<{name}>");
    let role_name = format!("<{name}-role>");
    let calls = [
        bucket(who, "GetBucketPolicy", "s3:GetBucketPolicy", &any),
        bucket(who, "GetBucketAcl", "s3:GetBucketAcl", &any),
        bucket(
            who,
            "GetBucketEncryption",
            "s3:GetEncryptionConfiguration",
            &any,
        ),
        bucket(who, "GetBucketLogging", "s3:GetBucketLogging", &any),
        role(who, "GetRole", "iam:GetRole", &role_name),
        role(
            who,
            "ListAttachedRolePolicies",
            "iam:ListAttachedRolePolicies",
            &role_name,
        ),
        role(who, "ListRolePolicies", "iam:ListRolePolicies", &role_name),
        function(
            who,
            "GetPolicy20150331v2",
            "lambda:GetPolicy",
            &format!("<{name}>"),
        ),
    ];
    for call in calls {
        organisation.record(who, at, call);
    }
}

/// Snapshots of volumes every night; the eighth night's go. Machines are replaced, and their volumes with them.
fn volumes(organisation: &mut Organisation, account: &'static str, region: &'static str) {
    let role = Who::role(Kind::Backup, account, region, "", "volume-backup");
    let mut rng = organisation.rng(&format!("volumes {account}"));
    let mut volumes: Vec<String> = (0..3).map(|_| format!("vol-0{}", rng.hex(16))).collect();
    let mut kept: Vec<Vec<String>> = Vec::new();
    for day in 0..organisation.days {
        if rng.chance(6) {
            let which = rng.below(volumes.len() as u64) as usize;
            volumes[which] = format!("vol-0{}", rng.hex(16));
        }
        let at = Moment::new(day, 2, rng.below(20) as u32);
        let who = role.session(&mut rng, "backup", at, "10.0.9.9");
        organisation.record(
            &who,
            at,
            plain_call("ec2", "DescribeVolumes", "ec2:DescribeVolumes"),
        );
        let mut new = Vec::new();
        for volume in &volumes {
            let snapshot = format!("snap-0{}", rng.hex(16));
            organisation.record(&who, at.plus(3), snapshot_of(&who, volume, &snapshot));
            new.push(snapshot);
        }
        kept.push(new);
        organisation.record(
            &who,
            at.plus(9),
            plain_call("ec2", "DescribeSnapshots", "ec2:DescribeSnapshots"),
        );
        if kept.len() > 8 {
            for snapshot in kept.remove(0) {
                let call = Call::write("ec2", "DeleteSnapshot")
                    .parameters(json!({ "snapshotId": snapshot, "force": false }))
                    .needs(
                        "ec2:DeleteSnapshot",
                        format!("arn:aws:ec2:{region}::snapshot/<{snapshot}>"),
                    );
                organisation.record(&who, at.plus(12), call);
            }
        }
    }
}

/// A tagged snapshot: IAM checks the volume and, as the snapshot has no id yet, every snapshot; for its tags too.
fn snapshot_of(who: &Who, volume: &str, snapshot: &str) -> Call {
    let any = format!("arn:aws:ec2:{}::snapshot/*", who.region);
    Call::write("ec2", "CreateSnapshot")
        .parameters(json!({
            "volumeId": volume,
            "tagSpecificationSet": { "items": [{ "resourceType": "snapshot", "tags": [{ "key": "backup", "value": "nightly" }] }] },
        }))
        .response(json!({ "snapshotId": snapshot, "volumeId": volume }))
        .needs("ec2:CreateSnapshot", who.arn("ec2", &format!("volume/<{volume}>")))
        .needs("ec2:CreateSnapshot", any.as_str())
        .needs("ec2:CreateTags", any)
}

/// Two databases every night, under dated names; the tables' backups once a week; a month's archive at its turn.
fn databases(organisation: &mut Organisation) {
    let role = Who::role(Kind::Backup, SHOP, FRANKFURT, "", "database-backup");
    let mut rng = organisation.rng("databases");
    for day in 0..organisation.days {
        let at = Moment::new(day, 1, rng.below(20) as u32);
        let who = role.session(&mut rng, "backup", at, "10.0.9.10");
        for database in ["orders-primary", "billing-primary"] {
            let name = |at: Moment| format!("{database}-<{}-01-00>", at.date());
            let arn = |name: &str| who.arn("rds", &format!("snapshot:{name}"));
            let new = name(at);
            let call = Call::write("rds", "CreateDBSnapshot")
                .parameters(
                    json!({ "dBInstanceIdentifier": database, "dBSnapshotIdentifier": new }),
                )
                .needs(
                    "rds:CreateDBSnapshot",
                    who.arn("rds", &format!("db:{database}")),
                )
                .needs("rds:CreateDBSnapshot", arn(&new));
            organisation.record(&who, at, call);
            if day >= 14 {
                let old = name(Moment::new(day - 14, 1, 0));
                let call = Call::write("rds", "DeleteDBSnapshot")
                    .parameters(json!({ "dBSnapshotIdentifier": old }))
                    .needs("rds:DeleteDBSnapshot", arn(&old));
                organisation.record(&who, at.plus(60), call);
            }
        }
        let dump = format!("dumps/<{}>.sql.gz", at.date());
        organisation.record(
            &who,
            at.plus(200),
            object(&who, "PutObject", "acme-backups", &dump),
        );
        if day % 7 == 6 {
            for table in ["orders", "customers"] {
                let call = Call::write("dynamodb", "CreateBackup")
                    .parameters(json!({ "tableName": table, "backupName": format!("{table}-{}", at.date()) }))
                    .needs("dynamodb:CreateBackup", who.arn("dynamodb", &format!("table/{table}")));
                organisation.record(&who, at.plus(300), call);
            }
        }
        if Organisation::is_monthly(day) {
            let archive = format!("archive/<{}>.tar", at.month());
            organisation.record(
                &who,
                at.plus(400),
                list_objects(&who, "acme-backups", "dumps/"),
            );
            organisation.record(
                &who,
                at.plus(410),
                object(&who, "PutObject", "acme-backups-archive", &archive),
            );
        }
    }
}

/// A partner's job takes a role across accounts and reads the night's report. A role of the data account does the like with a
/// role of the shop's, and that is in both accounts' logs.
fn reader(organisation: &mut Organisation) {
    let role = Who::role(
        Kind::Partner,
        SHOP,
        FRANKFURT,
        "partners/",
        "north-logistics",
    );
    let runner = Who::role(Kind::Partner, DATA, FRANKFURT, "", "price-import");
    let mut rng = organisation.rng("partners");
    for day in 0..organisation.days {
        let at = Moment::new(day, 4, rng.below(40) as u32);
        let who = role.session(&mut rng, &format!("import-{PARTNER}"), at, "198.51.100.230");
        let folder = format!("reports/<{}>/", at.path());
        organisation.record(&who, at, list_objects(&who, "acme-partner-north", &folder));
        for file in ["orders.csv", "parcels.csv"] {
            organisation.record(
                &who,
                at.plus(3),
                object(
                    &who,
                    "GetObject",
                    "acme-partner-north",
                    &format!("{folder}{file}"),
                ),
            );
        }
        if rng.chance(6) {
            let call = object(
                &who,
                "PutObject",
                "acme-partner-north",
                &format!("{folder}receipt.txt"),
            );
            organisation.record(&who, at.plus(9), call.denied(&who));
        }
        if day % 7 == 1 {
            let at = at.plus(3_000);
            let who = runner.session(&mut rng, "import", at, "10.40.1.7");
            let assumed = format!("arn:aws:iam::{SHOP}:role/price-reader");
            let call = Call::read("sts", "AssumeRole")
                .parameters(json!({ "roleArn": assumed, "roleSessionName": "import" }))
                .resources(json!([{ "accountId": SHOP, "type": "AWS::IAM::Role", "ARN": assumed }]))
                .needs("sts:AssumeRole", assumed.as_str());
            organisation.record(&who, at, call);
            let file = format!("prices/<{}>.json", at.date());
            organisation.record(
                &who,
                at.plus(9),
                object(&who, "PutObject", "acme-lake-raw", &file),
            );
        }
    }
}

/// A partner brings files, each under a name of its own.
fn sender(organisation: &mut Organisation) {
    let role = Who::role(Kind::Partner, SHOP, IRELAND, "partners/", "blue-supplies");
    let mut rng = organisation.rng("sender");
    for day in (0..organisation.days).filter(|day| !is_weekend(*day)) {
        for _ in 0..1 + rng.below(4) {
            let at = Moment::new(day, 7 + rng.below(9) as u32, rng.below(59) as u32);
            let who = role.session(&mut rng, "delivery", at, "198.51.100.99");
            let file = format!(
                "inbound/<DESADV_{}_{}>.xml",
                at.compact(),
                rng.below(100_000)
            );
            organisation.record(
                &who,
                at,
                object(&who, "PutObject", "acme-partner-blue", &file),
            );
            organisation.record(
                &who,
                at.plus(2),
                queue(&who, "SendMessage", "sqs:SendMessage", "blue-inbound"),
            );
        }
    }
}
