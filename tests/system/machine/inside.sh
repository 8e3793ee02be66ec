# As root on the copied machine: what has no place there is stood in for; then the guide is typed.
rm -rf /opt/siaga /usr/local/share/siaga /etc/siaga /etc/mosquitto/siaga /etc/siaga-authority /var/lib/siaga /var/backups/siaga
rm -f /usr/sbin/policy-rc.d
useradd --create-home --shell /bin/bash officer
echo 'officer ALL=(ALL:ALL) NOPASSWD: ALL' > /etc/sudoers.d/officer
chmod 0440 /etc/sudoers.d/officer
chown root:root /etc/sudoers /etc/sudoers.d
mkdir -p /var/log/nginx /var/lib/nginx
install -m 0755 /run/systemctl.py /usr/local/bin/systemctl
cp /usr/local/bin/systemctl /usr/bin/systemctl  # units name it by its path
for name in apt-get timedatectl certbot; do  # bare_machine.NOT_RUN
  printf '#!/bin/sh\necho "not run: %s $*" >> /tmp/not-run\n' "$name" > "/usr/local/bin/$name"
  chmod 0755 "/usr/local/bin/$name"
done
: > /tmp/not-run; chmod 0666 /tmp/not-run
# The same Python that the tests have; a new environment finds their packages where pip would fetch them.
cat > /usr/local/bin/python3 <<END
#!/bin/sh
if [ "\$1 \$2" != "-m venv" ]; then exec "$PYTHON" "\$@"; fi
# Without the copy of pip that ensurepip would unpack for some seconds: the packages have one.
"$PYTHON" -m venv --without-pip "\$3" || exit
{ printf '#!%s/bin/python3\n' "\$3"; cat /run/pip_once.py; } > "\$3/bin/pip"
chmod 0755 "\$3/bin/pip"
for folder in "\$3"/lib/python3*/site-packages; do echo "$PACKAGES" > "\$folder/packages.pth"; done
END
chmod 0755 /usr/local/bin/python3
if [ "$SLOWER" -gt 1 ]; then
  printf '#!/bin/sh\nexec /usr/bin/sleep "$(awk "BEGIN { print $1 * %s }")"\n' "$SLOWER" > /usr/local/bin/sleep
  chmod 0755 /usr/local/bin/sleep
fi
ln -s "${PACKAGES%/lib/*}/bin/micropython" /usr/local/bin/micropython
printf '[global]\ndisable-pip-version-check = true\nno-index = true\n[install]\nno-deps = true\nno-build-isolation = false\n' > /etc/pip.conf
# What npm would fetch is there too; `sudo` lets the word through that says so.
echo 'Defaults env_keep += SIAGA_SKIP_VENDOR' >> /etc/sudoers.d/officer
mkdir -p /run/template/hooks
printf '#!/bin/sh\ncp -r "%s/gateway/siaga_gateway/web/static/vendor" gateway/siaga_gateway/web/static/\n' "$CHECKOUT" > /run/template/hooks/post-checkout
chmod 0755 /run/template/hooks/post-checkout
git config --system init.templateDir /run/template
git config --system --add safe.directory '*'
git config --system "url.file://$CHECKOUT.insteadOf" https://git.example/siaga.git
cd /home/officer
exec setpriv --reuid=officer --regid=officer --init-groups env -i HOME=/home/officer USER=officer LANG=C.UTF-8 SIAGA_LANGUAGE=en SIAGA_SKIP_VENDOR=1 \
  PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin bash /run/typed.sh < /run/answers
