"""`counterfoil demo --keep`: everything stays up, with commands to paste, until Ctrl-C."""

from __future__ import annotations

import sys
from pathlib import Path
from string import Template
from typing import Final

from api.demo.chapters import EMPLOYEE
from api.demo.running_service import RunningService
from api.demo.screen import Screen

# No comments in it: an interactive zsh would take them for commands.
_COMMANDS: Final = Template("""
STS=$url  LOGIN=$issuer
TRAVEL=travel-system:$travel
AGENT=agent:$agent
HR=hr-service:$hr
field() { python3 -c "import json, sys; print(json.load(sys.stdin)['$$1'])"; }
exchange() { curl -s -u "$$1" $$STS/oauth/token \\
  -d grant_type=urn:ietf:params:oauth:grant-type:token-exchange -d subject_token="$$2" \\
  -d subject_token_type=urn:ietf:params:oauth:token-type:"$$3" -d audience="$$4" -d scope="$$5"; }

echo 'An employee signs in: a first token, one for the agent, one for HR.'
BACK=$$(curl -s -o /dev/null -w '%{redirect_url}' "$$LOGIN/authorize?client_id=travel&login_hint=$employee&\\
redirect_uri=https://travel.example/signed-in")
ID_TOKEN=$$(curl -s $$LOGIN/token -d "$${BACK#*\\?}" | field id_token)
FIRST=$$(exchange "$$TRAVEL" "$$ID_TOKEN" id_token travel | field access_token)
FOR_AGENT=$$(exchange "$$TRAVEL" "$$FIRST" access_token agent | field access_token)
FOR_HR=$$(exchange "$$AGENT" "$$FOR_AGENT" access_token hr profile.read | field access_token)

echo 'More than the rule gives is refused:'
exchange "$$AGENT" "$$FOR_AGENT" access_token hr budget.write; echo

echo 'What HR learns of its token, before and after the first token is revoked:'
curl -s -u "$$HR" $$STS/oauth/introspect -d token="$$FOR_HR"; echo
curl -s -u "$$TRAVEL" $$STS/oauth/revoke -d token="$$FIRST"
curl -s -u "$$HR" $$STS/oauth/introspect -d token="$$FOR_HR"; echo

echo 'The story, as an auditor reads it:'
export COUNTERFOIL_STORE=$store
$program audit chain "$$FOR_HR"
$program audit log --client agent
""")


def wait_with_curl(screen: Screen, service: RunningService, issuer: str) -> None:
    """Print the commands, the generated secrets in them, and wait for SIGINT. Raises ServiceFailed."""
    try:
        screen.chapter(
            "Your turn", "Paste this in another terminal. Ctrl-C here ends everything and removes its files."
        )
        screen.verbatim(_commands(service, issuer))
        service.wait()
    except KeyboardInterrupt:
        screen.say("Ending the service, removing its files.")


def _commands(service: RunningService, issuer: str) -> str:
    return _COMMANDS.substitute(
        url=service.url,
        issuer=issuer,
        employee=EMPLOYEE,
        travel=service.secrets["travel-system"],
        agent=service.secrets["agent"],
        hr=service.secrets["hr-service"],
        store=service.store,
        program=_program(),
    )


def _program() -> str:
    """As it was started: it need not be on the PATH."""
    started = Path(sys.argv[0])
    return str(started) if started.name == "counterfoil" else "counterfoil"
