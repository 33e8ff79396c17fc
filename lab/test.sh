#!/bin/sh
# npm test: does its own set-up on a fresh checkout.
set -eu
exec sh "$(dirname "$0")/node.sh" lab/test.ts "$@"
