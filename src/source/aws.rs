//! What all AWS inputs share: the runtime, the configuration and credentials by the SDK's ordinary chain, and errors told
//! plainly. Knows nothing of any one service.

use std::fmt;
use std::future::Future;
use std::io;
use std::iter;
use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{AppName, BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_runtime_api::client::http::{
    HttpConnectorSettings, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use tokio::runtime::{self, Handle, Runtime};

use crate::error::{Error, Result};

/// One thread of the runtime serves so many cores that work on what it fetches.
const CORES_SERVED: usize = 4;

/// How often a request is tried, the first time included.
const ATTEMPTS: u32 = 8;

/// The longest wait before the second try; doubled before each further one.
const WAIT: Duration = Duration::from_millis(100);

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take to begin.
const ANSWER: Duration = Duration::from_secs(60);

/// What a user may say about how AWS is reached, beside the SDK's own environment variables and files.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Another endpoint than AWS's own.
    pub endpoint_url: Option<String>,
    /// The profile of the shared configuration files.
    pub profile: Option<String>,
    /// Whether the requester pays for what is read of a bucket.
    pub request_payer: bool,
}

/// The way to AWS. It must not be dropped by a task of its own runtime: tasks hold what they need of it, and not itself.
#[derive(Debug)]
pub struct Aws {
    runtime: Runtime,
    config: SdkConfig,
    /// Where another endpoint than AWS's own was named.
    endpoint: bool,
    request_payer: bool,
}

impl Aws {
    /// Starts the runtime and loads the configuration by the SDK's ordinary chain: environment, profile, web identity,
    /// container, instance. No credentials are asked for yet.
    ///
    /// # Errors
    /// [`Error::Usage`] where the endpoint is no URL or the system gives no threads.
    pub fn new(options: &Options) -> Result<Self> {
        let usage = |message: String| Error::Usage(message);
        if let Some(url) = &options.endpoint_url
            && !is_endpoint(url)
        {
            let help = "help: give http://host:port or https://host";
            return Err(usage(format!("--endpoint-url `{url}` is no URL\n{help}")));
        }
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let runtime = runtime::Builder::new_multi_thread()
            .worker_threads((cores / CORES_SERVED).clamp(1, 8))
            .thread_name("aws")
            .enable_all()
            .build()
            .map_err(|error| usage(format!("the network cannot be used: {error}")))?;
        let config = runtime.block_on(load(options));
        Ok(Self {
            runtime,
            endpoint: config.endpoint_url().is_some()
                || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some(),
            config,
            request_payer: options.request_payer,
        })
    }

    /// Waits for what `future` gives. Not for the runtime's own tasks, which would wait for themselves.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// Where tasks are started that go on while others work.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        self.runtime.handle()
    }

    /// Whether another endpoint than AWS's own was named, by the options or the environment.
    #[must_use]
    pub fn has_endpoint(&self) -> bool {
        self.endpoint
    }

    /// Whether the requester pays for what is read of a bucket.
    #[must_use]
    pub fn request_payer(&self) -> bool {
        self.request_payer
    }

    /// The configuration for the clients of a Region; without one, of the Region that the chain tells, if it does.
    #[must_use]
    pub fn config(&self, region: Option<&str>) -> SdkConfig {
        match region {
            Some(region) => {
                let region = Region::new(region.to_owned());
                self.config.clone().into_builder().region(region).build()
            }
            None => self.config.clone(),
        }
    }
}

fn is_endpoint(url: &str) -> bool {
    let rest = url
        .strip_prefix("https://")
        .or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|host| {
        !host.is_empty()
            && !host.starts_with(['/', ':'])
            && host.bytes().all(|byte| byte.is_ascii_graphic())
    })
}

async fn load(options: &Options) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT)
        .read_timeout(ANSWER)
        .build();
    let mut loader = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http_client())
        .retry_config(
            RetryConfig::standard()
                .with_max_attempts(ATTEMPTS)
                .with_initial_backoff(WAIT),
        )
        .timeout_config(timeouts);
    if let Ok(name) = AppName::new("trailfit") {
        loader = loader.app_name(name);
    }
    if let Some(profile) = &options.profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = &options.endpoint_url {
        // Not on the loader, which would ask this endpoint for credentials too.
        return loader.load().await.into_builder().endpoint_url(url).build();
    }
    loader.load().await
}

/// The SDK's HTTP client. It keeps connections open in a pool for each choice of timeouts: those who ask a machine's
/// metadata service for credentials have shorter ones.
fn http_client() -> SharedHttpClient {
    let pools = Mutex::new(Vec::new());
    http_client_fn(move |settings, _| {
        let key = (settings.connect_timeout(), settings.read_timeout());
        let mut pools = pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, pool)) = pools.iter().find(|(known, _)| *known == key) {
            return SharedHttpConnector::clone(pool);
        }
        let pool = connector(settings);
        pools.push((key, pool.clone()));
        pool
    })
}

/// Connections of their own, for requests that no SDK client makes.
pub(super) fn new_connector() -> SharedHttpConnector {
    let settings = HttpConnectorSettings::builder()
        .connect_timeout(CONNECT)
        .read_timeout(ANSWER)
        .build();
    connector(&settings)
}

/// Connections over rustls with ring, through the proxy that the environment names.
fn connector(settings: &HttpConnectorSettings) -> SharedHttpConnector {
    let builder = Connector::builder()
        .proxy_config(ProxyConfig::from_env())
        .connector_settings(settings.clone());
    let tls = Provider::Rustls(CryptoMode::Ring);
    SharedHttpConnector::new(builder.tls_provider(tls).build())
}

