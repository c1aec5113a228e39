"""Runs the sides in turns and writes the record: `python -m sides.measure PLAN`, a JSON object of the flags of bench.py."""

import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import numpy as np
from harness import checkpoint, workload
from harness.model import Model, forward

#: Rounds that are run first and not counted: graphs are compiled and captured in them.
WARM_UP = 3
#: Sequences that are compared with numpy's f32.
CHECKED = 8


class Side:
    """A process that answers lines."""

    def __init__(self, name: str, command: list[str], detail: str | None):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.detail = detail or json.loads(self.process.stdout.readline())["detail"]
        #: Sizes that it could not do.
        self.failed: dict[tuple[int, int], str] = {}

    def ask(self, line: str) -> dict:
        """The answer to a line."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name} ended with {self.process.wait()}")
        return json.loads(answer)


def ours(plan: dict, precision: str) -> Side:
    """The device library through the program."""
    kind = "cuda" if plan["device"] == "cuda" else "cpu-float"
    command = [plan["portcullis"], "bench", "encode-loop", "--device", kind, "--device-library", plan["library"],
               "--device-precision", precision, *models(plan)]
    return Side(f"portcullis {precision}", command, f"portcullis --device {kind}, {precision}")


def models(plan: dict) -> list[str]:
    """The flags that name the model."""
    folder = Path(plan["model"])
    return ["--models", str(folder.parent), "--model", folder.name]


def parity(plan: dict, precision: str) -> dict | None:
    """What `bench --device --data` says."""
    if not plan["data"]:
        return None
    kind = "cuda" if plan["device"] == "cuda" else "cpu-float"
    data = [word for path in plan["data"] for word in ("--data", path)]
    command = [plan["portcullis"], "bench", "--device", kind, "--device-library", plan["library"], "--device-precision",
               precision, *models(plan), "--batches", "1", "--lengths", "16", "--seconds", "0", "--json", *data]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["parity"]


def flops(model: Model, rows: int, tokens: int) -> float:
    """Floating-point operations of the products of one batch."""
    hidden = model.hidden
    inner = len(model.tensors["encoder.layer.0.intermediate.dense.bias"])
    a_token = 2 * (4 * hidden * hidden + 2 * hidden * inner) + 4 * tokens * hidden
    return float(model.layers) * rows * tokens * a_token


def main() -> int:
    """Measures and writes."""
    plan = json.loads(sys.argv[1])
    model = Model(checkpoint.read(Path(plan["model"])), [])
    sides = []
    if "portcullis" in plan["sides"]:
        sides += [ours(plan, precision) for precision in plan["precisions"]]
    for name in ("torch", "onnxruntime"):
        if name in plan["sides"]:
            mode = plan["torch_mode"] if name == "torch" else ""
            sides.append(Side(name, [sys.executable, "-m", "sides.serve", name, plan["model"], plan["device"], mode], None))

    checked = [workload.sequences(CHECKED, length, 1) for length in plan["lengths"] if length <= 128]
    agreement = {}
    for side in sides:
        apart = []
        for batch in checked:
            found = np.array(side.ask(json.dumps(batch))["logits"])
            apart.append(np.abs(found - np.array([forward(model, ids)[0] for ids in batch])))
        apart = np.concatenate(apart)
        agreement[side.name] = {"most": float(apart.max()), "mean": float(apart.mean())}

    times: dict[tuple[int, int], dict[str, list[int]]] = {}
    for rows in plan["batches"]:
        for length in plan["lengths"]:
            line = json.dumps(workload.sequences(rows, length, 2))
            kept = times.setdefault((rows, length), {side.name: [] for side in sides})
            for turn in range(plan["rounds"] + WARM_UP):
                # Every other round the other way around.
                for side in sides if turn % 2 else reversed(sides):
                    spent = side.ask(line)["nanoseconds"]
                    if turn >= WARM_UP:
                        kept[side.name].append(spent)
            print(f"{rows} x {length}: " + ", ".join(
                f"{name} {statistics.median(spent) / 1e6:.3f} ms" for name, spent in kept.items()), flush=True)
    measured = None
    if plan["device"] == "cuda" and any(side.name == "torch" for side in sides):
        measured = next(side for side in sides if side.name == "torch").ask("roofline")
    inspected = subprocess.run([plan["portcullis"], "inspect", "--json", "--device-library", plan["library"]], check=True,
                               capture_output=True, text=True)
    record = {
        "date": datetime.date.today().isoformat(),
        "device": plan["device"],
        "machine": {"processor": platform.processor() or platform.machine(), "processors": os.cpu_count(),
                    "python": platform.python_version(), "devices": json.loads(inspected.stdout)["devices"]["found"],
                    "version": json.loads(inspected.stdout)["version"]},
        "sides": {side.name: side.detail for side in sides},
        "agreement": agreement,
        "parity": {precision: parity(plan, precision) for precision in plan["precisions"]}
        if "portcullis" in plan["sides"] else {},
        "roofline": measured,
        "sizes": [{"batch": rows, "tokens": length,
                   "p50_us": {name: statistics.median(spent) / 1e3 for name, spent in kept.items()},
                   "tflops": {name: flops(model, rows, length) / statistics.median(spent) / 1e3
                              for name, spent in kept.items()}}
                  for (rows, length), kept in times.items()],
    }
    write(record, Path(plan["record"]))
    return 0


def write(record: dict, folder: Path) -> None:
    """The record as JSON and as Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record['date']}-device-{record['device']}"
    path.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n")
    names = list(record["sides"])
    first = names[0]
    lines = [f"# Devices: {record['device']}, {record['date']}", ""]
    lines += [f"- {name}: {detail}; logits differ from numpy's f32 by {record['agreement'][name]['most']:.1e} at most, "
              f"{record['agreement'][name]['mean']:.5f} in the mean" for name, detail in record["sides"].items()]
    lines += [f"- device: {json.dumps(found)}" for found in record["machine"]["devices"]]
    roofline = record["roofline"]
    if roofline:
        lines.append(f"- measured roofline: {roofline['tflops_fp16']:.0f} TFLOP/s of fp16 products, "
                     f"{roofline['gigabytes_per_second']:.0f} GB/s ({roofline['gpu']})")
    for precision, parity in record["parity"].items():
        if parity:
            decided = [one for one in parity["differ"] if one["cpu"] != one["device"]]
            lines.append(f"- {precision} against the processor on {parity['texts']} texts: {len(decided)} decided otherwise, "
                         f"{len(parity['differ']) - len(decided)} with other rules alone; scores differ by "
                         f"{parity['most']:.4f} at most, {parity['mean']:.5f} in the mean")
            lines += [f"  - {one['file']}:{one['line']}: {one['cpu']} on the processor, {one['device']} on the device; "
                      f"{', '.join(one['rules'])}, {one['margin']:.4f} from the threshold" for one in decided]
    lines += ["", "Medians of calls, token ids in the processor's memory to logits there, all sides in turns.", ""]
    share = " | share of the roofline" if roofline else ""
    lines.append("| batch | tokens | " + " | ".join(f"{name} ms" for name in names)
                 + " | " + " | ".join(f"{first} / {name}" for name in names[1:]) + share + " |")
    lines.append("|---" * (2 + len(names) + len(names[1:]) + bool(roofline)) + "|")
    for size in record["sizes"]:
        spent = size["p50_us"]
        cells = [str(size["batch"]), str(size["tokens"]), *(f"{spent[name] / 1e3:.3f}" for name in names),
                 *(f"{spent[first] / spent[name]:.2f}" for name in names[1:])]
        if roofline:
            cells.append(f"{size['tflops'][first] / roofline['tflops_fp16']:.1%}")
        lines.append("| " + " | ".join(cells) + " |")
    path.with_suffix(".md").write_text("\n".join(lines) + "\n")
    print(f"written: {path}.md and .json")


if __name__ == "__main__":
    sys.exit(main())
