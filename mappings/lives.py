#!/usr/bin/env python3
"""Measures `generated/lifecycle.tsv` against what someone else found out: which permissions Terraform's resources take.

    python3 mappings/lives.py PIKE [--verbose]

PIKE is a checkout of github.com/JamesWoolfenden/pike (Apache-2.0), whose `src/mapping/aws/resource` lists, for resource after
resource, the actions of apply, modify, plan and destroy. Nothing here is made from it. Its lists are not complete, so what the
tables have beside is not wrong for that.
"""

import argparse
import json
from collections import Counter, defaultdict
from pathlib import Path

HERE = Path(__file__).resolve().parent


def table(name):
    lines = (HERE / "generated" / f"{name}.tsv").read_text().splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def lives():
    """`{creating action: {action: step}}`, in lower case, of all types together."""
    found = defaultdict(dict)
    for creator, _kind, steps in table("lifecycle"):
        for letter, name in (step.split(":") for step in steps.split(" ")):
            found[creator.lower()][f"{creator.split(':')[0]}:{name}".lower()] = letter
    return found


def listed(resource, keys):
    """The actions in these lists of one resource; `attributes` has a list for each."""
    lists = [resource.get(key) or [] for key in keys if key != "attributes"]
    if "attributes" in keys:
        lists += [value for value in (resource.get("attributes") or {}).values() if isinstance(value, list)]
    return {action.lower() for actions in lists for action in actions if isinstance(action, str)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pike", type=Path)
    parser.add_argument("--verbose", action="store_true")
    args = parser.parse_args()
    levels = {row[0].lower(): set(row[1]) for row in table("actions")}
    known, counts, missed = lives(), Counter(), Counter()
    for path in sorted((args.pike / "src/mapping/aws/resource").glob("**/*.json")):
        resource = next(iter(json.loads(path.read_text())), {})
        makers = listed(resource, ["apply"]) & known.keys()
        counts["resources"] += 1
        counts["with an action that begins a life"] += bool(makers)
        prefixes = {maker.split(":")[0] for maker in makers}
        ours = {action for maker in makers for action in known[maker]}
        own = lambda keys: {a for a in listed(resource, keys) - makers if a in levels and a.split(":")[0] in prefixes}
        every = own(["apply", "modify", "plan", "destroy", "attributes"])
        for what, theirs in {
            "destroy": {a for a in own(["destroy"]) if levels[a] & set("WP")},
            "read": {a for a in every if levels[a] <= set("LR")},
            "tag": {a for a in every if "T" in levels[a]},
        }.items():
            counts[f"{what}: theirs"] += len(theirs)
            counts[f"{what}: theirs and ours"] += len(theirs & ours)
            missed.update((what, action) for action in theirs - ours)
        ends = {a for maker in makers for a, letter in known[maker].items() if letter == "d"}
        counts["destroy: ours"] += len(ends)
        counts["destroy: ours, and anywhere in theirs"] += len(ends & every)
    for what, count in counts.items():
        print(f"{what}: {count}")
    if args.verbose:
        for (what, action), count in sorted(missed.items()):
            print("missed", what, action, count, sep="\t")


if __name__ == "__main__":
    main()
