//! What the catalog says of actions, asked for once a thread: planning asks for the same few again and again, and the
//! catalog's tables are searched line by line.

use std::cell::RefCell;

use foldhash::HashMap;

use crate::catalog::action::{self, ActionFacts};
use crate::iam::action::Action;

/// More actions are not remembered than this; whoever uses more made them up.
const MAX: usize = 1 << 12;

thread_local! {
    static FOUND: RefCell<HashMap<Action, Option<ActionFacts>>> = RefCell::default();
}

/// As [`action::find`].
pub(super) fn of(action: &Action) -> Option<ActionFacts> {
    FOUND.with_borrow_mut(|found| {
        if let Some(known) = found.get(action) {
            return *known;
        }
        let facts = action::find(action.as_str());
        if found.len() >= MAX {
            found.clear();
        }
        found.insert(action.clone(), facts);
        facts
    })
}

#[cfg(test)]
mod tests {
    use super::{MAX, of};
    use crate::iam::action::Action;

    #[test]
    fn what_is_remembered_is_what_the_catalog_says() {
        for round in 0..2 {
            let found = of(&Action::known("s3:GetObject")).unwrap();
            assert_eq!(found.action, "s3:GetObject", "{round}");
            assert_eq!(of(&Action::known("nobody:KnowsThis")), None);
            for number in 0..=MAX {
                let made_up = Action::parse(&format!("made:Up{number}")).unwrap();
                assert_eq!(of(&made_up), None);
            }
        }
    }
}
