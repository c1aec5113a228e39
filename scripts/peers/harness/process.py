"""Measured processes: how they are started, held to threads and instructions, and talked to."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import ModuleType

from runtimes import Setting, portcullis

#: What each runtime, or a library in it, takes its number of threads from.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "RAYON_NUM_THREADS", "RTEN_NUM_THREADS")


class Failure(Exception):
    """A runtime could not go on, and why."""


class Instructions:
    """How a runtime is kept to AVX2: by its own switch, else by hiding the rest from CPUID, else not at all."""

    def __init__(self, mask: Path | None):
        self.mask = mask

    def environment(self, runtime: ModuleType) -> dict[str, str]:
        """The variables that do it."""
        if runtime.AVX2 is not None:
            return runtime.AVX2
        return {"LD_PRELOAD": str(self.mask)} if self.mask else {}

    def switch(self, runtime: ModuleType) -> str:
        """What did it, in words."""
        if runtime is portcullis:
            return "--level avx2"
        if runtime.AVX2 is not None:
            return " ".join(f"{name}={value}" for name, value in runtime.AVX2.items())
        return "none of its own; CPUID hides the rest (avx2_only.c)" if self.mask else "none: not restricted"


class Process:
    """A child that answers every line with a line."""

    def __init__(self, command: list, threads: int, variables: dict[str, str]):
        self.log = tempfile.TemporaryFile("w+")
        environment = os.environ | dict.fromkeys(THREADS, str(threads)) | variables
        # The last line of a failure is its reason.
        environment["RUST_BACKTRACE"] = "0"
        self.child = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      stderr=self.log, text=True, env=environment)

    def ask(self, message: object) -> object:
        """The answer to one message."""
        try:
            self.child.stdin.write(json.dumps(message) + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            raise self.failure() from None
        line = self.child.stdout.readline()
        if not line:
            raise self.failure()
        return json.loads(line)

    def failure(self) -> Failure:
        """Why the process ended."""
        status = self.child.wait()
        self.log.seek(0)
        last = [line.strip() for line in self.log if line.strip()][-1:]
        return Failure(f"ended with status {status}: {' '.join(last)}")

    def close(self) -> None:
        """Ends the process."""
        self.child.stdin.close()
        self.child.wait()


class Served(Process):
    """A runtime behind the protocol of `harness.worker`."""

    def __init__(self, runtime: ModuleType, name: str, setting: Setting, instructions: Instructions):
        if hasattr(runtime, "command"):
            command = runtime.command(setting)
        else:
            command = [sys.executable, "-m", "harness.worker", "serve", name, setting.folder, setting.variant,
                       setting.threads, setting.tokenizer]
        super().__init__(command, setting.threads, instructions.environment(runtime) if setting.avx2 else {})

    def time(self, ids: list[int]) -> int:
        """Nanoseconds of one sequence."""
        return self.batches([[ids]])

    def batches(self, batches: list[list[list[int]]]) -> int:
        """Nanoseconds of some batches, one after another."""
        return self.ask({"batches": batches, "outputs": False})["nanoseconds"]

    def outputs(self, sequences: list[list[int]]) -> dict[str, list]:
        """Logits and pooled outputs, sequence by sequence."""
        return self.ask({"batches": [[ids] for ids in sequences], "outputs": True})


class EncodeLoop(Process):
    """`portcullis bench encode-loop`: token ids in, nanoseconds out, a line each."""

    def __init__(self, setting: Setting):
        super().__init__(portcullis.program(setting, "bench", "encode-loop"), setting.threads, {})

    def time(self, ids: list[int]) -> int:
        """Nanoseconds of one sequence."""
        return self.ask(ids)


class Pipe(Process):
    """`portcullis pipe`: texts in, verdicts out."""

    def __init__(self, setting: Setting, *options: str):
        super().__init__(portcullis.program(setting, "pipe", *options), setting.threads, {})

    def texts(self, texts: list[str]) -> int:
        """Nanoseconds from the first text's line to the last one's verdict."""
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)

        def write() -> None:
            self.child.stdin.write(lines)
            self.child.stdin.flush()

        writer = threading.Thread(target=write)
        started = time.perf_counter_ns()
        writer.start()
        for _ in texts:
            if not self.child.stdout.readline():
                raise self.failure()
        spent = time.perf_counter_ns() - started
        writer.join()
        return spent


def memory(process: int) -> dict[str, int]:
    """Resident, proportional and private kilobytes of a process; empty where the system does not tell."""
    rollup = Path(f"/proc/{process}/smaps_rollup")
    if not rollup.exists():
        return {}
    fields = dict.fromkeys(("Rss", "Pss", "Private_Clean", "Private_Dirty"), 0)
    for line in rollup.read_text().splitlines():
        name, _, rest = line.partition(":")
        if name in fields:
            fields[name] = int(rest.split()[0])
    return {"resident_kb": fields["Rss"], "proportional_kb": fields["Pss"],
            "private_kb": fields["Private_Clean"] + fields["Private_Dirty"]}
