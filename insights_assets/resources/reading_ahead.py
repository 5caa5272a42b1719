"""Models and libraries read while the first files are taken in: the engine works then, and this process mostly waits for it.

A stage names what it will need with `@ahead`; the step that finds new files calls `begin`, and whoever needs it calls `wait`. A run
without new files reads nothing ahead. Only a matter of time: a step that finds nothing read ahead reads it then.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from insights_assets.resources.step import Step

Loader = Callable[["Step"], None]
_LOADERS: list[Loader] = []
_BEGINNING = Lock()
_READER: Thread | None = None


def ahead(loader: Loader) -> Loader:
    """Declare something that a run over new files will need; called in the order of declaration, in another thread."""
    _LOADERS.append(loader)
    return loader


def begin(step: Step) -> None:
    """Start reading, once a process. With an engine elsewhere most of it would be read in the wrong place, so nothing is."""
    global _READER
    with _BEGINNING:
        if _READER is None and step.lake.is_embedded:
            _READER = Thread(target=_read, args=(step, tuple(_LOADERS)), name="reading-ahead", daemon=True)
            _READER.start()


def wait() -> None:
    """Until what was begun is read: two threads that import one library at a time may each see half of it."""
    if _READER is not None:
        _READER.join()


def _read(step: Step, loaders: tuple[Loader, ...]) -> None:
    for loader in loaders:
        try:
            loader(step)
        except Exception:  # whoever needs it meets the same error, in a step that can fail with it
            logging.getLogger("insights_assets").info("not read ahead: %s", loader.__qualname__, exc_info=True)
