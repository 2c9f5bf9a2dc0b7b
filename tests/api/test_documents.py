"""Metadata, keys and the OpenAPI document: what stands there is what the service does."""

from __future__ import annotations

from typing import Any

import jsonschema
import jwt as pyjwt
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.openapi import openapi_document
from tests.service_under_test import ServiceUnderTest

OIDC_REQUIRED = (
    "issuer",
    "authorization_endpoint",
    "token_endpoint",
    "jwks_uri",
    "response_types_supported",
    "subject_types_supported",
    "id_token_signing_alg_values_supported",
)
RFC_8414_WITH_PRIVATE_KEY_JWT = tuple(
    f"{endpoint}_endpoint_auth_{what}_supported"
    for endpoint in ("token", "revocation", "introspection")
    for what in ("methods", "signing_alg_values")
)


def test_the_metadata_leads_to_the_endpoints(sut: ServiceUnderTest) -> None:
    """RFC 8414: the issuer exactly, and every URL is answered by this server."""
    document = sut.http.get("/.well-known/oauth-authorization-server").json()
    assert document["issuer"] == sut.url
    for name in ("token_endpoint", "revocation_endpoint", "introspection_endpoint"):
        assert sut.http.post(document[name], data={"x": "y"}).status_code == 401
    assert sut.http.get(document["jwks_uri"]).status_code == 200
    assert set(RFC_8414_WITH_PRIVATE_KEY_JWT) <= set(document)


def test_openid_clients_find_the_fields_they_insist_on(sut: ServiceUnderTest) -> None:
    """5.10: the same document, with what OpenID Connect Discovery §3 requires."""
    document = sut.http.get("/.well-known/openid-configuration").json()
    assert set(OIDC_REQUIRED) <= set(document)
    assert sut.http.get(document["authorization_endpoint"]).json()["error"] == "unsupported_response_type"


def test_a_resource_can_verify_a_token_offline(sut: ServiceUnderTest) -> None:
    """R8: RFC 9068 with the published keys, by an ordinary JWT library."""
    token = sut.chain()[2]
    key = pyjwt.PyJWKSet.from_dict(sut.http.get("/.well-known/jwks.json").json())[
        pyjwt.get_unverified_header(token)["kid"]
    ]
    claims = pyjwt.decode(token, key, algorithms=["ES256"], audience="https://hr.example", issuer=sut.url)
    assert pyjwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "txn"} <= set(claims)


def test_keys_hold_no_private_half(sut: ServiceUnderTest) -> None:
    """J-22."""
    for key in sut.http.get("/.well-known/jwks.json").json()["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_the_openapi_document_is_valid_and_complete(sut: ServiceUnderTest) -> None:
    """Valid OpenAPI 3.1; every path in it is served, and a path that is not in it is not."""
    document = sut.http.get("/openapi.json").json()
    OpenAPIV31SpecValidator(document).validate()
    for path, operations in document["paths"].items():
        for method in operations:
            assert sut.http.request(method, path).status_code != 404, path
    assert set(_served(sut)) == set(document["paths"])


def _served(sut: ServiceUnderTest) -> list[str]:
    application = sut._server.config.loaded_app
    return [*application._hot, *(route.path_format for route in application._rest.routes)]


def body_schema(path: str, status: int) -> dict[str, Any]:
    """What the document says of an answer's body."""
    document = openapi_document("https://sts.example")
    answer = document["paths"][path]["post"]["responses"][str(status)]
    schema: dict[str, Any] = answer["content"]["application/json"]["schema"]
    return {**schema, "components": document["components"]}


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/introspect", "/oauth/revoke", "/admin/revoke"])
def test_real_answers_are_those_of_the_document(sut: ServiceUnderTest, path: str) -> None:
    """Yes and no, each against its schema, and each error code among the examples."""
    root = sut.first()
    form = {"grant_type": "client_credentials", "audience": "travel", "token": root}
    document = openapi_document("https://sts.example")
    answers = [
        sut.post(path, "travel", **form) if path != "/admin/revoke" else sut.http.post(path, data=form),
        sut.http.post(path, data=form),
        sut.http.post(path, content=b"%", headers={"Content-Type": "application/x-www-form-urlencoded"}),
        sut.post(path, "travel", grant_type="nonsense"),
        sut.http.post(path, content=b"x" * 70_000),
        sut.http.get(path),
    ]
    for answer in answers:
        known = document["paths"][path]["post"]["responses"]
        assert str(answer.status_code) in known, (answer.status_code, answer.text)
        if answer.content:
            jsonschema.validate(answer.json(), body_schema(path, answer.status_code))
        if answer.status_code >= 400:
            content = known[str(answer.status_code)]["content"]["application/json"]
            assert answer.json()["error"] in content["examples"]


@pytest.mark.parametrize("algorithm", ["EdDSA", "RS256", "PS256"])
def test_other_algorithms_sign_as_well(tmp_path_factory: pytest.TempPathFactory, algorithm: str) -> None:
    """Configured in the policy, counted from the next rotation; older tokens verify on."""
    sut = ServiceUnderTest(tmp_path_factory.mktemp(algorithm))
    old = sut.first()
    sut.apply(signing__algorithm=algorithm)
    kid = sut.operator.keys.first(algorithm)  # type: ignore[arg-type]
    token = sut.chain()[2]
    assert pyjwt.get_unverified_header(token) == {"alg": algorithm, "typ": "at+jwt", "kid": kid}
    keys = pyjwt.PyJWKSet.from_dict(sut.http.get("/.well-known/jwks.json").json())
    pyjwt.decode(token, keys[kid], algorithms=[algorithm], audience="https://hr.example", issuer=sut.url)
    assert sut.is_active("hr", token)
    assert sut.is_active("travel", old)
    sut.close()
