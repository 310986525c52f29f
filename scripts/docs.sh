#!/bin/sh
# Prints what is derived from tables: docs/ops.md from the operators' descriptors, docs/octavo.1 from the
# commands' tables.
# usage: scripts/docs.sh [OCTAVO]           default: build/octavo
#        scripts/docs.sh --check OCTAVO     changes nothing; fails where a printed page is out of date
set -eu
check=false
if [ "${1:-}" = --check ]; then
    check=true
    shift
fi
octavo=$(realpath "${1:-build/octavo}")
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
{
    echo "# Operators"
    echo
    echo "Printed by \`make docs\` from the descriptors in \`src/ops/\`; do not edit."
    echo
    "$octavo" ops --json >"$folder/ops.json"
    python3 scripts/ops_table.py <"$folder/ops.json"
} >"$folder/ops.md"
"$octavo" man >"$folder/octavo.1"
if [ "$check" = false ]; then
    cp "$folder/ops.md" "$folder/octavo.1" docs/
    exit
fi
for page in ops.md octavo.1; do
    diff -u "docs/$page" "$folder/$page" || {
        echo "docs/$page is out of date: make docs" >&2
        check=failed
    }
done
[ "$check" = true ]
