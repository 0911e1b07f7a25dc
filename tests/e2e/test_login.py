"""Logging in: passwords, questions, keys, agents, several steps, and what is said when none of it helps."""
import os
import re
import struct

import pytest

from lab import client as adit
from lab import keys as keytool
from lab.agent import ScriptedAgent, askpass
from lab.proc import until
from lab.services import ping
from lab.wire import Reader, string

SECRET = "correct horse battery"
QUESTIONS = {"prompts": [["Favourite colour: ", True], ["Mother's maiden name: ", False]],
             "answers": ["blue", "no, yellow"]}


@pytest.fixture
def password_server(lab):
    return lab.shared("asyncssh", "password", keys=False, password=SECRET)


@pytest.fixture
def question_server(lab):
    return lab.shared("asyncssh", "questions", keys=False, **QUESTIONS)


@pytest.fixture
def asking(work):
    """asking(*answers): the environment of a person who answers in a window; .asked() are the questions."""
    class Asking(dict):
        def asked(self):
            return self.notes.read_text(encoding="utf-8").splitlines()

    def start(*answers, require="force"):
        program, notes = askpass(work / "askpass", *answers)
        environment = Asking(SSH_ASKPASS=program, SSH_ASKPASS_REQUIRE=require)
        environment.notes = notes
        return environment
    return start


def attempts(server, method, before=0):
    """What a server saw of a method: the last words of its events. It may tell of the last one when the client is gone."""
    return [event[2:] for event in server.events()[before:] if event[:2] == ["auth", method]]


def local(port, service):
    return ["-L", f"{port}:127.0.0.1:{service().port}"]


def test_password_on_terminal(password_server, client, service, port):
    one = client(password_server, *local(port, service), key=None, how={"tty": True})
    one.told(r"digger@127\.0\.0\.1's password: ")
    one.type(SECRET + "\n")
    one.stands(port)
    ping(("127.0.0.1", port))
    assert SECRET not in one.said


@pytest.mark.parametrize("kind", ["asyncssh", "paramiko"])
def test_password_second_try(lab, client, service, port, kind):
    server = lab.shared(kind, "password", keys=False, password=SECRET)
    one = client(server, *local(port, service), key=None, how={"tty": True})
    one.told("password: ")
    one.type("wrong\n")
    again = one.told("Permission denied, please try again")
    one.told("password: ", after=again.end())
    one.type(SECRET + "\n")
    one.stands(port)
    ping(("127.0.0.1", port))


def test_password_too_long(password_server, client, service, port):
    """It is not cut, not sent and not the end: the person is asked again."""
    before = len(password_server.events())
    one = client(password_server, *local(port, service), key=None, how={"tty": True})
    one.told("password: ")
    one.type("x" * 1024 + "\n")
    again = one.told("the answer is longer than 1023 bytes")  # and not "permission denied"
    one.told("password: ", after=again.end())
    one.type(SECRET + "\n")
    one.stands(port)
    until(lambda: attempts(password_server, "password", before) == [[SECRET, True]])


def test_passwords_too_long(password_server, client, service, port, asking):
    """Nor for ever."""
    env = asking(*["x" * 1024] * 4)
    before = len(password_server.events())
    client(password_server, *local(port, service), key=None, how={"env": env}).fails(r"Permission denied", lines=6)
    assert len(env.asked()) == 3 and attempts(password_server, "password", before) == []


def test_answer_too_long(question_server, client, service, port, asking):
    env = asking("x" * 1024, *QUESTIONS["answers"])
    client(question_server, *local(port, service), key=None, how={"env": env}).stands(port)
    assert len(env.asked()) == 3


def test_password_by_askpass(password_server, client, service, port, asking):
    env = asking(SECRET)
    client(password_server, *local(port, service), key=None, how={"env": env}).stands(port)
    ping(("127.0.0.1", port))
    assert env.asked() == ["digger@127.0.0.1's password: "] or env.asked() == ["digger@127.0.0.1's password:"]


