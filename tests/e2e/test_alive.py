"""Dead and slow peers: keepalives, time limits, attempts, and what is said when it is over."""
import signal
import socket
import time

import pytest

from lab.net import connect, free_port
from lab.proc import until
from lab.servers import kill
from lab.services import Service, exchange, ping, duplex

FAST = ["ServerAliveInterval=1", "ServerAliveCountMax=2"]
DEAD = r"(?i)timeout, server .* not responding|not responding|no answer|timed out"


def test_stalled_network(start_server, client, service, port, proxy):
    """Nothing comes back any more: the end comes by itself, with one clear sentence and 255."""
    wire = proxy(start_server())
    one = client(wire_server(wire), "-L", f"{port}:127.0.0.1:{service().port}", options=FAST).stands(port)
    ping(("127.0.0.1", port))
    begin = time.monotonic()
    wire.stall()
    one.fails(DEAD, seconds=10, lines=1)
    assert 1 < time.monotonic() - begin < 6


def wire_server(wire):
    """A proxy that is called as if it were the server behind it."""
    wire.user = wire.behind.user
    wire.known_hosts = lambda: wire.behind.known_hosts(name=f"[{wire.host}]:{wire.port}")
    return wire


def test_stopped_server(start_server, client, service, port):
    """The processes of the server are stopped (SIGSTOP): its system still acknowledges, nobody answers."""
    server = start_server()
    one = client(server, "-L", f"{port}:127.0.0.1:{service().port}", options=FAST).stands(port)
    ping(("127.0.0.1", port))
    stopped = server.connections()
    for pid in stopped:
        kill(pid, signal.SIGSTOP)
    try:
        one.fails(DEAD, seconds=10, lines=1)
    finally:
        for pid in stopped:
            kill(pid, signal.SIGCONT)


def test_stalled_under_load(start_server, client, service, port, proxy):
    """The same with the send buffers full."""
    def swallow(sock):
        while sock.recv(262144):
            pass

    wire = proxy(start_server())
    one = client(wire_server(wire), "-L", f"{port}:127.0.0.1:{service(swallow).port}", options=FAST).stands(port)
    with connect(("127.0.0.1", port)) as sock:
        sock.sendall(bytes(1 << 20))
        wire.stall()
        sock.setblocking(False)
        with pytest.raises(OSError):  # first the buffers are full, then the connection is gone
            while True:
                sock.send(bytes(65536))
        one.fails(DEAD, seconds=10, lines=1)


@pytest.mark.parametrize("kind", ["openssh", "dropbear", "asyncssh", "paramiko"])
def test_answers_count(lab, client, service, port, kind):
    """Every server answers our keepalives: an idle tunnel lives."""
    one = client(lab.shared(kind), "-L", f"{port}:127.0.0.1:{service().port}",
                 options=["ServerAliveInterval=1", "ServerAliveCountMax=1"]).stands(port)
    begin = time.monotonic()
    until(lambda: time.monotonic() - begin > 2.5 or not one.alive())  # longer than interval x count
    assert one.alive(), str(one)
    ping(("127.0.0.1", port))


def test_slow_is_not_dead(start_server, client, service, port, proxy):
    """A delay of 0.15 s each way under load does not look like death."""
    wire = proxy(start_server())
    one = client(wire_server(wire), "-L", f"{port}:127.0.0.1:{service(duplex).port}",
                 options=["ServerAliveInterval=1", "ServerAliveCountMax=1"]).stands(port)
    wire.delay = 0.15
    exchange(("127.0.0.1", port), 300_000, 300_000)
    wire.delay = 0
    assert one.alive()


@pytest.fixture
def silent(cleanup):
    """A server that accepts and never says a word."""
    one = Service(None)
    cleanup.callback(one.close)
    one.host, one.user, one.known_hosts = "127.0.0.1", "anybody", lambda: ""
    return one


def test_connect_timeout_covers_the_greeting(silent, client, port):
    """ConnectTimeout also ends the wait for a version line that never comes."""
    begin = time.monotonic()
    client(silent, "-L", f"{port}:127.0.0.1:1", options=["ConnectTimeout=1"]).fails(r"(?i)timed out|in time", lines=2)
    assert time.monotonic() - begin < 5


