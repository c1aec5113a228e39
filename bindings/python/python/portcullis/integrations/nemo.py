"""NeMo Guardrails: the guard as an action, with flows for input and output rails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nemoguardrails.actions import action
from nemoguardrails.actions.rail_outcome import RailOutcome, TransformTarget

from portcullis._words import Role
from portcullis.integrations.refusal import Refused, releases

if TYPE_CHECKING:
    from nemoguardrails import LLMRails

    from portcullis import Guard

#: Role and variable of each rail.
RAILS: dict[str, tuple[Role, TransformTarget]] = {
    "input": ("user", TransformTarget.USER_MESSAGE),
    "output": ("assistant", TransformTarget.BOT_MESSAGE),
    "retrieval": ("tool", TransformTarget.RELEVANT_CHUNKS),
}

#: Flows for Colang 1.0, to be named in the configuration's `rails: input: flows:` and so on.
COLANG = """
define subflow portcullis check input
  $outcome = execute portcullis_check(source="input", text=$user_message)
  if $outcome.is_blocked
    bot refuse to respond
    stop
  if $outcome.is_transform
    $user_message = $outcome.transform_text["user_message"]

define subflow portcullis check output
  $outcome = execute portcullis_check(source="output", text=$bot_message)
  if $outcome.is_blocked
    bot refuse to respond
    stop
  if $outcome.is_transform
    $bot_message = $outcome.transform_text["bot_message"]

define subflow portcullis check retrieval
  $outcome = execute portcullis_check(source="retrieval", text=$relevant_chunks)
  if $outcome.is_blocked
    $relevant_chunks = ""
  if $outcome.is_transform
    $relevant_chunks = $outcome.transform_text["relevant_chunks"]
"""


def register(rails: LLMRails, guard: Guard) -> None:
    """Makes the action `portcullis_check` known to the rails."""

    @action(name="portcullis_check", is_system_action=True)
    async def portcullis_check(source: str, text: str | None, **_: Any) -> RailOutcome:
        if source not in RAILS:
            raise ValueError(f"source: found {source!r}, expected one of {', '.join(RAILS)}")
        if not text:
            return RailOutcome.allow()
        role, target = RAILS[source]
        verdict = await guard.check_async(text, role=role)
        evidence = {"decision": verdict.decision, "rules": [finding.rule for finding in verdict.findings]}
        if not releases(verdict.decision) or verdict.text is None:
            return RailOutcome.block(reason=str(Refused(verdict)), metadata=evidence)
        if verdict.text != text:
            return RailOutcome.transform([(target, verdict.text)], metadata=evidence)
        return RailOutcome.allow(metadata=evidence)

    rails.register_action(portcullis_check, name="portcullis_check")
