"""A comparison as JSON and Markdown."""

import json
from pathlib import Path

from runtimes import portcullis

OURS = portcullis.LABEL
MODES = {"native": "Latency, all instructions", "avx2": "Latency, AVX2 only"}


def table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table, an empty line before and after."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["", *("| " + " | ".join(cells) + " |" for cells in lines), ""]


def latency(entry: dict) -> list[str]:
    """Agreement, times and ratios of one mode."""
    lines = table(["runtime", "cosine to f32, mean", "least", "score error, mean", "largest"],
                  [[name, *(f"{found[key]:.4f}" for key in ("cosine_mean", "cosine_min", "score_error_mean",
                                                            "score_error_max"))]
                   for name, found in entry["agreement"].items()])
    if "switches" in entry:
        lines += table(["runtime", "kept to AVX2 by"], [list(pair) for pair in entry["switches"].items()])
    times = entry.get("milliseconds")
    if not times:
        return lines
    lengths, sides = list(times), list(next(iter(times.values())))
    lines += ["Milliseconds by tokens: median (99th percentile)."]
    lines += table(["runtime", *lengths],
                   [[side, *(f"{times[n][side]['median']:.2f} ({times[n][side]['p99']:.2f})" for n in lengths)]
                    for side in sides])
    if OURS in sides:
        lines += [f"{OURS} to each, below 1 where {OURS} is faster: by the median, and by the least, which is the "
                  "steadier on a busy machine."]
        lines += table(["runtime", *lengths],
                       [[side, *(", ".join(f"{times[n][OURS][kind] / times[n][side][kind]:.2f}"
                                           for kind in ("median", "least")) for n in lengths)]
                        for side in sides if side != OURS])
    return lines


def markdown(result: dict) -> str:
    """The tables of a record."""
    cpu = result["cpu"]
    lines = [f"# {OURS} and its peers, {result['date']}", "",
             f"{cpu['model']} ({', '.join(cpu['instructions'])}); {result.get('portcullis', 'no program')}, Python "
             f"{result['python']}. Weights of `{result['checkpoint']}`; agreement over {result['checked_texts']} texts. "
             f"Latency: one thread, batch 1, {result['rounds']} interleaved rounds of {result['calls_per_round']} calls."]
    lines += table(["runtime", "packages", "how"],
                   [[name, ", ".join(entry["packages"]), entry["detail"]] for name, entry in result["runtimes"].items()])
    for mode, entry in result["latency"].items():
        lines += [f"## {MODES[mode]}", *latency(entry)]
    if "throughput" in result:
        found = result["throughput"]
        lines += ["## Throughput", "",
                  f"{found['sequences']} sequences of chat length, {found['tokens_mean']:.0f} tokens in the mean and "
                  f"{found['tokens_max']} at most, sorted by length, over {found['threads']} threads; each runtime in "
                  "the fastest of several batch sizes, as one process or as one for each thread."]
        lines += table(["runtime", "sequences a second, median", "best", "how"],
                       [[name, f"{side['median']:.0f}", f"{side['best']:.0f}", side["how"]]
                        for name, side in found["per_second"].items()])
    if "first_verdict" in result:
        lines += ["## First verdict", "", "From the start of a fresh process to its first verdict on 30 words (median, "
                  "warm page cache), and its memory then."]
        lines += table(["runtime", "ms", "private MB", "proportional MB", "resident MB"],
                       [[name, f"{first['milliseconds']:.1f}",
                         *(f"{first[key] / 1000:.1f}" if key in first else "–"
                           for key in ("private_kb", "proportional_kb", "resident_kb"))]
                        for name, first in result["first_verdict"].items()])
    if result["failures"]:
        lines += ["## Not measured", *table(["runtime", "why"], [list(pair) for pair in result["failures"].items()])]
    text = "\n".join(lines)
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text.rstrip() + "\n"


def write(result: dict, folder: Path) -> None:
    """Leaves both forms and prints one."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = folder / f"{result['date']}-peers"
    stem.with_suffix(".json").write_text(json.dumps(result, indent=1) + "\n")
    text = markdown(result)
    stem.with_suffix(".md").write_text(text)
    print(text)
