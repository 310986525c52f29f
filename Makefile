# A thin front for CMake: the two commands of the README are `make demo` and `make check`.
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
BUILD := build

all: $(BUILD)/build.ninja
	cmake --build $(BUILD) -j $(JOBS)

$(BUILD)/build.ninja:
	scripts/setup.sh build
	cmake --preset release -DOCT_TESTS=OFF

# The main job on the bundled model and data.
demo: all
	scripts/setup.sh demo
	demo/run.sh

# The program for phones and boards: build/octavo-arm64, one static file.
device:
	scripts/setup.sh build aarch64
	scripts/device.sh

# The Android app: build/android/octavo.apk.
apk: all
	scripts/setup.sh build demo aarch64 android
	scripts/apk.sh

# All tests: release build with gcc, then clang, sanitizers and plain C, then 64-bit ARM emulated.
check:
	scripts/setup.sh build test demo
	scripts/setup.sh --optional browser mpi device aarch64
	scripts/check.sh release clang portable sanitize clang-sanitize aarch64

# Every test and the demo's accuracy on emulated ARM processors: a quarter of an hour.
check-aarch64: all
	scripts/setup.sh build test demo aarch64
	scripts/qemu.sh $(BUILD)/octavo all

# Against live TensorFlow, Keras and LiteRT from PyPI.
conformance: all
	scripts/setup.sh build test conformance
	tests/conformance/run.sh

bench: all
	scripts/setup.sh conformance
	scripts/bench.sh

fuzz:
	scripts/setup.sh build test fuzz
	scripts/fuzz.sh

goldens:
	scripts/venv.sh
	build/venv/bin/python tests/conformance/op_goldens.py --out tests/golden/ops
	build/venv/bin/python tests/conformance/quant_goldens.py --out tests/golden/quant

docs: all
	scripts/docs.sh

install: all
	cmake --install $(BUILD)

clean:
	rm -rf $(BUILD)/CMakeFiles $(BUILD)/build.ninja $(BUILD)/CMakeCache.txt $(BUILD)/tests build-*

.PHONY: all demo device check-aarch64 apk check conformance bench fuzz goldens docs install clean
