"""Who may log in at aditd: names, keys, certificates, algorithms, Match; each with what lets in and what does not."""
import contextlib
import grp
import os
import pwd
import shutil
import tempfile
from pathlib import Path

import pytest

from lab import keys as keytool
from lab.net import listeners
from lab.probe import Probe, asyncssh, refusal
from lab.proc import descendants, until
from lab.servers import AS_ROOT, SERVER_USER, give

as_root = pytest.mark.skipif(not AS_ROOT, reason="needs root")
ADMITS, REFUSES = True, False


def table(*rows):
    return pytest.mark.parametrize("row", rows, ids=[row[0] for row in rows])


@pytest.fixture
def admits(lab):
    """admits(server, user, key, ...): does this login succeed?"""
    def ask(server, user=None, key=None, **options):
        try:
            Probe(server, key or lab.key, user=user, **options).close()
        except (asyncssh.PermissionDenied, asyncssh.DisconnectError):
            return False
        return True
    return ask


def rule(server, event="login-refused", **fields):
    """The last record of this kind whose fields have these words in them."""
    def found():
        return [record for record in server.records() if record["event"] == event
                and all(word in record.get(name, "") for name, word in fields.items())]
    return until(found, what=f"{event} {fields}:\n{server.log()}")[-1]


# ---- names ----

# name, lines, {user: let in?}; "daemon" stands for the user that the server runs as, who has an account.
NAMES = [
    ("everybody", [], {"digger": ADMITS, "me": ADMITS}),
    ("allow", ["AllowUsers digger d?g*"], {"digger": ADMITS, "dug": ADMITS, "me": REFUSES}),
    ("allow-from-here", ["AllowUsers digger@127.0.0.0/8"], {"digger": ADMITS, "me": REFUSES}),
    ("allow-from-there", ["AllowUsers digger@10.0.0.0/8"], {"digger": REFUSES}),
    ("deny", ["DenyUsers digger"], {"digger": REFUSES, "me": ADMITS}),
    ("deny-wins", ["AllowUsers digger", "DenyUsers dig*"], {"digger": REFUSES}),
    ("allow-group", ["AllowGroups {group}"], {"me": ADMITS, "digger": REFUSES}),
    ("other-group", ["AllowGroups no-such-group"], {"me": REFUSES}),
    ("deny-group", ["DenyGroups {group}"], {"me": REFUSES, "digger": ADMITS}),
    ("no-keys", ["PubkeyAuthentication no"], {"digger": REFUSES}),
    ("refuse", ["RefuseConnection yes"], {"digger": REFUSES}),
    ("no-file", ["AuthorizedKeysFile none"], {"digger": REFUSES, "me": REFUSES}),
]


def mine():
    return grp.getgrgid(pwd.getpwnam(SERVER_USER).pw_gid).gr_name


@table(*NAMES)
def test_names(start_server, admits, row):
    server = start_server("aditd", config=[line.format(group=mine()) for line in row[1]])
    wanted = {SERVER_USER if user == "me" else user: yes for user, yes in row[2].items()}
    assert {user: admits(server, user) for user in wanted} == wanted
    for user, yes in wanted.items():
        if not yes:
            assert rule(server, user=user)["rule"].startswith(tuple(line.split()[0] for line in row[1]))


def test_asking_is_no_failure(start_server, admits):
    """Clients first ask without a key what there is: that is nobody's refused login, also for a name without account."""
    server = start_server("aditd")
    assert admits(server, "digger") and admits(server)
    rule(server, "login", user=SERVER_USER)
    assert {record["event"] for record in server.records()} == {"login"}


@pytest.mark.parametrize("user", ["digger", "ring\"s", "back\\slash", "a b", "ümlaut", "x" * 200, "dig:style"])
def test_odd_names(aditd, admits, user):
    """A name is only a name where it has no account."""
    assert admits(aditd, user)


@pytest.mark.parametrize("user", ["../../etc", "a/b", "..", "."])
def test_names_that_are_paths(lab, start_server, admits, work, user):
    """None leads out of the folder of keys."""
    (work / "keys").mkdir()
    (work / "authorized_keys").write_text(lab.authorized(), encoding="ascii")
    server = start_server("aditd", config=[f"AuthorizedKeysFile {work}/keys/%u/authorized_keys"])
    assert not admits(server, user)
    assert not admits(server, "keys/..")


