#!/bin/sh
# The conformance tests: octavo against live LiteRT, TensorFlow and Keras. Last line: N passed, N failed.
#
# usage: tests/conformance/run.sh [OCTAVO]      default: build/octavo under the repository root
#
# FULL=1        all models, more inputs, all 10,000 test images (about an hour instead of minutes)
# MODELS=DIR    a folder of .tflite files whose outputs are compared too
#
# It installs what is missing: the Debian package of the test images, and the oracles into build/venv.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/../.." && pwd)
cd "$root"
octavo=${1:-build/octavo}

if [ ! -x "$octavo" ]; then
    echo "run.sh: $octavo is not there; run 'make' first" >&2
    exit 2
fi
if [ ! -d /usr/share/datasets/fashion-mnist ]; then
    echo "run.sh: installing dataset-fashion-mnist, the labelled images" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y dataset-fashion-mnist >&2
fi
scripts/venv.sh

set -- "$octavo"
if [ "${FULL:-0}" = 1 ]; then set -- "$@" --full; fi
if [ -n "${MODELS:-}" ]; then set -- "$@" --models "$MODELS"; fi
exec build/venv/bin/python tests/conformance/suite.py "$@"
