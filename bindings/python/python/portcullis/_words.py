"""The words that arguments and answers are made of."""

from typing import Literal, TypeAlias

Role: TypeAlias = Literal["user", "assistant", "tool", "system"]
"""Who wrote a text."""

Decision: TypeAlias = Literal["allow", "rewrite", "escalate", "veto"]
"""What becomes of a text, from the mildest to the strongest."""

Coverage: TypeAlias = Literal["full", "partial", "none"]
"""How much of a text was judged."""

Source: TypeAlias = Literal["classifier", "pattern", "schema", "tool", "grounding"]
"""What kind of rail made a finding."""