# ---- files of keys ----

@pytest.fixture
def files(lab, work):
    """files(name): writes the lab's keys into work/name and returns work."""
    def write(*names, text=None):
        for name in names:
            path = work / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(lab.authorized() if text is None else text, encoding="ascii")
        return work
    return write


def test_tokens(start_server, admits, files):
    """%u, %%, several files; the others have no key there."""
    work = files("digger", "100%/miner")
    server = start_server("aditd", config=[f"AuthorizedKeysFile {work}/%u {work}/100%%/%u"])
    assert {user: admits(server, user) for user in ("digger", "miner", "other")} == {
        "digger": ADMITS, "miner": ADMITS, "other": REFUSES}
    assert rule(server)["rule"] == "no AuthorizedKeysFile has this key"


def test_number_and_home(start_server, admits, files):
    """%U and %h are those of an account: nobody else is served by them."""
    me = pwd.getpwnam(SERVER_USER)
    work = files(str(me.pw_uid), "homes" + me.pw_dir + "/keys")
    server = start_server("aditd", config=[f"AuthorizedKeysFile {work}/homes%h/keys"])
    assert admits(server) and not admits(server, "digger")
    server = start_server("aditd", config=[f"AuthorizedKeysFile {work}/%U"])
    assert admits(server)


# name, text of the file with {key}; let in?
LINES = [
    ("plain", "{key}\n", ADMITS),
    ("no-newline", "{key}", ADMITS),
    ("comment", "# {key}\n", REFUSES),
    ("among-others", "# one\n\n{other}\n  {key} me@home\n", ADMITS),
    ("crlf", "{key} x\r\n", ADMITS),
    ("other", "{other}\n", REFUSES),
    ("empty", "", REFUSES),
    ("unknown-option", "tunnel-of-love {key}\n", REFUSES),
    ("unknown-option-beside", "restrict,shiny=\"1\" {key}\n", REFUSES),
    ("open-quote", "command=\"x {key}\n", REFUSES),
    ("bad-from", "from=\"300.0.0.0/99\" {key}\n", REFUSES),
    ("from", "from=\"127.0.0.1,10.0.0.0/8\" {key}\n", ADMITS),
    ("from-elsewhere", "from=\"10.0.0.0/8\" {key}\n", REFUSES),
    ("from-not-here", "from=\"!127.0.0.1,*\" {key}\n", REFUSES),
    ("expired", "expiry-time=\"20200101\" {key}\n", REFUSES),
    ("expires", "expiry-time=\"20991231235959Z\" {key}\n", ADMITS),
    ("bad-expiry", "expiry-time=\"tomorrow\" {key}\n", REFUSES),
    ("bad-permitopen", "permitopen=\"127.0.0.1\" {key}\n", REFUSES),
    ("authority", "cert-authority {key}\n", REFUSES),
    ("second-line-counts", "from=\"10.0.0.0/8\" {key}\n{key}\n", ADMITS),
]


@table(*LINES)
def test_lines(lab, shared_files, admits, row):
    server, folder = shared_files
    text = row[1].format(key=keytool.public(lab.key), other=keytool.public(lab.keys.user("rsa")))
    (folder / row[0]).write_text(text, encoding="ascii", newline="")
    assert admits(server, row[0]) == row[2]


@pytest.fixture(scope="module")
def shared_files(lab):
    """A server with a file of keys for each name, in a folder that the test fills."""
    folder = lab.folder_for("names")
    folder.mkdir()
    os.chmod(folder, 0o755)
    (folder / "principals").mkdir()
    server = lab.start("aditd", config=[f"AuthorizedKeysFile {folder}/%u",
                                        f"AuthorizedPrincipalsFile {folder}/principals/%u"])
    yield server, folder
    server.stop()


