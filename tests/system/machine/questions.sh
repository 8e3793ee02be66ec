# Asked at the end of the guide, on the same machine, by the same user.
say() { printf '\036%s\n' "$1"; }
say not-run; cat /tmp/not-run
say rights; sudo stat -c '%U:%G %a %n' /etc/siaga/siaga.toml /etc/mosquitto/certs/broker.key /etc/ssl/siaga/console.key \
  /etc/siaga-authority/authority.key /etc/mosquitto/siaga /etc/mosquitto/siaga/passwords /var/lib/siaga /var/backups/siaga
say readable; sudo -u siaga cat /etc/siaga/siaga.toml > /dev/null && sudo -u mosquitto cat /etc/mosquitto/certs/broker.key > /dev/null && echo both
say sign-in
page="curl --silent --show-error --cacert /usr/local/share/siaga/authority.pem --resolve sos.example:443:127.0.0.1 --cookie-jar $HOME/jar --cookie $HOME/jar"
$page --output /dev/null --write-out '%{http_code}\n' --header 'Origin: https://sos.example' \
  --data-urlencode 'name=Contoh Operator' --data-urlencode 'password=Rahasia-contoh-1' https://sos.example/sign-in
say console; $page https://sos.example/ | grep -c 'id="queue"'
say second-console
cookies() { echo "--silent --show-error --cacert $HOME/authority.pem --resolve sos.example:443:127.0.0.1 --cookie-jar $HOME/jar-$1 --cookie $HOME/jar-$1"; }
sign_in() {
  curl $(cookies "$1") --output /dev/null --write-out '%{http_code}\n' --header 'Origin: https://sos.example' \
    --data-urlencode "name=$2" --data-urlencode 'password=Rahasia-contoh-1' https://sos.example/sign-in
}
sign_in two 'Contoh Operator Dua'
# The page as Chromium has it, with the trust that the guide gave this user, and none without it.
dom() {
  HOME=$1 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$(mktemp -d)" --virtual-time-budget=5000 \
    --host-resolver-rules='MAP sos.example 127.0.0.1' --dump-dom https://sos.example/sign-in 2>/dev/null | grep -c 'name="password"' || true
}
dom "$HOME"
mkdir -p stranger; dom "$HOME/stranger"
say token
curl --silent --output /dev/null --write-out '%{http_code}\n' --cacert ~/authority.pem --resolve sos.example:443:127.0.0.1 --header @$HOME/token \
  https://sos.example/api/v1/devices
say dispatchers
sign_in kota 'Contoh Petugas Kota'; sign_in selatan 'Contoh Petugas Selatan'
sudo -u siaga siaga gateway state "$device" active --reason "again" --by "Contoh Registrar" --yes > /dev/null
sleep 5
(sleep 3; echo p; sleep 9; echo q) | ~/siaga-try/bin/siaga device run --flash ~/siaga-try/button.img --settings ~/siaga-try/button.json > again.txt
call=$(sudo -u siaga siaga gateway incidents | awk '{ print $1 }' | sort -n | tail -n 1)
for who in two kota selatan; do curl $(cookies $who) --output /dev/null --write-out '%{http_code}\n' "https://sos.example/incidents/$call"; done
say stream
# Rows that are there come at once: a buffer would hold them, as they are few, until the connection ends.
$page --no-buffer --max-time 3 https://sos.example/live?after=0 > stream.txt || true
grep -c '^data:' stream.txt
say renewed
# Fails where a port shows none, and says why: each new look asks both again.
served() {
  for port in 8883 443; do
    openssl s_client -connect 127.0.0.1:$port -servername sos.example < /dev/null > shown 2> why && openssl x509 -noout -serial < shown ||
      { echo "port $port:" >&2; tail -n 3 why >&2; return 1; }
  done
}
served | sort -u > before; pids=$(pgrep -x mosquitto; pgrep -x nginx | head -n 1)
sudo siaga-certificate own sos.example
# A handshake begun while either takes over the new pair may be ended by it.
new=no
for turn in $(seq 50); do
  if served | sort -u > after && [ "$(wc -l < after)" = 1 ] && ! cmp -s before after; then new=both; break; fi
  sleep 0.1
done
[ "$(wc -l < before)" = 1 ] && [ "$new" = both ] && [ "$pids" = "$(pgrep -x mosquitto; pgrep -x nginx | head -n 1)" ] && echo both
say hook
mkdir lineage; sudo cp /etc/mosquitto/certs/broker.pem lineage/fullchain.pem; sudo cp /etc/mosquitto/certs/broker.key lineage/privkey.pem
sudo env RENEWED_LINEAGE=$PWD/lineage /opt/siaga/bin/siaga-certificate deploy && echo deployed
openssl ecparam -name prime256v1 -genkey -noout > other.pem
sudo /opt/siaga/bin/siaga-certificate deploy lineage/fullchain.pem other.pem || echo refused
say wrong-disk; sudo -u siaga /opt/siaga/bin/siaga-backup /var/backups/not-mounted || echo refused
say rotation; sudo touch -d '40 days ago' /var/backups/siaga/siaga-old.db; sudo systemctl start siaga-backup.service
sudo ls /var/backups/siaga | sed 's/-[0-9]*-[0-9]*[+-][0-9]*\.db/-DATE.db/' | sort | uniq
say caddy
sudo systemctl stop nginx
cp ~/siaga/gateway/operations/Caddyfile /tmp/
# As its unit has it: a user of its own, that may listen on low ports.
caddy="sudo setpriv --reuid=caddy --regid=caddy --init-groups --inh-caps=+net_bind_service --ambient-caps=+net_bind_service"
$caddy env HOME=/tmp caddy start --adapter caddyfile --config /tmp/Caddyfile > caddy.txt 2>&1 || cat caddy.txt
$page --output /dev/null --write-out '%{http_code}\n' https://sos.example/
$page --no-buffer --max-time 3 'https://sos.example/live?after=0' > stream.txt || true
grep -c '^data:' stream.txt
$caddy env HOME=/tmp caddy stop > caddy.txt 2>&1
say journal; sudo -u siaga siaga gateway log --last 1000 | grep -oE '#[0-9]+ [a-z_]+' | cut -d ' ' -f 2 | sort -u
say end
