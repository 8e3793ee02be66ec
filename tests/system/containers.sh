# As root on the copied machine, behind the recipe's own lines: what compose.yaml would do, and what is asked of it.
say() { printf '\036%s\n' "$1"; }
until_ok() { for turn in $(seq 300); do if "$@" > /tmp/last 2>&1; then return 0; fi; sleep 0.2; done; cat /tmp/last; return 1; }
begin() { bash -c "exec $2" > "/tmp/$1.log" 2>&1 & echo $! > "/tmp/$1.pid"; }
siaga() { setpriv --reuid=siaga --regid=siaga --init-groups env SIAGA_LANGUAGE=en /opt/siaga/bin/siaga "$@"; }
trap 'ls -lad /etc/mosquitto /etc/mosquitto/siaga /etc/mosquitto/siaga/*; id mosquitto; for log in /tmp/*.log; do echo "== $log"; tail -n 20 "$log"; done' ERR
say setup
begin database "$DATABASE"
until_ok pg_isready --quiet --username=siaga --host=/var/run/postgresql
printf '%s\n' "$PASSWORD" | bash -c "$SETUP"
say again
bash -c "$AGAIN"
say up
begin broker "$BROKER"; begin proxy "$PROXY"; begin certificates "$CERTIFICATES"
# What compose starts again by itself is waited for here.
until_ok bash -c ': < /dev/tcp/127.0.0.1/1883'
begin gateway "$GATEWAY"
until_ok /usr/local/bin/siaga-container health
begin backups "$BACKUPS"
until_ok compgen -G '/var/backups/siaga/*.dump'
say page
curl --fail --silent --show-error --cacert /usr/local/share/siaga/authority.pem --resolve sos.example:443:127.0.0.1 https://sos.example/health
say doctor
siaga gateway doctor || true
say press
key=$(siaga gateway key)
authority=$(sed ':a;N;$!ba;s/\n/\\n/g' /usr/local/share/siaga/authority.pem)
cd /tmp
printf '{"mqtt_hosts": ["127.0.0.1"], "mqtt_port": 8883, "mqtt_server_name": "sos.example", "mqtt_ca": "%s\\n", "gateway_key": "%s"}' "$authority" "$key" > button.json
echo q | /opt/siaga/bin/siaga device run --json --flash button.img --settings button.json > start.jsonl
frame=$(grep -oE '"enrol": ?"[0-9a-f]+"' start.jsonl | head -n 1 | grep -oE '[0-9a-f]{100,}')
owner=$(siaga gateway owner add --name 'Contoh Wati' --nik 9900000000000001 --phone +620000000001 --address 'Jl. Contoh 1' --by me)
siaga gateway enrol --owner "$owner" --frame "$frame" --label 'Toko Contoh' --installed=-5.4292,105.2610 --by me
sleep 5
(sleep 3; echo p; sleep 9; echo q) | /opt/siaga/bin/siaga device run --flash button.img --settings button.json
siaga gateway incidents
say certificate
serial() { openssl s_client -connect 127.0.0.1:$1 -servername sos.example < /dev/null 2>/dev/null | openssl x509 -noout -serial; }
before=$(serial 8883)
touch -d '70 days ago' /etc/mosquitto/certs/broker.pem
kill -TERM "$(cat /tmp/certificates.pid)"; begin certificates "$CERTIFICATES"
renewed() { [ "$(serial 8883)" != "$before" ] && [ "$(serial 8883)" = "$(serial 443)" ]; }
until_ok renewed && echo renewed
say stopped
for each in backups certificates proxy gateway broker; do kill -TERM "$(cat /tmp/$each.pid)"; done
kill -INT "$(cat /tmp/database.pid)"
for each in backups certificates proxy gateway broker database; do
  for turn in $(seq 300); do
    kill -0 "$(cat /tmp/$each.pid)" 2>/dev/null || { echo "$each ended"; break; }
    sleep 0.2
  done
done
say rights
stat -c '%U:%G %a %n' /etc/siaga/siaga.toml /etc/mosquitto/certs/broker.key /etc/ssl/siaga/console.key \
  /etc/siaga-authority/authority.key /etc/mosquitto/siaga/passwords /var/lib/siaga/personal-key
say units
ls /etc/systemd/system | grep -c siaga || true
say logs
cat /tmp/*.log
say end
