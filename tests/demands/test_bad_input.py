"""What cannot be is refused by a clear problem, and changes nothing."""

import json
from typing import Any

from tests.factories import API, a_body, a_demand, an_organization, change_to

HUGE = 10**400
NUL = "nul \x00 here"
SURROGATE = "\ud83d"
NO_NUMBERS: list[Any] = ["1", True, HUGE, 1e300, []]
NO_DATES: list[Any] = [
    2023,
    True,
    HUGE,
    [],
    "yesterday",
    "",
    NUL,
    "2023-02-30",
    "2023-13",
    "2023-00",
    "0000",
    "0001",
    "0999-12-31",
    "99999",
    "2023-1-1",
    "2023-01-01T00:00:00Z",
    "2023-01-01\n",
    "\uff12\uff10\uff12\uff13",  # 2023 in fullwidth digits
]


def where(problem):
    return problem["errors"][0]["where"]


def test_what_is_no_json_is_malformed(refuses):
    for body in (b"{", b"", b"title=x", b"\xff\xfe", b'{"title": "\xff"}', b'{"a": NaN', b"[" * 100_000, b"9" * 5_000):
        problem = refuses("POST", "demands", body, 422 if body == b"" else 400)
        if body:
            assert problem["type"] == "/problems/malformed"


def test_a_body_of_another_shape_is_invalid(refuses):
    bodies: list[Any] = [[], "text", 1, None, True, [[]]]
    for body in bodies:
        assert refuses("POST", "demands", body, 422)["type"] == "/problems/invalid"


def test_a_body_that_is_not_marked_as_json_is_told_to_be(ada, new):
    sent = json.dumps(new).encode()

    for media_type in (None, "application/x-www-form-urlencoded", "text/plain", "application/jsonp"):
        headers = {"Content-Type": media_type} if media_type else {}
        for answer in (
            ada.post(f"{API}/demands", content=sent, headers=headers),
            ada.patch(f"{API}/demands/NK-1", content=sent, headers={**headers, "If-Match": "*"}),
        ):
            assert (answer.status_code, answer.json()["type"]) == (415, "/problems/not-json"), media_type
            assert answer.json()["detail"] == "Send the body as JSON, with `Content-Type: application/json`."

    for media_type in ("application/json; charset=utf-8", "Application/JSON", "application/merge-patch+json"):
        answer = ada.post(f"{API}/demands", content=sent, headers={"Content-Type": media_type})
        assert answer.status_code == 201, media_type


def test_refusals_are_told_in_words(refuses, new):
    told = {
        "deadline": ("soon", "write a date as 2022-12-10, 2022-12 or 2022"),
        "campaign": (
            "Not a slug",
            "a slug has small letters and digits, with single hyphens or underscores in between, such as `un-mission`",
        ),
        "indicator": ("x", "this should be an object"),
    }

    for member, (value, what) in told.items():
        assert refuses("POST", "demands", {**new, member: value}, 422)["detail"] == f"body.{member}: {what}"
    assert refuses("POST", "demands", [], 422)["detail"] == "body: this should be an object"
    assert refuses("POST", "kinds", {"slug": "x"}, 422)["detail"] == "body.label: this is required"
    too_short = refuses("POST", "redactions", {"text": "x", "reason": "x"}, 422)
    assert too_short["detail"] == "body.text: String should have at least 3 characters"


def test_a_member_that_an_object_does_not_know_is_told_with_those_that_it_knows(refuses, new):
    target = {"body": "un", "role": "decides", "colour": 1}
    known = {
        "colour": ("kinds", {"slug": "x", "label": {"en": "x"}, "colour": 1}, "about, label, slug"),
        "targets.0.colour": (
            "demands",
            {**new, "targets": [target]},
            "body, role",
        ),
    }

    for member, (path, sent, members) in known.items():
        told = f"body.{member}: there is no such member; there are {members}"
        assert refuses("POST", path, sent, 422)["detail"] == told


def test_a_word_that_a_list_does_not_know_is_told_with_those_that_it_knows(ada):
    known = {
        "bodies": "classification, cursor, identifier, limit, parent, q",
        "demands/NK-1/history": "cursor, limit",
    }

    for path, words in known.items():
        refused = ada.get(f"{API}/{path}", params={"colour": "red"})
        told = f"query.colour: there is no such word here; there are {words}"
        assert (refused.status_code, refused.json()["detail"]) == (422, told)


