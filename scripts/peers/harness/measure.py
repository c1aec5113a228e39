"""The comparison; run by ../compare.py in its environment."""

import argparse
import json
import platform
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import runtimes
from runtimes import Setting, Variant, portcullis

from . import agreement, checkpoint, model, record, workload
from .process import EncodeLoop, Failure, Instructions, Pipe, Served, memory

WARM_UP = 3
STARTS = 7
BATCHES = (1, 4, 8, 16, 32, 64)
#: Worker threads of OpenMP spin for a while after their work, which would slow the next side.
SETTLE_SECONDS = 0.3


def say(text: str) -> None:
    """Progress, on standard error."""
    print(f"{datetime.now():%H:%M:%S} {text}", file=sys.stderr, flush=True)


class Comparison:
    """The runtimes that are left, and why the others are not."""

    def __init__(self, arguments: argparse.Namespace):
        self.arguments = arguments
        self.failures: dict[str, str] = dict(json.loads(arguments.failures))
        self.programs = {name: Path(path) for name, path in json.loads(arguments.programs).items()}
        self.instructions = Instructions(arguments.mask)
        self.variants: dict[str, list[Variant]] = {}
        for name in runtimes.NAMES:
            if name in arguments.peers and name not in self.failures:
                self.attempt(name, lambda name=name: self.variants.update({name: self.prepare(name)}))
        sample, checked = workload.texts(arguments.tokenizer)
        self.checked = checked[: arguments.texts]
        self.wanted = agreement.reference(model.Model(checkpoint.read(arguments.checkpoint), sample), self.checked)

    def attempt(self, name: str, action) -> object:
        """The action's result, or None and the reason on record."""
        try:
            return action()
        except (Failure, OSError, subprocess.SubprocessError) as error:
            self.failures[name] = str(error)
            say(f"{name}: {error}")
            return None

    def prepare(self, name: str) -> list[Variant]:
        """Has a runtime write its files, in a process of its own."""
        say(f"{name}: preparing")
        folder = self.folder(name)
        folder.mkdir(parents=True)
        done = subprocess.run([sys.executable, "-m", "harness.worker", "prepare", name, self.arguments.checkpoint,
                               self.arguments.tokenizer, folder], capture_output=True, text=True, check=False)
        if done.returncode:
            raise Failure(f"cannot be prepared: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
        return [Variant(**variant) for variant in json.loads(done.stdout.splitlines()[-1])]

    def folder(self, name: str) -> Path:
        """Where a runtime's files are."""
        return self.arguments.scratch / name

    def setting(self, name: str, variant: str, threads: int = 1, avx2: bool = False) -> Setting:
        """How a process of a runtime is started."""
        return Setting(self.folder(name), variant, threads, avx2, self.arguments.tokenizer, self.programs)

    def serve(self, name: str, variant: str, threads: int = 1, avx2: bool = False) -> Served:
        """A process of a runtime."""
        return Served(runtimes.load(name), name, self.setting(name, variant, threads, avx2), self.instructions)

    def agree(self, avx2: bool) -> tuple[dict[str, dict], dict[str, list[Variant]]]:
        """Agreement with f32 by label, and of each family the variant that comes closest."""
        found, chosen = {}, {}
        for name, variants in list(self.variants.items()):
            best: dict[str, tuple[float, Variant]] = {}
            for variant in variants:
                result = self.attempt(name, lambda name=name, variant=variant: self.check(name, variant, avx2))
                if result is None:
                    continue
                found[label(name, variant)] = result
                # Alike to four digits, the first stays.
                if round(result["cosine_mean"], 4) > best.get(variant.family, (-1.0, variant))[0]:
                    best[variant.family] = round(result["cosine_mean"], 4), variant
            if name in self.failures and not best:
                del self.variants[name]
            chosen[name] = [variant for _, variant in best.values()]
        return found, chosen

    def check(self, name: str, variant: Variant, avx2: bool) -> dict[str, float]:
        """Agreement of one variant."""
        process = self.serve(name, variant.name, avx2=avx2)
        result = agreement.compare(process.outputs(self.checked), self.wanted)
        process.close()
        say(f"{label(name, variant)}: cosine to f32 {result['cosine_mean']:.4f} mean, {result['cosine_min']:.4f} least")
        return result

    def latency(self, chosen: dict[str, list[Variant]], avx2: bool) -> dict[str, dict]:
        """Times by length and label. Every round visits every length, and every length every side, in turn."""
        sides = {label(name, variant): self.serve(name, variant.name, avx2=avx2)
                 for name, variants in chosen.items() for variant in variants if "latency" in variant.tasks}
        if "portcullis" in chosen:
            sides = {portcullis.LABEL: EncodeLoop(self.setting("portcullis", "", avx2=avx2)), **sides}
        times = {length: {name: [] for name in sides} for length in workload.LENGTHS}
        for length in workload.LENGTHS:
            for ids in workload.sequences(WARM_UP, length, seed=1):
                for side in sides.values():
                    side.time(ids)
        for number in range(self.arguments.rounds):
            names = list(sides) if number % 2 == 0 else list(sides)[::-1]
            for length in workload.LENGTHS:
                batch = workload.sequences(self.arguments.calls, length, seed=100 + number)
                for name in names:
                    times[length][name] += [sides[name].time(ids) for ids in batch]
            say(f"latency{', AVX2 only' if avx2 else ''}: round {number + 1} of {self.arguments.rounds}")
        for side in sides.values():
            side.close()
        return {str(length): {name: summary(values) for name, values in by_side.items()}
                for length, by_side in times.items()}

    def throughput(self, chosen: dict[str, list[Variant]]) -> dict:
        """Sequences a second over mixed chat lengths, each runtime as it is fastest."""
        texts = workload.chat(self.arguments.tokenizer)
        encoded = [item.ids for item in workload.words(self.arguments.tokenizer).encode_batch(texts)]
        encoded.sort(key=len)
        sides = {}
        for name, variants in chosen.items():
            for variant in variants:
                if "throughput" in variant.tasks:
                    side = self.attempt(name, lambda name=name, variant=variant: self.fastest(name, variant, encoded))
                    if side:
                        sides[label(name, variant)] = side
        if "portcullis" in chosen:
            threads = self.arguments.threads
            pipe = Pipe(self.setting("portcullis", "", threads), "--batch", str(max(BATCHES)))
            pipe.texts(texts)
            sides[f"{portcullis.LABEL}, pipe"] = (lambda: pipe.texts(texts), f"whole checks, {threads} threads", [pipe])
        spent = {name: [] for name in sides}
        for number in range(self.arguments.throughput_rounds):
            for name in list(sides) if number % 2 == 0 else list(sides)[::-1]:
                time.sleep(SETTLE_SECONDS)
                spent[name].append(sides[name][0]())
        for _, _, processes in sides.values():
            for process in processes:
                process.close()
        lengths = np.array([len(ids) for ids in encoded])
        return {"threads": self.arguments.threads, "sequences": len(encoded), "tokens_mean": float(lengths.mean()),
                "tokens_max": int(lengths.max()),
                "per_second": {name: {"median": len(encoded) / (float(np.median(values)) / 1e9),
                                      "best": len(encoded) / (min(values) / 1e9), "how": sides[name][1]}
                               for name, values in spent.items()}}

    def fastest(self, name: str, variant: Variant, encoded: list[list[int]]) -> tuple:
        """The fastest of the ways to run many sequences: a call, how, and its processes."""
        threads, ways = self.arguments.threads, []
        for count, each in ((1, threads), (threads, 1)):
            processes = [self.serve(name, variant.name, each) for _ in range(count)]
            for size in BATCHES:
                batches = [encoded[start : start + size] for start in range(0, len(encoded), size)]
                shares = [batches[start::count] for start in range(count)]
                together(processes, [share[:1] for share in shares])
                spent = together(processes, shares)
                how = f"batches of {size}, " + (f"{each} threads" if count == 1 else f"{count} processes")
                ways.append((spent, how, processes, shares))
                say(f"throughput of {label(name, variant)}, {how}: {len(encoded) / (spent / 1e9):.0f} a second")
        best = min(ways, key=lambda way: way[0])
        for process in {id(one): one for way in ways for one in way[2] if way[2] is not best[2]}.values():
            process.close()
        return lambda: together(best[2], best[3]), best[1], best[2]

    def starts(self, chosen: dict[str, list[Variant]]) -> dict[str, dict]:
        """Time to a fresh process's first verdict, and its memory then."""
        found = {}
        for name, variants in chosen.items():
            if name == "portcullis":
                found[portcullis.LABEL] = first_verdict(lambda: Pipe(self.setting("portcullis", "")))
            for variant in variants:
                if "start" in variant.tasks:
                    result = self.attempt(name, lambda name=name, variant=variant: first_verdict(
                        lambda: self.serve(name, variant.name)))
                    if result:
                        found[label(name, variant)] = result
        return found


def label(name: str, variant: Variant) -> str:
    """A runtime's variant as the record names it."""
    known = runtimes.load(name).LABEL
    return known if known.endswith(f" {variant.name}") else f"{known}, {variant.name}"


def together(processes: list[Served], shares: list[list]) -> int:
    """Nanoseconds of the slowest of processes that work at the same time."""
    spent, failures = [0] * len(processes), []

    def work(place: int) -> None:
        try:
            spent[place] = processes[place].batches(shares[place])
        except Failure as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(place,)) for place in range(len(processes))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return max(spent)


