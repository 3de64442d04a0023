#!/usr/bin/env bash
# All set-up and the whole loop on this machine: builds both programs, then `bitvlad demo`: a small random model, a broker, the daemon
# and a client that sends pictures and shows the chunks that come back. Wants a .NET 10 SDK and git, nothing else.
# Arguments go to `bitvlad demo`: without --count it runs until Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

if ! command -v dotnet >/dev/null; then
  echo "expected a .NET 10 SDK (https://dotnet.microsoft.com/download), found no dotnet" >&2
  exit 1
fi

# BITVLA_PUBLISH names programs that are already built.
if [ -n "${BITVLA_PUBLISH:-}" ]; then
  case $(uname -m) in
    aarch64) programs=$BITVLA_PUBLISH/linux-arm64 ;;
    *) programs=$BITVLA_PUBLISH/linux-x64 ;;
  esac
  daemon=$programs/bitvlad
  packer=$programs/bitvla-pack
else
  mkdir -p artifacts
  for project in firmware-host/BitVla.Edge.Host packing/BitVla.Packing; do
    echo "building $project"
    if ! dotnet build "$project" -c Release -v quiet -p:RestoreLockedMode=true >artifacts/demo-build.log 2>&1; then
      cat artifacts/demo-build.log >&2
      exit 1
    fi
  done
  daemon=artifacts/bin/BitVla.Edge.Host/release/bitvlad
  packer=artifacts/bin/BitVla.Packing/release/bitvla-pack
fi

printf '\n$ bitvlad demo %s\n' "$*"
exec "$daemon" demo --packer "$packer" "$@"
