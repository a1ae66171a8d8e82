#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause
# The generated pages under docs/ are those that this tree generates.
# usage: test_docs.sh SLUICED
set -euo pipefail
sluiced=$(realpath "$1")
cd "$(dirname "$0")/../.."
if ! "$sluiced" --print-openrpc | tools/gen-rpc-reference | diff -u docs/rpc.md -; then
	echo "docs/rpc.md is not current: build/sluiced --print-openrpc | tools/gen-rpc-reference >docs/rpc.md"
	exit 1
fi
tools/gen-drops --check
