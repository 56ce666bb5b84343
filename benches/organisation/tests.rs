//! A fortnight of the organisation, held against trailfit: each finds the other's mistakes.

use std::collections::BTreeSet;

use trailfit::generate::options::{Options, Resources};
use trailfit::generate::plan;
use trailfit::verify::evaluate::Attached;
use trailfit::verify::policy::{Policy, parse};

use crate::files::{logs, truth};
use crate::organisation;
use crate::organisation::Organisation;
use crate::score::{POLICIES, Worth, collected, is_allowed, measure};

fn fortnight(train: u32) -> (Organisation, tempfile::TempDir) {
    let organisation = organisation(1, 14, train);
    let folder = tempfile::tempdir().unwrap();
    logs(folder.path(), &organisation).unwrap();
    (organisation, folder)
}

#[test]
fn an_exact_policy_has_each_action_of_the_answer_key_and_no_other() {
    let (organisation, folder) = fortnight(10);
    let ledger = collected(&organisation, folder.path()).unwrap();
    let options = Options {
        resources: Resources::Exact,
        ..Options::default()
    };
    assert_eq!(
        ledger.principals.len(),
        37 - 1,
        "all but the one that starts after the cut"
    );
    for (principal, usage) in &ledger.principals {
        let truth = &organisation.principals[&principal.arn];
        let documents = plan(usage, &options).documents.into_iter();
        let policies: Vec<Policy> = documents
            .flat_map(|d| parse(&d.to_json()).unwrap())
            .collect();
        let attach = |policy| Attached {
            principal: None,
            name: "exact",
            policy,
        };
        let attached: Vec<Attached<'_>> = policies.iter().map(attach).collect();
        for need in truth.trained.keys() {
            assert!(
                is_allowed(&principal.arn, truth, need, &attached),
                "{}: {need:?}",
                principal.arn
            );
        }
        let used: BTreeSet<&str> = usage.used().map(|(action, ..)| action.as_str()).collect();
        let needed: BTreeSet<&str> = truth.trained.keys().map(|(action, _)| *action).collect();
        assert_eq!(used, needed, "{}", principal.arn);
    }
}

#[test]
fn what_grants_more_refuses_less() {
    let (mut organisation, folder) = fortnight(5);
    // Some of each kind, without those of thousands of objects: this is no measurement.
    let few = [
        "terraform-platform",
        "release-design-system",
        "orders-task",
        "basket-task",
        "checkout-task",
        "profile-task",
        "recommendations-task",
        "model-training",
        "price-import",
        "ines-moreau",
    ];
    organisation
        .principals
        .retain(|arn, _| few.iter().any(|name| arn.ends_with(name)));
    let measured = measure(&organisation, folder.path()).unwrap();
    let mut total = [Worth::default(); POLICIES.len()];
    for worth in measured.worth.values() {
        for (sum, one) in total.iter_mut().zip(worth) {
            sum.add(one);
        }
    }
    let [
        exact,
        balanced,
        complete,
        broad,
        union,
        on_all,
        of_services,
        present,
    ] = &total;
    assert_eq!(exact.granted, union.granted);
    assert_eq!(exact.needs.allowed, union.needs.allowed);
    for (less, more) in [
        (exact, balanced),
        (balanced, complete),
        (balanced, broad),
        (broad, on_all),
        (on_all, of_services),
    ] {
        assert!(less.granted.pairs <= more.granted.pairs);
        assert!(less.needs.allowed <= more.needs.allowed);
        assert!(less.calls.allowed <= more.calls.allowed);
    }
    // Whoever wrote the present grants knew what would be called.
    assert_eq!(present.foreseen_needs.allowed, present.foreseen_needs.all);
    assert!(balanced.needs.allowed > exact.needs.allowed);
    let (some, all) = (broad.granted.pairs, on_all.granted.pairs);
    assert!(2 * some < all, "{some} of {all}");
    // Nobody grants what nobody could foresee, and somebody needs it.
    assert!(exact.needs.all > exact.foreseen_needs.all);
    for worth in &total {
        assert!(
            worth.truly.pairs <= worth.granted.pairs && worth.used.pairs <= worth.granted.pairs
        );
    }
}

#[test]
fn a_seed_is_an_organisation() {
    let key = |seed| truth(seed, &organisation(seed, 3, 2));
    assert_eq!(key(7), key(7));
    assert_ne!(key(7), key(8));
}
