"""Which IAM actions an operation needs, by rule and by hand."""

from collections import defaultdict

import bindings
from packages import plain_name

# The request members that tag what is being created.
TAGS = ["tags", "tagList", "tagsList", "resourceTags"]


def prefixes_of_labels(calls, actions, overrides):
    """`{eventSource label: [IAM prefix]}`. The label is botocore's endpointPrefix, the prefix its signingName where
    that is an IAM prefix; every IAM prefix is a label too; the overrides come first."""
    known = {action.prefix for action in actions.values()}
    prefixes = defaultdict(list)
    for label, listed, _reason in overrides:
        prefixes[label] = listed.split(" ")
    fixed = set(prefixes)
    for call in calls:
        for label in (call.label, call.label.split(".")[-1], call.signing_name.lower()):
            if label not in fixed and call.signing_name in known and call.signing_name not in prefixes[label]:
                prefixes[label].append(call.signing_name)
    for prefix in known - fixed:
        if prefix in prefixes[prefix]:
            prefixes[prefix].remove(prefix)
        prefixes[prefix].insert(0, prefix)
    return {label: found for label, found in prefixes.items() if found}


def candidates(call, prefixes):
    found = prefixes.get(call.label) or prefixes.get(call.signing_name.lower()) or []
    # One source with several APIs: the operation's own prefix first.
    return sorted(found, key=lambda prefix: prefix != call.signing_name)


def by_name(call, prefixes, actions):
    name = plain_name(call.name).lower()
    found = (actions.get(f"{prefix}:{name}") for prefix in candidates(call, prefixes))
    return next((action for action in found if action), None)


def by_rule(call, prefixes, actions, linked):
    """The action of `call`, best rule first: same name, API Gateway's verb, the one action that AWS's documentation
    links to the operation. `None` where no rule answers."""
    same = by_name(call, prefixes, actions)
    if same:
        return same
    found = candidates(call, prefixes)
    if "apigateway" in found:
        # API Gateway's actions are HTTP methods. Source: Service Authorization Reference, "Actions, resources, and
        # condition keys for Amazon API Gateway Management".
        return actions[f"apigateway:{call.method.lower()}"]
    documented = [a for a in linked.get(plain_name(call.name).lower(), []) if a.prefix in found]
    return documented[0] if len(documented) == 1 else None


def by_documentation(actions):
    """`{lower-cased operation: [action that AWS's documentation links to it]}`."""
    linked = defaultdict(list)
    for action in actions.values():
        linked[action.documented_operation.lower()].append(action)
    return linked


def tagging_rows(call, action, facts):
    """(when, action, resource template) of the tagging that a call does as it creates, where that is authorised by
    itself."""
    if action.prefix == "ec2":
        # Source: Amazon EC2 User Guide, "Grant permission to tag Amazon EC2 resources during creation". CloudTrail
        # logs the parameter as tagSpecificationSet or, in the newer calls, as TagSpecification.
        if "tagSpecification" in call.members:
            for when, path in [
                ("tagSpecificationSet", "tagSpecificationSet.items.resourceType"),
                ("tagSpecification", "tagSpecification.resourceType"),
            ]:
                arn = "arn:${Partition}:ec2:${Region}:"
                yield when, "ec2:CreateTags", arn + f"${{Account}}:${{{path}|ec2-type}}/*"
                if {"image", "snapshot"} & {kind for kind, _required in action.resource_types}:
                    yield when, "ec2:CreateTags", arn + f":${{{path}|ec2-public-type}}/*"
        return
    # Elsewhere where the Service Authorization Reference lists a tagging action among the dependent actions.
    for dependent in sorted(action.dependents):
        tagging = facts.actions.get(dependent.lower())
        if tagging and tagging.prefix == action.prefix and "Tagging" in tagging.level and not is_untagging(tagging):
            for member in TAGS:
                if member in call.members:
                    yield member, tagging.full, created_resource(call, tagging, facts)


def is_untagging(action):
    return action.name.lower().startswith(("untag", "remove", "delete"))


