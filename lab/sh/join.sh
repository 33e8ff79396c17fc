#!/bin/sh
# Runs a command in a control group. Arguments: the group's directory, the command.
set -eu
echo $$ > "$1/cgroup.procs"
shift
exec "$@"
