"""Clients that take more than their share, one after the other: what they make aditd keep is bounded, and whoever else
comes is served meanwhile."""
import contextlib
import os
import socket
import struct
import subprocess
import threading
import time

import paramiko
import pytest

from lab.net import connect, free_port
from lab.probe import Probe, asyncssh, do
from lab.probe import start as begin
from lab.proc import cpu_seconds, descendants, private_kib, until
from lab.rude import Rude, adjust, ask, open_to
from lab.servers import server_identity
from lab.services import MIB, Service, echo, echoed, recv_exact

BANK = 8 * MIB        # what one connection may make the server keep (WindowBank)
MARGIN = 8 * MIB      # for packets on their way, replies that wait, and what the allocator keeps
SERVED_SECONDS = 5    # until a login with a forwarded connection is through, whatever the others do
BUSY = 0.2            # the share of a processor that the main process may use when it can do nothing
RESOURCE_SHORTAGE = 4  # RFC 4254 section 5.1
CONFIG = ["Workers 1", f"WindowBank {BANK} {4 * BANK}", "MaxOpensPending 64", "MaxChannels 1000", "LogLevel INFO"]


pytestmark = pytest.mark.usefixtures("descriptors")


@pytest.fixture
def server(start_server):
    return start_server("aditd", config=CONFIG)


@pytest.fixture
def rude(lab, cleanup):
    def start(server):
        one = Rude(server, lab.key)
        cleanup.callback(one.close)
        return one
    return start


@pytest.fixture
def goal(service):
    return service(echo).port


def worker(server):
    """The pid of the only one."""
    def name(pid):
        with open(f"/proc/{pid}/comm", encoding="ascii") as text:
            return text.read().strip()

    found, = [pid for pid in descendants(server.pid) if "worker" in name(pid)]
    return found


def neighbour(lab, server, goal):
    """Somebody else logs in and moves bytes."""
    begin = time.monotonic()
    one = Probe(server, lab.key)
    reader, writer = one.open("127.0.0.1", goal)
    one.write(writer, b"a word")
    assert do(reader.readexactly(6)) == b"a word"
    one.close()
    took = time.monotonic() - begin
    assert took < SERVED_SECONDS, f"it took {took:.1f} s"


class Watched:
    """The memory of the worker: what it has more than at the beginning."""

    def __init__(self, server):
        self.server, self.pid = server, worker(server)
        self.before = private_kib(self.pid)

    def bounded(self, limit=BANK + MARGIN):
        assert worker(self.server) == self.pid, "the worker was replaced"
        more = (private_kib(self.pid) - self.before) * 1024
        assert more <= limit, f"{more / MIB:.1f} MiB more than before, {limit / MIB:.1f} are allowed"


def deaf():
    """A service that accepts and never reads; little fits into its sockets."""
    one = Service(None)
    one.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return one


def pour(channel):
    """Sends until nothing moves any more; returns how much."""
    channel.settimeout(0.3)
    total = 0
    with contextlib.suppress(socket.timeout):
        while total < 64 * MIB:
            total += channel.send(bytes(65536))
    return total


def test_stuck_readers(lab, server, rude, goal, cleanup):
    """Sixteen channels whose targets do not read."""
    stuck = deaf()
    cleanup.callback(stuck.close)
    seen, one = Watched(server), rude(server)
    channels = [one.channel(stuck.port) for _ in range(16)]
    assert all(pour(channel) < 64 * MIB for channel in channels)
    seen.bounded()
    neighbour(lab, server, goal)
    ours = one.channel(goal)  # the same connection is not blocked either
    ours.sendall(b"still here")
    assert ours.recv(10) == b"still here"
    seen.bounded()


# ---- many connections of one user: names beside that of the server's user are virtual ones

def weary(sock):
    """Reads until the windows of its channel have grown, then no more."""
    recv_exact(sock, 4 * MIB)


@pytest.fixture
def tunnel(client):
    """tunnel(server, user, port): a connection of adit with a -L to that port of this machine; gives the local address."""
    def start(server, user, port):
        local = free_port()
        client(server, "-L", f"{local}:127.0.0.1:{port}", user=user).stands(local)
        return "127.0.0.1", local
    return start


