#!/usr/bin/env bash
# Cross-builds the kernels' tests for 64-bit ARM and runs them on emulated CPUs, one for each NEON level.
#
#   scripts/emulate-arm64.sh [TEST…]
#
# For machines that are not ARM: a Rust and a C cross toolchain and QEMU's user-mode emulator come from Debian's
# packages, unpacked into the cache folder and not installed. Each CPU has to run exactly the levels that its
# instructions allow, bit-equal to the scalar one. Then the instructions of one forward pass are counted at each
# level. Emulated time means nothing, and a count is not a time either. TEST filters the tests; no counts then.
#
# Needs an x86-64 Debian 12 with cargo and gcc, and nothing of root. The first run fetches about 250 MB and leaves
# 1.2 GB in the cache folder.
#
#   EMULATE_ARM64_CACHE  the cache folder (${XDG_CACHE_HOME:-~/.cache}/emulate-arm64)
set -euo pipefail
cd "$(dirname "$0")/.."

# A CPU model of QEMU, the levels that it has to run, and what it stands for.
readonly models=(
  'cortex-a72;neon scalar;no dotprod, as in the Raspberry Pi 4'
  'cortex-a76;neon neon-dotprod scalar;dotprod, as in the Raspberry Pi 5'
  'max;neon neon-dotprod neon-i8mm scalar;dotprod and i8mm'
)
readonly packages=(
  rustc-web libstd-rust-web-dev:amd64 libstd-rust-web-dev:arm64
  gcc-12-aarch64-linux-gnu cpp-12-aarch64-linux-gnu binutils-aarch64-linux-gnu libc6-arm64-cross
  libc6-dev-arm64-cross linux-libc-dev-arm64-cross libgcc-s1-arm64-cross libgcc-12-dev-arm64-cross
  qemu-user-static qemu-user libcapstone4
)
# The forward pass whose instructions are counted: one sequence of so many tokens.
readonly tokens=64

cache=${EMULATE_ARM64_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/emulate-arm64}

fail() {
  echo "emulate-arm64: $*" >&2
  exit 1
}

# apt with package lists of its own, which know both architectures.
apt() {
  apt-get -q -o Dir::State::Lists="$cache/lists" -o Dir::Cache="$cache/apt" -o APT::Architecture=amd64 \
    -o APT::Architectures::=amd64 -o APT::Architectures::=arm64 -o APT::Sandbox::User= "$@" >&2
}

