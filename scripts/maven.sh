#!/bin/sh
# Fetches the packages of a profile of android/pom.xml from Maven Central, once, and prints their folder.
# usage: scripts/maven.sh build|tflite|test|sdk
set -eu
cd "$(dirname "$0")/.."
folder=$PWD/build/android/maven/$1
if [ ! -f "$folder.stamp" ] || [ android/pom.xml -nt "$folder.stamp" ]; then
    rm -rf "$folder"
    mkdir -p "$folder"
    # Two different jars are called junit-4.13; Robolectric looks for its SDK by the bare name.
    prefix=true
    [ "$1" != sdk ] || prefix=false
    mvn -q -B -f android/pom.xml -P "$1" dependency:copy-dependencies \
        "-DoutputDirectory=$folder" "-Dmdep.prependGroupId=$prefix" >"$folder.log" 2>&1 || {
        echo "maven: the packages of profile $1 cannot be had; see $folder.log" >&2
        exit 5
    }
    touch "$folder.stamp"
fi
echo "$folder"
