"""Lints policies with cfn-lint (PyPI `cfn-lint`), a linter that is not trailfit's, as the documents of managed policies in
CloudFormation templates. Same lines in, same lines out as judge_parliament.py; `issue` is the rule's id.

Many documents go into one template, which takes a tenth of the time. One that is no JSON, or has a key twice, would be an
error of the whole template, so that it gets one of its own.
"""

import json
import sys

from cfnlint.api import lint
from cfnlint.config import ManualArgs

BATCH = 200
# In every Region the same; suggestions too.
CONFIG = ManualArgs(include_checks=["I"], regions=["us-east-1"])


def stands_alone(document):
    def pairs(found):
        if len(found) != len(dict(found)):
            raise ValueError("a key twice")
        return dict(found)

    try:
        return not isinstance(json.loads(document, object_pairs_hook=pairs), dict)
    except (ValueError, RecursionError):
        return True


def resource(number, document):
    return f'"P{number}": {{"Type": "AWS::IAM::ManagedPolicy", "Properties": {{"PolicyDocument": {document}}}}}'


def judge(documents):
    """The findings of each of the documents, `{number: document}`."""
    resources = ", ".join(resource(number, document) for number, document in documents.items())
    template = f'{{"AWSTemplateFormatVersion": "2010-09-09", "Resources": {{{resources}}}}}'
    answers = {number: [] for number in documents}
    for match in lint(template, config=CONFIG):
        # What could not be read has no path.
        path = list(getattr(match, "path", None) or [])
        finding = {"issue": match.rule.id, "statement": None, "detail": match.message, "value": None}
        if path[:1] == ["Resources"] and len(path) > 1:
            of, path = int(path[1][1:]), path[4:]
            if path[:1] == ["Statement"]:
                # The only statement need not be in a list.
                finding["statement"] = path[1] if len(path) > 1 and isinstance(path[1], int) else 0
            answers[of].append(finding)
        elif len(documents) == 1:
            # The template could not be read, which is the document's doing.
            answers[next(iter(documents))].append(finding)
    return answers


def main():
    documents = {number: json.loads(line)["document"] for number, line in enumerate(sys.stdin)}
    together = {number: document for number, document in documents.items() if not stands_alone(document)}
    numbers = list(together)
    groups = [numbers[at : at + BATCH] for at in range(0, len(numbers), BATCH)]
    groups += [[number] for number in documents if number not in together]
    answers = {}
    for group in groups:
        try:
            found = judge({number: documents[number] for number in group})
            answers |= {number: {"findings": findings} for number, findings in found.items()}
        except Exception as error:  # one bad policy must not silence the others
            answers |= {number: {"error": repr(error)} for number in group}
    for number in range(len(documents)):
        print(json.dumps(answers[number]))


main()
