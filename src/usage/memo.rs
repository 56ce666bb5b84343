//! What the catalog said, so that it is asked once for each call and each error code and not once for each event.

use std::rc::Rc;

use foldhash::HashMap;

use crate::catalog::errors::{self, ErrorClass};
use crate::catalog::operation::{self, Operation, PassRole};
use crate::usage::kind::Row;

/// What of a call was looked into besides what its key in [`Calls`](crate::usage::calls::Calls) always tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// One bit for each of the first 64 members of `requestParameters`, the lowest for the first.
    pub parameters: u64,
    /// Likewise those that are not, and whose texts were [copied](crate::usage::request::Parameters::copies).
    pub copied: u64,
    /// Whether members of it were sought at any depth ([`below`](crate::usage::request::Parameters::below)).
    pub below: bool,
    /// Whether it was the response.
    pub response: bool,
    /// Whether it was `resources[]`.
    pub resources: bool,
}

impl Touched {
    /// Writes all of it, as part of a key.
    pub fn write(self, out: &mut Vec<u8>) {
        let Self {
            parameters,
            copied,
            below,
            response,
            resources,
        } = self;
        out.extend_from_slice(&parameters.to_le_bytes());
        out.extend_from_slice(&copied.to_le_bytes());
        out.extend([below, response, resources].map(u8::from));
    }

    /// What was looked into by either.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            parameters: self.parameters | other.parameters,
            copied: self.copied | other.copied,
            below: self.below | other.below,
            response: self.response | other.response,
            resources: self.resources | other.resources,
        }
    }
}

/// The most calls, and the most error codes, that are remembered: more than AWS has. Names beyond, which only made-up
/// logs have, are looked up each time.
const MAX: usize = 30_000;

/// A memory of answers; one a worker. Whoever chooses the names can make look-ups slow, no more: whole names are compared.
#[derive(Debug, Default)]
pub struct Memo {
    calls: HashMap<String, HashMap<String, Rc<Call>>>,
    count: usize,
    errors: HashMap<String, ErrorClass>,
    /// What the last event's meaning was found in.
    pub touched: Touched,
}

/// What the catalog says of a call.
#[derive(Debug)]
pub struct Call {
    /// What it is.
    pub operation: Operation,
    /// What it needs, where it needs anything.
    pub needs: Vec<Row>,
    /// Whether it passes a role.
    pub pass_role: PassRole,
}

impl Memo {
    /// What the catalog says of the call `name` of `source`.
    pub fn call(&mut self, source: &str, name: &str) -> Rc<Call> {
        if let Some(call) = self.calls.get(source).and_then(|calls| calls.get(name)) {
            return Rc::clone(call);
        }
        let operation = operation::find(source, name);
        let call = Rc::new(Call {
            operation,
            needs: match operation {
                Operation::Needs(needs) => Row::all(name, needs),
                Operation::NoPermission { .. } | Operation::Unknown => Vec::new(),
            },
            pass_role: operation::pass_role(source, name),
        });
        if self.count < MAX {
            self.count += 1;
            let calls = self.calls.entry(source.to_owned()).or_default();
            calls.insert(name.to_owned(), Rc::clone(&call));
        }
        call
    }

    /// The class of an error code.
    pub fn error(&mut self, code: &str) -> ErrorClass {
        if let Some(class) = self.errors.get(code) {
            return *class;
        }
        let (class, _) = errors::class(code);
        if self.errors.len() < MAX {
            self.errors.insert(code.to_owned(), class);
        }
        class
    }
}
