"""Every form of -L and -R, against the servers that know it."""
import ipaddress
import os
import re
import stat

import pytest

from lab.client import ADIT
from lab.net import call, connect, free_port, listeners
from lab.proc import until
from lab.services import echo, exchange, ping

WILD = {"0.0.0.0", "::"}
LOOP = {"127.0.0.1", "::1"}


def reachable(bound):
    """The loopback addresses behind which these listeners can be found."""
    return {{"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address) for address in bound}


def test_local(server, client, service, port):
    echo_port = service().port
    client(server, "-L", f"{port}:127.0.0.1:{echo_port}").stands(port)
    ping(("127.0.0.1", port))


def test_remote(server, client, service, port):
    echo_port = service().port
    client(server, "-R", f"{port}:127.0.0.1:{echo_port}").stands(port)
    ping(("127.0.0.1", port))


# What is bound for each way to write the bind address of -L.
LOCAL_BINDS = [
    ("none", "{port}:", (), LOOP),
    ("localhost", "localhost:{port}:", (), LOOP),
    ("v4", "127.0.0.1:{port}:", (), {"127.0.0.1"}),
    ("another v4", "127.0.0.2:{port}:", (), {"127.0.0.2"}),
    ("v6", "[::1]:{port}:", (), {"::1"}),
    ("star", "*:{port}:", (), WILD),
    ("empty", ":{port}:", (), WILD),
    ("0.0.0.0", "0.0.0.0:{port}:", (), {"0.0.0.0"}),
    ("all of v6", "[::]:{port}:", (), {"::"}),
    ("-g", "{port}:", ("-g",), WILD),
    ("GatewayPorts", "{port}:", ("-oGatewayPorts=yes",), WILD),
    ("-g and an address", "127.0.0.1:{port}:", ("-g",), {"127.0.0.1"}),
    ("-4", "{port}:", ("-4",), {"127.0.0.1"}),
]


@pytest.mark.parametrize("form, flags, bound", [b[1:] for b in LOCAL_BINDS], ids=[b[0] for b in LOCAL_BINDS])
def test_local_bind(openssh, client, service, port, form, flags, bound):
    client(openssh, *flags, "-L", form.format(port=port) + f"127.0.0.1:{service().port}").stands(port)
    until(lambda: listeners(port) == bound, 5, f"listeners on {bound}, there are {listeners(port)}")
    for address in reachable(bound):
        ping((address, port))


# The same for -R; the server (GatewayPorts clientspecified) is the judge.
REMOTE_BINDS = [
    ("none", "{port}:", LOOP),
    ("localhost", "localhost:{port}:", LOOP),
    ("v4", "127.0.0.1:{port}:", {"127.0.0.1"}),
    ("another v4", "127.0.0.3:{port}:", {"127.0.0.3"}),
    ("v6", "[::1]:{port}:", {"::1"}),
    ("star", "*:{port}:", WILD),
    ("empty", ":{port}:", WILD),
    ("0.0.0.0", "0.0.0.0:{port}:", {"0.0.0.0"}),
]


@pytest.mark.parametrize("form, bound", [b[1:] for b in REMOTE_BINDS], ids=[b[0] for b in REMOTE_BINDS])
def test_remote_bind(openssh, client, service, port, form, bound):
    client(openssh, "-R", form.format(port=port) + f"127.0.0.1:{service().port}").stands(port)
    until(lambda: listeners(port) == bound, 5, f"listeners on {bound}, there are {listeners(port)}")
    for address in reachable(bound):
        ping((address, port))


@pytest.mark.parametrize("kind", ["aditd", "openssh", "asyncssh"])
@pytest.mark.parametrize("side", ["-L", "-R"])
@pytest.mark.parametrize("listen, target", [("unix", "tcp"), ("tcp", "unix"), ("unix", "unix")])
def test_unix_sockets(lab, client, service, work, port, kind, side, listen, target):
    one = service(echo, work / "target" if target == "unix" else "127.0.0.1")
    place = work / "listener" if listen == "unix" else port
    goal = one.address if target == "unix" else f"127.0.0.1:{one.port}"
    client(lab.shared(kind), side, f"{place}:{goal}").stands(place)
    exchange_address = place if listen == "unix" else ("127.0.0.1", port)
    ping(exchange_address)


def test_unix_mask(openssh, client, service, work):
    goal = f"127.0.0.1:{service().port}"
    client(openssh, "-L", f"{work}/tight:{goal}").stands(work / "tight")
    client(openssh, "-L", f"{work}/wide:{goal}", options=["StreamLocalBindMask=0111"]).stands(work / "wide")
    assert stat.S_IMODE(os.stat(work / "tight").st_mode) == 0o600
    assert stat.S_IMODE(os.stat(work / "wide").st_mode) == 0o666


def test_unix_unlink(openssh, client, service, work):
    """A socket that was left behind is in the way, unless StreamLocalBindUnlink removes it."""
    goal = f"127.0.0.1:{service().port}"
    old = service(echo, work / "sock")
    old.listener.close()
    client(openssh, "-L", f"{work}/sock:{goal}", options=["ExitOnForwardFailure=yes"]).fails(
        r"(?i)address already in use", lines=0)
    client(openssh, "-L", f"{work}/sock:{goal}", options=["StreamLocalBindUnlink=yes"]).stands(work / "sock")
    ping(work / "sock")


def test_unlink_spares_files(openssh, client, service, work):
    """Whatever is no socket is never removed."""
    (work / "thesis.txt").write_text("years of work", encoding="ascii")
    client(openssh, "-L", f"{work}/thesis.txt:127.0.0.1:{service().port}",
           options=["StreamLocalBindUnlink=yes", "ExitOnForwardFailure=yes"]).fails(lines=0)
    assert (work / "thesis.txt").read_text(encoding="ascii") == "years of work"


@pytest.mark.parametrize("folder, mode", [("open", 0o777), ("sticky", 0o1777), ("own", 0o700), ("group", 0o775)])
def test_unix_folder(openssh, client, service, work, folder, mode):
    """Where everybody may write and exchange it, no socket is made; where people put theirs, it is."""
    place = work / folder / "sock"
    place.parent.mkdir()
    os.chmod(place.parent, mode)
    one = client(openssh, "-L", f"{place}:127.0.0.1:{service().port}", options=["ExitOnForwardFailure=yes"])
    if folder == "open":
        one.fails("everybody may write to its folder", lines=0)
        assert not place.exists()
    else:
        one.stands(place)
        ping(place)


def test_several(openssh, client, service, ports, work):
    """Several of each in one command line."""
    goal = service().port
    a, b, c, d = ports(4)
    client(openssh, "-L", f"{a}:127.0.0.1:{goal}", "-R", f"{b}:127.0.0.1:{goal}", "-L", f"{c}:localhost:{goal}",
           "-R", f"{d}:localhost:{goal}", "-L", f"{work}/sock:127.0.0.1:{goal}").stands(a, b, c, d, work / "sock")
    for place in (("127.0.0.1", a), ("127.0.0.1", b), ("127.0.0.1", c), ("::1", d), work / "sock"):
        ping(place)


def test_config_file(openssh, client, service, ports, work):
    """LocalForward and RemoteForward, several of each, beside the command line's."""
    goal = service().port
    a, b, c, d, e = ports(5)
    config = work / "config"
    config.write_text(f"""Host 127.0.0.1
    LocalForward {a} 127.0.0.1:{goal}
    LocalForward 127.0.0.1:{b} localhost:{goal}
    RemoteForward {c} 127.0.0.1:{goal}
    RemoteForward localhost:{d} [127.0.0.1]:{goal}
    LocalForward {work}/sock 127.0.0.1:{goal}
""", encoding="ascii")
    client(openssh, "-L", f"{e}:127.0.0.1:{goal}", config=config).stands(a, b, c, d, e, work / "sock")
    for place in (a, b, c, d, e):
        ping(("127.0.0.1", place))
    ping(work / "sock")


def test_clear_all(openssh, client, service, ports, work):
    """ClearAllForwardings drops the forwards of the file and of the command line, and nothing is left to do."""
    goal = service().port
    a, b = ports(2)
    config = work / "config"
    config.write_text(f"LocalForward {a} 127.0.0.1:{goal}\n", encoding="ascii")
    one = client(openssh, "-v", "-N", "-L", f"{b}:127.0.0.1:{goal}", config=config,
                 options=["ClearAllForwardings=yes"])
    one.told("Authenticated to|logged in|Entering interactive")
    assert not listeners(a) and not listeners(b)


def test_third_host(openssh, client, service, port):
    """The name is looked up, and the connection made, at the server's end."""
    goal = service(echo, "127.0.0.77")
    client(openssh, "-L", f"{port}:127.0.0.77:{goal.port}").stands(port)
    ping(("127.0.0.1", port))
    assert goal.peers[0][0].startswith("127.")


def test_name_travels(asyncssh, client, port):
    """The server gets the name as it was written."""
    client(asyncssh, "-L", f"{port}:No-Such-Host.invalid:1").stands(port)
    assert call(("127.0.0.1", port))[0] == b""
    until(lambda: ["open", "No-Such-Host.invalid", 1] in asyncssh.events(), what="the server to be asked")


ALLOCATED = r"Allocated port (\d+) for {} forward to 127\.0\.0\.1:{}"


@pytest.mark.parametrize("kind", ["aditd", "openssh", "paramiko"])
def test_remote_port_zero(lab, client, service, kind):
    goal = service().port
    one = client(lab.shared(kind), "-R", f"0:127.0.0.1:{goal}")
    port = int(one.told(ALLOCATED.format("remote", goal)).group(1))
    ping(("127.0.0.1", port))


def test_two_remote_port_zeros(openssh, client, service):
    a, b = service(), service()
    one = client(openssh, "-R", f"0:127.0.0.1:{a.port}", "-R", f"0:127.0.0.1:{b.port}")
    for goal in (a, b):
        ping(("127.0.0.1", int(one.told(ALLOCATED.format("remote", goal.port)).group(1))))
        assert len(goal.peers) == 1


@pytest.mark.parametrize("bind, bound", [("", LOOP), ("127.0.0.1:", {"127.0.0.1"}), ("*:", WILD)])
def test_local_port_zero(openssh, client, service, bind, bound):
    goal = service().port
    one = client(openssh, "-L", f"{bind}0:127.0.0.1:{goal}")
    port = int(one.told(ALLOCATED.format("local", goal)).group(1))
    assert listeners(port) == bound
    ping(("127.0.0.1", port))


def test_localhost_both_or_none(openssh, client, service, port):
    """localhost means both families: if somebody else holds the port in one, the forward fails."""
    other = service(echo, "::1")
    one = client(openssh, "-L", f"localhost:{other.port}:127.0.0.1:{port}", options=["ExitOnForwardFailure=yes"])
    one.fails(rf"{other.port}.*in use|in use.*{other.port}", lines=0)
    assert listeners(other.port) == {"::1"}


def socks5(address, host, port):
    sock = connect(address)
    sock.sendall(b"\x05\x01\x00")
    assert sock.recv(2) == b"\x05\x00"
    sock.sendall(b"\x05\x01\x00\x03" + bytes([len(host)]) + host.encode() + port.to_bytes(2, "big"))
    return sock, sock.recv(10)


def socks4a(address, host, port):
    sock = connect(address)
    sock.sendall(b"\x04\x01" + port.to_bytes(2, "big") + b"\0\0\0\1me\0" + host.encode() + b"\0")
    return sock, sock.recv(8)


@pytest.mark.parametrize("kind", ["aditd", "openssh"])
@pytest.mark.parametrize("spec", ["{port}", "127.0.0.1:{port}"])
@pytest.mark.parametrize("ask", [socks5, socks4a])
def test_remote_socks(lab, client, service, port, kind, ask, spec):
    """-R with nothing but a port: SOCKS at the server's side, connections made from ours."""
    goal = service()
    client(lab.shared(kind), "-R", spec.format(port=port)).stands(port)
    sock, reply = ask(("127.0.0.1", port), "localhost", goal.port)
    with sock:
        assert reply[1] in (0, 0x5a)
        sock.sendall(b"through the back door")
        assert sock.recv(100) == b"through the back door"


def socks5_address(address, host, port):
    """The same with an address of four or sixteen bytes."""
    packed = ipaddress.ip_address(host).packed
    sock = connect(address)
    sock.sendall(b"\x05\x01\x00")
    assert sock.recv(2) == b"\x05\x00"
    sock.sendall(b"\x05\x01\x00" + bytes([1 if len(packed) == 4 else 4]) + packed + port.to_bytes(2, "big"))
    return sock, sock.recv(10)


NOT_ALLOWED = b"\x05\x02"


@pytest.mark.parametrize("permit, host, allowed", [
    ("none", "127.0.0.1", False), ("127.0.0.1:1", "127.0.0.1", False), ("127.0.0.2:{}", "127.0.0.1", False),
    ("[::1]:1", "::1", False), ("[::2]:{} 127.0.0.1:{}", "::1", False), ("[::1]:{}", "127.0.0.1", False),
    ("[*]:1", "::1", False),
    ("any", "::1", True), ("127.0.0.1:{}", "127.0.0.1", True), ("[127.0.0.1]:{}", "127.0.0.1", True),
    ("[::1]:{}", "::1", True), ("[::1]:*", "::1", True), ("[0:0::1]:{}", "::1", True), ("*:{}", "::1", True),
    ("*:1 [::1]:1 [::1]:{}", "::1", True),
])
def test_permit_remote_open(openssh, client, service, port, permit, host, allowed):
    """What whoever comes through the back door may reach; an IPv6 address stands in brackets."""
    goal = service(where=host)
    one = client(openssh, "-R", str(port), options=["PermitRemoteOpen=" + permit.replace("{}", str(goal.port))])
    one.stands(port)
    sock, reply = socks5_address(("127.0.0.1", port), host, goal.port)
    with sock:
        assert (reply[:2] == b"\x05\x00") == allowed
        if not allowed:
            assert reply[:2] == NOT_ALLOWED
            one.told(f"not permitted: .*[.:]1 port {goal.port}")


def test_remote_socks_rubbish(openssh, client, service, port):
    """Somebody who does not speak SOCKS is turned away, others are not disturbed."""
    goal = service()
    client(openssh, "-R", str(port)).stands(port)
    with connect(("127.0.0.1", port)) as sock:
        sock.sendall(b"GET / HTTP/1.0\r\n\r\n" + b"x" * 600)
        try:
            assert sock.recv(1) == b""
        except ConnectionResetError:
            pass
    sock, _ = socks5(("127.0.0.1", port), "127.0.0.1", goal.port)
    with sock:
        sock.sendall(b"still here")
        assert sock.recv(100) == b"still here"


@pytest.mark.parametrize("flag", ["-L", "-R"])
def test_exit_on_failure(openssh, client, service, flag):
    """A forward that cannot stand ends the program if ExitOnForwardFailure says so ..."""
    taken = service()
    one = client(openssh, flag, f"127.0.0.1:{taken.port}:127.0.0.1:1", options=["ExitOnForwardFailure=yes"])
    one.fails(str(taken.port), lines=3)


@pytest.mark.parametrize("flag", ["-L", "-R"])
def test_warn_on_failure(openssh, client, service, port, flag):
    """... and is a warning otherwise, while the others stand."""
    taken = service()
    one = client(openssh, flag, f"127.0.0.1:{taken.port}:127.0.0.1:1", "-L", f"{port}:127.0.0.1:{taken.port}")
    one.stands(port)
    one.told(str(taken.port))
    ping(("127.0.0.1", port))


def test_refused_by_policy(start_server, client, service, port):
    server = start_server(config=["AllowTcpForwarding no"])
    one = client(server, "-L", f"{port}:127.0.0.1:{service().port}").stands(port)
    assert call(("127.0.0.1", port))[0] == b""
    one.told("open failed: administratively prohibited: open failed")


def test_remote_refused_by_policy(start_server, client, service, port):
    server = start_server(config=["AllowTcpForwarding local"])
    one = client(server, "-R", f"{port}:127.0.0.1:{service().port}", options=["ExitOnForwardFailure=yes"])
    one.fails(f"remote port forwarding failed for listen port {port}", lines=1)


def test_background(openssh, client, service, port, cleanup):
    """-f comes back with 0 when the forward stands, and the forward outlives the command."""
    from lab.servers import kill
    goal = service().port
    one = client(openssh, "-f", "-N", "-L", f"{port}:127.0.0.1:{goal}", options=["ExitOnForwardFailure=yes"])
    assert one.process.wait(20) == 0, str(one)
    pid = in_background(port)
    cleanup.callback(kill, pid, 15)
    assert pid != one.pid
    ping(("127.0.0.1", port))


def in_background(port):
    """The adit that has this port in its command line."""
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/cmdline", "rb") as line:
                words = line.read().split(b"\0")
        except OSError:
            continue
        if words[0] == ADIT.encode() and any(word.startswith(b"%d:" % port) for word in words):
            return int(entry)
    return None


def test_background_failure(openssh, client, service):
    """-f with ExitOnForwardFailure: the failure is the command's own."""
    taken = service()
    client(openssh, "-f", "-N", "-R", f"127.0.0.1:{taken.port}:127.0.0.1:1",
           options=["ExitOnForwardFailure=yes"]).fails(f"remote port forwarding failed for listen port {taken.port}")


def test_many_forwards(openssh, client, service):
    """A hundred in one connection."""
    goal = service().port
    places = [free_port() for _ in range(100)]
    flags = []
    for number, place in enumerate(places):
        flags += ["-L" if number % 2 else "-R", f"127.0.0.1:{place}:127.0.0.1:{goal}"]
    client(openssh, *flags).stands(*places)
    for place in places[::7]:
        ping(("127.0.0.1", place))


def test_tens_of_megabytes(server, client, service, ports):
    """Both directions at once, -L and -R, hashed at both ends."""
    from lab.services import MIB, duplex
    goal = service(duplex).port
    a, b = ports(2)
    client(server, "-L", f"{a}:127.0.0.1:{goal}", "-R", f"{b}:127.0.0.1:{goal}").stands(a, b)
    size = 8 * MIB if server.kind == "paramiko" else 32 * MIB
    exchange(("127.0.0.1", a), size, size)
    exchange(("127.0.0.1", b), size, size)
