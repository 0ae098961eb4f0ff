"""The generation service over HTTP, one module a subject."""

from services.generation.api import captions, downloads, drafts, internal, outputs, style, templates, usage

routers = [
    drafts.router,
    outputs.router,
    downloads.router,
    templates.router,
    captions.router,
    usage.router,
    style.router,
    internal.router,
]
