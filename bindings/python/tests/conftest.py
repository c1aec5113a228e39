"""What the tests share: one guard, since each takes up threads of its own."""

import pytest

import portcullis


@pytest.fixture(scope="session")
def guard() -> portcullis.Guard:
    return portcullis.Guard(threads=2)
