"""Numbers, days, places and causes in words, the same in every ticket, alert, brief and answer.

Belongs here: how a figure or an attribute is said. Does not belong here: which of them are said (`tickets.py`,
`brief.py`) and escaping; values from data come back as they are, through `outside`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from insights_assets.actions.model import Issue, Product
from insights_assets.anomalies.topics import WISHES
from insights_assets.shop.model import TopicPolicy

#: How a text from outside is made inert; each rendering has its own.
Outside = Callable[[str], str]
LANGUAGES = {"de": "German", "en": "English", "es": "Spanish", "fr": "French", "pt": "Portuguese"}
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NOUNS = {
    "packaging_batch": "packaging batch",
    "sku": "product",
    "carrier": "carrier",
    "warehouse": "warehouse",
    "product_line": "product line",
    "region": "region",
    "channel": "channel",
}
#: The other parts of the shop that a rate is compared with, coarse attributes after fine ones.
_OTHERS = {
    "packaging_batch": "from other batches",
    "warehouse": "from other warehouses",
    "sku": "for other products",
    "product_line": "for other product lines",
    "carrier": "with other carriers",
    "region": "in other regions",
    "channel": "through other channels",
}


def money(amount: float | None) -> str:
    """An amount without its currency: 1,940; 87; 4.5. From a thousand on rounded to tens."""
    if amount is None:
        return "unknown"
    if round(amount, 1) == 0:
        return "0"
    if abs(amount) >= 1000:
        return f"{round(amount, -1):,.0f}"
    return f"{amount:,.0f}" if abs(amount) >= 10 else f"{amount:.1f}"


def count(value: float) -> str:
    """A count: whole where it is whole, one decimal below ten otherwise."""
    if value >= 10 or float(value).is_integer():
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 0.05 else "fewer than 0.1"


def share(value: float | None) -> str:
    """A share of 0 to 1 in per cent."""
    if value is None:
        return "unknown"
    percent = value * 100
    return f"{percent:.1f} %" if percent >= 0.05 or percent == 0 else "under 0.1 %"


def times(value: float) -> str:
    return f"{value:,.0f} x" if value >= 100 else f"{value:.1f} x"


def day(value: date) -> str:
    """Tue 24 Nov: people plan by weekdays"""
    return f"{WEEKDAYS[value.weekday()]} {short_day(value)}"


def short_day(value: date) -> str:
    """24 Nov, for the axis of a plot"""
    return f"{value.day} {MONTHS[value.month - 1]}"


def moment(value: datetime, zone: ZoneInfo) -> str:
    """Tue 24 Nov, 12:00 on the shop's clock"""
    local = value.astimezone(zone)
    return f"{day(local.date())}, {local:%H:%M}"


def ticket_place(destination: str, insight_id: str) -> str:
    """Where a ticket is, for a message about it: a file of the desk, or the project in which its insight's name finds it."""
    vendor, _, project = destination.partition(":")
    return f"tickets/{insight_id}.md" if vendor == "desk" else f"in {vendor.title()}, project {project}: search for {insight_id}"


def ordinal(number: int) -> str:
    """2nd, 3rd, 11th"""
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def elapsed(hours: float) -> str:
    """31 h; from four days on in days."""
    if hours < 1:
        return "within the hour"
    return f"{hours:.0f} h" if hours < 96 else f"{hours / 24:.0f} days"


def chance(p_value: float | None) -> str:
    """How often so much comes by chance: `once in 4,000 quiet weeks`. `p_value` is that of one day's look at the
    series.

    Empty where it is unknown or nothing unusual (more than once in two weeks).
    """
    if p_value is None or not 0 <= p_value <= 1 or p_value * 7 > 0.5:
        return ""
    weeks = 1 / (p_value * 7) if p_value > 0 else math.inf
    if weeks >= 100_000:
        return "less than once in 100,000 quiet weeks"
    digits = -(len(f"{weeks:.0f}") - 1)
    rounded = round(weeks, digits) if weeks >= 10 else round(weeks)
    return f"once in {rounded:,.0f} quiet weeks"


def customers_say(number: int, says: str) -> str:
    """`41 customers … report breakage` needs the verb in the right number."""
    if number != 1:
        return says
    verb, _, rest = says.partition(" ")
    if verb == "do":
        return f"does {rest}"
    ending = "es" if verb.endswith(("s", "sh", "ch", "x", "z")) else "s"
    return f"{verb}{ending} {rest}".strip()


def saying(topic: str) -> str:
    """What one customer's word about a topic is: a complaint; of a wish a request."""
    return "request" if topic in WISHES else "complaint"


