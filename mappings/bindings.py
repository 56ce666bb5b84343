"""Which request parameters fill the variables of an ARN format."""

import re
from collections import defaultdict

from packages import plain_name

# The run time fills these from the record itself.
AMBIENT = {"Partition", "Region", "Account"}
# What names and parameters hang on to a noun: DBClusterName, DBClusterIdentifier.
SUFFIXES = ["name", "id", "identifier", "arn"]
# What a request calls the resource that the operation is about.
GENERIC = ["name", "id", "identifier", "resourceid", "resourcename"]


def variables(arn):
    return [v for v in re.findall(r"\$\{([^}]+)\}", arn) if v not in AMBIENT]


def normal(name):
    return re.sub(r"[^a-z0-9]", "", name.lower())


def stem(name):
    """`dbcluster` of `DBClusterName`; nothing of `Id`."""
    name = normal(name)
    for suffix in SUFFIXES:
        if name.endswith(suffix):
            return name[: -len(suffix)]
    return name


def plurals(noun):
    yield noun
    yield noun + "s"
    if noun.endswith("y"):
        yield noun[:-1] + "ies"
    if noun.endswith(("s", "x", "h")):
        yield noun + "es"


def names_of(prefix, nouns, exact):
    """The normalised parameter names that may fill a variable, best first: its own, then those of its nouns, with the
    service's name in front or without (`DBCluster`, `cacheCluster`)."""
    names = list(plurals(exact))
    for noun in nouns:
        for base in dict.fromkeys([noun, noun.removeprefix(normal(prefix))]):
            for suffix in ["name", "id", "identifier", ""]:
                names.extend(plurals(base + suffix) if base else [])
    return list(dict.fromkeys(names))


def noun_of(call):
    """`DBInstance` of `RestoreDBInstanceFromDBSnapshot`."""
    return re.sub(r"(From[A-Z]|ToPointInTime).*$", "", re.sub(r"^[A-Z][a-z]+", "", plain_name(call.name)))


def is_about(call, nouns):
    """Whether the operation's own noun is the resource type, so that its `name` or `id` is the resource's."""
    noun = normal(noun_of(call))
    return any(form == noun for word in nouns for form in plurals(word))


def is_name(member):
    return normal(member).endswith(("name", "names"))


def bind(calls, needs, formats, overrides):
    """`{(prefix, type, variable): [source]}`; a source is `parameter`, `parameter@Noun` where it counts only in calls
    whose name ends so, either with `|adapter`. A hand-written row replaces what the rules find, unless it ends with
    `+`; `-` alone says that no parameter tells."""
    users = defaultdict(list)
    for call in calls:
        for action in needs[id(call)]:
            for kind, _required in action.resource_types:
                users[action.prefix, kind].append(call)
    by_hand = {}
    for kind, variable, sources, _reason in overrides:
        by_hand[(*kind.split(":", 1), variable)] = sources.split(",")
    bound = {}
    for (prefix, kind), arns in formats.items():
        for arn in arns:
            names = variables(arn)
            for variable in names:
                sources = by_hand.get((prefix, kind, variable), ["+"])
                if sources[-1] == "+":
                    found = found_in(users[prefix, kind], prefix, kind, variable, names)
                    sources = [*sources[:-1], *found]
                bound[prefix, kind, variable] = [s for s in dict.fromkeys(sources) if s != "-"]
            if (prefix, kind, "Account") in by_hand:
                bound[prefix, kind, "Account"] = by_hand[prefix, kind, "Account"]
    return bound


def found_in(calls, prefix, kind, variable, names):
    """The parameters of the operations that need the type, best first."""
    nouns = [stem(variable)]
    # The last variable is the resource's own and goes by the type's name too, unless another has that name already:
    # of stack/${StackName}/${Id} the Id is the service's, not the request's stackName.
    others = [other for other in names if other != variable]
    own = variable == names[-1] and not any(stem(other) in (normal(kind), stem(variable)) for other in others)
    if own:
        nouns.append(normal(kind))
    nouns = [noun for noun in nouns if noun]
    wanted = names_of(prefix, nouns, normal(variable))
    spelled = [(call, {normal(m): m for m, shape in call.members.items() if shape in ("string", "list")})
               for call in calls]
    ranked = {}
    for _call, members in spelled:
        for rank, name in enumerate(wanted):
            if name in members:
                ranked.setdefault(members[name], rank)
    # A name is no id: mostly the service makes one, and a policy with the name in its place would grant nothing. Where
    # the two are the same, a row by hand says so.
    is_id = normal(variable).endswith("id")
    if is_id:
        ranked = {member: rank for member, rank in ranked.items() if not is_name(member)}
    specific = list(ranked)
    if own:
        for rank, generic in enumerate(g for g in GENERIC if not (is_id and is_name(g))):
            # A parameter as general as `name` counts where it always is the resource's: in every operation that has
            # it and nothing more specific, the operation's noun is the type.
            callers = [(call, members[generic]) for call, members in spelled
                       if generic in members and not set(members.values()) & set(specific)]
            if callers and all(is_about(call, nouns) for call, _member in callers):
                ranked[callers[0][1]] = len(wanted) + rank
            else:
                # Else it counts in the operations of that noun alone.
                for call, member in callers:
                    if is_about(call, nouns):
                        ranked[f"{member}@{noun_of(call)}"] = len(wanted) + rank
    return sorted(ranked, key=lambda member: (ranked[member], member))
