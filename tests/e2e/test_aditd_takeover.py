"""Take-over: who comes back and finds the port held by an old connection that has gone silent gets it."""
import contextlib
import os
import shutil
import signal
import socket
import time

import pytest

from lab.net import listeners, unix_listener
from lab.probe import Probe
from lab.proc import until
from lab.services import ping


@pytest.fixture
def ssh(client, cleanup, work):
    """ssh(server, *flags): OpenSSH's client; whatever was stopped goes on at the end. The file of host keys is written
    once, for several clients may read it at the same time."""
    known = work / "hosts"

    def start(server, *flags, **more):
        if not known.exists():
            known.write_text(server.known_hosts(), encoding="ascii")
        one = client(server, "-N", *flags, program=shutil.which("ssh"), known_hosts=known, **more)
        cleanup.callback(wake, one)
        return one
    return start


def freeze(one):
    """As if its network were cut: it does not answer, and nobody hears that it is gone."""
    os.kill(one.pid, signal.SIGSTOP)


def wake(one):
    with contextlib.suppress(ProcessLookupError):
        os.kill(one.pid, signal.SIGCONT)


@pytest.fixture
def server(start_server):
    """Nothing but the take-over ends a silent client here."""
    def start(*lines):
        return start_server("aditd", config=["ClientAliveInterval 0", *lines])
    return start


def records(server, event):
    return [record for record in server.records() if record["event"] == event]


@pytest.mark.parametrize("workers", [1, 2, 4])
@pytest.mark.parametrize("host", ["", "localhost:", "127.0.0.5:", "*:"])
def test_take_over(server, ssh, service, port, workers, host):
    """The new one has the port after the old one's time; the old one is closed, and a record says so. With several
    workers the two are in different processes."""
    here = server("TakeoverListen 1", f"Workers {workers}")
    forward = f"{host}{port}:127.0.0.1:{service().port}"
    old = ssh(here, "-R", forward).stands(port)
    bound = listeners(port)
    freeze(old)
    began = time.monotonic()
    new = ssh(here, "-v", "-R", forward, options=["ExitOnForwardFailure=yes"])
    new.told("remote forward success|remote port forwarding failed")
    assert "remote forward success" in new.said
    assert 0.5 <= time.monotonic() - began < 6
    assert listeners(port) == bound
    for address in bound:
        ping(({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address), port))
    record, = until(lambda: records(here, "takeover"))
    assert record["end"] == "takeover" and record["user"] == here.user and record["key"].startswith("ED25519 SHA256:")
    assert "taken over" in record["words"]
    wake(old)
    assert old.ended() == 255
    assert new.alive()


def test_default_time(server, ssh, port):
    """About three seconds."""
    here = server()
    freeze(ssh(here, "-R", f"{port}:127.0.0.1:1").stands(port))
    began = time.monotonic()
    new = ssh(here, "-v", "-R", f"{port}:127.0.0.1:1")
    new.told("remote forward success")
    assert 2 <= time.monotonic() - began < 7


def test_one_that_answers_keeps_it(server, ssh, service, port):
    here = server("TakeoverListen 1")
    old = ssh(here, "-R", f"{port}:127.0.0.1:{service().port}").stands(port)
    new = ssh(here, "-R", f"{port}:127.0.0.1:1", options=["ExitOnForwardFailure=yes"])
    assert new.ended() == 255 and "remote port forwarding failed" in new.said
    ping(("127.0.0.1", port))
    assert old.alive()
    refused, = until(lambda: records(here, "listener-refused"))
    assert "in use" in refused["words"] and not records(here, "takeover")


@pytest.mark.parametrize("who", ["user", "key", "certificate", "off"])
def test_not_for_others(lab, server, ssh, port, who):
    """Another user, another key, the same key as a certificate, TakeoverListen none: the port stays with the old one."""
    here = server("TakeoverListen none" if who == "off" else "TakeoverListen 1")
    old = ssh(here, "-R", f"{port}:127.0.0.1:1").stands(port)
    freeze(old)
    more = {"user": {"user": "digger"}, "key": {"key": lab.keys.user("ecdsa256")}, "off": {}}.get(who)
    if who == "certificate":
        key = lab.keys.copy("taker", lab.key)
        (key.parent / "taker.pub").write_text((lab.key.parent / (lab.key.name + ".pub")).read_text(), encoding="ascii")
        cert = lab.keys.certify(lab.keys.make("user_ca"), key, principals=here.user, name="taker-signed.pub")
        more = {"key": key, "options": [f"CertificateFile={cert}"]}
    options = more.pop("options", [])
    new = ssh(here, "-R", f"{port}:127.0.0.1:1", options=[*options, "ExitOnForwardFailure=yes"], **more)
    assert new.ended() == 255 and "remote port forwarding failed" in new.said
    assert listeners(port) and not records(here, "takeover")
    wake(old)
    assert old.alive()


def test_other_listeners_of_the_old_one(server, ssh, ports):
    """It goes as a whole: all of its ports are free."""
    here = server("TakeoverListen 1")
    wanted, other = ports(2)
    freeze(ssh(here, "-R", f"{wanted}:127.0.0.1:1", "-R", f"{other}:127.0.0.1:1").stands(wanted, other))
    ssh(here, "-v", "-R", f"{wanted}:127.0.0.1:1").told("remote forward success")
    until(lambda: not listeners(other))
    assert listeners(wanted)


def test_several_at_once(server, ssh, ports):
    """All ports of the old one, asked for one after the other: the time passes once."""
    here = server("TakeoverListen 1")
    wanted = ports(5)
    flags = [word for port in wanted for word in ("-R", f"{port}:127.0.0.1:1")]
    freeze(ssh(here, *flags).stands(*wanted))
    began = time.monotonic()
    new = ssh(here, "-v", *flags, options=["ExitOnForwardFailure=yes"])
    until(lambda: new.said.count("remote forward success") == 5 or not new.alive(), what=str(new))
    assert new.alive() and time.monotonic() - began < 6
    assert len(records(here, "takeover")) == 1


