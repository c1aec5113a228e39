"""A measurement as Markdown."""


def markdown(result: dict) -> str:
    """The tables of a record."""
    cpu = result["cpu"]
    versions = ", ".join(f"{name} {version}" if name not in version else version
                         for name, version in result["versions"].items())
    lines = [
        f"# ONNX Runtime int8 and Portcullis, {result['date']}", "",
        f"{cpu['model']} ({', '.join(cpu['instructions'])}); one thread, batch 1; {result['rounds']} interleaved rounds "
        f"of {result['calls_per_round']} calls; same weights and token ids. {versions}.", "",
        f"ONNX Runtime: {result['onnxruntime']['quantization']}; all graph optimizations, no spinning.", "",
        "| graph | cosine to f32, mean | least | reduce_range | bytes |", "|---|---|---|---|---|"]
    for name, graph in result["onnxruntime"]["graphs"].items():
        lines.append(f"| {name} | {graph['cosine_mean']:.4f} | {graph['cosine_min']:.4f} "
                     f"| {'yes' if graph['reduce_range'] else 'no'} | {graph['bytes']:,} |")
    lines += ["", "Encoder and heads, milliseconds: least, median (99th percentile). The ratios are Portcullis to the "
              "faster graph, by the least and by the median; on a busy machine the least is the steadier.", ""]
    sides = list(next(iter(result["milliseconds"].values())))
    peers = [name for name in sides if name != "portcullis"]
    heads = ["tokens", *sides, *(["ratio, least", "ratio, median"] if "portcullis" in sides else [])]
    lines += ["| " + " | ".join(heads) + " |", "|---" * len(heads) + "|"]
    for length, by_side in result["milliseconds"].items():
        cells = [f"{times['least']:.2f}, {times['median']:.2f} ({times['p99']:.2f})" for times in by_side.values()]
        if "portcullis" in sides:
            cells += [f"{by_side['portcullis'][kind] / min(by_side[name][kind] for name in peers):.2f}"
                      for kind in ("least", "median")]
        lines.append(f"| {length} | " + " | ".join(cells) + " |")
    lines += ["", "From the start of a fresh process to its first verdict of a 30-word text (median, warm page cache), "
              "and its memory then.", "",
              "| | ms | private MB | proportional MB | resident MB |", "|---|---|---|---|---|"]
    for name, first in result["first_verdict"].items():
        sizes = " | ".join(f"{first[f'{kind}_kb'] / 1000:.1f}" for kind in ("private", "proportional", "resident"))
        lines.append(f"| {name} | {first['milliseconds']:.1f} | {sizes} |")
    return "\n".join(lines) + "\n"
