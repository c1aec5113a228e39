"""OpenVINO: int8 by NNCF's post-training quantization, with static shapes and with dynamic ones."""

from pathlib import Path

import numpy as np

from . import Variant
from .onnxruntime import padded

LABEL = "OpenVINO int8"
PACKAGES = ("openvino==2026.4.1", "nncf==3.4.0")
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
DETAIL = "NNCF post-training quantization, transformer model type, mixed preset; heads f32; latency hint, model cache"
CALIBRATION_TEXTS = 300


def prepare(model, folder: Path) -> list[Variant]:
    """One quantized graph for a single sequence and one for batches."""
    import nncf  # noqa: PLC0415
    import onnx  # noqa: PLC0415
    import openvino  # noqa: PLC0415
    from harness.graph import F32_NODES, build  # noqa: PLC0415

    sample = model.calibration[:CALIBRATION_TEXTS]
    for kind, batched in (("single", False), ("batched", True)):
        onnx.save(build(model, batched=batched), folder / "f32.onnx")
        # Padding would count as input.
        items = [{name: np.array([ids], np.int64) if name == "ids" else np.ones((1, len(ids)), np.int64)
                  for name in (("ids", "mask") if batched else ("ids",))} for ids in sample]
        quantized = nncf.quantize(
            openvino.convert_model(folder / "f32.onnx"), nncf.Dataset(items), subset_size=len(items),
            model_type=nncf.ModelType.TRANSFORMER, preset=nncf.QuantizationPreset.MIXED,
            ignored_scope=nncf.IgnoredScope(names=list(F32_NODES), validate=False))
        openvino.save_model(quantized, folder / f"{kind}.xml", compress_to_fp16=False)
    return [Variant("static", "static", ("latency", "start")), Variant("dynamic", "dynamic")]


class Runner:
    """Compiled models by shape; every shape is one when they are dynamic."""

    def __init__(self, folder: Path, variant: str, threads: int):
        import openvino  # noqa: PLC0415

        self.core, self.folder, self.static, self.requests = openvino.Core(), folder, variant == "static", {}
        self.options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1,
                        # Two processes would be pinned to the same core.
                        "ENABLE_CPU_PINNING": False, "CACHE_DIR": str(folder / f"cache-{threads}")}

    def feed(self, batch: list[list[int]]) -> tuple:
        """A request and its input."""
        kind, inputs = "single" if len(batch) == 1 else "batched", padded(batch)
        key = (kind, inputs["ids"].shape) if self.static else kind
        if key not in self.requests:
            graph = self.core.read_model(self.folder / f"{kind}.xml")
            if self.static:
                graph.reshape({name: value.shape for name, value in inputs.items()})
            self.requests[key] = self.core.compile_model(graph, "CPU", self.options).create_infer_request()
        return self.requests[key], inputs

    def run(self, feed: tuple) -> list[np.ndarray]:
        """Logits and pooled output."""
        request, inputs = feed
        found = request.infer(inputs, share_inputs=True, share_outputs=True)
        return [found["logits"], found["pooled"]]