@pytest.mark.parametrize("number", [1, 2])
def test_number_of_prompts(password_server, client, service, port, asking, number):
    before = len(password_server.events())
    env = asking("wrong1", "wrong2", "wrong3", "wrong4")
    client(password_server, *local(port, service), key=None, options=[f"NumberOfPasswordPrompts={number}"],
           how={"env": env}).fails(r"digger@127\.0\.0\.1: Permission denied \(", lines=number)
    until(lambda: len(attempts(password_server, "password", before)) == number)
    assert len(env.asked()) == number


def test_batch_mode(password_server, client, service, port, asking):
    """Nobody is asked anything."""
    env = asking(SECRET)
    before = len(password_server.events())
    client(password_server, *local(port, service), key=None, options=["BatchMode=yes"], how={"env": env}).fails(
        r"Permission denied \(")
    assert env.asked() == [] and attempts(password_server, "password", before) == []


def test_nobody_to_ask(password_server, client, service, port):
    """No terminal and no askpass: the end, not a hang, and no empty password is tried for ever."""
    client(password_server, *local(port, service), key=None).fails(r"Permission denied", lines=6)


def test_questions_on_terminal(question_server, client, service, port):
    one = client(question_server, *local(port, service), key=None, how={"tty": True})
    one.told("Favourite colour: ")
    one.type("blue\n")
    one.told("Mother's maiden name: ")
    one.type("no, yellow\n")
    one.stands(port)
    ping(("127.0.0.1", port))
    assert "Answer all of them" in one.said
    assert "blue" in one.said and "no, yellow" not in one.said  # echo as each prompt says


@pytest.mark.parametrize("kind", ["asyncssh", "paramiko"])
def test_questions_by_askpass(lab, client, service, port, asking, kind):
    server = lab.shared(kind, "questions", keys=False, **QUESTIONS)
    env = asking(*QUESTIONS["answers"])
    client(server, *local(port, service), key=None, how={"env": env}).stands(port)
    ping(("127.0.0.1", port))
    assert len(env.asked()) == 2
    assert "Favourite colour" in env.asked()[0] and "maiden" in env.asked()[1]


def test_wrong_answers(question_server, client, service, port, asking):
    before = len(question_server.events())
    client(question_server, *local(port, service), key=None, options=["NumberOfPasswordPrompts=2"],
           how={"env": asking("red", "x", "green", "y", "z")}).fails(r"Permission denied \(", lines=8)

    def answers():
        return [event for event in attempts(question_server, "keyboard-interactive", before) if event[0] != "asked"]
    until(lambda: answers() == [[["red", "x"], False], [["green", "y"], False]])


def test_preferred(lab, client, service, port, asking):
    """PreferredAuthentications: the password comes first, the key is not even tried."""
    server = lab.shared("paramiko", "both", password=SECRET)
    before = len(server.events())
    client(server, *local(port, service), options=["PreferredAuthentications=password,publickey"],
           how={"env": asking(SECRET)}).stands(port)
    assert attempts(server, "publickey", before) == []
    until(lambda: attempts(server, "password", before) == [[SECRET, True]])


def test_key_before_password(lab, client, service, port, asking):
    """By default keys come first, and nobody is asked."""
    server = lab.shared("paramiko", "both", password=SECRET)
    env = asking(SECRET)
    client(server, *local(port, service), how={"env": env}).stands(port)
    assert env.asked() == []


@pytest.mark.parametrize("option", ["PubkeyAuthentication=no", "PreferredAuthentications=password"])
def test_no_keys_wanted(openssh, client, port, option):
    client(openssh, "-L", f"{port}:127.0.0.1:1", options=[option]).fails(r"Permission denied \(publickey\)")


def test_permission_denied(lab, openssh, client, port):
    """OpenSSH's sentence."""
    stranger = lab.keys.make("stranger")
    said = client(openssh, "-L", f"{port}:127.0.0.1:1", key=stranger).fails()
    assert said.strip() == f"{openssh.user}@127.0.0.1: Permission denied (publickey)."


def test_several_identities(lab, openssh, client, service, port):
    """The second file is the right one."""
    client(openssh, *local(port, service), "-i", lab.keys.make("stranger")).stands(port)
    ping(("127.0.0.1", port))


