#!/usr/bin/env bash
# Builds the device library for NVIDIA GPUs on a machine that may have none, and checks what can be checked there: it compiles, it
# links, and a program with the library beside it starts without a driver, says so and judges on the CPU.
#
#   scripts/cuda.sh            all of it: some 15 minutes of one core, 3 GB in target/cuda
#   scripts/cuda.sh toolkit    only the toolkit
#   scripts/cuda.sh build      only the library, target/cuda/libportcullis_cuda.so
#   scripts/cuda.sh check      only the checks, on a library that is built
#   scripts/cuda.sh test       the tests that need a GPU
#   scripts/cuda.sh check-kernels [quick|times|layer]    builds target/check, the checks and timings of our own kernels, and runs it
#                              where there is a GPU
#   scripts/cuda.sh emulate    the kernels and what launches them, run on the processor: some 10 minutes of a core besides the build
#
# The toolkit is CUDA 13.0 from NVIDIA's packages on PyPI, in target/cuda/toolkit; CUDA_HOME names one that is installed. The
# library runs on GPUs of CUDA_COMPUTE_CAP (80: Ampere) and newer ones. PORTCULLIS names a program to check with. JOBS is how many
# jobs cargo runs, 1 unless it is said: a job of nvcc takes up to 2 GB.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
out=$PWD/target/cuda
own=$out/toolkit
library=$out/libportcullis_cuda.so
mkdir -p "$out"
say() { printf '\n-- %s\n' "$*"; }

# Versions that belong together; the packages hold what one of NVIDIA's installers would lay into /usr/local/cuda.
packages=(
  nvidia-cuda-nvcc==13.0.88 nvidia-nvvm==13.0.88 nvidia-cuda-crt==13.0.88 nvidia-cuda-runtime==13.0.96
  nvidia-cuda-cccl==13.0.85 nvidia-cuda-nvrtc==13.0.88 nvidia-cublas==13.1.0.3 nvidia-curand==10.4.0.35
)

toolkit() {
  [[ -n ${CUDA_HOME:-} ]] && return
  [[ -e $own/complete ]] && return
  say 'toolkit'
  rm -rf "$own" && mkdir -p "$own/lib64/stubs"
  "$python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$own/packages" "${packages[@]}"
  local inside=$own/packages/nvidia/cu13
  local part file name
  for part in bin include nvvm; do ln -s "$inside/$part" "$own/$part"; done
  # The packages hold libraries under the names that programs load, and the linker looks for names without a version.
  for file in "$inside"/lib/*.so.*; do
    name=$(basename "$file")
    ln -sf "$file" "$own/lib64/${name%%.so.*}.so"
  done
  for file in "$inside"/lib/*.a; do if [[ -e $file ]]; then ln -sf "$file" "$own/lib64/"; fi; done
  driver_stub "$own/lib64/stubs"
  touch "$own/complete"
}

# A libcuda to link against, as the toolkit's own stub: every function of the driver that cudarc declares, each of which says that
# there is no device.
driver_stub() {
  local sources
  cargo fetch --locked --quiet
  sources=$(ls -d "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/cudarc-*/src/driver/sys | tail -n 1)
  grep -rhoE 'pub (unsafe )?fn cu[A-Z][A-Za-z0-9_]*' "$sources" | sed -E 's/.* //' | sort -u |
    sed 's/.*/int &(void) { return 100; }/' > "$1/stub.c"
  cc -shared -fPIC -w -Wl,-soname,libcuda.so.1 "$1/stub.c" -o "$1/libcuda.so"
}

# cargo for the device library: a command and its arguments.
device() {
  local home=${CUDA_HOME:-$own}
  local capability=${CUDA_COMPUTE_CAP:-80}
  env CUDA_HOME="$home" CUDA_PATH="$home" CUDA_COMPUTE_CAP="$capability" CUDARC_CUDA_VERSION="${CUDARC_CUDA_VERSION:-13000}" \
    CUDAFORGE_THREADS=1 PATH="$home/bin:$PATH" LIBRARY_PATH="$home/lib64:$home/lib64/stubs" \
    RUSTFLAGS="-L native=$home/lib64 -L native=$home/lib64/stubs -C link-arg=-Wl,-rpath,\$ORIGIN" \
    cargo "$1" --locked --release --package portcullis-device --features cuda --target-dir "$out/build" --jobs "${JOBS:-1}" "${@:2}"
}

build() {
  say 'device library'
  device build
  install -m 755 "$out/build/release/libportcullis_device.so" "$library"
  ls -l "$library"
}

