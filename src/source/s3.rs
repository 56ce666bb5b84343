//! S3: finds a bucket's Region, lists what is asked for in it, and says why where it cannot.

use std::io;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_s3::Client;
use aws_sdk_s3::operation::list_objects_v2::builders::ListObjectsV2FluentBuilder;
use aws_sdk_s3::presigning::PresigningConfig;
use aws_sdk_s3::types::{CommonPrefix, Object, RequestPayer};
use tokio::sync::Mutex;
use tokio::task::JoinSet;

use crate::error::{Error, Result};
use crate::source::aws::{self, Aws, Refusal};
use crate::source::fetch::{Fetcher, Remote};
use crate::source::files::LogObject;
use crate::source::get::{Getter, Job};
use crate::source::layout::{Scope, Step, Wanted, bucket_and_prefix};

/// So many folders are listed at a time.
const LISTINGS: usize = 16;

/// Where nothing tells a Region, S3 is asked here, and says which one it is.
const FIRST_REGION: &str = "us-east-1";

/// S3, for all inputs of a run.
#[derive(Clone)]
pub(super) struct S3 {
    aws: Arc<Aws>,
    fetcher: Arc<Fetcher>,
}

/// A folder to be listed, and how deep below the input it is.
struct Folder {
    prefix: String,
    depth: usize,
}

/// What a folder holds.
#[derive(Default)]
struct Found {
    jobs: Vec<Job>,
    folders: Vec<Folder>,
    /// Whether there was anything, asked for or not.
    any: bool,
}

/// A bucket, as long as it is listed.
struct Bucket {
    name: String,
    client: Client,
    region: String,
    payer: Option<RequestPayer>,
    wanted: Wanted,
}

impl S3 {
    pub(super) fn new(options: &aws::Options) -> Result<Self> {
        let aws = Arc::new(Aws::new(options)?);
        let fetcher = Fetcher::new(aws.handle().clone());
        Ok(Self { aws, fetcher })
    }

    /// Lists the log objects in `input`, `s3://bucket/prefix`, that `scope` asks for, in the order in which a folder with the
    /// same names would be walked. The prefix is a folder or an object; what begins with it and goes on is none of it.
    ///
    /// # Errors
    /// [`Error::Usage`] where the input names no bucket, [`Error::Read`] where the bucket cannot be listed or has
    /// nothing there.
    pub(super) fn list(&self, input: &str, scope: &Scope) -> Result<Vec<LogObject>> {
        let (name, prefix) = bucket_and_prefix(input)?;
        let failed = |source| Error::Read {
            path: input.into(),
            source,
        };
        let (mut jobs, getter) = self
            .aws
            .block_on(self.look(name, prefix, scope))
            .map_err(failed)?;
        jobs.sort_by(|a, b| a.key.split('/').cmp(b.key.split('/')));
        let (bucket, getter): (Arc<str>, _) = (name.into(), Arc::new(getter));
        let objects = jobs.into_iter().map(|job| {
            let remote = Remote::new(&self.fetcher, &getter, &bucket, job);
            LogObject::remote(&self.aws, remote)
        });
        Ok(objects.collect())
    }

    async fn look(
        &self,
        name: &str,
        prefix: &str,
        scope: &Scope,
    ) -> io::Result<(Vec<Job>, Getter)> {
        let mut bucket = self.bucket(name, None, scope);
        let mut jobs = bucket.list(prefix).await;
        if let Err(refusal) = &jobs
            && let Some(region) = self.elsewhere(&bucket, refusal).await
        {
            bucket = self.bucket(name, Some(&region), scope);
            jobs = bucket.list(prefix).await;
        }
        let jobs = jobs.map_err(|refusal| explain_list(&refusal, name))?;
        let Some(jobs) = jobs else {
            return Err(io::Error::other("there is nothing"));
        };
        let getter = self.getter(&bucket).await?;
        Ok((jobs, getter))
    }

    fn bucket(&self, name: &str, region: Option<&str>, scope: &Scope) -> Arc<Bucket> {
        let mut config = self.aws.config(region);
        if config.region().is_none() {
            config = self.aws.config(Some(FIRST_REGION));
        }
        let region = config
            .region()
            .map_or_else(String::new, ToString::to_string);
        // Servers other than AWS's seldom answer to the bucket's name as a host.
        let client = aws_sdk_s3::config::Builder::from(&config)
            .force_path_style(self.aws.has_endpoint())
            .build();
        Arc::new(Bucket {
            name: name.to_owned(),
            client: Client::from_conf(client),
            region,
            payer: self.aws.request_payer().then_some(RequestPayer::Requester),
            wanted: Wanted::new(scope),
        })
    }

