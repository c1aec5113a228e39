"""What stands in place of a text that the guard does not release."""

from __future__ import annotations

from typing import TYPE_CHECKING

from portcullis import PortcullisError

if TYPE_CHECKING:
    from portcullis import Piece, Verdict

#: What is said to a reader where neither the caller nor the policy has words for it.
REFUSAL = "This text was withheld."


class Refused(PortcullisError):
    """A text was escalated or vetoed. It names the decision and the rules behind it, never the text."""

    def __init__(self, judged: Verdict | Piece) -> None:
        self.decision: str = judged.decision
        self.rules: list[str] = sorted({finding.rule for finding in judged.findings})
        self.judged = judged
        because = ", ".join(self.rules) or judged.fault or f"coverage {judged.coverage}"
        super().__init__(f"{self.decision}: {because}")


def releases(decision: str) -> bool:
    """Whether a text with this decision may reach its reader."""
    return decision in ("allow", "rewrite")


def released(verdict: Verdict) -> str:
    """The text that may be shown; raises `Refused` where there is none."""
    if not releases(verdict.decision) or verdict.text is None:
        raise Refused(verdict)
    return verdict.text
