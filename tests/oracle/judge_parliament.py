"""Lints policies with parliament (PyPI `parliament`), a linter that is not trailfit's.

JSON lines in, `{"document": "the policy's text"}`; JSON lines out, `{"findings": [{"issue", "statement", "detail", "value"}]}`.
`statement` is the number of the statement, from 0, or null where the finding is about the document; `value` is the text that it is
about, or null. A policy that the linter fails on is answered with `{"error": why}`.
"""

import json
import sys

from parliament import analyze_policy_string


def describe(number, finding):
    detail = finding.detail if isinstance(finding.detail, list) else str(finding.detail)
    value = finding.location.get("string")
    return {
        "issue": finding.issue,
        "statement": number,
        "detail": detail,
        "value": value if isinstance(value, str) else None,
    }


def judge(document):
    policy = analyze_policy_string(document, ignore_private_auditors=True)
    found = [describe(None, finding) for finding in policy._findings]
    for number, statement in enumerate(policy.statements):
        found += [describe(number, finding) for finding in statement.findings]
    return found


for line in sys.stdin:
    try:
        answer = {"findings": judge(json.loads(line)["document"])}
    except Exception as error:  # one bad policy must not silence the others
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=False)
