# check_sdk, build_all: what ./run and ./test begin with. Sourced, after common.sh, in the top folder.
check_sdk() {
    command -v dotnet >/dev/null || die "the .NET SDK 10 is missing (the command 'dotnet' was not found)"
    dotnet --list-sdks | grep -q '^1[0-9]\.' || die "the .NET SDK 10 is missing (there is only: $(dotnet --list-sdks | cut -d' ' -f1 | tr '\n' ' '))"
    export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
}

build_all() {
    say "building (log: out/build.log)"
    mkdir -p out
    dotnet build Hv.sln -nologo -v quiet >out/build.log 2>&1 || { grep -E ' error |: error' out/build.log | sort -u | head -20 >&2; return 1; }
}

bench() { dotnet "qemu-tests/bench/bin/Debug/net10.0/Hv.Bench.dll" "$@"; }