def test_new_line_counts_at_once(lab, shared_files, admits):
    """Key files are read at each login."""
    server, folder = shared_files
    assert not admits(server, "late")
    (folder / "late").write_text(lab.authorized(), encoding="ascii")
    assert admits(server, "late")
    (folder / "late").unlink()
    assert not admits(server, "late")


def odd_link(path):
    path.symlink_to(path.parent / "target")


def odd_pipe(path):
    os.mkfifo(path)


def odd_folder(path):
    path.mkdir()


def odd_size(path):
    path.write_bytes(b"# padding\n" * 200000)


@pytest.mark.parametrize("make", [odd_link, odd_pipe, odd_folder, odd_size])
def test_odd_files(lab, shared_files, admits, make):
    """What is no plain file of a fair size is not read, and nobody waits for it."""
    server, folder = shared_files
    (folder / "target").write_text(lab.authorized(), encoding="ascii")
    make(folder / make.__name__)
    assert not admits(server, make.__name__)
    assert admits(server, "target")


# ---- StrictModes ----

@pytest.fixture
def strict_folder(cleanup):
    """A folder of the server's user that only that user and root can have made, up to the root."""
    for place in ("/run", "/var/lib", os.path.expanduser("~")):
        parents = [Path(place), *Path(place).resolve().parents]
        if os.access(place, os.W_OK) and all(p.stat().st_mode & 0o023 in (0, 1) for p in parents):
            folder = Path(tempfile.mkdtemp(prefix="adit-test-", dir=place))
            cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
            os.chmod(folder, 0o755)
            give(folder)
            return folder
    pytest.skip("every folder here can be written by others")
    return None


# name, mode of the file, of its folder, owner of the file; let in by StrictModes?
MODES = [
    ("private", 0o600, 0o700, "own", ADMITS),
    ("readable", 0o644, 0o755, "own", ADMITS),
    ("group-writable", 0o660, 0o755, "own", REFUSES),
    ("writable", 0o606, 0o755, "own", REFUSES),
    ("folder-group", 0o600, 0o775, "own", REFUSES),
    ("folder-writable", 0o600, 0o757, "own", REFUSES),
    ("roots", 0o644, 0o755, "root", ADMITS),
    ("foreign", 0o644, 0o755, "foreign", REFUSES),
]


@table(*MODES)
@pytest.mark.parametrize("strict", [True, False], ids=["strict", "lax"])
def test_strict_modes(lab, start_server, admits, strict_folder, row, strict):
    if row[3] != "own" and not AS_ROOT:
        pytest.skip("needs root")
    folder = strict_folder / "ssh"
    folder.mkdir()
    (folder / "keys").write_text(lab.authorized(), encoding="ascii")
    os.chmod(folder / "keys", row[1])
    os.chmod(folder, row[2])
    give(folder)
    if row[3] == "own":
        give(folder / "keys")
    elif row[3] == "foreign":
        os.chown(folder / "keys", 4711, 4711)
    server = start_server("aditd", config=[f"AuthorizedKeysFile {folder}/keys", f"StrictModes {'yes' if strict else 'no'}"])
    assert admits(server) == (row[4] or not strict)
    if strict and not row[4]:
        assert "StrictModes" in rule(server)["rule"]


# ---- certificates ----

# name, options of ssh-keygen for the certificate, principals; let in as "digger"?
CERTIFICATES = [
    ("good", {}, "digger", ADMITS),
    ("one-of-several", {}, "sapper,digger", ADMITS),
    ("for-somebody-else", {}, "sapper", REFUSES),
    ("for-nobody", {}, "", REFUSES),
    ("expired", {"valid": "20200101:20200201"}, "digger", REFUSES),
    ("not-yet", {"valid": "20980101:20990101"}, "digger", REFUSES),
    ("valid-now", {"valid": "-1d:+1d"}, "digger", ADMITS),
    ("from-here", {"options": ["source-address=127.0.0.0/8"]}, "digger", ADMITS),
    ("from-elsewhere", {"options": ["source-address=10.0.0.0/8"]}, "digger", REFUSES),
    ("force-command", {"options": ["force-command=/bin/false"]}, "digger", ADMITS),
    ("unknown-extension", {"options": ["extension:shiny@example.com=yes"]}, "digger", ADMITS),
    ("for-hosts", {"host": True}, "digger", REFUSES),
]


