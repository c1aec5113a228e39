"""The guard as NeMo Guardrails' rails; the model is NeMo's own fake for tests."""

from __future__ import annotations

from typing import Any

import pytest
from samples import FINE, PRIVATE, REDACTED, VILE

pytest.importorskip("nemoguardrails", reason="nemoguardrails is not installed: scripts/python.sh --integrations")

from nemoguardrails import LLMRails, RailsConfig
from nemoguardrails.testing.fake_model import FakeLLMModel

from portcullis import Guard
from portcullis.integrations import nemo

CONFIG = """
rails:
  input:
    flows: [portcullis check input]
  output:
    flows: [portcullis check output]
"""


def said(guard: Guard, question: str, answer: str) -> tuple[str, Any]:
    """What the rails answer, and the model that was asked or not."""
    model = FakeLLMModel(responses=[answer])
    rails = LLMRails(RailsConfig.from_content(colang_content=nemo.COLANG, yaml_content=CONFIG), llm=model)
    nemo.register(rails, guard)
    answered = rails.generate(messages=[{"role": "user", "content": question}])
    return answered["content"], model


def test_a_fine_exchange(guard: Guard) -> None:
    assert said(guard, FINE, "At nine.")[0] == "At nine."


def test_input_is_stopped_before_the_model(guard: Guard) -> None:
    answer, model = said(guard, VILE, "At nine.")
    assert answer == "I'm sorry, I can't respond to that."
    assert model.inference_count == 0


def test_output_is_stopped_and_rewritten(guard: Guard) -> None:
    assert said(guard, FINE, VILE)[0] == "I'm sorry, I can't respond to that."
    assert said(guard, FINE, PRIVATE)[0] == REDACTED


def test_the_model_reads_the_rewritten_text(guard: Guard) -> None:
    prompts: list[str] = []

    class Listening(FakeLLMModel):  # type: ignore[misc]
        async def generate_async(self, prompt: Any, **options: Any) -> Any:
            prompts.append(str(prompt))
            return await super().generate_async(prompt, **options)

    rails = LLMRails(
        RailsConfig.from_content(colang_content=nemo.COLANG, yaml_content=CONFIG), llm=Listening(responses=["Gladly."])
    )
    nemo.register(rails, guard)
    assert rails.generate(messages=[{"role": "user", "content": PRIVATE}])["content"] == "Gladly."
    assert "[EMAIL]" in prompts[0] and "jo@" not in prompts[0]