def test_two_want_it(server, ssh, port):
    """One of them gets it, the other hears that it is taken."""
    here = server("TakeoverListen 1")
    freeze(ssh(here, "-R", f"{port}:127.0.0.1:1").stands(port))
    two = [ssh(here, "-v", "-R", f"{port}:127.0.0.1:1") for _ in range(2)]
    said = sorted(one.told("remote forward (success|failure)").group(1) for one in two)
    assert said == ["failure", "success"]
    assert listeners(port)


def test_holder_leaves_while_it_is_asked(server, ssh, port):
    """Then nobody has to wait for the rest of its time."""
    here = server("TakeoverListen 30")
    old = ssh(here, "-R", f"{port}:127.0.0.1:1").stands(port)
    freeze(old)
    new = ssh(here, "-v", "-R", f"{port}:127.0.0.1:1")
    new.told("Authenticated|Entering interactive session")
    old.process.kill()
    new.told("remote forward success", 10)


def test_asker_leaves(server, ssh, port):
    """The old one is not closed for somebody who does not want it any more."""
    here = server("TakeoverListen 2")
    old = ssh(here, "-R", f"{port}:127.0.0.1:1").stands(port)
    freeze(old)
    new = ssh(here, "-v", "-R", f"{port}:127.0.0.1:1")
    new.told("Entering interactive session")
    new.stop(signal.SIGKILL)
    until(lambda: len(records(here, "login")) == 1)
    with pytest.raises(AssertionError, match="never said"):
        here.child.told("taken over", 2.5)
    wake(old)
    assert listeners(port) and old.alive()


@pytest.mark.parametrize("workers", [1, 2])
def test_unix_socket_of_a_silent_client(server, ssh, work, service, workers):
    """A path is taken over as a port is; the end of the old one does not touch what stands there by then."""
    here = server("TakeoverListen 1", f"Workers {workers}")
    path = work / "sock"
    old = ssh(here, "-R", f"{path}:127.0.0.1:1").stands(path)
    freeze(old)
    began = time.monotonic()
    new = ssh(here, "-v", "-R", f"{path}:127.0.0.1:{service().port}", options=["ExitOnForwardFailure=yes"])
    new.told("remote forward success|remote port forwarding failed")
    assert "remote forward success" in new.said
    assert 0.5 <= time.monotonic() - began < 6
    record, = until(lambda: records(here, "takeover"))
    assert record["end"] == "takeover"
    ping(path)
    wake(old)
    assert old.ended() == 255
    ping(path)
    new.stop()
    until(lambda: not path.exists())


def test_unix_socket_of_one_that_answers(server, ssh, work, service):
    here = server("TakeoverListen 1")
    path = work / "sock"
    old = ssh(here, "-R", f"{path}:127.0.0.1:{service().port}").stands(path)
    new = ssh(here, "-R", f"{path}:127.0.0.1:1", options=["ExitOnForwardFailure=yes"])
    assert new.ended() == 255
    ping(path)
    assert old.alive()
    refused, = until(lambda: records(here, "listener-refused"))
    assert "in use" in refused["words"] and not records(here, "takeover")


@pytest.mark.parametrize("who", ["user", "path"])
def test_unix_socket_not_for_others(server, ssh, work, who):
    """Another user gets no path by asking; and who asks for another path disturbs nobody."""
    here = server("TakeoverListen 1")
    old = ssh(here, "-R", f"{work}/sock:127.0.0.1:1").stands(work / "sock")
    freeze(old)
    name, more = ("sock", {"user": "digger"}) if who == "user" else ("other", {})
    new = ssh(here, "-v", "-R", f"{work}/{name}:127.0.0.1:1", **more)
    assert new.told("remote forward (success|failure)").group(1) == ("failure" if who == "user" else "success")
    assert unix_listener(work / "sock") and not records(here, "takeover")
    wake(old)
    assert old.alive()


def test_unix_socket_that_is_replaced(server, ssh, work, service):
    """StreamLocalBindUnlink asks nobody; the old one's end leaves the new socket where it is."""
    here = server("TakeoverListen 1", "StreamLocalBindUnlink yes")
    path = work / "sock"
    old = ssh(here, "-R", f"{path}:127.0.0.1:1").stands(path)
    new = ssh(here, "-v", "-R", f"{path}:127.0.0.1:{service().port}")
    new.told("remote forward success")
    old.stop()
    until(lambda: records(here, "login"))
    ping(path)
    assert new.alive() and not records(here, "takeover")


def test_across_a_reload(server, ssh, port):
    """The old one belongs to the processes of before."""
    here = server("TakeoverListen 1")
    freeze(ssh(here, "-R", f"{port}:127.0.0.1:1").stands(port))
    assert here.reload(["ClientAliveInterval 0", "TakeoverListen 1"]).startswith("reloaded")
    ssh(here, "-v", "-R", f"{port}:127.0.0.1:1").told("remote forward success")
    assert len(until(lambda: records(here, "takeover"))) == 1


def test_port_of_another_program(lab, server):
    """Nobody is asked for a port that none of ours holds; the refusal says that it is in use."""
    here = server("TakeoverListen 5")
    with socket.create_server(("127.0.0.1", 0)) as holder, contextlib.closing(Probe(here, lab.key)) as probe:
        began = time.monotonic()
        assert probe.listen("127.0.0.1", holder.getsockname()[1]) is None
        assert time.monotonic() - began < 3
    refused, = until(lambda: records(here, "listener-refused"))
    assert "in use" in refused["words"]
