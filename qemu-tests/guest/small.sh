#!/bin/bash
# Builds the small guest: Debian 12's own kernels (the oldest and the newest that the mirror offers), GRUB, and a busybox root
# on ext4. Prints the directory that holds disk.img and info. Cached by the recipe's contents; needs root for file ownership.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
. "$here/../setup/common.sh"
. "$here/disk.sh"

flavour=amd64
root_mb=160 journal_mb=64
modules="nvme ahci ata_piix sd_mod ext4 crc32c_generic e1000 e1000e msr"
# On the root only: the drivers of the devices that the devices bench plugs in.
device_modules="8139cp 8139too e100 ne2k_pci pcnet32 tulip vmxnet3 virtio_net virtio_pci virtio_blk virtio_scsi virtio_balloon virtio_rng
    virtio_console virtio_input virtio-gpu bochs cirrus qxl xhci_pci ehci_pci uhci_hcd ohci_pci usb_storage uas usbhid hid_generic
    snd_hda_intel snd_hda_codec_generic snd_intel8x0 snd_ens1370 sym53c8xx megaraid_sas mptsas vmw_pvscsi am53c974 sdhci_pci mmc_block
    i6300esb evdev pvpanic_pci vmwgfx"

key=$(cd "$here" && find small.sh disk.sh ../setup/common.sh small -type f | LC_ALL=C sort | xargs sha256sum | sha256sum | cut -c1-12)
out=$HV_CACHE/guest-small-$key
if [ -f "$out/info" ]; then echo "$out"; exit 0; fi
[ "$(id -u)" = 0 ] || die "building the guest image needs root"

mkdir -p "$HV_CACHE"
work=$(mktemp -d "$HV_CACHE/small.XXXXXX"); trap 'rm -rf "$work"' EXIT
say "fetching Debian's kernels and busybox"
mapfile -t sources < <(bookworm_sources)
private_apt "$work/apt" "${sources[@]}"
mapfile -t versions < <(kernel_versions $flavour)
[ ${#versions[@]} -ge 2 ] || die "the mirror offers fewer than two bookworm kernels"
old=${versions[0]} new=${versions[-1]}
mkdir "$work/debs"
(cd "$work/debs" && apt-get download -qq "linux-image-$old" "linux-image-$new" busybox-static libc6 libgcc-s1 grub-efi-amd64-signed)

say "building the small guest with $old and $new"
unpack() { dpkg-deb -x "$work"/debs/$1_*.deb "$2"; }
root=$work/root
mkdir -p "$root"/{bin,boot/grub,dev,etc,home,lib64,mnt,proc,root,run,sbin,srv/data,sys,tmp,usr/bin,usr/sbin,var/lib,var/log}
unpack busybox-static "$work/busybox"
cp "$work"/busybox/bin/busybox "$root/bin/"
"$root/bin/busybox" --list-full | while read -r applet; do
    mkdir -p "$root/$(dirname "$applet")"
    [ "$applet" = bin/busybox ] || ln -sf /bin/busybox "$root/$applet"
done
unpack libc6 "$work/libc"                                # so that ordinary programs (shadowctl) run, too
unpack libgcc-s1 "$work/libc"
mkdir -p "$root/lib/x86_64-linux-gnu"
cp -a "$work"/libc/lib/x86_64-linux-gnu/lib{c,m,dl,pthread,rt,gcc_s,resolv}.so* "$root/lib/x86_64-linux-gnu/"
ln -sf ../lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 "$root/lib64/ld-linux-x86-64.so.2"
cp -a "$work/libc/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2" "$root/lib/x86_64-linux-gnu/"
cp -a "$here/small/root/." "$root/"
mkdir -p "$root/usr/local/sbin"
for program in probe dma use load apart latency; do gcc -O2 -static -pthread -o "$root/usr/local/sbin/$program" "$here/small/$program.c"; done
find "$root/sbin" "$root/etc/rc" -type f -exec chmod 755 {} +   # not the links: where they point to is not there on every computer
for v in "$old" "$new"; do
    unpack "linux-image-$v" "$work/kernel"
    depmod -b "$work/kernel" "$v"
    initrd=$work/initrd-$v
    mkdir -p "$initrd"/{bin,dev,proc,sys,root}
    cp "$root/bin/busybox" "$initrd/bin/"
    cp "$here/small/initramfs-init" "$initrd/init"; chmod 755 "$initrd/init"
    # shellcheck disable=SC2086
    modprobe -d "$work/kernel" -S "$v" --show-depends -a $modules | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r m; do
        for tree in "$initrd" "$root"; do
            to=$tree/${m#"$work/kernel/"}
            mkdir -p "${to%/*}"
            cp "$m" "$to"
        done
    done
    # shellcheck disable=SC2086
    modprobe -d "$work/kernel" -S "$v" --show-depends -a $device_modules | awk '$1 == "insmod" { print $2 }' | sort -u | while read -r m; do
        to=$root/${m#"$work/kernel/"}
        mkdir -p "${to%/*}"
        cp "$m" "$to"
    done
    for tree in "$initrd" "$root"; do
        cp "$work/kernel/lib/modules/$v"/modules.{order,builtin,builtin.modinfo} "$tree/lib/modules/$v/"
        depmod -b "$tree" "$v"
    done
    cp "$work/kernel/boot/vmlinuz-$v" "$root/boot/"
    (cd "$initrd" && find . | LC_ALL=C sort | cpio --quiet -o -H newc | zstd -q -10) >"$root/boot/initrd.img-$v"
done
ln -s "boot/vmlinuz-$old" "$root/vmlinuz"
ln -s "boot/initrd.img-$old" "$root/initrd.img"
cp "$here/small/grub.cfg" "$root/boot/grub/grub.cfg"

unpack grub-efi-amd64-signed "$work/grub"
mkdir -p "$work/esp/EFI/BOOT" "$work/esp/EFI/debian"
cp "$work/grub/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed" "$work/esp/EFI/BOOT/BOOTX64.EFI"
printf 'search.fs_uuid %s root\nset prefix=($root)/boot/grub\nconfigfile $prefix/grub.cfg\n' "$ROOT_UUID" |
    tee "$work/esp/EFI/BOOT/grub.cfg" >"$work/esp/EFI/debian/grub.cfg"

mkdir "$work/out"
make_disk "$work/out/disk.img" "$work/esp" "$root" $root_mb $journal_mb 32
printf 'kernel_old=%s\nkernel_new=%s\nroot_offset=%s\n' "$old" "$new" $(((1 + ESP_MB) << 20)) >"$work/out/info"
printf 'data_offset=%s\n' $(((1 + ESP_MB + root_mb + journal_mb) << 20)) >>"$work/out/info"
rm -rf "$out"; mv "$work/out" "$out"
echo "$out"
