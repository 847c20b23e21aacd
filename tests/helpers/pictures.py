"""What a drawn picture says, wherever its renderer has put it."""

import re


def words(svg):
    """The texts and the titles of an SVG, and what plays when, in their order."""
    return re.findall(
        r'<text[^>]*>(.*?)</text>|<title>(.*?)</title>|<g [^>]*"animation-name: (\w+)-', svg
    )
