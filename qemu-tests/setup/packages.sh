#!/bin/bash
# Installs the Debian packages that building and testing Hv needs and that are missing. Needs root only if something is missing.
set -euo pipefail
. "$(dirname "$0")/common.sh"

packages=(
    lld-19 gcc libc6-dev clang zlib1g-dev                # linkers: Hv.efi, shadowctl
    qemu-system-x86 qemu-utils ovmf vgabios              # emulators and their firmware (Bochs itself: bochs.sh)
    mmdebstrap arch-test apt-utils debian-archive-keyring # guest images
    mtools dosfstools e2fsprogs fdisk gdisk cpio zstd kmod # disk images and checks on them
    util-linux
)

missing=()
for p in "${packages[@]}"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
[ "$(id -u)" = 0 ] || die "these packages are missing and installing them needs root: ${missing[*]}"
say "installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
{ apt-get update -qq && apt-get install -y -qq --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null ||
    { tail -5 "$log" >&2; die "apt-get could not install ${missing[*]} (log: $log)"; }
rm -f "$log"
