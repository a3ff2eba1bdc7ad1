#!/usr/bin/env bash
# Builds the guest's first program into the cache, if it is not there, and prints where it is.
set -euo pipefail
cd "$(dirname "$0")"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sevlab
made=$cache/guest-$(cat build.sh init.c | sha256sum | cut -c1-16)
if [ ! -d "$made" ]; then
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/building-guest-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  gcc -std=gnu11 -Os -Wall -Wextra -Werror -static -s -o "$work/init" init.c
  chmod 755 "$work"
  mv -T "$work" "$made" 2>/dev/null || [ -d "$made" ] # somebody else was faster
fi
echo "$made"
