"""One fresh process of ONNX Runtime: loads everything, judges one text, says so, and waits to be measured.

    python first.py MODEL TOKENIZER TEXT
"""

import sys

import numpy as np
import onnxruntime
from tokenizers import Tokenizer


def main() -> None:
    """Runs from the command line."""
    model, tokenizer, text = sys.argv[1:]
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    encoding = Tokenizer.from_file(tokenizer).encode(text)
    logits, _ = session.run(None, {"ids": np.array([encoding.ids], np.int64)})
    print(len(encoding.ids), logits[0].tolist(), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
