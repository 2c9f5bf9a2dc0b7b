"""The golden outputs of the mappings, which change when a mapping does: `python -m tests.consumers.golden_mappings`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from consumers.mappings import cef, ecs, ocsf
from tests.consumers.mapped_samples import mapped_samples

FOLDER: Final = Path(__file__).parent / "golden"


def golden_mapping(mapping: str, name: str) -> Any:
    """What the mapping made of a sample; text for CEF. The envelope inside is left out of the file, and put back."""
    if mapping == "cef":
        return (FOLDER / "cef" / f"{name}.cef").read_text(encoding="utf-8").removesuffix("\n")
    document = json.loads((FOLDER / mapping / f"{name}.json").read_text(encoding="utf-8"))
    envelope = mapped_samples()[name]
    return document | (
        {"counterfoil": envelope} if mapping == "ecs" else {"unmapped": {"counterfoil": envelope}}
    )


def write_all() -> None:
    """Write what the mappings make today."""
    for mapping in ("ocsf", "ecs", "cef"):
        (FOLDER / mapping).mkdir(parents=True, exist_ok=True)
    for name, envelope in mapped_samples().items():
        (FOLDER / "cef" / f"{name}.cef").write_text(cef.map_record(envelope) + "\n", encoding="utf-8")
        for mapping, document, inside in (
            ("ocsf", ocsf.map_record(envelope), "unmapped"),
            ("ecs", ecs.map_record(envelope), "counterfoil"),
        ):
            shown = {key: value for key, value in document.items() if key != inside}
            text = json.dumps(shown, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
            (FOLDER / mapping / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_all()
