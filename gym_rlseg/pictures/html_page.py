"""Parts of a page that needs no other file: everything is inline, and nothing is a script."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Sequence
from string import Template

import numpy as np
from numpy.typing import NDArray

_PAGE = Template("""\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2430; max-width: 68rem;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.2rem; margin-top: 2.2rem; }
table { border-collapse: collapse; }
th, td { text-align: left; padding: 0.15rem 1.2rem 0.15rem 0; vertical-align: top;
         border-bottom: 1px solid #e3e5ea; overflow-wrap: anywhere; }
th { font-weight: 600; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
figure { margin: 1rem 0 1.6rem; } img { max-width: 100%; height: auto; }
figcaption, .note { color: #6a7080; }
</style>
</head>
<body>
<h1>$title</h1>
$body
</body>
</html>
""")


def page(title: str, parts: Iterable[str]) -> str:
    """A whole page in UTF-8.

    Args:
        title: plain text, of the window and the top heading.
        parts: HTML, such as the functions below make.
    """
    return _PAGE.substitute(title=html.escape(title), body="\n".join(parts))


def heading(text: str) -> str:
    """A heading within the page."""
    return f"<h2>{html.escape(text)}</h2>"


def paragraph(text: str) -> str:
    """Plain text."""
    return f"<p>{html.escape(text)}</p>"


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; floats get three decimals, numbers stand on the right.

    Args:
        header: headings; none gives a table without a head.
        rows: one sequence of plain values per row.
    """
    body = [list(row) for row in rows]
    head = ""
    if header:
        numeric = map(_is_number, body[0]) if body else [False] * len(header)
        cells = zip(header, numeric, strict=True)
        head = f"<tr>{''.join(_cell('th', text, number=number) for text, number in cells)}</tr>\n"
    lines = (
        f"<tr>{''.join(_cell('td', value, number=_is_number(value)) for value in row)}</tr>"
        for row in body
    )
    return f"<table>\n{head}" + "\n".join(lines) + "\n</table>"


def picture(pixels: NDArray[np.uint8], caption: str = "") -> str:
    """A picture uint8 (H, W, 3) as inline PNG, with plain text below it."""
    import imageio.v3 as iio

    data = base64.b64encode(iio.imwrite("<bytes>", pixels, extension=".png")).decode("ascii")
    text = html.escape(caption)
    below = f"<figcaption>{text}</figcaption>" if caption else ""
    return f'<figure><img alt="{text}" src="data:image/png;base64,{data}">{below}</figure>'


def _cell(tag: str, value: object, *, number: bool) -> str:
    text = f"{value:.3f}" if isinstance(value, float) else str(value)
    kind = ' class="number"' if number else ""
    return f"<{tag}{kind}>{html.escape(text)}</{tag}>"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
