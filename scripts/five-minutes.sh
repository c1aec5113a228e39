#!/usr/bin/env bash
# The quick starts as a newcomer meets them: a fresh clone, the commands and programs that the pages show, word for word,
# and how long each took from nothing to a verdict. Crates are fetched beforehand, so that the network is not measured.
#
#   scripts/five-minutes.sh [PART...]    parts: program, library, c, python, agents; all of them where none is named
#
# Needs Rust, a C compiler, pkg-config, and Python 3.11 with venv; some three GiB of disk. Takes the time of several builds.
set -euo pipefail
cd "$(dirname "$0")/.."

parts=("$@")
[[ ${parts[*]} ]] || parts=(program library c python agents)
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
clone=$place/portcullis
git clone --quiet --no-hardlinks . "$clone"
cd "$clone"
cargo fetch --locked --quiet

# block FILE LANGUAGE N: the Nth block of code in that language.
block() {
  awk -v fence="\`\`\`$2" -v wanted="$3" '
    !inside && $0 == fence { inside = 1; found++; next }
    inside && /^```$/ { inside = 0; next }
    inside && found == wanted' "$1" | grep . || { echo "no block $3 of $2 in $1" >&2; return 1; }
}

# block_with FILE TEXT: the first block of shell commands that holds the text.
block_with() {
  awk -v text="$2" '
    /^```sh$/ { inside = 1; lines = ""; next }
    /^```$/ { if (inside && index(lines, text)) { printf "%s", lines; found = 1; exit } inside = 0; next }
    inside { lines = lines $0 "\n" }
    END { if (!found) { print "no block with " text > "/dev/stderr"; exit 1 } }' "$1"
}

program() {
  bash -euc "$(block README.md sh 1)"
}

library() {
  cargo new --quiet "$place/assistant"
  cd "$place/assistant"
  block "$clone/docs/library.md" text 1 | sed "s|version = \"[^\"]*\"|path = \"$clone\"|" >dependencies
  sed -i -e '/^\[dependencies\]/d' Cargo.toml
  cat dependencies >>Cargo.toml
  { echo 'fn main() -> Result<(), Box<dyn std::error::Error>> {'
    block "$clone/README.md" rust 1 | sed 's/^# //'
    echo '}'; } >src/main.rs
  cp "$clone/Cargo.lock" .
  cargo run --release --quiet
}

c() {
  block docs/c.md c 1 >guard.c
  bash -euc "$(block docs/c.md sh 1)"
  bash -euc "$(block docs/c.md sh 2)"
}

python() {
  "${PYTHON:-python3}" -m venv "$place/venv"
  source "$place/venv/bin/activate"
  pip install --quiet --disable-pip-version-check ./bindings/python
  block bindings/python/README.md python 1 | sed -n 's/^>>> //p' | sed '$ s/.*/print(&)/' | python3 -
}

# The program is there already.
agents() {
  [[ -x target/release/portcullis ]] || cargo build --release --quiet
  PATH=$PWD/target/release:$PATH bash -euc "$(block_with README.md 'portcullis hook')"
}

# A build of one does not help the next.
for part in "${parts[@]}"; do
  case $part in program | library | c | python | agents) ;; *) echo "unknown part: $part" >&2; exit 2 ;; esac
done
for part in "${parts[@]}"; do
  [[ $part == agents ]] || export CARGO_TARGET_DIR=$place/target-$part
  [[ $part == program ]] && unset CARGO_TARGET_DIR
  started=$SECONDS
  printf '\n== %s\n' "$part"
  ("$part")
  printf '== %s: %d s\n' "$part" $((SECONDS - started))
done
