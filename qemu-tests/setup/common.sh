# Shell helpers shared by the set-up and guest recipes. Sourced, not run.
HV_CACHE=${HV_CACHE:-$HOME/.cache/hv}
MIRROR=${HV_MIRROR:-http://deb.debian.org/debian}
SECURITY_MIRROR=${HV_SECURITY_MIRROR:-http://deb.debian.org/debian-security}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

say() { printf '%s\n' "$*" >&2; }
die() { printf 'hv: %s\n' "$*" >&2; exit 1; }

# private_apt DIR SOURCE...: an apt of its own under DIR that sees only the given sources ("URL SUITE") and an empty system,
# so that packages of any suite are downloaded without touching the machine's apt. Sets and exports APT_CONFIG.
private_apt() {
    local dir=$1; shift
    mkdir -p "$dir/lists/partial" "$dir/cache/archives/partial" "$dir/state"
    : >"$dir/status"
    printf "deb [signed-by=$KEYRING] %s main\n" "$@" >"$dir/sources.list"
    cat >"$dir/apt.conf" <<C
Dir::State "$dir/state"; Dir::State::lists "$dir/lists"; Dir::State::status "$dir/status"; Dir::Cache "$dir/cache";
Dir::Etc::sourcelist "$dir/sources.list"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::preferencesparts "/dev/null";
APT::Install-Recommends "false"; APT::Sandbox::User "root"; APT::Architecture "amd64"; Acquire::Languages "none";
C
    export APT_CONFIG=$dir/apt.conf
    apt-get update -qq || die "the package mirror $MIRROR cannot be reached"
}

# bookworm_sources: the sources of a Debian 12 system, one a line, for private_apt and mmdebstrap.
bookworm_sources() {
    printf '%s\n' "$MIRROR bookworm" "$MIRROR bookworm-updates" "$SECURITY_MIRROR bookworm-security"
}

# kernel_versions FLAVOUR: the versions (uname -r) of the bookworm kernels that apt offers, oldest first.
kernel_versions() {
    apt-cache search --names-only "^linux-image-6\.1\.0-[0-9]+-$1\$" | sed 's/^linux-image-\([^ ]*\) .*/\1/' | sort -V
}
