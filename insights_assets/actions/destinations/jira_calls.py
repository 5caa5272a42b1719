"""One call to Jira Cloud through the `jira` client, and what its end means: NotSent, Unknown or Refused.

Belongs here: the client as this house sets it up, reading the service's answers, and the two moves of a ticket nobody else makes
(link, transition). Does not belong here: what a ticket says (`jira.py`, `adf.py`). Retries of the client are off, for reads too: the
outbox decides what is tried again.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from insights_assets.actions.destinations.port import NotSent, Refused, Unknown

if TYPE_CHECKING:
    from jira import JIRA
    from requests import Response

#: Seconds to connect and to wait for an answer.
TIMEOUT = (4.0, 10.0)
_T = TypeVar("_T")

_ADVICE = {
    401: "Jira does not accept the account: make a new API token for INSIGHTS_JIRA_EMAIL and put it into INSIGHTS_JIRA_TOKEN",
    403: "the account may not do this in the project: give it the permissions that docs/destinations/jira.md lists",
    404: "Jira does not find it, or hides it from the account: was it deleted, or is the project's name in owners.yaml wrong?",
    410: "this part of Jira's interface was taken away: a newer version of this product is needed",
    413: "it is larger than Jira takes",
}


def open_client(url: str, email: str, token: str, timeout: tuple[float, float] = TIMEOUT) -> JIRA:
    """The vendor's client for Jira Cloud. Nothing is called yet."""
    from jira import JIRA

    # At other levels the client logs the bodies of requests and answers.
    for name in ("jira", "jira.resilientsession"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    client = JIRA(
        server=url.rstrip("/"), options={"rest_api_version": "3", "check_update": False}, basic_auth=(email, token), max_retries=0, get_server_info=False, timeout=timeout
    )
    client.deploymentType = "Cloud"  # asked of the server otherwise; the search of Cloud alone is used
    client._session.max_redirects = 0  # a write that is redirected would be read as another call
    return client


class Calls:
    """The client with every fault named. `reading` is for what changes nothing, `writing` for what does."""

    def __init__(self, client: JIRA) -> None:
        self.client = client

    @property
    def server(self) -> str:
        return str(self.client.server_url)

    def reading(self, what: str, call: Callable[[], _T]) -> _T:
        """Raises NotSent where the answer can be had later, Refused where a person has to change something."""
        return self._carried_out(what, call, writes=False)

    def writing(self, what: str, call: Callable[[], _T]) -> _T:
        """Raises NotSent where nothing happened, Unknown where nobody knows, Refused where a person has to change something."""
        return self._carried_out(what, call, writes=True)

    def _carried_out(self, what: str, call: Callable[[], _T], writes: bool) -> _T:
        import requests
        from jira.exceptions import JIRAError

        try:
            return call()
        except JIRAError as error:
            raise _meaning(what, error, writes) from None  # the client's own words hold headers and bodies
        except requests.exceptions.TooManyRedirects:
            raise Refused(f"{what}: Jira sends the call elsewhere; write its own address into INSIGHTS_JIRA_URL") from None
        except (requests.exceptions.ConnectTimeout, requests.exceptions.SSLError, requests.exceptions.ProxyError) as error:
            raise NotSent(f"{what}: Jira was not reached ({type(error).__name__})") from None
        except requests.exceptions.JSONDecodeError:
            raise _doubtful(writes, f"{what}: what answered is not Jira's interface (no JSON); is there a proxy or a sign-in page before it?") from None
        except requests.exceptions.RequestException as error:
            if _never_connected(error):
                raise NotSent(f"{what}: Jira was not reached ({type(error).__name__})") from None
            raise _doubtful(writes, f"{what}: no answer of Jira arrived ({type(error).__name__})") from None

    # -- reads ---------------------------------------------------------------------------------------------------------------

    def get(self, what: str, path: str, **params: Any) -> dict[str, Any]:
        """A GET that the client has no method for."""
        found = self.reading(what, lambda: self.client._get_json(path, params=params))
        if not isinstance(found, dict):
            raise NotSent(f"{what}: Jira answered with something else than was asked for")
        return found

    def search(self, what: str, jql: str, fields: str, limit: int = 500) -> Iterator[dict[str, Any]]:
        """Issues of a query, page by page (`/search/jql`). The index runs behind what was written."""
        token: str | None = None
        left = limit
        while left > 0:
            params: dict[str, Any] = {"jql": jql, "fields": fields, "maxResults": min(100, left), **({"nextPageToken": token} if token else {})}
            page = self.get(what, "search/jql", **params)
            issues = page.get("issues") or []
            yield from issues
            token, left = page.get("nextPageToken"), left - len(issues)
            if not token or not issues:
                return

    def issue(self, key: str, fields: str) -> dict[str, Any]:
        return self.get(f"reading {key}", f"issue/{key}", fields=fields)

    # -- writes --------------------------------------------------------------------------------------------------------------

    def post(self, what: str, path: str, body: dict[str, Any]) -> None:
        self.writing(what, lambda: _read(self.client._session.post(self.client._get_url(path), data=json.dumps(body))))

    def put(self, what: str, path: str, body: dict[str, Any]) -> None:
        self.writing(what, lambda: _read(self.client._session.put(self.client._get_url(path), data=json.dumps(body))))

    # -- moves ---------------------------------------------------------------------------------------------------------------

    def move(self, key: str, transition: str) -> bool:
        """Carry out a transition by its name or by the name of the status it leads to; False where the workflow offers none from here."""
        offered = self.get(f"reading the transitions of {key}", f"issue/{key}/transitions").get("transitions") or []
        wanted = transition.casefold()
        names = [one for one in offered if str(one.get("name", "")).casefold() == wanted]
        leads = [one for one in offered if str((one.get("to") or {}).get("name", "")).casefold() == wanted]
        if not (chosen := next(iter([*names, *leads]), None)):
            return False
        # The client's own method writes the id as a number, which Jira's description does not know.
        self.post(f"moving {key}", f"issue/{key}/transitions", {"transition": {"id": str(chosen["id"])}})
        return True

    def link(self, key: str, earlier: str, kind: str) -> None:
        """Link a ticket to an earlier one, unless it is."""
        fields = self.issue(key, "issuelinks").get("fields") or {}
        for one in fields.get("issuelinks") or ():
            other = one.get("outwardIssue") or one.get("inwardIssue") or {}
            if other.get("key") == earlier and str((one.get("type") or {}).get("name", "")).casefold() == kind.casefold():
                return
        self.post(f"linking {key} to {earlier}", "issueLink", {"type": {"name": kind}, "inwardIssue": {"key": key}, "outwardIssue": {"key": earlier}})


def _read(response: Response) -> None:
    """A success of Jira is empty or JSON; the page of a proxy is neither, and no success."""
    if response.content:
        response.json()


def is_done(fields: dict[str, Any]) -> bool:
    """Whether a ticket is in a column that counts as done, whatever the workflow calls it."""
    return ((fields.get("status") or {}).get("statusCategory") or {}).get("key") == "done"


def moment(text: str) -> datetime:
    """Jira's own way to write a time: 2026-11-23T12:00:00.000+0000."""
    return datetime.fromisoformat(text)


def _meaning(what: str, error: Any, writes: bool) -> Exception:
    """The port's word for an answer of Jira that is no success."""
    status = int(error.status_code or 0)
    headers = getattr(error.response, "headers", None) or {}
    said = " ".join(str(error.text or "").split())[:300] if "html" not in str(headers.get("Content-Type", "")) else ""
    said = f" ({said})" if said else ""
    if status == 429:
        reason = headers.get("RateLimit-Reason") or headers.get("X-RateLimit-Reason")
        return NotSent(f"{what}: Jira asks to wait ({reason or 'rate limit'})", retry_after=seconds(headers.get("Retry-After")))
    if status == 409:
        return NotSent(f"{what}: somebody changed it at the same moment{said}")
    if status >= 500:
        return _doubtful(writes, f"{what}: Jira failed with {status}", seconds(headers.get("Retry-After")))
    if 400 <= status < 500:
        return Refused(f"{what}: {_ADVICE.get(status, f'Jira refuses it with {status}')}{said}")
    return _doubtful(writes, f"{what}: Jira answered {status or 'nothing'} where something else was to be expected")


def _doubtful(writes: bool, why: str, retry_after: float | None = None) -> Exception:
    return Unknown(why) if writes else NotSent(why, retry_after)


def seconds(header: str | None) -> float | None:
    """`Retry-After` as seconds, from either form it may have."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        from datetime import UTC
        from email.utils import parsedate_to_datetime

        try:
            return max(0.0, (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds())
        except ValueError:
            return None


def _never_connected(error: BaseException) -> bool:
    """Whether a fault came before anything was sent: no such host, nobody listens, no connection in time."""
    from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

    seen: BaseException | None = error
    for _ in range(8):
        if seen is None:
            return False
        reason = getattr(seen, "reason", None)
        if isinstance(seen, (NewConnectionError, NameResolutionError, ConnectTimeoutError)):
            return True
        first = seen.args[0] if seen.args and isinstance(seen.args[0], BaseException) else None
        seen = reason if isinstance(reason, BaseException) else first
    return False