# What a user without a GPU meets: a program with the library beside it.
check() {
  say 'a program with the library beside it, and no driver'
  local folder program=${PORTCULLIS:-}
  if [[ -z $program ]]; then
    cargo build --locked --quiet --bin portcullis
    program=target/debug/portcullis
  fi
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' RETURN
  chmod 755 "$folder"
  cp "$program" "$folder/portcullis"
  install -m 755 "$library" "$folder/libportcullis_cuda.so"
  if ldconfig -p | grep -q 'libcuda\.so\.1'; then
    echo 'this machine has a driver: what it does is measured by scripts/device/bench.py'
    return
  fi
  local clean=(env -u LD_LIBRARY_PATH PATH="$PATH") text='How do I descale a kettle?'

  "${clean[@]}" "$folder/portcullis" check --json "$text" > "$folder/out"
  if grep -q '"device"' "$folder/out"; then fail 'a verdict of a device that is not there'; fi
  grep -q '"decision":"allow"' "$folder/out" || fail 'no verdict on the CPU'

  expect 2 'there is no libcuda.so.1, which comes with NVIDIA.s driver' \
    "${clean[@]}" "$folder/portcullis" check --device cuda "$text"
  expect 0 'there is no libcuda.so.1, which comes with NVIDIA.s driver' "${clean[@]}" "$folder/portcullis" inspect
  # A measurement is there, and the driver that it was made with is gone.
  mkdir "$folder/state"
  local maker model
  maker=$("${clean[@]}" "$folder/portcullis" inspect --json | sed -E 's/.*"library_blake3":"([0-9a-f]+)".*/\1/')
  model=$("${clean[@]}" "$folder/portcullis" inspect --json | sed -E 's/.*"model":\{"id":"[^"]*","digest":"([0-9a-f]+)".*/\1/')
  cat > "$folder/state/device.toml" <<TOML
format = 1
kind = "cuda"
name = "a GPU"
driver = "13.0"
maker = "$maker"
model = "$model"
precision = "f16"
from_tokens = 1
threads = 1
measured = "2031-05-09T14:03:59Z"
TOML
  expect 0 'none: the device library .* there is no libcuda.so.1' \
    "${clean[@]}" "$folder/portcullis" inspect --state "$folder/state"
  expect 0 allow "${clean[@]}" "$folder/portcullis" check --state "$folder/state" --unlogged "$text"

  if [[ -d $own/lib64/stubs ]]; then
    say 'a driver without a device'
    local libraries=$own/lib64/stubs:$own/packages/nvidia/cu13/lib
    ln -sf libcuda.so "$own/lib64/stubs/libcuda.so.1"
    expect 2 'there is no such device' \
      env LD_LIBRARY_PATH="$libraries" "$folder/portcullis" check --device cuda "$text"
    expect 0 allow env LD_LIBRARY_PATH="$libraries" "$folder/portcullis" check "$text"
  fi
  say 'passed'
}

# The checks of our own kernels, without Rust.
check_kernels() {
  say 'checks of the kernels'
  local home=${CUDA_HOME:-$own}
  "$home/bin/nvcc" -O3 -std=c++17 -DPORTCULLIS_CHECK -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90a,code=sm_90a \
    -cudart static -L"$home/lib64" kernels/cuda/check.cu -o target/check
  if ! ldconfig -p | grep -q 'libcuda\.so\.1'; then
    echo 'built target/check; this machine has no driver to run it'
    return
  fi
  target/check "$@"
}

# The kernels on the processor alone, and then behind a driver that the library's own code is run on.
emulate() {
  say 'kernels on the processor'
  local include=${CUDA_HOME:-$own}/include folder=$out/emulated
  mkdir -p "$folder"
  g++ -O2 -std=c++17 -DPORTCULLIS_EMULATED -I"$include" kernels/cuda/emulate.cpp -o "$folder/emulate"
  "$folder/emulate"
  say 'the library on an emulated driver'
  driver_stub "$folder"
  # What the emulated driver has comes before what says that there is no device.
  sed 's/^int /__attribute__((weak)) int /' "$folder/stub.c" > "$folder/weak.c"
  cc -c -fPIC -w "$folder/weak.c" -o "$folder/weak.o"
  g++ -O2 -w -std=c++17 -fPIC -shared -DPORTCULLIS_EMULATED -I"$include" -Wl,-soname,libcuda.so.1 \
    kernels/cuda/emulated_driver.cpp "$folder/weak.o" -o "$folder/libcuda.so.1"
  rm -f "$folder/libcuda.so"
  LD_LIBRARY_PATH=$folder:$own/packages/nvidia/cu13/lib device test --lib -- --ignored
}

# expect STATUS PATTERN COMMAND…: the command ends with this status and says this.
expect() {
  local status=$1 pattern=$2 found=0 said
  shift 2
  said=$("$@" 2>&1) || found=$?
  [[ $found == "$status" ]] || fail "status $found in place of $status: $*: $said"
  # A table breaks its lines.
  tr -d '\n' <<< "$said" | sed -E 's/[│┆ ]+/ /g' | grep -qE "$pattern" || fail "not said: $pattern: $*: $said"
  echo "ok: $pattern"
}

fail() {
  echo "FAILED: $*" >&2
  exit 1
}

case ${1:-all} in
  toolkit) toolkit ;;
  build) toolkit && build ;;
  check) check ;;
  emulate) toolkit && emulate ;;
  check-kernels) toolkit && check_kernels "${@:2}" ;;
  test) cargo test --locked --release --test device -- --ignored --nocapture --test-threads 1 ;;
  all) toolkit && build && check ;;
  *) echo "unknown argument: $1, expected toolkit, build, check, check-kernels, emulate or test" >&2; exit 2 ;;
esac