@pytest.fixture
def certificate(lab):
    """certificate(name, ca, principals, ...): (key, certificate)."""
    def make(name, principals="digger", ca=None, kind="ed25519", **more):
        key = lab.keys.make(f"certified_{name}", kind)
        return key, lab.keys.certify(ca or lab.keys.make("user_ca"), key, principals=principals, name=f"{name}-cert.pub",
                                     **more)
    return make


@table(*CERTIFICATES)
def test_certificates(aditd, admits, certificate, row):
    key, cert = certificate(row[0], row[2], **row[1])
    assert admits(aditd, "digger", key, certificate=cert) == row[3]


@pytest.mark.parametrize("option, works", [("critical:shiny@example.com=yes", False),
                                           ("extension:shiny@example.com=yes", True)])
def test_unknown_option_of_a_certificate(lab, aditd, client, certificate, port, option, works):
    """What is critical and not understood refuses. (AsyncSSH does not even read such a certificate.)"""
    key, cert = certificate("shiny" + str(works), options=[option])
    copy = lab.keys.copy(f"bare_{key.name}", key)
    one = client(aditd, "-N", "-R", f"{port}:127.0.0.1:1", program=shutil.which("ssh"), key=copy, user="digger",
                 options=[f"CertificateFile={cert}", "PasswordAuthentication=no"])
    if works:
        one.stands(port)
    else:
        one.fails("Permission denied", lines=0)


def test_certificate_of_another_authority(lab, aditd, admits, certificate):
    key, cert = certificate("stranger", ca=lab.keys.make("another_ca"))
    assert not admits(aditd, "digger", key, certificate=cert)


@pytest.mark.parametrize("options, works", [([], True), (["no-port-forwarding"], False),
                                            (["clear", "permit-port-forwarding"], True), (["clear"], False)])
def test_certificate_forwards(aditd, service, certificate, options, works):
    key, cert = certificate("forwards" + "".join(options), options=options)
    with contextlib.closing(Probe(aditd, key, user="digger", certificate=cert)) as probe:
        assert probe.reaches(*service().address) == ("yes" if works else "prohibited")
        assert (probe.listen("127.0.0.1", 0) is not None) == works


# name, the user's file of principals, who the certificate is for; let in?
PRINCIPALS = [
    ("named", "miners\nsappers\n", "sappers", ADMITS),
    ("not-named", "miners\n", "sappers", REFUSES),
    ("own-name-does-not-count", "miners\n", "own-name-does-not-count", REFUSES),
    ("comment", "# sappers\n", "sappers", REFUSES),
    ("no-file", None, "no-file", REFUSES),
    ("from-here", 'from="127.0.0.1" sappers\n', "sappers", ADMITS),
    ("from-elsewhere", 'from="10.0.0.1" sappers\n', "sappers", REFUSES),
]


@table(*PRINCIPALS)
def test_principals_file(shared_files, admits, certificate, row):
    server, folder = shared_files
    if row[1] is not None:
        (folder / "principals" / row[0]).write_text(row[1], encoding="ascii")
    key, cert = certificate("p_" + row[0], row[2])
    assert admits(server, row[0], key, certificate=cert) == row[3]


# name, the line of authorized_keys with the authority, who the certificate is for; let in?
AUTHORITIES = [
    ("ca-name", "cert-authority {ca}\n", "ca-name", ADMITS),
    ("ca-other-name", "cert-authority {ca}\n", "sappers", REFUSES),
    ("ca-principals", 'cert-authority,principals="miners,sappers" {ca}\n', "sappers", ADMITS),
    ("ca-not-its-principals", 'cert-authority,principals="miners" {ca}\n', "sappers", REFUSES),
    ("ca-not-said", "{ca}\n", "ca-not-said", REFUSES),
    ("ca-from-elsewhere", 'cert-authority,from="10.0.0.0/8" {ca}\n', "ca-from-elsewhere", REFUSES),
]


