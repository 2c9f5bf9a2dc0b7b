"""`counterfoil` as a whole: helpful, quick to say so, and exact about how it ends."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from api.cli import main
from api.cli.lazy_group import LazyGroup

Counterfoil = Callable[..., Result]
ROOT = Path(__file__).parents[3]
HEAVY = {"apsw", "cryptography", "eventsourcing", "httpx", "msgspec", "rich", "starlette", "uvicorn"}


def commands(command: click.Command, *path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command and group there is, by the words that call it."""
    yield " ".join(path), command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from commands(found, *path, name)


COMMANDS = dict(commands(main))


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_explains_itself(path: str) -> None:
    """`--help` of each command and group works, has a sentence, and shows an example that calls it."""
    result = CliRunner().invoke(main, [*path.split(), "--help"], prog_name="counterfoil")
    assert result.exit_code == 0
    assert COMMANDS[path].help
    assert f"counterfoil {path}".strip() in result.output.partition("\n")[2]


@pytest.mark.parametrize("path", COMMANDS)
def test_every_option_explains_itself(path: str) -> None:
    """No option stands in a help text without words of its own."""
    parameters = [p for p in COMMANDS[path].params if isinstance(p, click.Option)]
    assert [p.name for p in parameters if not p.help and not p.show_default] == []


@pytest.mark.parametrize("path", COMMANDS)
def test_one_line_says_what_a_command_does(path: str) -> None:
    """The lists of commands show a whole sentence, cut nowhere."""
    assert not COMMANDS[path].get_short_help_str(limit=60).endswith("...")


@pytest.mark.parametrize("path", [path for path, c in COMMANDS.items() if isinstance(c, LazyGroup)])
def test_a_lazy_group_says_what_its_commands_say(path: str) -> None:
    """The line that stands in the table, so that nothing need be imported, is the command's own first line."""
    group = COMMANDS[path]
    assert isinstance(group, LazyGroup)
    for name, (_, short_help) in group.commands_at.items():
        own = (COMMANDS[f"{path} {name}".strip()].help or "").partition("\n")[0]
        assert short_help == own


def test_help_imports_nothing_heavy() -> None:
    """`counterfoil --help` answers before a store, a cipher or a terminal library is loaded."""
    script = (
        "import sys; from api.cli import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert HEAVY & set(ran.stderr.split()) == set()


def test_the_module_runs_like_the_script(tmp_path: Path) -> None:
    """`python -m api.cli` is `counterfoil`, and its exit code reaches the shell."""
    ran = subprocess.run(
        [sys.executable, "-m", "api.cli", "keys", "list", "--store", str(tmp_path / "none.db")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 2
    assert ran.stderr.startswith("counterfoil: there is no event store at ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "No such command 'nonsense' (see `counterfoil --help`)"),
        (["--nonsense"], "No such option '--nonsense' (see `counterfoil --help`)"),
        (["policy", "plan"], "Missing argument 'FILE' (see `counterfoil policy plan --help`)"),
    ],
)
def test_a_mistake_on_the_command_line_is_one_line(
    counterfoil: Counterfoil, arguments: list[str], message: str
) -> None:
    """Exit code 2, and the line names the help to read."""
    result = counterfoil(*arguments, ends=2)
    assert result.stderr == f"counterfoil: {message}\n"
    assert result.stdout == ""


def test_an_unknown_setting_is_a_mistake(counterfoil: Counterfoil, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistyped variable is named, with those there are."""
    monkeypatch.setenv("COUNTERFOIL_PROT", "8080")
    result = counterfoil("keys", "list", ends=2)
    assert "counterfoil: COUNTERFOIL_PROT is no setting" in result.stderr


def test_a_store_that_is_none_is_unavailable(counterfoil: Counterfoil, store: Path) -> None:
    """A file that is no event store ends with 3, and stays as it was."""
    store.write_text("something else")
    result = counterfoil("audit", "log", ends=3)
    assert result.stderr.startswith("counterfoil: ")
    assert store.read_text() == "something else"


def test_words_of_others_cannot_forge_a_message(counterfoil: Counterfoil, secrets: dict[str, str]) -> None:
    """A name with escape sequences and direction marks reaches the terminal as text (CWE-117)."""
    result = counterfoil("subject", "disable", "corp:\x1b[2J\u202eu1\u2028")
    assert result.stdout == "corp:\\x1b[2J\\u202eu1\\u2028 is disabled\n"
    result = counterfoil("client", "secret", "rotate", "a\x1bb", ends=2)
    assert "\x1b" not in result.stderr
