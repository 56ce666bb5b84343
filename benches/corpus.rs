//! Writes delivery files like those of a busy organisation: the input of `benches/compare.sh`. The same arguments give the
//! same bytes.
//!
//! ```text
//! cargo run --release --example corpus -- DIR [--files 2000] [--events 430] [--unique 10] [--alike N] [--seed 1]
//! ```
//!
//! Four in ten events are S3's, with the identifiers in them that never repeat; the others are what functions, pipelines
//! and consoles call. A file is one account's in one Region. Forty sessions an hour call there, and each role works on few
//! things: a bucket, two tables, a key, a function, ten parameters and secrets. `--unique` is the share of S3's calls, in
//! percent, whose object no other call names; the others go to two hundred objects a bucket. With them about one event in
//! five carries something that no other has: an item's key, the name of a session or of a log stream.
//!
//! With `--alike` the calls of the first N files come again in each following N, a day later: a trail that is long enough to show
//! little that is new. What no other event has (that of the last sentence, sessions, and ids) is another one each day.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, thread};

use flate2::Compression;
use flate2::write::GzEncoder;

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    /// Small numbers far more often than great ones, as some objects are read far more often than others.
    fn skewed(&mut self, bound: u64) -> u64 {
        let first = self.below(bound);
        self.below(first + 1)
    }

    fn text(&mut self, alphabet: &[u8], length: usize) -> String {
        (0..length)
            .map(|_| char::from(alphabet[self.below(alphabet.len() as u64) as usize]))
            .collect()
    }

    fn upper(&mut self, length: usize) -> String {
        self.text(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", length)
    }

    fn base64(&mut self, length: usize) -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        self.text(ALPHABET, length)
    }

    /// For the day with the number `day`, what is another one each day; none for the first day.
    fn again(&self, day: u64) -> Option<Self> {
        (day > 0).then_some(Self(self.0 ^ day.wrapping_mul(0xa076_1d64_78bd_642f)))
    }

    fn uuid(&mut self) -> String {
        let (a, b) = (self.next(), self.next());
        format!(
            "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
            a >> 32,
            a >> 16 & 0xffff,
            a & 0xfff,
            b >> 52,
            b & 0xffff_ffff_ffff
        )
    }
}

/// What `draw` makes of `again`, where there is one, and else of `rng`, which goes on likewise.
fn anew<T>(rng: &mut Rng, again: &mut Option<Rng>, draw: impl Fn(&mut Rng) -> T) -> T {
    let first = draw(rng);
    again.as_mut().map_or(first, draw)
}

const ACCOUNTS: [&str; 4] = [
    "111122223333",
    "222233334444",
    "333344445555",
    "444455556666",
];

const REGIONS: [&str; 3] = ["eu-west-1", "us-east-1", "eu-central-1"];

const ROLES: [&str; 24] = [
    "order-processor",
    "order-api",
    "invoice-writer",
    "nightly-backup",
    "ci-deploy",
    "ci-build",
    "data-lake-loader",
    "data-lake-reader",
    "report-runner",
    "search-indexer",
    "image-resizer",
    "mail-sender",
    "audit-collector",
    "cost-exporter",
    "web-instance",
    "batch-worker",
    "stream-consumer",
    "stream-producer",
    "catalog-sync",
    "partner-import",
    "payments-api",
    "fraud-scorer",
    "session-store",
    "platform-admin",
];