def test_unknown_members_are_named(refuses, new):
    for member in ("colour", "ref", "status", "id", "Title", "ti\x00tle", SURROGATE, "__class__"):
        problem = refuses("POST", "demands", {**new, member: 1}, 422)
        assert where(problem).startswith("body" if member == SURROGATE else "body.")
    target = {**new["targets"][0], "response": "supported"}
    assert where(refuses("POST", "demands", {**new, "targets": [target]}, 422)) == "body.targets.0.response"


def test_each_member_of_a_wrong_type_or_size_is_named(refuses, new):
    wrong: dict[str, list[Any]] = {
        "title": [None, "", "   ", 1, True, [], {}, "x" * 301, NUL, SURROGATE],
        "asks": [None, "", 1, ["x"], "x" * 10_001, NUL, SURROGATE],
        "counts_as_met": [1, "", "x" * 10_001, NUL],
        "campaign": [None, 1, "nowhere", "Not a slug", "x" * 81, NUL, SURROGATE, "../x"],
        "kind": [None, "nothing", "Ünknown", {"slug": "x"}],
        "targets": [None, [], {}, "x", [1], [{}], [{"body": "nobody", "role": "decides"}]],
        "issuers": [None, "x", [1], ["nobody"], ["Not a slug"]],
        "first_made_on": [*NO_DATES, None, "2999"],
        "deadline": NO_DATES,
        "tags": ["x", [1], ["Not a tag"], ["a", "a"], [None], ["x" * 81], [f"t{n}" for n in range(51)]],
        "indicator": [
            1,
            "x",
            {},
            {"name": "x"},
            *({"name": "x", "unit": "x", "target": t} for t in NO_NUMBERS),
        ],
        "sensitivity": ["secret", None, 1],
        "audience": ["everyone", None, ["public"]],
        "opening": [1, {}, {"effective_on": "2023", "reason": ""}, {"effective_on": "2999", "reason": "x"}],
    }

    for member, values in wrong.items():
        for value in values:
            problem = refuses("POST", "demands", {**new, member: value}, 422)
            assert where(problem).startswith(f"body.{member}"), (member, value, problem)


def test_what_must_be_there_is_named(refuses, new):
    for member in ("campaign", "kind", "title", "asks", "targets", "first_made_on"):
        assert where(refuses("POST", "demands", {k: v for k, v in new.items() if k != member}, 422)) == f"body.{member}"


def test_numbers_that_are_none_are_refused(refuses, ada, common):
    ref = a_demand(ada, indicator={"name": "Visits", "unit": "visits"}, **common)["ref"]

    for value in (b"NaN", b"Infinity", b"-Infinity", b"1e999", b'"1"', b"true", b"null", b"1e16", b"1" + b"0" * 400):
        problem = refuses("POST", f"demands/{ref}/readings", b'{"on": "2024", "value": ' + value + b"}", 422)
        assert where(problem) == "body.value"


def test_targets_and_issuers_are_named_once(refuses, ada, new):
    body, issuer = new["targets"][0]["body"], an_organization(ada)["slug"]
    twice = [
        {"body": body, "role": "decides"},
        {"body": a_body(ada)["slug"], "role": "decides"},
        {"body": body, "role": "advises"},
    ]

    for change in ({"targets": twice}, {"issuers": [issuer, issuer]}):
        problem = refuses("POST", "demands", {**new, **change}, 422)
        assert where(problem) == f"body.{next(iter(change))}"
        assert (body if "targets" in change else issuer) in problem["detail"]


def test_a_revision_is_checked_like_a_demand(refuses, ada, common):
    ref = a_demand(ada, **common)["ref"]
    wrong = {
        "title": ["", NUL, SURROGATE, "x" * 301, 1],
        "targets": [[], None, [{"body": "nobody", "role": "decides"}], common["targets"] * 2],
        "first_made_on": ["2023-02-30", "2999", 2023],
        "deadline": ["2023-02-30", 0, False],
        "last_checked_on": ["2999-01-01", "2024", "2024-02-30", 0, 1700000000, "2024-01-01T00:00:00", None],
        "audience": ["everyone"],
    }

    for member, values in wrong.items():
        for value in values:
            problem = refuses("PATCH", f"demands/{ref}", {member: value}, 422)
            assert where(problem).startswith(f"body.{member}"), (member, value, problem)


