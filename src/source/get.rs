//! Fetches the bytes of S3 objects: a signed GET over connections that are kept open, taken up again where it was cut.
//!
//! The SDK's own `GetObject` costs several times as much CPU, in what it does around the request; `benches/README.md` has the
//! figures. Its credentials, its signatures and its HTTP client are in use here too.

use std::io;
use std::ops::ControlFlow;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::config::{ProvideCredentials, SharedCredentialsProvider};
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4;
use aws_smithy_runtime_api::client::http::{HttpConnector, SharedHttpConnector};
use aws_smithy_runtime_api::client::identity::Identity;
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_types::byte_stream::ByteStream;
use bytes::Bytes;
use tokio::sync::{Mutex, mpsc};
use tokio::time::{sleep, timeout};
use xxhash_rust::xxh3::xxh3_64;

use crate::source::aws::Refusal;

/// How often in a row an object may fail to give a single byte.
const ATTEMPTS: u32 = 8;

/// The wait before the second try; doubled before each further one, up to a hundred times as much.
const WAIT: Duration = Duration::from_millis(50);

/// How long the next bytes of a body may take.
const STALL: Duration = Duration::from_secs(30);

/// Credentials are renewed so long before they expire.
const RENEW: Duration = Duration::from_secs(300);

/// So much of an answer that refuses is read, to tell why.
const MAX_REFUSAL: usize = 16 << 10;

/// SHA-256 of nothing: the body of a GET.
const NO_BODY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// What is to be fetched.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) key: String,
    /// The `ETag` of the listing, without quotes; empty where it had none.
    pub(super) version: String,
    /// Of the listing.
    pub(super) size: u64,
}

/// Where the bytes go.
pub(super) enum Sink {
    Whole(Vec<u8>),
    Stream(mpsc::Sender<io::Result<Bytes>>),
}