def pour_all(addresses, each, cleanup):
    """pour() over so many streams to each address at once; returns the threads."""
    socks = [connect(address) for address in addresses * each]
    threads = [threading.Thread(target=pour, args=(sock,), daemon=True) for sock in socks]
    for sock, thread in zip(socks, threads):
        cleanup.callback(sock.close)
        thread.start()
    return threads


def test_share_of_one_user(start_server, service, tunnel, goal, cleanup):
    """Three connections whose targets stop to read are one user's: they hold a quarter, and bulk of others flows."""
    server = start_server("aditd", config=["Workers 1", f"WindowBank {32 * MIB} {64 * MIB}", "MaxChannels 1000"])
    stuck, seen = service(weary).port, Watched(server)
    threads = pour_all([tunnel(server, "digger", stuck) for _ in range(3)], 7, cleanup)
    with contextlib.closing(connect(tunnel(server, "sapper", goal))) as other:
        while any(thread.is_alive() for thread in threads):
            echoed(other, 4 * MIB)
            seen.bounded(16 * MIB + MARGIN)
        echoed(other, 32 * MIB)
    seen.bounded(16 * MIB + MARGIN)


def test_channels_of_one_user(lab, start_server, probe, goal, cleanup):
    """Two connections take turns until the user has no window left for another channel; others have."""
    server = start_server("aditd", config=["Workers 1", f"WindowBank {8 * MIB} {8 * MIB}", "MaxChannels 100"])
    two = [Rude(server, lab.key, user="digger") for _ in range(2)]
    for one in two:
        cleanup.callback(one.close)
    given = []
    with pytest.raises(paramiko.ChannelException) as refused:
        while len(given) < 100:
            given.append(two[len(given) % 2].channel(goal))
    assert refused.value.code == RESOURCE_SHORTAGE
    assert len(given) >= 32  # of 64 KiB at most, in 2 MiB
    record = server.record("forward-refused")
    assert record["rule"] == "WindowBank: this user has their share of it" and record["user"] == "digger"
    assert record["requested"] == "127.0.0.1"
    assert probe(server, user="sapper").reaches("127.0.0.1", goal) == "yes"
    given[-1].sendall(b"a word")
    assert given[-1].recv(6) == b"a word"
    given.pop().close()
    mine = probe(server, user="digger")
    until(lambda: mine.reaches("127.0.0.1", goal) == "yes")


def test_channels_of_one_connection(start_server, probe, goal):
    """The record names the limit."""
    server = start_server("aditd", config=["MaxChannels 2"])
    one = probe(server)
    kept = [one.open("127.0.0.1", goal) for _ in range(2)]
    assert one.reaches("127.0.0.1", goal) == f"code {RESOURCE_SHORTAGE}"
    assert server.record("forward-refused")["rule"] == "MaxChannels: 2 channels are open already"
    one.shut(kept.pop()[1])


def connects_to(port):
    found = subprocess.run(["ss", "-Htn", "state", "syn-sent", f"dport = :{port}"], capture_output=True, text=True,
                           check=True).stdout
    return len(found.splitlines())


def test_connects_of_one_user(lab, start_server, probe, goal, cleanup):
    """Two connections together get 1024 connects under way. What comes behind them waits; others do not."""
    server = start_server("aditd", config=["Workers 1", "MaxOpensPending 900"])
    hole = socket.create_server(("127.0.0.1", 0), backlog=0)
    port = hole.getsockname()[1]
    held = []
    with contextlib.suppress(TimeoutError):
        while len(held) < 20:
            held.append(connect(("127.0.0.1", port), 0.3))
    theirs = connects_to(port)
    waiting, other = probe(server, user="digger"), probe(server, user="sapper")
    for _ in range(2):
        one = Rude(server, lab.key, user="digger")
        cleanup.callback(one.close)
        one.flood(open_to(port), 600).join()
    until(lambda: connects_to(port) - theirs >= 1024)
    late = begin(waiting.connection.open_connection("127.0.0.1", goal))
    assert other.reaches("127.0.0.1", goal) == "yes"
    with pytest.raises(TimeoutError):
        late.result(0.5)
    assert connects_to(port) - theirs == 1024
    for sock in [hole, *held]:
        sock.close()
    late.result(SERVED_SECONDS + 15)


