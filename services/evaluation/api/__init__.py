"""The evaluation service over HTTP, one module a subject."""

from services.evaluation.api import captions, evaluations, internal

routers = [evaluations.router, captions.router, internal.router]
