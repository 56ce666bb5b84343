#!/usr/bin/env python3
"""Scores the ARNs that the program makes of realistic records.

    python3 mappings/score.py [--cache DIR] [--program target/debug/trailfit] [--verbose]

For each required (operation, resource type) pair of the most used services a record is made (`records.py`), the program
maps it, and the ARN that it answers is looked at. Build the program first: `cargo build`.
"""

import argparse
import copy
import fnmatch
import json
import re
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

import bindings
import packages
import records
from generate import HERE, read_facts, read_overrides
from measure import MOST_USED, is_free

# How the names of the calls start that make the resource of the pair.
CREATES = (
    "Allocate", "Associate", "Build", "Copy", "Create", "Export", "Generate", "Import", "Initiate", "Invite", "Issue",
    "Provision", "Publish", "Purchase", "Register", "Request", "Restore", "Run", "Schedule", "Start",
)
# The answers, the good ones first.
ORDER = [
    "filled", "filled but for an id that the service makes", "created by the call", "a list of all",
    "in no request (overrides/untold.tsv)", "not filled", "no ARN of the type", "the record asks for no such action",
]
EXPLAINED, BAD = 4, 5


def models(wheel):
    """`{service: model}` of the newest API versions."""
    return dict(packages.read_models(wheel))


def conditions(call, facts, rows):
    """`{action: [when]}` by the rows of the overrides for the call."""
    found = defaultdict(list)
    for name, when, action, _template, _reason in rows:
        prefix, event = name.split(":", 1)
        same = event.lower() == packages.plain_name(call.name).lower()
        if same and prefix in (call.label, call.signing_name, *facts.prefixes.get(call.label, [])):
            found[action.lower()].append(when)
    return found


def triggered(parameters, when, facts, pair):
    """The parameters changed so that the condition holds."""
    out = copy.deepcopy(parameters or {})
    # EC2's newer calls have all in one member.
    whole = next(iter(out.values())) if len(out) == 1 and next(iter(out)).endswith("Request") else out
    if when.startswith("!"):
        whole.pop(when[1:].split(".")[0], None)
        return out
    path, _, text = when.partition("=")
    *steps, last = path.split(".")
    if not path or steps and not text:
        return out
    place = whole
    for step in steps:
        inner = place.get(step)
        inner = inner[0] if isinstance(inner, list) and inner else inner
        if not isinstance(inner, dict):
            inner = {}
            place[step] = inner
        place = inner
    if not holds(place.get(last), text):
        place[last] = text_like(text, facts, pair)
    return out


def holds(value, wanted):
    """Whether a value is what a condition asks for: anything, a text with `*`, or any other text."""
    if wanted.startswith("!"):
        return isinstance(value, str) and not fnmatch.fnmatch(value.lower(), wanted[1:].lower())
    return value is not None and (not wanted or isinstance(value, str) and fnmatch.fnmatch(value.lower(), wanted.lower()))


def text_like(wanted, facts, pair):
    """A text that a condition asks for; of ARNs the pair's own, if it is like that, else the first that is."""
    _call, action, kind = pair
    if wanted.startswith("arn:"):
        arns = [*facts.formats[action.prefix, kind], *(arn for arns in facts.formats.values() for arn in arns)]
        return next(arn for arn in map(records.sample_arn, arns) if fnmatch.fnmatch(arn, wanted))
    return "sample" if wanted.startswith("!") else wanted.replace("*", " sample") or "sample"


def pairs(facts):
    """(call, action, type) of the required resource types of the most used services."""
    free = {row[0].lower() for row in read_overrides("no_permission")}
    for call in facts.calls:
        if is_free(call, facts, free):
            continue
        for action in {action.full: action for action in facts.needs[id(call)]}.values():
            if action.prefix in MOST_USED:
                for kind, required in action.resource_types:
                    if required:
                        yield call, action, kind


def make(facts, botocore):
    """`[(pair, records)]`: several records where an operation may be logged in more than one way, or where one of
    several conditions asks for the action."""
    shapes = models(botocore)
    rows = read_overrides("operations")
    starts = {}
    for start, kind, *_ in read_overrides("ec2_ids"):
        # The type's name in the reference where it differs from the one in the ARN.
        for (prefix, name), arns in facts.formats.items():
            if prefix == "ec2" and f":{kind}/" in arns[0]:
                starts.setdefault(name, start)
    by_service = defaultdict(dict)
    for (prefix, name), arns in facts.formats.items():
        by_service[prefix][name] = arns
    out, number = [], 0
    for call, action, kind in pairs(facts):
        model = shapes[call.service]
        operation = next(o for o in model["operations"].values() if o["name"] == call.name)
        wanted = records.Wanted(action.prefix, kind, by_service[action.prefix], starts if action.prefix == "ec2" else {})
        maker = records.Maker(model, call.service, wanted)
        shape = model["shapes"].get(operation.get("input", {}).get("shape"), {})
        # No record lacks what a request must have.
        impossible = {f"!{member[0].lower()}{member[1:]}" for member in shape.get("required", [])}
        whens = [when for when in conditions(call, facts, rows).get(action.full.lower(), []) if when not in impossible]
        made = []
        for wrapped in [False, True] if call.service == "ec2" else [False]:
            for when in dict.fromkeys(whens or [""]):
                number += 1
                maker.given = {records.normal(step) for step in when.lstrip("!").partition("=")[0].split(".")}
                parameters = triggered(maker.parameters(operation, wrapped), when, facts, (call, action, kind))
                resources = records.resources_field(call, action, facts.formats)
                response = maker.response(operation)
                made.append(records.record(call, number, parameters, response, resources))
        out.append(((call, action, kind), made))
    return out


