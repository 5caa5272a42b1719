"""What the stand-in for Slack knows of Block Kit: shapes, limits, and what in a message would be active.

Belongs here: plain checks of blocks, written from Slack's reference and independent of what the product makes. Does not belong here:
calls (`slack_server.py`).
"""

from __future__ import annotations

import re
from typing import Any

_STYLES = {"bold", "italic", "strike", "code"}
_ACTIVE_ELEMENTS = {"link", "user", "usergroup", "channel", "broadcast", "emoji", "team", "date", "color"}
_MARKUP = re.compile(r"<[@!#][^>]*>|<[a-z][a-z0-9+.-]*:[^>]*>|<mailto:[^>]*>", re.I)


def block_problems(blocks: Any) -> list[str]:
    """What Slack would answer `invalid_blocks` for."""
    if not isinstance(blocks, list) or not 1 <= len(blocks) <= 50:
        return [f"{len(blocks) if isinstance(blocks, list) else 'no'} blocks; 1 to 50 are taken"]
    found: list[str] = []
    ids = [block.get("block_id") for block in blocks if "block_id" in block]
    if len(ids) != len(set(ids)):
        found.append("a block_id stands twice")
    actions = [element.get("action_id") for block in blocks if block.get("type") == "actions" for element in block.get("elements", ())]
    if len(actions) != len(set(actions)):
        found.append("an action_id stands twice")
    for number, block in enumerate(blocks):
        found += [f"block {number} ({block.get('type')}): {problem}" for problem in _block(block)]
    return found


def _block(block: dict[str, Any]) -> list[str]:
    match block.get("type"):
        case "header":
            return [*_only(block, {"type", "text", "block_id"}), *_plain(block.get("text"), 150)]
        case "context":
            elements = block.get("elements") or []
            return [*_only(block, {"type", "elements", "block_id"}), *_count(elements, 10), *(p for e in elements for p in _plain(e, 2000))]
        case "actions":
            elements = block.get("elements") or []
            return [*_only(block, {"type", "elements", "block_id"}), *_count(elements, 25), *(p for e in elements for p in _button(e))]
        case "rich_text":
            elements = block.get("elements") or []
            return [*_only(block, {"type", "elements", "block_id"}), *_count(elements, 100), *(p for e in elements for p in _rich(e)), *_long(block)]
        case "section":
            return [*_only(block, {"type", "text", "block_id", "fields"}), *_plain(block.get("text"), 3000, ("plain_text", "mrkdwn"))]
        case "divider":
            return _only(block, {"type", "block_id"})
    return ["a type this stand-in does not know"]


def _only(node: dict[str, Any], known: set[str]) -> list[str]:
    return [f"unknown property {name}" for name in node if name not in known]


def _count(elements: list[Any], most: int) -> list[str]:
    return [] if 1 <= len(elements) <= most else [f"{len(elements)} elements; 1 to {most} are taken"]


def _long(block: dict[str, Any]) -> list[str]:
    size = sum(len(text) for text in texts(block))
    return [f"{size} characters in one block"] if size > 3100 else []


def _plain(node: Any, most: int, types: tuple[str, ...] = ("plain_text",)) -> list[str]:
    if not isinstance(node, dict) or node.get("type") not in types:
        return [f"{node!r} is no text of the type {types}"]
    text = node.get("text")
    if not isinstance(text, str) or not 1 <= len(text) <= most:
        return [f"a text of {len(text) if isinstance(text, str) else 'no'} characters; 1 to {most} are taken"]
    return _only(node, {"type", "text", "emoji", "verbatim"})


def _button(node: dict[str, Any]) -> list[str]:
    found = [*_only(node, {"type", "action_id", "text", "value", "style"}), *_plain(node.get("text"), 75)]
    if node.get("type") != "button" or len(node.get("action_id", "")) > 255 or len(node.get("value", "")) > 2000:
        found.append("a button beyond its limits")
    if node.get("style", "primary") not in ("primary", "danger"):
        found.append(f"the style {node['style']!r}")
    return found


def _rich(node: dict[str, Any]) -> list[str]:
    match node.get("type"):
        case "rich_text_section" | "rich_text_quote":
            return [*_only(node, {"type", "elements"}), *(p for e in node.get("elements", ()) for p in _inline(e))]
        case "rich_text_preformatted":
            return [*_only(node, {"type", "elements", "border"}), *(p for e in node.get("elements", ()) for p in _inline(e, styled=False))]
        case "rich_text_list":
            found = _only(node, {"type", "elements", "style", "indent", "border", "offset"})
            if node.get("style") not in ("bullet", "ordered") or not 0 <= node.get("indent", 0) <= 8 or not node.get("elements"):
                found.append("a list beyond its limits")
            return [*found, *(p for e in node.get("elements", ()) for p in (_rich(e) if e.get("type") == "rich_text_section" else ["a list holds sections alone"]))]
    return [f"{node.get('type')!r} in rich text"]


def _inline(node: dict[str, Any], styled: bool = True) -> list[str]:
    if node.get("type") in _ACTIVE_ELEMENTS:
        return []
    if node.get("type") != "text" or not node.get("text"):
        return [f"{node!r} is no text"]
    style = node.get("style", {})
    wrong = [f"the style {name}" for name, value in style.items() if name not in _STYLES or value is not True]
    return [*wrong, *_only(node, {"type", "text", "style"}), *(["a style in preformatted text"] if style and not styled else [])]


def texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        return [node["text"]] if isinstance(node.get("text"), str) else [text for value in node.values() for text in texts(value)]
    return [text for one in node for text in texts(one)] if isinstance(node, list) else []


def active_parts(message: dict[str, Any]) -> list[str]:
    """What of a message Slack would make a mention, a ping or a link of: markup in text it parses, and elements that are such."""
    found = _MARKUP.findall(message.get("text") or "")
    if message.get("parse") == "full" or message.get("link_names"):
        found += re.findall(r"@\w+|#\w+", message.get("text") or "")

    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if node.get("type") == "mrkdwn":
                found.extend(_MARKUP.findall(node.get("text", "")))
            if node.get("type") in _ACTIVE_ELEMENTS:
                found.append(str(node))
            found.extend(f"{name} {node[name]}" for name in ("url", "image_url") if name in node)
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for one in node:
                walk(one)

    walk(message.get("blocks"))
    return found
