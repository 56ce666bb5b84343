#!/usr/bin/env bash
# The whole program beside decompressing the same files: `trailfit generate` against libdeflate-gunzip and igzip (Debian:
# libdeflate-tools, isal). Runs take turns, so that what else the machine does hits all of them; CPU is user and system time
# of a run with its children, and the ratio is the median of the ratios within each turn.
#
#   benches/compare.sh [--runs 7] [--threads 2] [--work DIR] [corpus options, as --files 2000 --unique 10]
set -euo pipefail
cd "$(dirname "$0")/.."

runs=7 threads=2 work=${TMPDIR:-/tmp}/trailfit-bench options=()
while [ $# -gt 0 ]; do
  case $1 in
    --runs) runs=$2 ;;
    --threads) threads=$2 ;;
    --work) work=$2 ;;
    *) options+=("$1" "$2") ;;
  esac
  shift 2
done
for tool in libdeflate-gunzip igzip; do
  command -v $tool >/dev/null || { echo "error: $tool is missing: apt-get install libdeflate-tools isal" >&2; exit 2; }
done

cargo build --release --locked --quiet --bin trailfit --example corpus
program=${TRAILFIT:-target/release/trailfit}
mkdir -p "$work"
logs=$work/corpus$(IFS=; echo "${options[*]-}" | tr -d ' -')
[ -f "$logs.made" ] || { rm -rf "$logs"; target/release/examples/corpus "$logs" ${options[@]+"${options[@]}"} | tee "$logs.made"; }

# Decompresses all files in one process.
libdeflate() { find "$logs" -name '*.gz' -print0 | xargs -0 -n 100000 libdeflate-gunzip -c >/dev/null; }
igzip_() { find "$logs" -name '*.gz' -print0 | xargs -0 -n 100000 igzip -d -c >/dev/null; }
trailfit() { "$program" generate --quiet --threads "$threads" --out "$work/policies" "$logs" >/dev/null; }

# Wall, user and system seconds of a command.
measure() { TIMEFORMAT='%R %U %S'; { time "$@" 2>/dev/null; } 2>&1; }

libdeflate && trailfit # the files are in the page cache from here on
for _ in $(seq "$runs"); do
  for what in libdeflate igzip_ trailfit; do echo "$what $(measure $what)"; done
done | awk -v runs="$runs" '
  function median(list,    n, i, j, t, a) {
    n = split(list, a, " ")
    for (i = 2; i <= n; i++) for (j = i; j > 1 && a[j - 1] > a[j]; j--) { t = a[j]; a[j] = a[j - 1]; a[j - 1] = t }
    return n % 2 ? a[(n + 1) / 2] : (a[n / 2] + a[n / 2 + 1]) / 2
  }
  { wall[$1] = wall[$1] " " $2; cpu[$1] = cpu[$1] " " ($3 + $4); last[$1] = $3 + $4 }
  $1 == "trailfit" { ratio = ratio " " last["trailfit"] / last["libdeflate"]; share = share " " $2 / ($3 + $4) }
  END {
    printf "%-24s %8s %8s\n", "medians of " runs " runs", "CPU s", "wall s"
    for (i = 1; i <= 3; i++) {
      name = i == 1 ? "libdeflate" : i == 2 ? "igzip_" : "trailfit"
      printf "%-24s %8.2f %8.2f\n", name == "trailfit" ? "trailfit generate" : name == "igzip_" ? "igzip" : "libdeflate-gunzip", median(cpu[name]), median(wall[name])
    }
    printf "CPU against libdeflate-gunzip: %.2f; wall against own CPU: %.2f\n", median(ratio), median(share)
  }'
"$program" generate --threads "$threads" --out "$work/policies" "$logs" 2>&1 >/dev/null | sed -n 1,3p
