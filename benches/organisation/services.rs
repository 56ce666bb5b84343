//! What runs in production: services on ECS and Lambda, each with a role of its own.

use serde_json::json;

use crate::aws::{
    function_stream, invoke, items, key, list_objects, log_stream, object, parameter, plain_call,
    publish, query_index, queue, secret,
};
use crate::call::Call;
use crate::moment::{Moment, is_weekend};
use crate::organisation::Organisation;
use crate::rng::Rng;
use crate::who::{DATA, FRANKFURT, IRELAND, Kind, SHOP, Who};

const ENDPOINT: &str = "vpce-0a9f3b7c5d1e2f486";
const S3: &str = "AWS Internal";

/// A service at work: its role, its name, its luck.
struct Service {
    who: Who,
    name: String,
    rng: Rng,
}

impl Service {
    fn new(
        organisation: &Organisation,
        account: &'static str,
        region: &'static str,
        name: &str,
    ) -> Self {
        let mut who = Who::role(Kind::Service, account, region, "", &format!("{name}-task"));
        who.endpoint = Some(ENDPOINT);
        Self {
            who,
            name: name.to_owned(),
            rng: organisation.rng(&format!("service {name} {account}")),
        }
    }

    /// The container or function that works on `day`.
    fn session(&mut self, at: Moment) -> Who {
        let id = self.rng.hex(32);
        let address = format!("10.0.{}.{}", self.rng.below(4), 10 + self.rng.below(200));
        self.who.session(&mut self.rng, &id, at, &address)
    }

    /// A moment of `day`: by daylight mostly.
    fn moment(&mut self, day: u32) -> Moment {
        let hour = 6 + self.rng.below(14) as u32;
        Moment::new(day, hour, self.rng.below(59) as u32).plus(self.rng.below(60))
    }

    fn calls(&mut self, day: u32, usual: u64) -> u64 {
        let usual = if is_weekend(day) { usual / 3 } else { usual };
        usual * (60 + self.rng.below(80)) / 100
    }
}

pub(crate) fn run(organisation: &mut Organisation) {
    let mut names = organisation.rng("services");
    let mut pick = |from: &[&str]| names.pick(from).to_owned();
    let orders = pick(&["orders", "checkout", "basket"]);
    let invoices = pick(&["invoices", "billing", "receipts"]);
    let media = pick(&["media", "images", "uploads"]);
    let tenants = pick(&["exports", "reporting", "feeds"]);
    api(organisation, SHOP, FRANKFURT, &orders);
    api(organisation, SHOP, IRELAND, "profile");
    documents(organisation, &invoices);
    pictures(organisation, &media);
    exporter(organisation, &tenants);
    worker(organisation, SHOP, "fulfilment");
    worker(organisation, DATA, "enrichment");
    scheduler(organisation, "pricing");
    retired(organisation, "legacy-mailer");
    newcomer(organisation, "recommendations");
}

/// Starts of the containers: once a day or so, more often when there is a release. They read what they are configured with.
fn start(organisation: &mut Organisation, service: &mut Service, day: u32) {
    let starts = 1 + u64::from(service.rng.chance(25));
    for _ in 0..starts {
        let at = service.moment(day);
        let who = service.session(at);
        let name = service.name.clone();
        let suffix =
            Rng::new(name.len() as u64).text("abcdefghijkmnopqrstuvwxyzABCDEFGH23456789", 6);
        organisation.record(
            &who,
            at,
            secret(&who, &format!("prod/{name}/database"), &suffix),
        );
        for file in ["features", "endpoints", "limits"] {
            let path = format!("/prod/{name}/{file}");
            organisation.record(
                &who,
                at.plus(1),
                parameter(&who, "GetParameter", "ssm:GetParameter", &path),
            );
        }
        let task = service.rng.hex(32);
        let stream = format!("{name}/{name}/<{task}>");
        organisation.record(
            &who,
            at.plus(2),
            log_stream(&who, &format!("/ecs/{name}"), &stream),
        );
    }
}

