import asyncio
import socket
import threading
from ipaddress import ip_address

import pytest

from app.webhooks import names
from app.webhooks.names import LookupFailed, Names, NoPlace, ResolverDown, UnknownName

THERE = [ip_address("192.0.2.1")]


class Directory:
    """A lookup that answers as it is told, and remembers what it was asked."""

    def __init__(self, **answers):
        self.answers = answers
        self.asked = []
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, host):
        self.asked.append(host)
        self.may_answer.wait()
        answer = self.answers.get(host.partition(".")[0], THERE)
        if isinstance(answer, int):
            raise socket.gaierror(answer, "it failed")
        return answer


def test_a_name_is_looked_up_once_for_all_who_wait_and_for_a_while_after():
    directory = Directory()

    async def ask():
        known = Names(directory)
        await asyncio.gather(*(known.addresses("a.example") for _ in range(20)))
        return await known.addresses("a.example")

    assert asyncio.run(ask()) == THERE
    assert directory.asked == ["a.example"]


def test_what_was_found_is_forgotten_in_time(monkeypatch):
    monkeypatch.setattr(names, "_REMEMBER_ADDRESSES_SECONDS", 0.0)
    directory = Directory()

    async def ask():
        known = Names(directory)
        await known.addresses("a.example")
        await known.addresses("a.example")

    asyncio.run(ask())

    assert directory.asked == ["a.example", "a.example"]


def test_only_so_many_names_are_remembered(monkeypatch):
    monkeypatch.setattr(names, "_REMEMBER_NAMES", 2)
    directory = Directory()

    async def ask():
        known = Names(directory)
        for host in ("a.example", "b.example", "c.example", "b.example", "c.example", "a.example"):
            await known.addresses(host)

    asyncio.run(ask())

    assert directory.asked == ["a.example", "b.example", "c.example", "a.example"]


def test_a_name_that_does_not_exist_is_unknown():
    with pytest.raises(UnknownName):
        asyncio.run(Names(Directory(gone=socket.EAI_NONAME)).addresses("gone.example"))


@pytest.mark.parametrize("others", [THERE, socket.EAI_NONAME])
def test_a_broken_name_is_its_owners_fault_while_the_resolver_answers_for_others(others):
    directory = Directory(broken=socket.EAI_AGAIN, a=others)  # a. is the name that always has an answer

    with pytest.raises(LookupFailed) as error:
        asyncio.run(Names(directory).addresses("broken.example"))

    assert not isinstance(error.value, ResolverDown)


def test_a_resolver_that_answers_for_no_name_is_our_fault():
    with pytest.raises(ResolverDown):
        asyncio.run(Names(Directory(broken=socket.EAI_AGAIN, a=socket.EAI_AGAIN)).addresses("broken.example"))


def test_a_failure_is_remembered_but_not_for_long(monkeypatch):
    directory = Directory(gone=socket.EAI_NONAME)

    async def ask():
        known = Names(directory)
        for _ in range(2):
            with pytest.raises(UnknownName):
                await known.addresses("gone.example")

    asyncio.run(ask())
    monkeypatch.setattr(names, "_REMEMBER_FAILURE_SECONDS", 0.0)
    asyncio.run(ask())

    assert len(directory.asked) == 1 + 2


def test_a_lookup_that_takes_too_long_is_given_up_but_its_late_answer_is_used():
    directory = Directory()
    directory.may_answer.clear()

    async def ask():
        known = Names(directory, deadline_seconds=0.05)
        with pytest.raises(ResolverDown):
            await known.addresses("slow.example")
        directory.may_answer.set()
        known._deadline_seconds = 10.0
        return await known.addresses("slow.example")

    assert asyncio.run(ask()) == THERE
    assert directory.asked.count("slow.example") == 1


def test_a_party_with_many_silent_names_leaves_as_many_places_as_it_takes():
    directory = Directory()
    directory.may_answer.clear()

    async def ask():
        known = Names(lambda host: directory(host) if host.startswith("slow") else THERE, places=4)
        silent = [asyncio.create_task(known.addresses(f"slow{number}.example", "eve")) for number in range(6)]
        found = [await known.addresses(f"{number}.example", "ada") for number in range(6)]
        asked = list(directory.asked)
        directory.may_answer.set()
        return found, asked, await asyncio.gather(*silent)

    found, asked, late = asyncio.run(ask())

    assert asked == ["slow0.example", "slow1.example"]
    assert found == late == [THERE] * 6


def test_whoever_finds_no_place_waits_for_one():
    directory = Directory()
    directory.may_answer.clear()

    async def ask():
        known = Names(directory, places=1)
        waiting = [asyncio.create_task(known.addresses(host)) for host in ("a.example", "b.example", "a.example")]
        await asyncio.sleep(0.05)
        asked = list(directory.asked)
        directory.may_answer.set()
        return asked, await asyncio.gather(*waiting)

    assert asyncio.run(ask()) == (["a.example"], [THERE] * 3)


@pytest.mark.parametrize(("resolver", "fault"), [(THERE, NoPlace), (socket.EAI_AGAIN, ResolverDown)])
def test_whoever_waits_for_a_place_in_vain_is_told_whose_fault_that_is(resolver, fault):
    may_answer = threading.Event()

    def lookup(host):
        if host == "slow.example":
            may_answer.wait()
        if resolver is not THERE:
            raise socket.gaierror(resolver, "it failed")
        return THERE

    async def ask():
        known = Names(lookup, deadline_seconds=0.05, places=1)
        slow = asyncio.create_task(known.addresses("slow.example"))
        await asyncio.sleep(0)
        with pytest.raises(LookupFailed) as error:
            await known.addresses("other.example")
        may_answer.set()
        await asyncio.gather(slow, return_exceptions=True)
        return type(error.value)

    assert asyncio.run(ask()) is fault


def test_a_machine_without_threads_to_spare_is_our_fault(monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)

    with pytest.raises(ResolverDown):
        asyncio.run(Names(Directory()).addresses("a.example"))


def test_closing_leaves_no_lookup_behind():
    directory = Directory()
    directory.may_answer.clear()

    async def leave_early():
        known = Names(directory)
        waiting = asyncio.create_task(known.addresses("a.example"))
        await asyncio.sleep(0)
        known.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(leave_early())
    directory.may_answer.set()
