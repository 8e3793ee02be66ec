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
say stream
# Rows that are there come at once: a buffer would hold them, as they are few, until the connection ends.
$page --no-buffer --max-time 3 https://sos.example/live?after=0 > stream.txt || true
grep -c '^data:' stream.txt
say renewed
served() { for port in 8883 443; do openssl s_client -connect 127.0.0.1:$port -servername sos.example < /dev/null 2>/dev/null | openssl x509 -noout -serial; done; }
served | sort -u > before; pids=$(pgrep -x mosquitto; pgrep -x nginx | head -n 1)
sudo siaga-certificate own sos.example
for turn in $(seq 50); do served | sort -u > after; if [ "$(wc -l < after)" = 1 ] && ! cmp -s before after; then break; fi; sleep 0.1; done
[ "$(wc -l < before)" = 1 ] && ! cmp -s before after && [ "$(wc -l < after)" = 1 ] && [ "$pids" = "$(pgrep -x mosquitto; pgrep -x nginx | head -n 1)" ] && echo both
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
