"""Label sets: the closed list of topics and risk tags that every label is drawn from.

Belongs here: reading and validating `label_sets/<version>.yaml` and what follows from it (owners, action
paths, which topic took over from a retired one). Does not belong here: prompts (`prompts`), rules, anything
that looks at a text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from insights_assets.labels.prompts import label_set_versions, prompt_text

TEAMS = frozenset({"quality", "supply_chain", "support", "product", "merchandising", "marketing", "finance", "web"})
ACTION_KINDS = frozenset(
    {"defect_ticket", "notification", "promo_hold", "macro", "article", "copy_change", "escalation"}
)
TOPIC_CAP = 20  # R153: few standard labels across teams
RISK_TAG_CAP = 6


class LabelSetError(ValueError):
    """A label set that cannot be used; the message names file and field."""

#: Danger first, then trouble (1), then wishes, then praise.
_FIRST = {"safety": 0, "feature_request": 2, "praise": 3, "other": 4}


def topic_rank(topic: str) -> int:
    """Where a topic stands among those of one record: what should be looked at first has the lowest."""
    return _FIRST.get(topic, 1)



@dataclass(frozen=True, slots=True)
class Topic:
    """One topic with what an analyst needs to apply it and what follows from it (R55)."""

    topic: str
    definition: str
    include: str
    exclude: str
    examples: tuple[str, ...]
    parent: str
    owner: str
    action_path: tuple[str, ...]
    deprecated_to: str | None = None


@dataclass(frozen=True, slots=True)
class RiskTag:
    """One risk tag; a record carries any number of them beside its topics."""

    risk_tag: str
    definition: str
    include: str
    exclude: str
    owner: str
    action_path: tuple[str, ...]


@dataclass(frozen=True)
class LabelSet:
    """A version of the closed lists. Equal content means equal object."""

    version: str
    schema_version: str
    topics: tuple[Topic, ...]
    risk_tags: tuple[RiskTag, ...]

    @cached_property
    def topic_ids(self) -> tuple[str, ...]:
        """Ids of the topics in use, in the order of the file; retired ones are left out."""
        return tuple(topic.topic for topic in self.topics if topic.deprecated_to is None)

    @cached_property
    def risk_tag_ids(self) -> tuple[str, ...]:
        """Ids of the risk tags in the order of the file."""
        return tuple(tag.risk_tag for tag in self.risk_tags)

    def topic(self, topic: str) -> Topic:
        """The topic of that id; a KeyError lists the ids there are."""
        for candidate in self.topics:
            if candidate.topic == topic:
                return candidate
        raise KeyError(f"{topic!r} is not in label set {self.version}: {', '.join(self.topic_ids)}")

    def current(self, topic: str) -> str:
        """The id under which a topic of an older set is read today (follows `deprecated_to`)."""
        seen: set[str] = set()
        while (successor := self.topic(topic).deprecated_to) is not None:
            if topic in seen:
                raise LabelSetError(f"label set {self.version}: deprecated_to of {topic!r} goes in a circle")
            seen.add(topic)
            topic = successor
        return topic


def parse_label_set(document: Any, where: str) -> LabelSet:
    """Validate a parsed YAML document; every error says `where` and which field."""
    top = _mapping(document, where, "the document")
    version = _text(top, "version", where)
    topics = tuple(
        _topic(name, body, where) for name, body in _mapping(top.get("topics"), where, "topics").items()
    )
    tags = tuple(
        _risk_tag(name, body, where) for name, body in _mapping(top.get("risk_tags"), where, "risk_tags").items()
    )
    topic_cap = min(TOPIC_CAP, _number(top, "max_topics", where))
    tag_cap = min(RISK_TAG_CAP, _number(top, "max_risk_tags", where))
    if sum(topic.deprecated_to is None for topic in topics) > topic_cap:
        raise LabelSetError(f"{where}: topics: {len(topics)} topics, at most {topic_cap} are allowed")
    if len(tags) > tag_cap:
        raise LabelSetError(f"{where}: risk_tags: {len(tags)} risk tags, at most {tag_cap} are allowed")
    names = {topic.topic for topic in topics}
    for required in ("praise", "other"):
        if required not in names:
            raise LabelSetError(f"{where}: topics: {required!r} is missing; every label set needs it")
    for topic in topics:
        if topic.deprecated_to is not None and topic.deprecated_to not in names:
            raise LabelSetError(
                f"{where}: topics.{topic.topic}.deprecated_to: {topic.deprecated_to!r} is not a topic of this set"
            )
    return LabelSet(version, _text(top, "schema", where), topics, tags)


@lru_cache(maxsize=8)
def load_label_set(version: str | None = None) -> LabelSet:
    """Read a version of the label set (default: the one `label_sets/ACTIVE` names)."""
    import yaml

    name = version or prompt_text("label_sets/ACTIVE").strip()
    where = f"prompts/label_sets/{name}.yaml"
    try:
        document = yaml.safe_load(prompt_text(f"label_sets/{name}.yaml"))
    except yaml.YAMLError as error:
        raise LabelSetError(f"{where}: not readable as YAML: {error}") from error
    label_set = parse_label_set(document, where)
    if label_set.version != name:
        raise LabelSetError(f"{where}: version: {label_set.version!r} does not match the file name")
    return label_set


def topics_ever() -> frozenset[str]:
    """Every topic that some version of the label set names: one that the present version lacks was dropped, any other was never known."""
    return frozenset(topic.topic for version in label_set_versions() for topic in load_label_set(version).topics)


def _topic(name: Any, body: Any, where: str) -> Topic:
    at = f"topics.{name}"
    fields = _mapping(body, where, at)
    _known(fields, {"definition", "include", "exclude", "examples", "parent", "owner", "action_path", "deprecated_to"},
           where, at)
    examples = fields.get("examples")
    if not isinstance(examples, list) or not examples or not all(isinstance(one, str) for one in examples):
        raise LabelSetError(f"{where}: {at}.examples: needs a list of at least one text")
    successor = fields.get("deprecated_to")
    if successor is not None and not isinstance(successor, str):
        raise LabelSetError(f"{where}: {at}.deprecated_to: needs a topic or null")
    return Topic(
        topic=str(name),
        definition=_text(fields, "definition", where, at),
        include=_text(fields, "include", where, at),
        exclude=_text(fields, "exclude", where, at),
        examples=tuple(examples),
        parent=_text(fields, "parent", where, at),
        owner=_owner(fields, where, at),
        action_path=_action_path(fields, where, at),
        deprecated_to=successor,
    )


def _risk_tag(name: Any, body: Any, where: str) -> RiskTag:
    at = f"risk_tags.{name}"
    fields = _mapping(body, where, at)
    _known(fields, {"definition", "include", "exclude", "owner", "action_path"}, where, at)
    return RiskTag(
        risk_tag=str(name),
        definition=_text(fields, "definition", where, at),
        include=_text(fields, "include", where, at),
        exclude=_text(fields, "exclude", where, at),
        owner=_owner(fields, where, at),
        action_path=_action_path(fields, where, at),
    )


def _mapping(value: Any, where: str, at: str) -> Mapping[Any, Any]:
    if not isinstance(value, Mapping):
        raise LabelSetError(f"{where}: {at}: needs a mapping, found {type(value).__name__}")
    return value


def _text(fields: Mapping[Any, Any], field: str, where: str, at: str = "") -> str:
    value = fields.get(field)
    if not isinstance(value, str) or not value.strip():
        raise LabelSetError(f"{where}: {at + '.' if at else ''}{field}: needs a text")
    return value.strip()


def _number(fields: Mapping[Any, Any], field: str, where: str) -> int:
    value = fields.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise LabelSetError(f"{where}: {field}: needs a number above 0")
    return value


def _owner(fields: Mapping[Any, Any], where: str, at: str) -> str:
    owner = _text(fields, "owner", where, at)
    if owner not in TEAMS:
        raise LabelSetError(f"{where}: {at}.owner: {owner!r} is no team; teams are {', '.join(sorted(TEAMS))}")
    return owner


def _action_path(fields: Mapping[Any, Any], where: str, at: str) -> tuple[str, ...]:
    path = fields.get("action_path")
    if not isinstance(path, list) or not path:
        raise LabelSetError(f"{where}: {at}.action_path: needs at least one of {', '.join(sorted(ACTION_KINDS))}")
    for kind in path:
        if kind not in ACTION_KINDS:
            raise LabelSetError(f"{where}: {at}.action_path: {kind!r} is none of {', '.join(sorted(ACTION_KINDS))}")
    return tuple(path)


def _known(fields: Mapping[Any, Any], known: set[str], where: str, at: str) -> None:
    unknown = sorted(str(field) for field in fields if field not in known)
    if unknown:
        raise LabelSetError(f"{where}: {at}.{unknown[0]}: unknown field; known are {', '.join(sorted(known))}")