@table(*AUTHORITIES)
def test_authority_in_authorized_keys(lab, shared_files, admits, certificate, row):
    server, folder = shared_files
    ca = lab.keys.make("own_ca")
    (folder / row[0]).write_text(row[1].format(ca=keytool.public(ca)), encoding="ascii")
    key, cert = certificate(row[0], row[2], ca=ca)
    assert admits(server, row[0], key, certificate=cert) == row[3]


def test_restricted_authority(lab, shared_files, certificate):
    """What the line of the authority forbids, its certificates do not bring back."""
    server, folder = shared_files
    ca = lab.keys.make("own_ca")
    (folder / "restricted").write_text(f"cert-authority,restrict {keytool.public(ca)}\n", encoding="ascii")
    key, cert = certificate("restricted", "restricted", ca=ca)
    with contextlib.closing(Probe(server, key, user="restricted", certificate=cert)) as probe:
        assert probe.reaches("127.0.0.1", 7) == "prohibited"


def test_certificate_in_records(start_server, certificate):
    """By its id, serial number and authority."""
    server = start_server("aditd")
    key, cert = certificate("recorded")
    Probe(server, key, user="digger", certificate=cert).close()
    record = rule(server, "login")
    assert "ED25519-CERT ID id of certified_recorded serial 0 CA SHA256:" in record["key"]


@pytest.mark.parametrize("what", ["key", "ca"])
def test_revoked(lab, start_server, admits, work, certificate, what):
    """A key, or an authority and so all of its certificates."""
    key, cert = certificate(f"revoked_{what}")
    revoked = lab.keys.make("user_ca") if what == "ca" else key
    (work / "revoked").write_text(keytool.public(revoked) + "\n", encoding="ascii")
    server = start_server("aditd", config=[f"RevokedKeys {work}/revoked"])
    assert not admits(server, "digger", key, certificate=cert)
    assert "evoked" in rule(server, key="CERT")["rule"]
    assert admits(server, "digger")


# name, what ssh-keygen -k gets, for which authority; who of "plain" (a key), "seven" and "eight" (certificates with these
# serial numbers) is revoked.
BINARY = [
    ("key", "key: {plain}", None, ["plain"]),
    ("sha1", "sha1: {plain}", None, ["plain"]),
    ("sha256", "sha256: {plain}", None, ["plain"]),
    ("hash", "hash: {print}", None, ["plain"]),
    ("key-of-certificate", "sha256: {seven}", None, ["seven"]),
    ("authority", "key: {ca}", None, ["seven", "eight"]),
    ("hash-of-authority", "sha256: {ca}", None, ["seven", "eight"]),
    ("serial", "serial: 7", "user_ca", ["seven"]),
    ("range", "serial: 8-900", "user_ca", ["eight"]),
    ("bitmap", "serial: 1\nserial: 4\nserial: 6\nserial: 8\nserial: 11", "user_ca", ["eight"]),
    ("id", "id: id of certified_seven", "user_ca", ["seven"]),
    ("any-authority", "serial: 7", "none", ["seven"]),
    ("all-of-it", "serial: 1-18446744073709551615", "user_ca", ["seven", "eight"]),
    ("other-serials", "serial: 1-6\nserial: 9-900", "user_ca", []),
    ("other-authority", "serial: 1-900\nid: id of certified_eight", "another_ca", []),
    ("other-id", "id: id of certified", "user_ca", []),
    ("other-key", "key: {other}\nsha1: {other}\nsha256: {other}", None, []),
]


@table(*BINARY)
def test_revoked_by_a_binary_list(lab, start_server, admits, work, certificate, row):
    """ssh-keygen, which made it, says the same."""
    keys = {"plain": (lab.key, None), **{name: certificate(name, serial=serial)
                                         for name, serial in (("seven", 7), ("eight", 8))}}
    words = {name: keytool.public(key) for name, (key, _) in keys.items()}
    text = row[1].format(**words, ca=keytool.public(lab.keys.make("user_ca")), print=keytool.fingerprint(lab.key),
                         other=keytool.public(lab.keys.user("rsa")))
    authority = row[2] if row[2] in (None, "none") else str(lab.keys.make(row[2])) + ".pub"
    krl = keytool.revocations(work / "krl", text, *(["-s", authority] if authority else []))
    server = start_server("aditd", config=[f"RevokedKeys {krl}"])
    revoked = [name for name, (key, cert) in keys.items() if not admits(server, "digger", key, certificate=cert)]
    assert revoked == row[3]
    assert revoked == [name for name, (key, cert) in keys.items() if keytool.is_revoked(krl, cert or str(key) + ".pub")]
    if revoked:
        assert rule(server, rule=f"is listed in {krl}")


