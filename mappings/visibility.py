#!/usr/bin/env python3
"""Measures how much the tables tell of CloudTrail's events (`overrides/visibility.tsv`), and holds them to real logs.

    python3 mappings/visibility.py [LOGS] [--cache DIR] [--program target/debug/trailfit] [--verbose]

LOGS is a folder of delivery files. A record there says itself whether it is a management or a data event; the tables should
say the same of the actions that the program maps it to. Build the program first: `cargo build`.
"""

import argparse
import json
import subprocess
from collections import Counter, defaultdict
from pathlib import Path

from generate import HERE, read_facts, read_overrides
from logged import Logged
from measure import MOST_USED
from wildcards import records_below


def measure(facts, table, verbose):
    counts, most, left = Counter(), Counter(), defaultdict(list)
    for action in facts.actions.values():
        logged = table.of(action.full)
        counts[logged] += 1
        most[logged] += action.prefix in MOST_USED
        if logged == "unknown":
            left[action.prefix].append(action.full.split(":")[1] + "*" * (action.full.lower() in table.called))
    for what, count in [("actions", counts), (f"of the {len(MOST_USED)} most used services", most)]:
        print(f"{what} by their events in CloudTrail: " + ", ".join(
            f"{logged} {count[logged]} ({100 * count[logged] / sum(count.values()):.1f} %)" for logged in sorted(count)))
    needed = Counter(table.of(action.full) for action in facts.actions.values() if action.full.lower() in table.called)
    print("of the actions that an operation needs: " + ", ".join(
        f"{logged} {needed[logged]} ({100 * needed[logged] / sum(needed.values()):.1f} %)" for logged in sorted(needed)))
    if verbose:
        print("unknown (* where an operation needs it):")
        for prefix, names in sorted(left.items(), key=lambda item: (-len(item[1]), item[0])):
            print(" ", prefix, len(names), " ".join(sorted(names)))


def says(record):
    """What a record says of itself, in the words of the tables; old versions of the format say nothing."""
    category = record.get("eventCategory")
    if category in ("Management", "Data"):
        return category.lower()
    return {True: "management", False: "data"}.get(record.get("managementEvent")) if category is None else None


def compare(logs, table, program):
    records = {identity: record for identity, record in records_below(logs).items()
               if says(record) and record.get("eventType") == "AwsApiCall"}
    lines = "\n".join(json.dumps(record) for record in records.values())
    answer = subprocess.run([program, "map", "-", "--quiet"], input=lines, text=True, capture_output=True, check=True)
    counts, differences = Counter(), Counter()
    for text in answer.stdout.splitlines():
        line = json.loads(text)
        own = [need["action"] for need in line["needs"] if need["basis"] != "passed-role"]
        if not own:
            counts["mapped to no action"] += 1
            continue
        told = says(records[line["eventId"]])
        ours = {action: table.of(action) for action in own}
        if told in ours.values():
            way = "the same"
        elif "unknown" in ours.values():
            way = "unknown"
        else:
            way = "another"
        counts[f"{told}: {way}"] += 1
        if way != "the same":
            differences[way, told, f"{line['eventSource']}:{line['eventName']}", str(ours)] += 1
    print(f"records that say what they are: {len(records)}")
    for way, count in counts.most_common():
        print(f"  {way}: {count}")
    for row, count in sorted(differences.items()):
        print(count, *row, sep="\t")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("logs", type=Path, nargs="?")
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="where the wheels are kept")
    parser.add_argument("--program", default=str(HERE.parent / "target/debug/trailfit"))
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    facts = read_facts(args.cache)
    table = Logged(facts.needs, read_overrides("visibility"))
    measure(facts, table, args.verbose)
    if args.logs:
        compare(args.logs, table, args.program)


if __name__ == "__main__":
    main()
