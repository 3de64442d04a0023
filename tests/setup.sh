# Sourced by tests/run.sh: what the tests need beside a .NET SDK and git. Sets BITVLA_SYSROOT and BITVLA_TOOLS.
. deploy/packages.sh

arm_sysroot() {
  # An arm64 Debian tree: the library prefix of the emulator, with the libssl3 that hashing loads. 91 MB.
  BITVLA_SYSROOT=${BITVLA_SYSROOT:-$PWD/artifacts/sysroot-arm64}
  export BITVLA_SYSROOT
  [ -e "$BITVLA_SYSROOT/lib/ld-linux-aarch64.so.1" ] && ls "$BITVLA_SYSROOT"/usr/lib/aarch64-linux-gnu/libssl.so.3 >/dev/null 2>&1 && return 0
  rm -rf "$BITVLA_SYSROOT.part"
  mkdir -p artifacts
  mmdebstrap --quiet --variant=extract --architectures=arm64 --include=libc6,libgcc-s1,libstdc++6,libssl3 \
    bookworm "$BITVLA_SYSROOT.part" && mv "$BITVLA_SYSROOT.part" "$BITVLA_SYSROOT"
}

node_tools() {
  # The GGUF reader of another house, and the real vocabulary; both from npm, both for tests only.
  BITVLA_TOOLS=$PWD/artifacts/tools
  export BITVLA_TOOLS
  mkdir -p "$BITVLA_TOOLS"
  export PATH="$BITVLA_TOOLS/node_modules/.bin:$PATH"
  if [ "$(node -p 'Number(process.versions.node.split(".")[0]) >= 20' 2>/dev/null)" != true ]; then
    npm install --prefix "$BITVLA_TOOLS" --no-audit --no-fund --silent node@22 || return 1
  fi
  [ -d "$BITVLA_TOOLS/node_modules/@huggingface/gguf" ] ||
    npm install --prefix "$BITVLA_TOOLS" --no-audit --no-fund --silent --ignore-scripts @huggingface/gguf@0.4.6 || return 1
  sh tests/tools/fetch-llama3.sh
}

need_everything() {
  command -v dotnet >/dev/null || { echo "expected a .NET 10 SDK, found no dotnet" >&2; return 1; }
  need_packages git:git clang:clang ld.lld:lld llvm-objcopy:llvm /usr/include/zlib.h:zlib1g-dev \
    "aarch64-linux-gnu-gcc:gcc-aarch64-linux-gnu binutils-aarch64-linux-gnu" \
    /usr/aarch64-linux-gnu/lib/libc.so.6:libc6-dev-arm64-cross \
    qemu-aarch64:qemu-user mmdebstrap:mmdebstrap node:nodejs npm:npm /usr/sbin/mosquitto:mosquitto mosquitto_pub:mosquitto-clients \
    /usr/share/keyrings/debian-archive-keyring.gpg:debian-archive-keyring
}