def test_revoked_by_a_damaged_list(lab, start_server, admits, work):
    """Nobody gets in, and the record says why."""
    krl = keytool.revocations(work / "krl", "key: " + keytool.public(lab.keys.user("rsa")))
    krl.write_bytes(krl.read_bytes()[:-1])
    server = start_server("aditd", config=[f"RevokedKeys {krl}"])
    assert not admits(server)
    assert f"the binary list {krl} cannot be used: it is cut short" in rule(server, key="ED25519")["rule"]


def test_revoked_without_a_list(start_server, admits, work):
    """A list that cannot be read lets nobody in."""
    server = start_server("aditd", config=[f"RevokedKeys {work}/missing"])
    assert not admits(server)


# ---- algorithms ----

# name, line, what the client offers; let in?
KEX, CIPHERS, MACS, HOST, SIGNATURES = ("kex_algs", "encryption_algs", "mac_algs", "server_host_key_algs",
                                        "signature_algs")
ALGORITHMS = [
    ("kex", "KexAlgorithms ecdh-sha2-nistp384", KEX, "ecdh-sha2-nistp384", ADMITS),
    ("kex-other", "KexAlgorithms ecdh-sha2-nistp384", KEX, "curve25519-sha256", REFUSES),
    ("kex-taken-away", "KexAlgorithms -curve25519*", KEX, "curve25519-sha256", REFUSES),
    ("cipher", "Ciphers aes256-ctr", CIPHERS, "aes256-ctr", ADMITS),
    ("cipher-other", "Ciphers aes256-ctr", CIPHERS, "aes128-gcm@openssh.com", REFUSES),
    ("cipher-taken-away", "Ciphers -chacha20*", CIPHERS, "chacha20-poly1305@openssh.com", REFUSES),
    ("host-key", "HostKeyAlgorithms rsa-sha2-256", HOST, "rsa-sha2-256", ADMITS),
    ("host-key-other", "HostKeyAlgorithms rsa-sha2-256", HOST, "ssh-ed25519", REFUSES),
    ("signature", "PubkeyAcceptedAlgorithms ssh-ed25519", SIGNATURES, "ssh-ed25519", ADMITS),
    ("signature-other", "PubkeyAcceptedAlgorithms rsa-sha2-512", SIGNATURES, "ssh-ed25519", REFUSES),
    ("signature-taken-away", "PubkeyAcceptedAlgorithms -ssh-ed25519", SIGNATURES, "ssh-ed25519", REFUSES),
    ("signature-put-first", "PubkeyAcceptedAlgorithms ^rsa-sha2-512", SIGNATURES, "ssh-ed25519", ADMITS),
]


@table(*ALGORITHMS)
def test_algorithms(start_server, admits, row):
    server = start_server("aditd", config=[row[1]])
    assert admits(server, **{row[2]: [row[3]]}) == row[4]


@pytest.mark.parametrize("mac, works", [("hmac-sha2-512", True), ("hmac-sha2-256", False)])
def test_macs(start_server, admits, mac, works):
    server = start_server("aditd", config=["MACs hmac-sha2-512", "Ciphers aes128-ctr"])
    assert admits(server, mac_algs=[mac], encryption_algs=["aes128-ctr"]) == works


@pytest.mark.parametrize("kind", keytool.TYPES)
def test_kinds_of_keys(lab, aditd, admits, kind):
    assert admits(aditd, key=lab.keys.user(kind))


def test_old_signature(aditd, admits, lab):
    """RSA with SHA-1 is never accepted."""
    assert not admits(aditd, key=lab.keys.user("rsa"), signature_algs=["ssh-rsa"])


