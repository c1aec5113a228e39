"""The ten heads, in the order in which every tensor and file lists them."""

HEADS = (
    "toxicity",
    "obscenity",
    "insult",
    "threat",
    "hate",
    "harmful_request",
    "jailbreak",
    "prompt_injection",
    "self_harm",
    "sexual",
)

#: Heads shipped without a claim: their positives number in the hundreds.
EXPERIMENTAL = ("self_harm", "sexual")

#: The heads a single release must hold to a bar.
MAIN = tuple(head for head in HEADS if head not in EXPERIMENTAL)

#: Heads about how a text speaks, against heads about what it asks a model to do.
SPEECH = ("toxicity", "obscenity", "insult", "threat", "hate")
REQUEST = ("harmful_request", "jailbreak", "prompt_injection")


def clean() -> dict[str, float]:
    """Labels of a text that is innocent on every head."""
    return dict.fromkeys(HEADS, 0.0)


def zeros(*names: str) -> dict[str, float]:
    """Labels that are zero on the named heads and unknown on the others."""
    return dict.fromkeys(names, 0.0)
