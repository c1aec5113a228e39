#!/usr/bin/env bash
# Runs one static x86-64 Linux executable on an emulated CPU that has AVX-512 VNNI and AVX-VNNI.
#
#   scripts/emulate-avx512.sh BINARY [ARGS…]
#
# For machines whose own CPU lacks those instructions: Bochs, a full-system emulator, boots a stock Debian
# kernel whose only other file is BINARY. What BINARY prints (both streams) comes out on standard output
# and its exit status is this script's; 124 means that the time ran out, 125 that the emulation failed.
# As a cargo runner it takes a whole test suite, here the kernels' tests at every instruction level:
#
#   export RUSTFLAGS='-C target-feature=+crt-static'
#   export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER=$PWD/scripts/emulate-avx512.sh
#   cargo test --target x86_64-unknown-linux-gnu -p portcullis-kernels --tests
#
# Needs a Debian system with curl, xz, g++ and make, and nothing of root. The first run fetches about
# 35 MB and builds Bochs (some minutes of one core); all of it stays in the cache folder.
#
#   EMULATE_CPU      Bochs's CPU model: sapphire_rapids (the default: AVX-512 VNNI and AVX-VNNI), tigerlake
#                    (AVX-512 VNNI alone), arrow_lake (AVX-VNNI alone), corei7_haswell_4770 (AVX2), …
#   EMULATE_MEMORY   the guest's memory in MiB (512)
#   EMULATE_TIMEOUT  seconds until the run is given up (1800)
#   EMULATE_CACHE    the cache folder (${XDG_CACHE_HOME:-~/.cache}/emulate-avx512)
#
# Variables named RUST_* and PROPTEST_* reach BINARY. It sees no other file of this machine.
set -euo pipefail

readonly bochs_url=http://deb.debian.org/debian/pool/main/b/bochs/bochs_3.0+dfsg.orig.tar.xz
readonly bochs_sha256=78f6c73d4a6472d5130a87ab9dc306d02c7c71ed8e25b3a8ef642e2a7acd282b
# The kernel hangs on this Bochs with all of a new CPU's features in use (which one is to blame was not
# traced further), and with ACPI a system-management interrupt ends it: all that BINARY does not need is off.
# A preset loops-per-jiffy shortens the delays that only real hardware needs. A reboot ends Bochs.
readonly kernel_options="console=ttyS0 quiet panic=-1 acpi=off noapic nokaslr mitigations=off reboot=triple \
lpj=10000 lsm=capability nopku nopcid nofsgsbase \
clearcpuid=serialize,smap,umip,fsrm,enqcmd,rdpid,waitpkg,movdiri,movdir64b"
readonly packages=(busybox-static mtools syslinux syslinux-common)

cpu=${EMULATE_CPU:-sapphire_rapids}
memory=${EMULATE_MEMORY:-512}
timeout=${EMULATE_TIMEOUT:-1800}
cache=${EMULATE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/emulate-avx512}

fail() {
  echo "emulate-avx512: $*" >&2
  exit 125
}