@pytest.fixture
def black_hole(cleanup):
    """A port where connections hang: its queue of waiting ones is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    cleanup.callback(listener.close)
    fillers = []
    for _ in range(4):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        fillers.append(sock)
        cleanup.callback(sock.close)

    class Hole:
        host, port, user = "127.0.0.1", listener.getsockname()[1], "anybody"

        @staticmethod
        def known_hosts():
            return ""
    return Hole


def test_connect_timeout(black_hole, client, port):
    begin = time.monotonic()
    client(black_hole, "-L", f"{port}:127.0.0.1:1", options=["ConnectTimeout=1"]).fails(
        rf"connect to host 127\.0\.0\.1 port {black_hole.port}: Connection timed out", lines=2)
    assert time.monotonic() - begin < 5


def test_connection_refused(client, refuser, port):
    """OpenSSH's sentence: host, port, reason."""
    refuser.host, refuser.user, refuser.known_hosts = "127.0.0.1", "anybody", lambda: ""
    client(refuser, "-L", f"{port}:127.0.0.1:1").fails(
        rf"connect to host 127\.0\.0\.1 port {refuser.port}: Connection refused", lines=1)


def test_connection_attempts(client, refuser, openssh, service, port, cleanup):
    """ConnectionAttempts 5: the server comes up between the first and the last."""
    late = free_port()
    refuser.host, refuser.user, refuser.port = "127.0.0.1", openssh.user, late
    refuser.known_hosts = lambda: openssh.known_hosts(name=f"[127.0.0.1]:{late}")
    one = client(refuser, "-v", "-L", f"{port}:127.0.0.1:{service().port}", options=["ConnectionAttempts=8"])
    one.told("Connection refused")
    from lab.faults import Proxy
    wire = Proxy((openssh.host, openssh.port), late)
    cleanup.callback(wire.close)
    one.stands(port)
    ping(("127.0.0.1", port))


def test_server_closes_at_once(client, port, cleanup):
    """The connection is closed before a version line: one line, 255."""
    one = Service(lambda sock: sock.close())
    cleanup.callback(one.close)
    one.host, one.user, one.known_hosts = "127.0.0.1", "anybody", lambda: ""
    client(one, "-L", f"{port}:127.0.0.1:1").fails(r"(?i)closed|reset", lines=2)


@pytest.mark.parametrize("name, addresses", [("localhost", 2)])
def test_both_families_are_tried(openssh, lab, run, service, port, work, name, addresses):
    """localhost is ::1 and 127.0.0.1; the server listens on the second only."""
    from lab import client as adit
    (work / "known_hosts").write_text(openssh.known_hosts(name=f"[{name}]:{openssh.port}"), encoding="ascii")
    line = adit.command(openssh, "-L", f"{port}:127.0.0.1:{service().port}", key=lab.key, host=name,
                        known_hosts=work / "known_hosts")
    run(*line).stands(port)
    ping(("127.0.0.1", port))


@pytest.mark.parametrize("direction", ["up", "down"])
@pytest.mark.parametrize("cipher", ["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes128-ctr"])
def test_flipped_bit(openssh, client, service, port, proxy, direction, cipher):
    """One inverted bit in the stream: the connection ends, and no damaged byte ever reaches a program."""
    wire = proxy(openssh)
    one = client(wire_server(wire), "-c", cipher, "-L", f"{port}:127.0.0.1:{service().port}",
                 options=FAST).stands(port)
    word = bytes(range(256)) * 40
    got = b""
    with connect(("127.0.0.1", port)) as sock:
        sock.sendall(word)
        while len(got) < len(word):
            got += sock.recv(65536)
        assert got == word
        wire.flip(direction, wire.carried[direction] + 5000)
        sock.sendall(word)
        got = b""
        try:
            while piece := sock.recv(65536):
                got += piece
        except ConnectionResetError:
            pass
    assert word.startswith(got)
    one.fails(seconds=10, lines=2)