/// Why AWS did not do what was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The status of the answer; 0 where there was none.
    pub status: u16,
    /// AWS's code for the error, such as `AccessDenied`; empty where none came.
    pub code: String,
    /// What AWS, or the connection, said.
    pub message: String,
    /// The Region that the answer names: of a bucket that lies elsewhere.
    pub region: Option<String>,
    /// Whether the request could not even be sent, for want of credentials mostly.
    pub unsent: bool,
}

impl Refusal {
    /// What became of a request by an SDK client.
    pub fn of<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        let response = error.raw_response();
        let header = |name| response.and_then(|response| response.headers().get(name));
        let said = error.as_service_error().map(ProvideErrorMetadata::meta);
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        Self {
            status: response.map_or(0, |response| response.status().as_u16()),
            code: text(said.and_then(|meta| meta.code())),
            message: match said {
                Some(meta) => text(meta.message()),
                None => chain(error),
            },
            region: header("x-amz-bucket-region").map(str::to_owned),
            unsent: matches!(error, SdkError::ConstructionFailure(_)) || lacks_credentials(error),
        }
    }

    /// What became of asking for credentials, or of making a request of them.
    #[must_use]
    pub fn unsent(error: &(dyn std::error::Error + 'static)) -> Self {
        Self {
            unsent: true,
            ..Self::without_answer(error)
        }
    }

    /// What became of a connection.
    #[must_use]
    pub fn without_answer(error: &(dyn std::error::Error + 'static)) -> Self {
        Self {
            message: chain(error),
            ..Self::default()
        }
    }

    /// Whether another try may help: the service is busy or failed, or nothing was heard of it.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        let busy = [
            "SlowDown",
            "Throttling",
            "ThrottlingException",
            "RequestTimeout",
        ];
        self.status >= 500
            || self.status == 429
            || busy.contains(&self.code.as_str())
            || (self.status == 0 && !self.unsent)
    }

    /// Whether the service asks for fewer requests.
    #[must_use]
    pub fn is_throttling(&self) -> bool {
        let codes = ["SlowDown", "Throttling", "ThrottlingException"];
        self.status == 503 || self.status == 429 || codes.contains(&self.code.as_str())
    }

    /// What it means, in one line, with a cure where there is one for any service; `None` where only the service's own
    /// errors can tell.
    fn common(&self) -> Option<&'static str> {
        Some(match self.code.as_str() {
            "ExpiredToken" | "ExpiredTokenException" | "TokenRefreshRequired" => {
                "the credentials have expired: renew them, as with `aws sso login`"
            }
            "InvalidAccessKeyId" | "InvalidClientTokenId" | "UnrecognizedClientException" => {
                "AWS does not know the access key: it is mistyped, deleted or of another partition"
            }
            "SignatureDoesNotMatch" => {
                "the signature does not match: the secret access key is wrong"
            }
            "RequestTimeTooSkewed" => "this machine's clock is wrong by more than 15 minutes",
            "InvalidToken" => "the session token is not valid for this access key",
            _ if self.is_throttling() => "AWS asks for fewer requests, and goes on doing so",
            _ if self.unsent && self.message.contains("credential") => {
                "there are no credentials: give --profile, `aws sso login`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            }
            _ => return None,
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = match (self.code.as_str(), self.message.as_str()) {
            ("", "") => format!("status {}", self.status),
            ("", message) => message.to_owned(),
            (code, "") => code.to_owned(),
            (code, message) => format!("{code}: {message}"),
        };
        match self.common() {
            Some(meaning) => write!(f, "{meaning} ({said})"),
            None => f.write_str(&said),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::other(refusal)
    }
}

/// The causes of an error, the error itself where it has none: clients say of themselves only that they failed.
fn causes<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'e (dyn std::error::Error + 'static)> {
    let first = error.source().unwrap_or(error);
    iter::successors(Some(first), |error| error.source())
}

fn lacks_credentials(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<CredentialsError>())
}

/// An error's causes behind colons, each once: outer ones often repeat inner ones.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = String::new();
    for cause in causes(error).filter(|cause| !cause.is::<ConnectorError>()) {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    match text.is_empty() {
        true => error.to_string(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, is_endpoint};

    #[test]
    fn endpoints() {
        for good in ["http://127.0.0.1:9000", "https://s3.example.com/x"] {
            assert!(is_endpoint(good), "{good}");
        }
        for bad in [
            "",
            "127.0.0.1:9000",
            "http://",
            "http:///x",
            "https://a b",
            "ftp://x",
        ] {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }

    #[test]
    fn refusals_are_told_plainly() {
        let refusal = |status, code: &str, message: &str| Refusal {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            region: None,
            unsent: status == 0 && message.contains("credentials"),
        };
        for (refusal, passing, text) in [
            (
                refusal(403, "ExpiredToken", "The provided token has expired."),
                false,
                "the credentials have expired: renew them, as with `aws sso login` (ExpiredToken: The provided token has expired.)",
            ),
            (
                refusal(503, "SlowDown", "Please reduce your request rate."),
                true,
                "AWS asks for fewer requests, and goes on doing so (SlowDown: Please reduce your request rate.)",
            ),
            (refusal(500, "", ""), true, "status 500"),
            (refusal(400, "Odd", ""), false, "Odd"),
            (
                refusal(0, "", "no providers in chain provided credentials"),
                false,
                "there are no credentials: give --profile, `aws sso login`, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (no providers in chain provided credentials)",
            ),
            (
                refusal(0, "", "connection refused"),
                true,
                "connection refused",
            ),
        ] {
            assert_eq!(refusal.to_string(), text);
            assert_eq!(refusal.is_passing(), passing, "{text}");
        }
    }
}
