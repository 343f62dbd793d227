"""HTML that the course shows, taken apart."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Tags must nest; keeps the attributes of the pictures, text by tag, and what is folded.

    ``folded`` holds how deep each ``<details>`` lies, and its summary.
    """

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.pictures: list[dict[str, str]] = []
        self.text: dict[str, list[str]] = {}
        self.folded: list[tuple[int, str]] = []
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list) -> None:
        assert tag not in ("script", "style")
        if tag == "img":
            self.pictures.append(dict(attrs))
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        tag = self.open[-1] if self.open else ""
        self.text.setdefault(tag, []).append(data)
        if tag == "summary":
            self.folded.append((self.open.count("details"), data))
