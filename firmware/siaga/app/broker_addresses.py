"""The brokers' last good addresses, on flash: a name server that is down must not delay a press."""

import json

from siaga.app import flash_records

_MAGIC = b"SGH1"
_MOST = 4


class KnownHosts:
    """The last good address of each host."""

    def __init__(self, folder: str) -> None:
        self._path = folder + "/hosts"
        self._known = {}  # type: dict[str, str]
        try:
            record = flash_records.read_record(self._path, _MAGIC)
            known = json.loads(record) if record else {}
        except (flash_records.CorruptRecord, ValueError):
            known = {}
        if type(known) is dict and all(type(each) is str for each in known.values()):
            self._known = known

    def address(self, host: str) -> str:
        """Return the host's last good address, "" = not known."""
        return self._known.get(host, "")

    def keep(self, host: str, address: str, named: "list[str]") -> None:
        """Note an address that has just worked. named: all the addresses of the host. Flash is written only if the
        stored address is not among them: where addresses rotate, any of them will do next time."""
        if host == address or self._known.get(host) in named:
            return
        if len(self._known) >= _MOST and host not in self._known:
            self._known = {}  # the brokers have changed
        self._known[host] = address
        try:
            flash_records.write_record(self._path, _MAGIC, json.dumps(self._known).encode())
        except OSError:
            pass  # not worth the space that others may need
