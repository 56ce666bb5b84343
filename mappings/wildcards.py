#!/usr/bin/env python3
"""Counts the resource-level needs of real logs that fall to `*` or to a whole resource type, by reason.

    python3 mappings/wildcards.py LOGS [--cache DIR] [--program target/debug/trailfit] [--verbose]

LOGS is a folder of delivery files. A need is resource-level where its action has a resource type. Build the program
first: `cargo build`.
"""

import argparse
import gzip
import json
import subprocess
from collections import Counter
from pathlib import Path

import packages
from generate import HERE, read_facts, read_overrides
from score import captured, creates, lists

REFUSED = "refused or failed, and the record leaves the parameters out: not granted"
CREATED = "made by the call, which IAM decides on before it has a name"
LISTED = "asks for all of the type"
UNTOLD = "in no record (overrides/untold.tsv)"
OPTIONAL = "names no resource, and the reference requires none"
OTHER = "unexplained"


def records_below(folder):
    """`{eventID: record}` of every JSON file below, gzipped or not; files that are none are passed over."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        data = path.read_bytes()
        try:
            gather(json.loads(gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data), found)
        except (ValueError, OSError):
            pass
    return found


def gather(value, found):
    if isinstance(value, dict) and "eventID" in value:
        found[value["eventID"]] = value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            gather(inner, found)


def is_whole(resource, facts, prefix, kinds):
    """The types of which the resource is every one; `*` is every one of all."""
    if resource == "*":
        return kinds or [""]
    out = []
    for kind in kinds:
        for arn in facts.formats[prefix, kind]:
            texts = captured(arn, resource)
            own = [text for name, text in (texts or {}).items() if name not in ("Partition", "Region", "Account")]
            if own and set(own) == {"*"}:
                out.append(kind)
    return out


def reason(need, line, record, call, action, kinds, facts, untold):
    parameters = record.get("requestParameters")
    if line["outcome"] in ("denied", "inconclusive") and not parameters:
        return REFUSED
    name = action.full.lower()
    if any((name, kind) in untold for kind in kinds):
        return UNTOLD
    if call and any(creates(call, action, kind, facts) for kind in kinds if kind):
        return CREATED
    if need["basis"] == "parameter" and "Tagging" in action.level:
        return CREATED
    if call and all(lists(call, action, kind, facts, parameters) for kind in kinds if kind):
        return LISTED
    if need["resources"] == ["*"] and not any(required for _kind, required in action.resource_types):
        return OPTIONAL
    return OTHER


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=Path)
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="where the wheels are kept")
    parser.add_argument("--program", default=str(HERE.parent / "target/debug/trailfit"))
    parser.add_argument("--verbose", action="store_true", help="every kind of need that falls to a wildcard")
    args = parser.parse_args()
    facts = read_facts(args.cache)
    calls = {f"{call.label}:{packages.plain_name(call.name)}".lower(): call for call in facts.calls}
    untold = {(action.lower(), kind) for action, kind, _reason in read_overrides("untold")}
    records = records_below(args.logs)
    answer = subprocess.run([args.program, "map", str(args.logs), "--quiet"], text=True, capture_output=True, check=False)
    total, reasons, granted, seen = Counter(), Counter(), Counter(), Counter()
    for text in answer.stdout.splitlines():
        line = json.loads(text)
        record = records.get(line["eventId"], {})
        event = packages.plain_name(line["eventName"] or "")
        call = calls.get(f"{(line['eventSource'] or '').split('.')[0]}:{event}".lower())
        for need in line.get("needs", []):
            action = facts.actions.get(need["action"].lower())
            if not action or not action.resource_types:
                continue
            total["all"] += 1
            total["used"] += line["outcome"] == "used"
            types = [kind for kind, _required in action.resource_types]
            kinds = sorted({kind for resource in need["resources"]
                            for kind in is_whole(resource, facts, action.prefix, types)})
            if kinds:
                why = reason(need, line, record, call, action, kinds, facts, untold)
                reasons[why] += 1
                granted[why] += line["outcome"] == "used"
                seen[why, line["eventName"], action.full, " ".join(need["resources"])[:90]] += 1
    print(f"resource-level needs: {total['all']}, of used calls {total['used']}")
    for why in [REFUSED, CREATED, LISTED, UNTOLD, OPTIONAL, OTHER]:
        print(f"  {why}: {reasons[why]} ({100 * reasons[why] / total['all']:.1f} %), "
              f"of used calls {granted[why]} ({100 * granted[why] / total['used']:.1f} %)")
    if args.verbose:
        for row, count in sorted(seen.items(), key=lambda item: (-item[1], item[0])):
            print(count, *row, sep="\t")


if __name__ == "__main__":
    main()
