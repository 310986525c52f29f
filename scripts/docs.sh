#!/bin/sh
# Prints what is derived from tables: docs/ops.md from the operators' descriptors, the man page.
set -eu
cd "$(dirname "$0")/.."
{
    echo "# Operators"
    echo
    echo "Printed by \`make docs\` from the descriptors in \`src/ops/\`; do not edit."
    echo
    build/octavo ops --json | python3 scripts/ops_table.py
} >docs/ops.md
build/octavo man >docs/octavo.1
