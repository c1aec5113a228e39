"""What may go wrong. No message holds a text that was judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from portcullis._portcullis import Piece


class PortcullisError(Exception):
    """Anything that goes wrong in this package, but for a wrong argument."""


class OpenError(PortcullisError):
    """A guard cannot be opened, or its policy not be used."""


class RequestError(PortcullisError, ValueError):
    """A text cannot be judged: it is empty, holds NUL, or the request is not what it should be."""

    kind: str
    """The word by which ``portcullis pipe`` tells the error, such as ``empty_text``."""
    index: int | None
    """The text's place, where it is one of many."""

    def __init__(self, message: str, kind: str = "", index: int | None = None) -> None:
        super().__init__(message if index is None else f"text {index}: {message}")
        self._parts = (message, kind, index)
        self.kind = kind
        self.index = index

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), self._parts


class Vetoed(PortcullisError):
    """A stream was stopped, and whoever reads it asked to be told by an exception."""

    piece: Piece
    """The stretch that was not released: its ``decision``, its ``findings``."""

    def __init__(self, piece: Piece) -> None:
        super().__init__(f"the stream was stopped: {piece.decision}")
        self.piece = piece
