CREATE TABLE oauth_clients (
  client_id TEXT PRIMARY KEY NOT NULL,
  version INTEGER NOT NULL,
  username TEXT,
  record TEXT NOT NULL
) STRICT;
CREATE INDEX oauth_clients_by_username ON oauth_clients (username, client_id);
CREATE TABLE oauth_grants (
  id TEXT PRIMARY KEY NOT NULL,
  client_id TEXT,
  user_id TEXT,
  scope TEXT,
  started_at INTEGER,
  expires_at INTEGER,
  revoked_at INTEGER,
  delete_at INTEGER NOT NULL
) STRICT;
CREATE INDEX oauth_grants_by_user ON oauth_grants (user_id, id) WHERE revoked_at IS NULL;
CREATE INDEX oauth_grants_by_client ON oauth_grants (client_id, id) WHERE revoked_at IS NULL;
CREATE INDEX oauth_grants_by_delete_at ON oauth_grants (delete_at);
CREATE TABLE oauth_credentials (
  id TEXT PRIMARY KEY NOT NULL,
  kind TEXT NOT NULL,
  state TEXT NOT NULL,
  digest TEXT NOT NULL,
  grant_id TEXT,
  client_id TEXT NOT NULL,
  user_id TEXT,
  scope TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  issued_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  data TEXT NOT NULL
) STRICT;
CREATE INDEX oauth_credentials_by_expires_at ON oauth_credentials (expires_at);
CREATE TABLE oauth_marks (
  owner TEXT NOT NULL,
  owner_id TEXT NOT NULL,
  revoked_at INTEGER NOT NULL,
  delete_at INTEGER NOT NULL,
  settled INTEGER NOT NULL,
  PRIMARY KEY (owner, owner_id)
) STRICT;
CREATE INDEX oauth_marks_by_delete_at ON oauth_marks (delete_at);
INSERT INTO oauth_clients (client_id, version, username, record) VALUES ('old-web', 354173064, NULL, '{"clientId":"old-web","version":354173064,"redirectUris":["https://app.example/cb"],"grantTypes":["authorization_code","client_credentials","refresh_token"],"scopes":["read","write"],"tokenEndpointAuthMethods":["client_secret_basic","client_secret_post"],"secrets":[{"digest":"EV-CXPI19y25B7x4UrOMiacvM-1As476ARTSLVenyFI","createdAt":1800000000}],"createdAt":1800000000,"updatedAt":1800000000}');
INSERT INTO oauth_clients (client_id, version, username, record) VALUES ('old-native', 529368194, NULL, '{"clientId":"old-native","version":529368194,"redirectUris":["http://127.0.0.1:4321/callback"],"scopes":["read","write"],"tokenEndpointAuthMethods":["none"],"secrets":[],"createdAt":1800000000,"updatedAt":1800000000}');
INSERT INTO oauth_grants (id, client_id, user_id, scope, started_at, expires_at, revoked_at, delete_at) VALUES ('K3hPrlzblO0ybNMOVvIZTw', 'old-native', 'alice', '["read","write"]', 1791360000, 1792569600, NULL, 1792569600);
INSERT INTO oauth_grants (id, client_id, user_id, scope, started_at, expires_at, revoked_at, delete_at) VALUES ('tOawBTiT9VlnJD1e2PtFfg', 'old-web', 'alice', '["read","write"]', 1800000000, 1801209600, NULL, 1801209600);
INSERT INTO oauth_grants (id, client_id, user_id, scope, started_at, expires_at, revoked_at, delete_at) VALUES ('tIbuK8tBLFu_ync3lRiMsw', 'old-native', 'alice', '["read","write"]', 1800000000, 1801209600, 1800000000, 1801209600);
INSERT INTO oauth_grants (id, client_id, user_id, scope, started_at, expires_at, revoked_at, delete_at) VALUES ('b_rZHSYsPMWOQH5MzSAspg', 'old-web', 'bob', '["read","write"]', 1800000000, 1801209600, NULL, 1801209600);
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('K3hPrlzblO0ybNMOVvIZTw~c', 'authorization_code', 'used', 'LDoqF54lPCUH3I5ju31dqgeSwNRNzgs0nkpZzP7hxtY', 'K3hPrlzblO0ybNMOVvIZTw', 'old-native', 'alice', '["read","write"]', 1791360000, 1791360000, 1791363600, '{"codeChallenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","redirectUri":"http://127.0.0.1:4321/callback"}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('K3hPrlzblO0ybNMOVvIZTw~a', 'access_token', 'jKrpqmmuDDSTOBZkCpSN2Hw6uhBbf8B28Womnt-nVpg', 'jKrpqmmuDDSTOBZkCpSN2Hw6uhBbf8B28Womnt-nVpg', 'K3hPrlzblO0ybNMOVvIZTw', 'old-native', 'alice', '["read","write"]', 1791360000, 1791360000, 1791363600, '{}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('K3hPrlzblO0ybNMOVvIZTw~r', 'refresh_token', '1kxEKYzj2eGrCujtn4VKTV6Jpn8XeoRoZjdaezYbvB4', 'LyYyGu8xIhKGU90IGHDXgDf0br9gXltIpEDBcAMEmWo', 'K3hPrlzblO0ybNMOVvIZTw', 'old-native', 'alice', '["read","write"]', 1791360000, 1791360000, 1792569600, '{"slot":0}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('tOawBTiT9VlnJD1e2PtFfg~c', 'authorization_code', 'used', 'y9O3yPKu41zszTAIH6m1v1DoDE2J_VoOkKLprRh5zeQ', 'tOawBTiT9VlnJD1e2PtFfg', 'old-web', 'alice', '["read","write"]', 1800000000, 1800000000, 1800003600, '{"codeChallenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","redirectUri":"https://app.example/cb"}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('tOawBTiT9VlnJD1e2PtFfg~a', 'access_token', '8-q79YJOB_-KXn-m-Iykwaa2Z5iiQe2ew4wjrDLW_jQ', '8-q79YJOB_-KXn-m-Iykwaa2Z5iiQe2ew4wjrDLW_jQ', 'tOawBTiT9VlnJD1e2PtFfg', 'old-web', 'alice', '["read","write"]', 1800000000, 1800000000, 1800003600, '{}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('tOawBTiT9VlnJD1e2PtFfg~r', 'refresh_token', 'z7u0lXTrTs0ZzgNL5SNDv-cJ6Ah8hu0YwHn5AJNaxZE', 'HfSCzytLBhV4WM2myLb2hFKirxX2qJMkO079XAyBFsM', 'tOawBTiT9VlnJD1e2PtFfg', 'old-web', 'alice', '["read","write"]', 1800000000, 1800000000, 1801209600, '{"slot":0}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('m94TDpJ_sMv_PQ64We-yWA~c', 'authorization_code', 'issued', 'VGm0Y5D2Go9Y7nSIvxVE1e962o1hZRs7orSTmdAsS_w', NULL, 'old-web', 'alice', '["read","write"]', 1800000000, 1800000000, 1800000060, '{"codeChallenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","redirectUri":"https://app.example/cb"}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('tIbuK8tBLFu_ync3lRiMsw~c', 'authorization_code', 'used', 'hkUnFAfCehu9avE9bKTbvBhNet1VscqwNzgEHg7cVGU', 'tIbuK8tBLFu_ync3lRiMsw', 'old-native', 'alice', '["read","write"]', 1800000000, 1800000000, 1800003600, '{"codeChallenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","redirectUri":"http://127.0.0.1:4321/callback"}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('tIbuK8tBLFu_ync3lRiMsw~a', 'access_token', '5fLAoIlIOGdjzskl3TiW_kwrsu2zeFbzmxzegwRvcho', '5fLAoIlIOGdjzskl3TiW_kwrsu2zeFbzmxzegwRvcho', 'tIbuK8tBLFu_ync3lRiMsw', 'old-native', 'alice', '["read","write"]', 1800000000, 1800000000, 1800003600, '{}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('tIbuK8tBLFu_ync3lRiMsw~r', 'refresh_token', '_ifeYq6sbOLdUx3oYKeAQ8l-ck4WafZDzzeO5H7tsOc', '9wFtJnz5dj6X51uDP-3Jdyl6ratm7qvk1797_jlCln4', 'tIbuK8tBLFu_ync3lRiMsw', 'old-native', 'alice', '["read","write"]', 1800000000, 1800000000, 1801209600, '{"slot":0}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('b_rZHSYsPMWOQH5MzSAspg~c', 'authorization_code', 'used', 'vyrAItSqkwmu3t23Hg1zN0JotUv0He0XkwhNWKP5bBA', 'b_rZHSYsPMWOQH5MzSAspg', 'old-web', 'bob', '["read","write"]', 1800000000, 1800000000, 1800003600, '{"codeChallenge":"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM","redirectUri":"https://app.example/cb"}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('b_rZHSYsPMWOQH5MzSAspg~a', 'access_token', 'RKjAcu4IzyVAb6TvG1cxz8r2Cz5vY0H1qA0oM_bULds', 'RKjAcu4IzyVAb6TvG1cxz8r2Cz5vY0H1qA0oM_bULds', 'b_rZHSYsPMWOQH5MzSAspg', 'old-web', 'bob', '["read","write"]', 1800000000, 1800000000, 1800003600, '{}');
INSERT INTO oauth_credentials (id, kind, state, digest, grant_id, client_id, user_id, scope, started_at, issued_at, expires_at, data) VALUES ('b_rZHSYsPMWOQH5MzSAspg~r', 'refresh_token', 'seduFTPyZaLANSVZs_lM0p1stLc5GHCYArOekNK_VZE', 'A1dPMwwlG1iZbz4p4tehvjtLTiYqBXU-hCpOBb86lJ8', 'b_rZHSYsPMWOQH5MzSAspg', 'old-web', 'bob', '["read","write"]', 1800000000, 1800000000, 1801209600, '{"slot":0}');
INSERT INTO oauth_marks (owner, owner_id, revoked_at, delete_at, settled) VALUES ('user', 'bob', 1800000000, 1802592000, 0);
