//! `trailfit simulate`: what would IAM say to these requests?

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use crate::cli::policies::{Loaded, Principals, attached, levels, load};
use crate::cli::{Ending, output, tell};
use crate::error::{Error, Result};
use crate::report::terminal;
use crate::verify::authorize::{Policies, authorize};
use crate::verify::context::Context;
use crate::verify::evaluate::{Decision, Matched, Request};

/// Judge requests by policies, as IAM does: JSON lines in, JSON lines out.
///
/// A request is `{"principal", "action", "resource", "context": {"key": ["value", ...]}}`; a key that is not in its context
/// is absent. A FILE holds one policy document or an array of them.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Identity policies of the principal; any of them may allow.
    #[arg(long, value_name = "FILE", num_args = 1.., required_unless_present = "resource_policy")]
    policy: Vec<PathBuf>,

    /// The principal's permissions boundary.
    #[arg(long, value_name = "FILE")]
    boundary: Option<PathBuf>,

    /// Session policies of the principal; any of them may allow.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    session_policy: Vec<PathBuf>,

    /// The SCPs of one level of the principal's organization (its root, an OU, the account). Each FILE is a level, and
    /// each level must allow.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    scp: Vec<PathBuf>,

    /// RCPs of the resource's organization, besides `RCPFullAWSAccess`.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    rcp: Vec<PathBuf>,

    /// The resource's own policy: a bucket policy, a key policy, a role's trust policy.
    #[arg(long, value_name = "FILE")]
    resource_policy: Option<PathBuf>,

    /// The requests, one a line; `-` is stdin.
    #[arg(long, value_name = "FILE")]
    requests: PathBuf,
}

/// One line of the requests. Other keys (an id, the answer that is expected) are passed over.
#[derive(Deserialize)]
struct Asked {
    principal: String,
    action: String,
    resource: String,
    #[serde(default = "Context::complete")]
    context: Context,
}

/// One line of the answers.
#[derive(Serialize)]
struct Answered<'a> {
    decision: &'static str,
    matched: &'a [Matched<'a>],
    reason: String,
}

/// Takes the place of an answer, so that answers stay in step with the requests.
#[derive(Serialize)]
struct Refused {
    error: String,
}

/// Runs the command.
///
/// # Errors
/// Where a policy file is none, the requests can not be read, or stdout takes no more.
pub fn run(arguments: &Arguments) -> Result<Ending> {
    let read = |paths: &[PathBuf], principals| -> Result<Vec<Loaded>> {
        paths.iter().map(|path| load(path, principals)).collect()
    };
    let identity = read(&arguments.policy, Principals::Implied)?;
    let boundary = read(arguments.boundary.as_slice(), Principals::Implied)?;
    let session = read(&arguments.session_policy, Principals::Implied)?;
    let scps = read(&arguments.scp, Principals::Implied)?;
    let rcps = read(&arguments.rcp, Principals::Named)?;
    let resource = read(arguments.resource_policy.as_slice(), Principals::Named)?;
    let policies = Policies {
        identity: &attached(&identity),
        boundary: &attached(&boundary),
        session: &attached(&session),
        scps: &levels(&scps),
        rcps: &attached(&rcps),
        resource: &attached(&resource),
    };
    judge_lines(&arguments.requests, &policies)
}

/// Answers each line of the requests, in their order. A line that is no request is told on stderr, and in its place.
fn judge_lines(path: &Path, policies: &Policies<'_>) -> Result<Ending> {
    let failed = |source| Error::Read {
        path: path.to_owned(),
        source,
    };
    let mut lines: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(failed)?))
    };
    let mut out = output::stdout();
    let mut line = Vec::new();
    let mut unreadable = false;
    for number in 1_u64.. {
        line.clear();
        if lines.read_until(b'\n', &mut line).map_err(failed)? == 0 {
            break;
        }
        let text = line.trim_ascii();
        if text.is_empty() {
            continue;
        }
        let written = match ask(text) {
            Ok(asked) => answer(&asked, policies, &mut out),
            Err(reason) => {
                unreadable = true;
                let place = format!("`{}` line {number}", path.display());
                tell(&format!(
                    "error: {}\n",
                    terminal::safe(&format!("{place}: {reason}"))
                ));
                let error = format!("line {number}: {reason}");
                serde_json::to_writer(&mut out, &Refused { error }).map_err(io::Error::from)
            }
        };
        written
            .and_then(|()| out.write_all(b"\n"))
            .map_err(output::stdout_error)?;
    }
    out.flush().map_err(output::stdout_error)?;
    Ok(Ending::of_input(unreadable))
}

/// The request on `line`, or why there is none.
fn ask(line: &[u8]) -> std::result::Result<Asked, String> {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let asked: Asked = serde_json::from_slice(line).map_err(|error| {
        // Each text that is parsed is one line, so the parser's own count of lines would mislead.
        let text = error.to_string();
        let place = format!(" at line {} column {}", error.line(), error.column());
        match text.strip_suffix(&place) {
            Some(text) => format!("{text} at column {}", error.column()),
            None => text,
        }
    })?;
    let (principal, action, resource) = (&asked.principal, &asked.action, &asked.resource);
    let named = action
        .split_once(':')
        .is_some_and(|(service, name)| !service.is_empty() && !name.is_empty());
    if principal != "*" && !principal.starts_with("arn:") && !principal.contains('.') {
        Err(format!(
            "principal `{principal}` is neither an ARN, nor a service such as `ec2.amazonaws.com`, nor `*`"
        ))
    } else if !named || action.contains(['*', '?']) {
        Err(format!("action `{action}` is not one `service:name`"))
    } else if resource != "*" && !resource.starts_with("arn:") {
        Err(format!("resource `{resource}` is neither an ARN nor `*`"))
    } else {
        Ok(asked)
    }
}

fn answer(asked: &Asked, policies: &Policies<'_>, out: impl Write) -> io::Result<()> {
    let request = Request::new(
        &asked.principal,
        &asked.action,
        &asked.resource,
        &asked.context,
    );
    let judgement = authorize(&request, policies);
    let mut reason = judgement.reason(&request);
    if let Decision::Undecided { .. } = judgement.decision {
        reason.push_str(", of which AWS does not say what it means here: taken to grant less");
    }
    let answered = Answered {
        decision: judgement.cautious().as_str(),
        matched: &judgement.matched,
        reason,
    };
    serde_json::to_writer(out, &answered).map_err(io::Error::from)
}
