"""When an end is told of, to the day (domain/certificate_expiry.py)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from siaga_gateway.domain.certificate_expiry import Certificate, CertificateStanding, State, authority_of, standing

DAY_MS = 24 * 60 * 60 * 1000
END_MS = 1_800_000_000_000
MONTH = (30, 14, 7, 3, 2, 1)
YEAR = (365, 180, 90, 60, *MONTH)


@pytest.mark.parametrize(("buttons", "days"), [(False, MONTH), (True, YEAR)])
def test_it_is_told_once_as_each_of_these_days_is_passed(buttons: bool, days: tuple[int, ...]) -> None:
    certificate = Certificate("mqtt", 0, END_MS, for_buttons=buttons)
    for number, day in enumerate(days):
        before, after = (standing(certificate, END_MS - day * DAY_MS + late_ms) for late_ms in (0, 1))
        assert before == CertificateStanding(certificate, State.ENDING if number else State.VALID, day, number)
        assert after == CertificateStanding(certificate, State.ENDING, day - 1, number + 1)
    for since in range(3):
        for moment in (END_MS + since * DAY_MS, END_MS + (since + 1) * DAY_MS - 1):
            ended = standing(certificate, moment)
            assert ended == CertificateStanding(certificate, State.ENDED, -since, len(days) + 1 + since), (
                "then on each day"
            )


@pytest.mark.parametrize(("early_ms", "days"), [(1, 1), (DAY_MS, 1), (DAY_MS + 1, 2), (9 * DAY_MS, 9)])
def test_one_that_is_not_valid_yet_is_told_once(early_ms: int, days: int) -> None:
    certificate = Certificate("mqtt", END_MS - 100 * DAY_MS, END_MS)
    assert standing(certificate, certificate.begins_ms - early_ms) == CertificateStanding(
        certificate, State.NOT_YET, days, 1
    )
    assert standing(certificate, certificate.begins_ms).state is State.VALID
    assert not certificate.for_buttons


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b"]), st.integers(0, 5)), max_size=5))
def test_the_authority_that_signed_counts_else_the_last_to_end(told: list[tuple[bytes, int]]) -> None:
    listed = [(subject, Certificate(subject.decode(), 0, end)) for subject, end in told]
    for issuer in (b"a", b"b", b"", b"other"):
        found = authority_of(issuer, listed)
        ends = [end for subject, end in told if subject == issuer] or [end for _, end in told]
        assert (None if found is None else found.ends_ms) == max(ends, default=None)
        if found is not None and issuer in {subject for subject, _ in told}:
            assert found.name == issuer.decode()
