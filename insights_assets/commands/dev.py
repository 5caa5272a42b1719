"""`insights dev`: Dagster's UI and daemon and the console together, on loopback, on one home; `insights listen` with them where Slack's
buttons are connected.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

import click

from insights_assets.commands.frame import FAILED, home_option, settings_for, stop


@click.command()
@home_option
@click.option("--port", type=int, default=3000, show_default=True, help="Port of Dagster's UI.")
@click.option("--console-port", type=int, default=3001, show_default=True, help="Port of the console.")
@click.option("--no-console", is_flag=True, help="Dagster only.")
def dev(home: Path | None, port: int, console_port: int, no_console: bool) -> None:
    """Open Dagster's UI, its daemon and the console on this machine; Ctrl-C ends all of them."""
    from insights_assets.commands.listen import why_not
    from insights_assets.resources.home import prepare_home

    settings = settings_for(home=home)
    dagster_home = prepare_home(settings.home)
    environment = {
        **os.environ, "DAGSTER_HOME": str(dagster_home), "INSIGHTS_HOME": str(settings.home), "DAGSTER_DISABLE_TELEMETRY": "1",
        "STREAMLIT_BROWSER_GATHER_USAGE_STATS": "false", "INSIGHTS_CONSOLE_URL": f"http://127.0.0.1:{console_port}",
        "PYTHONWARNINGS": "ignore",  # libraries tell each other about their versions; nothing of that helps who typed the command
        # Absolute, because the servers start in another folder than the command.
        "INSIGHTS_LANDING": str(settings.landing_path), **({"INSIGHTS_SHOP": str(settings.shop)} if settings.shop else {}),
    }
    workspace = _workspace(dagster_home)
    commands = [[sys.executable, "-m", "dagster", "dev", "-w", str(workspace), "-h", "127.0.0.1", "-p", str(port), "--log-level", "warning"]]
    if not no_console:
        page = Path(__file__).resolve().parents[1] / "console" / "app.py"
        commands.append([
            sys.executable, "-m", "streamlit", "run", str(page), "--server.address", "127.0.0.1", "--server.port", str(console_port),
            "--server.headless", "true", "--browser.gatherUsageStats", "false", "--", "--dagster-url", f"http://127.0.0.1:{port}",
        ])
    if not why_not(settings):
        commands.append([sys.executable, "-m", "insights_assets.cli", "listen", "--home", str(settings.home)])
    # A session of their own: one signal reaches each whole tree, Dagster's code server included.
    # Dagster starts in its home: a dagster.yaml where the command was typed is another one's.
    children = [subprocess.Popen(command, env=environment, cwd=dagster_home, start_new_session=True) for command in commands]

    def end(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    click.echo(f"Dagster: http://127.0.0.1:{port}" + ("" if no_console else f"    console: http://127.0.0.1:{console_port}"))
    try:
        while all(child.poll() is None for child in children):
            time.sleep(0.5)
        stop("one of the servers ended by itself; its own words are above", FAILED)
    except KeyboardInterrupt:
        click.echo("stopping …", err=True)
    finally:
        # A second signal while stopping must not leave servers behind.
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, signal.SIG_IGN)
        _end_trees(children)


def _workspace(dagster_home: Path) -> Path:
    """The workspace file of a home: the code location has the product's name, not a module's."""
    path = dagster_home / "workspace.yaml"
    path.write_text("load_from:\n  - python_module: {module_name: insights_assets.definitions, location_name: insights_assets}\n", encoding="utf-8")
    return path


def _end_trees(children: list[subprocess.Popen[bytes]], patience_seconds: float = 12.0) -> None:
    """SIGTERM to each whole tree (Dagster ignores SIGINT in the background), SIGKILL to what is left after a while.

    A server may be gone before those it started: the tree has ended when its whole process group has.
    """
    for child in children:
        _signal_tree(child, signal.SIGTERM)
    deadline = time.monotonic() + patience_seconds
    while any(_lives(child) for child in children) and time.monotonic() < deadline:
        time.sleep(0.1)
    for child in children:
        _signal_tree(child, signal.SIGKILL)
        child.wait()


def _lives(child: subprocess.Popen[bytes]) -> bool:
    child.poll()  # reaps it, so that a dead leader does not count as its group's last member
    return _signal_tree(child, 0)


def _signal_tree(child: subprocess.Popen[bytes], number: int) -> bool:
    """Send a signal to a whole tree; gives whether there was anybody to get it."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        return False
    return True
