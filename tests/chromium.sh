#!/bin/sh
# The Chromium of $SIAGA_CHROMIUM without the two pages that its address bar prepares in every window, which cost more
# than most pages that are looked at: half a second of a core for each window. Chromium heeds the last --disable-features
# only, and Playwright gives one of its own, so they are made one.
off=WebUIOmniboxPopup,WebUIOmniboxAimPopup,WebUIOmniboxFullPopup
for each; do
	shift
	case $each in
	--disable-features=*) off=$off,${each#*=} ;;
	*) set -- "$@" "$each" ;;
	esac
done
exec "$SIAGA_CHROMIUM" "$@" "--disable-features=$off"
