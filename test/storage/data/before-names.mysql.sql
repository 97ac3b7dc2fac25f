CREATE TABLE IF NOT EXISTS oauth_schema (
  id INT NOT NULL PRIMARY KEY,
  version INT NOT NULL
) ENGINE = InnoDB;
INSERT IGNORE INTO oauth_schema (id, version) VALUES (1, 2);
CREATE TABLE IF NOT EXISTS oauth_clients (
  client_id VARBINARY(765) NOT NULL PRIMARY KEY,
  version BIGINT NOT NULL,
  username VARBINARY(765),
  record LONGBLOB NOT NULL,
  INDEX by_username (username, client_id)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
CREATE TABLE IF NOT EXISTS oauth_grants (
  id VARBINARY(255) NOT NULL PRIMARY KEY,
  client_id VARBINARY(765),
  user_id VARBINARY(765),
  scope LONGBLOB,
  started_at BIGINT,
  expires_at BIGINT,
  revoked_at BIGINT,
  delete_at BIGINT NOT NULL,
  data LONGBLOB,
  INDEX by_user (user_id, revoked_at, id),
  INDEX by_client (client_id, revoked_at, id),
  INDEX by_delete_at (delete_at),
  INDEX by_started_at (started_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
CREATE TABLE IF NOT EXISTS oauth_credentials (
  id VARBINARY(255) NOT NULL PRIMARY KEY,
  kind VARBINARY(255) NOT NULL,
  state VARBINARY(255) NOT NULL,
  digest VARBINARY(255) NOT NULL,
  grant_id VARBINARY(255),
  client_id VARBINARY(765) NOT NULL,
  user_id VARBINARY(765),
  scope LONGBLOB NOT NULL,
  started_at BIGINT NOT NULL,
  issued_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  data LONGBLOB NOT NULL,
  INDEX by_expires_at (expires_at),
  INDEX by_kind (kind, expires_at),
  INDEX by_started_at (started_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
CREATE TABLE IF NOT EXISTS oauth_marks (
  owner VARBINARY(6) NOT NULL,
  owner_id VARBINARY(765) NOT NULL,
  revoked_at BIGINT NOT NULL,
  delete_at BIGINT NOT NULL,
  settled TINYINT NOT NULL,
  PRIMARY KEY (owner, owner_id),
  INDEX by_delete_at (delete_at)
) ENGINE = InnoDB ROW_FORMAT = DYNAMIC;
INSERT INTO oauth_clients VALUES
('one', 1, NULL, '{"name":"Photos","clientId":"one","version":1,"secrets":[],"redirectUris":["https://app.example/callback"],"tokenEndpointAuthMethods":["none"],"createdAt":1800000000,"updatedAt":1800000000}'),
('two', 1, NULL, '{"name":"PHOTOS \\"to\\\\go\\"","clientId":"two","version":1,"secrets":[],"redirectUris":["https://app.example/callback"],"tokenEndpointAuthMethods":["none"],"createdAt":1800000000,"updatedAt":1800000000}'),
('three', 1, NULL, '{"name":"写真 Ärger","clientId":"three","version":1,"secrets":[],"redirectUris":["https://app.example/callback"],"tokenEndpointAuthMethods":["none"],"createdAt":1800000000,"updatedAt":1800000000}'),
('four', 1, NULL, '{"clientId":"four","version":1,"secrets":[],"redirectUris":["https://app.example/callback"],"tokenEndpointAuthMethods":["none"],"createdAt":1800000000,"updatedAt":1800000000}'),
('five', 1, NULL, '{"name":"Photos xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx","clientId":"five","version":1,"secrets":[],"redirectUris":["https://app.example/callback"],"tokenEndpointAuthMethods":["none"],"createdAt":1800000000,"updatedAt":1800000000}'),
('six', 1, NULL, '{"clientId":"six","version":1,"secrets":[],"redirectUris":["https://app.example/callback"],"tokenEndpointAuthMethods":["none"],"createdAt":1800000000,"updatedAt":1800000000,"description":"a \\"name\\":\\"Photo\\" in its words","name":"Photo tools"}'),
('seven', 1, NULL, '{"name":"Photos 📷","clientId":"seven","version":1,"secrets":[],"redirectUris":["https://app.example/callback"],"tokenEndpointAuthMethods":["none"],"createdAt":1800000000,"updatedAt":1800000000,"description":"half \\ud83d\\u0000"}')