@pytest.mark.parametrize("line, works", [("RequiredRSASize 2048", True), ("RequiredRSASize 3072", False)])
def test_size_of_keys(lab, start_server, admits, line, works):
    server = start_server("aditd", config=[line])
    assert admits(server, key=lab.keys.user("rsa")) == works


# ---- Match, Include, Banner ----

# name, criteria, do they hold for digger from 127.0.0.1?
MATCHES = [
    ("user", "User digger", True), ("user-pattern", "User d*,!dag", True), ("user-not", "User *,!digger", False),
    ("user-other", "User sapper", False), ("address", "Address 127.0.0.0/8", True),
    ("address-other", "Address 10.0.0.0/8", False), ("local-address", "LocalAddress 127.0.0.1", True),
    ("local-address-other", "LocalAddress 10.0.0.1", False), ("local-port", "LocalPort {port}", True),
    ("local-port-other", "LocalPort 1", False), ("all", "all", True), ("two", "User digger Address 127.0.0.1", True),
    ("two-one-fails", "User digger Address 10.0.0.1", False), ("group-of-nobody", "Group *", False),
    ("host", "Host 127.0.0.1", True), ("host-other", "Host *.example", False),
]


@table(*MATCHES)
def test_match(start_server, admits, row):
    """Behind Match stands that nobody may log in."""
    server = start_server("aditd")
    server.match = [f"Match {row[1].format(port=server.port)}", "PubkeyAuthentication no"]
    assert server.reload([]).startswith("reloaded")
    assert admits(server, "digger") != row[2]


@pytest.mark.parametrize("group, works", [(mine(), False), ("no-such-group", True)])
def test_match_group(start_server, admits, group, works):
    server = start_server("aditd", match=[f"Match Group {group}", "PubkeyAuthentication no"])
    assert admits(server) == works


def test_first_match_counts(start_server, admits):
    server = start_server("aditd", match=["Match User digger", "PubkeyAuthentication yes", "Match all",
                                          "PubkeyAuthentication no"])
    assert admits(server, "digger") and not admits(server, "sapper")


def test_include(start_server, admits, work):
    """Files by pattern, in order; Match in one ends with it."""
    os.chmod(work, 0o755)
    (work / "10-one.conf").write_text("DenyUsers digger\nMatch User sapper\nPubkeyAuthentication no\n", encoding="ascii")
    (work / "20-two.conf").write_text("DenyUsers miner\n", encoding="ascii")
    server = start_server("aditd", config=[f"Include {work}/*.conf"])
    wanted = {"digger": REFUSES, "sapper": REFUSES, "miner": REFUSES, "other": ADMITS}
    assert {user: admits(server, user) for user in wanted} == wanted


def test_mistake_in_an_include(start_server, work):
    os.chmod(work, 0o755)
    (work / "one.conf").write_text("\nWrong yes\n", encoding="ascii")
    with pytest.raises(AssertionError, match=r"one\.conf:? line 2: .*wrong"):
        start_server("aditd", config=[f"Include {work}/one.conf"])


def test_banner(lab, start_server, work):
    (work / "banner").write_text("Mind your head.\nDeep ümlaut.\n", encoding="utf-8")
    os.chmod(work, 0o755)
    server = start_server("aditd", config=[f"Banner {work}/banner"], match=["Match User quiet", "Banner None"])
    with contextlib.closing(Probe(server, lab.key, user="digger")) as probe:
        assert probe.banner.replace("\r\n", "\n") == "Mind your head.\nDeep ümlaut.\n"
    with contextlib.closing(Probe(server, lab.key, user="quiet")) as probe:
        assert probe.banner == ""


def test_banner_without_a_file(lab, start_server, work):
    """A missing one keeps nobody out."""
    server = start_server("aditd", config=[f"Banner {work}/missing"])
    with contextlib.closing(Probe(server, lab.key)) as probe:
        assert probe.banner == ""
    assert "missing" in server.log()


# ---- attempts ----

def test_max_auth_tries(lab, start_server):
    """The second wrong key is the last."""
    server = start_server("aditd", config=["MaxAuthTries 2"])
    wrong = [lab.keys.make(f"wrong{n}") for n in range(4)]
    assert "Too many authentication failures" in refusal(Probe, server, [*wrong, lab.key])
    Probe(server, [wrong[0], lab.key]).close()


