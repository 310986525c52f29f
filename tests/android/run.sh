#!/bin/sh
# The app's tests on the JVM, with Android's framework from Robolectric and the host's octavo in the place of the
# packed program. Pictures of the screen go to build/android/pictures.
# usage: tests/android/run.sh [OCTAVO]   (build/android/octavo-unsigned.apk is made when missing: scripts/apk.sh)
set -eu
octavo=$(realpath "${1:-build/octavo}")
cd "$(dirname "$0")/../.."
out=$PWD/build/android
for tool in java javac mvn aapt; do
    command -v $tool >/dev/null 2>&1 || {
        echo "android: skipped, $tool is missing: scripts/setup.sh android"
        exit 77
    }
done
folders=""
for profile in build test sdk; do
    folder=$(scripts/maven.sh $profile) || {
        echo "android: skipped, Maven Central cannot be reached"
        exit 77
    }
    folders="$folders $folder"
done
set -- $folders
[ -f "$out/octavo-unsigned.apk" ] || scripts/apk.sh

rm -rf "$out/test" && mkdir -p "$out/test/classes/com/android/tools" "$out/test/jars"
for aar in "$2"/*.aar; do
    unzip -q -o "$aar" classes.jar -d "$out/test/aar" && mv "$out/test/aar/classes.jar" "$out/test/jars/$(basename "$aar").jar"
done
cat >"$out/test/classes/com/android/tools/test_config.properties" <<END
android_merged_manifest=$PWD/android/AndroidManifest.xml
android_custom_package=org.octavo.app
android_resource_apk=$out/octavo-unsigned.apk
END
path=$out/test/classes:$out/test/jars/*:$2/*:$(echo "$1"/*android-all-*.jar)
javac --release 17 -nowarn -proc:none -cp "$path" -d "$out/test/classes" \
    $(find android/src tests/android -name '*.java') "$out/work/gen/org/octavo/app/R.java"
# TieredStopAtLevel: most code runs once.
java -XX:TieredStopAtLevel=1 -Xshare:auto --add-opens java.base/java.io=ALL-UNNAMED -Drobolectric.offline=true \
    "-Drobolectric.dependency.dir=$3" "-Doctavo.program=$octavo" "-Doctavo.root=$PWD" -cp "$path" \
    org.octavo.app.All
