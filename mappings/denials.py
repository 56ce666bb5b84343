#!/usr/bin/env python3
"""Holds the tables to what AWS itself says: the action and the resource that AccessDenied messages of real logs name.

    python3 mappings/denials.py LOGS [--program target/debug/trailfit]

LOGS is a folder of delivery files. The program believes a message, so that its errors are taken out of the records before it
maps them. Build the program first: `cargo build`.
"""

import argparse
import json
import re
import subprocess
from collections import Counter
from pathlib import Path

from generate import HERE
from wildcards import records_below

MESSAGE = re.compile(r"not authorized to perform:? (?P<action>[\w-]+:\w+)(?: on resource: (?P<resource>\S+))?")


def covers(pattern, text):
    """Whether an ARN with `*` and `?` for any text and any character (`${*}` is a plain star) covers another."""
    parts = re.split(r"(\$\{.\}|[*?])", pattern)
    kinds = {"*": ".*", "?": "."}
    return re.fullmatch("".join(kinds.get(part) or re.escape(re.sub(r"^\$\{(.)\}$", r"\1", part)) for part in parts), text)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=Path)
    parser.add_argument("--program", default=str(HERE.parent / "target/debug/trailfit"))
    args = parser.parse_args()
    named, lines = {}, []
    for identity, record in records_below(args.logs).items():
        match = MESSAGE.search(record.get("errorMessage") or "")
        if match:
            named[identity] = (record, match["action"], (match["resource"] or "").rstrip("."))
            lines.append(json.dumps({key: value for key, value in record.items() if not key.startswith("error")}))
    answer = subprocess.run([args.program, "map", "-", "--quiet"], input="\n".join(lines), text=True,
                            capture_output=True, check=True)
    counts, left = Counter(), Counter()
    for text in answer.stdout.splitlines():
        line = json.loads(text)
        record, action, resource = named[line["eventId"]]
        needs = {need["action"].lower(): need["resources"] for need in line["needs"]}
        resources = needs.get(action.lower())
        if resources is None:
            way = "another action"
        elif not resource:
            way = "the same action; the message names no resource"
        elif resource in resources:
            way = "the same action and resource"
        elif any(covers(ours, resource) for ours in resources):
            way = "the same action, and a wildcard that covers the resource"
        else:
            way = "the same action, another resource"
        counts[way] += 1
        if way != "the same action and resource":
            left[way, f"{line['eventSource']}:{line['eventName']}", action, resource, str(resources),
                 json.dumps(record.get("requestParameters"))[:120]] += 1
    print(f"messages that name an action: {sum(counts.values())}")
    for way, count in counts.most_common():
        print(f"  {way}: {count}")
    for row, count in sorted(left.items()):
        print(count, *row, sep="\t")


if __name__ == "__main__":
    main()
