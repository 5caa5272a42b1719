"""The redactor: asks each finder, in order of trust, and replaces what they found until nothing more is found.

Belongs here: the order of the finders, the cheap questions that spare most texts most finders, and the counts.
Does not belong here: how anything is recognised.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from insights_assets.canonical.redaction.addresses import find_addresses
from insights_assets.canonical.redaction.electronic import find_emails, find_handles, find_network, find_obfuscated
from insights_assets.canonical.redaction.known import Known, find_known
from insights_assets.canonical.redaction.names import find_names
from insights_assets.canonical.redaction.numbers import find_cards, find_ibans, find_ids, find_security_codes
from insights_assets.canonical.redaction.phones import find_phones
from insights_assets.canonical.redaction.spans import Span, allowed, joined, replaced
from insights_assets.canonical.redaction.view import View, clean, fold

_NOBODY = Known()


@dataclass(frozen=True)
class Redacted:
    """The text that may leave the raw tier, and how many values of each kind it lost."""

    text: str
    counts: dict[str, int] = field(default_factory=dict)


class Redactor:
    """Replaces personal data in texts. Holds no state between texts, so one serves a whole process.

    `product_words` are words of product names: no guess touches them, and a customer who bears one of them as a name
    is recognised by context ("Regards, Jordan"), not by the word ("the Jordan jacket"). `public_handles` are accounts
    of the shop itself.

    >>> redactor = Redactor(product_words={"Jordan"})
    >>> redactor.redact("My name is Ann Wood, the Jordan jacket tore, mail ann@example.org", Known(), ()).text
    'My name is [name], the Jordan jacket tore, mail [email]'
    """

    def __init__(self, *, product_words: Collection[str] = (), public_handles: Collection[str] = ()) -> None:
        self._product_words = frozenset(word for entry in product_words for word in fold(entry).split())
        self._public_handles = frozenset(fold(handle).lstrip("@") for handle in public_handles)

    def redact(self, text: str, known: Known = _NOBODY, protected: Collection[str] = ()) -> Redacted:
        """The clean text without personal data.

        `known` are values this row is known to hold. `protected` strings (order ids, SKUs, product names) stay, except
        where they are only a part of something proven, such as the order id inside an e-mail address.
        """
        text = clean(text)
        counts: dict[str, int] = {}
        # Each round hides what it replaced, and the rest of the text only shrinks, so the rounds end. Running until
        # nothing is found is what makes redacting a redacted text change nothing.
        while spans := joined(allowed(view := View(text), self._found(view, known), protected)):
            for span in spans:
                counts[span.kind] = counts.get(span.kind, 0) + 1
            text = clean(replaced(text, spans))
        return Redacted(text, counts)

    def knows_in(self, text: str, known: Known) -> bool:
        """Whether a value of these still stands in a text, in one of its spellings. Tokens of an earlier redaction hide nothing else."""
        return any(True for _ in find_known(View(clean(text)), known, self._product_words))

    def _found(self, view: View, known: Known) -> Iterable[Span]:
        spans: list[Span] = []
        if known is not _NOBODY:
            spans += find_known(view, known, self._product_words)
        lower = view.lower
        if "@" in lower:
            spans += find_emails(view)
            spans += find_handles(view, self._public_handles)
        spans += find_obfuscated(view)
        spans += find_network(view)
        digits = view.digit_count
        if digits:
            spans += find_addresses(view)
            spans += find_security_codes(view)
            if digits >= 6:
                spans += find_ids(view)
                spans += find_phones(view)
            if digits >= 12:
                spans += find_cards(view)
                spans += find_ibans(view)
        spans += find_names(view, self._product_words)
        return spans
