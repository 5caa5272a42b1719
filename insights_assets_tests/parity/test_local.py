"""`spark_remote=local[N]`: what a setting names becomes an address, and who has no Java is told."""

from __future__ import annotations

import pytest

from insights_assets.engine import jvm, session
from insights_assets.engine.jvm import JvmServer, NoJava


def test_a_setting_becomes_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "local_url", lambda master: f"sc://the-jvm-of-{master}")
    monkeypatch.setattr(session, "embedded_url", lambda: "sc://embedded")
    assert session.address_of(None) == "sc://embedded"
    assert session.address_of("local[2]") == "sc://the-jvm-of-local[2]"
    assert session.address_of("sc://spark.shop.test:15002") == "sc://spark.shop.test:15002"


def test_without_java_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jvm, "java", lambda: None)
    with pytest.raises(NoJava, match=r"local\[2\] needs Java 17 .* spark_remote=sc://"):
        JvmServer("local[2]")
