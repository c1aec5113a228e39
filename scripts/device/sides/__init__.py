"""The sides of a comparison on a GPU: each a process that answers batches of token ids, a JSON line each."""