def test_records_are_checked_like_a_demand(refuses, ada, common, evidence):
    ref = a_demand(ada, **common)["ref"]
    body = common["targets"][0]["body"]
    good: dict[str, dict[str, Any]] = {
        "status-changes": change_to(ada, "in_progress", citations=evidence),
        "updates": {"text": "x", "on": "2024"},
        "responses": {"body": body, "response": "noted", "on": "2024", "citations": evidence},
        "milestones": {"title": "x"},
        "citations": dict(evidence[0]),
        "relations": {"to": ref, "type": "related"},
    }
    bad_citations = [{"stance": "likes"}, {"source": "nowhere"}, {"quote": "x" * 2_001}, {"claimed_on": "2024-02-30"}]
    wrong: dict[str, dict[str, list[Any]]] = {
        "status-changes": {
            "to": ["ongoing", None, "", 1],
            "effective_on": ["2024-02-30", "2999", 2024, None],
            "reason": [None, "", "x" * 10_001, NUL, SURROGATE],
            "internal_note": [NUL, 1],
            "confidence": ["sure", 1],
            "kind": ["guess", None],
            "citations": [None, {}, [{}], evidence * 51, *([{**evidence[0], **bad}] for bad in bad_citations)],
        },
        "updates": {"text": [None, "", NUL, 1, "x" * 10_001], "on": ["2999", "2024-13", None, 2024]},
        "responses": {"body": ["nobody", None], "response": ["agreed"], "on": ["2999"], "says": [NUL, 1]},
        "milestones": {"title": ["", None, NUL, "x" * 301], "planned_on": ["soon", 1], "done_on": ["2999"]},
        "citations": {
            "source": ["nowhere", None, NUL],
            "stance": ["likes"],
            "locator": ["x" * 501, NUL],
            "translation": ["x" * 2_001],
            "status_change": ["x", 1, "019aa1b2-0000-7000-8000-000000000000"],
        },
        "relations": {"to": ["nowhere", "NOWHERE-1", None, ref], "type": ["superseded_by", "loves", None]},
    }

    for what, members in wrong.items():
        for member, values in members.items():
            for value in values:
                problem = refuses("POST", f"demands/{ref}/{what}", {**good[what], member: value}, 422)
                assert where(problem).startswith(f"body.{member}"), (what, member, value, problem)


def test_what_is_not_there_is_not_found(refuses):
    for path in ("NOWHERE-1", "A-1", "ABCDEFGHIJ-999999999"):
        assert refuses("PATCH", f"demands/{path}", {"title": "x"}, 404)["type"] == "/problems/not-found"
        refuses("PUT", f"demands/{path}/publication", {"state": "published"}, 404)
        refuses("POST", f"demands/{path}/updates", {"text": "x", "on": "2024"}, 404)


def test_what_is_no_ref_is_refused(refuses):
    for path in (
        "NK",
        "NK-0",
        "NK-01",
        "NK-1x",
        "NK-99999999999",
        "-1",
        "NK%20-1",
        "%F0%9F%95%8A",
        "NK-1'--",
        "NK-%D9%A1",
    ):
        assert where(refuses("PATCH", f"demands/{path}", {"title": "x"}, 422)) == "path.ref"


def test_nul_in_the_address_is_malformed(refuses):
    for address in ("demands/NK%00-1", "demands?q=%00", "demands/NK-1/history?cursor=%00", "%00"):
        assert refuses("GET", address, b"", 400)["type"] == "/problems/malformed"


def test_a_body_over_the_limit_is_refused_whether_or_not_it_says_so(ada, new, settings, ledger_end):
    before = ledger_end()
    sent = json.dumps({**new, "asks": "x" * settings.body_limit_bytes}).encode()

    def in_chunks():
        for start in range(0, len(sent), 65_536):
            yield sent[start : start + 65_536]

    declared = ada.post(f"{API}/demands", content=sent)
    chunked = ada.post(f"{API}/demands", content=in_chunks(), headers={"Content-Type": "application/json"})

    for answer in (declared, chunked):
        assert (answer.status_code, answer.json()["type"]) == (413, "/problems/too-large")
        assert answer.json()["limit_bytes"] == settings.body_limit_bytes
    assert ledger_end() == before


def test_a_text_as_long_as_it_may_be_is_kept_whole(ada, new):
    long = {"title": "т" * 300, "asks": "я" * 10_000, "counts_as_met": "🕊" * 10_000}

    made = ada.post(f"{API}/demands", json={**new, **long})

    assert made.status_code == 201
    assert {name: made.json()[name] for name in long} == long
    assert ada.get(f"{API}/demands/{made.json()['ref']}").json() == made.json()


def test_a_problem_repeats_nothing_of_what_was_sent(refuses, new):
    problem = refuses("POST", "demands", {**new, "sensitivity": "the name of a witness"}, 422)

    assert "witness" not in json.dumps(problem)
