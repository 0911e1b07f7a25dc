"""Which host keys are believed: known_hosts in all its forms, the questions asked, certificates, refusals."""
import os
import re
import subprocess

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab import keys as keytool
from lab.services import ping
from lab.wire import GLOBAL_REQUEST, REQUEST_FAILURE, REQUEST_SUCCESS, Reader, string


@pytest.fixture
def trust(client, openssh, service, port):
    """trust(known_hosts, *flags, ...): does the client go in with these known_hosts?"""
    def start(known_hosts, *flags, server=openssh, **more):
        more.setdefault("options", ["HostKeyAlgorithms=ssh-ed25519"])
        return client(server, "-L", f"{port}:127.0.0.1:{service().port}", *flags, known_hosts=known_hosts, **more)

    def works(*args, **more):
        one = start(*args, **more).stands(port)
        ping(("127.0.0.1", port))
        return one
    start.works = works
    return start


ACCEPTED = "Warning: Permanently added "


def test_unknown_yes(trust):
    trust("").fails(r"Host key verification failed|No ED25519 host key is known", lines=3)


def test_unknown_batch(trust):
    """Nobody to ask: no."""
    trust("", strict="ask", options=["BatchMode=yes"]).fails("Host key verification failed", lines=3)


@pytest.mark.parametrize("strict", ["no", "accept-new", "off"])
def test_unknown_accepted(trust, openssh, work, strict):
    one = trust.works("", strict=strict)
    one.told(ACCEPTED + rf"'\[127\.0\.0\.1\]:{openssh.port}' \(ED25519\) to the list of known hosts")
    assert (work / "known_hosts").read_text(encoding="ascii") == openssh.known_hosts("ed25519")


def test_added_line_is_not_glued(trust, openssh, work):
    """A file whose last line has no newline stays whole."""
    trust.works("somebody ssh-ed25519 " + "A" * 68, strict="accept-new")
    lines = (work / "known_hosts").read_text(encoding="ascii").splitlines()
    assert lines == ["somebody ssh-ed25519 " + "A" * 68, openssh.known_hosts("ed25519").strip()]


def fingerprint(server, kind="ed25519"):
    text = subprocess.run(["ssh-keygen", "-lf", str(server.host_keys[kind]) + ".pub"], capture_output=True, text=True,
                          check=True).stdout
    return text.split()[1]


def test_question_yes(trust, openssh, port, work):
    one = trust("", strict="ask", how={"tty": True})
    one.told(re.escape(fingerprint(openssh)))
    question = one.told(r"Are you sure you want to continue connecting \(yes/no/\[fingerprint\]\)\? ")
    assert "The authenticity of host '[127.0.0.1]:" in one.said
    one.type("perhaps\n")
    one.told(r"Please type 'yes', 'no' or the fingerprint: ", after=question.end())
    one.type("yes\n")
    one.stands(port)
    assert (work / "known_hosts").read_text(encoding="ascii") == openssh.known_hosts("ed25519")


def test_question_no(trust, work):
    one = trust("", strict="ask", how={"tty": True})
    one.told(r"\[fingerprint\]\)\? ")
    one.type("no\n")
    one.fails("Host key verification failed", lines=0)
    assert (work / "known_hosts").read_text(encoding="ascii") == ""


@pytest.mark.parametrize("right", [True, False])
def test_question_fingerprint(trust, openssh, port, right):
    one = trust("", strict="ask", how={"tty": True})
    question = one.told(r"\[fingerprint\]\)\? ")
    one.type((fingerprint(openssh) if right else "SHA256:" + "A" * 43) + "\n")
    if right:
        one.stands(port)
    else:
        one.told("Please type 'yes', 'no' or the fingerprint", after=question.end())


def test_question_by_askpass(trust, port, work):
    from lab.agent import askpass
    program, asked = askpass(work / "askpass", "yes")
    trust("", strict="ask", how={"env": {"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force"}}).stands(port)
    assert "continue connecting" in asked.read_text(encoding="utf-8")


