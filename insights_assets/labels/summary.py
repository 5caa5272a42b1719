"""Summary: what a record says in at most 160 characters, taken from its own redacted words (R50).

Belongs here: choosing and trimming clauses. Does not belong here: rewriting. Nothing in a summary is not in the text.
"""

from __future__ import annotations

from collections.abc import Sequence

from insights_assets.labels.evidence import Span

LONGEST = 160
GAP = " … "


def summarise(text: str, spans: Sequence[Span], longest: int = LONGEST) -> str:
    """The given spans in text order, each once, as many as fit; the first is cut at a word when it is too long alone.

    Runs of blanks are drawn together, so that a summary is one line.
    """
    parts: list[str] = []
    length = 0
    for span in sorted(set(spans)):
        part = " ".join(text[span.start : span.end].split())
        if not part:
            continue
        extra = len(part) + (len(GAP) if parts else 0)
        if length + extra > longest:
            if not parts:
                return _cut(part, longest)
            continue
        parts.append(part)
        length += extra
    if not parts and text.strip():
        return _cut(" ".join(text.split()), longest)
    return GAP.join(parts)


def _cut(part: str, longest: int) -> str:
    if len(part) <= longest:
        return part
    edge = part.rfind(" ", longest // 2, longest - 1)
    return part[: edge if edge > 0 else longest - 1].rstrip(" ,;:-") + "…"
