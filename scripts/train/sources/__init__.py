"""Loaders: one function a source, from its published files to rows."""

from . import attacks, benign, comments, identity, questions, requests, templates

LOADERS = {**comments.LOADERS, **requests.LOADERS, **attacks.LOADERS, **benign.LOADERS,
           **templates.LOADERS, **identity.LOADERS, **questions.LOADERS}
