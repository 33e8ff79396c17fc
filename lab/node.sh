#!/bin/sh
# Runs a file of the checkout with the pinned Node, after making everything ready that development needs.
set -eu
cd "$(dirname "$0")/.."
HAUSPOST_PREPARE=development ./hauspost
for node in node_modules/node-linux-*/bin/node; do
  # Compiled once, not by each of the many processes that tests are.
  NODE_COMPILE_CACHE="$PWD/node_modules/.cache/lab" exec "$node" "$@"
done
