"""Many channels, stuck receivers, memory and idle cost."""
import contextlib
import threading
import time

import pytest

from lab.net import connect
from lab.proc import cpu_seconds, private_kib, until
from lab.services import MIB, duplex, echo, exchange, noise, ping, recv_exact


pytestmark = pytest.mark.usefixtures("descriptors")


def forward(client, server, goal, port, *flags, **more):
    return client(server, *flags, "-L", f"127.0.0.1:{port}:127.0.0.1:{goal}", **more).stands(port)


def test_idle_memory(openssh, client, service, port):
    """An idle client holds at most 8 MiB of its own, also after a transfer."""
    one = forward(client, openssh, service(duplex).port, port)
    assert private_kib(one.pid) <= 8192
    exchange(("127.0.0.1", port), 16 * MIB, 16 * MIB)
    until(lambda: private_kib(one.pid) <= 8192, 10, f"memory to go back: {private_kib(one.pid)} KiB")


def test_stuck_receiver_here(server, client, service, ports):
    """Nobody reads one connection at our side: the others go on, and memory stays bounded."""
    def pour(sock):
        while True:
            sock.sendall(noise(MIB))

    a, b = ports(2)
    one = client(server, "-L", f"127.0.0.1:{a}:127.0.0.1:{service(pour).port}",
                 "-L", f"127.0.0.1:{b}:127.0.0.1:{service(duplex).port}").stands(a, b)
    with connect(("127.0.0.1", a)) as stuck:
        recv_exact(stuck, MIB)  # flows, then nobody reads
        exchange(("127.0.0.1", b), 4 * MIB, 4 * MIB)
        exchange(("127.0.0.1", b), 4 * MIB, 4 * MIB)
        assert private_kib(one.pid) <= 8192 + 16 * 1024
        recv_exact(stuck, 8 * MIB)  # and it can go on


def test_stuck_receiver_there(server, client, service, ports):
    """Nobody reads at the server's end: what we hold is bounded, the others go on."""
    a, b = ports(2)
    stuck_service = service(None)
    one = client(server, "-L", f"127.0.0.1:{a}:127.0.0.1:{stuck_service.port}",
                 "-L", f"127.0.0.1:{b}:127.0.0.1:{service(duplex).port}").stands(a, b)
    sent = []

    def push(sock):
        with contextlib.suppress(OSError):
            while True:
                sent.append(sock.send(noise(MIB)))

    with connect(("127.0.0.1", a), None) as sock:
        threading.Thread(target=push, args=(sock,), daemon=True).start()
        exchange(("127.0.0.1", b), 4 * MIB, 4 * MIB)
        before = -1
        while sum(sent) != before:  # until nothing moves between two exchanges
            before = sum(sent)
            exchange(("127.0.0.1", b), MIB, MIB)
        assert sum(sent) < 64 * MIB
        assert private_kib(one.pid) <= 8192 + 8 * 1024


def test_many_stuck_receivers(openssh, client, service, ports):
    """Sixty-four connections that nobody reads: memory is bounded by the window bank."""
    def pour(sock):
        while True:
            sock.sendall(noise(MIB))

    a, b = ports(2)
    one = client(openssh, "-L", f"127.0.0.1:{a}:127.0.0.1:{service(pour).port}",
                 "-L", f"127.0.0.1:{b}:127.0.0.1:{service(duplex).port}").stands(a, b)
    with contextlib.ExitStack() as stack:
        for _ in range(64):
            recv_exact(stack.enter_context(connect(("127.0.0.1", a))), 65536)
        exchange(("127.0.0.1", b), 4 * MIB, 4 * MIB)
        assert private_kib(one.pid) <= (128 + 16) * 1024
        assert one.alive()
    until(lambda: private_kib(one.pid) <= 12 * 1024, 10, f"memory to go back: {private_kib(one.pid)} KiB")


def open_many(stack, port, number, word=b"*"):
    """So many connections through the forward, each proved alive by an echo."""
    socks = [stack.enter_context(connect(("127.0.0.1", port), 60)) for _ in range(number)]
    for sock in socks:
        sock.sendall(word)
    for sock in socks:
        assert recv_exact(sock, len(word)) == word
    return socks