impl Sink {
    /// Breaks where nobody reads any more.
    async fn put(&mut self, bytes: Bytes) -> ControlFlow<()> {
        match self {
            Self::Whole(whole) => whole.extend_from_slice(&bytes),
            Self::Stream(reader) => {
                if reader.send(Ok(bytes)).await.is_err() {
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }
}

/// Fetches the objects of one bucket.
#[derive(Debug)]
pub(super) struct Getter {
    /// The URL of the bucket, with `/` at its end.
    pub(super) base: String,
    pub(super) region: String,
    pub(super) request_payer: bool,
    pub(super) connector: SharedHttpConnector,
    pub(super) provider: SharedCredentialsProvider,
    pub(super) identity: Mutex<Option<Identity>>,
}

impl Getter {
    /// Fetches what `job` says into `sink`; tells `throttled` where S3 asks for fewer requests.
    pub(super) async fn get(
        &self,
        job: &Job,
        sink: &mut Sink,
        throttled: &(dyn Fn() + Sync),
    ) -> Result<(), Refusal> {
        let (mut offset, mut failures, mut renewed) = (0, 0, false);
        loop {
            let before = offset;
            let Err(refusal) = self.attempt(job, &mut offset, sink).await else {
                return Ok(());
            };
            if offset > before {
                failures = 0;
            }
            failures += 1;
            if refusal.code == "ExpiredToken" && !renewed {
                renewed = true;
                *self.identity.lock().await = None;
                continue;
            }
            if !refusal.is_passing() || failures >= ATTEMPTS {
                return Err(refusal);
            }
            if refusal.is_throttling() {
                throttled();
            }
            sleep(wait(&job.key, failures)).await;
        }
    }

    /// One request for what is left from `offset` on, which it moves on.
    async fn attempt(&self, job: &Job, offset: &mut u64, sink: &mut Sink) -> Result<(), Refusal> {
        let request = self.request(job, *offset).await?;
        let answer = self.connector.call(request).await;
        let response = answer.map_err(|error| Refusal::without_answer(&error))?;
        let status = response.status().as_u16();
        if status != 200 && status != 206 {
            return Err(refusal(response).await);
        }
        let header = |name: &str| response.headers().get(name).unwrap_or_default();
        let version = header("etag").trim_matches('"');
        if !version.is_empty() && !job.version.is_empty() && version != job.version {
            return Err(changed());
        }
        // A server that does not know ranges begins anew.
        let mut skip = match (status, header("content-range")) {
            (206, range) if !range.starts_with(&format!("bytes {offset}-")) => {
                return Err(changed());
            }
            (206, _) => 0,
            _ => *offset,
        };
        let mut body = ByteStream::new(response.into_body());
        while let Some(bytes) = next(&mut body).await? {
            let skipped = skip.min(bytes.len() as u64);
            skip -= skipped;
            let bytes = bytes.slice(skipped as usize..);
            *offset += bytes.len() as u64;
            if *offset > job.size {
                return Err(changed());
            }
            if sink.put(bytes).await.is_break() {
                return Ok(());
            }
        }
        match *offset == job.size {
            true => Ok(()),
            false => Err(Refusal {
                message: format!("the body ended after {offset} of {} bytes", job.size),
                ..Refusal::default()
            }),
        }
    }

    /// The signature in the metadata of a digest; `None` where there is none.
    pub(super) async fn digest_signature(&self, job: &Job) -> Result<Option<String>, Refusal> {
        let mut failures = 0;
        loop {
            let answer = self.connector.call(self.request(job, 0).await?).await;
            let refusal = match answer {
                Ok(response) if response.status().as_u16() == 200 => {
                    let signature = response.headers().get("x-amz-meta-signature");
                    return Ok(signature.map(str::to_owned));
                }
                Ok(response) => refusal(response).await,
                Err(error) => Refusal::without_answer(&error),
            };
            failures += 1;
            if !refusal.is_passing() || failures >= ATTEMPTS {
                return Err(refusal);
            }
            sleep(wait(&job.key, failures)).await;
        }
    }

    async fn request(&self, job: &Job, offset: u64) -> Result<HttpRequest, Refusal> {
        let failed = |error: &(dyn std::error::Error + 'static)| Refusal::unsent(error);
        let url = format!("{}{}", self.base, encoded(&job.key));
        let mut request = HttpRequest::get(url).map_err(|error| failed(&error))?;
        let headers = request.headers_mut();
        headers.insert(
            "user-agent",
            concat!("trailfit/", env!("CARGO_PKG_VERSION")),
        );
        if self.request_payer {
            headers.insert("x-amz-request-payer", "requester");
        }
        if offset > 0 {
            headers.insert("range", format!("bytes={offset}-"));
            if !job.version.is_empty() {
                headers.insert("if-match", format!("\"{}\"", job.version));
            }
        }
        let identity = self.identity().await?;
        let mut settings = SigningSettings::default();
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build();
        let parameters = parameters.map_err(|error| failed(&error))?.into();
        let body = SignableBody::Precomputed(NO_BODY.to_owned());
        let signable = SignableRequest::new("GET", request.uri(), request.headers().iter(), body);
        let signable = signable.map_err(|error| failed(&error))?;
        let signed = sign(signable, &parameters).map_err(|error| failed(&error))?;
        let (signature, _) = signed.into_parts();
        let headers = request.headers_mut();
        for header in signature.headers() {
            headers.insert(header.0.to_owned(), header.1.to_owned());
        }
        Ok(request)
    }

    /// The credentials, asked for once and again before they expire.
    async fn identity(&self) -> Result<Identity, Refusal> {
        let mut kept = self.identity.lock().await;
        if let Some(identity) = &*kept
            && identity
                .expiration()
                .is_none_or(|expiry| expiry > SystemTime::now() + RENEW)
        {
            return Ok(identity.clone());
        }
        let credentials = self.provider.provide_credentials().await;
        let credentials = credentials.map_err(|error| Refusal::unsent(&error))?;
        Ok(kept.insert(credentials.into()).clone())
    }
}

/// The next bytes of a body.
async fn next(body: &mut ByteStream) -> Result<Option<Bytes>, Refusal> {
    match timeout(STALL, body.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(bytes))) => Ok(Some(bytes)),
        Ok(Some(Err(error))) => Err(Refusal::without_answer(&error)),
        Err(error) => Err(Refusal::without_answer(&error)),
    }
}

/// Each object waits a little longer or shorter than others, so that those which failed together do not come again together.
fn wait(key: &str, failures: u32) -> Duration {
    let wait = WAIT * 2_u32.saturating_pow(failures - 1).min(100);
    let spread = (xxh3_64(key.as_bytes()) % 1024) as u32;
    wait / 2 + wait * spread / 1024
}

fn changed() -> Refusal {
    Refusal {
        status: 412,
        code: "PreconditionFailed".to_owned(),
        ..Refusal::default()
    }
}

/// Why S3 refused, out of the XML of its answer.
async fn refusal(response: HttpResponse) -> Refusal {
    let status = response.status().as_u16();
    let region = response.headers().get("x-amz-bucket-region");
    let region = region.map(str::to_owned);
    let mut text = Vec::new();
    let mut body = ByteStream::new(response.into_body());
    while let Ok(Some(bytes)) = next(&mut body).await {
        text.extend_from_slice(&bytes);
        if text.len() > MAX_REFUSAL {
            break;
        }
    }
    let text = String::from_utf8_lossy(&text);
    Refusal {
        status,
        code: element(&text, "Code"),
        message: element(&text, "Message"),
        region,
        unsent: false,
    }
}

/// The text of the first element of this name.
fn element(xml: &str, name: &str) -> String {
    let text = xml
        .split_once(&format!("<{name}>"))
        .and_then(|(_, rest)| rest.split_once("</"));
    let text = text.map_or("", |(text, _)| text);
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
    ];
    let text = entities
        .iter()
        .fold(text.to_owned(), |text, (entity, sign)| {
            text.replace(entity, sign)
        });
    text.replace("&amp;", "&")
}

/// A key as a path: all but unreserved characters and `/` as `%XX`, as the signature is taken of it.
/// Source: S3 API Reference, "Signature Calculations for the Authorization Header", UriEncode.
fn encoded(key: &str) -> String {
    let mut path = String::with_capacity(key.len() + 16);
    for &byte in key.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                path.push(char::from(byte));
            }
            _ => {
                path.push('%');
                for half in [byte >> 4, byte & 15] {
                    path.push(char::from(b"0123456789ABCDEF"[usize::from(half)]));
                }
            }
        }
    }
    path
}

#[cfg(test)]
mod tests {
    use super::{element, encoded, wait};
    use std::time::Duration;

    #[test]
    fn keys_become_paths() {
        assert_eq!(encoded("AWSLogs/1/x_y-z~.gz"), "AWSLogs/1/x_y-z~.gz");
        assert_eq!(encoded("a b+c?d%é=&"), "a%20b%2Bc%3Fd%25%C3%A9%3D%26");
    }

    #[test]
    fn refusals_are_read() {
        let xml = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>a &lt;b&gt; &amp;amp; c</Message></Error>";
        assert_eq!(element(xml, "Code"), "AccessDenied");
        assert_eq!(element(xml, "Message"), "a <b> &amp; c");
        assert_eq!(element(xml, "Region"), "");
        assert_eq!(element("<Code>cut", "Code"), "");
    }

    #[test]
    fn waits_grow_and_stay_bounded() {
        for failures in 1..40 {
            let wait = wait("key", failures);
            assert!(wait >= Duration::from_millis(25) && wait < Duration::from_millis(7_500));
        }
        assert!(wait("key", 3) > wait("key", 1));
        assert_ne!(wait("a", 1), wait("b", 1));
    }
}
