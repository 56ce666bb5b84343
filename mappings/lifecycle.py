"""What belongs to the life of what an action creates: reading it back, changing, tagging and destroying it.

Two sources, joined: the permissions that the handlers of CloudFormation's resource types list, and pairs of names (what
`CreateQueue` makes, `DeleteQueue` destroys). The handlers' lists hold what else a resource depends on, too: of them only
those actions are taken that act on the created resource's own type, and those that read and take no resource.
"""

import json
import re
import sys
from collections import Counter, defaultdict

from bindings import normal

# What starts a life, and what ends one so begun, the likeliest first.
ENDS = {
    "Add": ["Remove"], "Allocate": ["Release"], "Associate": ["Disassociate"], "Attach": ["Detach"],
    "Authorize": ["Revoke"], "Copy": ["Delete", "Deregister"],
    "Create": ["Delete", "Terminate", "Destroy", "Deregister", "Revoke", "Cancel"], "Grant": ["Revoke"],
    "Import": ["Delete"], "Provision": ["Deprovision", "Terminate"], "Publish": ["Delete"], "Put": ["Delete", "Remove"],
    "Register": ["Deregister", "Unregister"], "Request": ["Delete", "Cancel"], "Restore": ["Delete"], "Run": ["Terminate"],
    "Set": ["Delete"], "Subscribe": ["Unsubscribe"], "Upload": ["Delete"],
}
# Of those, what makes a part or a setting of a resource, or ties two together.
PARTS = ("Add", "Associate", "Attach", "Authorize", "Grant", "Put", "Set")
# The ends, with those that no name tells but the handlers of CloudFormation have.
ENDING = {end for ends in ENDS.values() for end in ends} | {"Schedule", "Disable", "Stop", "Deactivate"}
READING = ("Describe", "Get", "List", "BatchGet", "BatchDescribe")
# Not what puts a setting: one that was never used is none of the resource's.
CHANGING = ("Update", "Modify", "Set", "Change", "Edit")
# Tags of any type of the service.
TAGGING = ("TagResource", "UntagResource", "ListTagsForResource", "ListTagsOfResource", "ListTags")
# The letters of the table's column.
STEPS = {"destroy": "d", "everything": "e", "look": "l", "read": "r", "tag": "t", "update": "u"}


def words(action):
    """`Create` and `queue` of `sqs:CreateQueue`: the verb, and the noun without plural and without what it is made from,
    so that the two of a pair have the same."""
    verb, noun = re.fullmatch(r"((?:Batch)?[A-Z][a-z]*)(.*)", action.name[:1].upper() + action.name[1:]).groups()
    if verb in ("Remove", "Disassociate", "Deregister"):
        noun = re.sub(r"From(?=[A-Z])", "To", noun)
    return verb, singular(re.sub(r"(From[A-Z]|ToPointInTime).*$", "", re.sub("With(?=[A-Z])", "To", noun)))


def singular(noun):
    noun = normal(noun)
    for plural, one in [("ies", "y"), ("sses", "ss"), ("ches", "ch"), ("xes", "x"), ("ss", "ss"), ("s", "")]:
        if noun.endswith(plural):
            return noun[: -len(plural)] + one
    return noun


def types_of(action):
    return {name for name, _required in action.resource_types}


def is_write(action):
    return action.level not in ("Read", "List") and "Tagging" not in action.level


def is_power(action):
    return "Permissions management" in action.level


def read_handlers(wheel):
    """`(CloudFormation type, {handler: [permission]})` of AWS's public resource types, as packaged by Cloud Custodian;
    the permissions to tag are the handler `tag`."""
    for path in sorted(wheel.namelist()):
        if re.fullmatch(r"c7n_awscc/data/aws_\w+\.json", path):
            schema = json.loads(wheel.read(path))
            tagging = schema.get("tagging")
            found = {name: handler.get("permissions", []) for name, handler in schema.get("handlers", {}).items()}
            found["tag"] = tagging.get("permissions", []) if isinstance(tagging, dict) else []
            yield schema["typeName"], found


