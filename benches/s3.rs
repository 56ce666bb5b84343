//! What it costs to fetch log objects from S3: `cargo bench --bench s3 [FOLDER]`, with the delivery files of a folder (as
//! `corpus.rs` writes them), or with 2,000 objects of 90 kB of noise. Linux only: CPU times are read from /proc.
//!
//! A bare HTTP/1.1 server in a process of its own answers each GET after 20 ms. The clients' CPU is user and system time of
//! this process, or of the program that it starts.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench that cannot go on has failed, and prints its figures"
)]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use trailfit::source::aws::{Aws, Options};
use trailfit::source::files::{self, LogObject};
use trailfit::source::layout::Scope;

const LATENCY: Duration = Duration::from_millis(20);

fn main() {
    let mut args = env::args().skip(1).filter(|arg| arg != "--bench");
    match (args.next().as_deref(), args.next()) {
        (Some("serve"), folder) => serve(&objects(folder.as_deref())),
        (folder, _) if env::var_os("AWS_REGION").is_none() => {
            let mut again = Command::new(env::current_exe().unwrap());
            let again = again.args(folder).envs(credentials()).status();
            assert!(again.unwrap().success());
        }
        (folder, _) => measure(folder),
    }
}

/// The objects by their keys.
fn objects(folder: Option<&str>) -> BTreeMap<String, Vec<u8>> {
    let Some(folder) = folder else {
        let mut state = 1_u64;
        let mut noise = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 56) as u8
        };
        let object: Vec<u8> = (0..90_000).map(|_| noise()).collect();
        return (0..2_000)
            .map(|number| (format!("{number:04}"), object.clone()))
            .collect();
    };
    let (mut found, mut ahead) = (BTreeMap::new(), vec![folder.into()]);
    while let Some(path) = ahead.pop() {
        if fs::metadata::<&std::path::PathBuf>(&path).unwrap().is_dir() {
            ahead.extend(
                fs::read_dir(path)
                    .unwrap()
                    .map(|entry| entry.unwrap().path()),
            );
        } else {
            let key = path
                .strip_prefix(folder)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            found.insert(key, fs::read(&path).unwrap());
        }
    }
    found
}

/// Serves `/logs`, by a thread for each connection.
fn serve(objects: &BTreeMap<String, Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    thread::scope(|scope| {
        for connection in listener.incoming() {
            let connection = connection.unwrap();
            connection.set_nodelay(true).unwrap();
            scope.spawn(move || answer(connection, objects));
        }
    });
}

fn answer(mut connection: TcpStream, objects: &BTreeMap<String, Vec<u8>>) {
    let mut input = BufReader::new(connection.try_clone().unwrap());
    let mut line = String::new();
    loop {
        line.clear();
        if input.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap().to_owned();
        while line != "\r\n" {
            line.clear();
            input.read_line(&mut line).unwrap();
        }
        let (key, query) = path.split_once('?').unwrap_or((&path, ""));
        let key = key.trim_start_matches("/logs").trim_start_matches('/');
        let listing;
        let (tag, body): (_, &[u8]) = match objects.get(key) {
            Some(body) if !query.contains("list-type") => (key.len().to_string(), body),
            _ => {
                listing = list(objects);
                (String::new(), listing.as_bytes())
            }
        };
        thread::sleep(LATENCY);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nETag: \"{tag}\"\r\nContent-Type: application/octet-stream\r\nx-amz-request-id: 1\r\n\r\n",
            body.len()
        );
        let sent = connection
            .write_all(head.as_bytes())
            .and_then(|()| connection.write_all(body));
        if sent.is_err() {
            return;
        }
    }
}

/// All objects on one page, whatever was asked for.
fn list(objects: &BTreeMap<String, Vec<u8>>) -> String {
    let contents = objects.iter().map(|(key, body)| {
        format!(
            "<Contents><Key>{key}</Key><Size>{}</Size><ETag>\"{}\"</ETag></Contents>",
            body.len(),
            key.len()
        )
    });
    format!(
        "<ListBucketResult>{}</ListBucketResult>",
        contents.collect::<String>()
    )
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
    }
}

