#!/bin/sh
# The conformance tests: octavo against live LiteRT, TensorFlow and Keras. Last line: N passed, N failed.
#
# usage: tests/conformance/run.sh [OCTAVO]      default: build/octavo under the repository root
#
# FULL=1        all models, more inputs, all 10,000 test images (an hour instead of minutes)
# MODELS=DIR    a folder of .tflite files whose outputs are compared too
#
# OCTAVO's folder is its build folder: the runner of one-operator models is built there. What is missing
# is installed: the Debian package of the test images, and the oracles into build/venv.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
octavo=${1:-build/octavo}
folder=$(dirname "$octavo")
python=build/venv/bin/python

if [ ! -x "$octavo" ] || [ ! -f "$folder/CMakeCache.txt" ]; then
    echo "run.sh: $octavo is not there; run 'make' first" >&2
    exit 2
fi
if [ ! -d /usr/share/datasets/fashion-mnist ]; then
    echo "run.sh: installing dataset-fashion-mnist, the labelled images" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y dataset-fashion-mnist >&2
fi
scripts/venv.sh
cmake "$folder" -DOCT_TESTS=ON >/dev/null
cmake --build "$folder" --target test_golden_ops --target metric_cases >/dev/null

passed=0
failed=0
counts=$(mktemp)
trap 'rm -f "$counts"' EXIT

# Runs a part whose last line is "N passed, N failed" and adds its counts; a part that ends without
# that line, or fails with nothing counted as failed, has failed once.
part() {
    echo "== $1"
    shift
    status=0
    { "$@" || echo "part: exit code $?"; } | tee "$counts"
    grep -q '^part: exit code' "$counts" && status=1
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$counts" | tail -n 1)
    line=${line:-0 passed, 1 failed}
    bad=${line#*, }
    bad=${bad%% *}
    [ "$status" -eq 1 ] && [ "$bad" -eq 0 ] && bad=1
    passed=$((passed + ${line%% *}))
    failed=$((failed + bad))
}

many=20 large=6 others=2 every=6 recipes=8
set -- "$octavo"
if [ "${FULL:-0}" = 1 ]; then
    many=200 large=40 others=10 every=1 recipes=60
    set -- "$@" --full
fi
if [ -n "${MODELS:-}" ]; then set -- "$@" --models "$MODELS"; fi

live="$python tests/conformance/op_live.py --runner $folder/tests/test_golden_ops"
# shellcheck disable=SC2086
part "one-operator models" $live --count $many --others $others
# shellcheck disable=SC2086
part "large one-operator models" $live --count $large --large --seed 2 --others 0
part "whole models" "$python" tests/conformance/suite.py "$@"
part "layers of different forms" "$python" tests/conformance/recipes.py "$octavo" --models $recipes
part "measures" "$python" tests/conformance/metrics.py "$folder/tests/metric_cases"
part "data that know more than a class" "$python" tests/conformance/truth.py "$octavo"
part "LiteRT as an engine" "$python" tests/conformance/engine.py "$octavo" \
    build/conformance/cnn_int8.tflite build/conformance/cnn_float32.tflite \
    build/conformance/cnn_dynamic.tflite build/conformance/cnn_int8-full.tflite
part "networks" "$python" tests/conformance/networks.py "$octavo" --check --out build/networks/check \
    MobileNet MobileNetV3Small EfficientNetB0 NASNetMobile
part "layers of Keras" "$python" tests/conformance/keras_layers.py "$octavo" --every $every \
    --out build/conformance/layers --table build/conformance/layers.md
part "schema tables" "$python" tests/tflite/schema_check.py
part "files read and written" "$python" tests/tflite/roundtrip.py \
    --command "$octavo convert {source} -o {result} --quiet" tests/golden/ops build/oracle/ref

part "the app's package" tests/android/package.sh
part "the app" tests/android/run.sh "$octavo"

echo "== all"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
