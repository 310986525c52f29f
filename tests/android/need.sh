# Sourced by the app's tests: what they need is installed, or they end with a notice and no test counted.
skip() {
    echo "android: skipped: $*"
    echo "0 passed, 0 failed"
    exit 0
}
scripts/setup.sh android >/dev/null || skip "the packages of scripts/setup.sh android cannot be installed"
build_jars=$(scripts/maven.sh build) || skip "Maven Central cannot be reached"
framework=$(echo "$build_jars"/*android-all-*.jar)
