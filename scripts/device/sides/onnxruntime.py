"""ONNX Runtime: the graph of scripts/peers with a free batch, in fp16 by the CUDA provider; or float32 on the processor."""

import tempfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from harness import checkpoint
from harness.graph import F32_NODES, build
from harness.model import Model


class Runner:
    """A session."""

    def __init__(self, bundle: Path, device: str, _: str):
        graph = build(Model(checkpoint.read(bundle), []), batched=True)
        provider = "CPUExecutionProvider"
        if device == "cuda":
            from onnxconverter_common import float16  # noqa: PLC0415

            graph = float16.convert_float_to_float16(graph, keep_io_types=True, node_block_list=list(F32_NODES))
            provider = "CUDAExecutionProvider"
            # The toolkit's libraries out of their packages.
            onnxruntime.preload_dlls()
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            onnx.save(graph, path)
            self.session = onnxruntime.InferenceSession(str(path), options, providers=[provider])
        if self.session.get_providers()[0] != provider:
            raise RuntimeError(f"ONNX Runtime has {self.session.get_providers()}, expected {provider}")
        self.detail = f"ONNX Runtime {onnxruntime.__version__}, {'fp16' if device == 'cuda' else 'fp32'}, {provider}"

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Logits of sequences of one length."""
        return self.session.run(["logits"], {"ids": batch, "mask": np.ones_like(batch)})[0]
