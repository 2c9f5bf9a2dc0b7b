"""Settings: one frozen object per process, from the environment, checked whole at start."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import msgspec

from api.sealing import FILE_SETTING, SETTING, KeyEncryptionKey
from consumers.settings import StreamSettings

PREFIX: Final = "COUNTERFOIL_"
Kind = TypeVar("Kind")
_SQLITE: Final = "sqlite:///"
_POSTGRESQL: Final = ("postgresql://", "postgres://")


class SettingInvalid(Exception):
    """An operator's mistake. The text names the setting and says what to change."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Each field is the environment variable `COUNTERFOIL_<FIELD IN UPPER CASE>`; the docstrings are the reference."""

    store: str = field(default="counterfoil.db", repr=False)
    """Where the event store is: a path, `sqlite:///path`, or `postgresql://user:password@host/database`."""
    keys: str = ""
    """Directory of the private signing keys; `<store>.keys` unless set."""
    key_encryption_key: str = field(default="", repr=False)
    """What seals the secrets in a PostgreSQL store: 32 random bytes in base64 or base64url."""
    key_encryption_key_file: str = ""
    """A file with that key, which only its owner may read, instead of the key itself."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 8080
    """Port to listen on; 0 takes a free one."""
    workers: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    """Processes that serve on the port; on a PostgreSQL store, one for each core."""
    node: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = socket.gethostname()[:64]
    """The name of this node, as events say it."""
    deadline: Annotated[float, msgspec.Meta(ge=0.1, le=60)] = 2.0
    """Seconds in which a request is answered, if only with 503."""
    trusted_proxies: str = ""
    """Addresses or networks, separated by commas, whose `X-Forwarded-For` is believed."""
    jwks_max_age: Annotated[int, msgspec.Meta(ge=0, le=86400)] = 300
    """Seconds for which verifiers may cache the JWKS; a new key is published that long before it signs."""
    allow_loopback_jwks: bool = False
    """Whether a trusted issuer's `jwks_uri` may be on a loopback address: for demonstrations and tests only."""
    proofs: bool = True
    """Whether this process signs checkpoints of the log, beside its requests."""
    head_file: str = ""
    """A file that keeps the last signed head apart from the store; `<store>.head` unless set, none with PostgreSQL."""
    log_level: str = "info"
    """`debug`, `info`, `warning` or `error`."""

    @property
    def is_shared(self) -> bool:
        """Whether the store is a PostgreSQL database, which many nodes may share."""
        return self.store.startswith(_POSTGRESQL)

    @property
    def store_name(self) -> str:
        """The store as messages name it: no password in it, nor anything else that may follow the database."""
        if not self.is_shared:
            return str(self.store_path)
        place = self.store.partition("?")[0].rpartition("@")[2]
        return f"postgresql://{place.removeprefix('postgresql://').removeprefix('postgres://')}"

    @property
    def store_path(self) -> Path:
        """The file of the embedded store."""
        return Path(self.store.removeprefix(_SQLITE) if self.store.startswith(_SQLITE) else self.store)

    @property
    def keys_path(self) -> Path:
        """The directory of the private signing keys."""
        return Path(self.keys) if self.keys else self.store_path.with_name(self.store_path.name + ".keys")

    @property
    def head_path(self) -> Path | None:
        """Where the last signed head is kept beside the store; `None` for a shared store, unless it is set."""
        if self.head_file:
            return Path(self.head_file)
        return None if self.is_shared else self.store_path.with_name(self.store_path.name + ".head")

    @property
    def proxies(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """The networks of trusted proxies."""
        return tuple(
            ipaddress.ip_network(part.strip()) for part in self.trusted_proxies.split(",") if part.strip()
        )


def read_settings(environment: Mapping[str, str], **overrides: Any) -> Settings:
    """The settings of this process. Raises SettingInvalid, naming the variable.

    Overrides come from the command line and win; `None` among them means: not given.
    """
    settings = read(Settings, environment, **overrides)
    _check(settings)
    return settings


def read(kind: type[Kind], environment: Mapping[str, str], **overrides: Any) -> Kind:
    """The settings of one kind, each converted to its type, but not checked together. Raises SettingInvalid."""
    _refuse_unknown(environment)
    given: dict[str, Any] = {
        f.name: environment[variable]
        for f in fields(kind)  # type: ignore[arg-type]
        if environment.get(variable := PREFIX + f.name.upper())
    }
    given |= {name: value for name, value in overrides.items() if value is not None}
    return _convert(kind, given)


def variables() -> tuple[str, ...]:
    """Every variable that any process of Counterfoil reads: all may share one environment."""
    return tuple(PREFIX + f.name.upper() for kind in (Settings, StreamSettings) for f in fields(kind))


def _refuse_unknown(environment: Mapping[str, str]) -> None:
    known = variables()
    for variable in environment:
        if (
            variable.startswith(PREFIX)
            and variable not in known
            and not variable.startswith(PREFIX + "TEST_")
        ):
            raise SettingInvalid(f"{variable} is no setting of this version; there are {', '.join(known)}")


def _convert(kind: type[Kind], given: Mapping[str, Any]) -> Kind:
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        found = re.search(r"`\$\.(\w+)`", str(error))
        variable = PREFIX + found[1].upper() if found else "a setting"
        what = str(error).split(" - at ")[0]
        raise SettingInvalid(f"{variable} cannot be used: {what}") from None


def _check(settings: Settings) -> None:
    if settings.log_level not in ("debug", "info", "warning", "error"):
        raise SettingInvalid(
            f"{PREFIX}LOG_LEVEL must be debug, info, warning or error, not {settings.log_level!r}"
        )
    if "://" in settings.store and not settings.store.startswith((_SQLITE, *_POSTGRESQL)):
        raise SettingInvalid(f"{PREFIX}STORE must be a path or start with {_SQLITE} or {_POSTGRESQL[0]}")
    _check_key_encryption_key(settings)
    try:
        settings.proxies  # noqa: B018 - read for its error
    except ValueError as error:
        raise SettingInvalid(f"{PREFIX}TRUSTED_PROXIES must be addresses or networks: {error}") from None


def _check_key_encryption_key(settings: Settings) -> None:
    """The key itself; the file is read by `api.kek_files` where the store needs it."""
    if not settings.key_encryption_key:
        return
    if settings.key_encryption_key_file:
        raise SettingInvalid(f"both {SETTING} and {FILE_SETTING} are set: keep one of them")
    try:
        KeyEncryptionKey.from_text(settings.key_encryption_key)
    except ValueError:
        raise SettingInvalid(
            f"{SETTING} must be 32 bytes in base64, as `counterfoil keys new-kek FILE` writes them to a file"
        ) from None
