"""Decides by Z3 whether NEW allows a request that OLD does not: no part of trailfit's, and no case distinction of its own.

In, one pair a line: {"old": side, "new": side}; a side is {"policies": [document, ...]} and perhaps "boundary" (a document)
and "scps" (documents, each of which has to allow).
Out, one line for each: {"answer": "no"}, {"answer": "yes", "request": {...}} or {"answer": "unknown"} after five seconds.

The policies become one formula over a request that is not known: the action (its service and name, in lower case), the
resource (`*`, or the six fields of an ARN, of which only the last may hold colons), and each condition key: whether it is
there, and its value, or values where a set operator looks at them. Z3 looks for a request that makes it true.

Written from the IAM User Guide: "Policy evaluation logic", "IAM JSON policy elements" (Action, NotAction, Resource,
NotResource, Condition operators), "Set operators for multivalued context keys", "Variables and tags", "IAM identifiers".
Where the guide says two things, README.md beside this file says which is taken.
"""

import ipaddress
import json
import re
import sys
from datetime import datetime, timezone

import z3

TIMEOUT_MS = 5_000

STRINGS = z3.StringSort()
ANY = z3.AllChar(z3.ReSort(STRINGS))
# A star over a range of characters can make Z3 run on; this one can not.
ALL = z3.Full(z3.ReSort(STRINGS))
COLON = z3.Re(":")
WITHOUT_COLON = z3.Complement(z3.Concat(ALL, COLON, ALL))


class Unknown(Exception):
    """Z3 gave up."""


def many(value):
    return value if isinstance(value, list) else [value]


def glob(text):
    """The strings that a text with `*` and `?` describes."""
    wild = {"*": ALL, "?": ANY}
    return chain([wild[token] if token in wild else z3.Re(token) for token in re.findall(r"\*|\?|[^*?]+", text)])


def any_case(text):
    cases = [sorted({c.lower(), c.upper()}) for c in text]
    return chain([z3.Union([z3.Re(c) for c in each]) if len(each) > 1 else z3.Re(each[0]) for each in cases])


def chain(parts):
    if not parts:
        return z3.Re("")
    return parts[0] if len(parts) == 1 else z3.Concat(parts)


def wide(text):
    """The end of an ARN, from one of its first fields on: a star that ends a field may run over colons."""
    fields = text.split(":")
    parts = []
    for field in fields[:-1]:
        stem = field.rstrip("*")
        inner = glob(stem)
        parts.append(z3.Intersect(inner, WITHOUT_COLON) if re.search(r"[*?]", stem) else inner)
        parts += [ALL] if field != stem else []
        parts.append(COLON)
    return chain(parts + [glob(fields[-1])])


# What a string can be asked for, by its name.
TESTS = {
    "like": glob,
    "is": z3.Re,
    "is, in any case,": any_case,
    "wide": wide,
    "wide behind": lambda text: z3.Concat(ALL, COLON, wide(text)),
}

KNOWN = {}


def combinations(tests, alphabet):
    """Which of `tests` can hold of one string together: each combination with all such strings and one."""
    if (tests, alphabet) not in KNOWN:
        everything = {"any": ALL, "field": WITHOUT_COLON, "name": z3.Intersect(WITHOUT_COLON, z3.Concat(ANY, ALL))}
        found = [((), everything[alphabet], "a")]
        for kind, text in tests:
            regex = TESTS[kind](text)
            split = []
            for values, before, sample in found:
                # Of one string there is nothing to ask.
                alone = any(value and test[0] == "is" for value, test in zip(values, tests))
                is_one = is_member(sample, regex)
                for value, own in ((True, regex), (False, z3.Complement(regex))):
                    both = z3.Intersect(before, own)
                    if value == is_one:
                        some = sample
                    elif alone:
                        some = None
                    elif value and kind == "is":
                        some = text if is_member(text, before) else None
                    else:
                        some = member(both)
                    split += [] if some is None else [(values + (value,), both, some)]
            found = split
        KNOWN[tests, alphabet] = found
    return KNOWN[tests, alphabet]


def is_member(text, regex):
    return z3.is_true(z3.simplify(z3.InRe(z3.StringVal(text), regex)))


def member(regex):
    """A string of a language, `None` where it is empty."""
    subject = z3.String("subject")
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    # As one membership: Z3 then takes derivatives of it, and solves no equations of words.
    solver.add(z3.InRe(subject, regex))
    answer = solver.check()
    if answer == z3.unknown:
        raise Unknown
    return unescaped(solver.model().eval(subject).as_string()) if answer == z3.sat else None


