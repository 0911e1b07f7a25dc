"""Throw-away keys and certificates, all made by ssh-keygen; each is made once and kept for the whole run."""
import os
import subprocess

TYPES = {
    "ed25519": ("ed25519", None),
    "rsa": ("rsa", "2048"),
    "ecdsa256": ("ecdsa", "256"),
    "ecdsa384": ("ecdsa", "384"),
    "ecdsa521": ("ecdsa", "521"),
}


def keygen(*args):
    subprocess.run(["ssh-keygen", "-q", *map(str, args)], check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)


def revocations(path, text, *options):
    """Makes the binary list of revoked keys that the text describes (ssh-keygen(1))."""
    (path.parent / "spec").write_text(text + "\n", encoding="ascii")
    keygen("-k", "-f", path, *options, path.parent / "spec")
    os.chmod(path, 0o644)
    return path


def is_revoked(path, public_key):
    """What ssh-keygen says."""
    said = subprocess.run(["ssh-keygen", "-Q", "-f", path, public_key], check=False, capture_output=True, text=True)
    assert said.returncode in (0, 1), said
    return said.returncode == 1


class Keyring:
    """Keys by name in one folder."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def make(self, name, kind="ed25519", passphrase="", form=None, cipher=None):
        """The path of the private key `name`, with `.pub` beside it. form: None (openssh-key-v1), PEM or PKCS8."""
        path = self.folder / name
        if not path.exists():
            algorithm, bits = TYPES[kind]
            keygen("-t", algorithm, *(["-b", bits] if bits else []), "-N", passphrase, "-C", name, "-f", path,
                   *(["-m", form] if form else []), *(["-Z", cipher] if cipher else []), "-a", "4")
        return path

    def host(self, kind):
        return self.make(f"host_{kind}", kind)

    def user(self, kind):
        return self.make(f"user_{kind}", kind)

    def copy(self, name, source, mode=0o600):
        """A second file with the same private key (and none of its siblings)."""
        path = self.folder / name
        path.write_bytes(source.read_bytes())
        os.chmod(path, mode)
        return path

    def certify(self, ca, key, *, host=False, principals="", valid="always:forever", options=(), name=None,
                serial=0):
        """Signs key.pub with `ca`; returns the path of the certificate (moved to `name` if given)."""
        cert = key.parent / f"{key.name}-cert.pub"
        keygen("-s", ca, "-I", "id of " + key.name, *(["-h"] if host else []),
               *(["-n", principals] if principals else []), "-V", valid, "-z", serial,
               *[word for option in options for word in ("-O", option)], str(key) + ".pub")
        return cert.rename(key.parent / name) if name else cert


def public(key):
    """`type base64` of a key, without the comment."""
    with open(str(key) + ".pub", encoding="ascii") as text:
        return " ".join(text.read().split()[:2])


def known_host(server, *keys, name=None):
    """known_hosts lines for a server at a port."""
    name = name or f"[{server.host}]:{server.port}"
    return "".join(f"{name} {public(key)}\n" for key in keys)


def fingerprint(key):
    """SHA256:... of a key."""
    seen = subprocess.run(["ssh-keygen", "-lf", str(key) + ".pub"], check=True, capture_output=True, text=True)
    return seen.stdout.split()[1]
