/** No test of its own: the rows that the lookups are tried on, plain SQL as any tool would write them. The postmaster is `anna@ours.test`, the host `mail.lab.example`. */
export const ROWS = `USE vmail;
INSERT INTO domains (domain) VALUES ('ours.test'), ('catch.test'), ('dead.test'), ('empty.test'), ('Mixed.test'), ('rest.test'), ('turn.test');
INSERT INTO accounts (username, domain, password, quota, enabled, sendonly) VALUES
  ('anna', 'ours.test', '{PLAIN}a', 2048, 1, 0), ('bert', 'ours.test', '{PLAIN}b', NULL, 1, NULL), ('Carla', 'Mixed.test', '{PLAIN}c', 0, 1, 0),
  ('robot', 'ours.test', '{PLAIN}r', 0, 1, 1), ('gone', 'ours.test', '{PLAIN}g', 0, 0, 0), ('never', 'ours.test', '{PLAIN}n', 0, NULL, NULL),
  ('nopass', 'ours.test', '', 0, 1, 0), ('copy', 'ours.test', '{PLAIN}x', 0, 1, 0), ('moved', 'ours.test', '{PLAIN}m', 0, 1, 0), ('stuck', 'ours.test', '{PLAIN}s', 0, 1, 0),
  ('plus+name', 'ours.test', '{PLAIN}p', 0, 1, 0), ('abuse', 'mixed.test', '{PLAIN}q', 0, 1, 0), ('postmaster', 'dead.test', '{PLAIN}d', 0, 0, 0),
  ('here', 'catch.test', '{PLAIN}h', 0, 1, 0), ('away', 'catch.test', '{PLAIN}w', 0, 0, 0), ('bot', 'catch.test', '{PLAIN}o', 0, 1, 1),
  ('o''brien', 'ours.test', '{PLAIN}i', 0, 1, 0), ('a(b', 'ours.test', '{PLAIN}t', 0, 1, 0),
  ('sales/eu', 'ours.test', '{PLAIN}u', 0, 1, 0), ('sales/eu', 'catch.test', '{PLAIN}v', 0, 1, 0), ('per%cent', 'catch.test', '{PLAIN}w', 0, 1, 0),
  ('plus+name', 'catch.test', '{PLAIN}x', 0, 1, 0), ('here+name', 'catch.test', '{PLAIN}y', 0, 1, 0), ('named+name', 'catch.test', '{PLAIN}z', 0, 1, 0),
  ('o''hara', 'catch.test', '{PLAIN}j', 0, 1, 0);
INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled) VALUES
  ('info', 'ours.test', 'anna', 'ours.test', 1),
  ('team', 'ours.test', 'anna', 'ours.test', 1), ('team', 'ours.test', 'bert', 'ours.test', 1), ('team', 'ours.test', 'Friend', 'Outside.example', 1),
  ('chain', 'ours.test', 'team', 'ours.test', 1), ('chain', 'ours.test', 'INFO', 'OURS.test', 1),
  ('off', 'ours.test', 'anna', 'ours.test', 0), ('null', 'ours.test', 'anna', 'ours.test', NULL),
  ('half', 'ours.test', 'anna', 'ours.test', 1), ('half', 'ours.test', 'bert', 'ours.test', 0),
  ('mixed', 'ours.test', 'gone', 'ours.test', 1), ('mixed', 'ours.test', 'robot', 'ours.test', 1), ('mixed', 'ours.test', 'nobody', 'ours.test', 1),
  ('mixed', 'ours.test', 'bert', 'ours.test', 1),
  ('torobot', 'ours.test', 'robot', 'ours.test', 1), ('torobot2', 'ours.test', 'torobot', 'ours.test', 1),
  ('togone', 'ours.test', 'gone', 'ours.test', 1), ('tonobody', 'ours.test', 'nobody', 'ours.test', 1),
  ('out', 'ours.test', 'x', 'outside.example', 1), ('tohost', 'ours.test', 'www-data', 'mail.lab.example', 1), ('toroot', 'ours.test', 'Root+x', 'mail.lab.example', 1),
  ('halfhost', 'ours.test', 'www-data', 'mail.lab.example', 1), ('halfhost', 'ours.test', 'anna', 'ours.test', 1),
  ('ping', 'ours.test', 'pong', 'ours.test', 1), ('pong', 'ours.test', 'ping', 'ours.test', 1),
  ('ring', 'ours.test', 'gnir', 'ours.test', 1), ('gnir', 'ours.test', 'ring', 'ours.test', 1), ('gnir', 'ours.test', 'anna', 'ours.test', 1),
  ('copy', 'ours.test', 'copy', 'ours.test', 1), ('copy', 'ours.test', 'anna', 'ours.test', 1),
  ('moved', 'ours.test', 'bert', 'ours.test', 1), ('tomoved', 'ours.test', 'moved', 'ours.test', 1), ('tocopy', 'ours.test', 'copy', 'ours.test', 1),
  ('stuck', 'ours.test', 'nobody', 'ours.test', 1),
  ('tagged', 'ours.test', 'anna+lists', 'ours.test', 1), ('totag', 'ours.test', 'info+x', 'ours.test', 1),
  ('bert+club', 'ours.test', 'anna', 'ours.test', 1), ('toclub', 'ours.test', 'bert+club', 'ours.test', 1), ('gone+x', 'ours.test', 'anna', 'ours.test', 1),
  (NULL, 'catch.test', 'anna', 'ours.test', 1), ('named', 'catch.test', 'bert', 'ours.test', 1), ('asleep', 'catch.test', 'bert', 'ours.test', 0),
  ('hollow', 'catch.test', 'bot', 'catch.test', 1), ('viacatch', 'ours.test', 'whoever', 'catch.test', 1), ('toaway', 'ours.test', 'away+x', 'catch.test', 1),
  (NULL, 'dead.test', 'robot', 'ours.test', 1), ('live', 'dead.test', 'anna', 'ours.test', 1),
  ('hostmaster', 'ours.test', 'bert', 'ours.test', 1), ('abuse', 'empty.test', 'bert', 'ours.test', 0),
  ('tosales', 'ours.test', 'sales/eu', 'ours.test', 1), ('toparen', 'ours.test', 'a(b', 'ours.test', 1), ('toplus', 'ours.test', 'plus+name', 'catch.test', 1),
  ('halfsales', 'ours.test', 'sales/eu', 'catch.test', 1), ('halfsales', 'ours.test', 'bert', 'ours.test', 1),
  ('toper', 'ours.test', 'per%cent', 'catch.test', 1), ('toobrien', 'ours.test', 'o''brien', 'ours.test', 1), ('tohara', 'ours.test', 'o''hara', 'catch.test', 1),
  ('torole', 'ours.test', 'Abuse', 'ours.test', 1), ('viarole', 'rest.test', 'hostmaster+x', 'rest.test', 1), ('deadrole', 'ours.test', 'postmaster', 'dead.test', 1),
  ('strangerole', 'ours.test', 'abuse', 'outside.example', 1), ('norole', 'ours.test', 'root', 'ours.test', 1), ('takenrole', 'ours.test', 'abuse', 'mixed.test', 1),
  (NULL, 'rest.test', 'bert', 'ours.test', 1), (NULL, 'turn.test', 'postmaster', 'turn.test', 1), ('post', 'ours.test', 'abuse', 'rest.test', 1),
  (NULL, 'mixed.test', 'nobody', 'mixed.test', 1), (NULL, 'mixed.test', 'carla', 'mixed.test', 1);
INSERT INTO aliases (source_username, source_domain, destination_username, destination_domain, enabled) VALUES (NULL, 'catch.test', 'anna', 'ours.test', 1);
INSERT INTO tlspolicies (domain, policy, params) VALUES ('gmx.de', 'secure', 'match=.gmx.net'), ('mailbox.org', 'dane-only', NULL);`;
