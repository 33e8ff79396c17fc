/**
 * What somebody who followed the original's text would have written on Debian 12 or 13: its settings, in the words that each release's daemons
 * understand. Only names and addresses are the lab's.
 */
import type { Release } from '../kinds.ts';
import { DOMAIN } from './database.ts';

export const HOST = `mail.${DOMAIN}`;
const LIVE = `/etc/letsencrypt/live/${HOST}`;

type Files = Readonly<Record<string, string>>;

const DATABASE = 'user = vmail\npassword = vmaildbpass\nhosts = 127.0.0.1\ndbname = vmail\n';

const QUERIES: Files = {
  accounts: "select 1 as found from accounts where username = '%u' and domain = '%d' and enabled = true limit 1",
  aliases:
    "select concat(destination_username, '@', destination_domain) from aliases where source_username = '%u' and source_domain = '%d' and enabled = true",
  domains: "select domain from domains where domain = '%s'",
  'recipient-access': "select if(sendonly = true, 'REJECT', 'OK') from accounts where username = '%u' and domain = '%d' and enabled = true limit 1",
  'sender-login-maps': "select concat(username, '@', domain) from accounts where username = '%u' and domain = '%d' and enabled = true",
  'tls-policy': "select policy, params from tlspolicies where domain = '%s'",
};

const MAIN = `mynetworks = 127.0.0.0/8 [::1]/128
inet_interfaces = 127.0.0.1, ::1
myhostname = ${HOST}
maximal_queue_lifetime = 1h
bounce_queue_lifetime = 1h
maximal_backoff_time = 15m
minimal_backoff_time = 5m
queue_run_delay = 5m
tls_ssl_options = NO_COMPRESSION
smtp_tls_security_level = dane
smtp_dns_support_level = dnssec
smtp_tls_policy_maps = mysql:/etc/postfix/sql/tls-policy.cf
smtp_tls_CAfile = /etc/ssl/certs/ca-certificates.crt
smtpd_tls_security_level = may
smtpd_tls_cert_file = ${LIVE}/fullchain.pem
smtpd_tls_key_file = ${LIVE}/privkey.pem
virtual_transport = lmtp:unix:private/dovecot-lmtp
smtpd_milters = inet:localhost:11332
milter_protocol = 6
milter_mail_macros = i {mail_addr} {client_addr} {client_name} {auth_authen}
milter_default_action = accept
smtpd_relay_restrictions = reject_non_fqdn_recipient, permit_mynetworks, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access mysql:/etc/postfix/sql/recipient-access.cf
smtpd_client_restrictions = permit_mynetworks, check_client_access hash:/etc/postfix/without_ptr, reject_unknown_client_hostname
smtpd_helo_required = yes
smtpd_helo_restrictions = permit_mynetworks, reject_invalid_helo_hostname, reject_non_fqdn_helo_hostname
smtpd_data_restrictions = reject_unauth_pipelining
postscreen_access_list = permit_mynetworks, cidr:/etc/postfix/postscreen_access
postscreen_greet_action = drop
virtual_alias_maps = mysql:/etc/postfix/sql/aliases.cf
virtual_mailbox_maps = mysql:/etc/postfix/sql/accounts.cf
virtual_mailbox_domains = mysql:/etc/postfix/sql/domains.cf
local_recipient_maps = $virtual_mailbox_maps
mailbox_size_limit = 0
message_size_limit = 52428800
biff = no
append_dot_mydomain = no
recipient_delimiter = +
`;

const CHROOT_NO = 'unix - - n';
const MASTER = `smtp inet n - n - 1 postscreen
smtpd pass - - n - - smtpd
dnsblog ${CHROOT_NO} - 0 dnsblog
tlsproxy ${CHROOT_NO} - 0 tlsproxy
submission inet n - n - - smtpd
  -o syslog_name=postfix/submission
  -o smtpd_tls_security_level=encrypt
  -o smtpd_sasl_auth_enable=yes
  -o smtpd_sasl_type=dovecot
  -o smtpd_sasl_path=private/auth
  -o smtpd_relay_restrictions=permit_sasl_authenticated,reject
  -o smtpd_sender_login_maps=mysql:/etc/postfix/sql/sender-login-maps.cf
  -o smtpd_sender_restrictions=reject_sender_login_mismatch,permit_sasl_authenticated,reject
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
  -o cleanup_service_name=submission-header-cleanup
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr ${CHROOT_NO} 1000? 1 tlsmgr
rewrite ${CHROOT_NO} - - trivial-rewrite
bounce ${CHROOT_NO} - 0 bounce
defer ${CHROOT_NO} - 0 bounce
trace ${CHROOT_NO} - 0 bounce
verify ${CHROOT_NO} - 1 verify
flush unix n - n 1000? 0 flush
proxymap ${CHROOT_NO} - - proxymap
proxywrite ${CHROOT_NO} - 1 proxymap
smtp ${CHROOT_NO} - - smtp
relay ${CHROOT_NO} - - smtp
showq unix n - n - - showq
error ${CHROOT_NO} - - error
retry ${CHROOT_NO} - - error
discard ${CHROOT_NO} - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp ${CHROOT_NO} - - lmtp
anvil ${CHROOT_NO} - 1 anvil
scache ${CHROOT_NO} - 1 scache
postlog unix-dgram n - n - 1 postlogd
submission-header-cleanup unix n - n - 0 cleanup
  -o header_checks=regexp:/etc/postfix/submission_header_cleanup
`;

