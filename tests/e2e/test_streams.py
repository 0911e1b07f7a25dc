"""Streams end as they began: half-close, reset, refusal, and the death of the server."""
import hashlib
import re
import signal
import socket

import pytest

from lab.net import call, connect, reset, unsent, waiting
from lab.proc import descriptors_of, until
from lab.servers import kill
from lab.services import MIB, first_words, last_words, noise, recv_all, recv_exact, resetter


@pytest.fixture(params=["-L", "-R"])
def forward(request, client, port):
    """forward(server, goal): a forward to goal, in both directions in turn; returns (address, client)."""
    def start(server, goal, *flags, **more):
        one = client(server, request.param, f"{port}:127.0.0.1:{goal}", *flags, **more).stands(port)
        return ("127.0.0.1", port), one
    start.side = request.param
    return start


def test_our_end_first(server, forward, service):
    """Half-close: our end travels, the answer comes back after it."""
    address, _ = forward(server, service(last_words).port)
    with connect(address) as sock:
        sock.sendall(noise(3 * MIB))
        sock.shutdown(socket.SHUT_WR)
        assert recv_all(sock) == b"%d bytes, goodbye\n" % (3 * MIB)


def test_their_end_first(server, forward, service):
    """Half-close the other way round: after the service's end our data still arrive."""
    first_words.heard.clear()
    address, _ = forward(server, service(first_words).port)
    with connect(address) as sock:
        assert recv_all(sock) == b"I have spoken\n"
        sock.sendall(noise(3 * MIB))
        sock.shutdown(socket.SHUT_WR)
        until(lambda: first_words.heard, what="the service to see the end")
    assert first_words.heard == [3 * MIB]


def test_nothing_lost_before_the_end(server, forward, service):
    """The service sends and closes at once; a reader that begins late still gets everything."""
    def blurt(sock):
        sock.sendall(noise(6 * MIB))
        sock.close()

    goal = service(blurt)
    address, _ = forward(server, goal.port)
    digest = hashlib.sha256()
    with connect(address) as sock:
        until(lambda: goal.connections and goal.connections[0].fileno() == -1 or waiting(sock) > 60000)
        while piece := sock.recv(5000):
            digest.update(piece)
    assert digest.digest() == hashlib.sha256(noise(6 * MIB)).digest()


def test_empty_streams(openssh, forward, service):
    """Nothing sent, nothing got, ends at once, many times."""
    address, one = forward(openssh, service(last_words).port)
    for _ in range(30):
        with connect(address) as sock:
            sock.shutdown(socket.SHUT_WR)
            assert recv_all(sock) == b"0 bytes, goodbye\n"
    assert one.alive()


def assert_reset(sock):
    """The connection ends by a reset, not politely; what came before it is returned."""
    data = bytearray()
    try:
        while piece := sock.recv(65536):
            data += piece
    except ConnectionResetError:
        return bytes(data)
    raise AssertionError("a clean end, not a reset")


def test_reset_by_service(openssh, client, service, port):
    """-R: the service resets at our side; the person at the far end is told by the channel's end."""
    client(openssh, "-R", f"{port}:127.0.0.1:{service(resetter).port}").stands(port)
    with connect(("127.0.0.1", port)) as sock:
        sock.sendall(b"x")
        try:
            assert sock.recv(1) == b""  # the server may have no way to say more
        except ConnectionResetError:
            pass


def test_reset_by_person(server, client, service, port):
    """-L: a reset at our side ends the connection to the service too."""
    goal = service(None)
    client(server, "-L", f"{port}:127.0.0.1:{goal.port}").stands(port)
    sock = connect(("127.0.0.1", port))
    sock.sendall(b"hello")
    until(lambda: goal.connections, what="the service to be called")
    assert recv_exact(goal.connections[0], 5) == b"hello"
    reset(sock)
    goal.connections[0].settimeout(10)
    try:
        assert goal.connections[0].recv(1) == b""
    except ConnectionResetError:
        pass


def test_reset_stays_a_reset(asyncssh, client, service, port):
    """-L: the service resets; a server that closes the channel without EOF says so, and we pass it on."""
    def break_off(sock):
        sock.recv(1)
        sock.sendall(noise(100_000))
        until(lambda: unsent(sock) == 0, what="everything to be read")
        reset(sock)

    goal = service(break_off)
    client(asyncssh, "-L", f"{port}:127.0.0.1:{goal.port}").stands(port)
    with connect(("127.0.0.1", port)) as sock:
        sock.sendall(b"x")
        assert assert_reset(sock) == noise(100_000)


REFUSED = r"open failed: connect failed: Connection refused"


