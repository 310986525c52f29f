#!/bin/sh
# Every build, CPU level and thread count must write the same files and compute the same integers.
# usage: scripts/same_bytes.sh OCTAVO...
# The first build at its best level with one thread is the reference. Last line: "N passed, N failed".
# IMAGES, CALIBRATION: samples evaluated and calibrated with; LEVELS: values of OCT_CPU besides the best.
set -u
cd "$(dirname "$0")/.."
data=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
model=demo/fashion_mobilenetv2.keras
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# Makes all files and answers with "$octavo" in folder $1; the other arguments are octavo's.
make_all() {
    folder=$1
    shift
    mkdir -p "$folder"
    "$octavo" convert $model -o "$folder/float32.tflite" --quiet || return 1
    for mode in float16 dynamic int8 int8-full int16x8; do
        "$octavo" quantize $model -o "$folder/$mode.tflite" --mode $mode --quiet --preprocess tf \
            --calib "$data/train-images-idx3-ubyte.gz:${CALIBRATION:-40}" "$@" >/dev/null || return 1
    done
    # Integer forms: all answers, and the outputs of the output layer's integers by way of --predictions.
    for mode in int8 int8-full int16x8 float32; do
        "$octavo" eval "$folder/$mode.tflite" --data "$data/t10k-images-idx3-ubyte.gz:${IMAGES:-200}" --preprocess tf \
            --json --predictions "$folder/$mode.npy" "$@" >"$folder/$mode.json" || return 1
        sed -i "s#$folder/##" "$folder/$mode.json"
    done
}

compare_with() {
    label=$1
    shift
    if ! make_all "$work/now" "$@"; then
        echo "$label: octavo failed"
        failed=$((failed + 1))
        return
    fi
    for file in "$work"/first/*; do
        if cmp -s "$file" "$work/now/$(basename "$file")"; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "$label: $(basename "$file") differs"
        fi
    done
    rm -rf "$work/now"
}

octavo=$1
make_all "$work/first" --threads 1 || {
    echo "$octavo failed"
    echo "0 passed, 1 failed"
    exit 1
}
for octavo in "$@"; do
    for threads in 1 2; do
        compare_with "$octavo, $threads threads" --threads $threads
    done
    for level in ${LEVELS-c avx2 avx512}; do
        OCT_CPU=$level
        export OCT_CPU
        compare_with "$octavo, OCT_CPU=$level" --threads 2
        unset OCT_CPU
    done
done
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
