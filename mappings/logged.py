"""How CloudTrail logs an action, by `overrides/visibility.tsv`."""

import fnmatch
from collections import defaultdict


class Logged:
    """The rule of `src/catalog/visibility.rs`."""

    def __init__(self, needs, overrides):
        self.called = {action.full.lower() for found in needs.values() for action in found}
        self.rows = defaultdict(list)
        for pattern, logged, *_rest in overrides:
            if logged != "network":
                self.rows[pattern.split(":")[0].lower()].append((pattern.lower(), logged))

    def of(self, action):
        """`management`, `data`, `never` or `unknown`."""
        action = action.lower()
        found = [row for row in self.rows[action.split(":")[0]] if fnmatch.fnmatchcase(action, row[0])]
        pattern, logged = max(found, key=lambda row: ("*" not in row[0], len(row[0])), default=("", "unknown"))
        if logged == "management" and "*" in pattern and action not in self.called:
            return "unknown"
        return logged.rstrip("!")