/// A service on ECS with a table, a queue and a topic. From the seventieth hundredth of the training on it asks a second table
/// and writes to a second queue: a new feature.
fn api(organisation: &mut Organisation, account: &'static str, region: &'static str, name: &str) {
    let mut service = Service::new(organisation, account, region, name);
    let feature = organisation.part(70);
    let renamed = organisation.train + 12;
    for day in 0..organisation.days {
        start(organisation, &mut service, day);
        for _ in 0..service.calls(day, 16) {
            let at = service.moment(day);
            let who = service.session(at);
            let id = json!({ "id": service.rng.uuid() });
            let call = match service.rng.below(10) {
                0..4 => items(&who, "GetItem", "dynamodb:GetItem", name, id),
                4 | 5 => items(&who, "PutItem", "dynamodb:PutItem", name, id),
                6 => items(&who, "UpdateItem", "dynamodb:UpdateItem", name, id),
                7 => query_index(&who, name, "by-customer"),
                8 => queue(
                    &who,
                    "SendMessage",
                    "sqs:SendMessage",
                    &format!("{name}-events"),
                ),
                _ => publish(&who, &format!("{name}-changed")),
            };
            organisation.record(&who, at, call);
            if day >= feature && service.rng.chance(15) {
                let id = json!({ "code": service.rng.upper(8) });
                let call = items(&who, "GetItem", "dynamodb:GetItem", "vouchers", id);
                organisation.record(&who, at.plus(1), call);
                let call = queue(&who, "SendMessage", "sqs:SendMessage", "voucher-redeemed");
                organisation.record(&who, at.plus(2), call);
            }
            if day >= renamed && service.rng.chance(15) {
                // A release moves the events to a stream that did not exist.
                let who = who.unforeseen(true);
                let arn = who.arn("kinesis", &format!("stream/{name}-stream"));
                let call = Call::write("kinesis", "PutRecords")
                    .data()
                    .parameters(json!({ "streamName": format!("{name}-stream") }))
                    .resources(json!([{ "accountId": who.account, "type": "AWS::Kinesis::Stream", "ARN": arn }]))
                    .needs("kinesis:PutRecords", arn);
                organisation.record(&who, at.plus(3), call);
            }
        }
    }
}

/// Documents of customers, by customer and month, under a key of the customer's data. New customers come every week; old
/// documents are read again.
fn documents(organisation: &mut Organisation, name: &str) {
    let mut service = Service::new(organisation, SHOP, FRANKFURT, name);
    let bucket = format!("acme-{name}-documents");
    let key_id = service.rng.uuid();
    let mut written: Vec<String> = Vec::new();
    for day in 0..organisation.days {
        start(organisation, &mut service, day);
        let customers = 60 + u64::from(day);
        for _ in 0..service.calls(day, 14) {
            let at = service.moment(day);
            let who = service.session(at);
            let customer = format!("c-{}", 10_400 + service.rng.below(customers) * 7);
            if written.is_empty() || service.rng.chance(55) {
                let name = format!(
                    "customers/<{customer}>/<{}>/<{}>.pdf",
                    at.month().replace('-', "/"),
                    service.rng.uuid()
                );
                organisation.record(&who, at, object(&who, "PutObject", &bucket, &name));
                let call = key(&who, "GenerateDataKey", "kms:GenerateDataKey", &key_id, S3);
                organisation.record(&who, at, call);
                written.push(name);
            } else {
                let which = service.rng.below(written.len() as u64) as usize;
                organisation.record(
                    &who,
                    at,
                    object(&who, "GetObject", &bucket, &written[which]),
                );
                organisation.record(&who, at, key(&who, "Decrypt", "kms:Decrypt", &key_id, S3));
            }
        }
        if service.rng.chance(8) {
            // A customer leaves, and the law says what has to go.
            let at = service.moment(day);
            let who = service.session(at);
            organisation.record(
                &who,
                at,
                list_objects(&who, &bucket, "customers/<c-10407>/"),
            );
            for name in written.iter().take(3) {
                organisation.record(
                    &who,
                    at.plus(2),
                    object(&who, "DeleteObject", &bucket, name),
                );
            }
        }
        if Organisation::is_monthly(day) {
            let at = Moment::new(day, 3, 20);
            let who = service.session(at);
            let statement = format!("statements/<{}>/summary.csv", at.month());
            organisation.record(&who, at, list_objects(&who, &bucket, "customers/"));
            organisation.record(
                &who,
                at.plus(9),
                object(&who, "PutObject", &bucket, &statement),
            );
            let table = format!("{name}-ledger");
            let call = Call::read("dynamodb", "Scan")
                .data()
                .parameters(json!({ "tableName": table }))
                .resources(json!([{ "accountId": who.account, "type": "AWS::DynamoDB::Table", "ARN": who.arn("dynamodb", &format!("table/{table}")) }]))
                .needs("dynamodb:Scan", who.arn("dynamodb", &format!("table/{table}")));
            organisation.record(&who, at.plus(20), call);
            organisation.record(&who, at.plus(40), publish(&who, "finance-month-end"));
        }
    }
}