const postfix: Files = {
  '/etc/postfix/main.cf': MAIN,
  '/etc/postfix/master.cf': MASTER,
  '/etc/postfix/submission_header_cleanup': '/^Received:/ IGNORE\n/^X-Originating-IP:/ IGNORE\n/^X-Mailer:/ IGNORE\n/^User-Agent:/ IGNORE\n',
  '/etc/postfix/without_ptr': '',
  '/etc/postfix/postscreen_access': '',
  ...Object.fromEntries(Object.entries(QUERIES).map(([name, query]) => [`/etc/postfix/sql/${name}.cf`, `${DATABASE}query = ${query}\n`])),
};

const SOCKETS = `service lmtp {
  unix_listener /var/spool/postfix/private/dovecot-lmtp {
    mode = 0660
    user = postfix
    group = postfix
  }
  user = vmail
}
service auth {
  unix_listener /var/spool/postfix/private/auth {
    mode = 0660
    user = postfix
    group = postfix
  }
  unix_listener auth-userdb {
    mode = 0660
    user = vmail
    group = vmail
  }
}
`;

const FOLDERS = ['Spam', 'Trash', 'Drafts', 'Sent']
  .map((name) => `  mailbox ${name} {\n    auto = subscribe\n    special_use = \\${name === 'Spam' ? 'Junk' : name}\n  }\n`)
  .join('');
const NAMESPACE = `namespace inbox {\n  inbox = yes\n${FOLDERS}}\n`;

const DOVECOT_23: Files = {
  '/etc/dovecot/dovecot.conf': `protocols = imap lmtp sieve
ssl = required
ssl_cert = <${LIVE}/fullchain.pem
ssl_key = <${LIVE}/privkey.pem
${SOCKETS}protocol imap {
  mail_plugins = $mail_plugins quota imap_quota
  mail_max_userip_connections = 20
}
protocol lmtp {
  postmaster_address = postmaster@${DOMAIN}
  mail_plugins = $mail_plugins sieve
}
disable_plaintext_auth = yes
auth_mechanisms = plain login
passdb {
  driver = sql
  args = /etc/dovecot/dovecot-sql.conf
}
userdb {
  driver = sql
  args = /etc/dovecot/dovecot-sql.conf
}
mail_uid = vmail
mail_gid = vmail
mail_privileged_group = vmail
mail_home = /var/vmail/mailboxes/%d/%n
mail_location = maildir:~/mail:LAYOUT=fs
${NAMESPACE}plugin {
  sieve_before = /var/vmail/sieve/global/spam-global.sieve
  sieve = file:/var/vmail/sieve/%d/%n/scripts;active=/var/vmail/sieve/%d/%n/active-script.sieve
  quota = maildir:User quota
}
`,
  '/etc/dovecot/dovecot-sql.conf': `driver = mysql
connect = "host=127.0.0.1 dbname=vmail user=vmail password=vmaildbpass"
default_pass_scheme = SHA512-CRYPT
password_query = SELECT username AS user, domain, password FROM accounts WHERE username = '%n' AND domain = '%d' AND enabled = true
user_query = SELECT concat('*:storage=', quota, 'M') AS quota_rule FROM accounts WHERE username = '%n' AND domain = '%d' AND sendonly = false
iterate_query = SELECT username, domain FROM accounts WHERE sendonly = false
`,
};

