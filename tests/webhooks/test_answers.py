from datetime import UTC, datetime

import pytest

from app.webhooks.answers import (
    Answer,
    Failure,
    Outcome,
    counts_against_endpoint,
    outcome_of,
    readable,
    retry_after_seconds,
)

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("statuses", "outcome"),
    [
        ([200, 201, 202, 204, 299], Outcome.DELIVERED),
        ([410], Outcome.GONE),
        ([401, 403, 404, 405, 408, 425, 429, 500, 502, 503, 504, 599], Outcome.RETRY),
        ([400, 402, 406, 409, 411, 413, 415, 422, 451, 499], Outcome.REJECTED),
    ],
)
def test_a_status_decides_what_happens_next(statuses, outcome):
    assert {outcome_of(Answer(status)) for status in statuses} == {outcome}


@pytest.mark.parametrize("error", Failure)
@pytest.mark.parametrize("status", [None, 200, 302, 410, 422])
def test_an_answer_that_is_not_complete_is_tried_again_whatever_it_began_with(error, status):
    assert outcome_of(Answer(status, error)) is Outcome.RETRY


def test_no_answer_at_all_is_tried_again():
    assert outcome_of(Answer()) is Outcome.RETRY


def test_only_what_is_the_endpoints_fault_counts_against_it():
    ours = {error for error in Failure if not counts_against_endpoint(error)}

    assert ours == {"resolver_down", "blocked_address", "local"}
    assert counts_against_endpoint(Answer(500).error)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        (" 0 ", 0.0),
        ("86400", 86400.0),
        ("Sun, 22 Nov 2026 12:10:00 GMT", 600.0),
        ("Sunday, 22-Nov-26 12:10:00 GMT", 600.0),
        ("Sun Nov 22 12:10:00 2026", 600.0),
        ("Sun, 22 Nov 2026 11:00:00 GMT", 0.0),
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("²", None),
        ("86401", 86400.0),
        ("9" * 400, 86400.0),
        ("Fri, 31 Dec 2100 23:59:59 GMT", 86400.0),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
        ("Fri, 99 Dec 2026 23:59:59 GMT", None),
    ],
)
def test_both_forms_of_retry_after_are_read_and_nonsense_is_not(value, seconds):
    assert retry_after_seconds(value, NOW) == seconds


def test_what_is_shown_of_a_body_can_be_stored_and_read():
    assert readable("Արցախ\0!".encode() + b"\xff\x1f\x8b") == "Արցախ!\ufffd\x1f\ufffd"
