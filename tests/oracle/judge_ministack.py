"""Judges JSON lines with an IAM evaluator that is not trailfit's, nor that of judge.mjs. Same lines in, same lines out.

It matches a resource as one string, not field by field, and knows neither policy variables nor short ARNs, so a line
whose policies need one of these is answered with {"skip": why}.
"""

import json
import sys

from ministack.core.iam_evaluator import (
    EvalContext,
    combine_resource_policy,
    evaluate,
    parse_policy_document,
)

DECISIONS = {"Allow": "allowed", "Deny": "explicitlyDenied", "ImplicitDeny": "implicitlyDenied"}


def every_document(case):
    """All documents of a question but SCPs and RCPs, which this evaluator does not know."""
    return case["policies"] + [case[key] for key in ("boundary", "session", "resource") if key in case]


def statements(policy):
    listed = policy["Statement"]
    return listed if isinstance(listed, list) else [listed]


def beyond(case):
    """Why this evaluator can not judge `case`, or None."""
    for policy in every_document(case):
        if "${" in json.dumps(policy):
            return "a policy variable"
        for statement in statements(policy):
            resources = statement.get("Resource", statement.get("NotResource"))
            for resource in [resources] if isinstance(resources, str) else resources:
                fields = resource.split(":", 5)
                if resource != "*" and len(fields) < 6:
                    return "a short ARN"
            for operator in statement.get("Condition", {}):
                if "forallvalues:" in operator.lower() and "ifexists" in operator.lower():
                    return "its reading of ForAllValues with IfExists"
    return beyond_layers(case)


def beyond_layers(case):
    principal = case["request"]["principal"]
    if "scps" in case or "rcps" in case:
        return "SCPs and RCPs"
    if not principal.startswith("arn:"):
        return "a service as the caller"
    for statement in statements(case["resource"]) if "resource" in case else []:
        if "NotPrincipal" in statement:
            return "NotPrincipal"
        named = statement["Principal"]
        entries = [named] if isinstance(named, str) else named.get("AWS", [])
        limited = "boundary" in case or "session" in case
        if limited and "*" in ([entries] if isinstance(entries, str) else entries):
            return "its reading of `*` beside a boundary or session policy"
        if "federated-user" in principal:
            return "a federated user"
    return None


def own_policy(case, account):
    """The policy by which a key or a role is handed over to its account."""
    action = case["request"]["action"]
    if action.split(":")[0].lower() not in ("kms", "sts"):
        return None
    root = {"AWS": f"arn:aws:iam::{account}:root"}
    statement = {"Effect": "Allow", "Principal": root, "Action": action, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def judge(case):
    policies, request = case["policies"], case["request"]
    why = beyond(case)
    if request["resource"] != "*" and any(c in request["resource"] for c in "*?"):
        why = "a request for many resources"
    if why:
        return {"skip": why}
    keys = {}
    for key, values in request["context"].items():
        if values:
            keys[key.lower()] = values[0] if len(values) == 1 else values
    context = EvalContext(
        principal_arn=request["principal"],
        principal_type="",
        principal_account=request["principal"].split(":")[4],
        action=request["action"],
        resource_arn=request["resource"],
        region=keys.pop("aws:requestedregion", None),
        source_ip=keys.pop("aws:sourceip", None),
        secure_transport=keys.pop("aws:securetransport", None),
        tag_keys=keys.pop("aws:tagkeys", None),
        service_context=keys,
    )
    limits = [[parse_policy_document(case[key])] for key in ("boundary", "session") if key in case]
    result = evaluate(context, [parse_policy_document(policy) for policy in policies], *limits)
    account = context.principal_account
    owner = request["context"].get("aws:ResourceAccount", [account])[0]
    resource_policy = case.get("resource") or (own_policy(case, account) if owner == account else None)
    required = request["action"].split(":")[0].lower() in ("kms", "sts")
    result = combine_resource_policy(result, context, resource_policy, owner, required, tuple(limits))
    return {"decision": DECISIONS[result.decision]}


for line in sys.stdin:
    try:
        answer = judge(json.loads(line))
    except Exception as error:  # one bad line must not silence the others
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=False)
