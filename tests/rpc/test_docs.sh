#!/bin/bash
# SPDX-License-Identifier: BSD-3-Clause Checks that the generated pages under docs/ are up to date.
# usage: test_docs.sh SLUICED
set -euo pipefail
sluiced=$(realpath "$1")
cd "$(dirname "$0")/../.."
if ! "$sluiced" --print-openrpc | tools/gen-rpc-reference | diff -u docs/rpc.md -; then
	echo "docs/rpc.md is not current: build/sluiced --print-openrpc | tools/gen-rpc-reference >docs/rpc.md"
	exit 1
fi
tools/gen-drops --check
