"""`load_shop`: the folder as one frozen `Shop`, or an error that names file, line, field and what to do.

Belongs here: shop.yaml, owners.yaml, replies.yaml, sources.yaml and what holds between files. Policy and use cases have
their own modules beside this one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from pathlib import Path

from insights_assets.shop.catalogue import BY_NAME
from insights_assets.shop.destinations_file import Destinations, read_destinations
from insights_assets.shop.model import ACTION_KINDS, Owner, Replies, Shop, Slice, UseCase
from insights_assets.shop.policy_file import read_policy
from insights_assets.shop.reading import Node, ShopError, read_yaml
from insights_assets.shop.sources_file import read_sources, zone_name
from insights_assets.shop.use_case_file import read_use_case

SOURCES = tuple(BY_NAME)
LANGUAGES = ("en", "de", "fr", "es", "pt")
SENTENCES = (
    "greeting",
    "thanks",
    "doing",
    "offer",
    "answer",
    "closing",
    "article_title",
    "article_ask",
    "article_do",
    "for_product",
)


def default_shop_path() -> Path:
    """The sample shop: the package's data where it is installed, the repository's folder beside the package
    otherwise.
    """
    try:
        packaged = Path(str(resources.files("insights_shop")))
        if (packaged / "shop.yaml").is_file():
            return packaged
    except (ModuleNotFoundError, TypeError):
        pass
    return Path(__file__).resolve().parents[2] / "shop"


def load_shop(path: Path | None = None, *, label_topics: Iterable[str] | None = None) -> Shop:
    """Read and check a shop folder (default: the sample shop). A folder whose files are those of the last time is not read again.

    `label_topics` are the topics labels may carry; each must have a policy (R129). Raises ShopError naming file, line
    and field.
    """
    root = (path or default_shop_path()).resolve()
    if not root.is_dir():
        raise ShopError(
            str(root), 1, "", "there is no such folder", "name a folder with shop.yaml in it (INSIGHTS_SHOP)"
        )
    return _read(root, _digest(root), tuple(label_topics or ()))


@lru_cache(maxsize=8)
def _read(root: Path, digest: str, label_topics: tuple[str, ...]) -> Shop:
    shop = read_yaml(root / "shop.yaml", root)
    top = shop.mapping(
        ("name", "reporting_currency", "shop_time_zone", "languages", "brief_readers", "decided_by"),
        ("slice", "region_names", "competitors"),
    )
    owners = _owners(read_yaml(root / "owners.yaml", root))
    teams = tuple(owners)
    policy_node = read_yaml(root / "policy.yaml", root)
    policy = read_policy(policy_node, teams)
    topics = tuple(policy.topics)
    for topic in label_topics:
        if topic not in policy.topics:
            policy_node.entries()["topics"].fail(
                f"has no line for the label {topic!r}", "give it an owner, a cost and a next step"
            )
    top["decided_by"].choice(teams)
    languages = top["languages"].texts(LANGUAGES)
    use_cases, warnings = _use_cases(root, teams, topics)
    mappings, unused = read_sources(read_yaml(root / "sources.yaml", root))
    return Shop(
        path=root,
        sha256=digest,
        name=top["name"].text(),
        reporting_currency=_currency(top["reporting_currency"]),
        shop_time_zone=zone_name(top["shop_time_zone"]),
        languages=languages,
        slice=_slice(top.get("slice")),
        brief_readers=top["brief_readers"].texts(teams),
        owners=owners,
        policy=policy,
        use_cases=use_cases,
        sources=mappings,
        unused_files=unused,
        replies=_replies(read_yaml(root / "replies.yaml", root), teams, topics, languages),
        region_names=top["region_names"].each(Node.text) if "region_names" in top else {},
        competitors=top["competitors"].texts() if "competitors" in top else (),
        warnings=warnings,
        destinations=_destinations(root),
    )


def _destinations(root: Path) -> Destinations:
    file = root / "destinations.yaml"
    return read_destinations(read_yaml(file, root)) if file.is_file() else Destinations()


def _digest(root: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(root.rglob("*.yaml")):
        digest.update(file.relative_to(root).as_posix().encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()


def _currency(node: Node) -> str:
    text = node.text()
    if len(text) != 3 or not text.isalpha() or not text.isupper():
        node.fail(f"{text!r} is not a currency code", "write three capital letters, e.g. USD")
    return text


def _slice(node: Node | None) -> Slice:
    if node is None or node.value is None:
        return Slice()
    fields = node.mapping((), ("product_line", "region", "channel"))
    return Slice(**{name: value.texts() for name, value in fields.items()})


def _owners(node: Node) -> dict[str, Owner]:
    entries = node.entries()
    if not entries:
        node.fail("names no team", "name at least one team with people and destination")
    owners = {}
    for team, entry in entries.items():
        fields = entry.mapping(("name", "people", "destination", "escalates_to", "approves", "alert_budget_per_week"))
        people = fields["people"].texts()
        if not people:
            fields["people"].fail("is empty", "name at least one person or mailbox")
        destination = fields["destination"].mapping(("tickets", "alerts"))
        owners[team] = Owner(
            owner=team,
            name=fields["name"].text(),
            people=people,
            ticket_destination=_destination(destination["tickets"], "jira", "jira:PROJECT"),
            alert_destination=_destination(destination["alerts"], "slack", "slack:#channel"),
            escalates_to=fields["escalates_to"].choice(tuple(entries)),
            approves=fields["approves"].texts(ACTION_KINDS),
            alert_budget_per_week=fields["alert_budget_per_week"].whole(0, 1000),
        )
        if owners[team].escalates_to == team:
            fields["escalates_to"].fail("is the team itself", "name another team: this is who is told when nobody acts (R97)")
    return owners


def _destination(node: Node, vendor: str, form: str) -> str:
    text = node.text()
    kind, _, name = text.partition(":")
    if text != "desk" and (kind != vendor or not name.strip()):
        node.fail(f"{text!r} is not a destination", f"write desk or {form}")
    return text


def _use_cases(
    root: Path, teams: tuple[str, ...], topics: tuple[str, ...]
) -> tuple[tuple[UseCase, ...], tuple[str, ...]]:
    files = sorted((root / "use_cases").glob("*.yaml"))
    if not files:
        raise ShopError(f"{root.name}/use_cases", 1, "", "holds no use case", "write one question as a YAML file")
    cases: list[UseCase] = []
    nodes: dict[str, Node] = {}
    for file in files:
        node = read_yaml(file, root)
        case = read_use_case(node, teams, topics, SOURCES)
        if case.id in nodes:
            node.entries()["id"].fail(
                f"{case.id!r} is also the id of {nodes[case.id].file}", "give each use case its own id"
            )
        nodes[case.id] = node
        cases.append(case)
    cases.sort(key=lambda case: (case.order, case.id))
    enabled = [case for case in cases if case.enabled]
    if not enabled:
        nodes[cases[0].id].entries()["enabled"].fail("no use case is enabled", "set enabled: true in one of them")
    warnings = tuple(_too_early(nodes[case.id], case, enabled[0]) for case in enabled[1:])
    return tuple(cases), warnings


def _too_early(node: Node, case: UseCase, first: UseCase) -> str:
    line = node.entries()["enabled"].line
    return (
        f"{node.file}:{line}: {case.id} is enabled before {first.id} has met its gates: one narrow use case first "
        "(R163); gates are shown by `insights show health`"
    )


def _replies(
    node: Node, teams: tuple[str, ...], topics: tuple[str, ...], languages: tuple[str, ...]
) -> dict[str, Replies]:
    top = node.mapping(("decided_by", "decided_on", "languages"))
    top["decided_by"].choice(teams)
    top["decided_on"].day()
    listed = top["languages"].entries()
    for language in languages:
        if language not in listed:
            top["languages"].fail(
                f"has no sentences for {language!r}", "add them, or take the language out of shop.yaml"
            )
    replies = {}
    for language, entry in listed.items():
        fields = entry.mapping((*SENTENCES, "about"))
        about = fields["about"].each(Node.text)
        for topic in about:
            if topic not in topics:
                fields["about"].entries()[topic].fail(
                    "is not a topic of policy.yaml", f"use one of {', '.join(topics)}"
                )
        if "other" not in about:
            fields["about"].fail("has no line for `other`", "add it: topics without a line use it")
        for name in SENTENCES:
            _fillable(fields[name], ("about", "product"))
        replies[language] = Replies(language, {name: fields[name].value for name in SENTENCES}, about)
    return replies


def _fillable(node: Node, names: tuple[str, ...]) -> None:
    try:
        node.text().format(**dict.fromkeys(names, ""))
    except (KeyError, IndexError, ValueError):
        node.fail("has a placeholder that nothing fills", f"use only {', '.join('{' + name + '}' for name in names)}")
