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

# Kilobytes of PSS of one process: all, of the model's pages, without a file.
pss() {
  awk -v start="$2" '
    # start-end permissions offset device inode path
    $1 ~ /^[0-9a-f]+-[0-9a-f]+$/ {
      path = $6
      offset = strtonum("0x" $3)
      model = path ~ /\/models\// || (start >= 0 && path ~ /\/guard$/ && offset >= start) || (start < 0 && path == own && $2 == "r--p")
      anonymous = path !~ /^\//
    }
    $1 == "Pss:" { all += $2; if (model) models += $2; if (anonymous) rest += $2 }
    END { print all, models + 0, rest + 0 }
  ' own="$program" "/proc/$1/smaps"
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
    END { printf "%-9s %9d %10.1f %10.1f %10.1f %10.1f\n", name, n, all / 1024, all / 1024 / n, model / 1024 / n, rest / 1024 / n }'
  stop
  rm -f "$work"/output.* "$work"/input.*
}

# Where the packed files begin in the guard.
start=$("$program" pack --list "$work/guard" --json | sed 's/.*"files":\[{"path":"[^"]*","offset":\([0-9]*\).*/\1/')

echo "Memory of several guards, $(date -u +%Y-%m-%d)"
echo
echo "command: scripts/memory.sh ${1:-target/release/portcullis} ${2:-}"
echo "processor: $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1); kernel $(uname -r)"
echo "program: $("$program" --version), $(stat -c %s "$program") bytes; packed into $(stat -c %s "$bare") bytes: $(stat -c %s "$work/guard") bytes"
echo
echo "MiB of PSS; the means are of a process. The model's: the program's read-only data (embedded), or the files of the model"
echo "(mapped, packed). No file's: heap, stacks and what was written to."
echo
printf '%-9s %9s %10s %10s %10s %10s\n' guard processes together each 'model each' 'no file'
for processes in 1 2 4 8; do
  measure embedded "$processes" -1 "$program"
  measure mapped "$processes" -2 "$program" --models models
  measure packed "$processes" "$start" "$work/guard"
done
