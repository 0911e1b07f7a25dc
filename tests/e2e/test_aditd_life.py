"""aditd from its start to its end: flags, first start, reload, the crash of a process, the service manager."""
import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

import pytest

from lab import keys as keytool
from lab.net import connect, free_port, listeners
from lab.probe import Probe, do
from lab.proc import Child, descendants, until
from lab.servers import for_server, give, server_identity, sshd_path
from lab.services import ping


@pytest.fixture
def idle(start_server):
    """idle(*lines): the files of a server that is not started; its launch() is, with flags."""
    def make(*lines, **more):
        return start_server("aditd", config=lines, starts=False, **more)
    return make


@pytest.fixture
def launch(cleanup):
    """launch(server, *flags): the program, ended with the test; for flags that end by themselves see answer()."""
    def start(server, *flags, **how):
        server.child = server.launch(*flags, **how)
        cleanup.callback(server.child.stop)
        return server.child
    return start


def answer(server, *flags, **how):
    """(exit status, stdout, stderr) of flags that end by themselves."""
    one = server.launch(*flags, **how)
    return one.ended(), one.out, one.said


def family(server):
    """{name: [pids]} of the processes below the main one."""
    found = {}
    for pid in descendants(server.pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            with open(f"/proc/{pid}/comm", encoding="ascii") as text:
                found.setdefault(text.read().strip().removeprefix("aditd: "), []).append(pid)
    return found


def works(probe, service):
    assert probe.reaches("127.0.0.1", service().port) == "yes"


# ---- flags that end by themselves ----

def test_check(idle):
    assert answer(idle(), "-t") == (0, "", "")


@pytest.mark.parametrize("line, said", [("Wrong yes", r"aditd_config:? line 1: .*wrong"),
                                        ("HostKey /no/such/key\nPort 0", r"aditd_config:? line 2: ")])
def test_check_finds_mistakes(idle, line, said):
    code, out, error = answer(idle(*line.splitlines()), "-t")
    assert (code, out) == (255, "") and re.search(said, error) and len(error.splitlines()) == 1


def test_check_reads_host_keys(idle):
    server = idle()
    bad = server.folder / "bad_key"
    bad.write_text("no key\n", encoding="ascii")
    give(bad)
    os.chmod(bad, 0o600)
    code, _, error = answer(server, "-t", "-h", bad)
    assert code == 255 and "bad_key" in error


def test_no_file(idle):
    server = idle()
    code, _, error = answer(server, "-t", "-f", "/no/such/file")
    assert code == 255 and "/no/such/file" in error


@pytest.mark.parametrize("flag", ["-V", "--help", "-T"])
def test_nowhere_to_print(idle, flag):
    """Half of a configuration is not taken for a whole one: the disk is full."""
    full = ["sh", "-c", 'exec "$@" >/dev/full', "sh"]
    assert answer(idle(), flag, prefix=full) == (255, "", "aditd: cannot write to stdout: No space left on device\n")


def test_version_and_help(idle):
    server = idle()
    code, out, error = answer(server, "-V", file=False)
    assert code == 0 and re.fullmatch(r"aditd_[\d.]+, OpenSSL [^\n]+\n", out) and not error
    code, out, error = answer(server, "--help", file=False)
    assert code == 0 and out.startswith("usage: aditd") and not error
    for flag in "CDETVdefhiopqt":
        assert f"-{flag}" in out


@pytest.mark.parametrize("flags, said", [(["-Z"], "-- 'Z'"), (["-p"], "requires an argument -- 'p'"),
                                         (["word"], "unexpected word 'word'"), (["-4"], "AddressFamily=inet"),
                                         (["-c", "x"], "HostCertificate"), (["-o", "Wrong=1"], "wrong"),
                                         (["-p", "0"], "0"), (["-T", "-C", "user"], "-C: 'user'"),
                                         (["-C", "user=x"], "-T and -t")])
def test_bad_flags(idle, flags, said):
    code, out, error = answer(idle(), *flags)
    assert code == 255 and not out and said in error and len(error.splitlines()) == 1


def words(text):
    """What -T prints as {keyword: all of its words, sorted}: of some keywords each word has a line of its own."""
    found = {}
    for line in text.splitlines():
        keyword, *rest = line.split()
        found[keyword] = sorted(found.get(keyword, []) + rest)
    return found


def dump(server, *flags):
    code, out, error = answer(server, "-T", *flags)
    assert code == 0, error
    return words(out)


# What both know, said in the same words. Values that differ by design are not in the list.
SHARED = """
AddressFamily inet
AllowUsers digger sapper@10.0.0.0/8
DenyUsers mole
AllowGroups miners
DenyGroups moles
AllowTcpForwarding local
AllowStreamLocalForwarding remote
DisableForwarding no
AuthorizedKeysFile .ssh/authorized_keys /etc/keys/%u
AuthorizedPrincipalsFile /etc/principals/%u
Banner /etc/banner
Ciphers aes256-gcm@openssh.com,aes128-ctr
MACs hmac-sha2-512
KexAlgorithms curve25519-sha256
HostKeyAlgorithms ssh-ed25519,rsa-sha2-512
PubkeyAcceptedAlgorithms ssh-ed25519
CASignatureAlgorithms ssh-ed25519
ClientAliveInterval 2m
ClientAliveCountMax 5
GatewayPorts clientspecified
LogLevel VERBOSE
SyslogFacility LOCAL3
LoginGraceTime 1m
MaxAuthTries 4
MaxStartups 10:30:60
PermitListen localhost:8080 9090
PermitOpen 127.0.0.1:80 [::1]:443
PermitRootLogin no
PerSourceMaxStartups 5
PerSourceNetBlockSize 24:64
PubkeyAuthentication yes
RekeyLimit 1G 1h
RequiredRSASize 2048
StreamLocalBindMask 0117
StreamLocalBindUnlink yes
StrictModes no
TCPKeepAlive no
TrustedUserCAKeys /etc/ca
RevokedKeys none
UseDNS no
"""


def test_dump_as_sshd(idle):
    """The effective configuration is that of sshd -T, keyword by keyword."""
    if not sshd_path():
        pytest.skip("openssh-server is not installed")
    server = idle()
    text = SHARED + f"Port 2222\nPort 2223\nListenAddress 127.0.0.1\nListenAddress 127.0.0.2:99\n" \
                    f"HostKey {server.own_host_key('ed25519')}\n"
    (server.folder / "shared").write_text(text, encoding="ascii")
    sshd = Child([for_server(os.path.abspath(sshd_path()), server.folder), "-T", "-f", server.folder / "shared"],
                 **server_identity())
    assert sshd.ended() == 0, str(sshd)
    theirs, ours = words(sshd.out), dump(server, "-f", server.folder / "shared")
    keywords = {line.split()[0].lower() for line in text.splitlines() if line}
    assert {keyword: ours.get(keyword) for keyword in keywords} == {keyword: theirs.get(keyword) for keyword in keywords}


def test_dump_is_a_configuration(idle):
    """What -T prints can be read again, and says the same."""
    server = idle()
    _, out, _ = answer(server, "-T")
    (server.folder / "again").write_text(out, encoding="ascii")
    assert answer(server, "-T", "-f", server.folder / "again") == (0, out, "")


@pytest.mark.parametrize("criteria, value", [
    ("user=digger", "no"), ("user=sapper", "yes"), ("user=sapper,addr=10.1.2.3", "local"),
    ("user=sapper,laddr=127.0.0.9", "remote"), ("user=sapper,lport=4711", "no"),
    ("user=sapper,host=pit.example", "local"),
])
def test_dump_for_somebody(idle, criteria, value):
    server = idle(match=["Match User digger", "AllowTcpForwarding no", "Match Address 10.0.0.0/8",
                         "AllowTcpForwarding local", "Match LocalAddress 127.0.0.9", "AllowTcpForwarding remote",
                         "Match LocalPort 4711", "AllowTcpForwarding no", "Match Host *.example",
                         "AllowTcpForwarding local"])
    assert dump(server, "-C", criteria)["allowtcpforwarding"] == [value]


def test_options_win(idle):
    """-o and -p are read before the file."""
    server = idle("MaxAuthTries 3")
    shown = dump(server, "-o", "MaxAuthTries=7", "-oBanner /etc/x")
    assert shown["maxauthtries"] == ["7"] and shown["banner"] == ["/etc/x"]


# ---- a run ----

def test_flag_port(idle, launch, probe, service):
    """-p is where it listens, and the file's Port does not count."""
    server = idle()
    ours, other = server.port, free_port()
    launch(server, "-D", "-e", "-p", other).told("ready")
    assert listeners(other) and not listeners(ours)
    server.port = other
    works(probe(server), service)


def test_first_start_makes_a_key(idle, launch, probe, service, work):
    """Its fingerprint is said, its file is private, and the next start has the same."""
    server = idle()
    lines = [line for line in (server.folder / "aditd_config").read_text(encoding="ascii").splitlines()
             if not line.startswith("HostKey")]
    (server.folder / "aditd_config").write_text("\n".join(lines) + "\n", encoding="ascii")
    key = work / "made_key"
    code, _, error = answer(server, "-t", "-h", key)
    assert code == 0 and not key.exists(), error
    one = launch(server, "-D", "-e", "-h", key)
    one.told("ready")
    assert os.stat(key).st_mode & 0o777 == 0o600
    print_of = subprocess.run(["ssh-keygen", "-lf", key], capture_output=True, text=True, check=True).stdout.split()[1]
    assert print_of in one.said
    works(probe(server), service)
    one.stop()
    launch(server, "-D", "-e", "-h", key).told("ready")
    assert print_of not in server.child.said


def test_log_file(idle, launch, probe):
    server = idle()
    log = server.folder / "log"
    launch(server, "-D", "-E", log)
    until(lambda: log.exists() and "ready" in log.read_text(encoding="utf-8"))
    probe(server).close()
    until(lambda: "Accepted publickey" in log.read_text(encoding="utf-8"))
    assert os.stat(log).st_mode & 0o077 == 0


def test_quiet(idle, launch, probe):
    """-q: no messages; audit records come nevertheless."""
    server = idle()
    launch(server, "-D", "-e", "-q")
    until(lambda: listeners(server.port))
    probe(server).close()
    until(lambda: "event=login" in server.log())
    assert all(line.startswith("time=") for line in server.log().splitlines())


def test_background(idle, probe, service, cleanup):
    """Without -D it serves when the command has ended; the pid file says which process it is."""
    server = idle()
    log = server.folder / "log"
    pid_file = server.folder / "pid"
    code, out, error = answer(server, "-E", log)
    assert (code, out) == (0, ""), error
    pid = int(pid_file.read_text(encoding="ascii"))

    def end():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        until(lambda: not os.path.exists(f"/proc/{pid}"))
    cleanup.callback(end)
    assert os.getsid(pid) == pid
    works(probe(server), service)
    end()
    assert not pid_file.exists()
    assert not listeners(server.port)


def test_background_that_fails(idle):
    """The command waits for the word, and ends with it."""
    server = idle()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", server.port))
        holder.listen()
        log = server.folder / "log"
        code, _, error = answer(server, "-E", log)
        assert code == 255
        said = error + log.read_text(encoding="utf-8")
        assert f"127.0.0.1:{server.port}: Address already in use" in said
    assert not (server.folder / "pid").exists()


def test_port_in_use(idle):
    """One line says which, and who has it if that can be seen."""
    server = idle()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", server.port))
        holder.listen()
        code, _, error = answer(server, "-D", "-e")
    assert code == 255 and len(error.splitlines()) == 1
    assert re.search(rf"cannot listen on 127\.0\.0\.1:{server.port}: Address already in use \(held by ", error)


def test_inetd(idle, launch, probe, service):
    """-i serves the connection that stdin is, and ends with it."""
    server = idle()
    with socket.create_server(("127.0.0.1", 0)) as door:
        server.port = door.getsockname()[1]

        def take():
            sock, _ = door.accept()
            launch(server, "-i", "-e", stdin=sock)
            sock.close()

        taker = threading.Thread(target=take)
        taker.start()
        one = probe(server)
        taker.join()
        works(one, service)
        assert one.reaches("127.0.0.1", server.port) == "prohibited"  # nobody said that there is a door: it came by it
        one.close()
        assert server.child.ended() == 0


# ---- reload ----

def test_reload(start_server, probe, service):
    """The new configuration for new connections; those that stand go on with the old one."""
    server = start_server("aditd")
    old = probe(server)
    port = old.listen("127.0.0.1", 0, service().address)
    assert server.reload(["AllowTcpForwarding no"]).startswith("reloaded")
    new = probe(server)
    assert new.reaches("127.0.0.1", 7) == "prohibited" and new.listen("127.0.0.1", 0) is None
    works(old, service)
    ping(("127.0.0.1", port))
    assert old.listen("127.0.0.1", 0)
    old.close()
    until(lambda: not listeners(port))
    until(lambda: len(family(server)["worker"]) == 2, what="the end of the old workers")
    assert len(family(server)["guard"]) == 1


@pytest.mark.parametrize("line, said", [
    ("AllowTcpForwarding perhaps", r"aditd_config line 1: .*perhaps"),
    ("Wrong 1", r"aditd_config:? line 1: .*wrong"),
    ("ListenAddress 192.0.2.77", r"192\.0\.2\.77"),
    ("HostKey /no/such/key", r"/no/such/key: No such file"),
])
def test_reload_of_a_broken_file(start_server, probe, service, line, said):
    """The old one stays in force, and the log says where the mistake is."""
    server = start_server("aditd", config=["PermitOpen 127.0.0.1:7"])
    before = len(server.log())
    assert "going on" in server.reload([line, "AllowTcpForwarding no"])
    assert re.search(said, server.log()[before:])
    one = probe(server)
    assert one.reaches("127.0.0.1", 7) == "failed" and one.reaches("127.0.0.1", 9) == "prohibited"
    assert server.reload([]).startswith("reloaded")
    works(probe(server), service)
    assert server.child.alive()


def test_reload_to_another_port(start_server, probe, service):
    """Opened and closed as the file says; who is connected stays."""
    server = start_server("aditd")
    old, first, second = probe(server), server.port, free_port()
    server.port = second
    assert server.reload([]).startswith("reloaded")
    until(lambda: not listeners(first))
    works(probe(server), service)
    works(old, service)


def test_reload_to_a_port_in_use(start_server, probe, service):
    server = start_server("aditd")
    first = server.port
    with socket.create_server(("127.0.0.1", 0)) as holder:
        server.port = holder.getsockname()[1]
        assert "going on" in server.reload([])
        assert "Address already in use" in server.log()
    server.port = first
    works(probe(server), service)


def test_many_reloads(lab, start_server):
    """Signals that come faster than they are done lose nothing."""
    server = start_server("aditd")
    server.write(["PermitOpen 127.0.0.1:7"])
    for _ in range(10):
        os.kill(server.pid, signal.SIGHUP)
    until(lambda: "reloaded" in server.log())

    def policy_is_new():
        with contextlib.closing(Probe(server, lab.key)) as one:
            return one.reaches("127.0.0.1", 9) == "prohibited"
    until(policy_is_new)
    until(lambda: len(family(server).get("worker", [])) == 2 and len(family(server)["guard"]) == 1)
    assert server.child.alive()


def test_reload_opens_the_audit_log_anew(start_server, probe):
    server = start_server("aditd")
    first, second = server.folder / "audit", server.folder / "audit.1"
    lines = [f"AuditLog {first}"]
    server.reload(lines)
    probe(server).close()
    until(lambda: first.exists() and "event=login" in first.read_text(encoding="utf-8"))
    stays = probe(server)
    first.rename(second)
    server.reload(lines)
    probe(server).close()
    stays.close()
    until(lambda: first.exists() and first.read_text(encoding="utf-8").count("event=login") == 2)
    assert second.read_text(encoding="utf-8").count("event=login") == 1


# ---- the end ----

def test_end(start_server, run, client, port, probe, service):
    """Every client hears of it; nothing is left; the status is 0."""
    server = start_server("aditd")
    one = client(server, "-N", "-R", f"{port}:127.0.0.1:{service().port}", program=shutil.which("ssh")).stands(port)
    other = probe(server)
    children = descendants(server.pid)
    os.kill(server.pid, signal.SIGTERM)
    assert server.child.ended() == 0
    assert one.ended() == 255 and "Received disconnect from" in one.said
    other.is_over(5)
    assert not listeners(port) and not listeners(server.port)
    assert not (server.folder / "pid").exists()
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children))


