"""Deterministic rules: what a phrase, a code or a signal says for certain enough to be written down.

Belongs here: each rule with its id, what it sets and the words that fire it, in five languages, on folded text (`words.fold`).
Does not belong here: which of several voices wins (`cascade`). Versioned by content: any edit of a pattern is another version.

R53: refund language and a SKU (in the text or by the order) mean potential_defect and refund_risk. R54: "works on arrival, fails
after days" means quality_review, which lands in the quality team's queue.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from insights_assets.labels.words import fold

_NUMBER = r"(?:\d+|a|an|one|two|three|four|five|six|seven|ten|few|couple of|ein\w*|zwei|drei|vier|funf|wenig\w*|paar|une?|deux|trois|quatre|cinq|quelques|un[ao]?|dos|tres|cuatro|cinco|pocos|unos|dois|duas|quatro|poucos|alguns)"
_SPAN_WORD = r"(?:hours?|days?|weeks?|months?|uses?|washes|stunden?|tage?n?|wochen?|monate?n?|heures?|jours?|semaines?|mois|horas?|dias?|semanas?|mes(?:es)?|semana)"
_AFTER = (
    rf"(?:(?:after|within|nach|innerhalb von|apres|au bout d\w*|en moins d\w*|despues de|a los|tras|en menos de|depois de|apos|ao fim de|em menos de)\s+(?:\w+\s+)?{_NUMBER}\s+(?:\w+\s+)?{_SPAN_WORD}"
    rf"|{_NUMBER}\s+{_SPAN_WORD}\s+(?:later|in|on|spater|plus tard|despues|mas tarde|depois)|the (?:next|following) (?:day|week)|am nachsten tag|le lendemain|al dia siguiente|no dia seguinte)"
)
_FAILS = (
    r"(?:stop(?:ped|s)? (?:working|charging|heating)|quit (?:working|on me)|died|dead|gave up|gave out|broke|failed|fails|packed (?:it )?in|conked out|won'?t (?:turn on|switch on|charge|start)|"
    r"no longer (?:works|turns on|charges)|does(?:n'?t| not) (?:work|turn on|charge) any ?more|kaputt|defekt|geht nicht mehr|funktioniert nicht mehr|gab den geist auf|ladt nicht mehr|"
    r"en panne|ne (?:marche|fonctionne|charge|s'allume) plus|a lache|a rendu l'ame|dejo de (?:funcionar|cargar|encender)|se estropeo|se rompio|ya no (?:funciona|carga|enciende)|murio|"
    r"deixou de (?:funcionar|carregar|ligar)|parou de (?:funcionar|carregar)|avariou|ja nao (?:funciona|liga|carrega)|morreu|pifou)"
)
_WORKED = (
    r"(?:work(?:ed|s|ing)|fine|perfect\w*|great|good|ok|all right|as expected|funktionier\w*|lief|ging|gut|einwandfrei|marchait|fonctionnait|tres bien|nickel|parfait\w*|funcionaba|iba|bien|perfecto|"
    r"funcionava|estava|bem|perfeito|arrival|out of the box|at first|first|anfangs|zuerst|au debut|al principio|no inicio|a primeira)"
)
_REFUND = (
    r"(?:refund\w*|money back|my money|reimburs\w*|send (?:it|this) back|want to return|chargeback|geld zuruck|ruckerstattung|erstatt\w*|ruckzahlung|zuruckschicken|zuruckgeben|rembours\w*|"
    r"recuperer mon argent|renvoyer|reembols\w*|devolucion|devolver\w*|devuelv\w*|mi dinero|devolv\w*|devolucao|o meu dinheiro|estorno)"
)
_DANGER = (
    r"(?:smok(?:e|ed|ing)\b|caught fire|on fire|flames?|burst into|burn(?:t|ed|s|ing)? (?:my|me|the|his|her|a hole|smell)|burning smell|scorch\w*|melt(?:ed|ing)|electric(?:al)? shock|shocked me|got a shock|sparks?\b|sparked|exploded|"
    r"explosion|overheat\w*|swollen|swelled up|bulg(?:ed|ing)|puffed up|hissing|hissed|zapped|tingl\w+ (?:when|in my)|cut my (?:hand|finger|thumb|palm|lip|foot)s?|bleeding|injur\w*|hospital|emergency room|chok(?:ed|ing) hazard|choking|toxic|poison\w*|fire hazard|dangerous|"
    r"\braucht?e?\b|stieg rauch|rauchentwicklung|brennt|aufgeblaht|aufgequollen|gezischt|zischte|gewischt bekommen|eine gewischt|schmorge\w+|verschmort|roch nach (?:geschmolzen\w*|verbrannt\w*|schmor\w*)|feuer|flammen|stromschlag|funken|explodiert|uberhitz\w*|geschmolzen|verbrannt|verletz\w*|krankenhaus|gefahrlich|fumee|prend feu|pris feu|flammes|choc electrique|decharge|etincelles|explose|"
    r"surchauff\w*|fondu|gonflee? et|a gonfle|siffle\w*|odeur de brule|brule\w*|blesse\w*|hopital|dangereux|humo|incendi\w*|fuego|llamas|descarga|calambre|chispas|exploto|recalent\w*|derritio|hinchad\w*|se hincho|olor a quemado|quem[oa]\w*|herid\w*|hospital|peligros\w*|fumo|fogo|chamas|"
    r"choque eletrico|faiscas|explodiu|sobreaquec\w*|derreteu|inchou|inchad\w*|cheiro a queimado|queimou|queimad\w*|ferid\w*|perigos\w*)"
)
_NOT_DANGER = r"(?:smoke ?(?:grey|gray|glass|colou?r)|fire ?(?:pit|place|works|sale)|no (?:smoke|burning|danger)|not dangerous|spark(?:s|ed)? joy|hot stuff|burnt orange|burned? a hole in my (?:pocket|wallet))"
_FRAUD = (
    r"(?:scam\w*|fraud\w*|stole|stolen|unauthori[sz]ed|did(?:n'?t| not) (?:order|authori[sz]e)|never (?:ordered|authori[sz]ed)|fake (?:shop|product|item)|counterfeit|betrug\w*|betruger\w*|falschung|nicht bestellt|nie bestellt|"
    r"arnaque\w*|escroqu\w*|fraude|contrefacon|jamais commande|estafa\w*|fraude|falsificad\w*|no (?:he )?(?:pedi|autoric\w*)|burla|fraude|falsificad\w*|nao (?:encomendei|autorizei))"
)
_CHURN = (
    r"(?:never (?:again|order\w*|buy\w*|shop\w*)|last time i|(?:taking|take) my (?:business|money) elsewhere|lost (?:me as )?a customer|cancel my (?:account|membership|subscription)|switch(?:ing|ed)? to (?:a competitor|another)|"
    r"nie wieder|letzte bestellung|konto (?:loschen|kundigen)|plus jamais|derniere fois|cloturer mon compte|nunca mas|ultima vez|cerrar mi cuenta|nunca mais|encerrar a minha conta)"
)
_URGENT = (
    r"(?:urgent\w*|asap|immediately|right away|today|by tomorrow|lawyer|legal action|small claims|deadline|wedding|dringend|sofort|umgehend|anwalt|bis morgen|urgence|immediatement|avocat|mise en demeure|tout de suite|"
    r"urgente\w*|inmediatamente|abogado|de inmediato|imediatamente|advogado|quanto antes)"
)


@dataclass(frozen=True)
class Rule:
    """A rule: when `pattern` is found in the folded text (and `unless` is not around it), `target` of `kind` is set."""

    rule_id: str
    kind: str  # topic, risk_tag, urgency
    targets: tuple[str, ...]
    pattern: re.Pattern[str]
    unless: re.Pattern[str] | None = None
    needs_sku: bool = False


def _rule(rule_id: str, kind: str, targets: tuple[str, ...], pattern: str, unless: str | None = None, needs_sku: bool = False) -> Rule:
    return Rule(rule_id, kind, targets, re.compile(pattern), re.compile(unless) if unless else None, needs_sku)


RULES: tuple[Rule, ...] = (
    _rule("R53-refund-with-sku", "risk_tag", ("potential_defect", "refund_risk"), rf"\b{_REFUND}\b", needs_sku=True),
    _rule("R54-fails-after-days", "risk_tag", ("quality_review",), rf"\b{_FAILS}\b[^.!?\n]{{0,40}}\b{_AFTER}|\b{_AFTER}\b[^.!?\n]{{0,50}}\b{_FAILS}\b|\b{_WORKED}\b[^.!?\n]{{0,40}}\b{_AFTER}[^.!?\n]{{0,40}}\b{_FAILS}"),
    _rule("safety-danger", "topic", ("safety",), rf"\b{_DANGER}", unless=_NOT_DANGER),
    _rule("churn-words", "risk_tag", ("churn_risk",), rf"\b{_CHURN}"),
    _rule("fraud-words", "risk_tag", ("fraud_like",), rf"\b{_FRAUD}"),
    _rule("urgent-words", "urgency", ("high",), rf"\b{_URGENT}\b"),
)

#: Return reasons as shops code them, and the topic each stands for.
RETURN_TOPICS = {
    "damaged": "damaged_on_arrival", "arrived_damaged": "damaged_on_arrival", "broken": "damaged_on_arrival", "defective": "product_quality", "faulty": "product_quality",
    "not_working": "product_quality", "quality": "product_quality", "poor_quality": "product_quality", "wrong_size": "sizing_issue", "too_small": "sizing_issue", "too_large": "sizing_issue",
    "too_big": "sizing_issue", "size": "sizing_issue", "fit": "sizing_issue", "does_not_fit": "sizing_issue", "wrong_item": "wrong_item", "not_as_ordered": "wrong_item",
    "missing_parts": "missing_accessories", "incomplete": "missing_accessories", "missing_accessory": "missing_accessories", "late": "shipping_delay", "arrived_late": "shipping_delay", "too_late": "shipping_delay",
    "changed_mind": "returns_and_refunds", "no_longer_needed": "returns_and_refunds", "unwanted": "returns_and_refunds", "better_price": "price_value", "found_cheaper": "price_value",
    "safety": "safety", "unsafe": "safety",
}


def _version() -> str:
    digest = hashlib.sha256()
    for rule in RULES:
        digest.update(f"{rule.rule_id}|{rule.kind}|{rule.targets}|{rule.pattern.pattern}|{rule.unless.pattern if rule.unless else ''}".encode())
    digest.update(repr(sorted(RETURN_TOPICS.items())).encode())
    return "rules@" + digest.hexdigest()[:12]


RULES_VERSION = _version()


@dataclass(frozen=True)
class Hit:
    """One rule that fired: what it sets and the span of the text that made it fire (empty for codes and signals)."""

    rule_id: str
    kind: str
    target: str
    start: int
    end: int


def text_hits(text: str, *, has_sku: bool) -> list[Hit]:
    """Every rule that fires on a text. `has_sku`: the record names a product, in its words or by its order (R53)."""
    folded = fold(text)
    hits: list[Hit] = []
    for rule in RULES:
        if rule.needs_sku and not has_sku:
            continue
        match = rule.pattern.search(folded)
        if match is None or (rule.unless is not None and rule.unless.search(folded)) or _negated(folded, match.start()):
            continue
        hits.extend(Hit(rule.rule_id, rule.kind, target, match.start(), match.end()) for target in rule.targets)
    return hits


_NEGATION = re.compile(r"\b(?:no|not|never|without|don'?t want a|kein\w*|nicht|ohne|pas de|sans|sin|ningun\w*|sem|nao|nenhum\w*)\s+(?:\w+\s+)?$")


def _negated(folded: str, start: int) -> bool:
    """Whether the words right before a match deny it ("no smoke", "ohne Brandgeruch")."""
    return _NEGATION.search(folded, max(0, start - 24), start) is not None


def return_topic(reason_code: str | None) -> str | None:
    """The topic a return reason stands for, or None for one nobody has mapped."""
    if not reason_code:
        return None
    return RETURN_TOPICS.get(re.sub(r"[^a-z]+", "_", fold(reason_code)).strip("_"))