fetch_toolchain() {
  mkdir -p "$cache"/{lists/partial,apt/archives/partial,packages,root}
  apt update || fail 'the package lists could not be fetched'
  (
    cd "$cache/packages"
    apt download "${packages[@]}"
    # The compiler's library and its LLVM have their versions in their names.
    apt download "$(dpkg-deb -f libstd-rust-web-dev_*_amd64.deb Depends | grep -o 'libstd-rust-web-[0-9.]*')"
    apt download "$(dpkg-deb -f libstd-rust-web-[0-9]*_amd64.deb Depends | grep -o 'libllvm[0-9]*')"
  ) || fail 'the packages could not be downloaded'
  for package in "$cache"/packages/*.deb; do
    dpkg -x "$package" "$cache/root"
  done
  rm -rf "$cache/packages" "$cache/lists" "$cache/apt"
}

# A program at the given path that is the rest of the arguments, one line of shell each.
program() {
  printf '%s\n' '#!/bin/sh' "${@:2}" >"$1"
  chmod 755 "$1"
}

make_programs() {
  local root=$cache/root usr=$cache/root/usr
  local libraries="export LD_LIBRARY_PATH='$usr/lib/x86_64-linux-gnu'"
  mkdir -p "$cache/bin"
  program "$cache/bin/rustc" "$libraries" "exec '$usr/bin/rustc' \"\$@\""
  program "$cache/bin/gcc" "$libraries" "exec '$usr/bin/aarch64-linux-gnu-gcc-12' --sysroot='$root' \\" \
    " -B'$usr/lib/gcc-cross/aarch64-linux-gnu/12' -B'$usr/aarch64-linux-gnu/lib' \\" \
    " -B'$usr/bin/aarch64-linux-gnu-' -L'$usr/aarch64-linux-gnu/lib' \"\$@\""
  program "$cache/bin/run" "exec '$usr/bin/qemu-aarch64-static' -cpu \"\$EMULATE_ARM64_MODEL\" \\" \
    " -L '$usr/aarch64-linux-gnu' \"\$@\""
  # QEMU's static form takes no plugins.
  program "$cache/bin/count" "$libraries" "exec '$usr/bin/qemu-aarch64' -cpu max -plugin '$cache/count.so' \\" \
    " -L '$usr/aarch64-linux-gnu' \"\$@\""
}

# A plugin of QEMU that prints how many instructions ran. QEMU's header is not packaged, so what it uses is declared.
make_plugin() {
  gcc -O2 -shared -fPIC -x c -o "$cache/count.so" - <<'END'
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

struct qemu_plugin_tb;
void qemu_plugin_register_vcpu_tb_trans_cb(uint64_t, void (*)(uint64_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *, int, void *, uint64_t);
void qemu_plugin_register_atexit_cb(uint64_t, void (*)(uint64_t, void *), void *);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);

int qemu_plugin_version = 1;
static uint64_t count;

static void translated(uint64_t id, struct qemu_plugin_tb *block) {
  enum { ADD_U64 = 0 };
  qemu_plugin_register_vcpu_tb_exec_inline(block, ADD_U64, &count, qemu_plugin_tb_n_insns(block));
}

static void ended(uint64_t id, void *data) { fprintf(stderr, "instructions %" PRIu64 "\n", count); }

int qemu_plugin_install(uint64_t id, const void *info, int argc, char **argv) {
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
END
}

# Runs the tests on one model and compares the levels that it ran with those that it has to.
test_model() {
  local model levels what log=$work/log
  IFS=';' read -r model levels what <<<"$1"
  echo "== $model: $what"
  EMULATE_ARM64_MODEL=$model cross test --release --lib --tests -- --nocapture --test-threads=1 "${filter[@]}" >"$log" 2>&1 ||
    { grep -v '^PASS ' "$log" | tail -n 40 >&2; fail "the tests failed on $model"; }
  grep '^test result' "$log"
  local ran
  ran=$(sed -n 's/.*PASS \([a-z0-9-]*\) .*/\1/p' "$log" | sort | uniq -c | awk '{ print $2 " (" $1 ")" }')
  echo "comparisons with scalar: "$ran
  [[ ${#filter[@]} != 0 || $(sed 's/ .*//' <<<"$ran" | xargs) == "$levels" ]] ||
    fail "$model has to run $levels"
}

# The instructions of the bench's program when it runs the given benchmark once.
instructions() {
  cross bench --bench linear -- --test --exact "$1" 2>&1 | sed -n 's/^instructions //p'
}

count_instructions() {
  if ! "$cache/bin/count" -version >/dev/null 2>&1; then
    echo 'no instruction counts: QEMU with plugins does not start here' >&2
    return
  fi
  [[ -e $cache/count.so ]] || make_plugin
  echo "== instructions of one forward pass, MiniLM's shape, $tokens tokens"
  export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$cache/bin/count
  local setup level
  setup=$(instructions none)
  for level in neon neon-dotprod neon-i8mm; do
    echo "$level: $((($(instructions "encoder/$level/$tokens") - setup) / 1000000)) million"
  done
}

cross() {
  RUSTC=$cache/bin/rustc cargo "$1" --quiet --target aarch64-unknown-linux-gnu --package portcullis-kernels \
    "${@:2}"
}

filter=("$@")
mkdir -p "$cache"
cache=$(cd "$cache" && pwd)
[[ -e $cache/root/usr/bin/rustc && -e $cache/bin/count ]] || { fetch_toolchain; make_programs; }
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=$cache/bin/gcc CC_aarch64_unknown_linux_gnu=$cache/bin/gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=$cache/bin/run

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for model in "${models[@]}"; do
  test_model "$model"
done
[[ ${#filter[@]} != 0 ]] || count_instructions