def test_no_password(aditd):
    """There is no other way than a key."""
    assert "PermissionDenied" in refusal(Probe, aditd, [], password="secret")


# ---- as root ----

@pytest.fixture
def root_server(start_server):
    """As root does on a real machine."""
    def start(*lines, **more):
        return start_server("aditd", config=lines, as_root=True, **more)
    return start


@as_root
@pytest.mark.parametrize("line, works", [(None, True), ("PermitRootLogin yes", True), ("PermitRootLogin no", False),
                                         ("PermitRootLogin prohibit-password", True),
                                         ("PermitRootLogin without-password", True),
                                         ("PermitRootLogin forced-commands-only", False)])
def test_root(root_server, admits, line, works):
    server = root_server(*([line] if line else []))
    assert admits(server, "root") == works
    assert admits(server, "daemon")
    if not works:
        assert rule(server)["rule"].startswith("PermitRootLogin")


@as_root
def test_key_file_that_only_its_user_can_read(lab, root_server, admits, work):
    """The file of another user is not read, though root could."""
    for user, owner in (("daemon", "daemon"), ("bin", "daemon")):
        (work / user).mkdir()
        path = work / user / "keys"
        path.write_text(lab.authorized(), encoding="ascii")
        entry = pwd.getpwnam(owner)
        for place in (path, path.parent):
            os.chown(place, entry.pw_uid, entry.pw_gid)
        os.chmod(path, 0o600)
        os.chmod(path.parent, 0o700)
    server = root_server(f"AuthorizedKeysFile {work}/%u/keys")
    assert admits(server, "daemon") and not admits(server, "bin")
    assert "ermission denied" in rule(server)["rule"]


@as_root
@pytest.mark.parametrize("user, lines, port, works", [
    ("root", [], 601, True), ("daemon", [], 602, False), ("digger", [], 603, False),
    ("daemon", ["PermitListen 604 1000-2000"], 604, True), ("digger", ["PermitListen 127.0.0.1:605"], 605, True),
    ("daemon", ["PermitListen 606"], 607, False), ("daemon", ["PermitListen *:*"], 608, False),
    ("root", ["PermitListen 609"], 610, False),
])
def test_low_ports(lab, root_server, user, lines, port, works):
    """Root's, or those that PermitListen names."""
    server = root_server(*lines)
    with contextlib.closing(Probe(server, lab.key, user=user)) as probe:
        if listeners(port):
            pytest.skip(f"somebody uses port {port}")
        assert probe.listen("127.0.0.1", port) == (port if works else None)
        assert listeners(port) == ({"127.0.0.1"} if works else set())
    if works:
        until(lambda: not listeners(port))
    else:
        record = rule(server, "listener-refused")
        assert record["user"] == user and record["requested_port"] == str(port) and record["rule"]


@as_root
def test_low_port_of_a_match(lab, root_server):
    server = root_server(match=["Match User digger", "PermitListen 611"])
    with contextlib.closing(Probe(server, lab.key, user="sapper")) as probe:
        assert probe.listen("127.0.0.1", 611) is None
    with contextlib.closing(Probe(server, lab.key, user="digger")) as probe:
        assert probe.listen("localhost", 611) == 611
        assert listeners(611) == {"127.0.0.1", "::1"}


@as_root
def test_processes_of_root(root_server):
    """Workers have given root up; the master keeps what it needs."""
    server = root_server()
    uids = {pid: os.stat(f"/proc/{pid}").st_uid for pid in descendants(server.pid)}
    workers = [pid for pid in uids if status(pid)["Uid"].split()[0] != "0"]
    assert len(workers) >= 2, uids
    for pid in workers:
        assert int(status(pid)["CapEff"], 16) == 0
        assert status(pid)["NoNewPrivs"] == "1" and status(pid)["Seccomp"] == "2"
    assert int(status(server.pid)["CapEff"], 16) < 0xffff


def status(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as text:
        return {name: value.strip() for name, _, value in (line.partition(":") for line in text)}
