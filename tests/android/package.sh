#!/bin/sh
# The app's package: built twice in different folders to the same bytes, signed, aligned, and with the program and
# the models that it should have. Last line: N passed, N failed.
# usage: tests/android/package.sh
set -eu
cd "$(dirname "$0")/../.."
. tests/android/need.sh
[ -f build/octavo-arm64 ] || { scripts/setup.sh aarch64 && scripts/device.sh; } >/dev/null ||
    skip "the program for phones cannot be built"
passed=0
failed=0
out=build/android
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT

# Counts a command that should succeed.
holds() {
    what=$1
    shift
    if "$@" >"$again/log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "failed: $what"
        tail -n 5 "$again/log"
    fi
}
# The bytes of one entry are those of a file.
packed() {
    unzip -p "$out/octavo.apk" "$1" | cmp - "$2"
}

holds "it builds" scripts/apk.sh
mkdir -p "$again/tree/build/android"
cp -r android demo scripts LICENSE NOTICE "$again/tree/"
cp build/octavo build/octavo-arm64 "$again/tree/build/"
ln -s "$PWD/$out/maven" "$again/tree/build/android/maven"
holds "it builds again elsewhere" "$again/tree/scripts/apk.sh"
holds "two builds, the same bytes" cmp "$out/octavo-unsigned.apk" "$again/tree/$out/octavo-unsigned.apk"
holds "signed" apksigner verify --min-sdk-version 26 --verbose "$out/octavo.apk"
for scheme in v2 v3; do
    holds "by scheme $scheme" sh -c \
        "apksigner verify --min-sdk-version 26 -v $out/octavo.apk | grep '$scheme scheme.*: true'"
done
holds "aligned" zipalign -c 4 "$out/octavo.apk"
holds "program" packed lib/arm64-v8a/liboctavo.so build/octavo-arm64
for form in float32 dynamic float16 int8 int8-full int16x8; do
    holds "$form" packed "assets/demo/$form.tflite" "$out/work/demo/$form.tflite"
done
holds "one fixed time" sh -c "! unzip -v $out/octavo-unsigned.apk | grep Defl | grep -v '1980-01-01 00:00'"
for line in "package: name='org.octavo.app'" "sdkVersion:'26'" "targetSdkVersion:'34'" \
    "launchable-activity: name='org.octavo.app.MainActivity'" "native-code: 'arm64-v8a'"; do
    holds "$line" grep -F "$line" "$out/badging.txt"
done
holds "no permission" sh -c "! grep uses-permission $out/badging.txt"
# A changed byte in the middle: the signature sees it.
cp "$out/octavo.apk" "$again/changed.apk"
printf 'x' | dd of="$again/changed.apk" bs=1 seek=1000000 conv=notrunc 2>/dev/null
holds "a changed package is refused" sh -c "! apksigner verify --min-sdk-version 26 $again/changed.apk"
# The packed program does the app's work, emulated, with the host's counts and files.
counts() {
    (cd $out/work/apk/assets/demo && "$@" compare float32.tflite int8.tflite int16x8.tflite \
        --data images-idx3-ubyte:20 --bench-seconds 0 --json --quiet -o "$again/compared") |
        grep -E '"(form|sha256|samples|correct|count|lost|won)"'
}
if command -v qemu-aarch64-static >/dev/null 2>&1; then
    counts "$PWD/build/octavo" >"$again/host" || true
    counts qemu-aarch64-static "$PWD/build/octavo-arm64" >"$again/emulated" || true
    holds "the packed program answers as the host's" cmp "$again/host" "$again/emulated"
    holds "and it answered" grep -q '"form": "int16x8"' "$again/emulated"
else
    echo "android: qemu-user-static is missing: the packed program was not run"
fi
# Without the second engine, and with a key of the user's.
keytool -genkeypair -keystore "$again/mine.p12" -storetype PKCS12 -storepass secret1 -alias mine -dname CN=mine \
    -keyalg RSA -keysize 2048 -validity 10000 >/dev/null 2>&1
holds "own key, no TensorFlow Lite" env OCT_TFLITE=OFF OCT_KEYSTORE="$again/mine.p12" OCT_KEYSTORE_PASS=secret1 \
    "$again/tree/scripts/apk.sh"
holds "signed by the own key" sh -c \
    "apksigner verify --min-sdk-version 26 --print-certs $again/tree/$out/octavo.apk | grep CN=mine"
holds "no second engine" sh -c "! unzip -l $again/tree/$out/octavo.apk | grep tensorflow"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
