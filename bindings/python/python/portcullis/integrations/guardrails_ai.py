"""Guardrails AI: the guard as a validator of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from guardrails.types import OnFailAction
from guardrails.validator_base import Validator, register_validator
from guardrails_ai.types import ErrorSpan, FailResult, PassResult, ValidationResult

from portcullis import Guard, Verdict
from portcullis.integrations.refusal import Refused, releases


@register_validator(name="portcullis/guard", data_type="string")
class GuardValidator(Validator):
    """Passes what the guard allows; what it rewrites fails with the rewritten text as `fix_value`.

    What it escalates or vetoes fails without one. `on_fail` says what Guardrails makes of that: `fix`, `exception`, `filter`,
    `refrain`, `noop` or a function of the caller's. The role is `user`, or `assistant` for a model's answers; the metadata
    key `role` overrides it for one call.
    """

    def __init__(
        self,
        guard: Guard | None = None,
        role: str = "assistant",
        on_fail: OnFailAction | str | Callable[[Any, FailResult], Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(on_fail=on_fail, use_local=True, role=role, **kwargs)
        self._guard = guard or Guard()
        self._role = role

    def _validate(self, value: Any, metadata: dict[str, Any]) -> ValidationResult:
        text = str(value)
        if not text:
            return PassResult()
        verdict = self._guard.check(text, role=metadata.get("role", self._role))
        if verdict.decision == "allow":
            return PassResult()
        return FailResult(
            error_message=str(Refused(verdict)),
            fix_value=verdict.text if releases(verdict.decision) else None,
            error_spans=_error_spans(verdict, text) or None,
            metadata={"decision": verdict.decision, "decision_id": verdict.decision_id},
        )


def _error_spans(verdict: Verdict, text: str) -> list[ErrorSpan]:
    """Where each finding lies, in characters."""
    return [
        ErrorSpan(start=start, end=end, reason=finding.rule)
        for finding in verdict.findings
        for start, end in finding.char_spans(text)
    ]
