"""An operator's mistake is caught at start, with the name of the setting."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from api.settings import SettingInvalid, Settings, read_settings
from consumers.settings import StreamSettings


def test_nothing_set_gives_the_defaults() -> None:
    """A file beside the working directory, on loopback."""
    settings = read_settings({})
    assert (settings.host, settings.port, settings.store_path) == ("127.0.0.1", 8080, Path("counterfoil.db"))
    assert settings.keys_path == Path("counterfoil.db.keys")


def test_the_environment_sets_and_the_command_line_wins() -> None:
    """A given option overrides the variable; one that is not given does not."""
    environment = {"COUNTERFOIL_PORT": "9000", "COUNTERFOIL_STORE": "sqlite:///a/b.db"}
    assert read_settings(environment, port=None).port == 9000
    assert read_settings(environment, port=9001).port == 9001
    assert read_settings(environment).store_path == Path("a/b.db")


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("COUNTERFOIL_PORT", "eighty"),
        ("COUNTERFOIL_PORT", "70000"),
        ("COUNTERFOIL_JWKS_MAX_AGE", "-1"),
        ("COUNTERFOIL_DEADLINE", "0"),
        ("COUNTERFOIL_DEADLINE", "soon"),
        ("COUNTERFOIL_ALLOW_LOOPBACK_JWKS", "perhaps"),
        ("COUNTERFOIL_LOG_LEVEL", "loud"),
        ("COUNTERFOIL_STORE", "mysql://x"),
        ("COUNTERFOIL_TRUSTED_PROXIES", "10.0.0.0/99"),
        ("COUNTERFOIL_PROT", "8080"),
    ],
)
def test_a_mistake_names_the_setting(variable: str, value: str) -> None:
    """Whoever reads the message knows which variable to change."""
    with pytest.raises(SettingInvalid, match=variable):
        read_settings({variable: value})


def test_proxies_are_addresses_or_networks() -> None:
    """Both forms are read, with or without spaces."""
    settings = read_settings({"COUNTERFOIL_TRUSTED_PROXIES": "10.0.0.1, 192.168.0.0/16"})
    assert [str(network) for network in settings.proxies] == ["10.0.0.1/32", "192.168.0.0/16"]


@pytest.mark.parametrize(
    ("kind", "page"), [(Settings, "operations"), (StreamSettings, "audit-stream")], ids=["service", "stream"]
)
def test_every_setting_stands_on_its_page(kind: type[Any], page: str) -> None:
    """No setting can be added without a line in the documentation."""
    text = (Path(__file__).parent.parent.parent / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert [f.name for f in fields(kind) if f"`COUNTERFOIL_{f.name.upper()}`" not in text] == []
