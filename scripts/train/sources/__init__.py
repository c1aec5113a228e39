"""Loaders: one function a source, from its published files to rows."""

from . import (
    assistants,
    attacks,
    benign,
    briefs,
    comments,
    commissions,
    followups,
    groups,
    hazards,
    howto,
    identity,
    lookalikes,
    orders,
    placeholders,
    questions,
    requests,
    templates,
)

LOADERS = {**comments.LOADERS, **requests.LOADERS, **attacks.LOADERS, **benign.LOADERS,
           **templates.LOADERS, **identity.LOADERS, **groups.LOADERS, **orders.LOADERS, **briefs.LOADERS,
           **followups.LOADERS, **howto.LOADERS, **hazards.LOADERS, **lookalikes.LOADERS, **placeholders.LOADERS,
           **commissions.LOADERS, **questions.LOADERS, **assistants.LOADERS}
