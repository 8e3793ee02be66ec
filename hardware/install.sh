#!/bin/sh
# What `make hardware` needs, from Debian 12: KiCad 9 (bookworm-backports), ngspice and gerbv. With `enclosure`: what
# CadQuery's wheels take from the system. Asks for nothing that is there.
set -eu
if [ "${1:-}" = enclosure ]; then
	/sbin/ldconfig -p | grep -q 'libGL\.so\.1' && exit 0
	if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
		echo "libGL.so.1 is needed: on Debian run 'sudo sh hardware/install.sh enclosure', elsewhere install it by hand."
		exit 1
	fi
	apt-get update -qq
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends libgl1 >/dev/null
	exit 0
fi
missing=""
kicad-cli version 2>/dev/null | grep -q '^9\.' || missing="kicad"
command -v ngspice >/dev/null 2>&1 || missing="$missing ngspice"
command -v gerbv >/dev/null 2>&1 || missing="$missing gerbv"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! grep -q '^VERSION_CODENAME=bookworm' /etc/os-release; then
	echo "Not here:$missing. KiCad 9 with its symbols and footprints, ngspice and gerbv are needed: on Debian 12 run"
	echo "'sudo sh hardware/install.sh', elsewhere install them by hand."
	exit 1
fi
export DEBIAN_FRONTEND=noninteractive
packages=""
case " $missing " in *" kicad "*)
	if ! apt-cache policy kicad | grep -q bookworm-backports; then
		echo "deb http://deb.debian.org/debian bookworm-backports main" >/etc/apt/sources.list.d/siaga-backports.list
	fi
	packages="kicad/bookworm-backports kicad-symbols/bookworm-backports kicad-footprints/bookworm-backports" ;;
esac
case " $missing " in *" ngspice"*) packages="$packages ngspice" ;; esac
case " $missing " in *" gerbv"*) packages="$packages gerbv" ;; esac
apt-get update -qq
# shellcheck disable=SC2086
apt-get install -y -qq --no-install-recommends $packages >/dev/null
