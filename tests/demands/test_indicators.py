"""What is counted of a demand, and how that is revised."""

from tests.factories import API, a_draft, made


def patch(client, ref, change):
    return client.patch(f"{API}/demands/{ref}", json=change, headers={"If-Match": "*"})


def test_an_indicator_keeps_its_readings(ada):
    ref = a_draft(ada)["ref"]
    without = ada.post(f"{API}/demands/{ref}/readings", json={"value": 1, "on": "2024-01-01"})
    given = patch(ada, ref, {"indicator": {"name": "Prisoners", "unit": "people", "target": 55}}).json()["indicator"]
    made(ada, f"demands/{ref}/readings", {"value": 36, "on": "2024-01-01"})

    renamed = patch(ada, ref, {"indicator": {"name": "Released"}}).json()["indicator"]
    taken_away = patch(ada, ref, {"indicator": None})

    assert (without.status_code, without.json()["type"]) == (409, "/problems/conflict")
    assert given == {"name": "Prisoners", "unit": "people", "target": 55, "latest": None, "latest_on": None}
    assert renamed == {"name": "Released", "unit": "people", "target": 55, "latest": 36, "latest_on": "2024-01-01"}
    assert (taken_away.status_code, taken_away.json()["type"]) == (409, "/problems/conflict")


def test_an_indicator_is_merged_member_by_member(ada):
    ref = a_draft(ada, indicator={"name": "Visits", "unit": "visits", "target": 3})["ref"]

    def patched(change):
        indicator = patch(ada, ref, {"indicator": change}).json()["indicator"]
        return indicator["name"], indicator["unit"], indicator["target"]

    assert patched({"target": 5}) == ("Visits", "visits", 5)
    assert patched({"name": "Missions", "unit": "missions"}) == ("Missions", "missions", 5)
    assert patched({"target": None}) == ("Missions", "missions", None)
    assert patched({}) == ("Missions", "missions", None)
    for needed in ("name", "unit"):
        refused = patch(ada, ref, {"indicator": {needed: None}})
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, f"body.indicator.{needed}")


def test_a_new_indicator_needs_its_name_and_its_unit(ada):
    ref = a_draft(ada)["ref"]

    for change, missing in (({"target": 5}, "name"), ({"unit": "visits"}, "name"), ({"name": "Visits"}, "unit")):
        refused = patch(ada, ref, {"indicator": change})
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, f"body.indicator.{missing}")
    given = patch(ada, ref, {"indicator": {"name": "Visits", "unit": "visits"}})

    assert (given.status_code, given.json()["indicator"]["target"]) == (200, None)
