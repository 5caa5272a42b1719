"""Rules: the deterministic first step of the cascade, versioned, with the place in the text that fired them.

Belongs here: running `rules.yaml` over folded texts, return reason codes, signals, bare ratings, and patterns a
shop adds for one SKU (R84). Does not belong here: what happens when rule and classifier differ (`cascade`).

A rule runs only on texts that hold one of its trigger words. That is decided once per distinct word of a batch, so
most texts never meet a regular expression.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from insights_assets.labels.concepts import LANGUAGES
from insights_assets.labels.evidence import Span
from insights_assets.labels.words import Tokens, fold

TOPIC, RISK_TAG = "topic", "risk_tag"
RULE_CONFIDENCE = 0.9
CODE_CONFIDENCE = 0.8
_CLAUSE_EDGE = re.compile(r"[.!?\n]")


class RuleError(ValueError):
    """A rule file that cannot be used; the message names rule and field."""


@dataclass(frozen=True)
class Rule:
    """One rule: what it says, in which languages, and what must not stand beside it."""

    rule_id: str
    kind: str
    targets: tuple[str, ...]
    requirement: str
    triggers: Mapping[str, tuple[str, ...]]
    patterns: Mapping[str, tuple[re.Pattern[str], ...]]
    unless: Mapping[str, tuple[re.Pattern[str], ...]]
    needs_sku: bool = False
    urgency: str | None = None

    def find(self, folded: str, language: str) -> Span | None:
        """Where the rule fires, or None. A veto counts in the clause of the match only."""
        vetoes = self.unless.get(language, ())
        for pattern in self.patterns.get(language, ()):
            for match in pattern.finditer(folded):
                start, end = match.span()
                if end > start and not _vetoed(folded, start, end, vetoes):
                    return Span(start, end)
        return None


@dataclass(frozen=True)
class SkuPattern:
    """What customers of one product say when it fails ("the tilt lock"): a topic or tag for that SKU alone (R84)."""

    sku: str
    pattern: str
    kind: str
    target: str

    @property
    def rule_id(self) -> str:
        """Stable id, shown in `rule_labels`."""
        return f"sku:{self.sku}:{self.target}"


@dataclass(frozen=True, slots=True)
class Hit:
    """One rule that fired, with the place that made it (none for codes, signals and ratings)."""

    rule_id: str
    kind: str
    target: str
    span: Span | None
    urgency: str | None = None
    confidence: float = RULE_CONFIDENCE
    needs_sku: bool = False


@dataclass(frozen=True)
class RuleBook:
    """A version of all rules."""

    version: str
    rules: tuple[Rule, ...]
    reason_codes: tuple[tuple[str, tuple[str, ...]], ...]
    sku_patterns: tuple[tuple[SkuPattern, re.Pattern[str]], ...] = ()

    def with_sku_patterns(self, patterns: Iterable[SkuPattern]) -> RuleBook:
        """The same rules and a shop's own patterns; the version says that they are there."""
        added = tuple((one, re.compile(fold(one.pattern))) for one in patterns)
        suffix = f"{self.version}+{len(added)}sku" if added else self.version
        return RuleBook(suffix, self.rules, self.reason_codes, added)

    def candidates(self, tokens: Tokens, words: Sequence[str], language: str) -> np.ndarray:
        """A bit mask a text: which rules have one of their trigger words in it."""
        marks = np.zeros(len(words), dtype=np.int64)
        for number, rule in enumerate(self.rules):
            beginnings = rule.triggers.get(language, ())
            if beginnings:
                fires = [word.startswith(beginnings) for word in words]
                marks |= np.asarray(fires, dtype=np.int64) << number
        masks = np.zeros(len(tokens.folded), dtype=np.int64)
        if len(tokens.word):
            np.bitwise_or.at(masks, tokens.text, marks[tokens.word])
        return masks

    def text_hits(self, folded: str, language: str, mask: int = -1) -> list[Hit]:
        """Every rule that fires in one folded text; rules that need a SKU are marked, not decided."""
        hits = []
        for number, rule in enumerate(self.rules):
            if mask >> number & 1 and (span := rule.find(folded, language)) is not None:
                hits += [
                    Hit(rule.rule_id, rule.kind, target, span, rule.urgency, RULE_CONFIDENCE, rule.needs_sku)
                    for target in rule.targets
                ]
        return hits

    def is_vetoed(self, target: str, clause: str, language: str) -> bool:
        """Whether a folded clause says what the rules of this target are told to leave ("no smoke", "began to cut out")."""
        vetoes = (veto for rule in self.rules if target in rule.targets for veto in rule.unless.get(language, ()))
        return any(veto.search(clause) for veto in vetoes)

    def sku_hits(self, folded: str, sku: str | None) -> list[Hit]:
        """A shop's own patterns for the product of this record."""
        return [
            Hit(one.rule_id, one.kind, one.target, Span(*match.span()))
            for one, pattern in self.sku_patterns
            if one.sku == sku and (match := pattern.search(folded)) is not None
        ]

    def reason_hit(self, reason_code: str) -> Hit:
        """Topic of a return reason; codes nobody knows are `other`."""
        code = re.sub(r"[^a-z]+", "_", fold(reason_code)).strip("_")
        for topic, pieces in self.reason_codes:
            if any(piece in code for piece in pieces):
                return Hit(f"reason:{code}", TOPIC, topic, None, confidence=CODE_CONFIDENCE)
        return Hit(f"reason:{code}", TOPIC, "other", None, confidence=CODE_CONFIDENCE)


