"""Addresses of outputs, as people write them and as requests name them."""

from __future__ import annotations

import pytest

from siaga_gateway.adapters.outputs.web_address import read_web_address
from siaga_gateway.domain.errors import SettingError


@pytest.mark.parametrize(
    ("written", "scheme", "host", "port", "authority", "target"),
    [
        ("https://cad.example", "https", "cad.example", 443, "cad.example", "/"),
        (" HTTPS://CAD.Example:443/In\n", "https", "cad.example", 443, "cad.example", "/In"),
        ("http://cad.example:8080/a/b?c=d&e", "http", "cad.example", 8080, "cad.example:8080", "/a/b?c=d&e"),
        ("https://cad.example?x=1#part", "https", "cad.example", 443, "cad.example", "/?x=1"),
        ("https://cad.example:/x", "https", "cad.example", 443, "cad.example", "/x"),
        ("http://[2001:DB8::1]:81/x", "http", "2001:db8::1", 81, "[2001:db8::1]:81", "/x"),
        ("https://cad.example/jalan raya/é?q=a b", "https", "cad.example", 443, "cad.example", None),
        ("https://my_host.local./x", "https", "my_host.local.", 443, "my_host.local.", "/x"),
    ],
)
def test_an_address_is_read_into_what_a_request_needs(
    written: str, scheme: str, host: str, port: int, authority: str, target: str | None
) -> None:
    url = read_web_address(written)
    assert (url.scheme, url.host, url.port, url.authority) == (scheme, host, port, authority)
    assert url.target == (target or "/jalan%20raya/%C3%A9?q=a%20b")
    assert url.user is None


@pytest.mark.parametrize(
    ("path", "target"),
    [("/a%20b", "/a%20b"), ("/100%", "/100%25"), ("/%zz", "/%25zz"), ('/"<>\\^`{|}', "/%22%3C%3E%5C%5E%60%7B%7C%7D")],
)
def test_what_is_escaped_stays_and_what_has_to_be_is_escaped(path: str, target: str) -> None:
    assert read_web_address(f"https://cad.example{path}").target == target


@pytest.mark.parametrize(
    ("user", "meant"),
    [("siaga:hid%20den@", "siaga:hid den"), ("siaga@", "siaga:"), ("a%3Ab:c@d@", "a:b:c@d"), ("@", None)],
)
def test_a_user_is_read_and_is_shown_nowhere(user: str, meant: str | None) -> None:
    url = read_web_address(f"https://{user}cad.example/secret")
    assert (url.user, url.host) == (meant, "cad.example")
    assert "hid" not in repr(url) and "secret" not in repr(url) and "hid" not in url.authority


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("https://cad.example/a\nb", "control character"),
        ("https://cad.example/\x00", "control character"),
        ("https://cad.exam\tple/", "control character"),
        ("https://cad.example:99999/", "no web address"),
        ("https://cad.example:8o/", "no web address"),
        ("https://[::1/", "no web address"),
        ("https://cad.example:0/", "a port from 1"),
        ("https://straße.example/", "as DNS has it"),
        ("https://cad%2eexample/", "as DNS has it"),
        ("https://cad..example/", "as DNS has it"),
        ("https://cad example/", "as DNS has it"),
        ("https://[fe80::1%25eth0]/", "as DNS has it"),
        (f"https://{'a' * 64}.example/", "as DNS has it"),
        (f"https://{'a.' * 127}example/", "as DNS has it"),
        ("https://user:hidden@/x", "right would be https://host/path"),
        ("mailto:hidden@cad.example", "right would be https://host/path"),
    ],
)
def test_what_is_no_address_is_refused_without_showing_more_than_the_host(written: str, says: str) -> None:
    with pytest.raises(SettingError, match=says) as raised:
        read_web_address(written)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("written", "here"),
    [
        ("http://localhost/x", True),
        ("http://LOCALHOST:1/x", True),
        ("http://127.8.8.8/", True),
        ("http://[::1]/", True),
        ("http://localhost.example/", False),
        ("http://10.0.0.5/", False),
        ("http://127.0.0.1.example/", False),
    ],
)
def test_only_this_machine_is_this_machine(written: str, here: bool) -> None:
    assert read_web_address(written).this_machine is here
