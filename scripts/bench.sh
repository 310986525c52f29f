#!/bin/sh
# Octavo's engine beside LiteRT on the demo's seven forms, measured in turns. Further .tflite files as arguments.
set -eu
cd "$(dirname "$0")/.."
scripts/venv.sh
[ -f build/demo/float32.tflite ] || demo/run.sh build/demo >/dev/null
exec build/venv/bin/python scripts/bench.py build/demo/*.tflite "$@"
