//! Grants into documents that fit the quota, in their canonical order.

use crate::generate::Part;
use crate::generate::minimise::Grant;
use crate::generate::quota::Quota;
use crate::generate::sid::{LONGEST, sids};
use crate::iam::action::Action;
use crate::iam::arn::ResourceArn;
use crate::iam::condition::Condition;
use crate::iam::policy::{Effect, PolicyDocument, Statement};

/// Documents, and what to tell about them.
#[derive(Default)]
pub(super) struct Split {
    pub(super) documents: Vec<PolicyDocument>,
    /// As [`Plan::parts`](crate::generate::Plan::parts).
    pub(super) parts: Vec<Vec<Part>>,
    pub(super) notes: Vec<String>,
}

/// The documents, each of at most as many characters as `quota` has, as [`PolicyDocument::size`] counts them. A pair of action and
/// resource that alone is larger is left out, and a note names it.
///
/// A service stays in one document where it fits into one, so that a change in its usage touches few; services stand in order,
/// unless fewer documents hold them in another one. Only where `quota` takes fewer documents than that a service may be
/// spread over several.
pub(super) fn documents(grants: Vec<Grant>, quota: Quota) -> Split {
    let mut notes = Vec::new();
    let mut pieces = Vec::new();
    let room = quota
        .characters
        .saturating_sub(PolicyDocument::default().size());
    for grant in grants {
        cut(grant, room, &mut pieces, &mut notes);
    }
    let sids = sids(&pieces);
    let parts: Vec<Part> = pieces.iter().map(|grant| grant.part).collect();
    let statements: Vec<Statement> = pieces
        .into_iter()
        .zip(sids)
        .map(|(grant, sid)| Statement {
            sid,
            effect: Effect::Allow,
            actions: grant.actions,
            resources: grant.resources,
            conditions: grant.conditions,
        })
        .collect();
    let packed = pack(&statements, &parts, room, quota.documents);
    let of = |places: &Vec<usize>| places.iter().map(|&at| parts[at]).collect();
    let parts = packed.iter().map(of).collect();
    let mut statements: Vec<Option<Statement>> = statements.into_iter().map(Some).collect();
    let documents = packed.iter().map(|places| PolicyDocument {
        statements: places
            .iter()
            .filter_map(|&at| statements[at].take())
            .collect(),
    });
    Split {
        documents: documents.collect(),
        parts,
        notes,
    }
}

/// Characters of `text` as a JSON string, with a comma.
fn quoted(text: &str) -> usize {
    let plain = |b: u8| matches!(b, b' '..=b'~') && b != b'"' && b != b'\\';
    if text.bytes().all(plain) {
        return text.len() + 3;
    }
    // Serialising a string cannot fail.
    serde_json::to_string(text).map_or(usize::MAX / 2, |json| json.chars().count() + 1)
}

/// Characters of a statement without its actions and resources, with the longest Sid and a comma.
fn frame(conditions: &[Condition]) -> usize {
    let statement = Statement {
        sid: "x".repeat(LONGEST),
        effect: Effect::Allow,
        actions: Vec::new(),
        resources: Vec::new(),
        conditions: conditions.to_vec(),
    };
    statement.size() + 1
}

