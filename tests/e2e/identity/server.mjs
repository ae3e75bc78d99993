// SPDX-License-Identifier: Apache-2.0
// A certified OAuth server in Entra's clothes: one oidc-provider for each tenant, under Entra's paths, over TLS.
//
// usage: node server.mjs CONFIGURATION.json
//   port_file, log       where to write the port, and a line of JSON for each refusal with its true reason
//   tls: {cert, key}     PEM files
//   tenants              array of ids
//   lifetime             of access tokens, seconds
//   secret               {client, secret}
//   reusable             whether an assertion may be used more than once, as at Entra
//   keys                 array of {client, jwk, thumbprints}: clients that prove themselves by an assertion
//   refresh              {client, secret, tokens}: `tokens` is the file for the first refresh token of each tenant
import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { errors, Provider } from 'oidc-provider';

const conf = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const graph = 'https://graph.microsoft.com';
const scope = `${graph}/.default`;
const thumbprints = new Map((conf.keys ?? []).map((key) => [key.client, key.thumbprints]));
const server = createServer({ cert: readFileSync(conf.tls.cert), key: readFileSync(conf.tls.key) });
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const origin = `https://127.0.0.1:${server.address().port}`;

function clients() {
  const common = { redirect_uris: [], response_types: [], scope };
  const list = [];
  if (conf.secret) {
    list.push({ ...common, client_id: conf.secret.client, client_secret: conf.secret.secret,
      grant_types: ['client_credentials'], token_endpoint_auth_method: 'client_secret_post' });
  }
  for (const { client, jwk } of conf.keys ?? []) {
    list.push({ ...common, client_id: client, jwks: { keys: [jwk] }, grant_types: ['client_credentials'],
      token_endpoint_auth_method: 'private_key_jwt' });
  }
  if (conf.refresh) {
    list.push({ ...common, client_id: conf.refresh.client, client_secret: conf.refresh.secret,
      scope: `${scope} openid offline_access`, redirect_uris: ['https://app.example/'], response_types: ['code'],
      grant_types: ['authorization_code', 'refresh_token'], token_endpoint_auth_method: 'client_secret_post' });
  }
  return list;
}

// The server does not look at the thumbprint, Entra does.
function checkThumbprint(ctx, claims, header, client) {
  const known = thumbprints.get(client.clientId);
  const name = header.alg === 'PS256' ? 'x5t#S256' : 'x5t';
  if (known && header[name] !== known[name]) throw new errors.InvalidClientAuth(`unknown thumbprint ${name}`);
}

function makeProvider(tenant) {
  const provider = new Provider(`${origin}/${tenant}`, {
    clients: clients(),
    clientAuthMethods: ['client_secret_post', 'private_key_jwt'],
    enabledJWA: { clientAuthSigningAlgValues: ['RS256', 'PS256'] },
    clockTolerance: 0,
    assertJwtClientAuthClaimsAndHeader: checkThumbprint,
    routes: { token: '/oauth2/v2.0/token' },
    scopes: ['openid', 'offline_access', scope],
    ttl: { ClientCredentials: conf.lifetime, AccessToken: conf.lifetime, RefreshToken: 86400, Grant: 86400 },
    rotateRefreshToken: true,
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    extraTokenClaims: () => ({ tid: tenant, roles: conf.roles ?? ['SecurityAlert.Read.All'] }),
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => graph,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({ scope, audience: graph, accessTokenFormat: 'jwt', accessTokenTTL: conf.lifetime }),
      },
    },
  });
  if (conf.reusable) provider.ReplayDetection.unique = async () => true;
  provider.on('grant.error', (ctx, error) => {
    appendFileSync(conf.log, `${JSON.stringify({ tenant, error: error.error, detail: error.error_detail })}\n`);
  });
  provider.on('server_error', (ctx, error) => {
    appendFileSync(conf.log, `${JSON.stringify({ tenant, error: 'server_error', detail: error.stack })}\n`);
  });
  return provider;
}

// As if a user had signed in.
async function firstRefreshToken(provider) {
  const client = await provider.Client.find(conf.refresh.client);
  const grant = new provider.Grant({ accountId: 'analyst', clientId: client.clientId });
  grant.addOIDCScope('openid offline_access');
  grant.addResourceScope(graph, scope);
  const token = new provider.RefreshToken({
    accountId: 'analyst', client, grantId: await grant.save(), gty: 'authorization_code',
    resource: graph, scope: `openid offline_access ${scope}`,
  });
  return token.save();
}

const callbacks = new Map();
const tokens = {};
for (const tenant of conf.tenants) {
  const provider = makeProvider(tenant);
  callbacks.set(tenant, provider.callback());
  if (conf.refresh) tokens[tenant] = await firstRefreshToken(provider);
}
if (conf.refresh) writeFileSync(conf.refresh.tokens, JSON.stringify(tokens), { mode: 0o600 });

server.on('request', (request, response) => {
  // As a gateway in front of it would: the server does not know by which address it was called.
  if (request.url.startsWith('/gateway/')) request.url = request.url.slice('/gateway'.length);
  const [, tenant] = request.url.split('/', 2);
  const callback = callbacks.get(tenant);
  if (!callback) {
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end('{"error":"invalid_tenant","error_codes":[90002]}');
    return;
  }
  request.originalUrl = request.url; // a provider under a path takes its own from here
  request.url = request.url.slice(tenant.length + 1);
  callback(request, response);
});
writeFileSync(conf.port_file, `${server.address().port}\n`);
