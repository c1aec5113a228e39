"""PyTorch: fp16, scaled dot-product attention, torch.compile with CUDA graphs; or float32 on the processor."""

from pathlib import Path

import numpy as np
import torch
from harness import checkpoint
from harness.checkpoint import ATTENTION_HEADS
from harness.model import EPSILON, Model
from torch.nn import functional


class Encoder(torch.nn.Module):
    """The model out of its tensors, for batches of one length or with a mask."""

    def __init__(self, model: Model, dtype: torch.dtype):
        super().__init__()
        self.hidden, self.layers = model.hidden, model.layers
        own = {name: torch.from_numpy(np.array(tensor)) for name, tensor in model.tensors.items()}
        own["position"] = torch.from_numpy(model.position)
        for number in range(model.layers):
            base = f"encoder.layer.{number}.attention.self"
            for kind in ("weight", "bias"):
                own[f"{base}.qkv.{kind}"] = torch.cat([own.pop(f"{base}.{part}.{kind}") for part in ("query", "key", "value")])
        self.names = {}
        for name, tensor in own.items():
            # The heads stay in 32 bits, as on the other sides.
            kept = tensor.float() if name.startswith("heads.") else tensor.to(dtype)
            self.names[name] = name.replace(".", "_")
            self.register_buffer(self.names[name], kept)

    def get(self, name: str) -> torch.Tensor:
        """A tensor by its name in the checkpoint."""
        return getattr(self, self.names[name])

    def linear(self, x: torch.Tensor, name: str) -> torch.Tensor:
        """A linear layer."""
        return functional.linear(x, self.get(f"{name}.weight"), self.get(f"{name}.bias"))

    def norm(self, x: torch.Tensor, name: str) -> torch.Tensor:
        """A layer normalization."""
        return functional.layer_norm(x, (self.hidden,), self.get(f"{name}.weight"), self.get(f"{name}.bias"), EPSILON)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        """Logits [batch, heads] of ids [batch, tokens] without padding."""
        rows, tokens = ids.shape
        x = self.get("embeddings.word_embeddings.weight")[ids] + self.get("position")[:tokens]
        x = self.norm(x, "embeddings.LayerNorm")
        for number in range(self.layers):
            base = f"encoder.layer.{number}"
            qkv = self.linear(x, f"{base}.attention.self.qkv").view(rows, tokens, 3, ATTENTION_HEADS, -1)
            query, key, value = qkv.permute(2, 0, 3, 1, 4)
            mixed = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2).reshape(rows, tokens, -1)
            x = self.norm(x + self.linear(mixed, f"{base}.attention.output.dense"), f"{base}.attention.output.LayerNorm")
            inner = functional.gelu(self.linear(x, f"{base}.intermediate.dense"))
            x = self.norm(x + self.linear(inner, f"{base}.output.dense"), f"{base}.output.LayerNorm")
        x = x.float()
        shares = torch.softmax(x @ self.get("heads.query").T, 1)
        focused = (shares.transpose(1, 2) @ x * self.get("heads.weight")).sum(-1)
        return focused + x.mean(1) @ self.get("heads.mean_weight").T + self.get("heads.bias")


class Runner:
    """The compiled model."""

    def __init__(self, bundle: Path, device: str, mode: str):
        self.device = torch.device(device)
        dtype = torch.float16 if device == "cuda" else torch.float32
        encoder = Encoder(Model(checkpoint.read(bundle), []), dtype).to(self.device).eval()
        # A graph for each shape: what a user who cares for speed would have.
        self.model = torch.compile(encoder, mode=mode, dynamic=False) if device == "cuda" else encoder
        self.detail = f"PyTorch {torch.__version__}, {dtype}, torch.compile({mode})" if device == "cuda" else \
            f"PyTorch {torch.__version__}, {dtype}, not compiled"

    def run(self, batch: np.ndarray) -> np.ndarray:
        """Logits of sequences of one length; from ids in the processor's memory to logits there."""
        with torch.inference_mode():
            ids = torch.from_numpy(batch).to(self.device, non_blocking=True)
            return self.model(ids).cpu().numpy()


def roofline() -> dict[str, float]:
    """What the GPU reaches of 16-bit products, in TFLOP/s, and of memory, in GB/s."""

    def seconds(call) -> float:
        for _ in range(3):
            call()
        times = []
        for _ in range(10):
            start, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            start.record()
            call()
            end.record()
            torch.cuda.synchronize()
            times.append(start.elapsed_time(end) / 1e3)
        return sorted(times)[len(times) // 2]

    side = 8192
    a, b = (torch.randn(side, side, dtype=torch.float16, device="cuda") for _ in range(2))
    store = torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
    other = torch.empty_like(store)
    return {"tflops_fp16": 2 * side**3 / seconds(lambda: a @ b) / 1e12,
            "gigabytes_per_second": 2 * len(store) / seconds(lambda: other.copy_(store)) / 1e9,
            "gpu": torch.cuda.get_device_name(0)}
