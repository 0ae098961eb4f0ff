"""Whether a post's images fit its platform, said before anything is sent."""

from __future__ import annotations

from collections.abc import Collection

from services.publishing.connectors.port import Post, PublishError
from shared.platforms import Platform


def check_images(post: Post, platform: Platform, name: str, kinds: Collection[str]) -> None:
    """Raises PublishError('bad_content') for too many images, too large ones, or of a kind not among `kinds`."""
    if len(post.images) > platform.max_images:
        raise PublishError("bad_content", f"{name} takes at most {platform.max_images} images with a post.")
    most = platform.max_image_bytes
    for image in post.images:
        if image.content_type not in kinds:
            taken = ", ".join(sorted(kind.removeprefix("image/") for kind in kinds))
            raise PublishError("bad_content", f"{name} takes no {image.content_type}; send images as {taken}.")
        if most is not None and len(image.data) > most:
            raise PublishError(
                "bad_content",
                f"An image has {len(image.data):,} bytes; {name} takes at most {most:,}. Make it smaller.",
            )
        if len(image.alt_text) > platform.max_alt_text:
            raise PublishError(
                "bad_content",
                f"An alternative text has {len(image.alt_text)} characters; {name} takes at most "
                f"{platform.max_alt_text}. Shorten it.",
            )
