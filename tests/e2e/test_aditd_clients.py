"""aditd with the clients that people have: OpenSSH, Dropbear, PuTTY, Paramiko, AsyncSSH, and adit itself."""
import shutil
import signal
import socket

import pytest

from lab import clients, keys as keytool
from lab.net import call, connect, listeners, unix_listener
from lab.probe import Probe, do
from lab.proc import until
from lab.services import MIB, duplex, echo, exchange, last_words, ping, recv_all, resetter

# What each moves both ways: the Python ones are no faster than that.
LOADS = {"ssh": 32 * MIB, "adit": 32 * MIB, "plink": 24 * MIB, "dbclient": 24 * MIB, "paramiko": 4 * MIB,
         "asyncssh": 12 * MIB}
SSH = shutil.which("ssh")


@pytest.fixture(params=clients.KINDS)
def kind(request):
    missing = clients.lacks(request.param)
    if missing:
        pytest.skip(f"{missing} is not installed")
    return request.param


@pytest.fixture
def peer(lab, run, home, work):
    """peer(kind, server, (side, port, host, port), ...): that client, with its forwards standing."""
    def start(kind, server, *forwards, **settings):
        one = run(*clients.line(kind, clients.Spot(server, lab.key, home, work), forwards, **settings))
        return one.stands(*[forward[1] for forward in forwards])
    return start


@pytest.mark.parametrize("side", ["-L", "-R"])
def test_forward(aditd, kind, peer, service, port, side):
    peer(kind, aditd, (side, port, "127.0.0.1", service().port))
    for _ in range(3):
        ping(("127.0.0.1", port))


@pytest.mark.parametrize("side", ["-L", "-R"])
def test_bulk(aditd, kind, peer, service, port, side):
    """Megabytes both ways at once, hashed at both ends."""
    size = LOADS[kind]
    peer(kind, aditd, (side, port, "127.0.0.1", service(duplex).port))
    exchange(("127.0.0.1", port), size, size)


@pytest.mark.parametrize("side", ["-L", "-R"])
def test_half_close(aditd, kind, peer, service, port, side):
    """The answer comes after the client has said its last word."""
    peer(kind, aditd, (side, port, "127.0.0.1", service(last_words).port))
    with connect(("127.0.0.1", port)) as sock:
        sock.sendall(b"x" * 100000)
        sock.shutdown(1)
        assert recv_all(sock) == b"100000 bytes, goodbye\n"


def test_several_at_once(aditd, kind, peer, service, ports):
    left, right, other = ports(3)
    goal = service().port
    peer(kind, aditd, ("-L", left, "127.0.0.1", goal), ("-R", right, "127.0.0.1", goal),
         ("-L", other, "localhost", goal))
    socks = [connect(("127.0.0.1", place)) for place in (left, right, other) * 5]
    for number, sock in enumerate(socks):
        sock.sendall(b"%d" % number)
    for number, sock in enumerate(socks):
        sock.shutdown(1)
        assert recv_all(sock) == b"%d" % number
        sock.close()


def test_refused_target(aditd, kind, peer, service, refuser, ports):
    """A target that refuses ends its own connection and nothing else."""
    wrong, right = ports(2)
    peer(kind, aditd, ("-L", wrong, "127.0.0.1", refuser.port), ("-L", right, "127.0.0.1", service().port))
    assert call(("127.0.0.1", wrong))[0] == b""
    ping(("127.0.0.1", right))


@pytest.mark.parametrize("side", ["-L", "-R"])
def test_client_renews_keys(aditd, kind, peer, service, port, side):
    """At the client's wish, many times under way."""
    if kind == "dbclient":
        pytest.skip("Dropbear has no flag for it")
    peer(kind, aditd, (side, port, "127.0.0.1", service(duplex).port), rekey=MIB)
    exchange(("127.0.0.1", port), 4 * MIB, 4 * MIB)


@pytest.fixture(scope="module")
def restless(lab):
    server = lab.start("aditd", config=["RekeyLimit 1M"])
    yield server
    server.stop()