def test_identity_from_config(lab, openssh, run, service, port, work):
    """IdentityFile and known_hosts said in a configuration, nothing on the command line."""
    (work / "known").write_text(openssh.known_hosts(), encoding="ascii")
    (work / "config").write_text(f"""Host home
    HostName 127.0.0.1
    Port {openssh.port}
    User {openssh.user}
    IdentityFile {lab.keys.make("stranger")}
    IdentityFile {lab.key}
    IdentitiesOnly yes
    UserKnownHostsFile {work}/known
    LocalForward {port} 127.0.0.1:{service().port}
""", encoding="ascii")
    run(*adit.command(None, config=work / "config"), "home").stands(port)
    ping(("127.0.0.1", port))


def test_missing_identity(openssh, client, port, work):
    """A file that is not there is named."""
    client(openssh, "-L", f"{port}:127.0.0.1:1", key=work / "no-such-key").fails(
        r"no-such-key.*No such file or directory", lines=3)


@pytest.mark.parametrize("content", [b"", b"rubbish\n", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"
                                     b"-----END OPENSSH PRIVATE KEY-----\n", b"\xff\x00\x1b[2J" * 100])
def test_rubbish_identity(openssh, client, port, work, content):
    (work / "rubbish").write_bytes(content)
    os.chmod(work / "rubbish", 0o600)
    client(openssh, "-L", f"{port}:127.0.0.1:1", key=work / "rubbish").fails(r"rubbish(.|\n)*Permission denied",
                                                                             lines=3)


def test_world_readable_identity(lab, openssh, client, port):
    """OpenSSH's words, and the key is not used."""
    said = client(openssh, "-L", f"{port}:127.0.0.1:1", key=lab.keys.copy("open_key", lab.key, 0o644)).fails(lines=12)
    for sentence in ("WARNING: UNPROTECTED PRIVATE KEY FILE!", "Permissions 0644 for '", "are too open.",
                     "It is required that your private key files are NOT accessible by others.",
                     "This private key will be ignored.", "Permission denied (publickey)."):
        assert sentence in said


@pytest.fixture
def locked_key(lab, openssh):
    """A key with a passphrase that the server lets in, alone in its folder."""
    key = lab.keys.make("locked", passphrase="open sesame")
    with open(openssh.folder / "authorized_keys", "a+", encoding="ascii") as text:
        text.seek(0)
        if keytool.public(key) not in text.read():
            text.write(keytool.public(key) + "\n")
    return key


def test_passphrase_on_terminal(openssh, client, service, port, locked_key):
    one = client(openssh, *local(port, service), key=locked_key, how={"tty": True})
    one.told(f"Enter passphrase for key '{re.escape(str(locked_key))}': ")
    one.type("wrong\n")
    one.told("Enter passphrase for key(.|\n)*Enter passphrase for key")
    one.type("open sesame\n")
    one.stands(port)
    ping(("127.0.0.1", port))
    assert "sesame" not in one.said


def test_passphrase_attempts(openssh, client, port, locked_key, asking):
    """NumberOfPasswordPrompts counts for passphrases too; then the key is given up."""
    env = asking("a", "b", "c", "d", "e")
    client(openssh, "-L", f"{port}:127.0.0.1:1", key=locked_key, options=["NumberOfPasswordPrompts=2"],
           how={"env": env}).fails("Permission denied", lines=3)
    assert len(env.asked()) == 2


def test_passphrase_only_if_useful(openssh, lab, client, port, asking):
    """A key that the server does not want is never unlocked: its .pub is asked about first."""
    env = asking("open sesame")
    client(openssh, "-L", f"{port}:127.0.0.1:1", key=lab.keys.make("locked_stranger", passphrase="open sesame"),
           how={"env": env}).fails("Permission denied")
    assert env.asked() == []


def test_passphrase_batch_mode(openssh, client, port, locked_key, asking):
    env = asking("open sesame")
    client(openssh, "-L", f"{port}:127.0.0.1:1", key=locked_key, options=["BatchMode=yes"],
           how={"env": env}).fails("Permission denied", lines=2)
    assert env.asked() == []


@pytest.mark.parametrize("require, window", [("never", False), ("force", True)])
def test_askpass_or_terminal(openssh, client, service, port, locked_key, asking, require, window):
    """SSH_ASKPASS_REQUIRE decides between the window and the terminal."""
    env = asking("open sesame", require=require)
    one = client(openssh, *local(port, service), key=locked_key, how={"tty": True, "env": env})
    if not window:
        one.told("Enter passphrase for key")
        one.type("open sesame\n")
    one.stands(port)
    assert bool(env.asked()) == window