const AGENTS: [&str; 6] = [
    "[Boto3/1.40.21 md/Botocore#1.40.21 ua/2.1 os/linux#5.10.240-261.963.amzn2.x86_64 md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython exec-env/AWS_Lambda_python3.13 cfg/retry-mode#legacy Botocore/1.40.21]",
    "[aws-sdk-java/2.33.4 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1.147-172.266.amzn2023.x86_64 lang/java#21.0.8 md/OpenJDK_64-Bit_Server_VM#21.0.8+9-LTS md/vendor#Amazon.com_Inc. exec-env/AWS_ECS_FARGATE m/E,N]",
    "aws-sdk-go-v2/1.38.1 ua/2.1 os/linux lang/go#1.24.6 md/GOOS#linux md/GOARCH#arm64 api/dynamodb#1.49.1 m/E,g",
    "aws-cli/2.28.21 md/awscrt#0.27.6 ua/2.1 os/linux#6.11.0-azure md/arch#x86_64 lang/python#3.13.7 md/pyimpl#CPython cfg/retry-mode#standard md/installer#exe md/prompt#off md/command#s3.cp",
    "APN/1.0 HashiCorp/1.0 Terraform/1.13.1 (+https://www.terraform.io) terraform-provider-aws/6.11.0 (+https://registry.terraform.io/providers/hashicorp/aws) aws-sdk-go-v2/1.38.1 ua/2.1 os/linux lang/go#1.24.6 md/GOOS#linux md/GOARCH#amd64",
    "aws-sdk-nodejs/3.883.0 os/linux/x64 lang/js md/nodejs/24.5.0 exec-env/AWS_Lambda_nodejs22.x",
];

/// Who calls, with what a session has of its own.
struct Caller {
    role: u64,
    identity: String,
    address: String,
    agent: &'static str,
}

/// One file's account, Region, hour and sessions.
pub(crate) struct Delivery {
    rng: Rng,
    account: &'static str,
    region: &'static str,
    callers: Vec<Caller>,
    second: u64,
    /// The share of S3's calls, in percent, whose object no other call names.
    unique: u64,
    /// What is another one each day comes from here, where the calls are those of an earlier day.
    again: Option<Rng>,
}

/// What tells one call from another.
struct Call {
    service: &'static str,
    name: &'static str,
    reads: bool,
    data: bool,
    error: Option<(&'static str, String)>,
    parameters: String,
    response: String,
    additional: Option<String>,
    resources: Option<String>,
    host: Option<String>,
}

impl Call {
    fn new(service: &'static str, name: &'static str, parameters: String) -> Self {
        Self {
            service,
            name,
            reads: true,
            data: false,
            error: None,
            parameters,
            response: "null".to_owned(),
            additional: None,
            resources: None,
            host: None,
        }
    }
}

impl Delivery {
    /// The file with this number of the day with this number.
    pub(crate) fn new(seed: u64, file: u64, day: u64, unique: u64) -> Self {
        let mut rng = Rng(seed ^ file.wrapping_mul(0xd134_2543_de82_ef95));
        let account = ACCOUNTS[rng.skewed(4) as usize];
        let region = REGIONS[rng.skewed(3) as usize];
        // The delivery files of two days.
        let second = 1_772_323_200 + file * 86 % 172_800;
        let again = rng.again(day);
        let mut delivery = Self {
            rng,
            account,
            region,
            callers: Vec::new(),
            second: second + day * 86_400,
            unique,
            again,
        };
        let hour = second / 3_600;
        let place = hour << 8 | ACCOUNTS.iter().position(|&a| a == account).unwrap_or(0) as u64;
        let place = place << 8 | REGIONS.iter().position(|&r| r == region).unwrap_or(0) as u64;
        let mut sessions = Rng(seed ^ place.wrapping_mul(0x9fb2_1c65_1e98_df25));
        delivery.callers = (0..40)
            .map(|_| Caller::new(&mut sessions, account, (hour, day)))
            .collect();
        delivery
    }
}

impl Caller {
    fn new(rng: &mut Rng, account: &str, (hour, day): (u64, u64)) -> Self {
        let mut again = rng.again(day);
        let number = rng.skewed(ROLES.len() as u64);
        let role = ROLES[number as usize];
        let started = time(hour * 3_600 - rng.below(2_000) + day * 86_400);
        let id = format!("AROA{:X}EXAMPLE00", Rng(role.len() as u64).next() >> 40);
        let session = match rng.below(3) {
            0 => role.to_owned(),
            1 => format!("i-0{:016x}", anew(rng, &mut again, Rng::next)),
            _ => format!("{role}-{}", anew(rng, &mut again, |rng| rng.below(100_000))),
        };
        let key = format!("ASIA{}EXAMPLE", anew(rng, &mut again, |rng| rng.upper(9)));
        let identity = format!(
            r#"{{"type":"AssumedRole","principalId":"{id}:{session}","arn":"arn:aws:sts::{account}:assumed-role/{role}/{session}","accountId":"{account}","accessKeyId":"{key}","sessionContext":{{"sessionIssuer":{{"type":"Role","principalId":"{id}","arn":"arn:aws:iam::{account}:role/service/{role}","accountId":"{account}","userName":"{role}"}},"attributes":{{"creationDate":"{started}","mfaAuthenticated":"false"}}}}}}"#
        );
        Self {
            role: number,
            identity,
            address: format!("10.{}.{}.{}", rng.below(4), rng.below(256), rng.below(256)),
            agent: AGENTS[rng.below(6) as usize],
        }
    }
}

impl Delivery {
    /// A call of the role with this number.
    fn call(&mut self, role: u64) -> Call {
        match self.rng.below(100) {
            0..40 => self.s3(role),
            40..52 => self.kms(role),
            52..62 => self.dynamodb(role),
            62..68 => self.sts(),
            68..80 => self.ec2(role),
            80..88 => self.secret(role),
            88..94 => self.lambda(role),
            _ => self.management(),
        }
    }

