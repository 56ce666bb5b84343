#!/usr/bin/env python3
"""Measures how many of the calls that pass a role the program sees to pass one.

    python3 mappings/passed.py [--cache DIR] [--program target/debug/trailfit] [--verbose]

A record with every parameter, down to four levels, is made of each call that is known to pass a role
(`measure.known_to_pass`); the program maps it, and is looked at for `iam:PassRole`. What is named after a role has a role's
ARN, what is named after an instance profile a profile's. A call with neither in its API cannot be seen to pass a role.
Build the program first: `cargo build`.
"""

import argparse
from pathlib import Path

import packages
import records
from generate import HERE, read_facts
from measure import known_to_pass, their_table
from score import models, run


ROLE = f"arn:aws:iam::{records.ACCOUNT}:role/sample"
PROFILE = f"arn:aws:iam::{records.ACCOUNT}:instance-profile/sample"


def named(place, name=""):
    """The same with ARNs in what is named after a role or a profile, and whether anything is."""
    if isinstance(place, dict):
        inner = {key: named(value, f"{name}.{key}" if isinstance(value, str) else key) for key, value in place.items()}
        return {key: value for key, (value, _) in inner.items()}, any(found for _, found in inner.values())
    if isinstance(place, list):
        inner = [named(value, name) for value in place]
        return [value for value, _ in inner], any(found for _, found in inner)
    if isinstance(place, str) and "instanceprofile" in name.lower():
        return PROFILE, True
    if isinstance(place, str) and "role" in name.rsplit(".", 1)[-1].lower():
        return ROLE, True
    return place, False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="where the wheels are kept")
    parser.add_argument("--program", default=str(HERE.parent / "target/debug/trailfit"))
    parser.add_argument("--verbose", action="store_true", help="the calls of which no role is seen")
    args = parser.parse_args()
    facts = read_facts(args.cache)
    shapes = models(packages.fetch("botocore", args.cache))
    made, without = [], 0
    for number, call in enumerate(known_to_pass(facts, their_table(args.cache))):
        model = shapes[call.service]
        operation = next(o for o in model["operations"].values() if o["name"] == call.name)
        formats = {"role": facts.formats["iam", "role"]}
        maker = records.Maker(model, call.service, records.Wanted("iam", "role", formats, {}))
        maker.whole = True
        parameters, has_role = named(maker.parameters(operation))
        without += not has_role
        if has_role:
            made.append((call, [records.record(call, number, parameters, None, [])]))
    said = run(args.program, made)
    unseen = [f"{call.service}:{call.name}" for call, [record] in made if "iam:passrole" not in said[record["eventID"]]]
    seen = len(made) - len(unseen)
    print(f"calls known to pass a role: {len(made) + without}, {without} of them with no parameter named after a role")
    print(f"of {len(made)} with one the program sees a role passed in {seen} ({100 * seen / len(made):.1f} %)")
    if args.verbose:
        print(*unseen, sep="\n")


if __name__ == "__main__":
    main()
