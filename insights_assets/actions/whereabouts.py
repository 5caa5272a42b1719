"""The ticket's *Where*: the rate here beside rates elsewhere, what was ruled out, and what is not known.

Belongs here: sentences about places and rates. Does not belong here: finding causes and rates (`anomalies`), the words
for one attribute (`wording.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from insights_assets.actions import wording
from insights_assets.actions.model import CauseRow
from insights_assets.actions.ticket_form import Style, TicketFacts
from insights_assets.anomalies.topics import ORDERED_LINES, WISHES


def where(facts: TicketFacts, style: Style) -> str:
    """The rate here beside rates elsewhere, what was ruled out, and what is not known."""
    rows = sorted(facts.causes, key=lambda row: row.rank)
    status = facts.issue.cause_status
    own = next((row for row in rows if row.role == "cause"), None)
    said = []
    if own is not None and (own.attributes or facts.issue.scope):
        said.append(_rate_sentence(own, [row for row in rows if row.role == "outside"], facts, style))
    if status == "tied":
        others = [_group(wording.other_part(facts.issue, other), facts, style) for other in facts.issue.alternatives[:2]]
        said.append(f"Not distinguishable yet from: {' or '.join(others)}." if others else "Not distinguishable yet.")
    elif status == "possible" and facts.issue.cause:
        guess = wording.unsure_part(facts.issue)
        unknown = "Nothing finer stands out." if facts.issue.topic in WISHES else "What causes it is not known yet."
        said.append(f"Possible, not proven: {_group(guess, facts, style)}." if guess else unknown)
    elif status == "not_localised" and facts.issue.topic in WISHES:
        said.append("Asked for all over: no single product or region stands out." if not facts.issue.scope else "Nothing finer stands out.")
    elif status == "not_localised" and facts.issue.topic != "safety":
        looked = "product or region" if facts.issue.exposure_kind == ORDERED_LINES else "batch, warehouse, carrier, product or region"
        said.append(f"Not located yet: no single {looked} stands out.")
    elif not said:
        place = _group(facts.issue.attributes, facts, style)
        said.append(f"Reported {place}." if facts.issue.attributes else "No order or product is named.")
    if facts.issue.topic not in WISHES:  # a wish has no culprit to acquit
        said += _ruled_out(rows, {name for other in facts.issue.alternatives for name in other})
    if facts.parts:
        said.append(f"Parts named: {', '.join(f'{style.outside(one.name)} ({one.people} people)' for one in facts.parts)}.")
    return " ".join(said)


def _group(attributes: Mapping[str, str], facts: TicketFacts, style: Style) -> str:
    return wording.group_words(facts.shop.spoken(attributes), facts.products, style.outside)


def _rate_sentence(own: CauseRow, outside: Sequence[CauseRow], facts: TicketFacts, style: Style) -> str:
    titled = facts.issue.cause_status == "cause" and "packaging_batch" in own.attributes
    group = "from this batch" if titled else _group(own.attributes, facts, style)
    if own.rate is None:
        return f"{wording.count(own.observed or 0.0)} {wording.saying(facts.issue.topic)}s {group}; a rate needs orders."
    beside = outside[0] if outside else None
    is_wish = facts.issue.topic in WISHES
    usual = ""
    if beside is not None:
        usual = f", {'on ' if is_wish else ''}{wording.share(beside.rate)} of those {wording.others_words(beside.compared, beside.attributes)}"
    if not usual and facts.issue.expected_count is not None and facts.issue.observed_count > 0:
        usual_rate = own.rate * facts.issue.expected_count / facts.issue.observed_count
        usual = f", {wording.share(usual_rate)} would be usual"
    # Complaints are held against the orders that should have complained by now, so a very bad batch passes all of them.
    here = "Nearly all orders" if own.rate >= NEARLY_ALL else f"{wording.share(own.rate)} of orders"
    if is_wish:  # orders ask for nothing, people do
        return f"People ask for it on {here[:1].lower()}{here[1:]} {group}{usual}."
    return f"{here} {group} complain{usual}."


#: Above this chance a difference between parts of a cause is none.
SAME_RATE_P = 0.05
NEARLY_ALL = 0.9
#: The highest rate over the lowest: up to here it is said that they are the same, beyond the other nothing is said.
ABOUT_THE_SAME, TOO_FAR_APART = 1.5, 2.5


def _ruled_out(rows: Sequence[CauseRow], open_questions: set[str]) -> list[str]:
    """Attributes whose parts all complain alike inside the cause: at most two, carrier first; none that is still
    open.
    """
    groups: dict[str, list[CauseRow]] = {}
    for row in rows:
        if row.role == "inside" and row.rate is not None and row.compared not in open_questions:
            groups.setdefault(row.compared, []).append(row)
    said = []
    for attribute in sorted(groups, key=lambda name: (name != "carrier", name)):
        parts = groups[attribute]
        if len(parts) > 1 and all((row.p_value or 0.0) > SAME_RATE_P for row in parts):
            rates = sorted(row.rate or 0.0 for row in parts)
            apart = rates[-1] / rates[0] if rates[0] > 0 else math.inf
            if apart > TOO_FAR_APART:
                continue  # too few complaints to see a difference is no proof that there is none
            alike = "about the same rate" if apart <= ABOUT_THE_SAME else "no more apart than by chance"
            spread = f"{wording.share(rates[0])} to {wording.share(rates[-1])}"
            named = wording.parts_words(attribute, len(parts))
            said.append(f"Not the {wording.noun(attribute)}: {alike} with {named} ({spread}).")
    return said[:2]