def test_agent_unlocks(openssh, lab, client, service, port, agent, locked_key):
    """The agent has the unlocked key: nobody is asked."""
    import subprocess
    plain = lab.keys.copy("locked_copy", locked_key)
    subprocess.run(["ssh-keygen", "-q", "-p", "-P", "open sesame", "-N", "", "-f", plain], check=True,
                   stdout=subprocess.DEVNULL)
    agent.add(plain)
    client(openssh, *local(port, service), key=locked_key, how={"env": {"SSH_AUTH_SOCK": agent.socket}}).stands(port)
    ping(("127.0.0.1", port))


def test_identities_only(lab, client, service, port, agent):
    """IdentitiesOnly: of all the agent's keys only the named one is offered."""
    server = lab.shared("paramiko")
    others = [lab.keys.make(f"other{number}") for number in range(4)]
    agent.add(*others, lab.keys.user("ecdsa256"))
    before = len(server.events())
    client(server, *local(port, service), key=lab.keys.user("ecdsa256"),
           how={"env": {"SSH_AUTH_SOCK": agent.socket}}).stands(port)
    until(lambda: {kind for kind, _ in attempts(server, "publickey", before)} == {"ecdsa-sha2-nistp256"})


def test_agent_with_many_keys(lab, start_server, client, service, port, agent):
    """The right key is the fourth; the server's limit of six attempts is not reached."""
    server = start_server()
    agent.add(*[lab.keys.make(f"other{number}") for number in range(3)], lab.key)
    client(server, *local(port, service), key=None, options=["IdentitiesOnly=no"],
           how={"env": {"SSH_AUTH_SOCK": agent.socket}}).stands(port)
    ping(("127.0.0.1", port))


def test_short_rsa_key(lab, openssh, client, port):
    """RequiredRSASize counts for the user's own keys: one line names the key and the option."""
    key = lab.keys.user("rsa")
    said = client(openssh, "-L", f"{port}:127.0.0.1:1", key=key, options=["RequiredRSASize=3072"],
                  known_hosts=openssh.known_hosts("ed25519")).fails("Permission denied", lines=2)
    assert re.search(rf"{re.escape(str(key))}: an RSA key of 2048 bits, and RequiredRSASize is 3072", said), said


def test_short_rsa_key_of_the_agent(lab, openssh, client, service, port, agent):
    """The next key of the agent is used instead."""
    agent.add(lab.keys.user("rsa"), lab.keys.user("ecdsa256"))
    one = client(openssh, *local(port, service), key=None, known_hosts=openssh.known_hosts("ed25519"),
                 options=["IdentitiesOnly=no", "RequiredRSASize=3072"],
                 how={"env": {"SSH_AUTH_SOCK": agent.socket}}).stands(port)
    one.told("Skipping key SHA256:.*RequiredRSASize is 3072")


SK_POINT = b"\4" + bytes(range(64))
SK_KEYS = {
    "sk-ssh-ed25519@openssh.com": string("sk-ssh-ed25519@openssh.com") + string(bytes(32)) + string("ssh:"),
    "sk-ecdsa-sha2-nistp256@openssh.com": string("sk-ecdsa-sha2-nistp256@openssh.com") + string("nistp256") +
                                          string(SK_POINT) + string("ssh:"),
}


def sk_certificate(kind):
    """A user certificate with this key in it; what its CA signed is the server's to look at."""
    fields = SK_KEYS[kind][4 + len(kind):]
    name = kind.replace("@openssh.com", "-cert-v01@openssh.com")
    ca = string("ssh-ed25519") + string(bytes(32))
    return name, (string(name) + string(b"nonce") + fields + struct.pack("!QI", 1, 1) + string("id") + string("") +
                  struct.pack("!QQ", 0, 1 << 63) + string("") + string("") + string("") + string(ca) +
                  string(string("ssh-ed25519") + string(bytes(64))))


SK_BLOBS = [*SK_KEYS.items(), *map(sk_certificate, SK_KEYS)]