@pytest.mark.parametrize("strict", ["yes", "ask", "accept-new"])
def test_changed(trust, lab, openssh, work, strict):
    """A hard stop that names file and line and says what a person should do; nobody is asked."""
    other = lab.keys.make("impostor")
    text = "# a comment\n" + keytool.known_host(openssh, other)
    said = trust(text, strict=strict, how={"tty": True}).fails(lines=0)
    assert "REMOTE HOST IDENTIFICATION HAS CHANGED" in said
    assert re.search(rf"{re.escape(str(work))}/known_hosts:2", said), said
    assert fingerprint(openssh) in said
    assert "Host key verification failed" in said
    assert "yes/no" not in said
    assert (work / "known_hosts").read_text(encoding="ascii") == text


def test_changed_in_another_type(trust, lab, openssh):
    """The known key is RSA, the offered one is Ed25519: whoever insists on that type has no reason to trust it."""
    trust(openssh.known_hosts("rsa")).fails(r"REMOTE HOST IDENTIFICATION HAS CHANGED(.|\n)*known_hosts:1", lines=0)


def test_changed_no_password(lab, client, port, work):
    """StrictHostKeyChecking no goes on with a changed key, but never with a password."""
    server = lab.shared("asyncssh", "password", keys=False, password="correct horse battery")
    from lab.agent import askpass
    program, asked = askpass(work / "askpass", "correct horse battery", "correct horse battery")
    before = len(server.events())
    client(server, "-L", f"{port}:127.0.0.1:1", strict="no", key=None, options=["HostKeyAlgorithms=ssh-ed25519"],
           known_hosts=keytool.known_host(server, lab.keys.make("impostor")),
           how={"env": {"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force"}}).fails(
               "REMOTE HOST IDENTIFICATION HAS CHANGED", lines=0)
    assert asked.read_text(encoding="utf-8") == ""
    assert not [event for event in server.events()[before:] if event[0] == "auth"]


def test_no_login_before_the_key(lab, client, port):
    """A key that is refused ends it before a user name, a key or a password has left."""
    server = lab.shared("asyncssh", "password", keys=False, password="correct horse battery")
    before = len(server.events())
    client(server, "-L", f"{port}:127.0.0.1:1", known_hosts="").fails(
        "Host key verification failed", lines=3)
    assert server.events()[before:] == []


HOSTS = "[127.0.0.1]:{port}"
FORMS = [
    ("port", "[127.0.0.1]:{port} {key}", True),
    ("list", "example.com,[127.0.0.1]:{port},10.0.0.1 {key}", True),
    ("tab", "[127.0.0.1]:{port}\t{key}", True),
    ("wildcard", "[127.0.0.*]:{port} {key}", True),
    ("question mark", "[127.0.0.?]:* {key}", True),
    ("star", "* {key}", True),
    ("negated", "*,![127.0.0.1]:{port},!127.0.0.1 {key}", False),
    ("without port", "127.0.0.1 {key}", True),
    ("other port", "[127.0.0.1]:1 {key}", False),
    ("comment behind", "[127.0.0.1]:{port} {key} the quick brown fox", True),
    ("after rubbish", "rubbish\n|1|x|y {key}\n[127.0.0.1]:{port} ssh-ed25519\n[127.0.0.1]:{port} {key}", True),
    ("revoked", "@revoked * {key}\n[127.0.0.1]:{port} {key}", False),
    ("revoked later", "[127.0.0.1]:{port} {key}\n@revoked [127.0.0.1]:{port} {key}", False),
    ("unknown marker", "@wonderful [127.0.0.1]:{port} {key}", False),
    ("two of them", "[127.0.0.1]:{port} {other}\n[127.0.0.1]:{port} {key}", True),
    ("truncated key", "[127.0.0.1]:{port} {cut}", False),
    ("last line without newline", "[127.0.0.1]:{port} {key}", True),
]


