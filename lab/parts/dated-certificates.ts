/** Certificates of other times, made with openssl(1) in a folder that holds right.key. */

/** For sh(1): past.crt and future.crt, made with right.key; openssl-ca(1) dates them on both releases. */
export const OUT_OF_TIME = `printf '[ca]\\ndefault_ca = d\\n[d]\\ndatabase = db\\nnew_certs_dir = .\\nserial = serial\\ndefault_md = sha256\\npolicy = p\\ncopy_extensions = copy\\n[p]\\ncommonName = supplied\\n' >ca.cnf
: >db; echo 01 >serial
for dates in 'past 20240101000000Z 20240201000000Z' 'future 20900101000000Z 20910101000000Z'; do
  set -- $dates
  openssl req -new -key right.key -subj /CN=$1 -addext subjectAltName=DNS:mail.hauspost.test -out csr
  openssl ca -batch -notext -selfsign -config ca.cnf -keyfile right.key -in csr -out $1.crt -startdate $2 -enddate $3
done 2>/dev/null`;

/** The same for a certificate of 90 days, of which ten are left: chain.pem, of another name. */
export const NEARLY_OVER = `day() { date -u -d "$1 days" +%Y%m%d%H%M%SZ; }
openssl req -new -key right.key -subj /CN=Other -addext subjectAltName=DNS:imap.hauspost.test -out csr
openssl ca -batch -notext -selfsign -config ca.cnf -keyfile right.key -in csr -out chain.pem -startdate "$(day -80)" -enddate "$(day 10)" 2>/dev/null`;