@pytest.mark.parametrize("side", ["-L", "-R"])
def test_server_renews_keys(restless, kind, peer, service, port, side):
    peer(kind, restless, (side, port, "127.0.0.1", service(duplex).port))
    exchange(("127.0.0.1", port), 4 * MIB, 4 * MIB)


def test_keepalive(aditd, kind, peer, service, port):
    """The client asks every second and is content with the answers."""
    one = peer(kind, aditd, ("-L", port, "127.0.0.1", service().port), alive=1)
    with pytest.raises(AssertionError, match="still runs"):
        one.ended(2.5)
    ping(("127.0.0.1", port))


def test_listener_goes_with_the_client(aditd, kind, peer, port):
    one = peer(kind, aditd, ("-R", port, "127.0.0.1", 1))
    one.stop(signal.SIGKILL)
    until(lambda: not listeners(port), what="the end of the listener")


def test_target_resets(aditd, ssh, service, port):
    ssh(aditd, "-L", f"{port}:127.0.0.1:{service(resetter).port}").stands(port)
    with connect(("127.0.0.1", port)) as sock:
        sock.sendall(b"x")
        try:
            assert recv_all(sock) == b""
        except ConnectionResetError:
            pass


@pytest.mark.parametrize("place", ["127.0.0.1", "127.0.0.2", "127.9.9.9", "::1"])
def test_addresses(aditd, ssh, service, port, place):
    where = f"[{place}]" if ":" in place else place
    goal = service(echo, place).port
    ssh(aditd, "-L", f"127.0.0.1:{port}:{where}:{goal}").stands(port)
    ping(("127.0.0.1", port))


@pytest.mark.parametrize("family", ["127.0.0.1", "::1"])
def test_localhost_is_the_server(aditd, ssh, service, port, family):
    """All of its addresses are tried, whichever it is that listens."""
    if family not in {entry[4][0] for entry in socket.getaddrinfo("localhost", 0)}:
        pytest.skip(f"localhost is not {family} here")
    ssh(aditd, "-L", f"{port}:localhost:{service(echo, family).port}").stands(port)
    ping(("127.0.0.1", port))


def test_third_host_by_name(lab, start_server, ssh, service, port):
    """The server resolves it, not the client."""
    server = start_server("aditd", env={"LD_PRELOAD": str(lab.shim("names")), "TEST_NAME": "mail.example.com",
                                        "TEST_ADDRESS": "127.0.0.2"})
    ssh(server, "-L", f"{port}:mail.example.com:{service(echo, '127.0.0.2').port}").stands(port)
    ping(("127.0.0.1", port))


def test_unknown_name(aditd, ssh, port):
    one = ssh(aditd, "-L", f"{port}:no-such-host.invalid:7").stands(port)
    call(("127.0.0.1", port))
    one.told("open failed: (connect failed|unknown|administratively)")


@pytest.mark.parametrize("side", ["-L", "-R"])
@pytest.mark.parametrize("listen, target", [("unix", "tcp"), ("tcp", "unix"), ("unix", "unix")])
def test_unix_sockets(aditd, ssh, service, work, port, side, listen, target):
    one = service(duplex, work / "target" if target == "unix" else "127.0.0.1")
    place = work / "listener" if listen == "unix" else port
    goal = one.address if target == "unix" else f"127.0.0.1:{one.port}"
    ssh(aditd, side, f"{place}:{goal}").stands(place)
    exchange(place if listen == "unix" else ("127.0.0.1", port), 4 * MIB, 4 * MIB)


def test_unix_listener_goes(aditd, ssh, work):
    """Its file too: the next client finds the place free."""
    for _ in range(2):
        one = ssh(aditd, "-R", f"{work}/sock:127.0.0.1:1").stands(work / "sock")
        one.stop()
        until(lambda: not unix_listener(work / "sock") and not (work / "sock").exists())