@pytest.mark.parametrize("name, blob", SK_BLOBS, ids=[name for name, _ in SK_BLOBS])
def test_security_key(play, work, cleanup, name, blob):
    """A key on a token, held by the agent: asked about first, because it needs a touch; the signature (with flags and
    counter behind it) goes to the server as it is. It is never a host key algorithm."""
    plain = name.replace("-cert-v01", "")
    signature = string(plain) + string(b"raw signature") + b"\1" + struct.pack("!I", 7)
    scripted = ScriptedAgent(work, [blob], lambda *_: signature)
    cleanup.callback(scripted.close)

    def script(wire):
        wire.hello()
        wire.handshake()
        assert b"sk-" not in Reader(wire.their_kexinit, 17 + 4 + len(Reader(wire.their_kexinit, 17).string())).string()
        wire.ext_info()
        wire.login()
        wire.serve()
    _, evil = play(script, ends=False, key=None,
                   options=["IdentitiesOnly=no", "HostKeyAlgorithms=+sk-*", "LogLevel=DEBUG1"],
                   how={"env": {"SSH_AUTH_SOCK": scripted.socket}})
    (_, query), (_, signed) = evil.wires[0].logins
    payload = string(name) + string(blob)
    assert query.endswith(b"\0" + payload)
    assert signed.endswith(b"\1" + payload + string(signature))
    (asked, data, flags), = scripted.requests
    assert asked == blob and flags == 0 and data == string(evil.wires[0].session) + signed[:-len(string(signature))]


def test_security_key_excluded(play, work, cleanup):
    """PubkeyAcceptedAlgorithms without it: the agent is never asked to sign."""
    scripted = ScriptedAgent(work, list(SK_KEYS.values()), lambda *_: None)
    cleanup.callback(scripted.close)
    play(lambda wire: wire.welcome(), key=None, pattern="Permission denied",
         options=["IdentitiesOnly=no", "PubkeyAcceptedAlgorithms=-sk-*"],
         how={"env": {"SSH_AUTH_SOCK": scripted.socket}})
    assert scripted.requests == []


def test_dead_agent(openssh, client, service, port, work):
    """An agent that is gone is no reason not to use the file."""
    client(openssh, *local(port, service), how={"env": {"SSH_AUTH_SOCK": work / "gone"}}).stands(port)


def test_two_keys_needed(lab, start_server, client, service, port):
    """Partial success: the server wants two different keys."""
    server = start_server(config=["AuthenticationMethods publickey,publickey"])
    client(server, *local(port, service), "-i", lab.keys.user("ecdsa256")).stands(port)
    ping(("127.0.0.1", port))


STEPS = [["publickey", "password"], ["password", "keyboard-interactive"],
         ["publickey", "keyboard-interactive", "password"]]


@pytest.mark.parametrize("steps", STEPS, ids=["+".join(steps) for steps in STEPS])
def test_several_steps(start_server, client, service, port, asking, steps):
    server = start_server("paramiko", steps=steps, password=SECRET, **QUESTIONS)
    answers = {"publickey": [], "password": [SECRET], "keyboard-interactive": QUESTIONS["answers"]}
    env = asking(*[answer for step in steps for answer in answers[step]])
    client(server, *local(port, service), how={"env": env}).stands(port)
    ping(("127.0.0.1", port))


BANNER = "Mind the gap\nsecond line \x1b[31mred\x1b[0m \x07bell\n"


def test_banner(start_server, client, service, port):
    """Shown whole, its control characters made harmless."""
    one = client(start_server("asyncssh", banner=BANNER), *local(port, service)).stands(port)
    one.told("Mind the gap\r?\nsecond line .*red.*bell")
    one.check()
    assert "\x1b" not in one.said and "\x07" not in one.said


def test_banner_quiet(start_server, client, service, port):
    one = client(start_server("asyncssh", banner=BANNER), "-q", *local(port, service)).stands(port)
    ping(("127.0.0.1", port))
    assert one.said == ""


def test_wrong_user(openssh, client, port):
    client(openssh, "-L", f"{port}:127.0.0.1:1", user="no-such-user").fails(
        r"no-such-user@127\.0\.0\.1: Permission denied \(publickey\)")
