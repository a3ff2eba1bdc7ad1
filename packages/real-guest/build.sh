#!/bin/sh
# Builds what `sevlab boot` boots, once: the guest's first program, and a Linux 6.1 from Debian's source. They stay in
# the cache under a hash of what they are made from. Needs, beside gcc and make:
#   apt-get install --no-install-recommends linux-source-6.1 xz-utils flex bison bc libelf-dev lz4 libc6-dev
# and 2 GB for some minutes.
set -eu
folder=$(dirname "$0")
bash "$folder/guest/build.sh"
bash "$folder/kernel/build.sh"
