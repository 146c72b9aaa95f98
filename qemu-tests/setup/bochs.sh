#!/bin/bash
# Unpacks Debian sid's Bochs 3.1 into a private prefix in the cache and prints the path of the command that starts it.
# Bookworm's Bochs has no UEFI. Sid's needs sid's C library, so everything is unpacked side by side (nothing is installed) and
# started through its own ld.so.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
. "$here/common.sh"

key=$(cat "$here/bochs.sh" "$here/bochs-repair.c" | sha256sum | cut -c1-12)
prefix=$HV_CACHE/bochs-$key
if [ ! -x "$prefix/bochs" ]; then
    mkdir -p "$HV_CACHE"
    work=$(mktemp -d "$HV_CACHE/bochs.XXXXXX"); trap 'rm -rf "$work"' EXIT
    say "fetching Bochs 3.1 from Debian sid"
    private_apt "$work/apt" "$MIRROR sid"
    apt-get install -y -qq --download-only bochs bochs-term bochsbios vgabios >/dev/null
    mkdir "$work/root"
    for deb in "$work"/apt/cache/archives/*.deb; do dpkg-deb -x "$deb" "$work/root"; done
    gcc -O2 -shared -fPIC -o "$work/repair.so" "$here/bochs-repair.c" -ldl
    cat >"$work/bochs" <<C
#!/bin/sh
# HV_BOCHS_NO_FIX=1 starts the binary as it is.
root=$prefix/root
export LTDL_LIBRARY_PATH=\$root/usr/lib/x86_64-linux-gnu/bochs/plugins BXSHARE=\$root/usr/share/bochs
[ "\$HV_BOCHS_NO_FIX" ] || export LD_PRELOAD=$prefix/repair.so
exec \$root/usr/lib64/ld-linux-x86-64.so.2 --library-path \$root/usr/lib/x86_64-linux-gnu \$root/usr/bin/bochs-bin "\$@"
C
    chmod 755 "$work/bochs" "$work"
    rm -rf "$work/apt" "$prefix"
    mv "$work" "$prefix"
    trap - EXIT
fi
echo "$prefix/bochs"
