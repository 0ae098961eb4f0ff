"""Ghost: an article on a user's own site (Admin API, key of an integration).

The slug derives from the job, and is looked for before an article is put up: the same article never stands twice.
"""

from __future__ import annotations

from html import escape
from typing import Final

from services.publishing.connectors import blog_pages as pages
from services.publishing.connectors import http, inline_images
from services.publishing.connectors.articles import slug_of, title_and_body
from services.publishing.connectors.fitting import check_images
from services.publishing.connectors.ghost_site import Article, Ghost, Standing, is_admin_key
from services.publishing.connectors.hashtags import missing
from services.publishing.connectors.port import Connection, Post, Published, PublishError
from shared.platforms import PLATFORMS, Platform

_LONGEST_TITLE: Final = 255
_LONGEST_TAG: Final = 191
_LONGEST_FEATURE_ALT: Final = 191
_KINDS: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class GhostConnector:
    """Publishes on the site of each connection. Its `find` asks for the very slug, so its no is sure."""

    can_find = True

    def __init__(self, timeout: float, platform: Platform = PLATFORMS["ghost"], *, allow_private: bool = False) -> None:
        """`timeout` in seconds for one request; `allow_private` for tests and demonstrations."""
        self._timeout = timeout
        self._allow_private = allow_private
        self._platform = platform
        self._client = http.Client("Ghost", None, timeout, allow_private=allow_private)

    async def publish(self, post: Post, connection: Connection | None) -> Published:
        """Publish once; what stands already stays as it is. Raises PublishError."""
        site = self._site(connection)
        title, markdown = title_and_body(post)
        if not markdown:
            raise PublishError("bad_content", "The article is empty. Write something, then publish again.")
        standing = await site.standing(slug_of(post))
        if standing is not None and standing.status == "published":
            return _published(standing)
        check_images(post, self._platform, "Ghost", _KINDS)
        pictures = [(await site.upload(each.data, each.content_type, each.name), each.alt_text) for each in post.images]
        # Lists and cards show the feature image; its description is shorter than those in the text may be.
        feature = pictures.pop(0) if pictures and len(pictures[0][1]) <= _LONGEST_FEATURE_ALT else None
        text = await inline_images.rendered(markdown, site.upload, allow_private=self._allow_private)
        article = Article(
            slug=slug_of(post),
            title=title[:_LONGEST_TITLE],
            # A card of HTML: what Ghost's editor has no block for, such as a table, is kept as it is.
            html=f"<!--kg-card-begin: html-->\n{text}{_figures(pictures)}<!--kg-card-end: html-->",
            excerpt=pages.described(markdown),
            tags=tuple(tag[:_LONGEST_TAG] for tag in missing("", post.hashtags)),
            feature_image=feature,
        )
        return _published(await site.publish(article))

    async def find(self, post: Post, connection: Connection | None) -> Published | None:
        """The article of this very job, if readers can see it. Raises PublishError."""
        standing = await self._site(connection).standing(slug_of(post))
        return _published(standing) if standing is not None and standing.status == "published" else None

    async def whose(self, connection: Connection) -> str:
        """The site's name. Raises PublishError when it does not accept the key."""
        return await self._site(connection).title()

    async def close(self) -> None:
        """Close the HTTP session."""
        await self._client.close()

    def _site(self, connection: Connection | None) -> Ghost:
        if connection is None or connection.instance_url is None or not is_admin_key(connection.access_token):
            raise PublishError("disconnected", "No Ghost site is connected. Connect one, then publish again.")
        return Ghost(connection.instance_url, connection.access_token, self._timeout, self._client)


def _figures(pictures: list[tuple[str, str]]) -> str:
    return "".join(f'<figure><img src="{escape(url)}" alt="{escape(alt)}"></figure>\n' for url, alt in pictures)


def _published(standing: Standing) -> Published:
    return Published(standing.ghost_post_id, standing.url, {"id": standing.ghost_post_id, "slug": standing.slug})
