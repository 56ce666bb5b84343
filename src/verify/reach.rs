//! How far one statement reaches a request: its actions, resources and conditions. Whom it speaks of is the matter of
//! [`crate::verify::caller`].

use crate::iam::policy::Effect;
use crate::verify::context::Context;
use crate::verify::evaluate::Request;
use crate::verify::glob::Glob;
use crate::verify::matcher::Answer;
use crate::verify::policy::Statement;
use crate::verify::resource::Subject;

/// How far a statement reaches a request.
pub(crate) enum Reach<'p> {
    /// Its action fits, its resource does not.
    Action,
    /// Its action fits, its resource fits some of the family that is asked about.
    Part,
    /// All fits but the condition on this key.
    Unmet(&'p str),
    /// That is not known.
    Open,
    /// It applies.
    Full,
}

/// The keys that keep `statement` from being decided.
pub(crate) fn open_keys(statement: &Statement, context: &Context) -> Vec<String> {
    let resources = statement.resources.iter().flat_map(|r| &r.items);
    let variables = resources.flat_map(|r| r.open_variables(context));
    let conditions = statement
        .conditions
        .iter()
        .filter(|c| c.holds(context) == Answer::Unknown)
        .flat_map(|c| c.open_keys(context));
    variables.chain(conditions).map(str::to_owned).collect()
}

/// How far `statement` reaches `request`, whose action it is known to fit.
pub(crate) fn reach<'p>(statement: &'p Statement, request: &Request<'_>) -> Reach<'p> {
    let resource = fits_resource(statement, &request.subject, request.context);
    if resource == Answer::No {
        let part = request.subject.is_family() && meets_resource(statement, request);
        return if part { Reach::Part } else { Reach::Action };
    }
    let mut open = resource == Answer::Unknown;
    for condition in &statement.conditions {
        match condition.holds(request.context) {
            Answer::No => return Reach::Unmet(&condition.key),
            Answer::Unknown => open = true,
            Answer::Yes => {}
        }
    }
    if open { Reach::Open } else { Reach::Full }
}

/// Whether the statement speaks of the request's action.
pub(crate) fn fits_action(statement: &Statement, request: &Request<'_>) -> bool {
    speaks_of(statement, &request.action_glob)
}

/// Whether the statement speaks of `action`, which is in lower case.
pub(crate) fn speaks_of(statement: &Statement, action: &Glob) -> bool {
    let listed = &statement.actions;
    let any = listed.items.iter().any(|a| a.matches(action));
    any != listed.negated
}

/// Whether the statement speaks of `subject`.
///
/// What grants must surely match all of it, what refuses need only be able to match some of it. So `Allow` with
/// `Resource` and `Deny` with `NotResource` ask whether a pattern covers it; `Deny` with `Resource` and `Allow` with
/// `NotResource` ask whether a pattern can meet it.
pub(crate) fn fits_resource(statement: &Statement, subject: &Subject, context: &Context) -> Answer {
    let Some(listed) = &statement.resources else {
        return Answer::Yes;
    };
    // A pattern with a variable that has no value names no resource; whether its negation names all is not documented.
    let unfilled = if listed.negated {
        Answer::Unknown
    } else {
        Answer::No
    };
    let covering = (statement.effect == Effect::Allow) != listed.negated;
    let matched = Answer::any(listed.items.iter().map(|pattern| {
        if covering {
            pattern.covers(subject, context, unfilled)
        } else {
            pattern.meets(subject, context, unfilled)
        }
    }));
    if listed.negated { !matched } else { matched }
}

/// Whether one of the statement's resources can match some of the request's.
fn meets_resource(statement: &Statement, request: &Request<'_>) -> bool {
    let listed = statement.resources.iter().filter(|listed| !listed.negated);
    let (subject, context) = (&request.subject, request.context);
    listed
        .flat_map(|listed| &listed.items)
        .any(|pattern| pattern.meets(subject, context, Answer::No) != Answer::No)
}

/// Calls `mark` with each pair of an action and a resource of `statement` (their places in its lists; a negated list
/// has the one place 0) that together match some of `request`, conditions aside.
pub(crate) fn touch(
    statement: &Statement,
    request: &Request<'_>,
    mut mark: impl FnMut(usize, usize),
) {
    if !fits_action(statement, request) {
        return;
    }
    let meets = |place: usize| match &statement.resources {
        Some(listed) if !listed.negated => {
            let pattern = &listed.items[place];
            pattern.meets(&request.subject, request.context, Answer::No) != Answer::No
        }
        _ => fits_resource(statement, &request.subject, request.context) != Answer::No,
    };
    let resources: Vec<usize> = (0..resource_places(statement))
        .filter(|r| meets(*r))
        .collect();
    let actions = &statement.actions;
    for action in 0..action_places(statement) {
        if actions.negated || actions.items[action].matches(&request.action_glob) {
            resources.iter().for_each(|r| mark(action, *r));
        }
    }
}

/// How many places [`touch`] tells apart among the actions.
pub(crate) fn action_places(statement: &Statement) -> usize {
    if statement.actions.negated {
        1
    } else {
        statement.actions.items.len()
    }
}

/// How many places [`touch`] tells apart among the resources.
pub(crate) fn resource_places(statement: &Statement) -> usize {
    match &statement.resources {
        Some(listed) if !listed.negated => listed.items.len(),
        _ => 1,
    }
}
