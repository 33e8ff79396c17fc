/** The database of a machine that was set up by the original's text: its tables, and five people, aliases and policies in them. */

export const DOMAIN = 'mysystems.test';

/** The tables as the original has them, in its character set, and the change for a catch-all from its questions and answers. */
export const SCHEMA = `create database vmail CHARACTER SET 'utf8';
grant all on vmail.* to 'vmail'@'localhost' identified by 'vmaildbpass';
use vmail;
CREATE TABLE domains (id int unsigned NOT NULL AUTO_INCREMENT, domain varchar(255) NOT NULL, PRIMARY KEY (id), UNIQUE KEY (domain));
CREATE TABLE accounts (id int unsigned NOT NULL AUTO_INCREMENT, username varchar(64) NOT NULL, domain varchar(255) NOT NULL,
  password varchar(255) NOT NULL, quota int unsigned DEFAULT '0', enabled boolean DEFAULT '0', sendonly boolean DEFAULT '0',
  PRIMARY KEY (id), UNIQUE KEY (username, domain), FOREIGN KEY (domain) REFERENCES domains (domain));
CREATE TABLE aliases (id int unsigned NOT NULL AUTO_INCREMENT, source_username varchar(64) NOT NULL, source_domain varchar(255) NOT NULL,
  destination_username varchar(64) NOT NULL, destination_domain varchar(255) NOT NULL, enabled boolean DEFAULT '0', PRIMARY KEY (id),
  UNIQUE KEY (source_username, source_domain, destination_username, destination_domain), FOREIGN KEY (source_domain) REFERENCES domains (domain));
CREATE TABLE tlspolicies (id int unsigned NOT NULL AUTO_INCREMENT, domain varchar(255) NOT NULL,
  policy enum('none', 'may', 'encrypt', 'dane', 'dane-only', 'fingerprint', 'verify', 'secure') NOT NULL, params varchar(255),
  PRIMARY KEY (id), UNIQUE KEY (domain));
alter table aliases modify source_username varchar(64) null;`;

/** SHA512-CRYPT of NAME-password, by \`openssl passwd -6\`; \`two\` has no scheme before it, which the original's default supplies. */
export const ROWS = `use vmail;
insert into domains (domain) values ('${DOMAIN}'), ('Second.test'), ('unused.test');
delete from domains where domain = 'unused.test';
insert into accounts (username, domain, password, quota, enabled, sendonly) values
  ('one', '${DOMAIN}', '{SHA512-CRYPT}$6$onesalt$bkBbi0aKa4ssF.lWeLiVYLxKA.RRkvw60gzb/stc8kbPFwI/Cy8PKc0S1RAUEJxU7t.ACgEbeF/EGKKGVKlIU/', 2048, true, false),
  ('Two', '${DOMAIN}', '$6$twosalt$gGxudPAMWb.So8S6W1yi4UGbvTnorFRxozpf./bZsIrKXLQGAbZRy1VERUMXejmSgNvWshCQvx/3ImbUAnN4o.', 0, true, false),
  ('anna', 'second.test', '{SHA512-CRYPT}$6$annasalt$UAi7kb36eBBEd..pM3aCShARNDAIOhpAxFbrJHfVofnoZIS1Bj8TOY0Cwf65nPOfX3FG.opTpjCGJBnge5vwN0', NULL, true, false),
  ('robot', '${DOMAIN}', '{SHA512-CRYPT}$6$robotsalt$8.tuXh0VBd9AghiE.AbdhPHcWpcaWShB8CbSusivoTChxWAo5vnrCzkrRpbE1GJHm.VKZ2yAPhEuLojdJoKF70', 0, true, true),
  ('retired', '${DOMAIN}', '{SHA512-CRYPT}$6$retiredsalt$KgbHgFMCROhefrsSrUMAUMzcG/hdf/ZWd1/zurp0fOni4yHXvO3psiEPuIAj4e2WRz8M6h2pMCzkyfdcOlLTE1', 0, false, false);
insert into aliases (source_username, source_domain, destination_username, destination_domain, enabled) values
  ('alias', '${DOMAIN}', 'one', '${DOMAIN}', true), ('team', '${DOMAIN}', 'one', '${DOMAIN}', true), ('team', '${DOMAIN}', 'anna', 'second.test', true),
  ('Away', '${DOMAIN}', 'Friend', 'outside.test', true), ('off', '${DOMAIN}', 'one', '${DOMAIN}', false),
  ('postmaster', '${DOMAIN}', 'one', '${DOMAIN}', true), (null, 'second.test', 'two', '${DOMAIN}', true);
insert into tlspolicies (domain, policy, params) values ('provider.example', 'secure', 'match=.provider.test'), ('other.example', 'dane-only', NULL);`;
