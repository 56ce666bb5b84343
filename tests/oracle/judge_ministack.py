"""Judges JSON lines with an IAM evaluator that is not trailfit's, nor that of judge.mjs. Same lines in, same lines out.

It matches a resource as one string, not field by field, and knows neither policy variables nor short ARNs, so a line
whose policies need one of these is answered with {"skip": why}.
"""

import json
import sys

from ministack.core.iam_evaluator import EvalContext, evaluate, parse_policy_document

DECISIONS = {"Allow": "allowed", "Deny": "explicitlyDenied", "ImplicitDeny": "implicitlyDenied"}


def beyond(policies):
    """Why this evaluator can not judge by `policies`, or None."""
    for policy in policies:
        if "${" in json.dumps(policy):
            return "a policy variable"
        statements = policy["Statement"]
        for statement in statements if isinstance(statements, list) else [statements]:
            resources = statement.get("Resource", statement.get("NotResource"))
            for resource in [resources] if isinstance(resources, str) else resources:
                fields = resource.split(":", 5)
                if resource != "*" and len(fields) < 6:
                    return "a short ARN"
            for operator in statement.get("Condition", {}):
                if "forallvalues:" in operator.lower() and "ifexists" in operator.lower():
                    return "its reading of ForAllValues with IfExists"
    return None


def judge(case):
    policies, request = case["policies"], case["request"]
    why = beyond(policies)
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
    result = evaluate(context, [parse_policy_document(policy) for policy in policies])
    return {"decision": DECISIONS[result.decision]}


for line in sys.stdin:
    try:
        answer = judge(json.loads(line))
    except Exception as error:  # one bad line must not silence the others
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=False)
