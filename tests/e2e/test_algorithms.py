"""Every cipher, MAC, key exchange, host key and user key, against each server that has it."""
import re

import pytest

from lab.agent import askpass
from lab.client import ADIT
from lab.services import MIB, duplex, exchange, ping

AEAD = ["chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com"]
CTR = ["aes128-ctr", "aes192-ctr", "aes256-ctr"]
MACS = ["hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256", "hmac-sha2-512"]
KEX = ["curve25519-sha256", "curve25519-sha256@libssh.org", "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
       "ecdh-sha2-nistp521"]
# algorithm -> the key behind it
SIGNATURES = {"ssh-ed25519": "ed25519", "rsa-sha2-256": "rsa", "rsa-sha2-512": "rsa",
              "ecdsa-sha2-nistp256": "ecdsa256", "ecdsa-sha2-nistp384": "ecdsa384", "ecdsa-sha2-nistp521": "ecdsa521"}

# What a server lacks of the above.
LACKS = {
    "openssh": set(),
    "asyncssh": set(),
    "dropbear": {"aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes192-ctr", "hmac-sha2-512",
                 "hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com", "host rsa-sha2-512",
                 "host ecdsa-sha2-nistp384", "host ecdsa-sha2-nistp521", "user rsa-sha2-512"},
    "paramiko": {*AEAD, "curve25519-sha256", "host ecdsa-sha2-nistp384", "host ecdsa-sha2-nistp521"},
}


def pairs(names, prefix=""):
    """(server, name) for every server that has it; a name may be several words."""
    return [pytest.param(kind, name, id=f"{kind}-{name}") for kind in LACKS for name in names
            if not LACKS[kind] & {prefix + word for word in name.split()}]


def through(client, service, server, port, size, *flags, **more):
    """A forward with these flags carries `size` bytes in both directions, unharmed."""
    client(server, "-L", f"{port}:127.0.0.1:{service(duplex).port}", *flags, **more).stands(port)
    exchange(("127.0.0.1", port), size, size)


@pytest.mark.parametrize("kind, cipher", pairs(AEAD))
def test_aead(lab, client, service, port, kind, cipher):
    through(client, service, lab.shared(kind), port, 4 * MIB, "-c", cipher)


# What -v says about each; ipsec-mb is only to be had where the build and the CPU have it.
BACKENDS = {"auto": r"intel-ipsec-mb|libcrypto", "openssl": r"libcrypto\.$", "ipsec-mb": r"intel-ipsec-mb \d"}


@pytest.fixture
def lacking(run):
    """Why intel-ipsec-mb is not to be had; empty when it is."""
    one = run(ADIT, "-F", "none", "-N", "-o", "BatchMode=yes", "-o", "CryptoBackend=ipsec-mb", "-p", "1", "127.0.0.1")
    assert one.ended() == 255
    found = re.search("^adit: CryptoBackend ipsec-mb is not to be had: (this .*)$", one.said, re.MULTILINE)
    return found[1] if found else ""


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("cipher", AEAD[1:])
def test_backend(openssh, client, service, port, lacking, backend, cipher):
    """Each library's AES-GCM is that of OpenSSH."""
    if backend == "ipsec-mb" and lacking:
        pytest.skip(lacking)
    one = client(openssh, "-v", "-c", cipher, "-o", f"CryptoBackend={backend}", "-L",
                 f"{port}:127.0.0.1:{service(duplex).port}").stands(port)
    one.told(f"(?m)AES-GCM is done by ({BACKENDS[backend]})")
    exchange(("127.0.0.1", port), 4 * MIB, 4 * MIB)


def test_unknown_backend(openssh, client, port):
    client(openssh, "-L", f"{port}:127.0.0.1:1", options=["CryptoBackend=rot13"]).fails('unsupported option "rot13"')


@pytest.mark.parametrize("kind, pair", pairs([f"{cipher} {mac}" for cipher in CTR for mac in MACS]))
def test_cipher_and_mac(lab, client, service, port, kind, pair):
    cipher, mac = pair.split()
    through(client, service, lab.shared(kind), port, 4 * MIB, "-c", cipher, "-m", mac)


