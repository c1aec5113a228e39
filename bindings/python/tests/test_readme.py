"""The Python examples of the repository's README; those of this package's own are doctests."""

import re

import pytest

from checkout import ROOT


def test_the_examples_run() -> None:
    readme = ROOT / "README.md"
    if not readme.is_file():
        pytest.skip("no checkout around these tests")
    blocks = re.findall(r"^```python\n(.*?)^```$", readme.read_text(), re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, str(readme), "exec"), {})