    /// The Region of a bucket that is not where it was looked for.
    async fn elsewhere(&self, bucket: &Bucket, refusal: &Refusal) -> Option<String> {
        let wrong = refusal.status == 301
            || [
                "PermanentRedirect",
                "AuthorizationHeaderMalformed",
                "IllegalLocationConstraintException",
            ]
            .contains(&refusal.code.as_str());
        if !wrong {
            return None;
        }
        let told = match &refusal.region {
            Some(region) => Some(region.clone()),
            None => match bucket
                .client
                .head_bucket()
                .bucket(&bucket.name)
                .send()
                .await
            {
                Ok(head) => head.bucket_region,
                Err(error) => Refusal::of(&error).region,
            },
        };
        told.filter(|region| *region != bucket.region)
    }

    /// What fetches the bucket's objects. The SDK tells its URL: it knows partitions, endpoints and which names can be
    /// hosts.
    async fn getter(&self, bucket: &Bucket) -> io::Result<Getter> {
        let credentials = self.aws.config(None).credentials_provider();
        let provider = credentials.ok_or_else(|| io::Error::other("there are no credentials"))?;
        let expires = PresigningConfig::expires_in(Duration::from_secs(60));
        let request = bucket.client.get_object().bucket(&bucket.name).key("x");
        let signed = request
            .presigned(expires.map_err(io::Error::other)?)
            .await
            .map_err(|error| explain_list(&Refusal::of(&error), &bucket.name))?;
        let url = signed.uri().split('?').next().unwrap_or_default();
        Ok(Getter {
            base: url.strip_suffix('x').unwrap_or(url).to_owned(),
            region: bucket.region.clone(),
            request_payer: self.aws.request_payer(),
            connector: aws::new_connector(),
            provider,
            identity: Mutex::new(None),
        })
    }
}

impl Bucket {
    /// What `input` names; `None` where there is nothing at all.
    async fn list(self: &Arc<Self>, input: &str) -> std::result::Result<Option<Vec<Job>>, Refusal> {
        let mut found = Found::default();
        let mut top = input.to_owned();
        if !top.is_empty() && !top.ends_with('/') {
            let first = self.ask(input).max_keys(1).send().await;
            let first = first.map_err(|error| Refusal::of(&error))?;
            let named = first.contents().iter().filter_map(job);
            found.jobs.extend(named.filter(|job| job.key == input));
            found.any = !found.jobs.is_empty();
            top.push('/');
        }
        let mut ahead = vec![Folder {
            prefix: top,
            depth: 0,
        }];
        let mut running = JoinSet::new();
        loop {
            while running.len() < LISTINGS
                && let Some(folder) = ahead.pop()
            {
                running.spawn(Arc::clone(self).list_folder(folder));
            }
            let Some(listed) = running.join_next().await else {
                break;
            };
            match listed {
                Ok(listed) => {
                    let listed = listed?;
                    found.any |= listed.any;
                    found.jobs.extend(listed.jobs);
                    ahead.extend(listed.folders);
                }
                Err(failed) => match failed.try_into_panic() {
                    Ok(panic) => resume_unwind(panic),
                    Err(cancelled) => return Err(Refusal::without_answer(&cancelled)),
                },
            }
        }
        Ok(found.any.then_some(found.jobs))
    }

    /// All pages of a folder, as far as they may hold what is asked for.
    async fn list_folder(self: Arc<Self>, folder: Folder) -> std::result::Result<Found, Refusal> {
        let mut ask = self.ask(&folder.prefix);
        match self.wanted.step(&folder.prefix, folder.depth) {
            Step::ByFolder => ask = ask.delimiter("/"),
            Step::Whole(start) => ask = ask.set_start_after(start),
        }
        let mut found = Found::default();
        let mut token = None;
        loop {
            let page = ask
                .clone()
                .set_continuation_token(token.clone())
                .send()
                .await;
            let page = page.map_err(|error| Refusal::of(&error))?;
            let folders = page
                .common_prefixes()
                .iter()
                .filter_map(CommonPrefix::prefix);
            let jobs = page.contents().iter().filter_map(job);
            found.any |= !page.contents().is_empty() || !page.common_prefixes().is_empty();
            // A server that answers with what it was not asked for does not lead in circles.
            let below = folders.filter(|name| {
                name.len() > folder.prefix.len() && name.starts_with(&folder.prefix)
            });
            found
                .folders
                .extend(
                    below
                        .filter(|name| self.wanted.admits(name))
                        .map(|name| Folder {
                            prefix: name.to_owned(),
                            depth: folder.depth + 1,
                        }),
                );
            found
                .jobs
                .extend(jobs.filter(|job| self.wanted.admits(&job.key)));
            let last = page.contents().last().and_then(Object::key);
            let is_over = last.is_some_and(|key| self.wanted.ends_before(key, &folder.prefix));
            let next = page.next_continuation_token;
            if is_over {
                return Ok(found);
            }
            if next.is_none() || next == token {
                return match page.is_truncated {
                    Some(true) => Err(cut_off()),
                    _ => Ok(found),
                };
            }
            token = next;
        }
    }