@pytest.mark.parametrize("cipher", [*AEAD, "aes256-ctr"])
def test_tens_of_megabytes(openssh, client, service, port, cipher):
    through(client, service, openssh, port, 48 * MIB, "-c", cipher)


def test_mac_does_not_matter_to_aead(openssh, client, service, port):
    """AEAD ciphers ignore the MAC lists, even when those have nothing in common."""
    through(client, service, openssh, port, 1000, "-c", "aes128-gcm@openssh.com",
            options=["MACs=hmac-sha2-512-etm@openssh.com"])


@pytest.mark.parametrize("kind, kex", pairs(KEX))
def test_kex(lab, client, service, port, kind, kex):
    through(client, service, lab.shared(kind), port, 1000, options=[f"KexAlgorithms={kex}"])


@pytest.mark.parametrize("kind, algorithm", pairs(SIGNATURES, "host "))
def test_host_key(lab, client, service, port, kind, algorithm):
    server = lab.shared(kind)
    through(client, service, server, port, 1000, options=[f"HostKeyAlgorithms={algorithm}"],
            known_hosts=server.known_hosts(SIGNATURES[algorithm]))


def test_known_key_first(openssh, client, service, port):
    """The server has five keys; the one that known_hosts has is asked for without being told."""
    for kind in ("rsa", "ecdsa521"):
        one = client(openssh, "-L", f"{port}:127.0.0.1:{service().port}", known_hosts=openssh.known_hosts(kind))
        one.stands(port)
        ping(("127.0.0.1", port))
        one.stop()


@pytest.mark.parametrize("kind, algorithm", pairs(SIGNATURES, "user "))
def test_user_key(lab, client, service, port, kind, algorithm):
    through(client, service, lab.shared(kind), port, 1000, key=lab.keys.user(SIGNATURES[algorithm]),
            options=[f"PubkeyAcceptedAlgorithms={algorithm}"])


@pytest.mark.parametrize("kind", sorted(set(SIGNATURES.values())))
def test_default_algorithm_of_key(server, lab, client, service, port, kind):
    """Nothing said about algorithms: a key of any type just works."""
    through(client, service, server, port, 1000, key=lab.keys.user(kind))


