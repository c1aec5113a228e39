"""A model file for llama.cpp that says one sentence, whatever it is asked: llama.cpp's own code runs, on weights made here.

Each token's embedding is a unit vector of its own, the one layer adds nothing, and the output matrix maps each token of the
sentence to the one after it, and every other token to its first.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np


def write_parrot(path: Path, pieces: list[str]) -> None:
    """Writes the model; the pieces, each a token, have to differ, and their spaces are part of them."""
    special = ["<unk>", "<s>", "</s>"]
    tokens = special + [f"<0x{byte:02X}>" for byte in range(256)] + [piece.replace(" ", "\u2581") for piece in pieces]
    first, last = len(tokens) - len(pieces), len(tokens) - 1
    kinds = [gguf.TokenType.UNKNOWN, gguf.TokenType.CONTROL, gguf.TokenType.CONTROL]
    kinds += [gguf.TokenType.BYTE] * 256 + [gguf.TokenType.NORMAL] * len(pieces)
    width = (len(tokens) + 31) // 32 * 32

    after = {token: token + 1 for token in range(first, last)} | {last: 2}
    embedding = np.eye(len(tokens), width, dtype=np.float32)
    output = np.zeros((len(tokens), width), dtype=np.float32)
    for token in range(len(tokens)):
        output[after.get(token, first), token] = 1.0

    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(width)
    writer.add_block_count(1)
    writer.add_feed_forward_length(32)
    writer.add_head_count(1)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(width)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types(kinds)
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_tensor("token_embd.weight", embedding)
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    writer.add_tensor("output.weight", output)
    for name, shape in (
        ("attn_q", (width, width)),
        ("attn_k", (width, width)),
        ("attn_v", (width, width)),
        ("attn_output", (width, width)),
        ("ffn_gate", (32, width)),
        ("ffn_up", (32, width)),
        ("ffn_down", (width, 32)),
    ):
        writer.add_tensor(f"blk.0.{name}.weight", np.zeros(shape, dtype=np.float32))
    for name in ("attn_norm", "ffn_norm"):
        writer.add_tensor(f"blk.0.{name}.weight", np.ones(width, dtype=np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