def signal_hit(signal: str) -> Hit:
    """Topic of a session: an error is a site problem; leaving a basket behind says nothing about why."""
    if signal == "error":
        return Hit("signal:error", TOPIC, "app_or_site_problem", None, confidence=CODE_CONFIDENCE)
    return Hit(f"signal:{signal}", TOPIC, "other", None, confidence=CODE_CONFIDENCE)


def rating_hit(rating: float | None, nps: float | None) -> Hit:
    """Topic of a rating without words: praise from 4 stars or a promoter's 9, else other."""
    pleased = rating >= 4 if rating is not None else nps is not None and nps >= 9
    return Hit("rating:" + ("pleased" if pleased else "plain"), TOPIC, "praise" if pleased else "other", None)


@lru_cache(maxsize=1)
def load_rules() -> RuleBook:
    """The rules that ship with the project."""
    import yaml

    text = resources.files("insights_assets.labels").joinpath("rules.yaml").read_text("utf-8")
    return parse_rules(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def parse_rules(document: Mapping[str, Any]) -> RuleBook:
    """Compile a parsed rule file; errors name rule and field."""
    macros = document.get("macros", {})
    rules = tuple(_rule(body, macros) for body in document["rules"])
    names = [rule.rule_id for rule in rules]
    if len(set(names)) != len(names):
        raise RuleError("rules.yaml: two rules have the same id")
    if len(rules) > 62:
        raise RuleError("rules.yaml: more than 62 rules do not fit the mask")
    codes = tuple((topic, tuple(pieces)) for topic, pieces in document["reason_codes"].items())
    return RuleBook(str(document["version"]), rules, codes)


def _rule(body: Mapping[str, Any], macros: Mapping[str, Mapping[str, str]]) -> Rule:
    name = body.get("id", "?")
    for field in ("id", "kind", "targets", "requirement", "triggers", "patterns"):
        if field not in body:
            raise RuleError(f"rules.yaml: rule {name}: {field}: missing")
    if body["kind"] not in (TOPIC, RISK_TAG):
        raise RuleError(f"rules.yaml: rule {name}: kind: {body['kind']!r} is neither topic nor risk_tag")

    def compiled(field: str) -> dict[str, tuple[re.Pattern[str], ...]]:
        table = {}
        for language, sources in body.get(field, {}).items():
            if language not in LANGUAGES:
                raise RuleError(f"rules.yaml: rule {name}: {field}: {language!r} is not a known language")
            try:
                table[language] = tuple(re.compile(_filled(one, macros.get(language, {}))) for one in sources)
            except re.error as error:
                raise RuleError(f"rules.yaml: rule {name}: {field}.{language}: {error}") from error
        return table

    return Rule(
        rule_id=name, kind=body["kind"], targets=tuple(body["targets"]), requirement=body["requirement"],
        triggers={language: tuple(words) for language, words in body["triggers"].items()},
        patterns=compiled("patterns"), unless=compiled("unless"),
        needs_sku=bool(body.get("needs_sku", False)), urgency=body.get("urgency"),
    )


def _filled(source: str, macros: Mapping[str, str]) -> str:
    for name, pattern in macros.items():
        source = source.replace("{" + name + "}", f"(?:{pattern})")
    return source


def _vetoed(folded: str, start: int, end: int, vetoes: Iterable[re.Pattern[str]]) -> bool:
    begin = start
    while begin > 0 and not _CLAUSE_EDGE.match(folded[begin - 1]):
        begin -= 1
    edge = _CLAUSE_EDGE.search(folded, end)
    stop = edge.start() if edge else len(folded)
    return any(veto.search(folded, begin, stop) for veto in vetoes)