@pytest.mark.parametrize("text, trusted", [f[1:] for f in FORMS], ids=[f[0] for f in FORMS])
def test_form(trust, lab, openssh, text, trusted):
    key = keytool.public(openssh.host_keys["ed25519"])
    text = text.format(port=openssh.port, key=key, cut=key[:-6], other=keytool.public(lab.keys.make("impostor")))
    if trusted:
        trust.works(text)
    else:
        trust(text).fails("Host key verification failed|revoked", lines=0)


@pytest.mark.parametrize("strict", ["yes", "no"])
def test_revoked_says_so(trust, openssh, strict):
    """A revoked key is never used for forwarding, whatever StrictHostKeyChecking says."""
    said = trust("@revoked * " + keytool.public(openssh.host_keys["ed25519"]) + "\n", strict=strict).fails(lines=0)
    assert "revoked" in said.lower()


def test_hashed(trust, openssh, work):
    (work / "known_hosts").write_text(openssh.known_hosts(), encoding="ascii")
    keytool.keygen("-H", "-f", work / "known_hosts")
    assert (work / "known_hosts").read_text(encoding="ascii").startswith("|1|")
    trust.works(work / "known_hosts")


def test_hash_known_hosts(trust, openssh, work):
    """What we write hashed, ssh-keygen finds."""
    trust.works("", strict="accept-new", options=["HashKnownHosts=yes", "HostKeyAlgorithms=ssh-ed25519"])
    text = (work / "known_hosts").read_text(encoding="ascii")
    assert text.startswith("|1|") and "127.0.0.1" not in text
    found = subprocess.run(["ssh-keygen", "-F", f"[127.0.0.1]:{openssh.port}", "-f", work / "known_hosts"],
                           capture_output=True, text=True, check=True).stdout
    assert keytool.public(openssh.host_keys["ed25519"]) in found


def test_alias(trust, openssh):
    """HostKeyAlias replaces name and port."""
    trust.works(openssh.known_hosts("ed25519", name="the.mine"),
                options=["HostKeyAlias=the.mine", "HostKeyAlgorithms=ssh-ed25519"])


def test_alias_alone_counts(trust, openssh):
    trust(openssh.known_hosts("ed25519"), options=["HostKeyAlias=another.mine"]).fails(
        "Host key verification failed", lines=3)


def test_several_files(trust, openssh, work):
    """The second file has it; the first does not exist. New keys would go to the first."""
    (work / "second").write_text(openssh.known_hosts(), encoding="ascii")
    trust.works(work / "unused", options=[f"UserKnownHostsFile={work}/first {work}/second"])
    assert not (work / "first").exists()


def test_global_file(trust, openssh, work):
    (work / "global").write_text(openssh.known_hosts(), encoding="ascii")
    trust.works(work / "none", options=[f"GlobalKnownHostsFile={work}/global"])


def test_file_is_made(trust, openssh, work):
    """known_hosts and its folder are made when missing, for nobody else to read."""
    path = work / "new" / "known_hosts"
    path.parent.mkdir(mode=0o700)
    trust.works(path, strict="accept-new")
    assert path.read_text(encoding="ascii") == openssh.known_hosts("ed25519")
    assert os.stat(path).st_mode & 0o077 == 0 or os.stat(path).st_mode & 0o022 == 0


@pytest.mark.parametrize("room", [0, 30])
def test_full_disk(trust, openssh, work, room):
    """The file cannot grow as far as it should: an error that names it, the file as it was, and the tunnel stands."""
    before = "somebody ssh-ed25519 AAAA\n"
    size = len(before) + room
    one = trust.works(before, strict="accept-new",
                      prefix=["prlimit", f"--fsize={size}:{size}", "sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"])
    one.told(rf"{re.escape(str(work))}/known_hosts")
    assert (work / "known_hosts").read_text(encoding="ascii") == before
    assert ACCEPTED not in one.said


def test_unwritable(trust, work):
    """The same with a folder that is none."""
    (work / "file").write_text("", encoding="ascii")
    one = trust.works(work / "file" / "known_hosts", strict="accept-new")
    one.told(r"(?i)file/known_hosts|could not|failed to add")


@pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
def test_revoked_host_keys(trust, openssh, work, binary):
    """RevokedHostKeys: a list of keys, or one of ssh-keygen -k; the sentence names the file."""
    revoked = keytool.public(openssh.host_keys["rsa"])
    if binary:
        keytool.revocations(work / "revoked", "sha256: " + revoked)
    else:
        (work / "revoked").write_text(revoked + "\n", encoding="ascii")
    trust.works(openssh.known_hosts(), options=[f"RevokedHostKeys={work}/revoked", "HostKeyAlgorithms=ssh-ed25519"])
    trust(openssh.known_hosts(), options=[f"RevokedHostKeys={work}/revoked", "HostKeyAlgorithms=rsa-sha2-512"]).fails(
        f"revoked.*{work}/revoked", lines=0)


def test_unreadable_revocations(trust, openssh, work):
    """No revocation list, no trust."""
    trust(openssh.known_hosts(), options=[f"RevokedHostKeys={work}/not-there"]).fails("not-there", lines=0)


@pytest.fixture
def certified(lab, start_server, cleanup):
    """certified(**settings of the certificate): a server with a host certificate, and the CA's line."""
    def start(kind="ed25519", ca_kind="ed25519", **settings):
        ca = lab.keys.make(f"host_ca_{ca_kind}", ca_kind)
        key = lab.keys.host(kind)
        cert = lab.keys.certify(ca, key, host=True, **{"principals": "127.0.0.1", **settings},
                                name=f"cert_{lab.count}.pub")
        cleanup.callback(os.unlink, cert)
        server = start_server(config=[f"HostCertificate {cert}"], host_kinds=[kind])
        return server, f"@cert-authority [127.0.0.1]:{server.port} {keytool.public(ca)}\n"
    return start


DEFAULT = []


@pytest.mark.parametrize("kind, ca", [("ed25519", "ed25519"), ("rsa", "ed25519"), ("ecdsa256", "rsa"),
                                      ("ecdsa384", "ecdsa384"), ("ecdsa521", "ecdsa521")])
def test_certificate(trust, certified, kind, ca):
    server, line = certified(kind, ca)
    trust.works(line, server=server, options=DEFAULT)


def test_certificate_wildcard(trust, certified):
    server, line = certified()
    trust.works("@cert-authority * " + line.split(" ", 2)[2], server=server, options=DEFAULT)


@pytest.mark.parametrize("settings, word", [
    ({"valid": "20200101:20200102"}, "expired"),
    ({"valid": "20900101:20900102"}, "not yet valid|not valid yet"),
    ({"principals": "another.host"}, "name|principal|other hosts"),
], ids=["expired", "not yet valid", "wrong principal"])
def test_bad_certificate(trust, certified, settings, word):
    """The CA is trusted, the certificate is not in order: why is said."""
    server, line = certified(**settings)
    said = trust(line, server=server, options=DEFAULT).fails("Host key verification failed", lines=5)
    assert re.search("(?i)" + word, said), said


@pytest.mark.parametrize("ca, options, word", [
    ("ed25519", ["CASignatureAlgorithms=ecdsa-sha2-nistp256,rsa-sha2-512"], "ssh-ed25519, which is not in CASignature"),
    ("rsa", ["CASignatureAlgorithms=-rsa-*"], "rsa-sha2-512, which is not in CASignatureAlgorithms"),
    ("rsa", ["RequiredRSASize=3072"], "RSA key of 2048 bits, and RequiredRSASize is 3072"),
], ids=["ed25519", "rsa", "short"])
def test_unwanted_ca(trust, certified, ca, options, word):
    """The CA is trusted, but not the way in which it signed."""
    server, line = certified(ca_kind=ca)
    said = trust(line, server=server, options=options).fails("Host key verification failed", lines=5)
    assert word in said, said


def test_wanted_ca(trust, certified):
    server, line = certified(ca_kind="rsa")
    trust.works(line, server=server, options=["CASignatureAlgorithms=rsa-sha2-512", "RequiredRSASize=2048"])