def test_port_that_the_server_chooses(aditd, ssh, service):
    one = ssh(aditd, "-R", f"0:127.0.0.1:{service().port}")
    chosen = int(one.told(r"Allocated port (\d+) for remote forward").group(1))
    ping(("127.0.0.1", chosen))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_dynamic(aditd, ssh, service, port, host):
    """ssh -D: SOCKS at the client, names and addresses for the server to reach."""
    goal = service().port
    ssh(aditd, "-D", f"127.0.0.1:{port}").stands(port)
    with connect(("127.0.0.1", port)) as sock:
        sock.sendall(b"\x05\x01\x00")
        assert sock.recv(2) == b"\x05\x00"
        sock.sendall(b"\x05\x01\x00\x03" + bytes([len(host)]) + host.encode() + goal.to_bytes(2, "big"))
        assert sock.recv(10)[1] == 0
        sock.sendall(b"by any name")
        assert sock.recv(100) == b"by any name"


def test_unix_sockets_by_asyncssh(lab, aditd, service, work):
    """Both ways, many bytes."""
    goal = service(echo, work / "target")
    probe = Probe(aditd, lab.key)
    reader, writer = probe.open_unix(goal.address)
    probe.write(writer, b"x" * MIB, last=True)
    assert len(do(reader.read())) == MIB
    assert probe.listen_unix(work / "listener", goal.address)
    until(lambda: unix_listener(work / "listener"))
    ping(work / "listener")
    probe.close()


def test_cancel(lab, aditd, port):
    """A listener ends when it is cancelled, and can be asked for again."""
    probe = Probe(aditd, lab.key)
    for _ in range(2):
        assert probe.listen("127.0.0.1", port) == port
        assert listeners(port) == {"127.0.0.1"}
        probe.shut(probe.listeners.pop())
        until(lambda: not listeners(port))
    probe.close()


# What asks for a session, and where its client says why there is none.
SESSIONS = [
    ("command", [SSH, "-T"], ["true"]),
    ("shell", [SSH, "-T"], []),
    ("subsystem", [SSH, "-T", "-s"], ["sftp"]),
]


@pytest.mark.parametrize("flags, tail", [s[1:] for s in SESSIONS], ids=[s[0] for s in SESSIONS])
def test_session_is_refused(lab, aditd, run, work, flags, tail):
    known_hosts = work / "known_hosts"
    known_hosts.write_text(aditd.known_hosts(), encoding="ascii")
    one = run(*flags, "-F", "none", "-p", aditd.port, "-o", f"UserKnownHostsFile={known_hosts}", "-i", lab.key, "-o",
              "IdentitiesOnly=yes", f"{aditd.user}@{aditd.host}", *tail)
    assert one.ended() != 0
    assert "this server only forwards ports: use -N" in one.said


def test_session_record(lab, start_server):
    server = start_server("aditd")
    probe = Probe(server, lab.key)
    assert probe.session() == "this server only forwards ports: use -N"
    assert probe.stands()
    probe.close()
    record = server.record("session-refused")
    assert record["peer_says"] == "session" and record["user"] == server.user


def test_all_host_keys_are_learnt(lab, aditd, run, work):
    """hostkeys-00@openssh.com and -prove: who knows one key learns the others."""
    known_hosts = work / "known_hosts"
    known_hosts.write_text(aditd.known_hosts("ed25519"), encoding="ascii")
    one = run(SSH, "-N", "-F", "none", "-p", aditd.port, "-o", f"UserKnownHostsFile={known_hosts}", "-o",
              "GlobalKnownHostsFile=/dev/null", "-o", "UpdateHostKeys=yes", "-i", lab.key, "-o", "IdentitiesOnly=yes",
              "-o", "HashKnownHosts=no", f"{aditd.user}@{aditd.host}")
    wanted = {keytool.public(key) for key in aditd.host_keys.values()}
    until(lambda: {" ".join(text.split()[1:3]) for text in known_hosts.read_text(encoding="ascii").splitlines()}
          >= wanted, what=str(one))


@pytest.mark.parametrize("kind", keytool.TYPES)
def test_every_host_key_serves(aditd, ssh, port, kind):
    """Each proves itself by a signature of its own."""
    algorithm = keytool.public(aditd.host_keys[kind]).split()[0].replace("ssh-rsa", "rsa-sha2-512")
    ssh(aditd, "-R", f"{port}:127.0.0.1:1", known_hosts=aditd.known_hosts(kind),
        options=[f"HostKeyAlgorithms={algorithm}"]).stands(port)
