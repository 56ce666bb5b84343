//! What our tables have of a policy's entries: looked up once for each text, until a budget is spent.

use std::collections::HashMap;
use std::rc::Rc;

use crate::catalog::action::{self, ActionFacts};
use crate::catalog::arn;
use crate::iam::arn::ArnParts;
use crate::verify::glob::Glob;
use crate::verify::lint::pattern::{self, action_glob, has_wildcard};
use crate::verify::resource::format_tokens;

/// How much is held against the tables for one text, in characters compared or what takes as long. Of AWS's 1,594 managed
/// policies, the one that takes the most takes 1.2 million.
const BUDGET: usize = 1 << 23;

pub(crate) struct Lookup<'n> {
    /// By the entry.
    actions: HashMap<&'n str, Rc<[ActionFacts]>>,
    /// By the prefix in lower case.
    services: HashMap<String, Rc<Service>>,
    /// The formats of ARNs, by the service in them.
    arns: HashMap<&'n str, Rc<[ArnParts<'static>]>>,
    /// By the format.
    formats: HashMap<&'static str, Rc<Glob>>,
    left: usize,
}

struct Service {
    actions: Rc<[ActionFacts]>,
    /// The actions in lower case.
    lower: Vec<String>,
}

impl<'n> Lookup<'n> {
    pub(crate) fn new() -> Self {
        Self {
            actions: HashMap::new(),
            services: HashMap::new(),
            arns: HashMap::new(),
            formats: HashMap::new(),
            left: BUDGET,
        }
    }

    /// Takes `cost` from the budget; whether something is left.
    pub(crate) fn spend(&mut self, cost: usize) -> bool {
        self.left = self.left.saturating_sub(cost);
        self.left > 0
    }

    /// Whether the budget is spent, and what was answered says nothing.
    pub(crate) fn is_spent(&self) -> bool {
        self.left == 0
    }

    /// The actions that the tables have of an entry of `Action`; none of `*` and where the service has a wildcard.
    pub(crate) fn actions(&mut self, entry: &'n str) -> Rc<[ActionFacts]> {
        if let Some(known) = self.actions.get(entry) {
            return known.clone();
        }
        let found = self.find(entry);
        self.actions.insert(entry, found.clone());
        found
    }

    fn find(&mut self, entry: &str) -> Rc<[ActionFacts]> {
        let Some((prefix, name)) = entry.split_once(':') else {
            return Rc::default();
        };
        if !has_wildcard(name) {
            return action::find_in(prefix, name).into_iter().collect();
        }
        let service = self.service(prefix);
        if name == "*" {
            return service.actions.clone();
        }
        if !self.spend(entry.len().saturating_mul(service.actions.len())) {
            return Rc::default();
        }
        let glob = action_glob(entry);
        let each = service.actions.iter().zip(&service.lower);
        let found: Rc<[ActionFacts]> = each
            .filter(|(_, lower)| glob.matches(lower))
            .map(|(facts, _)| *facts)
            .collect();
        // For what it takes to keep them.
        self.spend(found.len() * 32);
        found
    }

    fn service(&mut self, prefix: &str) -> Rc<Service> {
        let prefix = prefix.to_ascii_lowercase();
        let read = |prefix: &String| {
            let actions: Rc<[ActionFacts]> = action::all_of(prefix).collect();
            let lower = actions
                .iter()
                .map(|facts| facts.action.to_ascii_lowercase());
            Rc::new(Service {
                lower: lower.collect(),
                actions: actions.clone(),
            })
        };
        let read = self.services.entry(prefix).or_insert_with_key(read);
        read.clone()
    }

    /// The formats of all ARNs with this service in their third field.
    pub(crate) fn arns(&mut self, service: &'n str) -> Rc<[ArnParts<'static>]> {
        let read = || arn::formats(service).collect();
        self.arns.entry(service).or_insert_with(read).clone()
    }

    /// Whether the resource part of an ARN can be of the format: `text`, and the strings it may stand for.
    pub(crate) fn fits(&mut self, format: &'static str, text: &str, own: &Glob) -> bool {
        let compile = || Rc::new(Glob::new(format_tokens(format)));
        let glob = self.formats.entry(format).or_insert_with(compile).clone();
        let shared = glob.prefix().len().min(own.prefix().len());
        // Most pairs end here.
        let possible = glob.prefix().as_bytes()[..shared] == own.prefix().as_bytes()[..shared];
        let cost = match possible {
            true => format.len().saturating_mul(text.len()).max(1),
            false => 1,
        };
        // A variable may be a path, but for the name of a bucket.
        // Source: Amazon S3 User Guide, "General purpose bucket naming rules".
        let bucket = format == "${BucketName}" && pattern::without_variables(text).contains('/');
        self.spend(cost) && possible && !bucket && glob.meets(own)
    }
}