def first_verdict(start) -> dict[str, float]:
    """Median milliseconds from the start of a fresh process to its first answer, and its memory then."""
    spans, held = [], {}
    for _ in range(STARTS):
        started = time.perf_counter_ns()
        process = start()
        process.ask({"text": workload.TEXT})
        spans.append((time.perf_counter_ns() - started) / 1e6)
        held = memory(process.child.pid)
        process.close()
    # The first start fills the page cache, and OpenVINO's own.
    return {"milliseconds": float(np.median(spans[1:])), **held}


def summary(nanoseconds: list[int]) -> dict[str, float]:
    """Least, median and 99th percentile in milliseconds."""
    return {"least": min(nanoseconds) / 1e6, "median": float(np.median(nanoseconds)) / 1e6,
            "p99": float(np.percentile(nanoseconds, 99)) / 1e6}


def cpu() -> dict[str, object]:
    """What the processor is and has."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    fields = {name.strip(): value.strip() for name, _, value in
              (line.partition(":") for line in text.splitlines() if ":" in line)}
    flags = set(fields.get("flags", "").split())
    return {"model": fields.get("model name", platform.processor()),
            "instructions": sorted(flags & {"avx2", "avx_vnni", "avx512_vnni", "avx512f", "amx_int8"})}


def main() -> None:
    """Runs from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("checkpoint", "tokenizer", "record", "scratch"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--mask", type=Path, help="the library that hides all past AVX2")
    for name in ("rounds", "calls", "throughput-rounds", "threads", "texts"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("peers", "modes"):
        parser.add_argument(f"--{name}", nargs="+", required=True)
    for name in ("programs", "failures"):
        parser.add_argument(f"--{name}", required=True, help="a JSON object")
    arguments = parser.parse_args()

    comparison = Comparison(arguments)
    result: dict = {"date": f"{datetime.now(UTC):%Y-%m-%d}", "cpu": cpu(), "python": platform.python_version(),
                    "rounds": arguments.rounds, "calls_per_round": arguments.calls,
                    "checked_texts": len(comparison.checked), "checkpoint": arguments.checkpoint.name,
                    "runtimes": {}, "latency": {}}
    if "portcullis" in comparison.programs:
        result["portcullis"] = subprocess.run([comparison.programs["portcullis"], "--version"], check=True,
                                              capture_output=True, text=True).stdout.strip()
    for name in comparison.variants:
        runtime = runtimes.load(name)
        result["runtimes"][runtime.LABEL] = {"packages": list(runtime.PACKAGES), "detail": runtime.DETAIL}
    chosen: dict = {}
    for mode, avx2 in (("native", False), ("avx2", True)):
        wanted = "latency" if mode == "native" else "avx2"
        if wanted in arguments.modes or (mode == "native" and {"throughput", "start"} & set(arguments.modes)):
            agreed, picked = comparison.agree(avx2)
            chosen = chosen or picked
            entry = result["latency"][mode] = {"agreement": agreed}
            if wanted in arguments.modes:
                entry["milliseconds"] = comparison.latency(picked, avx2)
            if avx2:
                entry["switches"] = {runtimes.load(name).LABEL: comparison.instructions.switch(runtimes.load(name))
                                     for name in picked}
    if "throughput" in arguments.modes:
        result["throughput"] = comparison.throughput(chosen)
    if "start" in arguments.modes:
        result["first_verdict"] = comparison.starts(chosen)
    result["failures"] = comparison.failures
    record.write(result, arguments.record)


if __name__ == "__main__":
    main()
