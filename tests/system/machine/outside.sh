# As root, in namespaces of its own: an overlay over this machine, in memory. $1: an empty folder.
set -e
room=$1
mount -t tmpfs -o mode=755 tmpfs "$room"
mkdir "$room/upper" "$room/work" "$room/machine"
mount -t overlay overlay -o "lowerdir=/,upperdir=$room/upper,workdir=$room/work" "$room/machine"
cd "$room/machine"
mount -t proc proc proc
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp
for place in $PLACES; do
  if [ ! -e ".$place" ]; then  # on a file system of its own
    mkdir -p ".$place"
    mount --bind "$place" ".$place"
    mount -o remount,bind,ro ".$place"
  fi
  # What an ordinary user has to read may lie in root's own folder.
  above=$place
  while [ "$above" != / ]; do
    case "$(stat -c %A ".$above")" in *x | *t) ;; *) chmod o+x ".$above" ;; esac
    above=$(dirname "$above")
  done
done
cp "$INNER"/* run/
ip link set lo up
exec chroot . /bin/bash -e /run/inside.sh