@pytest.mark.parametrize("kind", ["openssh", "asyncssh"])
def test_a_thousand_channels(lab, client, service, ports, kind):
    a, b = ports(2)
    one = client(lab.shared(kind), "-L", f"127.0.0.1:{a}:127.0.0.1:{service(slim_echo()).port}",
                 "-L", f"127.0.0.1:{b}:127.0.0.1:{service(duplex).port}").stands(a, b)
    with contextlib.ExitStack() as stack:
        socks = open_many(stack, a, 1000)
        exchange(("127.0.0.1", b), 4 * MIB, 4 * MIB)
        for sock in socks[::10]:
            sock.sendall(b"again")
        for sock in socks[::10]:
            assert recv_exact(sock, 5) == b"again"
    ping_again(one, b)


def ping_again(one, port):
    assert one.alive(), str(one)
    exchange(("127.0.0.1", port), 1000, 1000)


def slim_echo():
    """An echo for thousands of connections: one thread and epoll instead of a thread for each."""
    import select
    poller = select.epoll()
    socks = {}

    def run():
        while True:
            for number, _ in poller.poll():
                sock = socks[number]
                try:
                    piece = sock.recv(65536)
                except OSError:
                    piece = b""
                if piece:
                    sock.sendall(piece)
                elif socks.pop(number, None):  # closing takes it out of the poller, too
                    sock.close()

    threading.Thread(target=run, daemon=True).start()

    def take(sock):
        socks[sock.fileno()] = sock
        poller.register(sock.fileno(), select.EPOLLIN)
    return take


def transfer_cost(one, port):
    """CPU seconds of the client for a transfer."""
    before = cpu_seconds(one.pid)
    exchange(("127.0.0.1", port), 4 * MIB, 4 * MIB)
    return cpu_seconds(one.pid) - before


def test_ten_thousand_channels(start_server, client, service, ports, descriptors):
    """Ten thousand on one connection; those that are idle cost a transfer nothing, and sleep costs nothing."""
    number = min(10000 - 10, (descriptors - 500) // 2)
    server = start_server()
    a, b = ports(2)
    one = client(server, "-c", "aes128-gcm@openssh.com", "-L", f"127.0.0.1:{a}:127.0.0.1:{service(slim_echo()).port}",
                 "-L", f"127.0.0.1:{b}:127.0.0.1:{service(duplex).port}").stands(a, b)
    alone = transfer_cost(one, b)
    with contextlib.ExitStack() as stack:
        for _ in range(number // 500):
            open_many(stack, a, 500)
        crowded = transfer_cost(one, b)
        # the server, which does look at each channel in each turn, hands the bytes over in smaller pieces now
        assert crowded < 3 * alone + 0.1, f"{crowded:.2f} s of CPU with {number} idle channels, {alone:.2f} s without"
        before, begin = cpu_seconds(one.pid), time.monotonic()
        until(lambda: time.monotonic() - begin > 1)
        assert cpu_seconds(one.pid) - before < 0.1
    assert one.alive()


def test_churn(openssh, client, service, port):
    """Hundreds of short connections from several sides leave nothing behind."""
    one = forward(client, openssh, service(echo).port, port)
    ping(("127.0.0.1", port))
    trouble = []

    def call():
        try:
            for _ in range(60):
                ping(("127.0.0.1", port))
        except BaseException as problem:  # shown by the test
            trouble.append(problem)

    callers = [threading.Thread(target=call) for _ in range(5)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    assert not trouble
    assert private_kib(one.pid) <= 8192


def test_out_of_descriptors(openssh, client, service, port):
    """More connections than descriptors: those that fit work, the program lives, and it works again afterwards."""
    one = forward(client, openssh, service(slim_echo()).port, port, prefix=["prlimit", "--nofile=64:64"])
    with contextlib.ExitStack() as stack:
        socks = [stack.enter_context(connect(("127.0.0.1", port))) for _ in range(150)]
        socks[0].sendall(b"still here")
        assert recv_exact(socks[0], 10) == b"still here"
        before, begin = cpu_seconds(one.pid), time.monotonic()
        until(lambda: time.monotonic() - begin > 0.5)
        assert cpu_seconds(one.pid) - before < 0.25, "accept() spins"
        assert one.alive()
    ping(("127.0.0.1", port))
