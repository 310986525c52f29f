#!/bin/sh
# Octavo's engine beside LiteRT and onnxruntime, measured in turns.
#   scripts/bench.sh                 the demo's seven forms
#   scripts/bench.sh --networks      the six networks of docs/performance.md in five forms each
#   scripts/bench.sh MODEL.tflite... options of scripts/bench.py and further files
set -eu
cd "$(dirname "$0")/.."
scripts/venv.sh
python=build/venv/bin/python
if [ "${1:-}" = --networks ]; then
    shift
    $python scripts/bench_models.py build/octavo build/bench
    for network in mobilenetv2 resnet50 efficientnetb0 mobilenetv3small densenet121 transformer; do
        files=build/bench/${network}
        onnx="--onnx ${files}_float32.tflite:${files}_int8.tflite"
        [ $network = transformer ] && onnx=
        # shellcheck disable=SC2086
        $python scripts/bench.py ${files}_float32.tflite ${files}_float16.tflite ${files}_dynamic.tflite \
            ${files}_int8.tflite $onnx --json ${files}.json "$@"
    done
    exit
fi
[ -f build/demo/float32.tflite ] || demo/run.sh build/demo >/dev/null
exec $python scripts/bench.py build/demo/*.tflite "$@"
