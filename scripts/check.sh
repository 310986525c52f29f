#!/bin/sh
# Builds and tests the given CMake presets; the last line is "N passed, N failed".
# usage: scripts/check.sh PRESET...
set -u
jobs=$(nproc 2>/dev/null || echo 2)
passed=0
failed=0
commands=""
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for preset in "$@"; do
    folder=build
    [ "$preset" = release ] || folder=build-$preset
    echo "== $preset"
    if ! { cmake --preset "$preset" -DOCT_TESTS=ON && cmake --build "$folder" -j "$jobs"; } >"$log" 2>&1; then
        grep -E 'error|Error|FAILED' "$log" | head -40
        echo "$preset: does not build"
        failed=$((failed + 1))
        continue
    fi
    ctest --test-dir "$folder" --output-on-failure -j "$jobs" >"$log" 2>&1
    grep -vE '^ *[0-9]+/[0-9]+ Test .*Passed|^ +Start ' "$log"
    commands="$commands $folder/octavo"
    passed=$((passed + $(grep -cE '^ *[0-9]+/[0-9]+ Test .*Passed' "$log")))
    failed=$((failed + $(grep -cE '^ *[0-9]+/[0-9]+ Test .*(Failed|Timeout|Not Run|Exception)' "$log")))
done

# shellcheck disable=SC2086
if [ -n "$commands" ]; then
    echo "== same bytes from every build, CPU level and thread count"
    scripts/same_bytes.sh $commands | tee "$log"
    counts=$(tail -n 1 "$log")
    passed=$((passed + ${counts%% *}))
    counts=${counts#*, }
    failed=$((failed + ${counts%% *}))
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