/// Adds `grant` to `pieces`, in as many as it takes for each to fit into `room`: cut by resources, and by actions too
/// where all actions with a single resource are too many.
fn cut(grant: Grant, room: usize, pieces: &mut Vec<Grant>, notes: &mut Vec<String>) {
    let room = room.saturating_sub(frame(&grant.conditions));
    let action_sizes: Vec<usize> = grant.actions.iter().map(|a| quoted(a.as_str())).collect();
    let widest_action = action_sizes.iter().copied().max().unwrap_or(0);
    let (resources, too_long): (Vec<ResourceArn>, Vec<ResourceArn>) = grant
        .resources
        .into_iter()
        .partition(|r| widest_action + quoted(r.as_str()) <= room);
    for resource in too_long {
        let actions: Vec<&str> = grant.actions.iter().map(Action::as_str).collect();
        notes.push(format!(
            "left out, because one statement with it is larger than the quota: {} on {resource}",
            actions.join(", ")
        ));
    }
    let sizes: Vec<usize> = resources.iter().map(|r| quoted(r.as_str())).collect();
    let widest_resource = sizes.iter().copied().max().unwrap_or(0);
    let parts: Vec<(&[Action], &[ResourceArn])> = runs(
        &grant.actions,
        &action_sizes,
        room - widest_resource.min(room),
    )
    .into_iter()
    .flat_map(|actions| {
        let left = room - quoted_all(actions).min(room);
        let runs = runs(&resources, &sizes, left).into_iter();
        runs.map(move |resources| (actions, resources))
    })
    .collect();
    // Most stay whole.
    if let [(_, all)] = parts.as_slice()
        && all.len() == resources.len()
    {
        return pieces.push(Grant { resources, ..grant });
    }
    pieces.extend(parts.into_iter().map(|(actions, resources)| Grant {
        actions: actions.to_vec(),
        resources: resources.to_vec(),
        conditions: grant.conditions.clone(),
        part: grant.part,
    }));
}

fn quoted_all(actions: &[Action]) -> usize {
    actions.iter().map(|a| quoted(a.as_str())).sum()
}

/// `items` in runs whose sizes sum up to at most `room`, each as long as it can be; an item that is larger stands alone.
fn runs<'a, T>(items: &'a [T], sizes: &[usize], room: usize) -> Vec<&'a [T]> {
    let mut out = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, size) in sizes.iter().enumerate() {
        if at > start && used + size > room {
            out.push(&items[start..at]);
            (start, used) = (at, 0);
        }
        used += size;
    }
    if start < items.len() {
        out.push(&items[start..]);
    }
    out
}

/// The places of the statements of each document, whose statements have at most `room` characters; no more than `allowed`
/// documents where that can be.
fn pack(statements: &[Statement], parts: &[Part], room: usize, allowed: usize) -> Vec<Vec<usize>> {
    // The comma of the last statement is counted though it is not written.
    let sizes: Vec<usize> = statements.iter().map(|s| s.size() + 1).collect();
    let of = |at: usize| statements[at].actions.first().map_or("", Action::service);
    let places: Vec<usize> = (0..statements.len()).collect();
    let services: Vec<&[usize]> = places
        .chunk_by(|&a, &b| (parts[a], of(a)) == (parts[b], of(b)))
        .collect();
    let in_order = in_order(&services, &sizes, room);
    if in_order.len() < 2 {
        return in_order;
    }
    let mut best = in_order;
    let singles: Vec<&[usize]> = places.chunks(1).collect();
    for (blocks, wanted) in [(&services, usize::MAX), (&singles, allowed)] {
        let found = by_size(blocks, parts, &sizes, room);
        // A service is torn apart only for what it is worth.
        if found.len() < best.len() && found.len() <= wanted {
            best = found;
        }
        if best.len() <= allowed {
            break;
        }
    }
    best
}

/// The blocks in their order. One that would not fit into what is left of a document begins a new one where it fits into one
/// whole.
fn in_order(blocks: &[&[usize]], sizes: &[usize], room: usize) -> Vec<Vec<usize>> {
    let mut documents: Vec<Vec<usize>> = Vec::new();
    let mut used = 0;
    for block in blocks {
        let whole: usize = block.iter().map(|&at| sizes[at]).sum();
        let mut apart = used + whole > room && whole <= room;
        for &at in *block {
            if documents.is_empty() || apart || used + sizes[at] > room {
                documents.push(Vec::new());
                (used, apart) = (0, false);
            }
            used += sizes[at];
            if let Some(document) = documents.last_mut() {
                document.push(at);
            }
        }
    }
    documents
}

/// The most statements that are tried in every document.
const MAX_TRIED: usize = 2_000;

