#!/usr/bin/env bash
# Builds the Python package's wheel and holds it to its tests: types, examples, the test suite, and a virtual environment
# with nothing else in it and no network.
#
#   scripts/python.sh [--release]    the wheel that users get (profile `wheel`) in place of a quickly built one
#
# PYTHON names the interpreter (3.11 or newer). The wheel is left in target/python/wheels.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
# As the rest of the workspace is built for its tests: nothing is compiled twice.
export CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-0}
kind=(--profile dev --features workspace)
for argument in "$@"; do
  case $argument in
    --release) kind=(--profile wheel) ;;
    *) echo "unknown argument: $argument, expected --release" >&2; exit 2 ;;
  esac
done
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "$python is $("$python" --version), expected Python 3.11 or newer" >&2
  exit 2
}

say() { printf '\n-- %s\n' "$*"; }
package=bindings/python
out=$PWD/target/python
rm -rf "$out/wheels" "$out/clean"
mkdir -p "$out"

say 'tools'
[[ -x $out/venv/bin/python ]] || "$python" -m venv "$out/venv"
"$out/venv/bin/python" -m pip install --quiet --disable-pip-version-check --requirement $package/tests/requirements.txt

say "wheel: ${kind[*]}"
"$out/venv/bin/maturin" build --quiet --locked --manifest-path $package/Cargo.toml "${kind[@]}" --out "$out/wheels"
wheel=$(echo "$out"/wheels/*.whl)
ls -l "$wheel"
"$out/venv/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"

say 'types'
installed=$("$out/venv/bin/python" -c 'import pathlib, portcullis; print(pathlib.Path(portcullis.__file__).parent)')
(
  cd $package
  "$out/venv/bin/mypy" --cache-dir "$out/mypy" python/portcullis tests/*.py
  "$out/venv/bin/stubtest" --mypy-config-file pyproject.toml portcullis._portcullis
)

say 'tests and examples'
(
  cd $package
  "$out/venv/bin/python" -m pytest --quiet -o cache_dir="$out/pytest" tests
  "$out/venv/bin/python" -m pytest --quiet -o cache_dir="$out/pytest" --doctest-modules --doctest-glob='*.md' README.md "$installed"
)

say 'alone and offline'
"$python" -m venv "$out/clean"
"$out/clean/bin/python" -m pip install --quiet --disable-pip-version-check --no-index "$wheel"
if unshare --net true 2>/dev/null; then offline=(unshare --net); else offline=(env); fi
(cd / && "${offline[@]}" "$out/clean/bin/python" -m doctest "$OLDPWD/$package/README.md")
