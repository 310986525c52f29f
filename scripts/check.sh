#!/bin/sh
# Builds and tests the given CMake presets; the last line is "N passed, N failed".
# usage: scripts/check.sh PRESET...
# The preset aarch64 is tested in an emulator, against the first of the others.
set -u
jobs=$(nproc 2>/dev/null || echo 2)
passed=0
failed=0
commands=""
emulated=false
log=$(mktemp)
trap 'rm -f "$log"' EXIT

for preset in "$@"; do
    if [ "$preset" = aarch64 ]; then
        emulated=true
        continue
    fi
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

# Shows what a script said and adds the counts of its last line, if it has any.
add_counts() {
    cat "$log"
    counts=$(tail -n 1 "$log" | grep -E '^[0-9]+ passed, [0-9]+ failed$') || return
    passed=$((passed + ${counts%% *}))
    counts=${counts#*, }
    failed=$((failed + ${counts%% *}))
}

# shellcheck disable=SC2086
if [ -n "$commands" ]; then
    echo "== same bytes from every build, CPU level and thread count"
    scripts/same_bytes.sh $commands >"$log"
    add_counts
    if [ "$emulated" = true ]; then
        echo "== 64-bit ARM, emulated"
        set -- $commands
        scripts/qemu.sh "$1" >"$log"
        add_counts
    fi
fi

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
