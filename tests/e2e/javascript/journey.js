// The whole journey with openid-client, unmodified: discovery, first token, exchange, introspection, revocation.
import * as client from "openid-client";

const [issuer, travelSecret, agentSecret, hrSecret, keyedPem] = process.argv.slice(2);
const EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
const options = { execute: [client.allowInsecureRequests], algorithm: "oauth2" };

async function as(id, secret, method = client.ClientSecretBasic) {
  return client.discovery(new URL(issuer), id, undefined, method(secret), options);
}

const travel = await as("travel", travelSecret);
const agent = await as("agent", agentSecret);
const hr = await as("hr", hrSecret);

const first = await client.clientCredentialsGrant(travel, { audience: "travel", scope: "trip" });
const exchange = (config, token, audience) =>
  client.genericGrantRequest(config, EXCHANGE, {
    subject_token: token,
    subject_token_type: ACCESS_TOKEN,
    audience,
  });
const forAgent = await exchange(travel, first.access_token, "agent");
const forHr = await exchange(agent, forAgent.access_token, "hr");
const alive = await client.tokenIntrospection(hr, forHr.access_token);

let refusal;
try {
  await exchange(agent, forAgent.access_token, "nowhere");
} catch (error) {
  refusal = error.error;
}

await client.tokenRevocation(travel, first.access_token);
const dead = await client.tokenIntrospection(hr, forHr.access_token);

const der = Buffer.from(keyedPem.replace(/-----[^-]+-----|\s/g, ""), "base64");
const key = await crypto.subtle.importKey("pkcs8", der, { name: "ECDSA", namedCurve: "P-256" }, false, ["sign"]);
const keyed = await client.discovery(new URL(issuer), "keyed", undefined, client.PrivateKeyJwt(key), options);
const byKey = await client.clientCredentialsGrant(keyed, { audience: "agent" });

const oidc = await client.discovery(new URL(issuer), "travel", undefined, client.ClientSecretBasic(travelSecret), {
  execute: [client.allowInsecureRequests],
});

console.log(
  JSON.stringify({
    scope: forHr.scope,
    expires: forHr.expires_in,
    issued: forHr.issued_token_type,
    alive: alive.active,
    act: alive.act,
    refusal,
    dead: dead.active,
    byKey: byKey.token_type,
    oidc: oidc.serverMetadata().issuer,
  }),
);