def who_say(topic: str) -> str:
    return "who ask for it" if topic in WISHES else "who complain"


def product_words(attributes: Mapping[str, str], products: Mapping[str, Product], outside: Outside) -> str:
    """The product an issue is about: its name, its line, or all products."""
    sku = attributes.get("sku")
    if sku:
        product = products.get(sku)
        return f"{outside(product.name)} ({outside(sku)})" if product and product.name else outside(sku)
    line = attributes.get("product_line")
    return outside(line) if line else "all products"


def place_words(attributes: Mapping[str, str], outside: Outside) -> str:
    """Where: `from WH-LEJ, packaging batch LEJ-PB07 with Swift in Germany`; empty when nothing is known."""
    forms = (("warehouse", "from {}"), ("packaging_batch", "packaging batch {}"), ("carrier", "with {}"),
             ("region", "in {}"), ("channel", "through {}"))  # fmt: skip
    known = [(name, form.format(outside(attributes[name]))) for name, form in forms if name in attributes]
    named = {name for name, _ in forms} | {"sku", "product_line"}
    known += [("", f"{noun(name)} {outside(value)}") for name, value in sorted(attributes.items()) if name not in named]
    # "from WH-LEJ, packaging batch LEJ-PB07 with Swift in Germany": a comma only where two nouns would meet
    joined = [(", " if name in ("packaging_batch", "") else " ") + words for name, words in known]
    return "".join(joined).removeprefix(", ").removeprefix(" ")


def group_words(attributes: Mapping[str, str], products: Mapping[str, Product], outside: Outside) -> str:
    """What a rate is of: `from WH-LEJ, packaging batch LEJ-PB07` or the product."""
    place = place_words(attributes, outside)
    about_product = "sku" in attributes or "product_line" in attributes
    product = f"for {product_words(attributes, products, outside)}" if about_product else ""
    return " ".join(part for part in (product, place) if part) or "overall"


def unsure_part(issue: Issue) -> dict[str, str]:
    """What a possible cause adds to what is known of the place anyway."""
    return {name: value for name, value in issue.cause.items() if issue.scope.get(name) != value}


def other_part(issue: Issue, other: Mapping[str, str]) -> dict[str, str]:
    """What another explanation adds to what the issue's own place says already, so that no name stands twice in a sentence; all of it where it adds nothing."""
    return {name: value for name, value in other.items() if issue.attributes.get(name) != value} or dict(other)


def others_words(compared: str, rest: Mapping[str, str]) -> str:
    """What a rate is compared with: `from other batches of the same warehouse and product line`.

    `compared` is the attribute that differs, `rest` those that are the same. The values stand in the sentence already.
    """
    form = _OTHERS.get(compared, f"with another {noun(compared)}")
    same = [noun(name) for name in _OTHERS if name in rest]
    if not same:
        return form
    link = "in" if same == ["region"] else "of"
    return f"{form} {link} the same {', '.join(same[:-1])}{' and ' if len(same) > 1 else ''}{same[-1]}"


def parts_words(attribute: str, number: int) -> str:
    """`all three carriers`, `both warehouses`, `all 7 regions`"""
    how_many = {2: "both", 3: "all three", 4: "all four"}.get(number, f"all {number}")
    return f"{how_many} {noun(attribute)}s"


def noun(attribute: str) -> str:
    return _NOUNS.get(attribute, attribute.replace("_", " "))


def title_words(issue: Issue, topic: TopicPolicy, products: Mapping[str, Product], outside: Outside) -> str:
    """The title: topic, product, cause. Says what is not known instead of leaving it out (R25).

    The insight's own title leads where there is one, so that an issue has one name everywhere.
    """
    sure = issue.attributes if issue.cause_status in ("cause", "tied") else issue.scope
    place = place_words(sure, outside)
    made = f"{topic.title}: {product_words(sure, products, outside)}" + (f" {place}" if place else "")
    head = outside(issue.title) if issue.title else made
    if issue.cause_status == "cause" or issue.topic == "safety":
        return head
    if issue.cause_status == "possible" and (guess := unsure_part(issue)):
        return f"{head}, possibly {group_words(guess, products, outside)}"
    if issue.cause_status == "tied":
        others = " or ".join(group_words(other_part(issue, other), products, outside) for other in issue.alternatives[:2])
        return f"{head}, or {others}: not distinguishable yet" if others else f"{head}, cause not distinguishable yet"
    # A wish has no cause: where people ask for it is all there is to say.
    return head if issue.topic in WISHES else f"{head}, cause not located yet"
