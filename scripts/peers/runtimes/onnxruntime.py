"""ONNX Runtime: dynamic int8 per channel, of plain operators and with its own fused attention."""

from pathlib import Path

import numpy as np

from . import Variant

LABEL = "ONNX Runtime int8"
PACKAGES = ("onnxruntime==1.32.0",)
AVX2 = None
DETAIL = "dynamic int8, per channel, QInt8 weights; embeddings and heads f32; all graph optimizations, no spinning"


def prepare(model, folder: Path) -> list[Variant]:
    """Both graphs, quantized to 8 and to 7 bits: without VNNI its 8-bit products saturate. Both run equally fast."""
    import onnx  # noqa: PLC0415
    from harness.graph import build, quantize  # noqa: PLC0415

    variants = []
    for family, fused in (("plain", False), ("fused", True)):
        graphs = {"single": build(model, fused=fused)}
        if not fused:
            graphs["batched"] = build(model, batched=True)
        for bits in (8, 7):
            variant = Variant(f"{family}-{bits}", family, ("latency",) if fused else Variant.tasks)
            (folder / variant.name).mkdir(parents=True)
            for kind, graph in graphs.items():
                onnx.save(graph, folder / "f32.onnx")
                quantize(folder / "f32.onnx", folder / variant.name / f"{kind}.onnx", reduce_range=bits == 7)
            variants.append(variant)
    return variants


def padded(batch: list[list[int]]) -> dict[str, np.ndarray]:
    """`ids`, and `mask` where there is more than one sequence."""
    if len(batch) == 1:
        return {"ids": np.array(batch, np.int64)}
    ids = np.zeros((len(batch), max(map(len, batch))), np.int64)
    mask = np.zeros_like(ids)
    for row, sequence in enumerate(batch):
        ids[row, : len(sequence)] = sequence
        mask[row, : len(sequence)] = 1
    return {"ids": ids, "mask": mask}


class Runner:
    """Sessions of the graphs, opened when they are first wanted."""

    def __init__(self, folder: Path, variant: str, threads: int):
        import onnxruntime  # noqa: PLC0415

        self.folder, self.module, self.sessions = folder / variant, onnxruntime, {}
        self.options = onnxruntime.SessionOptions()
        self.options.intra_op_num_threads, self.options.inter_op_num_threads = threads, 1
        self.options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        # With one thread there is nothing to spin for; with more, spinning is how it reaches its best.
        self.options.add_session_config_entry("session.intra_op.allow_spinning", "1" if threads > 1 else "0")

    def feed(self, batch: list[list[int]]) -> tuple:
        """A session and its input."""
        kind = "single" if len(batch) == 1 else "batched"
        if kind not in self.sessions:
            self.sessions[kind] = self.module.InferenceSession(
                str(self.folder / f"{kind}.onnx"), self.options, providers=["CPUExecutionProvider"])
        return self.sessions[kind], padded(batch)

    def run(self, feed: tuple) -> list[np.ndarray]:
        """Logits and pooled output."""
        session, inputs = feed
        return session.run(["logits", "pooled"], inputs)
