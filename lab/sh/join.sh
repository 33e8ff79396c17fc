#!/bin/sh
# Runs a command in two control groups. Arguments: their directories, the command.
set -eu
echo $$ > "$1/cgroup.procs"
echo $$ > "$2/cgroup.procs"
shift 2
exec "$@"