def test_certificate_of_a_stranger(trust, certified, lab):
    server, _ = certified()
    line = f"@cert-authority * {keytool.public(lab.keys.make('another_ca'))}\n"
    trust(line, server=server, options=DEFAULT).fails("Host key verification failed", lines=3)


def test_certificate_revoked_ca(trust, certified):
    server, line = certified()
    said = trust(line + line.replace("@cert-authority", "@revoked"), server=server, options=DEFAULT).fails(lines=0)
    assert re.search("(?i)revoked", said), said


@pytest.mark.parametrize("serials, works", [("1-4", True), ("5", False)])
def test_certificate_revoked_by_its_number(trust, certified, lab, work, serials, works):
    server, line = certified(serial=5)
    krl = keytool.revocations(work / "krl", f"serial: {serials}", "-s", str(lab.keys.make("host_ca_ed25519")) + ".pub")
    if works:
        trust.works(line, server=server, options=[f"RevokedHostKeys={krl}"])
    else:
        trust(line, server=server, options=[f"RevokedHostKeys={krl}"]).fails("the serial number of its cert", lines=0)


def test_plain_key_of_a_certified_host(trust, certified):
    """A certificate whose CA nobody knows: the plain key inside is looked up."""
    server, _ = certified()
    trust.works(server.known_hosts(), server=server, options=DEFAULT)


def test_ca_is_no_host_key(trust, openssh, lab):
    """A @cert-authority line with the host's own key does not make the plain key trusted."""
    trust(f"@cert-authority [127.0.0.1]:{openssh.port} {keytool.public(openssh.host_keys['ed25519'])}\n").fails(
        "Host key verification failed", lines=3)


@pytest.fixture
def learner(trust, lab, start_server, work, port):
    """learner(known, update, **more): adit towards a server with an Ed25519 and an ECDSA key, of which it knows `known`;
    returns (adit, server). read(): what the file has then."""
    def start(known="ed25519", update="yes", options=(), known_hosts=None, **more):
        server = start_server(host_kinds=["ed25519", "ecdsa256", "rsa"])
        one = trust.works(server.known_hosts(known) if known_hosts is None else known_hosts(server), server=server,
                          options=[f"UpdateHostKeys={update}", "LogLevel=VERBOSE", *options], **more)
        return one, server
    start.read = lambda: (work / "known_hosts").read_text(encoding="ascii")
    return start


LEARNED = "Learned a further host key: ECDSA SHA256:"


@pytest.mark.parametrize("known", ["ed25519", "ecdsa256", "rsa"])
def test_learn(trust, learner, known):
    """What the server proves is in the file afterwards, and is then good for a login with that key alone."""
    one, server = learner(known)
    one.told("Learned a further host key(.|\n)*Learned a further host key")
    lines = set(server.known_hosts().splitlines())
    assert set(learner.read().splitlines()) == lines
    before = learner.read()
    for algorithm in ("ecdsa-sha2-nistp256", "rsa-sha2-512", "ssh-ed25519"):
        trust.works(before, server=server, options=["UpdateHostKeys=no", f"HostKeyAlgorithms={algorithm}"]).stop()


def test_learn_hashed(learner, work):
    one, server = learner(options=["HashKnownHosts=yes"])
    one.told(LEARNED)
    assert len(re.findall(r"^\|1\|", learner.read(), re.MULTILINE)) == 2
    found = subprocess.run(["ssh-keygen", "-F", f"[127.0.0.1]:{server.port}", "-f", work / "known_hosts"],
                           capture_output=True, text=True, check=True).stdout
    assert keytool.public(server.host_keys["ecdsa256"]) in found


def test_learn_only_wanted_types(learner):
    """HostKeyAlgorithms says what this server may ever come with."""
    one, server = learner(options=["HostKeyAlgorithms=ssh-ed25519,ecdsa-sha2-nistp256"])
    one.told(LEARNED)
    assert learner.read() == server.known_hosts("ed25519", "ecdsa256")


