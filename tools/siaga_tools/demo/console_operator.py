"""Somebody of the demo at the operator's console: what he does are the requests that his browser would send."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import httpx

from siaga_tools.process.slow_machine import patient

_TIMEOUT_S: Final = 5.0
Form = Mapping[str, str | Sequence[str]]


class ConsoleOperator:
    """Signs in anew for each request: the gateway may have been restarted meanwhile."""

    def __init__(self, name: str, url: Callable[[], str]) -> None:
        """url: where the console is now."""
        self.name = name
        self._url = url

    def post(self, path: str, params: Mapping[str, str | int], form: Form) -> httpx.Response:
        """Return the answer; a refusal (4xx) is one too. Blocking.

        Raises: HTTPError: nothing answers, or the gateway has a fault.
        """
        url = self._url().rstrip("/")
        # trust_env: no proxy from the environment on loopback.
        with httpx.Client(
            base_url=url, timeout=patient(_TIMEOUT_S), trust_env=False, headers={"origin": url}
        ) as browser:
            answer = browser.post("/sign-in", data={"name": self.name})
            if answer.status_code != 303:
                answer.raise_for_status()
            answer = browser.post(path, params=params, data=form)
            if answer.is_server_error:
                answer.raise_for_status()
            return answer
