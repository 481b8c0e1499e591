#!/usr/bin/env bash
# Runs every test: bash tests/run.sh [--long]
# --long runs the fault and fuzz suites at full length; the plain form runs a shorter, seeded part of each.
# Needs the .NET 10 SDK. What else the tests use is installed where that is allowed (apt-get as root, npm into tests/.tools).
set -uo pipefail
cd "$(dirname "$0")/.."

for argument in "$@"; do
    case "$argument" in
        --long) export OTA_TEST_LONG=1 ;;
        *) echo "usage: bash tests/run.sh [--long]" >&2; exit 2 ;;
    esac
done

export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 DOTNET_CLI_UI_LANGUAGE=en
command -v dotnet >/dev/null || { echo "The .NET 10 SDK is needed: https://dot.net" >&2; exit 1; }

# A command and the Debian package that brings it; options of apt-get may follow.
need() {
    command -v "$1" >/dev/null && return
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        [ -n "${updated:-}" ] || { apt-get update -qq >/dev/null; updated=1; }
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${@:2}" >/dev/null 2>&1
    fi
    command -v "$1" >/dev/null || echo "note: $1 (package $2) is missing and could not be installed; tests that need it will say so"
}
need curl curl
need jq jq
[ -d /usr/lib/postgresql ] || need initdb postgresql
[ -e /usr/share/zoneinfo/Australia/Adelaide ] || need zdump tzdata
need node nodejs
need npm npm --no-install-recommends
need openssl openssl
need swupdate swupdate --no-install-recommends
need mender mender-client --no-install-recommends
need mender-artifact mender-artifact --no-install-recommends
need chromium chromium --no-install-recommends

# A package of npm in a folder of tests/.tools. It comes whole or not at all, while the build runs.
tool() {
    local folder=tests/.tools/$1
    [ -d "$folder" ] && return
    rm -rf "$folder.new"
    if command -v npm >/dev/null && npm install --prefix "$folder.new" --no-save --no-audit --no-fund --omit=dev \
        --ignore-scripts --loglevel=error "$2" >/dev/null 2>&1; then
        mv "$folder.new" "$folder"
    else
        rm -rf "$folder.new"
        echo "note: $2 (npm) is missing and could not be installed; tests that need it will say so"
    fi
}
# The emulator of Azure Blob Storage, a client that speaks Blynk, and an OpenID Connect provider.
{ tool azurite azurite@3.35.0; tool blynk blynk-library@0.5.4; tool oidc oidc-provider@8.8.1; } &
installing=$!

passed=0 failed=0 skipped=0
started=$SECONDS

# The last line of a suite's output is the runner's count; a suite that ends without one has crashed. What follows its name goes to the runner.
suite() {
    local name=$1 begun=$SECONDS log counts
    shift
    log=$(mktemp)
    echo "== $name"
    "tests/$name/bin/Release/net10.0/$name" -noColor "$@" >"$log" 2>&1
    local code=$?
    counts=$(grep -aoE "Total: [0-9]+, Errors: [0-9]+, Failed: [0-9]+, Skipped: [0-9]+" "$log" | tail -n 1 | tr -dc '0-9 ')
    read -r total errors fails skips <<<"${counts:-0 1 0 0}"
    if [ "$code" != 0 ] && [ "$((errors + fails))" = 0 ]; then errors=1; fi
    grep -aE '\[FAIL\]|\[SKIP\]|^(cases|kills|memory|fuzz|dashboard)[: ]' "$log"
    if [ "$((errors + fails))" != 0 ]; then cat "$log"; fi
    passed=$((passed + total - fails - skips)) failed=$((failed + fails + errors)) skipped=$((skipped + skips))
    echo "== $name: $((total - fails - skips)) passed, $((fails + errors)) failed, $skips skipped in $((SECONDS - begun)) s"
    rm -f "$log"
}

begun=$SECONDS
dotnet build Ota.sln -c Release --nologo -v quiet -clp:ErrorsOnly
built=$?
wait "$installing"
if [ "$built" != 0 ]; then
    echo "the build failed"
    echo "0 passed, 1 failed, 0 skipped"
    exit 1
fi
echo "== build in $((SECONDS - begun)) s"

# Its tests wait for a database most of the time; those of the others, and their processes, keep every processor busy.
suite Ota.Server.Tests -maxThreads 2x
suite Ota.Agent.Tests
suite Ota.EndToEnd.Tests
suite Ota.Dashboard.Tests

if [ "${CI:-}" = true ] && [ "$skipped" != 0 ]; then
    echo "In CI a skipped test is a failure: everything a test needs must be installed."
    failed=$((failed + skipped))
fi
echo "all suites in $((SECONDS - started)) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
