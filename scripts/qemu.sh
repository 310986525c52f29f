#!/bin/sh
# The program for 64-bit ARM in an emulator: its tests, and the same bytes as the host's command on processors
# without dot products (Cortex-A53), with them (Cortex-A76), and with all there is.
#
# usage: scripts/qemu.sh OCTAVO [all]
#   without "all": kernels and operators on the largest processor, a few images there and on the smallest one
#   with it: every test and the demo's 10,000 images on each
# OCTAVO is the host's command. The last line is "N passed, N failed"; exit code 77: cannot be done here.
set -u
cd "$(dirname "$0")/.."
octavo=$(realpath "$1")
all=${2:-}
build=$PWD/build-aarch64
data=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
processors="cortex-a53 cortex-a76 max"
passed=0
failed=0

for tool in aarch64-linux-gnu-gcc qemu-aarch64-static; do
    command -v $tool >/dev/null 2>&1 || {
        echo "$tool is missing (scripts/setup.sh aarch64): nothing was tested on 64-bit ARM"
        exit 77
    }
done
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Without "all" only what is run is built.
targets=all
if [ "$all" != all ]; then
    targets="octavo_command test_golden_ops"
    for file in tests/kernels/*.c; do
        targets="$targets test_kernels_$(basename "$file" .c)"
    done
fi
TARGETS=$targets scripts/device.sh -DOCT_TESTS=ON >"$work/log" 2>&1 || {
    status=$?
    grep -E 'error|FAILED|device:' "$work/log" | head -n 20
    [ $status -eq 77 ] || echo "0 passed, 1 failed"
    exit $status
}

# Adds up the counts of a run of ctest.
run_tests() {
    label=$1
    shift
    QEMU_CPU=$label ctest --test-dir "$build" --output-on-failure -j "$(nproc)" "$@" >"$work/log" 2>&1
    grep -vE '^ *[0-9]+/[0-9]+ Test .*Passed|^ +Start |^Internal ctest|^Test project|^$' "$work/log" |
        sed "s/^/$label: /"
    passed=$((passed + $(grep -cE '^ *[0-9]+/[0-9]+ Test .*Passed' "$work/log")))
    failed=$((failed + $(grep -cE '^ *[0-9]+/[0-9]+ Test .*(Failed|Timeout|Not Run|Exception)' "$work/log")))
}

# A command that runs the program on a processor.
make_command() {
    printf '#!/bin/sh\nQEMU_CPU=%s exec qemu-aarch64-static %s "$@"\n' "$1" "$build/octavo" >"$work/$1"
    chmod +x "$work/$1"
}

# Answers of an integer form for all test images on one processor, against the host's.
compare_counts() {
    mode=$1
    processor=$2
    "$work/$processor" eval "$work/$mode.tflite" --data "$data/t10k-images-idx3-ubyte.gz" --preprocess tf --json \
        --predictions "$work/$mode.$processor.npy" >"$work/$mode.$processor.json"
    if cmp "$work/$mode.npy" "$work/$mode.$processor.npy" && cmp "$work/$mode.json" "$work/$mode.$processor.json"; then
        passed=$((passed + 1))
        echo "$processor, $mode: $(sed -n 's/.*"top1": \([0-9]*\).*/\1/p' "$work/$mode.$processor.json") right, as on the host"
    else
        failed=$((failed + 1))
        echo "$processor, $mode: not the host's answers"
    fi
}

for processor in $processors; do
    make_command "$processor"
done
# Left out: readers of JPEG and PNG, which the program lacks, and tests that make the n-th allocation fail: in a
# static program the wrapped functions are the libraries' too.
if [ "$all" = all ]; then
    for processor in $processors; do
        run_tests "$processor" -E '/memory$|^eval/data$|^eval/truth$|^report/picture$'
    done
else
    run_tests max -R '^(kernels|aarch64)/|^golden/ops$'
    run_tests cortex-a53 -R '^kernels/dispatch$'
    run_tests cortex-a76 -R '^kernels/dispatch$'
fi

echo "== same bytes as on the host"
commands="$work/cortex-a53 $work/max"
[ "$all" != all ] || commands="$commands $work/cortex-a76"
# shellcheck disable=SC2086
IMAGES=20 CALIBRATION=8 LEVELS="" scripts/same_bytes.sh "$octavo" $commands | tee "$work/log"
counts=$(tail -n 1 "$work/log")
passed=$((passed + ${counts%% *}))
counts=${counts#*, }
failed=$((failed + ${counts%% *}))

if [ "$all" = all ]; then
    for mode in int8 int8-full int16x8; do
        "$octavo" quantize demo/fashion_mobilenetv2.keras -o "$work/$mode.tflite" --mode $mode --quiet \
            --preprocess tf --calib "$data/train-images-idx3-ubyte.gz:100" >/dev/null
        "$octavo" eval "$work/$mode.tflite" --data "$data/t10k-images-idx3-ubyte.gz" --preprocess tf --json \
            --predictions "$work/$mode.npy" >"$work/$mode.json"
        for processor in $processors; do
            compare_counts "$mode" "$processor"
        done
    done
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
