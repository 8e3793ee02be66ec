"""Where the brokers were found last, on the flash: a name server that is away must not keep a press waiting."""

import json

from siaga.app import flash

_MAGIC = b"SGH1"
_MOST = 4


class KnownHosts:
    """The last good address of each host."""

    def __init__(self, folder: str) -> None:
        self._path = folder + "/hosts"
        self._known = {}  # type: dict[str, str]
        try:
            record = flash.read_record(self._path, _MAGIC)
            known = json.loads(record) if record else {}
        except (flash.CorruptRecord, ValueError):
            known = {}
        if type(known) is dict and all(type(each) is str for each in known.values()):
            self._known = known

    def address(self, host: str) -> str:
        """ "" = not known."""
        return self._known.get(host, "")

    def keep(self, host: str, address: str, named: "list[str]") -> None:
        """This address was good just now; named: all that the host has. Written only where the one that is kept is
        none of them: where a host's addresses take turns, any of them will do for another time."""
        if host == address or self._known.get(host) in named:
            return
        if len(self._known) >= _MOST and host not in self._known:
            self._known = {}  # other brokers than there were
        self._known[host] = address
        try:
            flash.write_record(self._path, _MAGIC, json.dumps(self._known).encode())
        except OSError:
            pass  # it is worth less than what else may need the room
