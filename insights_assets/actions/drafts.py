"""Macros and articles as drafts: the shop's fixed sentences, filled, in the customers' languages (R20, R94, R123).

Belongs here: choosing languages and filling sentences of `shop/replies.yaml`; an article quotes customers instead of
inventing questions. Does not belong here: sending or publishing. Every draft waits for a person.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from insights_assets.actions import escaping
from insights_assets.actions.model import Evidence, Product
from insights_assets.actions.quotes import QUOTES_SHOWN, choose_quotes
from insights_assets.shop.model import Replies, Shop

#: A language gets its own draft from this share of the issue's records on.
LANGUAGE_SHARE = 0.10
#: Topics of goods that are faulty, missing or wrong: there a replacement or money back is the answer.
GOODS = ("damaged_on_arrival", "missing_accessories", "wrong_item", "product_quality", "sizing_issue")
#: An article is for everybody: no order or account of one customer may stand in it.
_LONG_NUMBER = re.compile(r"\d{5,}")


@dataclass(frozen=True)
class Draft:
    """One draft text in one language; `text` is Markdown with customers' words inert."""

    kind: str
    language: str
    title: str
    text: str


def draft_languages(evidence: Sequence[Evidence], shop: Shop) -> tuple[str, ...]:
    """The shop's languages in which enough customers wrote, most used first; the shop's first language if none."""
    counts = Counter(record.language for record in evidence if record.language in shop.languages)
    total = sum(counts.values())
    ranked = sorted(counts.items(), key=lambda item: (-item[1], shop.languages.index(item[0])))
    return tuple(language for language, n in ranked if n >= LANGUAGE_SHARE * total) or shop.languages[:1]


def macro_drafts(topic: str, evidence: Sequence[Evidence], shop: Shop, product: Product | None) -> tuple[Draft, ...]:
    """A reply for the service team in each language of the customers."""
    drafts = []
    for language in draft_languages(evidence, shop):
        replies = shop.replies[language]
        about, for_product = _about(replies, topic, product)
        body = [
            replies.sentences["greeting"],
            "",
            replies.sentences["thanks"].format(about=about, product=for_product),
            replies.sentences["doing"],
            replies.sentences[_offer(topic)],
            "",
            replies.sentences["closing"],
        ]
        title = replies.sentences["article_title"].format(about=about, product=for_product)
        drafts.append(Draft("macro", language, title, "\n".join(body) + "\n"))
    return tuple(drafts)


def article_drafts(topic: str, evidence: Sequence[Evidence], shop: Shop, product: Product | None) -> tuple[Draft, ...]:
    """A help article in each language of the customers: what they ask, in their words, and what they can do."""
    drafts = []
    for language in draft_languages(evidence, shop):
        replies = shop.replies[language]
        about, for_product = _about(replies, topic, product)
        title = replies.sentences["article_title"].format(about=about, product=for_product)
        own = [record for record in evidence if record.language == language]
        quotes = [q for q in choose_quotes(topic, own, 2 * QUOTES_SHOWN) if not _LONG_NUMBER.search(q.text)]
        asked = [f"- “{escaping.markdown(quote.text)}”" for quote in quotes[:QUOTES_SHOWN]]
        body = [f"# {title}", ""]
        if asked:
            body += [f"## {replies.sentences['article_ask']}", "", *asked, ""]
        body += [f"## {replies.sentences['article_do']}", "", replies.sentences["doing"], replies.sentences[_offer(topic)]]
        drafts.append(Draft("article", language, title, "\n".join(body) + "\n"))
    return tuple(drafts)


def product_of(skus: Sequence[str], products: Mapping[str, Product]) -> Product | None:
    """The product a draft may name: only where the issue is about one."""
    return products.get(skus[0]) if len(skus) == 1 else None


def _offer(topic: str) -> str:
    return "offer" if topic in GOODS else "answer"


def _about(replies: Replies, topic: str, product: Product | None) -> tuple[str, str]:
    named = ""
    if product is not None and product.name:
        named = replies.sentences["for_product"].format(about="", product=escaping.markdown(product.name, 80))
    return replies.about.get(topic, replies.about["other"]), named
