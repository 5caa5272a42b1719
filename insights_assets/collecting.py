"""How often Python looks through a process of the house for garbage: seldom, and not at its end.

Belongs here: settings of Python's collector. Does not belong here: anything that holds or frees objects itself.
"""

from __future__ import annotations

import atexit
import gc


def collect_seldom() -> None:
    """Libraries and definitions are objects that stay: to look through all of them for every 700 new ones took an eighth of a short run.

    At its end Python looks through all of them once more, which took a second; what is set aside is not looked through.
    """
    gc.set_threshold(50_000, 20, 50)
    atexit.register(gc.freeze)
