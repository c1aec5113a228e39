#!/usr/bin/env bash
# Builds the Python package's wheel and holds it to its tests: types, examples, the test suite, and a virtual environment
# with nothing else in it and no network.
#
#   scripts/python.sh [--release]    the wheel that users get (profile `wheel`) in place of a quickly built one
#   scripts/python.sh --integrations then against the hosts of portcullis.integrations, which are installed: some 2 GB
#   scripts/python.sh --llama-cpp    the same with llama-cpp-python, which is compiled
#   scripts/python.sh --clusters     then with Ray Data and Spark, which are installed (some 700 MB) and need a Java of 17 or newer
#   scripts/python.sh --scaling      measures both with a release wheel, and writes benches/record/DATE-scaling.md
#
# PYTHON names the interpreter (3.11 or newer). The wheel is left in target/python/wheels.
set -euo pipefail
cd "$(dirname "$0")/.."

python=${PYTHON:-python3}
# As the rest of the workspace is built for its tests: nothing is compiled twice.
export CARGO_PROFILE_DEV_DEBUG=${CARGO_PROFILE_DEV_DEBUG:-0}
kind=(--profile dev --features workspace)
integrations='' llama='' clusters='' scaling=''
for argument in "$@"; do
  case $argument in
    --release) kind=(--profile wheel) ;;
    --integrations) integrations=1 ;;
    --llama-cpp) integrations=1 llama=1 ;;
    --clusters) clusters=1 ;;
    --scaling) kind=(--profile wheel) scaling=1 ;;
    *) echo "unknown argument: $argument, expected --release, --integrations, --llama-cpp, --clusters or --scaling" >&2; exit 2 ;;
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
  "$out/venv/bin/mypy" --cache-dir "$out/mypy" python/portcullis tests/*.py tests/integrations/*.py ../../examples/*.py
  "$out/venv/bin/stubtest" --mypy-config-file pyproject.toml portcullis._portcullis
)

say 'tests and examples'
(
  cd $package
  "$out/venv/bin/python" -m pytest --quiet -o cache_dir="$out/pytest" tests
  "$out/venv/bin/python" -m pytest --quiet -o cache_dir="$out/pytest" --doctest-modules --doctest-glob='*.md' \
    --doctest-ignore-import-errors README.md "$installed"
)

say 'alone and offline'
"$python" -m venv "$out/clean"
"$out/clean/bin/python" -m pip install --quiet --disable-pip-version-check --no-index "$wheel"
if unshare --net true 2>/dev/null; then offline=(unshare --net); else offline=(env); fi
(cd / && "${offline[@]}" "$out/clean/bin/python" -m doctest "$OLDPWD/$package/README.md")

# A virtual environment with this list of packages and the wheel.
environment() {
  [[ -x $out/$1/bin/python ]] || "$python" -m venv "$out/$1"
  "$out/$1/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$package/tests/requirements-$1.txt"
  "$out/$1/bin/python" -m pip install --quiet --disable-pip-version-check --force-reinstall --no-deps "$wheel"
}
suite() {
  # Some hosts would report their use.
  (cd $package && OTEL_SDK_DISABLED=true DO_NOT_TRACK=1 "$out/$1/bin/python" -m pytest --quiet -o cache_dir="$out/pytest" "${@:2}")
}

if [[ $integrations ]]; then
  say 'integrations'
  environment integrations
  [[ ! $llama ]] || "$out/integrations/bin/python" -m pip install --quiet --disable-pip-version-check llama-cpp-python==0.3.36
  suite integrations tests/integrations --ignore=tests/integrations/test_open_webui.py -rs
  suite integrations --doctest-glob='*.md' docs
  environment open-webui
  "$out/open-webui/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps open-webui==0.12.4
  suite open-webui tests/integrations/test_open_webui.py
fi

if [[ $clusters || $scaling ]]; then
  say 'clusters'
  java -version 2>/dev/null || { echo 'java is missing: Spark needs 17 or newer' >&2; exit 2; }
  environment clusters
  [[ ! $clusters ]] || suite clusters tests/test_corpus.py tests/test_clusters.py
fi

if [[ $scaling ]]; then
  say 'scaling'
  "$out/clusters/bin/python" scripts/scaling.py --record "benches/record/$(date +%F)-scaling.md"
fi
