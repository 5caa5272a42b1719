"""Who may answer: a person's teams from `owners.yaml`, what those teams approve, and who acts at this machine without a team.

Belongs here: the rules of roles. Does not belong here: carrying an answer out (`inbox.py`) and knowing that somebody is who they say
(Slack and Jira do; console and commands trust whoever sits at this machine).

The rules: a person is who `people` of a team names, by exact address or name, whatever the capitals. A member approves the kinds
their teams approve. Facts a destination reports (somebody took the ticket up, fixed it, closed it) are taken from anybody there.
Somebody whom no team names is refused in Slack and Jira. On console and commands they act as operator, for every team and under their
own name, where the settings name them, or where `owners.yaml` names nobody real yet (every address ends in `.example`). Operators too
cannot be the second person to what they did themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from insights_assets.resources.operations.judgements import RefusedJudgement
from insights_assets.shop.model import Shop

LOCAL = ("console", "command")
#: A name of this ending belongs to nobody (RFC 2606): the sample shop's people are placeholders.
PLACEHOLDER = ".example"


@dataclass(frozen=True)
class Person:
    """Somebody who answers. `teams` is empty for an operator and for who only reports a fact."""

    name: str
    teams: tuple[str, ...] = ()
    is_operator: bool = False


def person_of(shop: Shop, name: str, through: str, operators: Iterable[str] | None = None) -> Person:
    """The person behind a name. Raises RefusedJudgement for somebody who may not answer there, with what to do."""
    given = name.strip()
    if not given:
        raise RefusedJudgement("say who you are first: an answer is recorded with who gave it")
    teams = teams_of(shop, given)
    if teams:
        return Person(given, teams)
    if through in LOCAL and (given.casefold() in {entry.strip().casefold() for entry in operators} if operators is not None else not names_real_people(shop)):
        return Person(given, (), True)
    how = " or to INSIGHTS_OPERATORS" if through in LOCAL else ""
    raise RefusedJudgement(f"no team of owners.yaml names {given}; add it to the people of a team{how}")


def teams_of(shop: Shop, name: str) -> tuple[str, ...]:
    wanted = name.strip().casefold()
    return tuple(team for team, owner in shop.owners.items() if wanted in {person.strip().casefold() for person in owner.people})


def names_real_people(shop: Shop) -> bool:
    """Whether any team names somebody who can exist."""
    return any(not person.strip().casefold().endswith(PLACEHOLDER) for owner in shop.owners.values() for person in owner.people)


def approving_teams(shop: Shop, kind: str) -> tuple[str, ...]:
    """The teams that may approve a kind of action, in the order of `owners.yaml`."""
    return tuple(team for team, owner in shop.owners.items() if kind in owner.approves)


def deciding_team(shop: Shop, kind: str, owner: str) -> str:
    """The team that is asked: the owner where it approves the kind, else the one it escalates to, else the first that does."""
    teams = approving_teams(shop, kind)
    above = shop.owners[owner].escalates_to if owner in shop.owners else ""
    return next((team for team in (owner, above) if team in teams), teams[0] if teams else above or owner)


def must_approve(shop: Shop, person: Person, kind: str) -> None:
    """Raises RefusedJudgement unless this person's role covers the kind of action."""
    teams = approving_teams(shop, kind)
    if person.is_operator or set(person.teams) & set(teams):
        return
    mine = " and ".join(shop.owners[team].name for team in person.teams)
    who = " or ".join(shop.owners[team].name for team in teams)
    said = f"{who} decides on it" if who else "no team of owners.yaml approves it yet; add it to `approves` of a team"
    raise RefusedJudgement(f"{mine} does not approve a {kind.replace('_', ' ')}: {said}")


def must_be_second(person: Person, others: Iterable[str | None], what: str) -> None:
    """Raises RefusedJudgement where the person already had a hand in it: four eyes, not the same two twice."""
    if person.name.casefold() in {other.strip().casefold() for other in others if other}:
        raise RefusedJudgement(f"{what} needs a second person: {person.name} had a hand in it already")
