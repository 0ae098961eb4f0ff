"""The text as a web page that needs nothing beside it."""

from __future__ import annotations

from html import escape
from typing import Final

from services.generation.downloads import markdown
from services.generation.downloads.text import Text, parser, readable

# Opened from a folder, it runs nothing and sends nothing.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:"
_STYLE: Final = """
body { max-width: 42rem; margin: 0 auto; padding: 2rem 1.25rem; font: 1.125rem/1.6 Georgia, "Noto Serif", serif }
h1, h2, h3 { line-height: 1.25; font-family: system-ui, sans-serif }
img { max-width: 100% } pre { overflow-x: auto } table { border-collapse: collapse }
th, td { border: 1px solid; padding: .3em .6em } blockquote { margin: 1em 0; padding: 0 1em; border-left: 3px solid }
"""


def written(text: Text) -> str:
    """One HTML document; raw HTML in the text stays text, and links with code in them stay text."""
    language = f' lang="{escape(text.language)}"' if text.language else ""
    return f"""<!doctype html>
<html{language}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<title>{escape(readable(text.title))}</title>
<style>{_STYLE}</style>
</head>
<body>
{parser(text.marked).render(markdown.written(text))}</body>
</html>
"""