fn measure(folder: Option<&str>) {
    let mut server = Command::new(env::current_exe().unwrap());
    let server = server.arg("serve").args(folder).stdout(Stdio::piped());
    let mut server = Server(server.spawn().unwrap());
    let mut url = String::new();
    BufReader::new(server.0.stdout.take().unwrap())
        .read_line(&mut url)
        .unwrap();
    let url = url.trim().to_owned();
    let sizes: Vec<usize> = objects(folder).values().map(Vec::len).collect();
    let (count, bytes) = (sizes.len(), sizes.iter().sum());
    println!(
        "{count} objects of {} kB, {} ms to the first byte",
        bytes / count / 1_000,
        LATENCY.as_millis()
    );
    for _ in 0..3 {
        let keys = objects(folder).into_keys().collect();
        report("aws-sdk-s3, 64 in flight", count, bytes, || {
            by_sdk(&url, keys)
        });
        report("fetched ahead, 2 threads read", count, bytes, || {
            ahead(&url)
        });
        if folder.is_some() {
            report("trailfit generate, from S3", count, bytes, || {
                generate(&["s3://logs/", "--endpoint-url", &url])
            });
            report("trailfit generate, from files", count, bytes, || {
                generate(&[folder.unwrap()])
            });
        }
    }
}

fn report(what: &str, count: usize, bytes: usize, work: impl FnOnce()) {
    let (cpu, start) = (cpu(), Instant::now());
    work();
    let (cpu, wall) = (crate::cpu() - cpu, start.elapsed().as_secs_f64());
    println!(
        "{what:32} {:6.0} MB/s {:6.0} us of CPU an object, {:4.2} of 2 cores, {wall:.2} s",
        bytes as f64 / 1e6 / wall,
        cpu / count as f64 * 1e6,
        cpu / wall,
    );
}

/// Seconds of user and system time of this process and of its children that ended.
fn cpu() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit(')')
        .next()
        .unwrap()
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11..15]
        .iter()
        .map(|field| field.parse::<u64>().unwrap())
        .sum();
    ticks as f64 / 100.0
}

fn credentials() -> [(&'static str, &'static str); 4] {
    [
        ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
        (
            "AWS_SECRET_ACCESS_KEY",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        ),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
    ]
}

fn by_sdk(url: &str, keys: Vec<String>) {
    let aws = Aws::new(&Options {
        endpoint_url: Some(url.to_owned()),
        ..Options::default()
    })
    .unwrap();
    let [(_, key), (_, secret), ..] = credentials();
    let config = aws.config(Some("eu-west-1")).into_builder();
    let config = aws_sdk_s3::config::Builder::from(&config.build())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(Credentials::new(key, secret, None, None, "bench"))
        .force_path_style(true)
        .build();
    let client = Client::from_conf(config);
    let keys = Arc::new(std::sync::Mutex::new(keys));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let (client, keys) = (client.clone(), Arc::clone(&keys));
            aws.handle().spawn(async move {
                loop {
                    let Some(key) = keys.lock().unwrap().pop() else {
                        return;
                    };
                    let got = client
                        .get_object()
                        .bucket("logs")
                        .key(key)
                        .send()
                        .await
                        .unwrap();
                    got.body.collect().await.unwrap();
                }
            })
        })
        .collect();
    aws.block_on(async {
        for task in tasks {
            task.await.unwrap();
        }
    });
}

/// Reads all objects and does nothing with them, as two workers would in turn.
fn ahead(url: &str) {
    const AHEAD: usize = 48;
    let scope = Scope {
        aws: Options {
            endpoint_url: Some(url.to_owned()),
            ..Options::default()
        },
        ..Scope::default()
    };
    let objects = files::list(&["s3://logs/".to_owned()], &scope).unwrap();
    let (first, second) = objects.split_at(objects.len() / 2);
    let read = |objects: &[LogObject]| {
        let mut bytes = Vec::new();
        for (number, object) in objects.iter().enumerate() {
            objects[number + 1..]
                .iter()
                .take(AHEAD)
                .for_each(LogObject::announce);
            bytes.clear();
            object.open().unwrap().read_to_end(&mut bytes).unwrap();
            assert_eq!(bytes.len() as u64, object.size);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| read(first));
        read(second);
    });
}

fn generate(input: &[&str]) {
    let out = tempfile::tempdir().unwrap();
    let program = Command::new(env!("CARGO_BIN_EXE_trailfit"))
        .args(["generate", "--quiet", "--out", out.path().to_str().unwrap()])
        .args(input)
        .envs(credentials())
        .status();
    assert!(program.unwrap().success());
}
