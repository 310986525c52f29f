#!/bin/sh
# The app's tests on the JVM, with Android's framework from Robolectric and the host's octavo in the place of the
# packed program. Pictures of the screen go to build/android/pictures. Last line: N passed, N failed.
# usage: tests/android/run.sh [OCTAVO]
set -eu
octavo=$(realpath "${1:-build/octavo}")
cd "$(dirname "$0")/../.."
. tests/android/need.sh
jars=$(scripts/maven.sh test) && sdk=$(scripts/maven.sh sdk) || skip "Maven Central cannot be reached"
out=$PWD/build/android
scripts/apk.sh >"$out/apk.log" || skip "the app cannot be built; see $out/apk.log"

rm -rf "$out/test"
mkdir -p "$out/test/classes/com/android/tools" "$out/test/jars"
for aar in "$jars"/*.aar; do
    unzip -q -o "$aar" classes.jar -d "$out/test/aar"
    mv "$out/test/aar/classes.jar" "$out/test/jars/$(basename "$aar").jar"
done
# The unsigned package serves as the compiled resources.
cat >"$out/test/classes/com/android/tools/test_config.properties" <<END
android_merged_manifest=$PWD/android/AndroidManifest.xml
android_custom_package=org.octavo.app
android_resource_apk=$out/octavo-unsigned.apk
END
# Robolectric's framework cannot be compiled against; the plain one stands last.
path=$out/test/classes:$out/test/jars/*:$jars/*:$framework
find android/src tests/android "$out/work/gen" -name '*.java' >"$out/test/sources"
javac --release 17 -encoding UTF-8 -nowarn -proc:none -cp "$path" -d "$out/test/classes" "@$out/test/sources"
# Most code runs once, so the first compiler is enough; closing a file descriptor needs the opened package.
java -Dfile.encoding=UTF-8 -XX:TieredStopAtLevel=1 --add-opens java.base/java.io=ALL-UNNAMED -Drobolectric.offline=true \
    "-Drobolectric.dependency.dir=$sdk" "-Doctavo.program=$octavo" "-Doctavo.root=$PWD" -cp "$path" \
    org.octavo.app.All