def test_refused_target(openssh, client, refuser, port):
    """-L: nobody listens at the target: reset at once, and one line with the reason and the forward."""
    one = client(openssh, "-L", f"{port}:127.0.0.1:{refuser.port}").stands(port)
    assert call(("127.0.0.1", port)) == (b"", "reset")
    line = one.told(rf"[^\n]*{REFUSED}[^\n]*\n").group()
    assert str(port) in line and str(refuser.port) in line, line
    assert one.alive()


@pytest.mark.parametrize("kind", ["dropbear", "asyncssh", "paramiko"])
def test_refused_elsewhere(lab, client, refuser, port, kind):
    one = client(lab.shared(kind), "-L", f"{port}:127.0.0.1:{refuser.port}").stands(port)
    assert call(("127.0.0.1", port)) == (b"", "reset")
    one.told(r"open failed: ")
    assert one.alive()


def test_refused_is_told(openssh, client, refuser, port):
    """The same, without the reset: the reason is in stderr."""
    one = client(openssh, "-L", f"{port}:127.0.0.1:{refuser.port}").stands(port)
    assert call(("127.0.0.1", port))[0] == b""
    one.told(REFUSED)


def test_refused_here(openssh, client, refuser, port):
    """-R: nobody listens at our side."""
    one = client(openssh, "-R", f"{port}:127.0.0.1:{refuser.port}").stands(port)
    assert call(("127.0.0.1", port))[0] == b""
    one.told(rf"connect.*{refuser.port}.*|{refuser.port}.*refused")
    assert one.alive()


def test_unknown_name(openssh, client, port):
    one = client(openssh, "-L", f"{port}:no-such-host.invalid:1").stands(port)
    assert call(("127.0.0.1", port))[0] == b""
    one.told(r"open failed: (administratively prohibited|connect failed): ")


@pytest.mark.parametrize("how", ["killed", "cut", "reset"])
def test_server_dies(start_server, client, service, port, proxy, how):
    """The SSH connection ends under an open forward: its connections are reset, and the program ends with 255."""
    server = start_server()
    wire = proxy(server)
    goal = service()
    one = client(server, "-L", f"{port}:127.0.0.1:{goal.port}", proxy=wire).stands(port)
    with connect(("127.0.0.1", port)) as sock:
        sock.sendall(b"half of a sent")
        assert recv_exact(sock, 14) == b"half of a sent"
        if how == "killed":
            for pid in server.connections():
                kill(pid, signal.SIGKILL)
        else:
            wire.cut(hard=how == "reset")
        assert assert_reset(sock) == b""
    one.fails(lines=2)


def test_server_dies_and_we_say_so(start_server, client, service, port):
    """One clear sentence, exit status 255."""
    server = start_server()
    one = client(server, "-L", f"{port}:127.0.0.1:{service().port}").stands(port)
    for pid in server.connections():
        kill(pid, signal.SIGKILL)
    one.fails(r"(?i)connection.*(closed|reset)|closed by remote host|broken pipe", lines=1)


def test_disconnect_text(start_server, client, port):
    """What a server says with its DISCONNECT reaches the person."""
    server = start_server(config=["MaxAuthTries 1"])
    client(server, "-L", f"{port}:127.0.0.1:1", key=None, options=["PreferredAuthentications=publickey"]).fails(
        r"Permission denied|Too many authentication failures|No more authentication", lines=3)


def test_no_descriptor_leaks(openssh, client, service, port):
    """After many connections the client holds as many descriptors as before."""
    goal = service()
    one = client(openssh, "-L", f"{port}:127.0.0.1:{goal.port}").stands(port)

    def held():
        return descriptors_of(one.pid)

    def call():
        with connect(("127.0.0.1", port)) as sock:
            sock.sendall(b"x")
            assert sock.recv(1) == b"x"

    call()
    before = held()
    if before is None:
        pytest.skip("only root may count them")
    for _ in range(50):
        call()
    until(lambda: held() <= before, 10, f"descriptors to go: {held()} instead of {before}")


def test_unix_half_close(openssh, client, service, work):
    """Unix sockets half-close as TCP does."""
    goal = service(last_words, work / "target")
    client(openssh, "-L", f"{work}/sock:{goal.address}").stands(work / "sock")
    with connect(work / "sock") as sock:
        sock.sendall(b"12345")
        sock.shutdown(socket.SHUT_WR)
        assert recv_all(sock) == b"5 bytes, goodbye\n"


def test_interrupt(openssh, client, service, port):
    """Ctrl-C ends the tunnel, quietly and at once; its connections are reset, not cleanly ended."""
    one = client(openssh, "-L", f"{port}:127.0.0.1:{service().port}").stands(port)
    with connect(("127.0.0.1", port)) as sock:
        sock.sendall(b"x")
        assert sock.recv(1) == b"x"
        one.process.send_signal(signal.SIGINT)
        one.ended(5)
        try:
            assert sock.recv(1) == b""
        except ConnectionResetError:
            pass
    assert not re.search("(?i)error|panic", one.said), str(one)