def run(program, made):
    """What the program says of each record, `{eventID: {action: [resource]}}`."""
    lines = "\n".join(json.dumps(record) for _pair, records_ in made for record in records_)
    answer = subprocess.run([program, "map", "-", "--quiet"], input=lines, text=True, capture_output=True, check=True)
    out = {}
    for line in answer.stdout.splitlines():
        said = json.loads(line)
        needs = out[said["eventId"]] = defaultdict(list)
        for need in said["needs"]:
            needs[need["action"].lower()] += need["resources"]
    return out


def captured(arn, resource):
    """`{variable: text}` where the resource has the format; `None` where it has another."""
    names, pattern = [], ""
    for literal, name in re.findall(r"([^$]*)(?:\$\{([^}]+)\})?", arn):
        pattern += re.escape(literal)
        if name:
            names.append(name)
            pattern += "(.*)" if name in ("Region", "Account") else "(.+)"
    match = re.fullmatch(pattern, resource)
    return dict(zip(names, match.groups())) if match else None


def judge(pair, record, resources, facts, unknowable, untold):
    """How the answer names the pair's resource."""
    call, action, kind = pair
    if resources is None:
        return "the record asks for no such action"
    best = None
    for arn in facts.formats[action.prefix, kind]:
        for resource in resources:
            found = captured(arn, resource)
            if found is None:
                continue
            open_ = {name for name, text in found.items() if "*" in text.replace("${*}", "") and name != "Partition"}
            if best is None or len(open_) < len(best):
                best = open_
    if best is None:
        return "no ARN of the type"
    if not best:
        return "filled"
    if best <= unknowable.get((action.prefix, kind), set()):
        return "filled but for an id that the service makes"
    if (action.full.lower(), kind) in untold:
        return "in no request (overrides/untold.tsv)"
    if creates(call, action, kind, facts):
        return "created by the call"
    if lists(call, action, kind, facts, record["requestParameters"]):
        return "a list of all"
    return "not filled"


def lists(call, action, kind, facts, parameters):
    """Whether the call asks for all resources of the type: it is named so, and nothing in the request is named like it."""
    # An account's policy of CloudWatch Logs is for all of its log groups.
    if call.name in ("PutAccountPolicy", "DeleteAccountPolicy"):
        return True
    if not re.match(r"(List|Describe|Get|Search)\w*s$", packages.plain_name(call.name)):
        return False
    nouns = [bindings.normal(kind)]
    nouns += [bindings.stem(name) for arn in facts.formats[action.prefix, kind] for name in bindings.variables(arn)[-1:]]
    return not any(bindings.stem(member) in nouns for member in parameters or {})


def creates(call, action, kind, facts):
    """Whether the call makes the resource: its noun is the type or ends in the type's last word; in EC2, whose calls make resources of several types,
    the request has no member that ends in the type's name and `Id`."""
    if not call.name.startswith(CREATES):
        return False
    last = [bindings.variables(arn)[-1:] for arn in facts.formats[action.prefix, kind]]
    nouns = {bindings.normal(kind), *(bindings.stem(name) for names in last for name in names)} - {""}
    if action.prefix == "ec2":
        return not any(re.fullmatch(rf"(?!source).*{noun}ids?", bindings.normal(member)) for noun in nouns for member in call.members)
    last_word = re.split("[- ]", kind)[-1].removesuffix("v2").lower()
    return bindings.is_about(call, nouns) or bindings.noun_of(call).lower().endswith(last_word)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="where the wheels are kept")
    parser.add_argument("--program", default=str(HERE.parent / "target/debug/trailfit"))
    parser.add_argument("--verbose", action="store_true", help="the pairs that are not filled, with what was answered")
    args = parser.parse_args()
    facts = read_facts(args.cache)
    unknowable = defaultdict(set)
    for kind, variable, sources, _reason in read_overrides("bindings"):
        if sources == "-":
            unknowable[tuple(kind.split(":", 1))].add(variable)
    untold = {(action.lower(), kind) for action, kind, _reason in read_overrides("untold")}
    made = make(facts, packages.fetch("botocore", args.cache))
    said = run(args.program, made)
    counts, left = Counter(), []
    for pair, records_ in made:
        answers = [said[record["eventID"]].get(pair[1].full.lower()) for record in records_]
        # The worst answer counts, but a record that is not of the action says nothing.
        ways = [judge(pair, record, answer, facts, unknowable, untold) for record, answer in zip(records_, answers)]
        told = [way for way in ways if not way.startswith("the record")] or ways
        way = max(told, key=lambda way: ORDER.index(way))
        counts[way] += 1
        if ORDER.index(way) >= BAD:
            at = ways.index(way)
            left.append((pair, way, records_[at]["requestParameters"], answers[at]))
    total = sum(counts.values())
    print(f"required (operation, resource type) pairs of the {len(MOST_USED)} most used services: {total}")
    for way in ORDER:
        print(f"  {way}: {counts[way]} ({100 * counts[way] / total:.1f} %)")
    for limit, what in [(EXPLAINED, "filled, made by the service or the call, or all of a list"), (BAD, "with what is in no request")]:
        good = sum(counts[way] for way in ORDER[:limit])
        print(f"{what}: {good} ({100 * good / total:.1f} %)")
    if args.verbose:
        for (call, action, kind), way, parameters, answer in left:
            print(f"{call.service}:{call.name}\t{action.full}\t{kind}\t{way}\t{json.dumps(parameters)[:300]}\t{answer}")


if __name__ == "__main__":
    main()
