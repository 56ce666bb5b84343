//! S3 on the loopback interface: s3s speaks the protocol and checks signatures, a bucket in memory holds the objects, and in
//! front of both stands a layer that makes faults.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Bytes, Frame, Incoming, SizeHint};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::dto::{
    CommonPrefix, GetObjectInput, GetObjectOutput, ListObjectsV2Input, ListObjectsV2Output, Object,
    StreamingBlob,
};
use s3s::service::S3ServiceBuilder;
use s3s::{Body, S3, S3Request, S3Response, S3Result, s3_error};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::program::Run;

pub(crate) const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(crate) const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// Keys of a listing's page.
const PAGE: usize = 50;

/// What the layer does to a request.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    None,
    /// Answers so, with this code and message.
    Refuse(u16, &'static str, &'static str),
    /// Answers with this text.
    Answer(&'static str),
    /// Says that the bucket lies in another Region.
    Elsewhere(&'static str),
    /// Sends so many bytes of the body and closes the connection.
    Cut(usize),
    Late(Duration),
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) path: String,
    /// The value of each parameter, decoded.
    pub(crate) query: BTreeMap<String, String>,
    pub(crate) headers: BTreeMap<String, String>,
}

impl Asked {
    pub(crate) fn is_listing(&self) -> bool {
        self.query.contains_key("list-type")
    }
}

type Faults = dyn Fn(&Asked, usize) -> Fault + Send + Sync;

/// A running server with one bucket, `logs`.
pub(crate) struct Server {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// How many requests were being answered at a time, at most.
    most: Arc<AtomicUsize>,
}

struct Bucket {
    objects: BTreeMap<String, Bytes>,
    /// What the metadata of some objects have as `signature`.
    signatures: BTreeMap<String, String>,
}

impl Server {
    pub(crate) fn start(objects: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        Self::with_faults(objects, |_, _| Fault::None)
    }

    /// With signatures in the metadata of some objects.
    pub(crate) fn with_signatures(
        objects: BTreeMap<String, Vec<u8>>,
        signatures: BTreeMap<String, String>,
    ) -> Self {
        let objects = objects.into_iter();
        let bucket = Bucket {
            objects: objects.map(|(key, bytes)| (key, bytes.into())).collect(),
            signatures,
        };
        Self::serve(bucket, |_, _| Fault::None)
    }

    /// `faults` is told each request and how many came before with the same path and query.
    pub(crate) fn with_faults(
        objects: impl IntoIterator<Item = (String, Vec<u8>)>,
        faults: impl Fn(&Asked, usize) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let objects = objects.into_iter();
        let bucket = Bucket {
            objects: objects.map(|(key, bytes)| (key, bytes.into())).collect(),
            signatures: BTreeMap::new(),
        };
        Self::serve(bucket, faults)
    }

    fn serve(
        bucket: Bucket,
        faults: impl Fn(&Asked, usize) -> Fault + Send + Sync + 'static,
    ) -> Self {
        let mut service = S3ServiceBuilder::new(bucket);
        service.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
        let service = Arc::new(service.build());
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, faults): (_, Arc<Faults>) = (Arc::clone(&asked), Arc::new(faults));
        let (most, now) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let most_so_far = Arc::clone(&most);
        std::thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                loop {
                    let (connection, _) = listener.accept().await.unwrap();
                    let (service, log, faults) =
                        (Arc::clone(&service), Arc::clone(&log), Arc::clone(&faults));
                    let (most, now) = (Arc::clone(&most_so_far), Arc::clone(&now));
                    let answer = service_fn(move |request: Request<Incoming>| {
                        let (service, log, faults) =
                            (Arc::clone(&service), Arc::clone(&log), Arc::clone(&faults));
                        let (most, now) = (Arc::clone(&most), Arc::clone(&now));
                        async move {
                            let asked = as_asked(&request);
                            let fault = {
                                let mut log = log.lock().unwrap();
                                let same = |before: &&Asked| {
                                    before.path == asked.path && before.query == asked.query
                                };
                                let before = log.iter().filter(same).count();
                                log.push(asked.clone());
                                faults(&asked, before)
                            };
                            most.fetch_max(now.fetch_add(1, Relaxed) + 1, Relaxed);
                            let response = serve(&service, request, fault).await;
                            now.fetch_sub(1, Relaxed);
                            Ok::<_, Infallible>(response)
                        }
                    });
                    let connection = TokioIo::new(connection);
                    tokio::spawn(async move {
                        // A connection that was cut ends with an error.
                        let _ = hyper::server::conn::http1::Builder::new()
                            .serve_connection(connection, answer)
                            .await;
                    });
                }
            });
        });
        Self { url, asked, most }
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// How many requests were being answered at a time, at most.
    pub(crate) fn most_at_a_time(&self) -> usize {
        self.most.load(Relaxed)
    }

    /// A run of the program that reaches this server, with credentials.
    pub(crate) fn run<'s>(&'s self, args: impl IntoIterator<Item = &'s str>) -> Run {
        self.run_without_credentials(args)
            .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
            .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    }

    pub(crate) fn run_without_credentials<'s>(
        &'s self,
        args: impl IntoIterator<Item = &'s str>,
    ) -> Run {
        Run::new()
            .args(args)
            .args(["--endpoint-url", &self.url])
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "no-config")
            .env("AWS_SHARED_CREDENTIALS_FILE", "no-credentials")
    }
}

