"""HTTP in: files, resources, images, and what other services ask for."""

from services.media.api import contents, files, images, internal, media_files, resources, uploads

# A fixed path stands before the pattern that would take it for an id.
routers = (
    uploads.router,
    files.router,
    resources.router,
    images.router,
    media_files.router,
    internal.router,
    contents.router,
)

__all__ = ["routers"]
