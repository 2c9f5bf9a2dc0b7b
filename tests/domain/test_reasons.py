"""Every reason code is given by a test of the decision or is the api's to give: none is forgotten, none is dead."""

from __future__ import annotations

import re
from pathlib import Path

from api.oauth_errors import ERRORS
from domain.refusals import SOFTENED_BY_AUDIT_MODE, Reason

TESTS = Path(__file__).parent
GIVEN_WHILE_VERIFYING = {
    Reason.TOKEN_MALFORMED,
    Reason.TOKEN_TYPE_MISMATCH,
    Reason.TOKEN_KEY_UNKNOWN,
    Reason.REQUESTED_TYPE_UNSUPPORTED,
    Reason.SCOPE_MALFORMED,
}
"""These are found while the request is read, before the decision; tests/api and tests/attacks provoke them."""


def test_every_reason_is_provoked_by_a_test() -> None:
    """A reason that no test provokes could be given for anything, or never."""
    text = "".join(file.read_text() for file in TESTS.glob("test_*.py") if file.name != Path(__file__).name)
    provoked = {Reason[name] for name in re.findall(r"Reason\.([A-Z_]+)\b", text)}
    assert set(Reason) - provoked - GIVEN_WHILE_VERIFYING == set()


def test_every_reason_has_its_oauth_error() -> None:
    """The one table is total."""
    assert set(ERRORS) == set(Reason)


def test_descriptions_have_only_the_characters_that_rfc_6749_allows() -> None:
    """T38: %x20-21 / %x23-5B / %x5D-7E, and never a word of the caller's."""
    allowed = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]+")
    assert all(allowed.fullmatch(error.description) for error in ERRORS.values())


def test_audit_mode_softens_three_reasons() -> None:
    """The design names them."""
    softened = {Reason.TARGET_NOT_GRANTED, Reason.TARGET_NOT_CONSENTING, Reason.CIRCULAR_CHAIN}
    assert softened == SOFTENED_BY_AUDIT_MODE