class Lives:
    """Whatever is known of lives: `{(creating action, type): {action: step}}`."""

    def __init__(self, actions, logged, never):
        """`logged` tells of an action how CloudTrail logs it; `never` has the actions that are left out, in lower case."""
        self.actions = {key: action for key, action in actions.items() if key not in never}
        self.logged = logged
        self.lives = defaultdict(dict)
        self.by_words = defaultdict(list)
        for action in self.actions.values():
            verb, noun = words(action)
            if noun:
                self.by_words[action.prefix, verb, noun].append(action)

    def starts(self, action):
        """Whether a call of it may start a life: not one that CloudTrail takes for work on data, or has no event of."""
        return words(action)[0] in ENDS and is_write(action) and self.logged(action.full) not in ("data", "never")

    def ends_by_name(self, action):
        """The actions that end what `action` starts, by their names; of the first kind that there is."""
        verb, noun = words(action)
        return next(filter(None, (self.by_words.get((action.prefix, end, noun)) for end in ENDS.get(verb, []))), [])

    def add(self, creator, kind, action, step):
        """Notes that `action` is a step in the life of the `kind` that `creator` makes, if it may be."""
        if action is creator or action.prefix != creator.prefix or self.logged(action.full) == "never":
            return
        reads = step in ("read", "look")
        if is_write(action) if reads else self.logged(action.full) == "data":
            return
        # An action that takes resources, and none of that type, is about something else. One without any is allowed on
        # everything: to read may be, and the rest where to create is too.
        types = types_of(action)
        if not types and kind and step == "destroy":
            step = "everything"
        elif types and kind not in types or not types and kind and not reads:
            return
        known = self.lives[creator.full, kind].get(action.full)
        if known is None or STEPS[step] < STEPS[known]:
            self.lives[creator.full, kind][action.full] = step

    def by_name(self):
        """The lives that pairs of names tell, and what has the same noun."""
        for creator in filter(self.starts, list(self.actions.values())):
            if self.logged(creator.full) != "management":
                continue
            for end in self.ends_by_name(creator):
                for kind in kinds(creator, end):
                    self.add(creator, kind, end, "destroy")
                    self.same_noun(creator, kind)

    def same_noun(self, creator, kind):
        verb, noun = words(creator)
        same = lambda verbs: [a for verb in verbs for a in self.by_words.get((creator.prefix, verb, noun), [])]
        for action in same(READING):
            if self.logged(action.full) != "data":
                self.add(creator, kind, action, "read")
        for action in same(CHANGING):
            if is_write(action) and not is_power(action) and (verb not in PARTS or verb == "Put"):
                self.add(creator, kind, action, "update")
        for name in TAGGING:
            action = self.actions.get(f"{creator.prefix}:{name}".lower())
            if action and kind in types_of(action) and (noun in singular(kind) or singular(kind) in noun):
                self.add(creator, kind, action, "read" if name.startswith("List") else "tag")

    def by_handlers(self, cfn_type, handlers):
        """The lives that the handlers of one CloudFormation type tell."""
        named = {name: self.known(permissions) for name, permissions in handlers.items()}
        ends = [a for a in named.get("delete", []) if is_write(a) and words(a)[0] in ENDING]
        for creator in self.makers(singular(cfn_type.split("::")[2]), named):
            for end in ends:
                if end.prefix == creator.prefix:
                    for kind in kinds(creator, end):
                        self.steps(creator, kind, named)

    def makers(self, resource, named):
        """The actions that make the resource itself: those with its noun, else the only one that makes a whole, if its
        noun is a part of the resource's or has that as a part (`CreatePolicy` of a `ManagedPolicy`)."""
        home = Counter(a.prefix for name in ("read", "delete") for a in named.get(name, [])).most_common(1)
        starts = [a for a in named.get("create", []) if self.starts(a) and a.prefix == (home[0][0] if home else "")]
        whole = [a for a in starts if words(a)[0] not in PARTS]
        same = [a for a in whole if words(a)[1] == resource] or [a for a in starts if words(a)[1] == resource]
        near = [a for a in whole if words(a)[1] and (words(a)[1] in resource or resource in words(a)[1])]
        return same or (near if len(whole) == 1 else [])

    def steps(self, creator, kind, named):
        noun = words(creator)[1]
        about = lambda action: noun in normal(action.name)
        for action in named.get("tag", []):
            self.add(creator, kind, action, "tag" if "Tagging" in action.level else "read")
        for action in named.get("update", []):
            if is_write(action) and not is_power(action) and words(action)[0] in CHANGING and about(action):
                self.add(creator, kind, action, "update")
        for action in named["delete"]:
            if is_write(action) and words(action)[0] in ENDING:
                self.add(creator, kind, action, "destroy")
        for name in ("read", "list", "delete", "create", "update"):
            for action in named.get(name, []):
                # What counts as work on data is only about the resource itself where it says so (SQS's GetQueueUrl).
                sure = name in ("read", "list", "delete") and self.logged(action.full) != "data"
                if action.level in ("Read", "List") and action.name.startswith(READING) and (sure or about(action)):
                    self.add(creator, kind, action, "look" if name == "delete" else "read")

    def known(self, permissions):
        """The actions of a list of permissions: those with a wildcard and those that AWS does not have are left out."""
        found = (self.actions.get(name.lower()) for name in permissions)
        return list({action.full: action for action in found if action}.values())

    def by_hand(self, overrides):
        """Adds the steps of hand-written rows, and takes out the lives of those that say so."""
        for name, kind, step, _reason in overrides:
            creator = self.actions.get(name.lower())
            if step == "never" and not kind:
                continue
            if step == "never":
                # An error where there is none, so that no row outlives its reason.
                del self.lives[creator.full, kind]
                continue
            life = self.lives[creator.full, kind]
            letter, added = step.split(":")
            found = self.actions[f"{creator.prefix}:{added}".lower()].full
            if found in life:
                sys.exit(f"overrides/lifecycle.tsv: {found} is in the life that {name} starts already")
            life[found] = next(step for step, known in STEPS.items() if known == letter)

    def rows(self):
        """`(creating action, type, step and name of each action)` of each life that has an end."""
        # What takes a part away is in the life of that part, which someone has to have made: a role without policies is
        # deleted without detaching any.
        ends = {action for (creator, _kind), life in self.lives.items() for action, step in life.items()
                if step == "destroy" and self.noun(action) == self.noun(creator)}
        for (creator, kind), life in self.lives.items():
            own = [(action, step) for action, step in life.items() if self.noun(action) == self.noun(creator)
                   or self.is_made(creator, kind) and not (step == "destroy" and action in ends)]
            steps = sorted((STEPS[step], action.split(":")[1]) for action, step in own)
            if any(letter in "de" for letter, _name in steps):
                yield creator, kind, " ".join(f"{letter}:{name}" for letter, name in steps)

    def noun(self, full):
        return words(self.actions[full.lower()])[1]

    def is_made(self, full, kind):
        """Whether it is the `kind` that is made, by its name, and not one that is named beside: the cluster of a
        snapshot. So are all where no name tells."""
        noun = self.noun(full)
        kinds = (other for creator, other in self.lives if creator == full)
        near = [other for other in kinds if singular(other) in noun or noun in singular(other)]
        return kind in near or not near


def kinds(creator, end):
    """The types that both take; those of the end where what is made has no name yet when IAM decides, and that which is
    made where the end takes none."""
    made, ended = types_of(creator), types_of(end)
    if made and ended:
        return sorted(made & ended)
    return sorted(ended) or [kind for kind in sorted(made) if singular(kind) == words(creator)[1]] or [""] * (not made)


def rows(facts, wheel, logged, overrides):
    """The rows of `generated/lifecycle.tsv`."""
    never = {name.lower() for name, kind, step, _reason in overrides if step == "never" and not kind}
    for name in never - facts.actions.keys():
        sys.exit(f"overrides/lifecycle.tsv: there is no action {name}")
    lives = Lives(facts.actions, logged, never)
    for cfn_type, handlers in read_handlers(wheel):
        lives.by_handlers(cfn_type, handlers)
    lives.by_name()
    lives.by_hand(overrides)
    return lives.rows()
