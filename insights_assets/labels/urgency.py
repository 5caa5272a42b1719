"""Urgency: how soon somebody should look at a record. Never a severity: what it is worth is priority's work.

Belongs here: deadlines, repeated contact, threats and what rules and topics already say. Does not belong here:
tiers, money, who is told (`anomalies`, `actions`).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

LOW, NORMAL, HIGH, CRITICAL = "low", "normal", "high", "critical"
ORDER = {LOW: 0, NORMAL: 1, HIGH: 2, CRITICAL: 3}

_PRESSING: Mapping[str, re.Pattern[str]] = {
    "en": re.compile(
        r"\b(?:urgent(?:ly)?|asap|a\.s\.a\.p|immediately|right (?:now|away)|as soon as possible|by (?:tomorrow|monday|tuesday|"
        r"wednesday|thursday|friday|saturday|sunday|the weekend)|(?:need|needed) (?:it|this|them) (?:by|before|for|today|tomorrow)|"
        r"emergency|lawyer|solicitor|legal action|trading standards|small claims|court|ombudsman|"
        r"(?:third|fourth|fifth|sixth|\d+th) (?:time|email|e-mail|mail|call|message)|last (?:warning|chance)|still no (?:answer|reply))"
    ),
    "de": re.compile(
        r"\b(?:dringend|eilig|eilt|sofort|umgehend|unverzuglich|schnellstmoglich|bis (?:morgen|montag|dienstag|mittwoch|donnerstag|"
        r"freitag|samstag|sonntag|zum wochenende)|brauche (?:es|das|sie|ihn) (?:bis|vor|heute|morgen)|anwalt|rechtlich\w*|"
        r"verbraucherzentrale|gericht|(?:dritt|viert|funft)e[ns]? (?:mal|mail|nachricht)|letzte (?:warnung|frist)|frist)"
    ),
    "fr": re.compile(
        r"\b(?:urgent\w*|urgence|immediatement|tout de suite|au plus vite|rapidement svp|avant (?:demain|lundi|mardi|mercredi|jeudi|"
        r"vendredi|samedi|dimanche)|avocat|justice|tribunal|dgccrf|association de consommateurs|mise en demeure|"
        r"(?:troisieme|quatrieme|cinquieme|enieme) (?:fois|mail|message|relance)|dernier delai)"
    ),
    "es": re.compile(
        r"\b(?:urgente\w*|urge|inmediatamente|cuanto antes|ya mismo|lo antes posible|antes del? (?:manana|lunes|martes|miercoles|"
        r"jueves|viernes|sabado|domingo)|abogado|demanda|consumo|tribunal|juzgado|(?:tercera|cuarta|quinta|enesima) vez|"
        r"ultimo aviso)"
    ),
    "pt": re.compile(
        r"\b(?:urgente\w*|urgencia|imediatamente|quanto antes|ja mesmo|o mais rapido possivel|ate (?:amanha|segunda|terca|quarta|"
        r"quinta|sexta|sabado|domingo)|advogado|procon|justica|tribunal|deco|reclame aqui|(?:terceira|quarta|quinta|enesima) vez|"
        r"ultimo aviso)"
    ),
}
_CALM_TOPICS = frozenset({"praise", "feature_request", "other"})


def is_pressing(folded: str, language: str) -> bool:
    """Whether the text names a deadline, repeated contact, or legal steps."""
    return _PRESSING[language].search(folded) is not None


def urgency_of(
    topics: Collection[str], risk_tags: Collection[str], pressing: bool, sentiment: str, from_rules: Collection[str] = ()
) -> str:
    """One word for how soon: safety and fraud at once; deadlines and threats soon; praise and wishes whenever."""
    level = NORMAL
    if set(topics) <= _CALM_TOPICS and sentiment != "negative":
        level = LOW
    if pressing and sentiment != "positive" and not set(topics) <= {"praise"}:
        level = HIGH
    if "churn_risk" in risk_tags:
        level = max(level, HIGH, key=ORDER.__getitem__)
    for wanted in from_rules:
        level = max(level, wanted, key=ORDER.__getitem__)
    if "fraud_like" in risk_tags:
        level = CRITICAL
    return level
