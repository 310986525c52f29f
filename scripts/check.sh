#!/bin/sh
# Builds and tests the given CMake presets; the last line is "N passed, N failed".
# usage: scripts/check.sh PRESET...
set -u
jobs=$(nproc 2>/dev/null || echo 2)
passed=0
failed=0
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
    passed=$((passed + $(grep -cE '^ *[0-9]+/[0-9]+ Test .*Passed' "$log")))
    failed=$((failed + $(grep -cE '^ *[0-9]+/[0-9]+ Test .*(Failed|Timeout|Not Run|Exception)' "$log")))
done

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
