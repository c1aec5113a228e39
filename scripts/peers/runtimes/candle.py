"""candle f32: the `portcullis` library's own graph on dequantized weights of the embedded bundle."""

from pathlib import Path

from . import Setting, Variant

LABEL = "candle f32"
PACKAGES = ()
AVX2 = None
DETAIL = "f32 by candle-core, the bundle's dequantized weights, sequences packed without padding"


def prepare(model, folder: Path) -> list[Variant]:  # noqa: ARG001
    """Nothing: the weights are in the program."""
    return [Variant("f32", "f32")]


def command(setting: Setting) -> list:
    """The program."""
    return [setting.programs["library-peer"], setting.variant, setting.tokenizer]
