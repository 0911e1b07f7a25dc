"""What aditd does not wait for: silent clients, idle channels, strangers in numbers; each with the smallest times."""
import contextlib
import os
import signal
import socket
import subprocess
import time

import pytest

from lab.net import connect, listeners, unix_listener
from lab.probe import Probe, do, refusal
from lab.proc import until
from lab.servers import SERVER_USER
from lab.services import Service, echo


class Stranger:
    """A connection that says nothing, from an address of its own."""

    def __init__(self, server, source="127.0.0.1"):
        self.sock = socket.create_connection((server.host, server.port), 20, (source, 0))

    def ends(self):
        """Waits for the server to end it."""
        with contextlib.suppress(ConnectionResetError):
            while self.sock.recv(4096):
                pass
        self.sock.close()

    def is_served(self):
        """Does it get the first line of the protocol?"""
        with contextlib.suppress(ConnectionResetError):
            return self.sock.recv(4).startswith(b"SSH-")
        return False


@pytest.fixture
def stranger(cleanup):
    def start(server, *more):
        one = Stranger(server, *more)
        cleanup.callback(one.sock.close)
        return one
    return start


# ---- clients that have gone silent ----

@pytest.mark.parametrize("where", ["config", "match"])
def test_client_alive(start_server, ssh, port, where):
    """A stopped client loses its listener after the questions that it did not answer."""
    lines = ["ClientAliveInterval 1", "ClientAliveCountMax 1"]
    server = start_server("aditd", **({"config": lines} if where == "config" else
                                      {"match": [f"Match User {SERVER_USER}", *lines]}))
    one = ssh(server, "-R", f"{port}:127.0.0.1:1").stands(port)
    os.kill(one.pid, signal.SIGSTOP)
    try:
        until(lambda: not listeners(port), 8, "the end of the listener")
    finally:
        os.kill(one.pid, signal.SIGCONT)
    record = server.record("login")
    assert record["end"] != "closed"


def test_client_that_answers(start_server, ssh, port):
    """It is asked and stays."""
    server = start_server("aditd", config=["ClientAliveInterval 1", "ClientAliveCountMax 1"])
    one = ssh(server, "-vv", "-R", f"{port}:127.0.0.1:1").stands(port)
    until(lambda: one.said.count("keepalive@openssh.com") >= 3)
    assert listeners(port) and one.alive()


def test_match_turns_it_off(start_server, ssh, port):
    server = start_server("aditd", config=["ClientAliveInterval 1", "ClientAliveCountMax 1"],
                          match=[f"Match User {SERVER_USER}", "ClientAliveInterval 0"])
    one = ssh(server, "-vv", "-R", f"{port}:127.0.0.1:1").stands(port)
    with pytest.raises(AssertionError, match="never said"):
        one.told("keepalive@openssh.com", 2.5)


@pytest.mark.parametrize("line, timer", [(None, True), ("TCPKeepAlive no", False)])
def test_tcp_keepalive(start_server, probe, line, timer):
    server = start_server("aditd", config=["ClientAliveInterval 0", *([line] if line else [])])
    probe(server)

    def seen():
        return subprocess.run(["ss", "-Htno", "state", "established", f"sport = :{server.port}"], capture_output=True,
                              text=True, check=True).stdout
    until(lambda: seen() and "timer:(on" not in seen())
    assert ("timer:(keepalive" in seen()) == timer


# ---- strangers ----

def test_login_grace(start_server, probe, stranger):
    """Who has not logged in by then is sent away; who has stays."""
    server = start_server("aditd", config=["LoginGraceTime 1"])
    friend = probe(server)
    stranger(server).ends()
    assert friend.stands()


def test_no_login_grace(start_server, stranger):
    server = start_server("aditd", config=["LoginGraceTime 0"])
    one = stranger(server)
    assert one.is_served()
    one.sock.settimeout(1.5)
    with pytest.raises(TimeoutError):
        one.ends()


def test_max_startups(start_server, probe, stranger):
    """Those who have logged in do not count."""
    server = start_server("aditd", config=["MaxStartups 2:100:2"])
    friends = [probe(server) for _ in range(3)]
    first, second = stranger(server), stranger(server)
    assert first.is_served() and second.is_served()
    assert not stranger(server).is_served()
    first.sock.close()
    until(lambda: stranger(server).is_served())
    assert all(friend.stands() for friend in friends)
    record = server.record("connection-refused")
    assert "MaxStartups" in record["rule"] and record["source"] == "127.0.0.1"


def test_source_max_startups(start_server, stranger):
    server = start_server("aditd", config=["PerSourceMaxStartups 1"])
    assert stranger(server).is_served()
    assert not stranger(server).is_served()
    assert stranger(server, "127.0.0.2").is_served()
    assert "PerSourceMaxStartups" in server.record("connection-refused")["rule"]


def test_source_is_a_net(start_server, stranger):
    server = start_server("aditd", config=["PerSourceMaxStartups 1", "PerSourceNetBlockSize 24:64"])
    assert stranger(server).is_served()
    assert not stranger(server, "127.0.0.2").is_served()
    assert stranger(server, "127.0.1.1").is_served()


# The lab's servers have none; the words of all lines count together.
ON, PENALTY = "PerSourcePenalties yes", "PerSourcePenalties authfail:60 noauth:60 min:1"


