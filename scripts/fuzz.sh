#!/bin/sh
# Coverage-guided fuzzing of every parser, one after the other, under AddressSanitizer and UBSan.
# usage: scripts/fuzz.sh [SECONDS for each, default 600] [TARGET...]
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-600}
[ $# -gt 0 ] && shift
cmake --preset fuzz >/dev/null
cmake --build build-fuzz -j "$(nproc)" >/dev/null
targets=${*:-$(cd build-fuzz/tests/fuzz && ls fuzz_* | sed 's/^fuzz_//')}
passed=0
failed=0
for target in $targets; do
    work=build-fuzz/corpus/$target
    seeds=tests/fuzz/corpus/$target
    [ "$target" = model ] && seeds="$seeds tests/golden/ops" # whole models of every operator
    mkdir -p "$work" build-fuzz/findings
    echo "== $target, $seconds s"
    # shellcheck disable=SC2086
    if build-fuzz/tests/fuzz/fuzz_"$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3000 \
        -max_len=200000 -print_final_stats=1 -artifact_prefix=build-fuzz/findings/"$target"- \
        "$work" $seeds 2>build-fuzz/findings/"$target".log; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        tail -40 build-fuzz/findings/"$target".log
    fi
    grep -E 'stat::number_of_executed_units|cov:' build-fuzz/findings/"$target".log | tail -2
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
