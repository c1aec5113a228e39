#!/usr/bin/env bash
# Memory of several guards beside each other: what each process costs when the model is part of the program, mapped from a
# models directory, or packed behind a program.
#
#   scripts/memory.sh [PROGRAM [BARE]] > benches/record/DATE-memory.txt
#
# PROGRAM holds a model (target/release/portcullis); BARE, into which the packed guard is packed, need not (PROGRAM). Every process is
# `pipe --threads 1` and has judged one text. The figures are Linux's proportional set sizes (PSS): a page that n processes
# share counts 1/n in each, so that the sum over all processes is the memory that they take together.
set -euo pipefail
cd "$(dirname "$0")/.."

program=$(realpath "${1:-target/release/portcullis}")
bare=$(realpath "${2:-$program}")
work=$(mktemp -d)
pids=()
stop() {
  ((${#pids[@]} == 0)) || { kill "${pids[@]}" && wait "${pids[@]}"; } 2>/dev/null || true
  pids=()
}
trap 'stop; rm -rf "$work"' EXIT

"$program" pack --program "$bare" -o "$work/guard" >"$work/packed"

# Kilobytes of PSS of one process: all, of the model's pages, without a file. START is where the packed files begin, in eight
# hexadecimal digits as the system writes them; without it the model's pages are in the program or in a models directory.
pss() {
  awk -v start="$2" -v own="$program" '
    # start-end permissions offset device inode path
    $1 ~ /^[0-9a-f]+-[0-9a-f]+$/ {
      model = $6 ~ /\/models\// || (start == "own" && $6 == own && $2 == "r--p") || ($6 ~ /\/guard$/ && $3 >= start)
      anonymous = $6 !~ /^\//
    }
    $1 == "Pss:" { all += $2; if (model) models += $2; if (anonymous) rest += $2 }
    END { print all, models + 0, rest + 0 }
  ' "/proc/$1/smaps"
}

measure() { # NAME PROCESSES START COMMAND…
  local name=$1 processes=$2 start=$3
  shift 3
  for ((n = 0; n < processes; n++)); do
    # A pipe that stays open keeps the process; it is there for each alone, so that each judges.
    mkfifo "$work/input.$n"
    "$@" pipe --threads 1 <"$work/input.$n" >"$work/output.$n" &
    pids+=($!)
    exec {input}>"$work/input.$n"
    printf '%s\n' '{"text":"Could you tell me when the library opens on Saturday?"}' >&"$input"
  done
  for ((waited = 0; waited < 600; waited++)); do
    [[ $(cat "$work"/output.* | wc -l) == "$processes" ]] && break
    sleep 0.05
  done
  [[ $(cat "$work"/output.* | wc -l) == "$processes" ]] || { echo "a process gave no verdict" >&2; exit 1; }
  for pid in "${pids[@]}"; do pss "$pid" "$start"; done | awk -v name="$name" -v n="$processes" '
    { all += $1; model += $2; rest += $3 }
    END { print name, n, all / 1024, all / 1024 / n, model / 1024 / n, rest / 1024 / n }' >>"$work/table"
  stop
  rm -f "$work"/output.* "$work"/input.*
}

# Where the packed files begin in the guard.
start=$("$program" pack --list "$work/guard" --json | sed 's/.*"files":\[{"path":"[^"]*","offset":\([0-9]*\).*/\1/')
start=$(printf %08x "$start")

echo "Memory of several guards, $(date -u +%Y-%m-%d)"
echo
echo "command: scripts/memory.sh ${1:-target/release/portcullis} ${2:-}"
echo "processor: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1); kernel $(uname -r)"
echo "program: $("$program" --version), $(stat -c %s "$program") bytes; packed into $(stat -c %s "$bare") bytes: $(stat -c %s "$work/guard") bytes"
echo
echo "MiB of PSS; the means are of a process. One more: what a process adds to the first. The model's: the program's read-only data"
echo "(embedded), or the files of the model (mapped, packed). No file's: heap, stacks and what was written to."
echo
for processes in 1 2 4 8; do
  measure embedded "$processes" own "$program"
  measure mapped "$processes" none "$program" --models models
  measure packed "$processes" "$start" "$work/guard"
done
awk '
  BEGIN { form = "%-9s %9s %10s %10s %10s %10s %10s\n"; printf form, "guard", "processes", "together", "one more", "each", "model each", "no file" }
  $2 == 1 { first[$1] = $3 }
  {
    more = $2 == 1 ? "" : sprintf("%.1f", ($3 - first[$1]) / ($2 - 1))
    printf form, $1, $2, sprintf("%.1f", $3), more, sprintf("%.1f", $4), sprintf("%.1f", $5), sprintf("%.1f", $6)
  }
' "$work/table"
