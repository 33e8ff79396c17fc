#!/bin/sh
# Gives a machine that is off its host name, as an installer would. Arguments: its root directory, the name.
set -eu
echo "$2" > "$1/etc/hostname"
printf '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n127.0.1.1 %s\n' "$2" > "$1/etc/hosts"