/// Pictures under the hash of their content, and the sizes made of them. A release changes where thumbnails go.
fn pictures(organisation: &mut Organisation, name: &str) {
    let mut service = Service::new(organisation, SHOP, FRANKFURT, name);
    let bucket = format!("acme-{name}");
    let release = organisation.part(55);
    for day in 0..organisation.days {
        for _ in 0..service.calls(day, 9) {
            let at = service.moment(day);
            let who = service.session(at);
            let hash = service.rng.hex(40);
            let id = service.rng.hex(32);
            let stream = function_stream(&who, &format!("{name}-resize"), at, &id);
            organisation.record(&who, at, stream);
            let original = format!("original/<{}>/<{}>/<{hash}>.jpg", &hash[..2], &hash[2..4]);
            organisation.record(
                &who,
                at.plus(1),
                object(&who, "GetObject", &bucket, &original),
            );
            for width in [200, 800] {
                let thumb = if day < release {
                    format!("thumbs/<{}>/<{hash}>_{width}.jpg", &hash[..2])
                } else {
                    format!("thumbs/v2/<{}>/<{hash}>_{width}.webp", &hash[..2])
                };
                organisation.record(&who, at.plus(3), object(&who, "PutObject", &bucket, &thumb));
            }
            let call = plain_call(
                "rekognition",
                "DetectModerationLabels",
                "rekognition:DetectModerationLabels",
            );
            organisation.record(&who, at.plus(4), call);
            if service.rng.chance(4) {
                let missing = format!("original/<{}>/<{}>/<{hash}>.png", &hash[..2], &hash[2..4]);
                let call = object(&who, "GetObject", &bucket, &missing);
                let call = call.fails("NoSuchKey", "The specified key does not exist.");
                organisation.record(&who, at.plus(5), call);
            }
        }
    }
}

/// Files for tenants: each has a folder, a queue and a day in the week. Tenants come, and two go.
fn exporter(organisation: &mut Organisation, name: &str) {
    const TENANTS: [&str; 24] = [
        "acacia", "borealis", "cobalt", "dunes", "ember", "fjord", "granite", "harbour", "indigo",
        "juniper", "kestrel", "lagoon", "meadow", "nimbus", "onyx", "prairie", "quartz", "ridge",
        "sierra", "tundra", "umber", "violet", "willow", "zephyr",
    ];
    let mut service = Service::new(organisation, SHOP, IRELAND, name);
    let bucket = format!("acme-{name}-out");
    for day in 0..organisation.days {
        start(organisation, &mut service, day);
        let first = usize::from(day > organisation.part(60)) * 2;
        let present = 8 + day as usize * 14 / 120;
        for (place, tenant) in TENANTS[..present.min(TENANTS.len())].iter().enumerate() {
            if place < first || place % 5 != day as usize % 5 {
                continue;
            }
            let at = Moment::new(day, 2, place as u32).plus(service.rng.below(50));
            let who = service.session(at);
            for part in 0..1 + service.rng.below(3) {
                let file = format!("tenant-<{tenant}>/<{}>/part-<{part:05}>.csv.gz", at.date());
                organisation.record(
                    &who,
                    at.plus(part),
                    object(&who, "PutObject", &bucket, &file),
                );
            }
            let outbox = format!("{name}-outbox-<{tenant}>");
            let call = queue(&who, "SendMessage", "sqs:SendMessage", &outbox);
            organisation.record(&who, at.plus(9), call);
            let id = json!({ "tenant": tenant });
            let call = items(
                &who,
                "UpdateItem",
                "dynamodb:UpdateItem",
                &format!("{name}-runs"),
                id,
            );
            organisation.record(&who, at.plus(10), call);
        }
    }
}

