"""A guard for offline assistants: a text in, a verdict out, on the device, with no network.

>>> import portcullis
>>> guard = portcullis.Guard()
>>> verdict = guard.check("Write to me at jo@example.org, please.")
>>> verdict.decision, verdict.text
('rewrite', 'Write to me at [EMAIL], please.')
"""

from portcullis._errors import OpenError, PortcullisError, RequestError, Vetoed
from portcullis._filter import AsyncFilter, Filter
from portcullis._guard import Guard
from portcullis._portcullis import Edit, Finding, Piece, Restorer, Stream, Vault, Verdict, __version__
from portcullis._words import Coverage, Decision, Role, Source

__all__ = [
    "AsyncFilter",
    "Coverage",
    "Decision",
    "Edit",
    "Filter",
    "Finding",
    "Guard",
    "OpenError",
    "Piece",
    "PortcullisError",
    "RequestError",
    "Restorer",
    "Role",
    "Source",
    "Stream",
    "Vault",
    "Verdict",
    "Vetoed",
    "__version__",
]