@pytest.mark.parametrize("lines, refused", [
    ([ON, PENALTY], True),
    ([PENALTY], False),
    ([ON, PENALTY, "PerSourcePenaltyExemptList 127.0.0.1"], False),
    ([ON, "PerSourcePenalties authfail:1 noauth:1 min:100 max:1000"], False),
], ids=["penalty", "off", "exempt", "below-least"])
def test_penalties(lab, start_server, stranger, lines, refused):
    """A failed login closes the door to its source, and to no other."""
    server = start_server("aditd", config=lines)
    assert "PermissionDenied" in refusal(Probe, server, lab.keys.make("penal"))
    until(lambda: "ended" in server.log())
    until(lambda: stranger(server).is_served() != refused)  # the door learns of it a moment later
    assert stranger(server, "127.0.0.9").is_served()
    if refused:
        records = until(lambda: [r for r in server.records() if r["event"] == "connection-refused"])
        assert "enalt" in records[0]["rule"]


@pytest.mark.parametrize("overflow, forgotten", [
    ("permissive", True), ("deny-all", False), ("deny-all overflow6:permissive", False),
    ("permissive overflow6:deny-all", True),
])
def test_more_penalties_than_are_remembered(start_server, stranger, overflow, forgotten):
    """Beyond max-sources4 the first penalty is forgotten, or nobody comes in any more."""
    book = f"PerSourcePenalties max-sources4:1 max-sources6:1 overflow:{overflow}"
    server = start_server("aditd", config=[ON, PENALTY, book])
    for address in ["127.0.0.5", "127.0.0.6"] if forgotten else ["127.0.0.5"]:
        stranger(server, address).sock.close()  # without a login
        until(lambda: not stranger(server, address).is_served())
    for another in "127.0.0.5" if forgotten else "127.0.0.6", "127.0.0.9":
        assert stranger(server, another).is_served() == forgotten
    if not forgotten:
        until(lambda: [r for r in server.records() if r.get("rule") == "PerSourcePenalties overflow"])


def test_penalty_ends(lab, start_server, stranger):
    server = start_server("aditd", config=[ON, "PerSourcePenalties authfail:1 noauth:1 min:0"])
    refusal(Probe, server, lab.keys.make("penal"))
    until(lambda: not stranger(server).is_served())
    until(lambda: stranger(server).is_served(), 5)


# ---- idle ----

TYPES = {"direct-tcpip": "L", "direct-streamlocal@openssh.com": "UL", "forwarded-tcpip": "R",
         "forwarded-streamlocal@openssh.com": "UR"}


def open_channel(probe, form, work, cleanup):
    """One channel of this form, with an echo behind it: (send, ended?)."""
    goal = Service(echo, work / "echo" if form[0] == "U" else "127.0.0.1")
    cleanup.callback(goal.close)
    if form in ("L", "UL"):
        reader, writer = probe.open(*goal.address) if form == "L" else probe.open_unix(goal.address)
        return (lambda: (probe.write(writer, b"x"), do(reader.readexactly(1))),
                lambda seconds: do(reader.read(1), seconds) == b"")
    if form == "R":
        where = ("127.0.0.1", probe.listen("127.0.0.1", 0, goal.address))
    else:
        assert probe.listen_unix(work / "listener", goal.address)
        where = work / "listener"
        until(lambda: unix_listener(where))
    sock = connect(where)
    cleanup.callback(sock.close)

    def ended(seconds):
        sock.settimeout(seconds)
        with contextlib.suppress(ConnectionResetError):
            return sock.recv(1) == b""
        return True
    return lambda: (sock.sendall(b"x"), sock.recv(1)), ended


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("pattern", [True, False], ids=["pattern", "name"])
def test_channel_timeout(start_server, probe, work, cleanup, kind, pattern):
    """An idle channel ends, its connection does not."""
    word = kind.split("-")[0] + "-*" if pattern else kind
    one = probe(start_server("aditd", config=[f"ChannelTimeout {word}=1"]))
    send, ended = open_channel(one, TYPES[kind], work, cleanup)
    send()
    assert ended(5)
    assert one.stands()


@pytest.mark.parametrize("kind", TYPES)
def test_timeout_of_other_channels(start_server, probe, work, cleanup, kind):
    """The times of other types do not count."""
    words = " ".join(f"{other}=1" for other in TYPES if other != kind)
    one = probe(start_server("aditd", config=[f"ChannelTimeout {words}"]))
    send, ended = open_channel(one, TYPES[kind], work, cleanup)
    send()
    with pytest.raises(TimeoutError):
        ended(1.8)
    send()


def test_timeout_of_all_channels(start_server, probe, work, cleanup):
    """What moves on one channel keeps all of them; when nothing does, all of them end, and the connection does not."""
    one = probe(start_server("aditd", config=["ChannelTimeout global=1"]))
    (send, ended), (_, other_ended) = [open_channel(one, form, work, cleanup) for form in ("L", "R")]
    begin = time.monotonic()
    while time.monotonic() < begin + 2:
        send()
        with pytest.raises(TimeoutError):
            other_ended(0.2)
    assert ended(5) and other_ended(5)
    assert one.stands()


def test_unused_connection(start_server, probe):
    """Neither channel nor listener: over. With a listener it stays."""
    server = start_server("aditd", config=["UnusedConnectionTimeout 1"])
    busy, idle = probe(server), probe(server)
    port = busy.listen("127.0.0.1", 0)
    idle.is_over(5)
    until(lambda: "not used" in server.log())
    assert busy.stands() and listeners(port)
    busy.shut(busy.listeners.pop())
    busy.is_over(5)


def test_match_of_unused(start_server, probe):
    server = start_server("aditd", match=["Match User digger", "UnusedConnectionTimeout 1"])
    stays, goes = probe(server, user="sapper"), probe(server, user="digger")
    goes.is_over(5)
    assert stays.stands()
