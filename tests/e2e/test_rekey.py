"""Key exchanges in the middle of full load, from either side, by bytes and by time."""
import contextlib
import threading

import pytest

from lab.net import connect
from lab.proc import until
from lab.services import MIB, duplex, echo, echoed, exchange, ping


def both_ways(client, service, server, ports, *flags, size=6 * MIB, handler=duplex, exchange=exchange, **more):
    """A -L and a -R forward, loaded in both directions at the same time."""
    goal = service(handler).port
    a, b = ports(2)
    one = client(server, "-v", "-L", f"{a}:127.0.0.1:{goal}", "-R", f"{b}:127.0.0.1:{goal}", *flags, **more)
    one.stands(a, b)
    trouble = []

    def load(port):
        try:
            exchange(("127.0.0.1", port), size, size)
        except BaseException as problem:  # shown by the test, not lost in a thread
            trouble.append(problem)

    threads = [threading.Thread(target=load, args=(port,)) for port in (a, b)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not trouble, f"{trouble}\n{one}"
    assert one.alive(), str(one)
    return one


CIPHERS = ["aes128-gcm@openssh.com", "chacha20-poly1305@openssh.com", "aes128-ctr"]


@pytest.mark.parametrize("cipher", CIPHERS)
def test_ours(openssh, client, service, ports, cipher):
    """RekeyLimit 1M on our side."""
    both_ways(client, service, openssh, ports, "-c", cipher, options=["RekeyLimit=1M"])


@pytest.mark.parametrize("cipher", CIPHERS)
def test_theirs(start_server, client, service, ports, cipher):
    """RekeyLimit 1M on the server's side."""
    server = start_server(config=["RekeyLimit 1M"])
    both_ways(client, service, server, ports, "-c", cipher)


def test_both(start_server, client, service, ports):
    """Both sides start exchanges, so that their KEXINITs cross."""
    server = start_server(config=["RekeyLimit 1M"])
    both_ways(client, service, server, ports, options=["RekeyLimit=1M"])


@pytest.mark.parametrize("mac", ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512"])
def test_macs(start_server, client, service, ports, mac):
    server = start_server(config=["RekeyLimit 2M"])
    both_ways(client, service, server, ports, "-c", "aes256-ctr", "-m", mac, size=4 * MIB)


@pytest.mark.parametrize("kex", ["ecdh-sha2-nistp256", "ecdh-sha2-nistp521"])
def test_kex(start_server, client, service, ports, kex):
    server = start_server(config=["RekeyLimit 4M"])
    both_ways(client, service, server, ports, options=[f"KexAlgorithms={kex}"], size=4 * MIB)


# AsyncSSH 2.10 goes on sending data after its own KEXINIT (RFC 4253 section 7.1 forbids it), so it cannot take part.
@pytest.mark.parametrize("kind", ["dropbear", "paramiko"])
def test_ours_elsewhere(lab, client, service, ports, kind):
    both_ways(client, service, lab.shared(kind), ports, options=["RekeyLimit=1M"], size=4 * MIB)


def test_theirs_paramiko(start_server, client, service, ports):
    """No channel ends before the last exchange: Paramiko 2.12, when one is closed while it waits for the other side's
    KEXINIT, lets the thread that reads wait for the end of the exchange, and gives up after 30 s."""
    with contextlib.ExitStack() as kept:
        one = both_ways(client, service, start_server("paramiko", rekey_bytes=MIB), ports, size=4 * MIB, handler=echo,
                        exchange=lambda where, size, _: echoed(kept.enter_context(connect(where, 60)), size))
        assert "key exchanges after the first: 4" in one.said


def exchanges(server):
    """How many key exchanges the server has told of in its debug output."""
    return server.log().count("SSH2_MSG_NEWKEYS received")


def test_it_happens(start_server, client, service, ports):
    """The server sees as many exchanges as the limit says, not fewer and not a flood."""
    server = start_server(config=["LogLevel DEBUG1"])
    both_ways(client, service, server, ports, options=["RekeyLimit=1M"], size=4 * MIB)
    # 16 MiB each way; OpenSSH counts blocks of each direction and the limit restarts with each exchange
    assert 8 <= exchanges(server) <= 60, exchanges(server)


@pytest.mark.parametrize("side", ["ours", "theirs"])
def test_by_time(start_server, client, service, port, side):
    """An idle connection exchanges keys when the time of RekeyLimit is over, and goes on working."""
    goal = service().port
    server = start_server(config=["LogLevel DEBUG1"] + ["RekeyLimit default 1s"] * (side == "theirs"))
    client(server, "-L", f"{port}:127.0.0.1:{goal}",
           options=["RekeyLimit=default 1s"] if side == "ours" else []).stands(port)

    def twice_more():
        ping(("127.0.0.1", port))
        return exchanges(server) >= 3

    until(twice_more, 15, "two more key exchanges")
    ping(("127.0.0.1", port))
