//! What the catalog said, so that it is asked once for each call and each error code and not once for each event.

use std::collections::HashMap;
use std::rc::Rc;

use crate::catalog::errors::{self, ErrorClass};
use crate::catalog::operation::{self, Operation, PassRole};
use crate::usage::calls::Touched;
use crate::usage::kind::Row;

/// The most calls, and the most error codes, that are remembered: more than AWS has. Names beyond, which only made-up
/// logs have, are looked up each time.
const MAX: usize = 30_000;

/// A memory of answers; one a worker.
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
