"""How well the words that `explain` blames agree with people's: F1 on SemEval-2021 Task 5 (toxic spans).

    python -m train.spans --data DATA --portcullis ../target/release/portcullis

`explain` leaves out one word at a time and tells by how much the toxicity logit drops. A word is taken for toxic when its drop is
at least `share` of the text's largest drop and at least `least`; both are chosen on the published trial split, and the test
split is scored once with them. F1 is the task's own: over character offsets, averaged over texts, 1 where both sets are
empty. Beside it the same of the spans that findings carry (`pipe`), which are found by a bounded search, once for every
text and once where toxicity is found. Nothing is trained here.
"""

from __future__ import annotations

import argparse
import ast
import csv
import gzip
import io
import json
import statistics
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

POLICY = """schema = 1
id = "spans"
version = "1.0.0"
on_unsupported = "allow"
max_decode_depth = 0

[[rule]]
id = "toxicity"
detector = "classifier.toxicity"
threshold = {threshold}
action = "escalate"
"""
SHARES = [0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7, 1.0]
LEASTS = [0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5]

#: The drop of each word, with its characters; and the characters that people marked.
Case = tuple[list[tuple[float, set[int]]], set[int]]


def read(folder: Path, name: str) -> list[tuple[str, set[int]]]:
    """The texts of a published split with the character offsets that people marked."""
    plain, packed = folder / name, folder / f"{name}.gz"
    raw = plain.read_bytes() if plain.exists() else gzip.decompress(packed.read_bytes())
    rows = csv.DictReader(io.StringIO(raw.decode("utf-8"), newline=""))
    return [(row["text"], set(ast.literal_eval(row["spans"]))) for row in rows]


def drops(program: Path, policy: Path, text: str) -> list[tuple[float, set[int]]]:
    """The words of a text with what the toxicity logit loses without each."""
    command = [program, "explain", "--json", "--threads", "1", "--words", "1000", "--policy", policy, "-"]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())
    places, at = {0: 0}, 0
    for number, char in enumerate(text):
        at += len(char.encode())
        places[at] = number + 1
    words = json.loads(done.stdout)["words"]
    found = []
    for word in words:
        start, end = places[word["span"][0]], places[word["span"][1]]
        # People do not mark the full stop after a word.
        while start < end and not text[start].isalnum():
            start += 1
        while start < end and not text[end - 1].isalnum():
            end -= 1
        if word["head"] == "toxicity" and start < end:
            found.append((word["logit_drop"], set(range(start, end))))
    return found


def named(program: Path, policy: Path, rows: list[tuple[str, set[int]]]) -> tuple[float, list[int], list[int]]:
    """F1 of the spans of findings, and for each text with a finding the microseconds without and for the search."""
    lines = "".join(json.dumps({"text": text or " "}) + "\n" for text, _ in rows)
    command = [program, "pipe", "--threads", "1", "--policy", policy]
    done = subprocess.run(command, input=lines.encode(), capture_output=True, check=True)
    total, judging, searching = 0.0, [], []
    for (text, marked), line in zip(rows, done.stdout.splitlines(), strict=True):
        verdict, found, encoded = json.loads(line), set(), text.encode()
        for start, end in (span for finding in verdict.get("findings", []) for span in finding["spans"]):
            first = len(encoded[:start].decode())
            found |= set(range(first, first + len(encoded[start:end].decode())))
        if verdict.get("findings"):
            searching.append(verdict["timing_us"].get("attribute", 0))
            judging.append(verdict["timing_us"]["total"] - searching[-1])
        total += 1.0 if found == marked == set() else 2 * len(found & marked) / max(len(found) + len(marked), 1)
    return total / len(rows), judging, searching


def judged(program: Path, policy: Path, rows: list[tuple[str, set[int]]]) -> list[Case]:
    """Every text explained, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        explained = pool.map(lambda row: drops(program, policy, row[0]), rows)
        return [(words, marked) for words, (_, marked) in zip(explained, rows, strict=True)]


def f1(cases: list[Case], share: float, least: float) -> float:
    """The mean over texts of the F1 over character offsets."""
    total = 0.0
    for words, marked in cases:
        largest = max((drop for drop, _ in words), default=0.0)
        chosen = [place for drop, place in words if drop >= max(share * largest, least) and drop > 0]
        found = set().union(*chosen)
        if not found and not marked:
            total += 1.0
        elif found and marked:
            total += 2 * len(found & marked) / (len(found) + len(marked))
    return total / len(cases)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the data folder (see README.md)")
    parser.add_argument("--portcullis", type=Path, required=True, help="the program")
    parser.add_argument("--findings", action="store_true", help="only the spans of findings, a minute instead of several")
    arguments = parser.parse_args()
    folder = arguments.data / "toxic_spans"
    with tempfile.TemporaryDirectory() as scratch:
        policy = Path(scratch) / "policy.toml"
        test_rows = read(folder, "tsd_test.csv")
        for threshold in (0.0, 0.5):
            policy.write_text(POLICY.format(threshold=threshold), encoding="utf-8")
            score, judging, searching = named(arguments.portcullis, policy, test_rows)
            print(f"spans of findings from {threshold} on: F1 {score:.3f} on {len(test_rows)} test texts, "
                  f"{len(judging)} with a finding; medians in a batch, us: {statistics.median(judging):.0f} to judge, "
                  f"{statistics.median(searching):.0f} to search")
        if arguments.findings:
            return
        trial = judged(arguments.portcullis, policy, read(folder, "tsd_trial.csv"))
        test = judged(arguments.portcullis, policy, test_rows)
    score, share, least = max((f1(trial, share, least), share, least) for share in SHARES for least in LEASTS)
    everything = f1(test, 0.0, -1e9)
    print(f"share {share}, least {least}: F1 {score:.3f} on {len(trial)} trial texts, "
          f"{f1(test, share, least):.3f} on {len(test)} test texts; every blamed word: {everything:.3f}")


if __name__ == "__main__":
    main()
