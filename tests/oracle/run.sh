#!/usr/bin/env bash
# Installs two IAM evaluators and two linters that are not trailfit's, and Z3, and holds trailfit's to them.
#
#   tests/oracle/run.sh              the case folders, the managed policies, and from seed 1 4,000 pairs, 4,000 layers and
#                                    1,000 comparisons; every tenth managed policy widened; for the linters our cases,
#                                    the managed policies and 300 made up
#   TRAILFIT_ORACLE_SEED=7 TRAILFIT_ORACLE_PAIRS=100000 TRAILFIT_ORACLE_COMPARISONS=10000 \
#     TRAILFIT_ORACLE_MANAGED_STEP=1 TRAILFIT_ORACLE_LINTED=3000 tests/oracle/run.sh
#
# Needs Node.js 18, Python 3.11 with pip, and a Rust toolchain. Ends with "N passed, M failed" and fails where M is not 0.
set -euo pipefail
cd "$(dirname "$0")"

npm ci --silent --no-audit --no-fund
python3 -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps --require-hashes \
  --no-compile --upgrade --target python_modules --requirement requirements.txt --requirement lint_requirements.txt

log="$(mktemp)"
trap 'rm -f "$log"' EXIT
status=0
cargo test --quiet --test oracle -- --ignored --nocapture >"$log" 2>&1 || status=$?
cat "$log"
# The counts of all tests together, alone on the last line.
awk '/^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 } END { print passed + 0 " passed, " failed + 0 " failed" }' "$log"
exit "$status"
