#!/bin/sh
# Builds the Android app without SDK, NDK and Gradle: build/android/octavo.apk, signed.
#
# usage: scripts/apk.sh
#   OCT_KEYSTORE=FILE    a key of yours instead of the debug key that is made at the first build;
#                        OCT_KEYSTORE_PASS its password, OCT_KEY_ALIAS the key's name (default: the only one)
#   OCT_TFLITE=OFF       without TensorFlow Lite as second engine
#   OCT_PROGRAM=FILE     the program to pack instead of build/octavo-arm64
#
# The unsigned package depends on the sources alone: entries sorted, times fixed. A debug key is private to
# its folder, and Android takes an update only with the key of the installed app: keep it.
set -eu
cd "$(dirname "$0")/.."
root=$PWD
out=$root/build/android
work=$out/work
program=${OCT_PROGRAM:-build/octavo-arm64}
fashion=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
images=$(sed -n 's/.*BUNDLED_IMAGES = \([0-9]*\);.*/\1/p' android/src/org/octavo/app/ModelSet.java)

fail() {
    echo "apk: $*" >&2
    exit 5
}

for tool in aapt zipalign apksigner java javac mvn keytool unzip readelf; do
    command -v $tool >/dev/null 2>&1 || fail "$tool is missing: scripts/setup.sh android"
done

