"""compose.yaml: what can be known of it without Docker."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from api.cli import main
from api.settings import Settings, read, read_settings, variables
from consumers.settings import StreamSettings
from consumers.sink_file import read_sink
from tests.compose.compose_file import FILE, OURS, ComposeService, command_lines, document, services
from tests.source_tree import PRODUCT, ROOT, files

PAGE = (ROOT / "docs" / "compose.md").read_text(encoding="utf-8")
SERVICES = services()
each_service = pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)


def test_it_is_a_compose_file() -> None:
    """By the schema of the compose specification."""
    checked = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", FILE],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@each_service
def test_every_setting_of_ours_is_one_that_can_be_read(service: ComposeService) -> None:
    """A misspelt variable, or a value out of its range, would end the process at its start."""
    ours = {name: value for name, value in service.environment.items() if name.startswith("COUNTERFOIL_")}
    assert set(ours) <= set(variables())
    read_settings(ours)
    read(StreamSettings, ours)


@pytest.mark.parametrize(("place", "arguments"), [*command_lines()])
def test_every_command_is_one_of_ours(place: str, arguments: list[str]) -> None:
    """Its words and options are parsed by the command tree itself."""
    command: click.Command = main
    context = click.Context(main)
    rest = list(arguments)
    while isinstance(command, click.Group):
        assert rest, place
        inner = command.get_command(context, rest.pop(0))
        assert inner is not None, place
        command = inner
    command.make_context(place, rest)


def test_the_processes_of_the_stream_are_there() -> None:
    """Two nodes, a publisher, a consumer, and what prepares for them."""
    ran = [arguments[0] for _, arguments in command_lines()]
    assert sorted(ran) == sorted(
        ["keys", "store", "client", "init", "serve", "serve", "kafka", "publish", "stream"]
    )


@each_service
def test_every_environment_variable_is_explained(service: ComposeService) -> None:
    """Ours and those of other images alike stand in docs/compose.md."""
    assert {name for name in service.environment if f"`{name}`" not in PAGE} == set()


@each_service
def test_every_service_is_explained(service: ComposeService) -> None:
    """In docs/compose.md."""
    assert f"`{service.name}`" in PAGE


@each_service
def test_every_image_is_one_certain_version(service: ComposeService) -> None:
    """Ours is that of the project."""
    _, _, version = service.image.rpartition(":")
    assert re.match(r"\d+\.\d+", version)
    if service.image.startswith(OURS):
        assert version == tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]


@each_service
def test_every_file_that_is_mounted_is_there_for_everybody(service: ComposeService) -> None:
    """Another account reads it in the container; and no mount can be written to but a volume."""
    for path, _ in service.files():
        assert path.resolve() in {file.parent if path.is_dir() else file for file in files()}
        assert path.stat().st_mode & stat.S_IROTH
    assert all(
        mount.endswith(":ro") for mount in service.definition.get("volumes", []) if mount.startswith(".")
    )


def test_volumes_and_networks_are_declared_and_used() -> None:
    """All of them, and no others."""
    whole = document()
    volumes = {source for service in SERVICES.values() for source, _ in service.mounts() if source[0] != "."}
    assert volumes == set(whole["volumes"])
    networks = {name for service in SERVICES.values() for name in service.definition.get("networks", [])}
    assert networks == set(whole["networks"])


@each_service
def test_what_is_waited_for_can_come(service: ComposeService) -> None:
    """`service_healthy` needs a health check, `service_completed_successfully` a service that ends."""
    for name, wait in service.definition.get("depends_on", {}).items():
        other = SERVICES[name].definition
        if wait["condition"] == "service_healthy":
            assert "healthcheck" in other
        else:
            assert wait["condition"] == "service_completed_successfully"
            assert other["restart"] == "no"


@each_service
def test_what_stays_up_is_restarted_and_watched(service: ComposeService) -> None:
    """Each service either ends for good, or has a health check and is started again."""
    if service.definition["restart"] != "no":
        assert service.definition["restart"] == "unless-stopped"
        assert "healthcheck" in service.definition


@each_service
def test_nothing_is_offered_to_the_network_of_the_machine(service: ComposeService) -> None:
    """What is published is so on the loopback address."""
    assert all(port.startswith("127.0.0.1:") for port in service.definition.get("ports", []))


@each_service
def test_no_secret_stands_in_the_file(service: ComposeService) -> None:
    """Only the names of files that have them, and no URL with a password."""
    for name, value in service.environment.items():
        if re.search("PASSWORD|SECRET|TOKEN|KEY", name):
            assert name.endswith("_FILE")
        assert re.search(r"://[^/]*:[^/]*@", value) is None


@each_service
def test_our_processes_can_do_little(service: ComposeService) -> None:
    """No capability, no new privilege, no file of the image that could be changed."""
    if service.image.startswith(OURS):
        assert service.definition["cap_drop"] == ["ALL"]
        assert service.definition["security_opt"] == ["no-new-privileges:true"]
        assert service.definition["read_only"] is True


def test_the_owners_password_is_on_no_node() -> None:
    """Whoever can change the schema is one process that ends."""
    users = {
        name
        for name, service in SERVICES.items()
        if "owner-secrets" in {source for source, _ in service.mounts()}
    }
    assert users == {"secrets", "migrate"}
    databases = {name for name, service in SERVICES.items() if "database-secrets" in dict(service.mounts())}
    assert databases == {"secrets", "postgres"}


def test_the_sink_of_the_consumer_is_in_its_file() -> None:
    """And everything in that file can be used."""
    consumer = SERVICES["consumer"]
    name = consumer.command[consumer.command.index("--sink") + 1]
    mounted = {there: str(here) for here, there in consumer.files()}
    assert read_sink(mounted[consumer.environment["COUNTERFOIL_SINKS"]], name).kind == "elasticsearch"


@pytest.mark.parametrize(
    "script", sorted((ROOT / "docs" / "compose").rglob("*.sh")), ids=lambda path: path.name
)
def test_every_script_is_one_that_a_shell_can_read(script: Path) -> None:
    """`sh -n`."""
    subprocess.run(["sh", "-n", script], check=True)


def test_the_image_has_all_that_runs(tmp_path: Path) -> None:
    """What the Dockerfile copies makes a wheel with every file of the product in it, data files too."""
    dockerfile = (ROOT / "docs" / "compose" / "Dockerfile").read_text(encoding="utf-8")
    ignored = (ROOT / "docs" / "compose" / "Dockerfile.dockerignore").read_text(encoding="utf-8")
    copied = [
        name
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", dockerfile, re.MULTILINE)
        for name in line.split()
    ]
    assert set(PRODUCT) < set(copied)
    assert {name for name in copied if f"!{name}\n" not in ignored} == set()
    wanted = [file for file in files() if file.relative_to(ROOT).parts[0] in {*PRODUCT, *copied}]
    for file in wanted:
        place = tmp_path / "src" / file.relative_to(ROOT)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(file.read_bytes())
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", "-q"]
    subprocess.run(
        [*build, "--wheel-dir", tmp_path, tmp_path / "src"],
        check=True,
        capture_output=True,
        env={**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"},
    )
    (wheel,) = tmp_path.glob("*.whl")
    listing = subprocess.run(
        [sys.executable, "-m", "zipfile", "-l", wheel], check=True, capture_output=True, text=True
    ).stdout
    inside = {line.split()[0] for line in listing.splitlines()}
    product = {
        file.relative_to(ROOT).as_posix() for file in files() if file.relative_to(ROOT).parts[0] in PRODUCT
    }
    assert product - inside == set()


def test_the_images_of_the_dockerfile_are_pinned() -> None:
    """One Python, to the patch, for building and for running."""
    dockerfile = (ROOT / "docs" / "compose" / "Dockerfile").read_text(encoding="utf-8")
    images = set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))
    assert len(images) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", images.pop())


def test_settings_are_not_mixed_up() -> None:
    """The consumer needs no store, so it gets no secret of one."""
    consumer = SERVICES["consumer"].environment
    assert Settings().store == read_settings(consumer).store
    assert {source for source, _ in SERVICES["consumer"].mounts()} == {"./docs/compose/sinks.toml"}