class Text:
    """A string that is not known. `alphabet` is "any", "field" (no colon) or "name" (neither a colon nor empty)."""

    def __init__(self, name, alphabet="any"):
        self.name = name
        self.alphabet = alphabet
        self.tests = {}
        # A variable or a key that it is compared with: then it is a string to Z3, not only what is known of it.
        self.string = None

    def matches(self, text, kind="like"):
        if set(text) == {"*"} and kind == "like":
            return z3.BoolVal(True)
        if kind == "like" and not re.search(r"[*?]", text):
            kind = "is"
        return self.tests.setdefault((kind, text), z3.Bool(f"{self.name} {kind} `{text}`"))

    def as_string(self):
        if self.string is None:
            self.string = z3.String(self.name)
        return self.string

    def rules(self):
        tests = sorted(self.tests)
        found = combinations(tuple(tests), self.alphabet)
        holds = [self.tests[test] for test in tests]
        cases = []
        for values, regex, _ in found:
            case = [hold == value for hold, value in zip(holds, values)]
            cases.append(z3.And(case + ([] if self.string is None else [z3.InRe(self.string, regex)])))
        yield z3.Or(cases)

    def shown(self, model):
        if self.string is not None:
            return unescaped(model.eval(self.string, model_completion=True).as_string())
        tests = sorted(self.tests)
        values = [z3.is_true(model.eval(self.tests[test], model_completion=True)) for test in tests]
        found = combinations(tuple(tests), self.alphabet)
        return next(sample for known, _, sample in found if list(known) == values)


def unescaped(text):
    return re.sub(r"\\u\{([0-9a-fA-F]+)\}", lambda found: chr(int(found[1], 16)), text)


class Arn:
    """An ARN that is not known: its fields behind `arn`."""

    def __init__(self, request, name):
        self.request = request
        self.fields = [request.text(f"{name} {field}", "field") for field in ("partition", "service", "region", "account")]
        self.fields.append(request.text(f"{name} rest"))

    def matches(self, text, over_colons=False):
        if set(text) == {"*"}:
            return z3.BoolVal(True)
        # Missing fields at the end are `*` ("IAM ARNs").
        wanted = text.split(":", 5)
        wanted += ["*"] * (6 - len(wanted))
        assert wanted[0] == "arn", text
        if over_colons:
            return self.matches_over_colons(wanted[1:], 0, 0)
        first = [field.matches(text) for field, text in zip(self.fields[:4], wanted[1:5])]
        return z3.And(first + [self.request.matches_with_variables(self.fields[4], wanted[5])])

    def matches_over_colons(self, wanted, at, field):
        """The fields of the pattern from `at` on match those of the ARN from `field` on, if a star that ends one of the
        first fields may run over colons."""
        if at == 4 and field == 4:
            return self.request.matches_with_variables(self.fields[4], wanted[4])
        if field == 4:
            return self.fields[4].matches(":".join(wanted[at:]), "wide")
        here = self.fields[field].matches(wanted[at])
        on = [self.matches_over_colons(wanted, at + 1, field + 1)]
        if wanted[at].endswith("*"):
            on += [self.matches_over_colons(wanted, at + 1, later + 1) for later in range(field + 1, 4)]
            on.append(self.fields[4].matches(":".join(wanted[at + 1 :]), "wide behind"))
        return z3.And(here, z3.Or(on))

    def shown(self, model):
        return ":".join(["arn"] + [field.shown(model) for field in self.fields])


class Key:
    """A condition key that is not known. What it holds is told by the operators that look at it."""

    def __init__(self, request, name):
        self.present = z3.Bool(f"{name} present")
        self.text = request.text(name)
        self.number = z3.Real(f"{name} number")
        self.moment = z3.Real(f"{name} moment")
        self.true = z3.Bool(f"{name} true")
        self.is_v6 = z3.Bool(f"{name} is_v6")
        self.v4 = z3.BitVec(f"{name} v4", 32)
        self.v6 = z3.BitVec(f"{name} v6", 128)
        self.arn = Arn(request, name)
        # Each set operator can ask for one value that no other needs; so many are enough.
        count = request.sets.get(name, 0)
        self.values = [request.text(f"{name} value {n}") for n in range(count)]
        self.used = [z3.BoolVal(True)] + [z3.Bool(f"{name} used {n}") for n in range(1, count)]


