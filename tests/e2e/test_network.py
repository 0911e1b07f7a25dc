"""The socket of the connection: where it comes from, how it is marked, what names its server may have."""
import re

import pytest

from lab.faults import Proxy
from lab.net import connections, outward
from lab.proc import until
from lab.services import ping


@pytest.fixture
def connected(openssh, client, service, port):
    """connected(*flags, options): a working client; where its connection comes from, and the rest that ss says."""
    def start(*flags, options=()):
        client(openssh, "-L", f"{port}:127.0.0.1:{service().port}", *flags, options=options).stands(port)
        ping(("127.0.0.1", port))
        until(lambda: len(connections(openssh.port)) == 1, what="no connection but this one")
        return connections(openssh.port)[0]
    return start


@pytest.mark.parametrize("value, wanted", [
    (None, 0), ("none", 0), ("af21", 0x48), ("ef", 0xb8), ("cs1", 0x20), ("0x20", 0x20), ("lowdelay throughput", 8),
    ("ef none", 0),
])
def test_ip_qos(connected, value, wanted):
    """The second value counts: it is the one for traffic without a terminal."""
    said = connected(options=[f"IPQoS={value}"] if value else [])[1]
    marks = [int(mark, 16) for mark in re.findall(r"\btos:(0x[0-9a-f]+)", said)]
    assert marks == [wanted] or (wanted == 0 and not marks), said


@pytest.mark.parametrize("value, wanted", [(None, True), ("yes", True), ("no", False)])
def test_tcp_keepalive(openssh, connected, value, wanted):
    connected(options=[f"TCPKeepAlive={value}"] if value else [])
    quiet = (lambda: "timer:(on" not in connections(openssh.port)[0][1])  # nothing waits to be acknowledged
    until(quiet)
    assert ("timer:(keepalive" in connections(openssh.port)[0][1]) == wanted


@pytest.mark.parametrize("flags", [["-b", "127.0.0.77"], ["-o", "BindAddress=127.0.0.77"],
                                   ["-b", "127.0.0.77", "-B", "no-such-if"]])
def test_bind_address(connected, flags):
    """BindAddress wins over BindInterface."""
    assert connected(*flags)[0] == "127.0.0.77"


def test_bind_address_of_somebody_else(openssh, client, port):
    client(openssh, "-b", "192.0.2.199", "-L", f"{port}:127.0.0.1:1").fails(
        "connect to host 127.0.0.1 port [0-9]+: Cannot assign requested address")


@pytest.mark.parametrize("form", [["-B", "{}"], ["-o", "BindInterface={}"]])
def test_bind_interface(connected, form):
    """Where there is no interface but lo, that one must do."""
    name, address = outward() or ("lo", "127.0.0.1")
    assert connected(*[word.format(name) for word in form])[0] == address


def test_bind_interface_unknown(openssh, client, port):
    client(openssh, "-B", "no-such-if", "-L", f"{port}:127.0.0.1:1").fails("no-such-if", lines=2)


@pytest.mark.parametrize("flags", [["-4"], ["-o", "AddressFamily=inet"]])
def test_ipv4_only(connected, flags):
    assert connected(*flags)[0] == "127.0.0.1"


@pytest.mark.parametrize("flags", [["-6"], ["-o", "AddressFamily=inet6"], ["-4", "-6"]])
def test_ipv6_only(openssh, client, port, flags):
    """The server has an IPv4 address, and that is not even tried."""
    client(openssh, *flags, "-L", f"{port}:127.0.0.1:1").fails("Could not resolve hostname 127.0.0.1: ")


@pytest.fixture
def stranger(openssh, lab, client, service, port, cleanup):
    """stranger(name, address): a client that does not check loopback hosts, towards an unknown server of this name."""
    def start(name, address):
        wire = Proxy((openssh.host, openssh.port), where=address)
        cleanup.callback(wire.close)
        env = {"LD_PRELOAD": lab.shim("names"), "TEST_NAME": name, "TEST_ADDRESS": address}
        return client(openssh, "-p", wire.port, "-L", f"{port}:127.0.0.1:{service().port}", host=name, known_hosts="",
                      options=["NoHostAuthenticationForLocalhost=yes"], how={"env": env})
    return start


@pytest.mark.parametrize("name", ["127.evil.example", "localhost.evil.example", "gate.example"])
def test_a_name_does_not_make_a_loopback(stranger, name):
    """Without a check of its key no server elsewhere is believed, whatever it is called."""
    address = (outward() or pytest.skip("this machine has no address but the loopback's"))[1]
    stranger(name, address).fails("No ED25519 host key is known|Host key verification failed", lines=3)


@pytest.mark.parametrize("name, address", [("127.0.0.1", "127.0.0.1"), ("127.1.2.3", "127.1.2.3"),
                                           ("127.evil.example", "127.0.0.1"), ("gate.example", "127.0.0.99")])
def test_the_address_makes_it(stranger, port, name, address):
    stranger(name, address).stands(port)
    ping(("127.0.0.1", port))