/// Of each part the largest blocks first, each in the first document that has room; a block larger than a document
/// statement by statement. A part begins in the last document of the one before, so that parts stand one after another.
fn by_size(blocks: &[&[usize]], parts: &[Part], sizes: &[usize], room: usize) -> Vec<Vec<usize>> {
    if sizes.len() > MAX_TRIED {
        return in_order(blocks, sizes, room);
    }
    let mut documents: Vec<(usize, Vec<usize>)> = Vec::new();
    let size = |block: &[usize]| block.iter().map(|&at| sizes[at]).sum::<usize>();
    for part in blocks.chunk_by(|a, b| parts[a[0]] == parts[b[0]]) {
        let before = documents.len();
        let first = before.saturating_sub(1);
        let mut order = part.to_vec();
        order.sort_by_key(|block| usize::MAX - size(block));
        for block in order {
            let pieces: Vec<&[usize]> = match size(block) <= room {
                true => vec![block],
                false => block.chunks(1).collect(),
            };
            for piece in pieces {
                let free =
                    |(used, _): &&mut (usize, Vec<usize>)| used.saturating_add(size(piece)) <= room;
                match documents[first..].iter_mut().find(free) {
                    Some((used, places)) => {
                        *used += size(piece);
                        places.extend(piece);
                    }
                    None => documents.push((size(piece), piece.to_vec())),
                }
            }
        }
        for (_, places) in &mut documents[first..] {
            places.sort_unstable();
        }
        documents[before..].sort_by_key(|(_, places)| places[0]);
    }
    documents.into_iter().map(|(_, places)| places).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::{prop, proptest};

    use crate::generate::Part;
    use crate::generate::minimise::Grant;
    use crate::generate::quota::{Quota, Target};
    use crate::iam::action::Action;
    use crate::iam::arn::ResourceArn;
    use crate::iam::policy::PolicyDocument;

    fn grant(service: &str, actions: usize, resources: usize) -> Grant {
        let action = |i| Action::parse(&format!("{service}:Action{i:03}")).unwrap();
        let resource = |i| ResourceArn::from_pattern(format!("arn:aws:{service}:::name/{i:04}"));
        Grant {
            actions: (0..actions).map(action).collect(),
            resources: (0..resources).map(resource).collect(),
            conditions: Vec::new(),
            part: Part::Recurring,
        }
    }

    fn documents(grants: Vec<Grant>, characters: usize) -> (Vec<PolicyDocument>, Vec<String>) {
        let quota = Quota {
            characters,
            ..Target::Role.quota()
        };
        let split = super::documents(grants, quota);
        let counts: Vec<usize> = split.documents.iter().map(|d| d.statements.len()).collect();
        let parts: Vec<usize> = split.parts.iter().map(Vec::len).collect();
        assert_eq!(counts, parts);
        (split.documents, split.notes)
    }

    fn pairs<'a>(
        statements: impl Iterator<Item = (&'a Vec<Action>, &'a Vec<ResourceArn>)>,
    ) -> Vec<(String, String)> {
        let mut out: Vec<_> = statements
            .flat_map(|(actions, resources)| {
                let each = |a: &Action| {
                    resources
                        .iter()
                        .map(|r| (a.to_string(), r.to_string()))
                        .collect::<Vec<_>>()
                };
                actions.iter().flat_map(each).collect::<Vec<_>>()
            })
            .collect();
        out.sort();
        out
    }

    fn services(document: &PolicyDocument) -> BTreeSet<&str> {
        document
            .statements
            .iter()
            .map(|s| s.actions[0].service())
            .collect()
    }

    #[test]
    fn a_service_moves_whole_to_a_new_document_where_it_fits() {
        let grants = vec![grant("a", 2, 10), grant("b", 2, 5), grant("b", 1, 5)];
        // All but the last would fit into the first document.
        let quota = documents(grants[..2].to_vec(), usize::MAX).0[0].size() + 10;
        let (found, notes) = documents(grants, quota);
        let found: Vec<_> = found.iter().map(services).collect();
        assert_eq!(found, [BTreeSet::from(["a"]), BTreeSet::from(["b"])]);
        assert_eq!(notes, Vec::<String>::new());
    }

    #[test]
    fn what_fits_into_one_document_stays_in_one() {
        let grants = vec![grant("a", 3, 30), grant("b", 3, 30)];
        let size = documents(grants.clone(), usize::MAX).0[0].size();
        assert_eq!(documents(grants.clone(), size + 128).0.len(), 1);
        assert_eq!(documents(grants, size - 1).0.len(), 2);
    }

    #[test]
    fn what_cannot_fit_is_left_out_and_named() {
        let mut huge = grant("a", 1, 2);
        huge.resources
            .push(ResourceArn::from_pattern("x".repeat(7_000)));
        let (found, notes) = documents(vec![huge], 6_144);
        assert_eq!(
            pairs(
                found[0]
                    .statements
                    .iter()
                    .map(|s| (&s.actions, &s.resources))
            )
            .len(),
            2
        );
        assert_eq!(notes.len(), 1);
        assert!(notes[0].starts_with("left out") && notes[0].contains("a:Action000"));
        let (none, notes) = documents(vec![grant("a", 2, 2)], 10);
        assert_eq!((none.len(), notes.len()), (0, 2));
    }

    #[test]
    fn services_change_places_only_where_that_saves_a_document() {
        // In order no two but the last fit together.
        let grants = vec![
            grant("a", 1, 5),
            grant("b", 1, 6),
            grant("c", 1, 5),
            grant("d", 1, 4),
        ];
        let size = |grants: &[Grant]| documents(grants.to_vec(), usize::MAX).0[0].size();
        let quota = size(&[grants[0].clone(), grants[2].clone()]) + 10;
        assert!(quota < size(&grants[..2]));
        let (found, _) = documents(grants, quota);
        let found: Vec<_> = found.iter().map(services).collect();
        assert_eq!(
            found,
            [BTreeSet::from(["a", "c"]), BTreeSet::from(["b", "d"])]
        );
    }

    #[test]
    fn parts_stand_one_after_another() {
        let part = |part, grant: Grant| Grant { part, ..grant };
        let grants = vec![
            part(Part::Recurring, grant("a", 2, 8)),
            part(Part::Recurring, grant("b", 2, 8)),
            part(Part::Recurring, grant("c", 2, 2)),
            part(Part::OneOff, grant("a", 2, 1)),
            part(Part::OneOff, grant("d", 2, 8)),
            part(Part::Inferred, grant("e", 2, 8)),
        ];
        let quota = Quota {
            characters: 600,
            ..Target::Role.quota()
        };
        let split = super::documents(grants, quota);
        let parts: Vec<Part> = split.parts.concat();
        assert!(split.documents.len() > 2 && parts.is_sorted(), "{parts:?}");
    }

    proptest! {
        #[test]
        fn splitting_is_exact_and_keeps_the_quota(
            shapes in prop::collection::vec(("[a-d]", 1_usize..40, 1_usize..40), 1..6),
            quota in 250_usize..4_000,
        ) {
            let grants: Vec<Grant> = shapes.iter().map(|(s, a, r)| grant(s, *a, *r)).collect();
            let wanted = pairs(grants.iter().map(|g| (&g.actions, &g.resources)));
            let (found, _) = documents(grants, quota);
            let statements = || found.iter().flat_map(|d| &d.statements);
            assert_eq!(pairs(statements().map(|s| (&s.actions, &s.resources))), wanted);
            assert!(found.iter().all(|d| d.size() <= quota && !d.statements.is_empty()));
            let sids: BTreeSet<&str> = statements().map(|s| s.sid.as_str()).collect();
            assert_eq!(sids.len(), statements().count());
        }
    }
}