    fn s3(&mut self, role: u64) -> Call {
        let Self { rng, again, .. } = self;
        let bucket = format!("example-{}-{}", ROLES[role as usize], self.account);
        let key = match rng.below(100) < self.unique {
            true => {
                let folder = rng.below(64);
                format!("incoming/{folder}/{}.json", anew(rng, again, Rng::uuid))
            }
            false => format!("table/part-{:05}.snappy.parquet", rng.skewed(200)),
        };
        let host = format!("{bucket}.s3.{}.amazonaws.com", self.region);
        let (name, reads) = match rng.below(20) {
            0..12 => ("GetObject", true),
            12..15 => ("HeadObject", true),
            15..18 => ("PutObject", false),
            _ => ("ListObjects", true),
        };
        let place = match name {
            "ListObjects" => r#""list-type":"2","prefix":"table/","max-keys":"1000""#.to_owned(),
            _ => format!(r#""key":"{key}""#),
        };
        let mut call = Call::new(
            "s3",
            name,
            format!(r#"{{"bucketName":"{bucket}",{place},"Host":"{host}"}}"#),
        );
        let (sent, got) = (rng.below(1 << 22), rng.below(4_096));
        call.additional = Some(format!(
            r#"{{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256","bytesTransferredIn":{got},"SSEApplied":"SSE_KMS","AuthenticationMethod":"AuthHeader","x-amz-id-2":"{}=","bytesTransferredOut":{sent}}}"#,
            rng.base64(75)
        ));
        if name == "PutObject" {
            let kms = format!(
                "arn:aws:kms:{}:{}:key/{}",
                self.region, self.account, KEYS[0]
            );
            call.response = format!(
                r#"{{"x-amz-server-side-encryption":"aws:kms","x-amz-server-side-encryption-aws-kms-key-id":"{kms}","x-amz-server-side-encryption-bucket-key-enabled":"true","x-amz-version-id":"{}"}}"#,
                rng.base64(32).replace(['/', '+'], ".")
            );
        }
        let object = match name {
            "ListObjects" => format!(
                r#"{{"type":"AWS::S3::Object","ARNPrefix":"arn:aws:s3:::{bucket}/table/"}}"#
            ),
            _ => format!(r#"{{"type":"AWS::S3::Object","ARN":"arn:aws:s3:::{bucket}/{key}"}}"#),
        };
        call.resources = Some(format!(
            r#"[{object},{{"accountId":"{}","type":"AWS::S3::Bucket","ARN":"arn:aws:s3:::{bucket}"}}]"#,
            self.account
        ));
        if rng.below(50) == 0 {
            call.error = Some(("AccessDenied", "Access Denied".to_owned()));
        }
        (call.reads, call.data, call.host) = (reads, true, Some(host));
        call
    }

    fn kms(&mut self, role: u64) -> Call {
        let key = KEYS[role as usize % KEYS.len()];
        let arn = format!("arn:aws:kms:{}:{}:key/{key}", self.region, self.account);
        let table = table(role);
        let context = format!(
            r#""encryptionContext":{{"aws:dynamodb:tableName":"{table}","aws:dynamodb:subscriberId":"{}"}}"#,
            self.account
        );
        let mut call = match self.rng.below(4) {
            0 => Call::new(
                "kms",
                "GenerateDataKey",
                format!(r#"{{"keyId":"{arn}",{context},"keySpec":"AES_256"}}"#),
            ),
            _ => Call::new(
                "kms",
                "Decrypt",
                format!(
                    r#"{{{context},"keyId":"{arn}","encryptionAlgorithm":"SYMMETRIC_DEFAULT"}}"#
                ),
            ),
        };
        call.additional = Some(format!(r#"{{"keyMaterialId":"{}"}}"#, Rng(7).base64(64)));
        call.resources = Some(format!(
            r#"[{{"accountId":"{}","type":"AWS::KMS::Key","ARN":"{arn}"}}]"#,
            self.account
        ));
        call.host = Some(format!("kms.{}.amazonaws.com", self.region));
        call
    }

    fn dynamodb(&mut self, role: u64) -> Call {
        let Self { rng, again, .. } = self;
        let table = table(role + rng.below(2));
        let arn = format!(
            "arn:aws:dynamodb:{}:{}:table/{table}",
            self.region, self.account
        );
        let key = format!(r#""key":{{"id":"{}"}}"#, anew(rng, again, Rng::uuid));
        let (name, reads, parameters) = match rng.below(10) {
            0..5 => (
                "GetItem",
                true,
                format!(r#"{{"tableName":"{table}",{key}}}"#),
            ),
            5..7 => (
                "PutItem",
                false,
                format!(r#"{{"tableName":"{table}",{key},"items":["id","state","total"]}}"#),
            ),
            7..9 => (
                "Query",
                true,
                format!(r#"{{"tableName":"{table}","indexName":"by-state","limit":100}}"#),
            ),
            _ => (
                "UpdateItem",
                false,
                format!(r#"{{"tableName":"{table}",{key},"updateExpression":"SET #s = :s"}}"#),
            ),
        };
        let mut call = Call::new("dynamodb", name, parameters);
        call.resources = Some(format!(
            r#"[{{"accountId":"{}","type":"AWS::DynamoDB::Table","ARN":"{arn}"}}]"#,
            self.account
        ));
        call.host = Some(format!("dynamodb.{}.amazonaws.com", self.region));
        (call.reads, call.data) = (reads, true);
        call
    }

    fn sts(&mut self) -> Call {
        let Self { rng, again, .. } = self;
        let role = ROLES[rng.below(ROLES.len() as u64) as usize];
        let arn = format!("arn:aws:iam::{}:role/service/{role}", self.account);
        let number = anew(rng, again, |rng| rng.below(100_000));
        let session = format!("{role}-{number}");
        let mut call = Call::new(
            "sts",
            "AssumeRole",
            format!(
                r#"{{"roleArn":"{arn}","roleSessionName":"{session}","durationSeconds":3600}}"#
            ),
        );
        let id = format!("AROA{}", rng.upper(17));
        call.response = format!(
            r#"{{"credentials":{{"accessKeyId":"ASIA{}EXAMPLE","sessionToken":"{}","expiration":"Mar 1, 2026, 11:{:02}:09 AM"}},"assumedRoleUser":{{"assumedRoleId":"{id}:{session}","arn":"arn:aws:sts::{}:assumed-role/{role}/{session}"}}}}"#,
            rng.upper(9),
            rng.base64(700),
            rng.below(60),
            self.account
        );
        call.resources = Some(format!(
            r#"[{{"accountId":"{}","type":"AWS::IAM::Role","ARN":"{arn}"}}]"#,
            self.account
        ));
        call.host = Some(format!("sts.{}.amazonaws.com", self.region));
        call
    }

    fn ec2(&mut self, role: u64) -> Call {
        let rng = &mut self.rng;
        let id = format!("i-0{:016x}", Rng(role * 100 + rng.below(5)).next());
        let (name, parameters) = match rng.below(6) {
            0..2 => (
                "DescribeInstances",
                format!(r#"{{"instancesSet":{{"items":[{{"instanceId":"{id}"}}]}},"filterSet":{{}}}}"#),
            ),
            2 => ("DescribeVolumes", r#"{"volumeSet":{},"filterSet":{}}"#.to_owned()),
            3 => (
                "DescribeSecurityGroups",
                r#"{"securityGroupSet":{},"securityGroupIdSet":{},"filterSet":{"items":[{"name":"vpc-id","valueSet":{"items":[{"value":"vpc-0a9f3b7c5d1e2f486"}]}}]}}"#.to_owned(),
            ),
            4 => (
                "DescribeNetworkInterfaces",
                r#"{"networkInterfaceIdSet":{},"filterSet":{}}"#.to_owned(),
            ),
            _ => (
                "DescribeTags",
                format!(r#"{{"filterSet":{{"items":[{{"name":"resource-id","valueSet":{{"items":[{{"value":"{id}"}}]}}}}]}}}}"#),
            ),
        };
        let mut call = Call::new("ec2", name, parameters);
        call.host = Some(format!("ec2.{}.amazonaws.com", self.region));
        if rng.below(25) == 0 {
            call.error = Some((
                "Client.UnauthorizedOperation",
                format!(
                    "You are not authorized to perform this operation. User: arn:aws:sts::{}:assumed-role/web-instance/{id} is not authorized to perform: ec2:{name} because no identity-based policy allows the ec2:{name} action",
                    self.account
                ),
            ));
            call.response = "null".to_owned();
        }
        call
    }

    fn secret(&mut self, role: u64) -> Call {
        let rng = &mut self.rng;
        let number = role * 10 + rng.below(10);
        let mut call = match rng.below(2) {
            0 => {
                let name = format!("/orders/{number}/endpoint");
                let arn = format!(
                    "arn:aws:ssm:{}:{}:parameter{name}",
                    self.region, self.account
                );
                let mut call = Call::new(
                    "ssm",
                    "GetParameter",
                    format!(r#"{{"name":"{name}","withDecryption":true}}"#),
                );
                call.resources = Some(format!(
                    r#"[{{"accountId":"{}","ARN":"{arn}"}}]"#,
                    self.account
                ));
                call
            }
            _ => Call::new(
                "secretsmanager",
                "GetSecretValue",
                format!(
                    r#"{{"secretId":"arn:aws:secretsmanager:{}:{}:secret:orders/{number}-Ab3dE9"}}"#,
                    self.region, self.account
                ),
            ),
        };
        call.host = Some(format!("{}.{}.amazonaws.com", call.service, self.region));
        call
    }

    fn lambda(&mut self, role: u64) -> Call {
        let function = ROLES[role as usize];
        let arn = format!(
            "arn:aws:lambda:{}:{}:function:{function}",
            self.region, self.account
        );
        let mut call = Call::new(
            "lambda",
            "Invoke",
            format!(r#"{{"functionName":"{arn}","invocationType":"RequestResponse"}}"#),
        );
        call.additional = Some(format!(
            r#"{{"functionVersion":"{arn}:$LATEST","customerEniId":"eni-0{:016x}"}}"#,
            Rng(function.len() as u64).next()
        ));
        call.resources = Some(format!(
            r#"[{{"accountId":"{}","type":"AWS::Lambda::Function","ARN":"{arn}"}}]"#,
            self.account
        ));
        (call.reads, call.data) = (false, true);
        call
    }

    fn management(&mut self) -> Call {
        let Self { rng, again, .. } = self;
        let role = ROLES[rng.below(ROLES.len() as u64) as usize];
        let mut call = match rng.below(6) {
            0 => Call::new("iam", "GetRole", format!(r#"{{"roleName":"{role}"}}"#)),
            1 => Call::new(
                "iam",
                "ListRolePolicies",
                format!(r#"{{"roleName":"{role}"}}"#),
            ),
            2 => Call::new(
                "s3",
                "GetBucketPolicy",
                format!(
                    r#"{{"bucketName":"example-lake-{}","policy":""}}"#,
                    self.account
                ),
            ),
            3 => Call::new("sts", "GetCallerIdentity", "null".to_owned()),
            4 => Call::new(
                "monitoring",
                "DescribeAlarms",
                r#"{"alarmNamePrefix":"orders-","maxRecords":100}"#.to_owned(),
            ),
            _ => {
                let stream = format!("2026/03/01/[$LATEST]{:032x}", anew(rng, again, Rng::next));
                let mut call = Call::new(
                    "logs",
                    "CreateLogStream",
                    format!(
                        r#"{{"logGroupName":"/aws/lambda/{role}","logStreamName":"{stream}"}}"#
                    ),
                );
                call.reads = false;
                call
            }
        };
        call.host = Some(format!("{}.{}.amazonaws.com", call.service, self.region));
        call
    }

    /// Writes one record, its members in the order that CloudTrail has them in.
    pub(crate) fn record(&mut self, out: &mut String) {
        let chosen = self.rng.skewed(self.callers.len() as u64) as usize;
        let call = self.call(self.callers[chosen].role);
        let Self {
            rng,
            account,
            region,
            callers,
            second,
            again,
            ..
        } = self;
        *second += u64::from(rng.below(3) == 0);
        let caller = &callers[chosen];
        let (identity, address, agent) = (&caller.identity, &caller.address, caller.agent);
        let Call {
            service,
            name,
            parameters,
            response,
            reads,
            data,
            ..
        } = &call;
        let at = time(*second);
        let _ = write!(
            out,
            r#"{{"eventVersion":"1.11","userIdentity":{identity},"eventTime":"{at}","eventSource":"{service}.amazonaws.com","eventName":"{name}","awsRegion":"{region}","sourceIPAddress":"{address}","userAgent":"{agent}""#
        );
        if let Some((code, message)) = &call.error {
            let _ = write!(out, r#","errorCode":"{code}","errorMessage":"{message}""#);
        }
        let _ = write!(
            out,
            r#","requestParameters":{parameters},"responseElements":{response}"#
        );
        if let Some(additional) = &call.additional {
            let _ = write!(out, r#","additionalEventData":{additional}"#);
        }
        let ids = |rng: &mut Rng| {
            let request = match *service {
                "s3" => rng.upper(16),
                "dynamodb" => rng.upper(52),
                _ => rng.uuid(),
            };
            (request, rng.uuid())
        };
        let (request, event) = anew(rng, again, ids);
        let _ = write!(
            out,
            r#","requestID":"{request}","eventID":"{event}","readOnly":{reads}"#
        );
        if let Some(resources) = &call.resources {
            let _ = write!(out, r#","resources":{resources}"#);
        }
        let category = if *data { "Data" } else { "Management" };
        let _ = write!(
            out,
            r#","eventType":"AwsApiCall","managementEvent":{},"recipientAccountId":"{account}","eventCategory":"{category}""#,
            !data
        );
        if let Some(host) = &call.host {
            let _ = write!(
                out,
                r#","tlsDetails":{{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"{host}"}}"#
            );
        }
        out.push('}');
    }
}

const KEYS: [&str; 4] = [
    "3f1c7a52-9d0e-4b6a-8c47-1e5d2f90ab31",
    "0a8d2c61-4be3-4f17-9c55-7d20e1b6a9f4",
    "9b47f3d0-61c8-4e2a-b7d1-58a0c3e92f16",
    "c25e8a14-07d9-4c3b-91f6-e4b7d8305a2c",
];

const TABLES: [&str; 5] = ["orders", "customers", "sessions", "stock", "prices"];

fn table(role: u64) -> &'static str {
    TABLES[role as usize % TABLES.len()]
}

/// A time of 2026 in CloudTrail's form.
fn time(second: u64) -> String {
    const LENGTHS: [u64; 12] = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let since = second - 1_767_225_600;
    let (mut day, mut month) = (since / 86_400, 0);
    while month < 11 && day >= LENGTHS[month] {
        day -= LENGTHS[month];
        month += 1;
    }
    let (hour, minute, second) = (since / 3_600 % 24, since / 60 % 60, since % 60);
    format!(
        "2026-{:02}-{:02}T{hour:02}:{minute:02}:{second:02}Z",
        month + 1,
        day + 1
    )
}

struct Options {
    folder: PathBuf,
    files: u64,
    events: u64,
    unique: u64,
    alike: Option<NonZeroU64>,
    seed: u64,
}

fn options() -> Option<Options> {
    let mut arguments = env::args().skip(1);
    let mut options = Options {
        folder: arguments.next()?.into(),
        files: 2_000,
        events: 430,
        unique: 10,
        alike: None,
        seed: 1,
    };
    while let Some(name) = arguments.next() {
        let value = arguments.next()?.parse().ok()?;
        match name.as_str() {
            "--files" => options.files = value,
            "--events" => options.events = value,
            "--unique" => options.unique = value,
            "--alike" => options.alike = NonZeroU64::new(value),
            "--seed" => options.seed = value,
            _ => return None,
        }
    }
    Some(options)
}

/// Writes the file with this number; how many bytes it holds.
fn write_file(options: &Options, file: u64) -> io::Result<u64> {
    let (day, of_day) = match options.alike {
        Some(alike) => (file / alike, file % alike),
        None => (0, file),
    };
    let mut delivery = Delivery::new(options.seed, of_day, day, options.unique);
    let at = time(delivery.second).replace(['-', ':'], "");
    let (account, region) = (delivery.account, delivery.region);
    let folder = options.folder.join(account).join("CloudTrail").join(region);
    fs::create_dir_all(&folder)?;
    let name = format!(
        "{account}_CloudTrail_{region}_{}Z_{file:08}.json.gz",
        &at[..13]
    );
    write_records(&mut delivery, options.events, &folder.join(name))
}

fn write_records(delivery: &mut Delivery, events: u64, path: &Path) -> io::Result<u64> {
    let mut out = GzEncoder::new(BufWriter::new(File::create(path)?), Compression::new(6));
    let (mut text, mut bytes) = ("{\"Records\":[".to_owned(), 0);
    for number in 0..events {
        if number > 0 {
            text.push(',');
        }
        delivery.record(&mut text);
        out.write_all(text.as_bytes())?;
        bytes += text.len() as u64;
        text.clear();
    }
    out.write_all(b"]}")?;
    out.finish()?.into_inner()?;
    Ok(bytes + 2)
}

#[allow(clippy::print_stdout, clippy::print_stderr)]
fn main() -> ExitCode {
    let Some(options) = options() else {
        eprintln!(
            "usage: corpus DIR [--files N] [--events N] [--unique PERCENT] [--alike N] [--seed N]"
        );
        return ExitCode::from(2);
    };
    let (next, bytes) = (AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        loop {
            let file = next.fetch_add(1, Ordering::Relaxed);
            if file >= options.files {
                return Ok(());
            }
            bytes.fetch_add(write_file(&options, file)?, Ordering::Relaxed);
        }
    };
    let outcome: io::Result<()> = thread::scope(|scope| {
        let count = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .try_for_each(|worker| match worker.join() {
                Ok(outcome) => outcome,
                Err(panic) => std::panic::resume_unwind(panic),
            })
    });
    match outcome {
        Ok(()) => {
            let (events, bytes) = (options.files * options.events, bytes.into_inner());
            println!(
                "{} files, {events} events, {bytes} bytes of JSON",
                options.files
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
