"""CTranslate2: int8 with a scale for each output channel; it knows no custom heads, so numpy computes them."""

from pathlib import Path

import numpy as np

from . import Variant

LABEL = "CTranslate2 int8"
PACKAGES = ("ctranslate2==4.8.5",)
AVX2 = {"CT2_FORCE_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ONEDNN_MAX_CPU_ISA": "AVX2"}
DETAIL = "int8 weights per channel, dynamic int8 inputs; pooling and heads in numpy, timed with the rest"


def prepare(model, folder: Path) -> list[Variant]:
    """The encoder in its own format, quantized when loaded; the heads beside it."""
    from ctranslate2.specs import common_spec, transformer_spec  # noqa: PLC0415
    from harness.checkpoint import ATTENTION_HEADS  # noqa: PLC0415
    from harness.model import EPSILON  # noqa: PLC0415

    encoder = transformer_spec.TransformerEncoderSpec(
        model.layers, ATTENTION_HEADS, pre_norm=False, activation=common_spec.Activation.GELU,
        layernorm_embedding=True)
    spec = transformer_spec.TransformerEncoderModelSpec(encoder)
    encoder.scale_embeddings = False
    encoder.embeddings[0].weight = model.tensors["embeddings.word_embeddings.weight"]
    encoder.position_encodings.encodings = model.position

    def put(part, *names: str) -> None:
        weights, biases = zip(*map(model.linear, names), strict=True)
        part.weight, part.bias = np.concatenate(weights), np.concatenate(biases)

    def norm(part, name: str) -> None:
        part.gamma, part.beta = model.linear(name)

    norm(encoder.layernorm_embedding, "embeddings.LayerNorm")
    for number, layer in enumerate(encoder.layer):
        base = f"encoder.layer.{number}"
        put(layer.self_attention.linear[0], *(f"{base}.attention.self.{part}" for part in ("query", "key", "value")))
        put(layer.self_attention.linear[1], f"{base}.attention.output.dense")
        norm(layer.self_attention.layer_norm, f"{base}.attention.output.LayerNorm")
        put(layer.ffn.linear_0, f"{base}.intermediate.dense")
        put(layer.ffn.linear_1, f"{base}.output.dense")
        norm(layer.ffn.layer_norm, f"{base}.output.LayerNorm")
    spec.register_vocabulary([str(word) for word in range(len(model.tensors["embeddings.word_embeddings.weight"]))])
    spec.config.unk_token, spec.config.layer_norm_epsilon = "0", EPSILON
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    np.savez(folder / "heads.npz", **{name: value for name, value in model.tensors.items() if name.startswith("heads.")})
    return [Variant("int8", "int8")]


class Runner:
    """The encoder and the heads."""

    def __init__(self, folder: Path, variant: str, threads: int):
        import ctranslate2  # noqa: PLC0415

        self.encoder = ctranslate2.Encoder(str(folder), compute_type=variant, inter_threads=1, intra_threads=threads)
        self.heads = dict(np.load(folder / "heads.npz"))

    def feed(self, batch: list[list[int]]) -> list[list[int]]:
        """The batch itself: it is padded inside."""
        return batch

    def run(self, feed: list[list[int]]) -> list[np.ndarray]:
        """Logits and pooled output."""
        tensors = self.heads
        states = np.asarray(self.encoder.forward_batch(feed).last_hidden_state)
        lengths = np.array([len(sequence) for sequence in feed])
        kept = (np.arange(states.shape[1]) < lengths[:, None])[:, :, None]
        pooled = (states * kept).sum(1) / lengths[:, None].astype(np.float32)
        scores = np.where(kept, states @ tensors["heads.query"].T, -np.inf)
        power = np.exp(scores - scores.max(1, keepdims=True))
        focused = (power / power.sum(1, keepdims=True)).transpose(0, 2, 1) @ states
        logits = ((focused * tensors["heads.weight"]).sum(-1) + pooled @ tensors["heads.mean_weight"].T
                  + tensors["heads.bias"])
        return [logits, pooled]
