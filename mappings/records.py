"""Makes CloudTrail records of operations from botocore's input shapes, to score the program on.

Nothing here reads the bindings or the templates that the program fills ARNs by: a record is what the service would log,
as far as the shapes tell. A request has its required members and those that name something, and no others.
"""

import re
from dataclasses import dataclass

import bindings
from bindings import normal

ACCOUNT, REGION = "111122223333", "eu-west-1"
# How deep a request is filled in; the shapes of a few are recursive.
MAX_DEPTH = 4
# Members that hold the caller's own words, or steer how an answer comes.
NO_NAMES = re.compile(
    r"^(tags?|tagkeys|tagspecifications?|filters?|tokens?|.*token|marker|.*marker|.*tokens|maxresults|dryrun|.*email.*|"
    r"awsaccountid|.*requestid|expectedbucketowner|expectedsourcebucketowner|description|contenttype)$")
NAMING = re.compile(
    r"^(id|ids|name|names|arn|arns|identifier|identifiers|resource|resources|version|versionNumber)$|"
    r"(Name|Names|Id|Ids|Identifier|Identifiers|Arn|Arns|ARN|ARNs|URL|Url|Key|IdsTo[A-Z]\w+|(Name|Arn|Id|Identifier)List)$")
# Members whose ARNs are those of another service, by how their names end.
FOREIGN = [
    ("instanceprofile", "iam", "", ACCOUNT, "instance-profile/sample"),
    ("role", "iam", "", ACCOUNT, "role/sample"),
    ("principal", "iam", "", ACCOUNT, "role/sample"),
    ("function", "lambda", REGION, ACCOUNT, "function:sample"),
    ("lambda", "lambda", REGION, ACCOUNT, "function:sample"),
    ("topic", "sns", REGION, ACCOUNT, "sample"),
    ("bucket", "s3", "", "", "sample"),
    ("kmskey", "kms", REGION, ACCOUNT, "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("kmskeyid", "kms", REGION, ACCOUNT, "key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("secret", "secretsmanager", REGION, ACCOUNT, "secret:sample-a1b2c3"),
    ("certificate", "acm", REGION, ACCOUNT, "certificate/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ("loggroup", "logs", REGION, ACCOUNT, "log-group:sample"),
]


@dataclass
class Wanted:
    """The resource that a record is made for, and what else the service has."""

    prefix: str
    kind: str
    # {type: [ARN format]} of the service
    formats: dict
    # {EC2 resource type: what its ids start with}
    ec2_starts: dict


def sample_arn(arn):
    """An ARN of a format."""
    values = {"Partition": "aws", "Region": REGION, "Account": ACCOUNT}
    return re.sub(r"\$\{([^}]+)\}", lambda m: values.get(m[1], f"sample{normal(m[1])}"), arn)


def stems(wanted, kind):
    """What a request may call a type: by the type's name or its ARN's last variable."""
    last = [bindings.variables(arn)[-1:] for arn in wanted.formats[kind]]
    names = [kind, kind.replace(wanted.prefix, ""), *(name for names in last for name in names)]
    return {bindings.stem(name) for name in names} - {""}


def member_stem(member):
    name = re.sub(r"(list|set|type|string)$", "", normal(member))
    return bindings.stem(re.sub(r"(arn|id|name|identifier)s$", r"\1", name))


def arn_of_member(member, shape_name, pattern, wanted):
    """The ARN that a member holds: of the type that its pattern and its name tell, of the wanted type where they tell
    none."""
    kinds = [kind for kind, arns in wanted.formats.items() if fits(pattern, sample_arn(arns[0]))]
    kinds = kinds or [kind for kind, arns in wanted.formats.items() if speaks_of(pattern, arns[0])] or list(wanted.formats)
    if len(kinds) == 1:
        return sample_arn(wanted.formats[kinds[0]][0])
    names = [member_stem(shape_name), member_stem(member)]
    for stem in names:
        found = [kind for kind in kinds if stem in stems(wanted, kind)]
        if stem and found:
            return sample_arn(wanted.formats[wanted.kind if wanted.kind in found else found[0]][0])
    own = stems(wanted, wanted.kind)
    if wanted.kind in kinds and ("resource" in names or names[1] in ("", "resources", "target", "source", "taggable", "entity")):
        return sample_arn(wanted.formats[wanted.kind][0])
    for ending, service, region, account, resource in FOREIGN:
        if names[1].endswith(ending):
            return f"arn:aws:{service}:{region}:{account}:{resource}"
    if wanted.kind in kinds and any(names[1].endswith(name) or name.endswith(names[1]) for name in own):
        return sample_arn(wanted.formats[wanted.kind][0])
    others = [kind for kind in kinds if any(names[1].endswith(name) for name in stems(wanted, kind))]
    if others:
        return sample_arn(wanted.formats[others[0]][0])
    return f"arn:aws:{wanted.prefix}:{REGION}:{ACCOUNT}:{names[1]}/sample"


def speaks_of(pattern, arn):
    """Whether a pattern has the word that an ARN format's resource part starts with."""
    word = re.search(r"\$\{Account\}:([a-z][a-z0-9-]+)[/:]", arn)
    return bool(word and re.search(rf":{word[1]}\\?[/:]", pattern))


def fits(pattern, arn):
    """Whether a shape's pattern, where it is one of ARNs, allows an ARN."""
    if "arn" not in pattern:
        return False
    try:
        return bool(re.fullmatch(pattern, arn))
    except re.error:
        return False


def holds_arn(member, shape_name, shape, text):
    """Whether a string is an ARN: the member's name, the pattern, or the first words of its documentation say so."""
    if re.search(r"(Arn|ARN)(s|List)?$", member) or re.search(r"(Arn|ARN)$", shape_name):
        return True
    pattern = shape.get("pattern", "").lstrip("^(")
    if pattern.startswith("arn:") and "|" not in pattern.split(":")[0]:
        return True
    words = re.sub(r"<[^>]+>", "", text).strip()
    first = words.split(". ")[0]
    named = re.match(r"(The|A list of|A list of the|An|An array containing|One or more) ?(the )?(Amazon Resource Names?|ARNs?)\b",
                     first)
    return bool(named) and not re.search(r"\(?ARNs?\)? or |name or ", first) or "(ARN or ID)" in first


def ec2_id(member, shape_name, wanted):
    """`vpc-0123…` for a `VpcId`; nothing for what is named otherwise."""
    for given in (shape_name, member):
        name, best, found = member_stem(given), "", ""
        if not normal(given).endswith(("id", "ids")):
            continue
        for kind, start in wanted.ec2_starts.items():
            for stem in stems(wanted, kind):
                if name.endswith(stem) and len(stem) > len(best):
                    best, found = stem, start
        if best:
            return f"{found}-0123456789abcdef0"
        if name == "group":
            return "sg-0123456789abcdef0"
    name = member_stem(member)
    if name in ("resource", "") and wanted.kind in wanted.ec2_starts:
        return f"{wanted.ec2_starts[wanted.kind]}-0123456789abcdef0"
    return None


def sample_text(member, shape_name, shape, text, wanted):
    if shape.get("enum"):
        return shape["enum"][0]
    if holds_arn(member, shape_name, shape, text):
        return arn_of_member(member, shape_name, shape.get("pattern", ""), wanted)
    if wanted.prefix == "ec2":
        found = ec2_id(member, shape_name, wanted)
        if found:
            return found
    pattern = shape.get("pattern", "")
    if "ou-[0-9a-z]" in pattern:
        starts = {"root": "r-ab12", "organizationalunit": "ou-ab12-12345678", "account": "222233334444"}
        return starts.get(wanted.kind, "222233334444" if r"\d{12}" in pattern else "ou-ab12-12345678")
    if pattern.startswith("^r-"):
        return "r-ab12"
    if r"^p-[" in pattern:
        return "p-12345678"
    if r"\d{12}" in pattern and "AccountId" in member:
        return "222233334444"
    if member.endswith(("QueueUrl", "queueUrl")):
        return f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/sample"
    if wanted.prefix == "ssm" and normal(member) in ("instanceid", "instanceids", "target"):
        return "mi-0123456789abcdef0" if wanted.kind == "managed-instance" else "i-0123456789abcdef0"
    if wanted.prefix == "kms" and normal(member) == "aliasname":
        return "alias/sample"
    if "family:revision" in text or "family and revision" in text:
        return "sample:7"
    if re.search(r"(Url|URL)$", member):
        return "https://example.com/sample"
    return f"sample-{normal(member)}"


class Maker:
    """Makes the parameters of one operation's requests."""

    def __init__(self, model, service, wanted):
        self.shapes = model["shapes"]
        self.protocol = model["metadata"]["protocol"]
        self.service = service
        self.wanted = wanted
        # What the service's resources are called, so that `workGroup` is known to name one.
        self.nouns = {stem for kind in wanted.formats for stem in stems(wanted, kind)}
        # Whether all members are in the request, and not only those that must be and those that name something.
        self.whole = False
        # Members that are not left out, whatever they are named: those on the way to a parameter that is given.
        self.given = set()

    def parameters(self, operation, wrapped=False):
        """The `requestParameters`; `wrapped` as EC2's newer operations log them, in one `<Operation>Request`."""
        shape = operation.get("input", {}).get("shape")
        if not shape:
            return None
        if self.protocol == "ec2":
            made = self.structure(shape, 0, (), "ec2 new" if wrapped else "ec2")
            return {f"{operation['name']}Request": made} if wrapped else made
        if operation["name"] == "TransactWriteItems":
            # One list of operations, each with its table (Amazon DynamoDB Developer Guide, "Understanding DynamoDB log
            # file entries"), where the API has an object for each kind of operation.
            return {"requestItems": [{"operation": "Put", "tableName": "sample"}]}
        return self.structure(shape, 0, (), "s3" if self.service == "s3" else "")

    def response(self, operation):
        """The `responseElements`, which CloudTrail logs of calls that change something."""
        shape = operation.get("output", {}).get("shape")
        reads = re.match("(Get|List|Describe|Batch(Get|Describe)|Search|Query|Scan|Lookup)", operation["name"])
        if not shape or reads:
            return None
        # RDS and other services of its protocol log what stands in the one structure of the answer.
        members = self.shapes[shape].get("members", {})
        only = next(iter(members.values())) if len(members) == 1 else None
        if self.protocol == "query" and only and self.shapes[only["shape"]]["type"] == "structure":
            return self.structure(only["shape"], 0, (), "whole")
        return self.structure(shape, 0, (), "ec2 answer" if self.protocol == "ec2" else "whole")

    def structure(self, name, depth, seen, style):
        shape = self.shapes[name]
        required = set(shape.get("required", []))
        out = {}
        for member, reference in shape.get("members", {}).items():
            inner = self.shapes[reference["shape"]]
            # A response has all of its members.
            whole = self.whole or style in ("whole", "ec2 answer")
            if not whole and member not in required and normal(member) not in self.given \
                    and not self.names_something(member, inner, depth):
                continue
            value = self.value(member, reference, depth, (*seen, name), style)
            if value is None:
                continue
            key, value = self.spelled(member, reference, inner, value, depth, style)
            out[key] = value
        return out

    def names_something(self, member, shape, depth):
        if NO_NAMES.match(normal(member)):
            return False
        if shape["type"] == "list":
            shape = self.shapes[shape["member"]["shape"]]
        naming = bool(NAMING.search(member)) or member_stem(member.removesuffix("s")) in self.nouns
        if shape["type"] == "integer":
            return normal(member) in ("version", "versionnumber")
        return shape["type"] == "string" and naming and not shape.get("enum")

    def value(self, member, reference, depth, seen, style):
        name = reference["shape"]
        shape = self.shapes[name]
        kind = shape["type"]
        if kind == "structure":
            if depth >= MAX_DEPTH or name in seen:
                return None
            return self.structure(name, depth + 1, seen, "" if style == "s3" else style)
        if kind == "list":
            element = self.value(member, shape["member"] | {"documentation": reference.get("documentation", "")},
                                 depth, seen, style)
            return None if element is None else [element]
        if kind == "map":
            inner = self.value(member, shape["value"], depth, seen, style)
            return None if inner is None else {f"sample-{normal(member)}": inner}
        if kind == "string":
            return sample_text(member, name, shape, reference.get("documentation", ""), self.wanted)
        return {"boolean": True, "integer": 1, "long": 1, "float": 1.0, "double": 1.0}.get(kind, "sample")

    def spelled(self, member, reference, shape, value, depth, style):
        """The key that CloudTrail logs a member under, and how it writes a list."""
        wire = reference.get("locationName", member)
        if style == "s3":
            return {"Bucket": "bucketName", "Key": "key"}.get(member, wire if depth == 0 else member), value
        if style == "ec2 new":
            if shape["type"] == "list":
                value = [{"tag": 1, "content": element} for element in value]
                return wire, value[0] if len(value) == 1 else value
            return wire, value
        key = wire if style.startswith("ec2") else member
        key = key[0].lower() + key[1:]
        if style == "ec2 answer" and shape["type"] == "list":
            return key, {"items": value}
        if style == "ec2" and shape["type"] == "list":
            element = value[0]
            item = element if isinstance(element, dict) else {key: element}
            return f"{key}Set", {"items": [item]}
        return key, value


def resources_field(call, action, formats):
    """`resources[]`, which a few services always log: DynamoDB in its data events (Amazon DynamoDB Developer Guide,
    "DynamoDB data plane events in CloudTrail"), KMS for the keys and aliases of a call (AWS KMS Developer Guide,
    "Logging AWS KMS API calls with AWS CloudTrail")."""
    if call.service == "dynamodb" and re.match("(Batch|Execute|Transact)", call.name):
        return [{"accountId": ACCOUNT, "type": "AWS::DynamoDB::Table", "ARN": sample_arn(formats["dynamodb", "table"][0])}]
    if call.service == "kms":
        types = {"alias": "AWS::KMS::Alias", "key": "AWS::KMS::Key"}
        return [{"accountId": ACCOUNT, "type": types[kind], "ARN": sample_arn(formats["kms", kind][0])}
                for kind, _required in action.resource_types if kind in types]
    return []


def record(call, number, parameters, response, resources):
    """One record of a user's call."""
    return {
        "eventVersion": "1.11", "eventID": str(number), "eventTime": "2026-01-01T00:00:00Z", "awsRegion": REGION,
        "eventSource": f"{call.label}.amazonaws.com", "eventName": call.name, "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT, "requestParameters": parameters, "responseElements": response, "resources": resources,
        "userIdentity": {"type": "IAMUser", "principalId": "AIDAEXAMPLE", "accountId": ACCOUNT, "userName": "sample",
                         "arn": f"arn:aws:iam::{ACCOUNT}:user/sample"},
    }
