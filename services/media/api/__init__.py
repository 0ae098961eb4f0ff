"""HTTP in: files, resources, and what other services ask for."""

from services.media.api import files, internal, resources, uploads

# A fixed path stands before the pattern that would take it for an id.
routers = (uploads.router, files.router, resources.router, internal.router)

__all__ = ["routers"]
