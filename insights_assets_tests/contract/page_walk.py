"""Typing a page: the commands of its console blocks, in their order, in one shell, with what a test has in the place of the page's examples.

Belongs here: reading commands off a page, running them in one bash, what each printed and how it ended. Does not belong here: which stand-ins
there are, and any expectation but the exit code that the page itself names (`# exit code 1`).
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

_EXPECTED = re.compile(r"\s+# exit code (\d)$")


@dataclass(frozen=True)
class Typed:
    """One command as the page has it, what was run, how it ended and what it printed."""

    on_page: str
    run: str
    code: int
    output: str


def typed(page: Path) -> list[str]:
    """The commands of a page: lines of console blocks that begin with a dollar. A block may stand in a list."""
    blocks = re.findall(r"^ *```console\n(.*?)^ *```", page.read_text(encoding="utf-8"), re.M | re.S)
    return [line.strip()[2:] for block in blocks for line in block.splitlines() if line.strip().startswith("$ ")]


def install(folder: Path, programs: Mapping[str, str]) -> None:
    """Programs of the machine that a page is typed on: where each lies below the folder, and the line of shell that it is."""
    for name, line in programs.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
        (folder / name).chmod(0o755)


def walk(page: Path, folder: Path, instead: Mapping[str, str], environment: Mapping[str, str], seconds: float) -> list[Typed]:
    """Type the page in `folder`; raises AssertionError at the first command that ends otherwise than the page says.

    `instead` are the page's examples and what is there in a test; one that the page does not have is an error too: the page has changed.
    """
    commands, text = typed(page), "\n".join(typed(page))
    unused = [example for example in instead if example not in text]
    assert not unused, f"{page.name} no longer has {unused}"
    runs, script = [], []
    for number, command in enumerate(commands):
        wanted = int(found[1]) if (found := _EXPECTED.search(command)) else 0
        run = _EXPECTED.sub("", command)
        for example, there in instead.items():
            run = run.replace(example, there)
        runs.append(run)
        out = folder / f"{number:02}.out"
        # One shell for all: an export counts for what follows. A brace group keeps it that way with the output put into a file.
        script += [f"{{ {run}\n}} > {out}.both 2>&1 < /dev/null" if not re.search(r" > \S+$", run) else run, f"code=$?; echo $code > {out}.code; [ $code = {wanted} ] || exit {number + 100 if number < 100 else 99}"]
    (folder / "typed.sh").write_text("\n".join(script) + "\n", encoding="utf-8")
    done = subprocess.run(["bash", str(folder / "typed.sh")], cwd=folder, env=dict(environment), capture_output=True, text=True, timeout=seconds, check=False)
    found_all = []
    for number, (on_page, run) in enumerate(zip(commands, runs, strict=True)):
        out = folder / f"{number:02}.out"
        code = Path(f"{out}.code")
        if code.exists():
            both = Path(f"{out}.both")
            found_all.append(Typed(on_page, run, int(code.read_text()), both.read_text(encoding="utf-8") if both.exists() else ""))
    last = found_all[-1] if found_all else None
    assert done.returncode == 0, f"{page.name}, `{last.on_page if last else commands[0]}`: exit code {last.code if last else done.returncode}\n{last.output[-4000:] if last else ''}{done.stderr[-2000:]}"
    return found_all
