#!/usr/bin/env bash
# Builds Linux 6.1 with efi_secret as a module into the cache, if it is not there, and prints where it is. The same
# source gives the same bytes, wherever and whenever it is built.
set -euo pipefail
cd "$(dirname "$0")"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sevlab
made=$cache/kernel-$(cat build.sh linux.config | sha256sum | cut -c1-16)
if [ ! -d "$made" ]; then
  source=/usr/src/linux-source-6.1.tar.xz
  for tool in gcc make xz flex bison bc lz4; do
    command -v "$tool" >/dev/null || { echo "build.sh: $tool: not installed; see ../build.sh" >&2; exit 2; }
  done
  [ -e "$source" ] || { echo "build.sh: $source: no such file; see ../build.sh" >&2; exit 2; }
  wanted=$PWD/linux.config
  mkdir -p "$cache"
  work=$(mktemp -d "$cache/building-kernel-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  echo "building Linux for the guest, some minutes: $work" >&2
  tar -C "$work" -xf "$source"
  cd "$work/linux-source-6.1"
  make -s tinyconfig >/dev/null 2>&1
  scripts/kconfig/merge_config.sh -m .config "$wanted" >/dev/null 2>&1
  make -s olddefconfig
  while read -r line; do
    case $line in
      CONFIG_*) grep -qxF "$line" .config ;;
      '# CONFIG_'*' is not set') name=${line#\# }; ! grep -q "^${name% is not set}=" .config ;;
    esac || { echo "build.sh: $line: lost in the kernel's configuration" >&2; exit 1; }
  done <"$wanted"
  export KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=sevlab KBUILD_BUILD_HOST=sevlab KBUILD_BUILD_VERSION=1
  make -s -j"$(nproc)" bzImage modules
  mkdir "$work/made"
  cp arch/x86/boot/bzImage drivers/virt/coco/efi_secret/efi_secret.ko "$work/made/"
  cp .config "$work/made/linux.config"
  mv -T "$work/made" "$made" 2>/dev/null || [ -d "$made" ] # somebody else was faster
fi
echo "$made"