FILE_CIPHERS = ["aes256-ctr", "aes192-ctr", "aes128-ctr", "aes256-cbc", "aes192-cbc", "aes128-cbc", "3des-cbc",
                "aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "chacha20-poly1305@openssh.com"]
# name, key type, form for ssh-keygen -m, cipher for -Z, passphrase
KEY_FILES = [
    *[(f"{kind} encrypted", kind, None, "aes256-ctr", "open sesame") for kind in ("ed25519", "rsa", "ecdsa256",
                                                                                  "ecdsa384", "ecdsa521")],
    *[(f"ed25519 {cipher}", "ed25519", None, cipher, "open sesame") for cipher in FILE_CIPHERS[1:]],
    *[(f"{kind} {form}{' encrypted' if phrase else ''}", kind, form, None, phrase)
      for kind in ("rsa", "ecdsa256", "ecdsa384", "ecdsa521") for form in ("PEM", "PKCS8")
      for phrase in ("", "open sesame")],
    ("passphrase in UTF-8", "ed25519", None, None, "Glück auf ⛏"),
]


@pytest.mark.parametrize("kind, form, cipher, phrase", [f[1:] for f in KEY_FILES], ids=[f[0] for f in KEY_FILES])
def test_key_file(lab, start_server, client, work, kind, form, cipher, phrase, service, port):
    key = lab.keys.make("file_" + "_".join(map(str, (kind, form, cipher, bool(phrase), len(phrase)))).replace("@", "_"),
                        kind, phrase, form, cipher)
    server = lab.shared("openssh")
    with open(server.folder / "authorized_keys", "a", encoding="ascii") as text:
        text.write((key.parent / (key.name + ".pub")).read_text(encoding="ascii"))
    program, asked = askpass(work / "askpass", *[phrase] * bool(phrase))
    through(client, service, server, port, 1000, key=lab.keys.copy(key.name + "_alone", key),
            how={"env": {"SSH_ASKPASS": program, "SSH_ASKPASS_REQUIRE": "force"}})
    questions = asked.read_text(encoding="utf-8").splitlines()
    assert len(questions) == bool(phrase)
    assert all("Enter passphrase for key" in question and key.name in question for question in questions)


@pytest.mark.parametrize("kind", sorted(set(SIGNATURES.values())))
@pytest.mark.parametrize("place", ["beside the key", "CertificateFile", "agent"])
def test_certificate(lab, openssh, client, service, port, agent, kind, place):
    ca = lab.keys.make("user_ca")
    key = lab.keys.make(f"certified_{kind}_{place.split()[0]}", kind)
    name = f"elsewhere_{kind}-cert.pub" if place == "CertificateFile" else None
    cert = lab.keys.certify(ca, key, principals=openssh.user, name=name)
    if place == "agent":
        agent.add(key)
        (key.parent / "cold").mkdir(exist_ok=True)
        through(client, service, openssh, port, 1000, key=None, options=["IdentitiesOnly=no"],
                how={"env": {"SSH_AUTH_SOCK": agent.socket}})
    else:
        through(client, service, openssh, port, 1000, key=key,
                options=[f"CertificateFile={cert}"] if name else [])


@pytest.mark.parametrize("fault, settings", [
    ("expired", {"valid": "20200101:20200102"}), ("not yet valid", {"valid": "20900101:20900102"}),
    ("another principal", {"principals": "somebody"}),
    ("no forwarding", {"options": ["no-port-forwarding"]})])
def test_bad_certificate(lab, openssh, client, service, port, fault, settings):
    """The server says no, and the reason is not lost."""
    key = lab.keys.make("bad_cert_" + fault.replace(" ", "_"))
    lab.keys.certify(lab.keys.make("user_ca"), key, **{"principals": openssh.user, **settings})
    one = client(openssh, "-L", f"{port}:127.0.0.1:{service().port}", key=key)
    if fault == "no forwarding":
        one.stands(port)
        with pytest.raises((AssertionError, OSError)):
            ping(("127.0.0.1", port))
        one.told("open failed: administratively prohibited")
    else:
        one.fails(r"Permission denied \(publickey\)")


@pytest.mark.parametrize("kind", sorted(set(SIGNATURES.values())))
def test_agent(server, lab, client, service, port, agent, kind):
    """RSA keys in an agent sign with SHA-2."""
    agent.add(lab.keys.user(kind))
    through(client, service, server, port, 1000, key=None, options=["IdentitiesOnly=no"],
            how={"env": {"SSH_AUTH_SOCK": agent.socket}})


MISMATCH = [
    ("KexAlgorithms", "KexAlgorithms ecdh-sha2-nistp256", "KexAlgorithms=curve25519-sha256", "key exchange method"),
    ("Ciphers", "Ciphers aes256-ctr", "Ciphers=aes128-gcm@openssh.com", "cipher"),
    ("MACs", "MACs hmac-sha2-256", "MACs=hmac-sha2-512", "MAC"),
    ("HostKeyAlgorithms", "HostKeyAlgorithms ssh-ed25519", "HostKeyAlgorithms=rsa-sha2-512", "host key type"),
]


@pytest.mark.parametrize("theirs, ours, word", [m[1:] for m in MISMATCH], ids=[m[0] for m in MISMATCH])
def test_nothing_in_common(start_server, client, port, theirs, ours, word):
    """OpenSSH's sentence, with what the server offers."""
    server = start_server(config=[theirs])
    options = [ours] + (["Ciphers=aes128-ctr"] if word == "MAC" else [])
    client(server, "-L", f"{port}:127.0.0.1:1", options=options).fails(
        rf"no matching {word} found\. Their offer: {theirs.split()[1]}")


@pytest.mark.parametrize("option", ["Ciphers=no-such-cipher", "MACs=no-such-mac", "KexAlgorithms=no-such-kex",
                                    "HostKeyAlgorithms=no-such-key"])
def test_unknown_algorithm(openssh, client, port, option):
    client(openssh, "-L", f"{port}:127.0.0.1:1", options=[option]).fails(option.split("=")[1], lines=2)


@pytest.mark.parametrize("spec", ["+aes128-ctr", "^aes256-ctr", "-chacha20*", "-aes*-gcm*"])
def test_edited_list(openssh, client, service, port, spec):
    """The forms +, - and ^ edit the default."""
    through(client, service, openssh, port, 1000, options=[f"Ciphers={spec}"])
