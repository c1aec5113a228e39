"""What the tests share: one guard, since each maps its model anew."""

from pathlib import Path

import pytest

import portcullis

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def guard() -> portcullis.Guard:
    return portcullis.Guard(threads=2)


@pytest.fixture
def models() -> Path:
    return ROOT / "models"