def test_end_writes_records(start_server, probe, service):
    """What stood at the end is in the audit."""
    server = start_server("aditd")
    one = probe(server)
    one.listen("127.0.0.1", 0)
    kept = one.open("127.0.0.1", service().port)
    os.kill(server.pid, signal.SIGTERM)
    assert server.child.ended() == 0 and kept
    assert sorted(record["event"] for record in server.records()) == ["forward", "listener", "login"]


def test_end_of_the_main_process(start_server, probe):
    """Killed, it takes the others along: nobody serves without it."""
    server = start_server("aditd")
    one = probe(server)
    children = descendants(server.pid)
    os.kill(server.pid, signal.SIGKILL)
    until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children))
    one.is_over(5)


# ---- the service manager ----

@pytest.fixture
def manager(work, cleanup):
    """A socket that is told; next(seconds) is one message, as {name: value}."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    sock.bind(str(work / "notify"))
    os.chmod(work / "notify", 0o666)
    sock.settimeout(20)
    cleanup.callback(sock.close)

    def hear():
        return dict(line.split("=", 1) for line in sock.recv(4096).decode().splitlines())
    hear.path = str(work / "notify")
    return hear


def test_notify(start_server, manager):
    server = start_server("aditd", env={"NOTIFY_SOCKET": manager.path})
    assert manager()["READY"] == "1"
    server.reload([])
    heard = manager()
    assert heard["RELOADING"] == "1" and int(heard["MONOTONIC_USEC"]) > 0
    assert manager()["READY"] == "1"
    server.reload(["Wrong 1"])
    assert manager()["RELOADING"] == "1" and manager()["READY"] == "1"
    os.kill(server.pid, signal.SIGTERM)
    assert manager()["STOPPING"] == "1"
    assert server.child.ended() == 0


# Puts descriptors in place as a service manager does, and becomes the program.
GIVE = ("import os,sys; n=int(sys.argv[1]); [os.dup2(int(fd), 3 + i) for i, fd in enumerate(sys.argv[2:2 + n])]; "
        "os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(n)); os.execv(sys.argv[2 + n], sys.argv[2 + n:])")


def test_sockets_of_the_manager(idle, launch, probe, service):
    """They are served, and Port is not; a reload keeps them."""
    server = idle()
    own = server.port
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(("127.0.0.2", 0)) as second:
        given = [first, second]
        fds = [str(sock.fileno()) for sock in given]
        child = launch(server, "-D", "-e", prefix=[sys.executable, "-c", GIVE, str(len(given)), *fds],
                       pass_fds=[sock.fileno() for sock in given])
        child.told("ready")
        places = [sock.getsockname() for sock in given]
    assert not listeners(own)
    for host, port in places:
        works(probe(server, host=host, port=port), service)
    os.kill(child.pid, signal.SIGHUP)
    child.told("reloaded")
    works(probe(server, host=places[0][0], port=places[0][1]), service)
    assert not listeners(own)


# ---- a process crashes ----

@pytest.mark.parametrize("sig", [signal.SIGKILL, signal.SIGSEGV])
def test_crash_of_a_worker(start_server, probe, service, sig):
    """Its connections are gone, those of the other go on, and soon there are two again."""
    server = start_server("aditd")
    probes = [probe(server) for _ in range(4)]
    victim = family(server)["worker"][0]
    os.kill(victim, sig)
    until(lambda: sum(not one.stands() for one in probes) == 2, what="the end of half of the connections")
    for one in probes:
        if one.stands():
            works(one, service)
    until(lambda: len(set(family(server).get("worker", [])) - {victim}) == 2)
    works(probe(server), service)
    assert re.search(rf"worker \d \(pid {victim}\) ", server.log())
    record = server.record("crash")
    assert record["kind"] == "worker"
    assert server.child.alive()


def test_crash_of_the_only_worker(start_server, probe, service):
    """Clients who come meanwhile wait in the queue of the socket, and are served."""
    server = start_server("aditd", config=["Workers 1"])
    one = probe(server)
    os.kill(family(server)["worker"][0], signal.SIGKILL)
    one.is_over(5)
    works(probe(server), service)


def test_crash_of_the_guard(lab, start_server, probe, service):
    """Tunnels go on and renew their keys, with the next one; new logins work again."""
    server = start_server("aditd")
    one = probe(server, rekey_bytes=100000)
    goal = service()
    victim, = family(server)["guard"]
    os.kill(victim, signal.SIGKILL)
    works(one, service)
    until(lambda: family(server).get("guard", [victim]) != [victim])
    works(probe(server), service)
    reader, writer = one.open(*goal.address)
    for _ in range(5):
        one.write(writer, bytes(200000))
        do(reader.readexactly(200000))
    assert re.search(rf"guard \d \(pid {victim}\) ", server.log())
    assert server.record("crash")["kind"] == "guard"


def test_rekey_while_there_is_no_guard(start_server, client, port, service):
    """The exchange waits for the next guard."""
    server = start_server("aditd")
    goal = service()
    client(server, "-N", "-L", f"{port}:127.0.0.1:{goal.port}", program=shutil.which("ssh"),
           options=["RekeyLimit=100K"]).stands(port)
    ping(("127.0.0.1", port))
    os.kill(family(server)["guard"][0], signal.SIGKILL)
    with connect(("127.0.0.1", port)) as sock:
        for _ in range(5):
            sock.sendall(bytes(100000))
            got = 0
            while got < 100000:
                got += len(sock.recv(100000))


def test_crash_again_and_again(start_server, probe, service):
    """Pauses grow, but it comes back."""
    server = start_server("aditd", config=["Workers 1"])
    for _ in range(3):
        victim = until(lambda: family(server).get("worker"))[0]
        os.kill(victim, signal.SIGKILL)
        until(lambda gone=victim: family(server).get("worker", [gone]) != [gone])
    works(probe(server), service)


# ---- audit records ----

def test_records_as_json(start_server, probe, service):
    """Each line is an object; the fields of a login, a forward, a listener, and refusals that name their rule."""
    server = start_server("aditd")
    audit = server.folder / "audit"
    server.reload([f"AuditLog {audit}", "LogFormat json", "DenyOpen 127.0.0.9", "PermitListen *:1024-65535"])
    goal = service()
    one = probe(server)
    reader, writer = one.open(*goal.address)
    one.write(writer, b"twelve bytes", last=True)
    do(reader.readexactly(12))
    do(reader.read())
    assert one.reaches("127.0.0.9", 7) == "prohibited"
    assert one.reaches("localhost", 1) == "failed"
    port = free_port()
    assert one.listen("127.0.0.1", port) and one.listen("127.0.0.1", 77) is None
    one.close()
    records = {}

    def whole():
        lines = audit.read_text(encoding="utf-8").splitlines() if audit.exists() else []
        for line in lines:
            record = json.loads(line)
            records.setdefault(record["event"], {})[record.get("requested_port")] = record
        return "login" in records
    until(whole)
    assert os.stat(audit).st_mode & 0o077 == 0
    login = records["login"][None]
    assert login["user"] == server.user and login["source"] == "127.0.0.1" and login["source_port"] > 0
    assert login["key"].startswith("ED25519 SHA256:") and login["kind"] == "publickey" and login["end"] == "closed"
    assert login["from_client"] == login["to_client"] == 12 and float(login["duration"]) >= 0
    forward = records["forward"][goal.port]
    assert forward["kind"] == "direct-tcpip" and forward["requested"] == forward["actual"] == "127.0.0.1"
    assert forward["actual_port"] == goal.port and forward["end"] == "closed"
    assert forward["from_client"] == forward["to_client"] == 12 and forward["user"] == server.user
    assert records["forward"][1]["requested"] == "localhost" and records["forward"][1]["end"] == "failed"
    listener = records["listener"][port]
    assert listener["kind"] == "tcpip-forward" and listener["requested"] == listener["actual"] == "127.0.0.1"
    assert records["forward-refused"][7]["rule"] == "DenyOpen 127.0.0.9"
    assert "77" in records["listener-refused"][77]["rule"]
    assert len({record["connection"] for kind in records.values() for record in kind.values()}) == 1
    assert all(re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record["time"])
               for kind in records.values() for record in kind.values())


NAMES = ['quo"te', "back\\slash", "a b", "x=y", "ümlaut", "event=login", "]}[{", "' OR 1"]
TARGETS = ["new\nline", "esc\x1b[31m", "tab\there", 'quo"te', "\u202eright", "nul\0byte"]


@pytest.mark.parametrize("form", ["text", "json"])
def test_strings_of_peers(start_server, probe, form):
    """No name and no target breaks a line or makes up a field."""
    server = start_server("aditd")
    audit = server.folder / "audit"
    server.reload([f"AuditLog {audit}", f"LogFormat {form}"])
    for name in NAMES:
        one = probe(server, user=name)
        for target in TARGETS:
            assert one.reaches(target, 7) in ("prohibited", "failed")
        one.close()
    text = until(lambda: audit.read_text(encoding="utf-8").count("publickey") >= len(NAMES) and
                 audit.read_text(encoding="utf-8"))
    for line in text.splitlines():
        assert not re.search(r"[\x00-\x1f\x7f\u202e]", line)
        if form == "json":
            assert json.loads(line)["user"]
        else:
            assert re.fullmatch(r'time=\S+ event=[a-z-]+( [a-z_]+=("([^"\\]|\\.)*"|[\d.]+))+', line), line
    assert text.count("\n") == len(text.splitlines())
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", server.log())


def test_refused_login_in_records(lab, start_server):
    server = start_server("aditd", config=["DenyUsers digger"])
    with pytest.raises(Exception, match="ermission"):
        Probe(server, lab.key, user="digger")
    record = server.record("login-refused")
    assert record["user"] == "digger" and record["rule"] == "DenyUsers digger"
    assert record["source"] == "127.0.0.1" and not keytool.public(lab.key).split()[1] in server.log()


def test_flood_of_refusals_is_counted(start_server, probe):
    """What comes too fast is not written but counted."""
    server = start_server("aditd", config=["AllowTcpForwarding no"])
    one = probe(server)
    for _ in range(400):
        assert one.reaches("127.0.0.1", 7) == "prohibited"
    one.close()
    os.kill(server.pid, signal.SIGTERM)
    server.child.ended()
    records = server.records()
    written = sum(record["event"] == "forward-refused" for record in records)
    counted = sum(int(record["suppressed"]) for record in records if record["event"] == "suppressed")
    assert written < 400 and written + counted == 400
