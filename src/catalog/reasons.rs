//! The reasons of the overrides that went into the generated tables, for people to check. Nothing is decided by them.

use crate::catalog::table::{Key, Table, columns};

const ACTIONS: Table = Table(include_str!("../../mappings/overrides/actions.tsv"));
const BINDINGS: Table = Table(include_str!("../../mappings/overrides/bindings.tsv"));
const FORMATS: Table = Table(include_str!("../../mappings/overrides/formats.tsv"));
const OPTIONAL_TYPES: Table = Table(include_str!("../../mappings/overrides/optional_types.tsv"));
const SERVICES: Table = Table(include_str!("../../mappings/overrides/services.tsv"));

/// Why the action is known, though the pinned packages do not have it.
#[must_use]
pub fn action(action: &str) -> Option<&'static str> {
    let line = ACTIONS.row(Key::Whole(action))?;
    let [_, _, _, reason] = columns(line);
    Some(reason)
}

/// Why `variable` of a resource type is filled from the parameters that it is filled from.
#[must_use]
pub fn binding(prefix: &str, resource_type: &str, variable: &str) -> Option<&'static str> {
    let of = |resource_type| {
        let mut rows = BINDINGS.rows(Key::Pair(prefix, resource_type));
        rows.find_map(|line| {
            let [_, own, _, reason] = columns(line);
            (own == variable).then_some(reason)
        })
    };
    of(resource_type).or_else(|| of("*"))
}

/// Why the ARN formats of a resource type are not the documented ones.
#[must_use]
pub fn format(prefix: &str, resource_type: &str) -> Option<&'static str> {
    let line = FORMATS.row(Key::Pair(prefix, resource_type))?;
    let [_, _, reason] = columns(line);
    Some(reason)
}

/// Why a resource type is optional to the action, though the reference marks it as required.
#[must_use]
pub fn optional(action: &str, resource_type: &str) -> Option<&'static str> {
    OPTIONAL_TYPES.rows(Key::Whole(action)).find_map(|line| {
        let [_, own, reason] = columns(line);
        (own == resource_type).then_some(reason)
    })
}

/// Why the calls of an event source are checked under the prefixes that they are checked under.
#[must_use]
pub fn service(label: &str) -> Option<&'static str> {
    let line = SERVICES.row(Key::Whole(label))?;
    let [_, _, reason] = columns(line);
    Some(reason)
}

#[cfg(test)]
mod tests {
    use super::{
        ACTIONS, BINDINGS, FORMATS, OPTIONAL_TYPES, SERVICES, action, binding, format, optional,
        service,
    };
    use crate::catalog::table::first_column;

    #[test]
    fn every_row_can_be_found() {
        for table in [ACTIONS, BINDINGS, FORMATS, OPTIONAL_TYPES, SERVICES] {
            let keys: Vec<String> = table
                .all()
                .map(|line| first_column(line).to_ascii_lowercase())
                .collect();
            assert!(keys.is_sorted(), "{keys:?}");
        }
    }

    #[test]
    fn reasons_are_those_of_the_rows() {
        for (reason, has) in [
            (binding("s3", "object", "ObjectName"), true),
            (binding("s3", "object", "Partition"), false),
            (format("logs", "log-group"), true),
            (optional("ecs:ListTasks", "container-instance"), true),
            (optional("ecs:ListTasks", "cluster"), false),
            (
                action("application-cost-profiler:GetReportDefinition"),
                true,
            ),
            (action("s3:GetObject"), false),
            (service("amazonmq"), true),
            (service("s3"), false),
        ] {
            assert_eq!(reason.is_some(), has, "{reason:?}");
        }
    }
}