def test_slow_writers(lab, server, goal, cleanup):
    """Packets that begin and never end, on many connections before their login."""
    seen = Watched(server)
    for _ in range(200):
        sock = connect((server.host, server.port))
        cleanup.callback(sock.close)
        sock.sendall(b"SSH-2.0-slow\r\n" + struct.pack("!IB", 30000, 4) + bytes(20000))
    neighbour(lab, server, goal)
    seen.bounded()


def test_half_open(lab, server, goal, cleanup):
    """Connections that say nothing at all."""
    seen = Watched(server)
    for _ in range(500):
        cleanup.callback(connect((server.host, server.port)).close)
    neighbour(lab, server, goal)
    seen.bounded()


FLOODS = [
    ("opens", lambda one, ports: open_to(ports["deaf"])),
    ("refused-opens", lambda one, ports: open_to(ports["refuser"])),
    ("global-requests", lambda one, ports: ask("nonsense@example.com")),
    ("keepalives", lambda one, ports: ask("keepalive@openssh.com")),
    ("window-adjusts", lambda one, ports: adjust(one.channel(ports["goal"]).remote_chanid, 1)),
]


@pytest.mark.parametrize("flood", [make for _, make in FLOODS], ids=[name for name, _ in FLOODS])
def test_floods(lab, server, rude, goal, refuser, cleanup, flood):
    """The same message, ten thousand times."""
    stuck = deaf()
    cleanup.callback(stuck.close)
    one = rude(server)
    what = flood(one, {"goal": goal, "deaf": stuck.port, "refuser": refuser.port})
    seen = Watched(server)
    thread = one.flood(what, 10000)
    until(lambda: one.sent > 100 or not thread.is_alive())
    while thread.is_alive():
        neighbour(lab, server, goal)
        seen.bounded()
        thread.join(0.2)
    seen.bounded()
    neighbour(lab, server, goal)


def test_replies_that_nobody_reads(lab, server, goal, cleanup):
    """Requests without end from a client that is stopped from reading: the server stops to read, too."""
    one = Rude(server, lab.key)
    cleanup.callback(one.close)
    seen = Watched(server)
    one.transport.packetizer.read_message = lambda: time.sleep(3600)
    thread = one.flood(ask("nonsense@example.com"), 1000000)
    sent = -1
    while sent != one.sent:  # until nothing moves
        sent = one.sent
        thread.join(1)
        seen.bounded()
    assert thread.is_alive() and one.sent < 1000000
    neighbour(lab, server, goal)
    seen.bounded()


# ---- descriptors

def soft_limit(pid, number):
    """Its owner may set it; root, where it is not all of root, may not."""
    subprocess.run(["prlimit", "--pid", str(pid), f"--nofile={number}:"], check=True,
                   **server_identity())


@contextlib.contextmanager
def no_descriptors(pid, left=0):
    """So many more, and the process has reached its limit."""
    numbers = set(map(int, os.listdir(f"/proc/{pid}/fd")))
    lowest = next(n for n in range(len(numbers) + 1) if n not in numbers)
    with open(f"/proc/{pid}/limits", encoding="ascii") as text:
        before = next(line.split()[3] for line in text if line.startswith("Max open files"))
    soft_limit(pid, lowest + left)
    yield
    soft_limit(pid, before)


def may_look(pid):
    try:
        return bool(os.listdir(f"/proc/{pid}/fd"))
    except PermissionError:
        return False


def test_no_descriptors_at_the_door(lab, server, goal, cleanup):
    """accept() that cannot: it waits without spinning, and nobody who waits meanwhile is lost."""
    if not may_look(server.pid):
        pytest.skip("only root may look into another's descriptors")
    with no_descriptors(server.pid):
        waiting = [connect((server.host, server.port)) for _ in range(20)]
        for sock in waiting:
            cleanup.callback(sock.close)
        until(lambda: "no descriptors left: accepting nothing" in server.log())
        before, begin = cpu_seconds(server.pid), time.monotonic()
        with pytest.raises(TimeoutError):
            waiting[0].settimeout(2)
            waiting[0].recv(1)
        assert (cpu_seconds(server.pid) - before) / (time.monotonic() - begin) < BUSY
        assert "accepting again" not in server.log()
    for sock in waiting:
        sock.settimeout(SERVED_SECONDS)
        assert sock.recv(4) == b"SSH-"
    assert server.log().count("no descriptors left") == server.log().count("accepting again") == 1
    neighbour(lab, server, goal)


