#!/bin/sh
# Makes build/venv, the Python environment of the oracles (TensorFlow, Keras, LiteRT, onnxruntime).
#
# usage: scripts/venv.sh [VENV_DIR]      default: build/venv under the repository root
#
# Idempotent: the venv carries the hash of requirements.txt and of the interpreter's version it was
# made from; while both agree nothing is done. A half-made venv has no stamp and is made anew.
set -eu

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
venv=${1:-$root/build/venv}
requirements=$root/scripts/requirements.txt
python=${PYTHON:-python3}

stamp=$venv/.octavo-requirements
want=$( { cat "$requirements"; "$python" -c 'import sys; print(sys.version)'; } | sha256sum | cut -c1-64)

if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$want" ]; then
    echo "venv: $venv is up to date"
    exit 0
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "venv: $python has no venv module; installing the Debian package python3-venv" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y python3-venv >&2
fi

echo "venv: making $venv (TensorFlow, Keras, LiteRT: about 2 GB, some minutes)" >&2
rm -rf "$venv"
mkdir -p "$(dirname "$venv")"
"$python" -m venv "$venv"
PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1 \
    "$venv/bin/python" -m pip install --quiet --no-deps --requirement "$requirements" >&2
echo "$want" > "$stamp"
echo "venv: $venv is ready"