def test_learn_not_revoked(learner, lab, work):
    (work / "revoked").write_text(keytool.public(lab.keys.host("ecdsa256")) + "\n", encoding="ascii")
    one, server = learner(options=[f"RevokedHostKeys={work}/revoked"])
    one.told("Learned a further host key: RSA")
    assert learner.read() == server.known_hosts("ed25519", "rsa")


NOT_LEARNED = {
    "no": {"update": "no"},
    "batch mode": {"update": "ask", "options": ["BatchMode=yes"]},
    "nobody to ask": {"update": "ask"},
    "pattern": {"known_hosts": lambda s: s.known_hosts("ed25519", name="[127.0.0.*]:*")},
    "bare name": {"known_hosts": lambda s: s.known_hosts("ed25519", name="127.0.0.1")},
    "a CA beside it": {"known_hosts": lambda s: s.known_hosts("ed25519") + "@cert-authority * " +
                       keytool.public(s.host_keys["rsa"]) + "\n"},
    "accepted unasked": {"known_hosts": lambda s: "", "strict": "accept-new", "grows": True},
}


@pytest.mark.parametrize("case", NOT_LEARNED.values(), ids=NOT_LEARNED)
def test_not_learned(learner, port, case):
    """Nothing is written; a second connection through the tunnel comes behind the server's list and its answer."""
    case = dict(case)
    grows = case.pop("grows", False)
    one, server = learner(**case)
    ping(("127.0.0.1", port))
    expected = case["known_hosts"](server) if "known_hosts" in case else server.known_hosts("ed25519")
    assert learner.read().count("\n") == expected.count("\n") + grows
    assert "Learned" not in one.said


def test_not_learned_beside_global_file(learner, work, lab):
    """The key is known to everybody's file, not to the user's."""
    one, _ = learner(known_hosts=lambda s: (work / "global").write_text(s.known_hosts("ed25519"), encoding="ascii") and "",
                     options=[f"GlobalKnownHostsFile={work}/global"])
    assert learner.read() == "" and "Learned" not in one.said


@pytest.mark.parametrize("answer", ["yes", "no"])
def test_learn_asked(learner, work, port, answer):
    from lab.agent import askpass
    program, asked = askpass(work / "askpass", answer)
    one, server = learner(update="ask", how={"env": {"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force"}})
    one.told("proved that it has a further host key: RSA")
    ping(("127.0.0.1", port))
    assert "Add to the list of known hosts" in asked.read_text(encoding="utf-8")
    if answer == "yes":
        one.told(LEARNED)
    assert set(learner.read().splitlines()) == set(server.known_hosts(*([] if answer == "yes" else ["ed25519"])).splitlines())


def proof(wire, key, session=None, purpose="hostkeys-prove-00@openssh.com", blob=None):
    data = string(purpose) + string(session or wire.session) + string(blob or wire.host_blob(key))
    return string(string("ssh-ed25519") + string(key.sign(data)))


def damaged(good):
    return good[:-1] + bytes([good[-1] ^ 1])


def prove(*keys):
    """The good answer: one proof for each key."""
    return lambda wire: (REQUEST_SUCCESS, b"".join(proof(wire, key) for key in keys))


ONE, TWO = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
PROOFS = {
    "refused": ([ONE], lambda w: (REQUEST_FAILURE, b"")),
    "none": ([ONE], lambda w: (REQUEST_SUCCESS, b"")),
    "damaged": ([ONE], lambda w: (REQUEST_SUCCESS, damaged(proof(w, ONE)))),
    "cut": ([ONE], lambda w: (REQUEST_SUCCESS, proof(w, ONE)[:-1])),
    "cut length": ([ONE], lambda w: (REQUEST_SUCCESS, b"\xff\xff\xff\xff")),
    "a byte behind it": ([ONE], lambda w: (REQUEST_SUCCESS, proof(w, ONE) + b"x")),
    "of another key": ([ONE], lambda w: (REQUEST_SUCCESS, proof(w, TWO, blob=w.host_blob(ONE)))),
    "of another session": ([ONE], lambda w: (REQUEST_SUCCESS, proof(w, ONE, session=bytes(32)))),
    "for another purpose": ([ONE], lambda w: (REQUEST_SUCCESS, proof(w, ONE, purpose="hostkeys-00@openssh.com"))),
    "the second is missing": ([ONE, TWO], lambda w: (REQUEST_SUCCESS, proof(w, ONE))),
    "the second is wrong": ([ONE, TWO], lambda w: (REQUEST_SUCCESS, proof(w, ONE) + damaged(proof(w, TWO)))),
    "in the wrong order": ([ONE, TWO], lambda w: (REQUEST_SUCCESS, proof(w, TWO) + proof(w, ONE))),
    "SHA-1": ([ONE], lambda w: (REQUEST_SUCCESS, string(string("ssh-rsa") + string(bytes(64))))),
}
LEARN = {"flags": ("-v",), "options": ["UpdateHostKeys=yes"], "ends": False}