# Unpacks the kernel and the boot tools beside each other, without installing them.
fetch_packages() {
  local kernel
  kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\)$/\1/p' | head -n 1)
  [[ $kernel ]] || fail "no package linux-image-cloud-amd64 is known to apt (try: apt-get update)"
  mkdir -p "$cache/packages"
  (cd "$cache/packages" && apt-get -q -o APT::Sandbox::User= download "$kernel" "${packages[@]}") >&2 ||
    fail "the packages could not be downloaded (try: apt-get update)"
  for package in "$cache"/packages/*.deb; do
    dpkg -x "$package" "$cache/root"
  done
  cp "$cache"/root/boot/vmlinuz-* "$cache/vmlinuz"
}

# Built here, plain: no display, no plugins, and every instruction set, whatever the distribution's own build has.
build_bochs() {
  local archive=$cache/bochs.tar.xz
  curl -fsSL -o "$archive" "$bochs_url" || fail "could not fetch $bochs_url"
  echo "$bochs_sha256  $archive" | sha256sum --check --quiet - >&2 || fail "unexpected digest: $bochs_url"
  mkdir -p "$cache/source"
  tar -xf "$archive" -C "$cache/source" --strip-components=1
  (
    cd "$cache/source"
    ./configure --with-nogui --disable-plugins --disable-debugger --disable-docbook \
      --enable-x86-64 --enable-avx --enable-evex --enable-all-optimizations \
      CFLAGS='-O2 -w' CXXFLAGS='-O2 -w -fno-strict-aliasing'
    make bochs
  ) >"$cache/build.log" 2>&1 || fail "Bochs did not build: see $cache/build.log"
  cp "$cache/source/bios/bios.bin-1.13.0" "$cache/bios"
  cp "$cache/source/bios/vgabios-cirrus.bin-1.13.0" "$cache/vgabios"
  mv "$cache/source/bochs" "$cache/bochs"
  rm -rf "$cache/source" "$archive"
}

# Writes the guest's only files and packs them into an initramfs; its init runs BINARY and reboots.
make_initramfs() {
  local tree=$work/tree busybox=$cache/root/bin/busybox
  mkdir -p "$tree"/{bin,dev,proc,sys,tmp}
  [[ -e $busybox ]] || busybox=$cache/root/usr/bin/busybox
  cp "$busybox" "$tree/bin/busybox"
  cp "$binary" "$tree/program"
  chmod 755 "$tree/program"
  {
    echo '#!/bin/busybox sh'
    echo 'PATH=/bin'
    echo '/bin/busybox --install /bin'
    echo 'mount -t devtmpfs none /dev; mount -t proc none /proc; mount -t sysfs none /sys'
    echo 'stty -F /dev/ttyS1 115200 raw -echo; stty -F /dev/ttyS2 115200 raw -echo'
    for name in $(compgen -e | grep -E '^(RUST|PROPTEST)_' || true); do
      echo "export $name=${!name@Q}"
    done
    echo 'cd /tmp'
    echo "/program ${arguments[*]@Q} >/dev/ttyS1 2>&1 </dev/null"
    echo 'echo $? >/dev/ttyS2; reboot -f'
  } >"$tree/init"
  chmod 755 "$tree/init"
  (cd "$tree" && find . | "$busybox" cpio -o -H newc | gzip -1) >"$work/initramfs" 2>"$work/cpio.log"
}

# Lays kernel and initramfs on a bootable FAT disk.
make_disk() {
  local size=$(($(stat -c %s "$cache/vmlinuz") + $(stat -c %s "$work/initramfs")))
  local cylinders=$((size / (16 * 63 * 512) + 8))
  export PATH=$cache/root/usr/bin:$PATH MTOOLS_SKIP_CHECK=1
  truncate -s $((cylinders * 16 * 63 * 512)) "$work/disk"
  mformat -i "$work/disk" -t $cylinders -h 16 -s 63 -H 0 ::
  printf '%s\n' 'default linux' 'prompt 0' 'label linux' ' kernel vmlinuz' ' initrd initramfs' \
    " append $kernel_options" >"$work/syslinux.cfg"
  mcopy -i "$work/disk" "$cache/vmlinuz" ::vmlinuz
  mcopy -i "$work/disk" "$work/initramfs" "$work/syslinux.cfg" ::
  syslinux --install "$work/disk"
}

run_bochs() {
  cat >"$work/bochsrc" <<END
config_interface: textconfig
display_library: nogui
cpu: model=$cpu, count=1, ips=100000000, reset_on_triple_fault=0
memory: guest=$memory, host=$memory
romimage: file=$cache/bios
vgaromimage: file=$cache/vgabios
ata0-master: type=disk, path=$work/disk, mode=flat
boot: disk
clock: sync=none
com1: enabled=1, mode=file, dev=$work/console
com2: enabled=1, mode=file, dev=$work/output
com3: enabled=1, mode=file, dev=$work/status
log: $work/bochs.log
panic: action=fatal
END
  : >"$work/output"
  timeout "$timeout" "$cache/bochs" -q -f "$work/bochsrc" >"$work/bochs.out" 2>&1 </dev/null &
  local emulator=$!
  tail --pid=$emulator --sleep-interval=0.2 -c +1 -f "$work/output"
  # Bochs calls a reboot an error, so only timeout's 124 counts here.
  local ended=0
  wait $emulator || ended=$?
  [[ $ended != 124 ]] || { echo "emulate-avx512: given up after $timeout s" >&2; exit 124; }
}

[[ $# -ge 1 ]] || fail "usage: $0 BINARY [ARGS…]"
binary=$1
shift
arguments=("$@")
[[ -f $binary ]] || fail "no such file: $binary"
if readelf -l "$binary" | grep -q INTERP; then
  fail "$binary is not static: build it with RUSTFLAGS='-C target-feature=+crt-static'"
fi

mkdir -p "$cache"
[[ -e $cache/vmlinuz ]] || fetch_packages
[[ -e $cache/bochs ]] || build_bochs

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
make_initramfs
make_disk
run_bochs
if [[ ! -s $work/status ]]; then
  tail -n 20 "$work/console" "$work/bochs.out" "$work/bochs.log" >&2 || true
  fail "the guest ended without an exit status"
fi
exit "$(<"$work/status")"
