#!/bin/sh
# Measures the server beside nginx on this machine; see README.md. Arguments go to the benchmark:
# --quick, --rounds, --seconds, --only; "--only million" takes minutes and two gigabytes.
set -eu
cd "$(dirname "$0")/../.."

missing=""
command -v wrk > /dev/null || missing="$missing wrk"
command -v nginx > /dev/null || missing="$missing nginx-light"
if [ -n "$missing" ]; then
    if [ "$(id -u)" != 0 ]; then
        echo "run.sh: please install$missing" >&2
        exit 2
    fi
    apt-get update -qq
    # The package would start its own nginx on port 80.
    # shellcheck disable=SC2086
    RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null
fi

out="tests/Ota.Benchmarks/bin/measured"
dotnet publish server/Ota.Server -c Release -o "$out/server" -v quiet --nologo
dotnet publish tests/Ota.Benchmarks -c Release -o "$out/benchmark" -v quiet --nologo
exec dotnet "$out/benchmark/Ota.Benchmarks.dll" --server "$out/server/Ota.Server.dll" "$@"