    fn ask(&self, prefix: &str) -> ListObjectsV2FluentBuilder {
        let ask = self
            .client
            .list_objects_v2()
            .bucket(&self.name)
            .prefix(prefix);
        ask.set_request_payer(self.payer.clone())
    }
}

/// A listing that goes on, and cannot be followed: what was listed is not all there is.
fn cut_off() -> Refusal {
    Refusal {
        message: "the listing is cut off: there is more, and the server does not tell how to go on (ListObjectsV2)"
            .to_owned(),
        ..Refusal::default()
    }
}

fn job(object: &Object) -> Option<Job> {
    let key = object.key()?;
    // A key that ends so stands for a folder, as consoles make them.
    (!key.ends_with('/')).then(|| Job {
        key: key.to_owned(),
        version: object
            .e_tag()
            .unwrap_or_default()
            .trim_matches('"')
            .to_owned(),
        size: object
            .size()
            .and_then(|size| size.try_into().ok())
            .unwrap_or_default(),
    })
}

/// Why a bucket cannot be listed.
fn explain_list(refusal: &Refusal, bucket: &str) -> io::Error {
    explain(
        refusal,
        &format!("`s3:ListBucket` on `arn:aws:s3:::{bucket}`"),
    )
}

/// Why an object of the bucket cannot be read.
pub(super) fn explain_get(refusal: &Refusal, bucket: &str) -> io::Error {
    explain(
        refusal,
        &format!("`s3:GetObject` on `arn:aws:s3:::{bucket}/*`"),
    )
}

/// What S3 said, in plain words; `permission` is what the request needs.
/// Source: S3 API Reference, "Error responses".
fn explain(refusal: &Refusal, permission: &str) -> io::Error {
    let meaning = match refusal.code.as_str() {
        "NoSuchBucket" => "there is no bucket of this name".to_owned(),
        "NoSuchKey" => "the object is there no more".to_owned(),
        "PreconditionFailed" | "InvalidRange" => {
            return io::Error::other("the object was changed after it was listed");
        }
        "InvalidObjectState" => "the object is archived, and must be restored first".to_owned(),
        "PermanentRedirect" | "AuthorizationHeaderMalformed" => {
            let region = refusal.region.as_deref().unwrap_or("the bucket's Region");
            format!("the bucket lies in another Region: set AWS_REGION to {region}")
        }
        code if code.starts_with("KMS.") => {
            "the KMS key that encrypts the object cannot be used".to_owned()
        }
        "AccessDenied" if refusal.message.contains("kms:") => {
            "access denied: `kms:Decrypt` on the key that encrypts the object is missing".to_owned()
        }
        "AccessDenied" => format!(
            "access denied: {permission} is missing, or the requester must pay (--request-payer)"
        ),
        "" if refusal.status == 403 => format!("access denied: {permission} is missing"),
        _ => return refusal.clone().into(),
    };
    match refusal.message.as_str() {
        "" => io::Error::other(meaning),
        message => io::Error::other(format!("{meaning} ({message})")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Refusal, explain_get, explain_list};

    #[test]
    fn refusals_name_what_is_missing() {
        let refusal = |status, code: &str, message: &str| Refusal {
            status,
            code: code.to_owned(),
            message: message.to_owned(),
            ..Refusal::default()
        };
        for (refusal, list, get) in [
            (
                refusal(403, "AccessDenied", "Access Denied"),
                "access denied: `s3:ListBucket` on `arn:aws:s3:::b` is missing, or the requester must pay (--request-payer) (Access Denied)",
                "access denied: `s3:GetObject` on `arn:aws:s3:::b/*` is missing, or the requester must pay (--request-payer) (Access Denied)",
            ),
            (
                refusal(404, "NoSuchBucket", ""),
                "there is no bucket of this name",
                "there is no bucket of this name",
            ),
            (
                refusal(500, "InternalError", "Oops"),
                "InternalError: Oops",
                "InternalError: Oops",
            ),
        ] {
            assert_eq!(explain_list(&refusal, "b").to_string(), list);
            assert_eq!(explain_get(&refusal, "b").to_string(), get);
        }
        let kms = refusal(
            403,
            "AccessDenied",
            "User: u is not authorized to perform: kms:Decrypt on resource: k",
        );
        assert!(
            explain_get(&kms, "b")
                .to_string()
                .starts_with("access denied: `kms:Decrypt` on the key")
        );
    }
}
