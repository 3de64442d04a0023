#!/usr/bin/env bash
# All tests, with their set-up. Each script step counts as one test, each test of a test project as one.
# The last line is "N passed, N failed". Logs: artifacts/test-logs.
set -uo pipefail
cd "$(dirname "$0")/.."
. tests/setup.sh
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1 MSBUILDDISABLENODEREUSE=1

logs=artifacts/test-logs
publish=$PWD/artifacts/publish
passed=0
failed=0
rm -rf "$logs"
mkdir -p "$logs"

finish() {
  printf '\n%d passed, %d failed\n' "$passed" "$failed"
  [ "$failed" = 0 ]
  exit
}

# One step, counted as one test: step NAME COMMAND...
step() {
  local name=$1 log=$logs/${1//[^a-zA-Z0-9.-]/-}.log start=$SECONDS
  shift
  if timeout -k 10 900 "$@" >"$log" 2>&1; then
    printf 'ok      %-52s %4d s\n' "$name" $((SECONDS - start))
    passed=$((passed + 1))
  else
    printf 'FAILED  %-52s %4d s\n' "$name" $((SECONDS - start))
    tail -n 40 "$log" | sed 's/^/        /'
    failed=$((failed + 1))
    return 1
  fi
}

# One test program, whose own counts are added: suite NAME COMMAND...
suite() {
  local name=$1 log=$logs/${1//[^a-zA-Z0-9.-]/-}.log start=$SECONDS code=0 good bad
  shift
  timeout -k 10 900 "$@" --no-ansi >"$log" 2>&1 || code=$?
  good=$(sed -n 's/^  succeeded: \([0-9]*\)$/\1/p' "$log" | tail -n 1)
  bad=$(sed -n 's/^  failed: \([0-9]*\)$/\1/p' "$log" | tail -n 1)
  # A program that died, or that ran nothing, has failed whatever it printed.
  if [ "$code" != 0 ] && [ "${bad:-0}" = 0 ] || [ "${good:-0}${bad:-0}" = 00 ]; then
    bad=1
  fi
  passed=$((passed + ${good:-0}))
  failed=$((failed + bad))
  if [ "$bad" = 0 ]; then
    printf 'ok      %-52s %4d s  %d tests\n' "$name" $((SECONDS - start)) "$good"
    sed -n 's/^\(measured: .*\)/        \1/p' "$log"
  else
    printf 'FAILED  %-52s %4d s  %d passed, %d failed, exit %d\n' "$name" $((SECONDS - start)) "${good:-0}" "$bad" "$code"
    grep -v '^ *at ' "$log" | tail -n 60 | sed 's/^/        /'
  fi
}

publish_native() { # RID
  local project log=$logs/publish-$1.txt
  for project in firmware-host/BitVla.Edge.Host packing/BitVla.Packing; do
    dotnet publish "$project" -c Release -r "$1" -o "$publish/$1" -v minimal -p:RestoreLockedMode=true 2>&1 | tee -a "$log"
    [ "${PIPESTATUS[0]}" = 0 ] || return 1
  done
  # Warnings are errors already; this also catches one that someone silenced into a mere warning.
  ! grep -E 'warning IL[0-9]+' "$log"
}

publish_kernel_tests() {
  dotnet publish tests/BitVla.Kernels.Tests -c Release -r linux-arm64 --self-contained -o "$publish/kernel-tests-arm64" -v quiet \
    -p:RestoreLockedMode=true
}

on_arm() { # CPU COMMAND...
  local cpu=$1
  shift
  # The emulator does not see code that the runtime writes through a second mapping, and dies of stale instructions;
  # with the one setting the runtime writes where it executes. It concerns the kernel tests; native binaries write no code.
  DOTNET_EnableWriteXorExecute=0 qemu-aarch64 -cpu "$cpu" -L "$BITVLA_SYSROOT" "$@"
}
export -f publish_native publish_kernel_tests on_arm arm_sysroot need_packages node_tools need_everything
export publish logs

if ! need_everything; then
  failed=1
  finish
fi
step "arm64 libraries for the emulator" bash -c arm_sysroot
export BITVLA_SYSROOT=${BITVLA_SYSROOT:-$PWD/artifacts/sysroot-arm64}
step "npm: GGUF reader, vocabulary" bash -c node_tools
export BITVLA_TOOLS=$PWD/artifacts/tools PATH="$PWD/artifacts/tools/node_modules/.bin:$PATH"

step "restore, locked" dotnet restore BitVla.Edge.sln --locked-mode || finish
step "format" dotnet format whitespace BitVla.Edge.sln --verify-no-changes --no-restore
step "build" dotnet build BitVla.Edge.sln -c Release --no-restore -v quiet || finish
for rid in linux-x64 linux-arm64; do
  step "native publish $rid, no trim warnings" bash -c "publish_native $rid"
done
export BITVLA_PUBLISH=$publish

step "selftest linux-x64" "$publish/linux-x64/bitvlad" selftest
step "selftest linux-arm64 on cortex-a72" bash -c "on_arm cortex-a72 $publish/linux-arm64/bitvlad selftest --expect-kernel reference"
step "selftest linux-arm64 on cortex-a76" bash -c "on_arm cortex-a76 $publish/linux-arm64/bitvlad selftest --expect-kernel neon-dot"

for project in tests/*.Tests; do
  name=$(basename "$project")
  suite "$name" "artifacts/bin/$name/release/$name"
done

if step "kernel tests for linux-arm64" bash -c publish_kernel_tests; then
  EXPECT_KERNEL=reference suite "kernel tests on cortex-a72" bash -c "on_arm cortex-a72 $publish/kernel-tests-arm64/BitVla.Kernels.Tests \"\$@\"" --
  EXPECT_KERNEL=neon-dot suite "kernel tests on cortex-a76" bash -c "on_arm cortex-a76 $publish/kernel-tests-arm64/BitVla.Kernels.Tests \"\$@\"" --
fi

finish
