CREATE TABLE IF NOT EXISTS oauth_clients (
  client_id text COLLATE "C" PRIMARY KEY,
  version bigint NOT NULL,
  username text COLLATE "C",
  record text NOT NULL
);
CREATE INDEX IF NOT EXISTS oauth_clients_by_username ON oauth_clients (username, client_id);

CREATE TABLE IF NOT EXISTS oauth_grants (
  id text COLLATE "C" PRIMARY KEY,
  client_id text COLLATE "C",
  user_id text COLLATE "C",
  scope text,
  started_at bigint,
  expires_at bigint,
  revoked_at bigint,
  delete_at bigint NOT NULL
);
CREATE INDEX IF NOT EXISTS oauth_grants_by_user ON oauth_grants (user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX IF NOT EXISTS oauth_grants_by_client ON oauth_grants (client_id, id) WHERE revoked_at IS NULL;
CREATE INDEX IF NOT EXISTS oauth_grants_by_delete_at ON oauth_grants (delete_at);

CREATE TABLE IF NOT EXISTS oauth_credentials (
  id text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL,
  state text NOT NULL,
  digest text NOT NULL,
  grant_id text COLLATE "C",
  client_id text COLLATE "C" NOT NULL,
  user_id text COLLATE "C",
  scope text NOT NULL,
  started_at bigint NOT NULL,
  issued_at bigint NOT NULL,
  expires_at bigint NOT NULL,
  data text NOT NULL
);
CREATE INDEX IF NOT EXISTS oauth_credentials_by_expires_at ON oauth_credentials (expires_at);

CREATE TABLE IF NOT EXISTS oauth_marks (
  owner text COLLATE "C" NOT NULL,
  owner_id text COLLATE "C" NOT NULL,
  revoked_at bigint NOT NULL,
  delete_at bigint NOT NULL,
  settled boolean NOT NULL,
  PRIMARY KEY (owner, owner_id)
);
CREATE INDEX IF NOT EXISTS oauth_marks_by_delete_at ON oauth_marks (delete_at);

INSERT INTO oauth_clients (client_id, version, username, record) VALUES ('old-web', 464829749, NULL, '{"clientId":"old-web","version":464829749,"redirectUris":["https://app.example/cb"],"grantTypes":["authorization_code","client_credentials","refresh_token"],"scopes":["read","write"],"tokenEndpointAuthMethods":["client_secret_basic","client_secret_post"],"secrets":[{"digest":"bKqTmP4ck1zbrHxLh_RCyPwPpqr1je4JEaQwz2uwsps","createdAt":1800000000}],"createdAt":1800000000,"updatedAt":1800000000}');
INSERT INTO oauth_clients (client_id, version, username, record) VALUES ('old-native', 561875085, NULL, '{"clientId":"old-native","version":561875085,"redirectUris":["http://127.0.0.1:4321/callback"],"scopes":["read","write"],"tokenEndpointAuthMethods":["none"],"secrets":[],"createdAt":1800000000,"updatedAt":1800000000}');
INSERT INTO oauth_grants (id, client_id, user_id, scope, started_at, expires_at, revoked_at, delete_at) VALUES ('UxsGLgLLJSHJG-87zfYWvA', 'old-native', 'alice', '["read","write"]', 1791360000, 1792569600, NULL, 1792569600);
INSERT INTO oauth_grants (id, client_id, user_id, scope, started_at, expires_at, revoked_at, delete_at) VALUES ('pvBRR2QrmhO-4qiUNz58kQ', 'old-web', 'alice', '["read","write"]', 1800000000, 1801209600, NULL, 1801209600);
INSERT INTO oauth_grants (id, client_id, user_id, scope, started_at, expires_at, revoked_at, delete_at) VALUES ('sdetboe_QWDnSd_VCT83hg', 'old-native', 'alice', '["read","write"]', 1800000000, 1801209600, 1800000000, 1801209600);
INSERT INTO oauth_grants (id, client_id, user_id, scope, started_at, expires_at, revoked_at, delete_at) VALUES ('lz2HN5uL0okQ1Z1b-w-yuw', 'old-web', 'bob', '["read","write"]', 1800000000, 1801209600, NULL, 1801209600);
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('UxsGLgLLJSHJG-87zfYWvA~a', 'access_token', '5QzYBs6-71xWQYhu25AA59ULEY86jbe7PcbO3_IWrD8', '5QzYBs6-71xWQYhu25AA59ULEY86jbe7PcbO3_IWrD8', 'UxsGLgLLJSHJG-87zfYWvA', 'old-native', 'alice', '["read","write"]', 1791360000, 1791360000, 1791363600, '{}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('UxsGLgLLJSHJG-87zfYWvA~c', 'authorization_code', 'used', 'kb9Zm46TiAqmUMpflFnmmegRkHaMBFJ9SZUUTAeqc0M', 'UxsGLgLLJSHJG-87zfYWvA', 'old-native', 'alice', '["read","write"]', 1791360000, 1791360000, 1791363600, '{"codeChallenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","redirectUri":"http://127.0.0.1:4321/callback"}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('UxsGLgLLJSHJG-87zfYWvA~r', 'refresh_token', 'ChqyQgKoTEUd5-k3t8lBvIzEuybW6einIhmgh2nily4', 'KHbS_CYBJ-7FnomPPcnyxzt_XfMTBr6PuaAlsNXRxnE', 'UxsGLgLLJSHJG-87zfYWvA', 'old-native', 'alice', '["read","write"]', 1791360000, 1791360000, 1792569600, '{"slot":0}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('pvBRR2QrmhO-4qiUNz58kQ~a', 'access_token', 'r0ypK_OuvEtccjQhOhN5m6v8WGvZNdCS5lBVyjFncO8', 'r0ypK_OuvEtccjQhOhN5m6v8WGvZNdCS5lBVyjFncO8', 'pvBRR2QrmhO-4qiUNz58kQ', 'old-web', 'alice', '["read","write"]', 1800000000, 1800000000, 1800003600, '{}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('pvBRR2QrmhO-4qiUNz58kQ~c', 'authorization_code', 'used', 'Bd5MZMKHBJmiLd4Su1-VlUKsiUT6v7DU-q-y_c7b7Yo', 'pvBRR2QrmhO-4qiUNz58kQ', 'old-web', 'alice', '["read","write"]', 1800000000, 1800000000, 1800003600, '{"codeChallenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","redirectUri":"https://app.example/cb"}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('pvBRR2QrmhO-4qiUNz58kQ~r', 'refresh_token', 'go2uvzBhy_fl8VVvs-SodNGzkeryodBtPuGNJQ4otKk', 'Pk5QT3XkmRS9mJ9kKKzFWrD4DvqMYNhA3Th5fkCGQlA', 'pvBRR2QrmhO-4qiUNz58kQ', 'old-web', 'alice', '["read","write"]', 1800000000, 1800000000, 1801209600, '{"slot":0}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('CikFVNtzMwVdAaG7aXkeSg~c', 'authorization_code', 'issued', 'cCN8yuiZYKgB_MY146hxJc8JtoLjdkalOJpyCkxMDp0', NULL, 'old-web', 'alice', '["read","write"]', 1800000000, 1800000000, 1800000060, '{"codeChallenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","redirectUri":"https://app.example/cb"}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('sdetboe_QWDnSd_VCT83hg~a', 'access_token', 'kgvjOcg_TUpEGjE-bx_kuSfLjtJCiR70vzfCCC9Q1ew', 'kgvjOcg_TUpEGjE-bx_kuSfLjtJCiR70vzfCCC9Q1ew', 'sdetboe_QWDnSd_VCT83hg', 'old-native', 'alice', '["read","write"]', 1800000000, 1800000000, 1800003600, '{}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('sdetboe_QWDnSd_VCT83hg~c', 'authorization_code', 'used', 'yTgjqN4_1FRlmQD2dtHvEkAGsnH_FtQ8SoHT3XI9zJg', 'sdetboe_QWDnSd_VCT83hg', 'old-native', 'alice', '["read","write"]', 1800000000, 1800000000, 1800003600, '{"codeChallenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","redirectUri":"http://127.0.0.1:4321/callback"}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('sdetboe_QWDnSd_VCT83hg~r', 'refresh_token', 'q4JOzC_qvPkAkVy9HD4vzPm0lX2YsSzTx7d4r5let1k', 'ddOES2CmduzrFkOXozJTIifutwjE_3NHp_ZepYDsXAE', 'sdetboe_QWDnSd_VCT83hg', 'old-native', 'alice', '["read","write"]', 1800000000, 1800000000, 1801209600, '{"slot":0}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('lz2HN5uL0okQ1Z1b-w-yuw~a', 'access_token', 'JoBoZZIkEWTKC_jCxpgr6yn-p2XRfHgt_J2WoFCtp_8', 'JoBoZZIkEWTKC_jCxpgr6yn-p2XRfHgt_J2WoFCtp_8', 'lz2HN5uL0okQ1Z1b-w-yuw', 'old-web', 'bob', '["read","write"]', 1800000000, 1800000000, 1800003600, '{}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('lz2HN5uL0okQ1Z1b-w-yuw~c', 'authorization_code', 'used', 'g06ZmDSsm6j_3lLta15Ba_Mzu68bWxZrT2NdBRKaRVE', 'lz2HN5uL0okQ1Z1b-w-yuw', 'old-web', 'bob', '["read","write"]', 1800000000, 1800000000, 1800003600, '{"codeChallenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","redirectUri":"https://app.example/cb"}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('lz2HN5uL0okQ1Z1b-w-yuw~r', 'refresh_token', 'ZP-wwtOK2GyszLJTCYiIHWDp4PVV7wZVEB8PYNSWdWI', 'mPrEOJiS7owofZOXzVFYcnhRmd7KjiKiz8IdHAPSM8Y', 'lz2HN5uL0okQ1Z1b-w-yuw', 'old-web', 'bob', '["read","write"]', 1800000000, 1800000000, 1801209600, '{"slot":0}');
INSERT INTO oauth_marks (owner, owner_id, revoked_at, delete_at, settled) VALUES ('user', 'bob', 1800000000, 1802592000, false);