fn as_asked(request: &Request<Incoming>) -> Asked {
    let query = request.uri().query().unwrap_or_default();
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let headers = request.headers().iter();
    Asked {
        path: decoded(request.uri().path()),
        query: pairs
            .map(|(name, value)| (name.to_owned(), decoded(value)))
            .collect(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
    }
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('%') {
        bytes.extend(before.as_bytes());
        bytes.push(u8::from_str_radix(&after[..2], 16).unwrap());
        rest = &after[2..];
    }
    bytes.extend(rest.as_bytes());
    String::from_utf8(bytes).unwrap()
}

async fn serve(
    service: &s3s::service::S3Service,
    request: Request<Incoming>,
    fault: Fault,
) -> Response<Body> {
    let cut = match fault {
        Fault::Refuse(status, code, message) => {
            let text = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
            let body = Body::from(Bytes::from(text));
            return Response::builder().status(status).body(body).unwrap();
        }
        Fault::Answer(text) => return Response::new(Body::from(Bytes::from(text))),
        Fault::Elsewhere(region) => {
            let text = "<Error><Code>PermanentRedirect</Code><Message>The bucket is elsewhere.</Message></Error>";
            let response = Response::builder().status(301);
            let response = response.header("x-amz-bucket-region", region);
            return response.body(Body::from(Bytes::from(text))).unwrap();
        }
        Fault::Late(time) => {
            tokio::time::sleep(time).await;
            None
        }
        Fault::Cut(bytes) => Some(bytes),
        Fault::None => None,
    };
    let response = service.call(request.map(Body::from)).await.unwrap();
    let Some(cut) = cut else {
        return response;
    };
    let (parts, body) = response.into_parts();
    let whole = body.collect().await.unwrap().to_bytes();
    let body = CutBody {
        length: whole.len() as u64,
        first: Some(whole.slice(..cut.min(whole.len()))),
        break_off: Box::pin(tokio::time::sleep(Duration::from_millis(10))),
    };
    Response::from_parts(parts, Body::http_body(body))
}

/// A body that breaks off, after what was sent had the time to go out.
struct CutBody {
    length: u64,
    first: Option<Bytes>,
    break_off: Pin<Box<tokio::time::Sleep>>,
}

impl hyper::body::Body for CutBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        std::task::ready!(self.break_off.as_mut().poll(context));
        Poll::Ready(Some(Err(std::io::Error::other("cut"))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}

fn tag(bytes: &[u8]) -> String {
    format!("\"{:016x}\"", xxhash_rust::xxh3::xxh3_64(bytes))
}

#[async_trait::async_trait]
impl S3 for Bucket {
    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        if input.bucket != "logs" {
            return Err(s3_error!(NoSuchBucket));
        }
        let prefix = input.prefix.unwrap_or_default();
        let after = input.continuation_token.or(input.start_after);
        let after = after.unwrap_or_default();
        let mut output = ListObjectsV2Output::default();
        let (mut contents, mut prefixes) = (Vec::new(), Vec::<CommonPrefix>::new());
        let most = input.max_keys.map_or(PAGE, |most| most as usize).min(PAGE);
        let mut last = String::new();
        for (key, bytes) in &self.objects {
            let Some(below) = key.strip_prefix(&prefix) else {
                continue;
            };
            let end = input
                .delimiter
                .as_ref()
                .and_then(|sign| below.find(sign.as_str()));
            let folder = end.map(|end| key[..=prefix.len() + end].to_owned());
            let name = folder.as_ref().unwrap_or(key);
            if *name <= after || *name == last {
                continue;
            }
            if contents.len() + prefixes.len() == most {
                output.is_truncated = Some(true);
                output.next_continuation_token = Some(last);
                break;
            }
            last.clone_from(name);
            match folder {
                Some(folder) => prefixes.push(CommonPrefix {
                    prefix: Some(folder),
                }),
                None => contents.push(Object {
                    key: Some(key.clone()),
                    size: Some(bytes.len() as i64),
                    e_tag: Some(tag(bytes)),
                    ..Object::default()
                }),
            }
        }
        output.contents = Some(contents);
        output.common_prefixes = Some(prefixes);
        Ok(S3Response::new(output))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let Some(bytes) = self.objects.get(&input.key) else {
            return Err(s3_error!(NoSuchKey));
        };
        if input.if_match.is_some_and(|wanted| wanted != tag(bytes)) {
            return Err(s3_error!(PreconditionFailed));
        }
        let length = bytes.len();
        let range = input.range.map(|range| range.check(length as u64));
        let range = range.transpose()?;
        let part = match &range {
            Some(range) => bytes.slice(range.start as usize..range.end as usize),
            None => bytes.clone(),
        };
        let signature = self.signatures.get(&input.key);
        let metadata = signature.map(|text| [("signature".to_owned(), text.clone())].into());
        let body = Body::from(part.clone());
        Ok(S3Response::new(GetObjectOutput {
            content_length: Some(part.len() as i64),
            content_range: range
                .map(|range| format!("bytes {}-{}/{length}", range.start, range.end - 1)),
            e_tag: Some(tag(bytes)),
            metadata,
            body: Some(StreamingBlob::from(body)),
            ..GetObjectOutput::default()
        }))
    }
}
