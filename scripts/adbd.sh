#!/bin/sh
# Fetches Debian's adbd, the phone's end of adb, into a private folder: the tests of --device talk to it.
# Debian 12 has none, so that of Debian 13 is unpacked with its libraries; nothing is installed.
# usage: scripts/adbd.sh [FOLDER]   (default: build/adbd)
set -eu
cd "$(dirname "$0")/.."
folder=${1:-build/adbd}
[ ! -e "$folder/complete" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/root" "$folder/apt/sources" "$folder/apt/lists/partial" "$folder/apt/archives/partial"
apt=$(cd "$folder/apt" && pwd)
# From where this machine has its own packages.
archive=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | grep -v security | head -n 1)
[ -n "$archive" ] || {
    echo "adbd: apt knows no archive (apt-get update?)" >&2
    exit 5
}
cat >"$apt/sources/trixie.sources" <<END
Types: deb
URIs: $archive
Suites: trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
options="-qq -o Dir::Etc::sourcelist=/dev/null -o Dir::Etc::sourceparts=$apt/sources -o Dir::State::lists=$apt/lists
    -o Dir::State::status=/dev/null -o Dir::Cache=$apt -o Debug::NoLocking=1"
# shellcheck disable=SC2086
{
    apt-get $options -o APT::Sandbox::User= update
    names=$(apt-cache $options depends --recurse --important adbd | grep '^[a-z0-9]' | sort -u)
    (cd "$folder/apt/archives" && apt-get $options -o APT::Sandbox::User= download $names)
}
for package in "$apt"/archives/*.deb; do
    dpkg-deb -x "$package" "$folder/root"
done
rm -rf "$apt"
touch "$folder/complete"
