#!/bin/sh
# The main job on the bundled model: every quantized form of a Keras MobileNetV2, on 10,000 test images.
# usage: demo/run.sh [OUTPUT_DIR]
set -eu
cd "$(dirname "$0")/.."
data=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
[ -d "$data" ] || {
    echo "demo: $data is missing: install dataset-fashion-mnist, or set FASHION_MNIST" >&2
    exit 5
}
exec build/octavo compare demo/fashion_mobilenetv2.keras \
    --data "$data/t10k-images-idx3-ubyte.gz" \
    --calib "$data/train-images-idx3-ubyte.gz" --calib-samples 200 \
    --preprocess auto -o "${1:-build/demo}"
