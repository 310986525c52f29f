#!/bin/sh
# Installs the Debian packages that a group of make targets needs and that are not there yet.
# usage: scripts/setup.sh [--optional] build|test|demo|fuzz|conformance|browser|mpi|aarch64|android|device ...
#
# --optional: a group that cannot be installed is named and left out; what needs it skips itself.
set -eu

if [ "${1:-}" = --optional ]; then
    shift
    for group in "$@"; do
        "$0" "$group" || echo "setup: no $group here; its tests are skipped"
    done
    exit 0
fi

packages_build="gcc cmake ninja-build pkg-config libjansson-dev zlib1g-dev libturbojpeg0-dev libspng-dev libjs-chart.js"
packages_test="clang libclang-rt-14-dev libcmocka-dev python3"
packages_demo="dataset-fashion-mnist"
packages_fuzz="clang libclang-rt-14-dev"
packages_conformance="python3 python3-venv dataset-fashion-mnist"
packages_browser="chromium chromium-driver"
packages_mpi="libopenmpi-dev openmpi-bin"
packages_aarch64="gcc-aarch64-linux-gnu libc6-dev-arm64-cross musl-dev:arm64 qemu-user-static dpkg-dev"
packages_android="aapt zipalign apksigner default-jdk-headless maven unzip binutils"
packages_device="adb iproute2 util-linux procps"
why_build="compilers, and the libraries for JSON, deflate, JPEG, PNG and charts"
why_test="a second compiler with its sanitizers, the unit test runner, an interpreter for transcripts"
why_demo="the demo's 10,000 labelled test images"
why_fuzz="the coverage-guided fuzzer"
why_conformance="a virtual environment for TensorFlow, Keras and LiteRT as oracles"
why_browser="a browser in which the report is tested"
why_mpi="evaluation in several processes, also on several machines"
why_aarch64="a cross compiler and a C library for 64-bit ARM, an emulator, unpacking of sources"
why_android="the tools that make an app package, and Maven for the framework's classes"
why_device="adb, and what makes a pretended phone of Debian's adbd"

# The other half of adb is not installed but unpacked.
case " $* " in
*" device "*) "$(dirname "$0")/adbd.sh" ;;
esac

missing=""
for group in "$@"; do
    eval "packages=\${packages_$group}; why=\${why_$group}"
    for package in $packages; do
        # A command that is there, however it came, serves as well as the package.
        case $package in
        gcc | cmake | clang | python3) command -v "$package" >/dev/null 2>&1 && continue ;;
        ninja-build) command -v ninja >/dev/null 2>&1 && continue ;;
        default-jdk-headless) command -v javac >/dev/null 2>&1 && continue ;;
        maven) command -v mvn >/dev/null 2>&1 && continue ;;
        pkg-config) command -v pkg-config >/dev/null 2>&1 && continue ;;
        esac
        if ! dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed'; then
            case " $missing " in *" $package "*) ;; *) missing="$missing $package" ;; esac
            echo "setup: $package is missing ($group: $why)"
        fi
    done
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "setup: this is not a Debian-like system; please install the equivalents of:$missing" >&2
    exit 5
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || {
        echo "setup: run as root: apt-get install -y$missing" >&2
        exit 5
    }
    sudo=sudo
fi
echo "setup: installing$missing"
case $missing in
*:arm64*) $sudo dpkg --add-architecture arm64 ;;
esac
$sudo apt-get update -qq
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing >/dev/null