/// A function that takes messages from a queue: a file comes in, one goes out, the first is deleted.
fn worker(organisation: &mut Organisation, account: &'static str, name: &str) {
    let mut service = Service::new(organisation, account, FRANKFURT, name);
    let (from, to) = (format!("acme-{name}-in"), format!("acme-{name}-done"));
    let work = format!("{name}-work");
    for day in 0..organisation.days {
        for _ in 0..service.calls(day, 8) {
            let at = service.moment(day);
            let who = service.session(at);
            let id = service.rng.hex(32);
            organisation.record(&who, at, function_stream(&who, name, at, &id));
            let file = format!("<{}>/<{}>.json", at.path(), service.rng.uuid());
            let calls = [
                queue(&who, "ReceiveMessage", "sqs:ReceiveMessage", &work),
                object(&who, "GetObject", &from, &file),
                object(&who, "PutObject", &to, &file),
                object(&who, "DeleteObject", &from, &file),
                queue(&who, "DeleteMessage", "sqs:DeleteMessage", &work),
            ];
            for (later, call) in (1..).zip(calls) {
                organisation.record(&who, at.plus(later), call);
            }
            if service.rng.chance(3) {
                let call = queue(
                    &who,
                    "SendMessage",
                    "sqs:SendMessage",
                    &format!("{work}-dead"),
                );
                organisation.record(&who, at.plus(8), call);
            }
        }
    }
}

/// Calls other functions, whose names carry a version: a release in the first half brings `-v4`, one in the last month `-v5`.
fn scheduler(organisation: &mut Organisation, name: &str) {
    let mut service = Service::new(organisation, SHOP, FRANKFURT, name);
    let (second, third) = (organisation.part(55), organisation.train + 9);
    for day in 0..organisation.days {
        start(organisation, &mut service, day);
        let version = 3 + u32::from(day >= second) + u32::from(day >= third);
        for _ in 0..service.calls(day, 8) {
            let at = service.moment(day);
            let who = service.session(at);
            let which = service.rng.pick(&["margin", "discount", "tax"]).to_owned();
            organisation.record(
                &who,
                at,
                invoke(&who, &format!("{name}-{which}-v<{version}>")),
            );
        }
        let at = Moment::new(day, 4, 30).plus(service.rng.below(90));
        let who = service.session(at);
        let machine = who.arn("states", &format!("stateMachine:{name}-nightly"));
        let call = Call::write("states", "StartExecution")
            .parameters(
                json!({ "stateMachineArn": machine, "name": format!("nightly-{}", at.date()) }),
            )
            .needs("states:StartExecution", machine);
        organisation.record(&who, at, call);
    }
}

/// A service that is switched off at two thirds of the training.
fn retired(organisation: &mut Organisation, name: &str) {
    let mut service = Service::new(organisation, SHOP, FRANKFURT, name);
    for day in 0..organisation.part(66) {
        start(organisation, &mut service, day);
        for _ in 0..service.calls(day, 6) {
            let at = service.moment(day);
            let who = service.session(at);
            let template = service
                .rng
                .pick(&["welcome", "reset", "receipt"])
                .to_owned();
            let file = format!("templates/{template}.html");
            organisation.record(&who, at, object(&who, "GetObject", "acme-mail", &file));
            let call = queue(&who, "ReceiveMessage", "sqs:ReceiveMessage", "mail-out");
            organisation.record(&who, at.plus(1), call);
        }
    }
}

/// A service that starts in the test's second week.
fn newcomer(organisation: &mut Organisation, name: &str) {
    let mut service = Service::new(organisation, SHOP, IRELAND, name);
    service.who.unforeseen = true;
    for day in organisation.train + 8..organisation.days {
        start(organisation, &mut service, day);
        for _ in 0..service.calls(day, 10) {
            let at = service.moment(day);
            let who = service.session(at);
            let id = json!({ "user": service.rng.uuid() });
            organisation.record(
                &who,
                at,
                items(&who, "GetItem", "dynamodb:GetItem", name, id),
            );
            let file = format!("models/<{}>/weights.bin", at.date());
            organisation.record(
                &who,
                at.plus(1),
                object(&who, "GetObject", "acme-models", &file),
            );
        }
    }
}
