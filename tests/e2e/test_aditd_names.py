"""Names that clients ask aditd for: looked up by it, later than they come, and at nobody's expense."""
import functools
import os
import signal
import time

import pytest

from lab.probe import start as begin
from lab.services import echo

PROMPT = 5  # seconds that a look-up which does not depend on the stuck ones may take


@pytest.fixture
def server(lab, start_server):
    """A name server that does not answer for one name; one worker, so that all share it."""
    return start_server("aditd", config=["Workers 1"],
                        env={"LD_PRELOAD": str(lab.shim("names")), "TEST_STUCK": "stuck.example"})


@pytest.fixture
def probe(server, probe):
    """probe(...): the same, at this server."""
    return functools.partial(probe, server)


def stuck(probe, number):
    """So many channels to the name that nobody answers for."""
    for _ in range(number):
        begin(probe.connection.open_connection("stuck.example", 7))


def test_stuck_names_hold_nobody_up(probe, service):
    """Whoever waits for a dead name server waits alone: others look up, connect and move bytes meanwhile."""
    goal = service(echo).port
    waiting = probe(user="digger")
    stuck(waiting, 200)
    assert waiting.reaches("127.0.0.1", goal) == "yes"
    other = probe(user="sapper")
    begun = time.monotonic()
    assert other.reaches("localhost", goal) == "yes"
    assert other.listen("localhost", 0)
    assert time.monotonic() - begun < PROMPT
    assert waiting.stands()


def test_many_connections_get_no_more(probe, service):
    """Of one user with one key all connections share, so many of them change nothing for others."""
    goal = service(echo).port
    for _ in range(12):
        stuck(probe(user="digger"), 10)
    other = probe(user="sapper")
    assert other.reaches("localhost", goal) == "yes"


def test_names_that_nobody_waits_for(server, probe, service):
    """Lookups go on when their connection has gone: they still count, and the server's end does not wait for them."""
    goal = service(echo).port
    gone = probe(user="digger")
    stuck(gone, 10)
    gone.close()
    assert probe(user="sapper").reaches("localhost", goal) == "yes"
    os.kill(server.pid, signal.SIGTERM)
    assert server.child.ended(5) == 0