build_jars=$(scripts/maven.sh build)
framework=$(echo "$build_jars"/*android-all-*.jar)
r8=$(echo "$build_jars"/*r8-*.jar)
tflite=""
[ "${OCT_TFLITE:-ON}" = OFF ] || tflite=$(scripts/maven.sh tflite) || tflite=""
[ -n "$tflite" ] || echo "apk: without TensorFlow Lite as second engine"

rm -rf "$work"
mkdir -p "$work/gen" "$work/classes" "$work/tflite" "$work/apk/assets/demo" "$work/apk/lib/arm64-v8a"

# The demo: its forms, and the first test images with their labels.
build/octavo compare demo/fashion_mobilenetv2.keras --modes dynamic,float16,int8,int8-full,int16x8 \
    --data "$fashion/t10k-images-idx3-ubyte.gz:20" --calib "$fashion/train-images-idx3-ubyte.gz" \
    --calib-samples 200 --preprocess tf --bench-seconds 0 -o "$work/demo" --quiet >/dev/null
cp "$work"/demo/*.tflite "$work/apk/assets/demo/"
# IDX: magic number, count, for images 28 and 28, big-endian; then bytes.
count=$(printf '\\%03o\\%03o' $((images / 256)) $((images % 256)))
{
    printf "\\000\\000\\010\\003\\000\\000$count\\000\\000\\000\\034\\000\\000\\000\\034"
    gzip -dc "$fashion/t10k-images-idx3-ubyte.gz" | tail -c +17 | head -c $((images * 784))
} >"$work/apk/assets/demo/images-idx3-ubyte"
{
    printf "\\000\\000\\010\\001\\000\\000$count"
    gzip -dc "$fashion/t10k-labels-idx1-ubyte.gz" | tail -c +9 | head -c "$images"
} >"$work/apk/assets/demo/labels-idx1-ubyte"

# Whose work is in the package.
mkdir "$work/apk/assets/licences"
cp LICENSE NOTICE "$work/apk/assets/licences/"
for package in libjansson-dev zlib1g-dev musl-dev dataset-fashion-mnist; do
    terms=/usr/share/doc/$package/copyright
    [ ! -f "$terms" ] || cp "$terms" "$work/apk/assets/licences/${package%-dev}"
done

# Native code: the program as a library, since only such files are unpacked with the right to run.
[ -f "$program" ] || scripts/device.sh
readelf -lW "$program" | awk '/LOAD/ && $NF != "0x4000" { bad = 1 } END { exit bad }' ||
    fail "$program: its segments are not aligned to 16 KB pages"
cp "$program" "$work/apk/lib/arm64-v8a/liboctavo.so"
classpath=$framework
sources=$(find android/src -name '*.java')
if [ -n "$tflite" ]; then
    for aar in "$tflite"/*.aar; do
        name=$(basename "$aar" .aar)
        unzip -q -o "$aar" classes.jar LICENSE 'jni/arm64-v8a/*' -d "$work/tflite/$name" 2>/dev/null || true
        classpath=$classpath:$work/tflite/$name/classes.jar
    done
    cp "$work"/tflite/*/jni/arm64-v8a/*.so "$work/apk/lib/arm64-v8a/"
    cp "$work"/tflite/*-api-*/LICENSE "$work/apk/assets/licences/tensorflow-lite"
    sources="$sources $(find android/tflite -name '*.java')"
fi

version=$(build/octavo --version | awk '{ print $NF }')
resources() {
    aapt package -f -M android/AndroidManifest.xml -S android/res -I "$framework" \
        --version-name "$version" "$@" >/dev/null
}
resources -m -J "$work/gen"
# shellcheck disable=SC2086
javac --release 8 -encoding UTF-8 -Xlint:all,-options,-classfile,-serial -Werror -cp "$classpath" -d "$work/classes" \
    $sources "$work/gen/org/octavo/app/R.java"
find "$work/classes" "$work/tflite" -name '*.class' -o -name classes.jar | LC_ALL=C sort >"$work/list"
java -cp "$r8" com.android.tools.r8.D8 --release --min-api 26 --lib "$framework" \
    --output "$work/apk" "@$work/list"

# aapt sets no times but 1980; entries are added in order.
resources -F "$out/octavo-unsigned.apk"
(
    cd "$work/apk"
    find . -type f | sed 's|^\./||' | LC_ALL=C sort | while read -r file; do
        aapt add "$out/octavo-unsigned.apk" "$file" >/dev/null
    done
)
zipalign -f 4 "$out/octavo-unsigned.apk" "$work/aligned.apk"

key=${OCT_KEYSTORE:-$out/debug.p12}
OCT_KEYSTORE_PASS=${OCT_KEYSTORE_PASS:-android}
export OCT_KEYSTORE_PASS
[ -f "$key" ] || {
    [ -z "${OCT_KEYSTORE:-}" ] || fail "$key: no such keystore"
    keytool -genkeypair -keystore "$key" -storetype PKCS12 -storepass:env OCT_KEYSTORE_PASS -alias debug \
        -dname CN=debug -keyalg RSA -keysize 2048 -validity 10000 >"$work/keytool.txt" 2>&1
}
apksigner sign --ks "$key" --ks-pass env:OCT_KEYSTORE_PASS ${OCT_KEY_ALIAS:+--ks-key-alias "$OCT_KEY_ALIAS"} \
    --v1-signing-enabled false --min-sdk-version 26 --out "$out/octavo.apk" "$work/aligned.apk"
rm -f "$out/octavo.apk.idsig"

# What a store or a phone would check. Newer zipaligns know 16 KB pages; libraries in this package are
# compressed and unpacked at installation, so that alignment inside the package concerns none of them.
apksigner verify --min-sdk-version 26 "$out/octavo.apk"
if zipalign 2>&1 | grep -q -- '-P'; then
    zipalign -c -P 16 4 "$out/octavo.apk"
else
    zipalign -c 4 "$out/octavo.apk" >/dev/null
    ! unzip -v "$out/octavo.apk" 'lib/*' | grep -q Stored || fail "a library is stored uncompressed"
fi
aapt dump badging "$out/octavo.apk" >"$out/badging.txt"
grep -q "native-code: 'arm64-v8a'" "$out/badging.txt" || fail "no native code; see $out/badging.txt"
echo "apk: build/android/octavo.apk, $(wc -c <"$out/octavo.apk") bytes," \
    "unsigned $(sha256sum <"$out/octavo-unsigned.apk" | cut -c -16)"
