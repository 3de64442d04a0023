#!/usr/bin/env bash
# All set-up of the native programs, then one pass by hand: makes a small checkpoint, packs it, verifies it, runs it on two pictures.
# Wants a .NET 10 SDK and git; installs the native compiler's packages when they are missing. Results: artifacts/one-pass.
set -euo pipefail
cd "$(dirname "$0")/.."
. deploy/packages.sh

case $(uname -m) in
  x86_64) rid=linux-x64 ;;
  aarch64) rid=linux-arm64 ;;
  *) echo "expected x86_64 or aarch64, found $(uname -m)" >&2; exit 1 ;;
esac
programs=${BITVLA_PUBLISH:-artifacts/publish}/$rid
out=artifacts/one-pass
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1

if ! command -v dotnet >/dev/null; then
  echo "expected a .NET 10 SDK (https://dotnet.microsoft.com/download), found no dotnet" >&2
  exit 1
fi

# BITVLA_PUBLISH names programs that are already built.
if [ -z "${BITVLA_PUBLISH:-}" ]; then
  need_packages clang:clang ld.lld:lld llvm-objcopy:llvm /usr/include/zlib.h:zlib1g-dev
  mkdir -p artifacts
  for project in firmware-host/BitVla.Edge.Host packing/BitVla.Packing; do
    echo "building $project"
    if ! dotnet publish "$project" -c Release -r "$rid" -o "$programs" -v quiet -p:RestoreLockedMode=true >artifacts/one-pass-build.log 2>&1; then
      cat artifacts/one-pass-build.log >&2
      exit 1
    fi
  done
fi

rm -rf "$out"
mkdir -p "$out"
show() {
  local word
  printf '\n$ %s' "${1##*/}"
  for word in "${@:2}"; do
    case $word in *" "*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
  done
  printf '\n'
  "$@"
}

show "$programs/bitvla-pack" synth --preset tiny --checkpoint "$out/checkpoint"
show "$programs/bitvla-pack" pack "$out/checkpoint" -o "$out/tiny.bitvla"
show "$programs/bitvla-pack" verify "$out/tiny.bitvla"
show "$programs/bitvlad" act --model "$out/tiny.bitvla" \
  --image full=deploy/pictures/front.png --image wrist=deploy/pictures/wrist.png \
  --state 0.1,0,0.2,0,0,0,0.04,-0.04 --instruction "pick up the black bowl and place it on the plate"