class Request:
    """A request that is not known."""

    def __init__(self, sides):
        self.texts = []
        self.service = self.text("service", "name")
        self.action = self.text("action", "name")
        self.is_star = z3.Bool("resource is *")
        self.arn = Arn(self, "resource")
        self.keys = {}
        self.kinds = {}
        # How often a set operator looks at a key.
        self.sets = {}
        for document in documents(sides):
            for statement in many(document["Statement"]):
                for operator, tests in statement.get("Condition", {}).items():
                    for key in tests if operator.lower().startswith("for") else []:
                        self.sets[key.lower()] = self.sets.get(key.lower(), 0) + 1

    def text(self, name, alphabet="any"):
        self.texts.append(Text(name, alphabet))
        return self.texts[-1]

    def rules(self):
        for text in self.texts:
            yield from text.rules()

    def key(self, name):
        name = name.lower()
        if name not in self.keys:
            self.keys[name] = Key(self, name)
        return self.keys[name]

    def key_of(self, name, kind):
        """The key; all operators that look at a key have to take its value for the same kind."""
        kinds = self.kinds.setdefault(name.lower(), kind)
        assert kinds == kind, f"{name}: {kind} and {kinds}"
        return self.key(name)

    def matches_with_variables(self, subject, text):
        """As `matches`, with `${key}` and `${key, 'default'}`, behind which nothing but one star may be wild."""
        parts = re.split(r"(\$\{[^}]*\})", text)
        if len(parts) == 1:
            return subject.matches(text)
        there, terms = [], []
        for part in parts[:-1]:
            assert part.startswith("${") or not re.search(r"[*?]", part), text
            if not part.startswith("${"):
                terms.append(z3.StringVal(part))
                continue
            inside = re.fullmatch(r"\$\{([^,]*)(?:, *'(.*)')?\}", part)
            key, default = self.key_of(inside[1].strip(), "text"), inside[2]
            if default is None:
                # A variable without a value matches nothing ("Variables and tags").
                there.append(key.present)
                terms.append(key.text.as_string())
            else:
                terms.append(z3.If(key.present, key.text.as_string(), z3.StringVal(default)))
        last = parts[-1]
        assert not re.search(r"[*?]", last[:-1]) and not last.endswith("?"), text
        terms.append(z3.StringVal(last.removesuffix("*")))
        whole = z3.Concat(terms)
        found = z3.PrefixOf(whole, subject.as_string()) if last.endswith("*") else subject.as_string() == whole
        return z3.And(there + [found])


def documents(sides):
    for side in sides:
        yield from side["policies"]
        if "boundary" in side:
            yield side["boundary"]
        yield from side.get("scps", [])


def allowed(side, request):
    """Every layer allows, nothing denies ("Policy evaluation logic")."""
    limits = [side["boundary"]] if "boundary" in side else []
    layers = [side["policies"]] + [[limit] for limit in limits + side.get("scps", [])]
    allows, denies = [], []
    for layer in layers:
        found = []
        for document in layer:
            for statement in many(document["Statement"]):
                deny = statement["Effect"] == "Deny"
                (denies if deny else found).append(applies(statement, deny, request))
        allows.append(z3.Or(found))
    return z3.And(allows + [z3.Not(z3.Or(denies))])


def applies(statement, deny, request):
    return z3.And(
        element(statement, "Action", lambda text: speaks_of_action(text, request)),
        element(statement, "Resource", lambda text: speaks_of_resource(text, deny, "NotResource" in statement, request)),
        *(
            condition(operator, key, many(values), request)
            for operator, tests in statement.get("Condition", {}).items()
            for key, values in tests.items()
        ),
    )


def element(statement, name, test):
    negated = f"Not{name}" in statement
    found = z3.Or([test(text) for text in many(statement[f"Not{name}" if negated else name])])
    return z3.Not(found) if negated else found


def speaks_of_action(text, request):
    if text == "*":
        return z3.BoolVal(True)
    service, name = text.lower().split(":")
    return z3.And(request.service.matches(service), request.action.matches(name))


def speaks_of_resource(text, deny, negated, request):
    if set(text) == {"*"}:
        return z3.BoolVal(True)
    # README.md, "a star in the first five fields": what grants is read narrowly, what refuses widely.
    return z3.And(z3.Not(request.is_star), request.arn.matches(text, over_colons=deny != negated))


def condition(operator, name, wanted, request):
    lower = operator.lower()
    wanted = [str(value).lower() if isinstance(value, bool) else str(value) for value in wanted]
    if lower == "null":
        key = request.key(name)
        return z3.Or([z3.Not(key.present) if value.lower() == "true" else key.present for value in wanted])
    quantifier, _, base = lower.rpartition(":")
    exists = base.endswith("ifexists")
    base = base.removesuffix("ifexists")
    negated = "not" in base
    base = base.replace("not", "")
    if quantifier:
        assert not exists or quantifier == "forallvalues", operator
        return over_set(quantifier, base, negated, request.key_of(name, "set"), wanted, request)
    key = one_value(base, name, request)
    holds = z3.Or([test(key, base, value, request) for value in wanted])
    if negated:
        return z3.Or(z3.Not(key.present), z3.Not(holds))
    return z3.Or(z3.Not(key.present), holds) if exists else z3.And(key.present, holds)