const DOVECOT_24: Files = {
  '/etc/dovecot/dovecot.conf': `dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
protocols = imap lmtp sieve
ssl = required
ssl_server_cert_file = ${LIVE}/fullchain.pem
ssl_server_key_file = ${LIVE}/privkey.pem
${SOCKETS}protocol imap {
  mail_plugins = quota imap_quota
  mail_max_userip_connections = 20
}
protocol lmtp {
  postmaster_address = postmaster@${DOMAIN}
  mail_plugins = sieve
}
auth_mechanisms = plain login
sql_driver = mysql
mysql 127.0.0.1 {
  user = vmail
  password = vmaildbpass
  dbname = vmail
}
passdb sql {
  default_password_scheme = SHA512-CRYPT
  query = SELECT concat(username, '@', domain) AS user, password FROM accounts WHERE username = '%{user | username}' AND domain = '%{user | domain}' AND enabled = true
}
userdb sql {
  query = SELECT concat(quota, 'M') AS quota_storage_size FROM accounts WHERE username = '%{user | username}' AND domain = '%{user | domain}' AND sendonly = false
  iterate_query = SELECT username, domain FROM accounts WHERE sendonly = false
}
mail_uid = vmail
mail_gid = vmail
mail_privileged_group = vmail
mail_home = /var/vmail/mailboxes/%{user | domain}/%{user | username}
mail_driver = maildir
mail_path = ~/mail
mailbox_list_layout = fs
${NAMESPACE}sieve_script before {
  type = before
  path = /var/vmail/sieve/global/spam-global.sieve
}
sieve_script personal {
  path = /var/vmail/sieve/%{user | domain}/%{user | username}/scripts
  active_path = /var/vmail/sieve/%{user | domain}/%{user | username}/active-script.sieve
}
quota "User quota" {
  driver = count
}
`,
};

const rspamd: Files = {
  '/etc/rspamd/local.d/options.inc': 'local_addrs = "127.0.0.0/8, ::1";\n',
  '/etc/rspamd/local.d/worker-normal.inc': 'bind_socket = "localhost:11333";\n',
  '/etc/rspamd/local.d/worker-proxy.inc':
    'bind_socket = "localhost:11332";\nmilter = yes;\ntimeout = 120s;\nupstream "local" {\n  default = yes;\n  self_scan = yes;\n}\n',
  '/etc/rspamd/local.d/milter_headers.conf':
    'use = ["x-spamd-bar", "x-spam-level", "authentication-results"];\nauthenticated_headers = ["authentication-results"];\n',
  '/etc/rspamd/local.d/dkim_signing.conf': 'path = "/var/lib/rspamd/dkim/$selector.key";\nselector = "2017";\nallow_username_mismatch = true;\n',
  '/etc/rspamd/local.d/redis.conf': 'servers = "127.0.0.1";\n',
};

const others: Files = {
  '/etc/mailname': `${HOST}\n`,
  '/var/vmail/sieve/global/spam-global.sieve': 'require "fileinto";\nif header :contains "X-Spam-Flag" "YES" {\n  fileinto "Spam";\n}\n',
  [`/etc/nginx/sites-available/${HOST}`]: `server {
    listen 80;
    listen 443 ssl;
    ssl_certificate ${LIVE}/fullchain.pem;
    ssl_certificate_key ${LIVE}/privkey.pem;
    server_name ${HOST};
    location /rspamd/ {
        proxy_pass http://localhost:11334/;
        proxy_set_header Host $host;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
}
`,
};

export const files = (release: Release): Files => ({ ...postfix, ...(release === 'bookworm' ? DOVECOT_23 : DOVECOT_24), ...rspamd, ...others });

/** After the packages, and before the files. */
export const BEFORE = `set -e
systemctl stop postfix dovecot rspamd
id vmail >/dev/null 2>&1 || adduser --quiet --disabled-login --disabled-password --gecos '' --home /var/vmail vmail
mkdir -p /var/vmail/mailboxes /var/vmail/sieve/global /etc/postfix/sql ${LIVE} /var/lib/rspamd/dkim
rm -rf /etc/dovecot/* /etc/postfix/sasl /etc/postfix/main.cf.proto /etc/postfix/master.cf.proto
openssl req -x509 -newkey rsa:2048 -nodes -days 90 -subj /CN=${HOST} -addext subjectAltName=DNS:${HOST} -keyout ${LIVE}/privkey.pem -out ${LIVE}/fullchain.pem 2>&1
`;

/** After the files. */
export const AFTER = `set -e
chown -R vmail:vmail /var/vmail
chmod -R 770 /var/vmail
postmap /etc/postfix/without_ptr
chmod -R 640 /etc/postfix/sql/*
chmod 440 /etc/dovecot/dovecot-sql.conf 2>/dev/null || true
rspamadm dkim_keygen -b 2048 -s 2017 -k /var/lib/rspamd/dkim/2017.key >/var/lib/rspamd/dkim/2017.txt
chown -R _rspamd:_rspamd /var/lib/rspamd/dkim
chmod 440 /var/lib/rspamd/dkim/*
ln -s /etc/nginx/sites-available/${HOST} /etc/nginx/sites-enabled/${HOST}
newaliases
systemctl start rspamd dovecot postfix
systemctl reload nginx
`;
