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
    lines += ["", "Encoder and heads, milliseconds: median (99th percentile). The ratio is Portcullis to the faster graph.",
              ""]
    sides = list(next(iter(result["milliseconds"].values())))
    peers = [name for name in sides if name != "portcullis"]
    ratio = len(peers) < len(sides)
    lines.append("| tokens | " + " | ".join(sides) + (" | ratio |" if ratio else " |"))
    lines.append("|---" * (1 + len(sides) + ratio) + "|")
    for length, by_side in result["milliseconds"].items():
        cells = [f"{by_side[name]['median']:.2f} ({by_side[name]['p99']:.2f})" for name in sides]
        if ratio:
            cells.append(f"{by_side['portcullis']['median'] / min(by_side[name]['median'] for name in peers):.2f}")
        lines.append(f"| {length} | " + " | ".join(cells) + " |")
    lines += ["", "From the start of a fresh process to its first verdict of a 30-word text (median, warm page cache), "
              "and its memory then.", "",
              "| | ms | private MB | proportional MB | resident MB |", "|---|---|---|---|---|"]
    for name, first in result["first_verdict"].items():
        sizes = " | ".join(f"{first[f'{kind}_kb'] / 1000:.1f}" for kind in ("private", "proportional", "resident"))
        lines.append(f"| {name} | {first['milliseconds']:.1f} | {sizes} |")
    return "\n".join(lines) + "\n"
