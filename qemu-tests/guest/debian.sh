#!/bin/bash
# Builds the Debian 12 guest: systemd, shim and GRUB, the oldest kernel that the mirror offers, and the newest one's packages in an apt
# repository on the disk. Prints the directory that holds disk.img and info. Cached by the recipe's contents; needs root.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
. "$here/../setup/common.sh"
. "$here/disk.sh"

key=$(cd "$here" && find debian.sh disk.sh ../setup/common.sh debian -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-12)
out=$HV_CACHE/guest-debian-$key
if [ -f "$out/info" ]; then echo "$out"; exit 0; fi
[ "$(id -u)" = 0 ] || die "building the guest image needs root"
export TZ=UTC LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive

mkdir -p "$HV_CACHE"
work=$(mktemp -d "$HV_CACHE/debian.XXXXXX"); trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
say "fetching Debian's kernels"
mapfile -t sources < <(bookworm_sources)
private_apt "$work/apt" "${sources[@]}"
mapfile -t versions < <(kernel_versions amd64)
[ ${#versions[@]} -ge 2 ] || die "the mirror offers fewer than two bookworm kernels"
old=${versions[0]} new=${versions[-1]}
mkdir -p "$work/pre/srv/updates"
(cd "$work/pre/srv/updates" && apt-get download -qq "linux-image-$new" linux-image-amd64 && apt-ftparchive packages . >Packages)
unset APT_CONFIG
cp -a "$here/debian/root/." "$work/pre/"
rm -r "$work/pre/boot"                                   # a grub.cfg makes GRUB's package look for block devices
chown -R 0:0 "$work/pre"

say "installing Debian 12 with $old (a few minutes)"
root=$work/root
packages=linux-image-$old,initramfs-tools,busybox,grub-efi-amd64,grub-efi-amd64-signed,shim-signed
packages+=,systemd-sysv,libpam-systemd,dbus,e2fsprogs,zstd
printf "deb [signed-by=$KEYRING] %s main\n" "${sources[@]}" |
    mmdebstrap --verbose --mode=root --variant=important --include="$packages" --skip=cleanup/reproducible \
        --aptopt='APT::Install-Recommends "false"' --aptopt='Acquire::Languages "none"' --dpkgopt=force-unsafe-io --dpkgopt=force-confold \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
        --setup-hook="cp -a '$work/pre/.' \"\$1/\"" bookworm "$root" - >"$work/log" 2>&1 ||
    { cp "$work/log" "$HV_CACHE/debian.log"; die "mmdebstrap could not install Debian (see $HV_CACHE/debian.log)"; }

inside() { chroot "$root" "$@" >>"$work/log" 2>&1; }
cp -a "$here/debian/root/." "$root/"                     # what packages have put in the place of our files
chown -R 0:0 "$root/etc" "$root/usr/local"
echo root:root | inside chpasswd
inside systemctl enable systemd-networkd.service systemd-networkd-wait-online.service answer.service online.service
inside systemctl disable networking.service
inside systemctl mask apt-daily.timer apt-daily-upgrade.timer
: >"$root/etc/machine-id"
rm -f "$root"/etc/apt/sources.list "$root"/etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/updates ./' >"$root/etc/apt/sources.list.d/updates.list"
rm -rf "$root"/var/lib/apt/lists/*
inside apt-get update
inside apt-get clean

# What grub-install does with the signed images.
esp=$work/esp
mkdir -p "$esp/EFI/BOOT" "$esp/EFI/debian" "$root/boot/grub/x86_64-efi" "$root/boot/efi"
cp "$root"/usr/lib/grub/x86_64-efi/*.{mod,lst} "$root/boot/grub/x86_64-efi/"
for d in BOOT debian; do
    cp "$root/usr/lib/shim/mmx64.efi.signed" "$esp/EFI/$d/mmx64.efi"
    cp "$root/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$esp/EFI/$d/grubx64.efi"
    printf 'search.fs_uuid %s root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n' "$ROOT_UUID" >"$esp/EFI/$d/grub.cfg"
done
cp "$root/usr/lib/shim/shimx64.efi.signed" "$esp/EFI/BOOT/BOOTX64.EFI"
cp "$root/usr/lib/shim/shimx64.efi.signed" "$esp/EFI/debian/shimx64.efi"

mkdir "$work/out"
make_disk "$work/out/disk.img" "$esp" "$root" 2048 512
printf 'kernel_old=%s\nkernel_new=%s\nroot_offset=%s\n' "$old" "$new" $(((1 + ESP_MB) << 20)) >"$work/out/info"
cp "$work/log" "$work/out/log"
rm -rf "$out"; mv "$work/out" "$out"
echo "$out"
