#!/bin/sh
# Builds the program for phones and boards: build/octavo-arm64, one static file for 64-bit ARM.
#
# usage: [TARGETS="TARGET..."] scripts/device.sh [CMAKE_OPTION...]
#   e.g. scripts/device.sh -DOCT_TESTS=ON
#        scripts/device.sh -DCMAKE_TOOLCHAIN_FILE=$NDK/build/cmake/android.toolchain.cmake \
#            -DANDROID_ABI=arm64-v8a -DANDROID_PLATFORM=android-26
#
# The libraries that the program needs (and cmocka for its tests) are built first, with the same
# compiler, from the sources of Debian's packages: a distribution's own libraries are made for its libc.
# Sources found in build-aarch64/sources, NAME-VERSION folders, are used as they are. Exit code 77: there are none.
set -eu
cd "$(dirname "$0")/.."
build=$PWD/build-aarch64
sources=$build/sources
deps=$build/deps
toolchain=cmake/aarch64-linux-musl.cmake
system=""
for option in "$@"; do
    case $option in
    -DCMAKE_TOOLCHAIN_FILE=*) toolchain=${option#*=} ;;
    -DOCT_*) ;;
    *) system="$system $option" ;;
    esac
done

# Runs a command and shows what it said only if it fails.
quietly() {
    "$@" >"$build/log" 2>&1 || {
        tail -n 20 "$build/log" >&2
        exit 5
    }
}

# Signed sources of the named packages, unpacked and patched, from where this Debian gets its packages,
# by an apt of our own: the machine's lists stay as they are.
fetch() {
    state=$(mktemp -d)
    mkdir -p "$state/lists/partial" "$state/cache" "$sources"
    signed=""
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    [ ! -f $keys ] || signed="[signed-by=$keys] "
    apt-get indextargets --format "deb-src $signed\$(REPO_URI) \$(CODENAME) main" \
        "Created-By: Packages" "Origin: Debian" "Component: main" | sort -u |
        grep -v -- '-[a-z]* main$' >"$state/sources.list"
    options="-qq -o Dir::Etc::sourcelist=$state/sources.list -o Dir::Etc::sourceparts=/dev/null
        -o Dir::State::lists=$state/lists -o Dir::Cache=$state/cache -o APT::Sandbox::User="
    # shellcheck disable=SC2086
    (cd "$sources" && apt-get $options update && apt-get $options source "$@") >"$state/log" 2>&1 || {
        tail -n 20 "$state/log" >&2
        echo "device: cannot get the sources of $*; unpack them in $sources" >&2
        exit 77
    }
    rm -rf "$state"
}

# Another toolchain means other libraries and another build.
stamp="$deps/$( (echo "$system" && cat "$toolchain" cmake/deps/CMakeLists.txt) | cksum | cut -d ' ' -f 1)"
if [ ! -f "$stamp" ]; then
    missing=""
    for name in jansson zlib cmocka; do
        [ -n "$(find "$sources" -maxdepth 1 -type d -name "$name-*" 2>/dev/null)" ] || missing="$missing $name"
    done
    # shellcheck disable=SC2086
    [ -z "$missing" ] || fetch $missing
    rm -rf "$deps" "$build/deps-made" "$build/CMakeCache.txt" "$build/CMakeFiles"
    quietly cmake -S cmake/deps -B "$build/deps-made" -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DCMAKE_INSTALL_PREFIX="$deps" -DOCT_SOURCES="$sources" \
        -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/aarch64-linux-musl.cmake" "$@"
    quietly cmake --build "$build/deps-made"
    quietly cmake --install "$build/deps-made"
    : >"$stamp"
fi
quietly cmake --preset aarch64 -DOCT_TESTS=OFF "$@"
# shellcheck disable=SC2086
cmake --build "$build" -j "${JOBS:-$(nproc 2>/dev/null || echo 2)}" --target ${TARGETS:-all}
mkdir -p build
cp "$build/octavo" build/octavo-arm64