def over_set(quantifier, base, negated, key, wanted, request):
    # Nothing but empty strings is a null dataset ("Set operators for multivalued context keys").
    empty = z3.And([z3.Implies(used, value.matches("")) for used, value in zip(key.used, key.values)])
    nothing = z3.Or(z3.Not(key.present), empty)
    each = []
    for used, value in zip(key.used, key.values):
        holds = z3.Or([compare_text(base, value, text, request) for text in wanted])
        each.append((used, z3.Not(holds) if negated else holds))
    if quantifier == "forallvalues":
        return z3.Or(nothing, z3.And([z3.Implies(used, holds) for used, holds in each]))
    return z3.And(z3.Not(nothing), z3.Or([z3.And(used, holds) for used, holds in each]))


KINDS = {"string": "text", "numeric": "number", "date": "moment", "bool": "bool", "ipaddress": "address", "arn": "arn"}


def one_value(base, name, request):
    kind = next(kind for start, kind in KINDS.items() if base.startswith(start))
    return request.key_of(name, kind)


def compare_text(base, subject, text, request):
    if base == "stringequalsignorecase":
        assert "${" not in text, text
        return subject.matches(text, "is, in any case,")
    if base == "stringlike":
        return request.matches_with_variables(subject, text)
    assert base == "stringequals", base
    return request.matches_with_variables(subject, text) if "${" in text else subject.matches(text, "is")


def test(key, base, text, request):
    if base.startswith("string"):
        return compare_text(base, key.text, text, request)
    if base.startswith("numeric"):
        return order(base.removeprefix("numeric"), key.number, z3.RealVal(text))
    if base.startswith("date"):
        return order(base.removeprefix("date"), key.moment, z3.RealVal(seconds(text)))
    if base == "bool":
        return key.true == (text.lower() == "true")
    if base == "ipaddress":
        return address_in(key, ipaddress.ip_network(text, strict=False))
    assert base in ("arnlike", "arnequals"), base
    return key.arn.matches(text)


def order(relation, left, right):
    return {
        "equals": left == right,
        "lessthan": left < right,
        "lessthanequals": left <= right,
        "greaterthan": left > right,
        "greaterthanequals": left >= right,
    }[relation]


def seconds(text):
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return repr(moment.replace(tzinfo=moment.tzinfo or timezone.utc).timestamp())


def address_in(key, network):
    four = network.version == 4
    value, width = (key.v4, 32) if four else (key.v6, 128)
    family = z3.Not(key.is_v6) if four else key.is_v6
    if network.prefixlen == 0:
        return family
    mask = z3.BitVecVal(int(network.netmask), width)
    return z3.And(family, value & mask == z3.BitVecVal(int(network.network_address), width))


def shown(model, request):
    """The request that Z3 found, as `trailfit simulate` reads it."""

    def is_true(term):
        return z3.is_true(model.eval(term, model_completion=True))

    def shown_value(key, kind):
        if kind == "text":
            return key.text.shown(model)
        if kind == "arn":
            return key.arn.shown(model)
        if kind == "bool":
            return "true" if is_true(key.true) else "false"
        if kind == "address":
            v6 = is_true(key.is_v6)
            bits = model.eval(key.v6 if v6 else key.v4, model_completion=True).as_long()
            return str(ipaddress.IPv6Address(bits) if v6 else ipaddress.IPv4Address(bits))
        term = model.eval(key.number if kind == "number" else key.moment, model_completion=True)
        value = term.numerator_as_long() / term.denominator_as_long()
        return f"{value:f}" if kind == "number" else datetime.fromtimestamp(value, timezone.utc).isoformat()

    context = {}
    for name, key in request.keys.items():
        kind = request.kinds.get(name, "text")
        if is_true(key.present) and kind == "set":
            context[name] = [value.shown(model) for used, value in zip(key.used, key.values) if is_true(used)]
        elif is_true(key.present):
            context[name] = [shown_value(key, kind)]
    resource = "*" if is_true(request.is_star) else request.arn.shown(model)
    return {"action": f"{request.service.shown(model)}:{request.action.shown(model)}", "resource": resource, "context": context}


def judge(pair):
    request = Request([pair["old"], pair["new"]])
    new = allowed(pair["new"], request)
    old = allowed(pair["old"], request)
    solver = z3.Solver()
    solver.set("timeout", TIMEOUT_MS)
    solver.add(new, z3.Not(old))
    try:
        solver.add(list(request.rules()))
        answer = solver.check()
    except Unknown:
        answer = z3.unknown
    if answer == z3.sat:
        return {"answer": "yes", "request": shown(solver.model(), request)}
    return {"answer": "no" if answer == z3.unsat else "unknown"}


for line in sys.stdin:
    try:
        said = judge(json.loads(line))
    except Exception as error:  # one bad line must not silence the others
        said = {"error": repr(error)}
    print(json.dumps(said), flush=True)