def created_resource(call, tagging, facts):
    """The template of what a call creates and tags: of the types that the tagging action takes, the one that the
    operation's noun names. Empty where that is not exactly one."""
    noun = bindings.normal(bindings.noun_of(call))
    templates = []
    for kind in sorted({kind for kind, _required in tagging.resource_types}):
        arn = facts.formats[tagging.prefix, kind][0]
        here = "*"
        for variable in bindings.variables(arn):
            sources = facts.bound.get((tagging.prefix, kind, variable), [])
            here = next((source for source in sources if source.split("|")[0].split("@")[0] in call.members), "*")
            parameter, _, adapter = here.partition("|")
            text = parameter.split("@")[0] + (f"|{adapter}" if adapter else "")
            arn = arn.replace(f"${{{variable}}}", "*" if here == "*" else f"${{{text}}}")
        # The type's own name, its last variable, and the parameter that fills that.
        last = bindings.variables(facts.formats[tagging.prefix, kind][0])[-1:]
        names = {bindings.normal(kind), *map(bindings.stem, last), bindings.stem(here.split("|")[0].split("@")[0])}
        if any(form == noun for name in names if name for form in bindings.plurals(name)):
            templates.append(arn)
    return templates[0] if len(templates) == 1 else ""


def generated_rows(facts):
    """The rows of `generated/operations.tsv`: the calls whose needs are more or other than `prefix:eventName`."""
    linked = by_documentation(facts.actions)
    out = defaultdict(set)
    for call in facts.calls:
        action = by_rule(call, facts.prefixes, facts.actions, linked)
        if not action:
            continue
        tagging = list(tagging_rows(call, action, facts))
        if action is by_name(call, facts.prefixes, facts.actions) and not tagging:
            continue
        # A lookup tries the label and then its prefixes, so that one row serves every label of the service.
        rows = out[f"{action.prefix}:{plain_name(call.name)}"]
        rows.add(("", action.full, path_template(call) if action.prefix == "apigateway" else ""))
        rows.update(tagging)
    return [(name, *row) for name, rows in out.items() for row in rows]


def path_template(call):
    """API Gateway's resources are the paths of its REST API; a tag's path holds an encoded ARN, which is left open."""
    path = "/tags/*" if call.path.startswith("/tags/") else call.path
    return "arn:${Partition}:apigateway:${Region}::" + path


def needs_of_calls(calls, prefixes, actions, overrides):
    """`{id(call): [action]}` with every action that a call may need, by hand where there is a row, else by rule."""
    linked = by_documentation(actions)
    by_hand = defaultdict(list)
    for name, _when, action, _template, _reason in overrides:
        by_hand[name.lower()].append(actions[action.lower()])
    needs = {}
    for call in calls:
        keys = [f"{label}:{plain_name(call.name)}".lower() for label in (call.label, *candidates(call, prefixes))]
        rows = next((by_hand[key] for key in keys if key in by_hand), None)
        rule = by_rule(call, prefixes, actions, linked)
        needs[id(call)] = rows or ([rule] if rule else [])
    return needs


def calls_depending_on(dependent, calls, needs, actions):
    """The calls whose action lists `dependent` among its dependent actions, and the actions themselves."""
    wanted = {a.full for a in actions.values() if any(d.lower() == dependent for d in a.dependents)}
    out = set(wanted)
    for call in calls:
        for action in needs[id(call)]:
            if action.full in wanted:
                out.add(f"{action.prefix}:{plain_name(call.name)}")
    # Names that differ in letter case only are one row.
    return list({name.lower(): name for name in sorted(out)}.values())


def passed_to(prefix, prefixes, services):
    """The one service that roles passed in calls of `prefix` go to, by AWS's managed policies: `PREFIX.amazonaws.com`
    where they name it as iam:PassedToService and name no other service of that name (`ecs-tasks`, `restore-testing.backup`)
    besides. Empty where they do not tell."""
    others = any(
        name.endswith(f".{prefix}") or name.startswith(f"{prefix}-") and name not in prefixes
        for name in (service.removesuffix(".amazonaws.com") for service in services)
    )
    service = f"{prefix}.amazonaws.com"
    return service if service in services and not others else ""


def pass_role_rows(facts):
    """The calls that pass a role, by the dependent actions, and the service that it is passed to."""
    prefixes = {action.prefix for action in facts.actions.values()}
    for name in calls_depending_on("iam:passrole", facts.calls, facts.needs, facts.actions):
        yield name, passed_to(name.split(":")[0], prefixes, facts.services)


def service_linked_rows(facts):
    """The calls that make a service-linked role where there is none, by the dependent actions."""
    return [(name,) for name in
            calls_depending_on("iam:createservicelinkedrole", facts.calls, facts.needs, facts.actions)]
