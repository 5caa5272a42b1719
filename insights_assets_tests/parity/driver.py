"""The process of the suite's JVM: the local server of the product, which also does what it is asked in its own classic session.

A classic session (py4j, no Connect) is what a Databricks job has; one process may not hold both kinds, so it is met here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from insights_assets.engine.jvm_server import start, tell


def main() -> None:
    spark, port = start(json.loads(sys.argv[1]))
    tell(port=port)
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            tell(**COMMANDS[asked.pop("do")](spark, **asked))
        except Exception as error:  # noqa: BLE001  # told to whoever asked, whose test fails with it
            tell(error=f"{type(error).__name__}: {error}"[:4_000])
    spark.stop()


def _bodies(spark: Any, home: str, names: list[str]) -> dict[str, Any]:
    from insights_assets_tests.parity.houses import open_house, run_bodies

    house = open_house(Path(home), Path(home) / "landing", spark, is_embedded=False)
    run_bodies(house, names)
    return {"kind": type(spark).__module__, "store": type(house.lake.store).__name__}


def _probe(spark: Any, names: list[str], folder: str) -> dict[str, Any]:
    from insights_assets_tests.parity.probes import PROBES

    return {name: PROBES[name](spark, Path(folder)) for name in names}


def _stream(spark: Any, home: str, landing: str, crash_at: str | None) -> dict[str, Any]:
    from insights_assets.settings import Settings
    from insights_assets.sources.streaming import Batch, start
    from insights_assets_tests.parity.houses import AS_OF

    settings = Settings(home=Path(home), profile="spark", spark_remote="local[2]")
    batch = Batch("clickstream", home, str(settings.lake_path), landing, None, AS_OF, None, "stream", 60.0, crash_at)
    start(spark, settings, batch).awaitTermination()
    return {}


COMMANDS = {"stream": _stream, "bodies": _bodies, "probe": _probe}

if __name__ == "__main__":
    main()