def listing(keys, answer, packed=None):
    """A server that lists these keys (or these bytes), answers the question for proofs, and then serves."""
    def script(wire):
        wire.welcome()
        wire.asked = None
        wire.courtesy_before = wire.courtesy

        def courtesy(payload):
            reader = Reader(payload)
            if payload[0] != GLOBAL_REQUEST or reader.string() != b"hostkeys-prove-00@openssh.com":
                wire.courtesy_before(payload)
                return
            wire.asked = payload[reader.at + 1:]
            wire.send(*answer(wire))
        wire.courtesy = courtesy
        for _ in range(2):
            wire.send(GLOBAL_REQUEST, string("hostkeys-00@openssh.com"), b"\0", packed(wire) if packed else
                      b"".join(string(wire.host_blob(key)) for key in [wire.key, *keys]))
        wire.serve()
    return script


@pytest.mark.parametrize("keys, answer", PROOFS.values(), ids=PROOFS)
def test_wrong_proof(play, work, keys, answer):
    """One wrong proof, and nothing is learned; the connection lives on."""
    one, evil = play(listing(keys, answer), **LEARN)
    one.told("does not prove its further host keys")
    assert evil.wires[0].asked == b"".join(string(evil.wires[0].host_blob(key)) for key in keys)
    assert (work / "known_hosts").read_text(encoding="ascii") == evil.known_hosts()


def test_right_proof(play, work):
    """The same server with the truth; the second list that it sends is read over."""
    one, evil = play(listing([ONE, TWO, ONE], prove(ONE, TWO)), **LEARN)
    one.told("Learned(.|\n)*Learned")
    assert (work / "known_hosts").read_text(encoding="ascii").count("\n") == 3


LISTS = {
    "rubbish": lambda w: b"rubbish",
    "cut": lambda w: string(w.host_blob(ONE))[:-1],
    "too many": lambda w: b"".join(string(w.host_blob(Ed25519PrivateKey.generate())) for _ in range(17)),
    "too big": lambda w: string(w.host_blob(ONE)) + string(string("ssh-ed25519") + bytes(16384)),
}


@pytest.mark.parametrize("packed", LISTS.values(), ids=LISTS)
def test_bad_list(play, work, packed):
    one, evil = play(listing([], prove(ONE), packed), **LEARN)
    one.told("list of host keys is malformed or too long")
    assert evil.wires[0].asked is None
    assert (work / "known_hosts").read_text(encoding="ascii") == evil.known_hosts()


NOTHING_NEW = {
    "empty": lambda w: b"",
    "the known one": lambda w: string(w.host_blob()),
    "cut key": lambda w: string(w.host_blob(ONE)[:-1]),
    "foreign type": lambda w: string(string("ssh-dss") + bytes(40)),
    "security key": lambda w: string(string("sk-ssh-ed25519@openssh.com") + string(bytes(32)) + string("ssh:")),
}


@pytest.mark.parametrize("packed", NOTHING_NEW.values(), ids=NOTHING_NEW)
def test_nothing_new(play, work, packed):
    _, evil = play(listing([], prove(ONE), packed), **LEARN)
    assert evil.wires[0].asked is None
    assert (work / "known_hosts").read_text(encoding="ascii") == evil.known_hosts()
