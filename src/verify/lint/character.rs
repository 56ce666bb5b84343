//! Characters that IAM takes in no policy.

use crate::verify::document::{Node, Value};
use crate::verify::lint::Findings;
use crate::verify::lint::checks;
use crate::verify::lint::spot::Spot;

/// A string with a character that is none of U+0009, U+000A, U+000D and U+0020 to U+00FF.
/// Source: IAM API Reference, CreatePolicy, the pattern of `PolicyDocument`. Between strings JSON allows no others.
pub(crate) fn check(node: &Node, spot: &Spot, found: &mut Findings) {
    match &node.value {
        Value::String(text) => check_text(text, spot, found),
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                check(item, &spot.entry(at, item), found);
            }
        }
        Value::Object(members) => {
            for member in members {
                let at = spot.below(&member.key, &member.node);
                check_text(&member.key, &at.at(member.place), found);
                check(&member.node, &at, found);
            }
        }
        _ => {}
    }
}

fn check_text(text: &str, spot: &Spot, found: &mut Findings) {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    if let Some(c) = text.chars().find(|c| !allowed(*c)) {
        found.add(
            checks::UNSUPPORTED_CHARACTER,
            spot,
            format!(
                "the character U+{:04X} may stand in no policy",
                u32::from(c)
            ),
            "Write `?` in its place where a pattern may stand.",
        );
    }
}
