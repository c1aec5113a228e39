"""The guard as a filter of Open WebUI, put in its database and run by its own loader."""

from __future__ import annotations

import asyncio
import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from samples import FINE, PRIVATE, REDACTED, TEMPLATE, VILE, chunks

from portcullis.integrations import refusal

os.environ.setdefault("DATA_DIR", tempfile.mkdtemp(prefix="open-webui-"))
os.environ.setdefault("WEBUI_SECRET_KEY", "of a test")
os.environ.setdefault("OFFLINE_MODE", "true")
pytest.importorskip("open_webui", reason="open-webui is not installed: scripts/python.sh --integrations")

from open_webui.models.functions import FunctionModel
from open_webui.utils import plugin
from open_webui.utils.filter import process_filter_function

SOURCE = Path(refusal.__file__).with_name("open_webui.py").read_text()


@pytest.fixture(scope="module")
def loaded() -> Any:
    """The filter as Open WebUI makes it of the text that an administrator pastes."""
    module, kind, frontmatter, _ = asyncio.run(plugin.load_function_module_by_id("portcullis", content=SOURCE))
    assert kind == "filter"
    assert frontmatter["title"] == "Portcullis"
    assert frontmatter["requirements"] == "portcullis"
    return module


def test_in_and_out(loaded: Any) -> None:
    body = {"model": "m", "messages": [{"role": "system", "content": VILE}, {"role": "user", "content": PRIVATE}]}
    assert asyncio.run(loaded.inlet(body))["messages"][1]["content"] == REDACTED
    with pytest.raises(ValueError, match="withheld. .veto: ") as refused:
        asyncio.run(loaded.inlet({"messages": [{"role": "user", "content": VILE}]}))
    assert "idiot" not in str(refused.value)
    for answer, kept in ((FINE, FINE), (PRIVATE, REDACTED), (VILE, "This text was withheld.")):
        body = {"messages": [{"role": "user", "content": FINE}, {"role": "assistant", "content": answer}]}
        assert asyncio.run(loaded.outlet(body))["messages"][1]["content"] == kept


def streamed(loaded: Any, text: str, name: str) -> str:
    async def collect() -> str:
        shown = ""
        for event in chunks(text):
            event = await loaded.stream(event, __message_id__=name)
            shown += event["choices"][0]["delta"].get("content") or ""
        return shown

    return asyncio.run(collect())


def test_streams(loaded: Any) -> None:
    assert streamed(loaded, f"{FINE} {PRIVATE}", "a") == f"{FINE} {REDACTED}"
    assert streamed(loaded, f"{FINE} It opens at nine o'clock. {VILE} {FINE}", "b").endswith(TEMPLATE)


def test_valves(loaded: Any) -> None:
    policy = Path(__file__).parents[4] / "models" / "policies" / "marketing"
    loaded.valves = loaded.Valves(policy=str(policy), refusal="No.")
    body = {"messages": [{"role": "assistant", "content": VILE}]}
    assert asyncio.run(loaded.outlet(body))["messages"][0]["content"] == "No."
    loaded.valves = loaded.Valves()


def test_through_its_own_pipeline(loaded: Any) -> None:
    """`process_filter_function` finds the hooks, gives them what they name and calls them."""
    request = SimpleNamespace(
        app=SimpleNamespace(state=SimpleNamespace(FUNCTIONS={"portcullis": loaded}, FUNCTION_CONTENTS={"portcullis": SOURCE}))
    )
    moment = 1
    function = FunctionModel(
        id="portcullis", user_id="u", name="Portcullis", type="filter", content=SOURCE, meta={}, updated_at=moment, created_at=moment
    )
    context = SimpleNamespace(get_function_valves=_valves)

    async def run(kind: str, data: dict[str, Any]) -> dict[str, Any]:
        extra = {"__user__": {"id": "u"}, "__metadata__": {}, "__message_id__": f"pipeline-{kind}"}
        given: dict[str, Any]
        given, _, _ = await process_filter_function(request, function, kind, data, extra, context, None, ["portcullis"])
        return given

    body = asyncio.run(run("inlet", {"messages": [{"role": "user", "content": PRIVATE}]}))
    assert body["messages"][0]["content"] == REDACTED
    shown = "".join(asyncio.run(run("stream", event))["choices"][0]["delta"].get("content") or "" for event in chunks(PRIVATE))
    assert shown == REDACTED


async def _valves(_ids: list[str], _id: str, valves: Any) -> Any:
    return valves(priority=3)