@pytest.mark.parametrize("left", [0, 1])
def test_no_descriptors_in_a_worker(lab, server, goal, cleanup, left):
    """A worker that can take no connection, or open no target: those that it has go on."""
    pid = worker(server)
    if not may_look(pid):
        pytest.skip("only root may look into another's descriptors")
    one = Rude(server, lab.key)
    cleanup.callback(one.close)
    ours = one.channel(goal)
    with no_descriptors(pid, left):
        others = [connect((server.host, server.port)) for _ in range(5)]
        for sock in others:
            cleanup.callback(sock.close)
        for i in range(3):
            with pytest.raises(Exception):
                one.channel(goal)
            ours.sendall(b"word %d" % i)
            assert ours.recv(6) == b"word %d" % i
        before, begin = cpu_seconds(pid), time.monotonic()
        time.sleep(1)
        assert (cpu_seconds(pid) - before) / (time.monotonic() - begin) < BUSY
    assert worker(server) == pid
    neighbour(lab, server, goal)


# ---- a small limit of descriptors

FEW = 200      # for each process
RESERVE = 64   # GATE_RESERVE in fwd/gate.h


@pytest.fixture
def few(start_server):
    return start_server("aditd", config=[*CONFIG, "MaxListeners 5"],
                        prefix=["prlimit", f"--nofile={FEW}:{FEW}"])


def channels_until_refused(one, port):
    """As many as the server gives: they, and what it said to the one that was too many."""
    given = []
    with pytest.raises(paramiko.ChannelException) as refused:
        while len(given) < FEW:
            given.append(one.channel(port))
    return given, refused.value


def test_reserve_of_descriptors(lab, few, rude, goal):
    """Channels leave the reserve alone: those that stand go on, others may log in, and who ends one may open one."""
    one = rude(few)
    given, refused = channels_until_refused(one, goal)
    assert refused.code == RESOURCE_SHORTAGE
    assert FEW - RESERVE - 40 < len(given) < FEW - RESERVE
    other = Probe(few, lab.key)
    with pytest.raises(asyncssh.ChannelOpenError) as error:
        other.open("127.0.0.1", goal)
    assert error.value.code == RESOURCE_SHORTAGE
    assert other.listen("127.0.0.1", 0) is None
    assert few.record("listener-refused")["words"] == "no descriptors left"
    given[0].sendall(b"a word")
    assert given[0].recv(6) == b"a word"
    given.pop().close()
    until(lambda: other.reaches("127.0.0.1", goal) == "yes")
    other.close()


def test_reserve_and_listeners(lab, few, rude, goal):
    """Who connects to a listener while there is only the reserve waits; both are said once."""
    other = Probe(few, lab.key)
    waiting = Service(echo)
    port = other.listen("127.0.0.1", 0, waiting.address)
    given, _ = channels_until_refused(rude(few), goal)
    with contextlib.closing(connect(("127.0.0.1", port))) as sock:
        few.child.told("no descriptors or memory left, accepting nothing until there are")
        sock.sendall(b"a word")
        sock.settimeout(2.5)  # it is tried again meanwhile
        with pytest.raises(TimeoutError):
            sock.recv(6)
        for channel in given:
            channel.close()
        sock.settimeout(SERVED_SECONDS)
        assert sock.recv(6) == b"a word"
    few.child.told("accepting again")
    assert few.log().count("no descriptors or memory left") == few.log().count("accepting again") == 1
    other.close()
    waiting.close()


def test_limit_that_does_not_carry(few):
    """Said at the start and at each reload, with what to do; not where it is enough."""
    want = 1000 + 2 * 5 + RESERVE + 1
    said = (f"the limit of {FEW} open files is less than the {want} of one connection with MaxChannels 1000 and "
            "MaxListeners 5")
    assert few.log().count(said) == 1 and "LimitNOFILE=" in few.log()
    few.reload([*CONFIG, "MaxListeners 5"])
    assert few.log().count(said) == 2
    few.reload(["MaxChannels 50", *CONFIG, "MaxListeners 5"])
    assert few.log().count("open files is less") == 2
