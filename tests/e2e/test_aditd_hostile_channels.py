"""What a bad client may send to aditd during and after the login: requests, channels, listeners. Name, verdict, script."""
import pytest

from lab.hostile_client import ALGORITHM
from lab.net import free_port
from lab.siege import (CONNECT_FAILED, ESCAPES, LIVES, NO_MORE_METHODS, PROHIBITED, PROTOCOL, SERVICE, UNKNOWN_TYPE,
                       Answers, Denied, Ends, Lives, Table, Unimplemented)
from lab.wire import (CHANNEL_FAILURE, CHANNEL_REQUEST, CHANNEL_SUCCESS, CLOSE, DATA, DISCONNECT, EOF, EXT_INFO,
                      EXTENDED_DATA, GLOBAL_REQUEST, KEXINIT, NEWKEYS, OPEN, OPEN_CONFIRMATION, OPEN_FAILURE, PING,
                      PONG, REQUEST_FAILURE, REQUEST_SUCCESS, SERVICE_ACCEPT, SERVICE_REQUEST, USERAUTH_60,
                      USERAUTH_BANNER, USERAUTH_FAILURE, USERAUTH_REQUEST, USERAUTH_SUCCESS, WINDOW_ADJUST, string, u32)

case = Table()


@pytest.mark.parametrize("script, verdict", case.rows)
def test_case(siege, script, verdict):
    siege.play(script, verdict)


# ---- the service

def before_login(*words, accepted=True):
    """A message that comes where the server waits for a login."""
    def script(bad):
        bad.secure()
        if accepted:
            bad.service()
        bad.send(*words)
    return script


def asked_for(*parts):
    return before_login(SERVICE_REQUEST, *parts, accepted=False)


for name in ("ssh-connection", "", "ssh-userauth\0", "ssh-userauth\x1b[2J", "x" * 30000):
    case(f"service: {name[:20]!r}", Ends(SERVICE, "asked for a service that there is not"))(asked_for(string(name)))
case("service: truncated", Ends(PROTOCOL, "malformed or repeated service"))(asked_for(u32(100), b"ssh"))
case("service: with a tail", Ends(PROTOCOL, "malformed or repeated service"))(asked_for(string("ssh-userauth"), b"x"))
case("service: twice", Ends(PROTOCOL, "malformed or repeated service"))(
    before_login(SERVICE_REQUEST, string("ssh-userauth")))

# ---- messages that have no place before the login

FROM_80 = (GLOBAL_REQUEST, REQUEST_SUCCESS, REQUEST_FAILURE, OPEN, OPEN_CONFIRMATION, OPEN_FAILURE, WINDOW_ADJUST, DATA,
           EXTENDED_DATA, EOF, CLOSE, CHANNEL_REQUEST, CHANNEL_SUCCESS, CHANNEL_FAILURE, PING, 61, 80, 127, 128, 255)
SERVERS = (SERVICE_ACCEPT, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER, USERAUTH_60)
for number in FROM_80 + SERVERS:
    refused = Ends(PROTOCOL, f"message {number} is not allowed now")
    case(f"login: message {number} before the service", refused)(before_login(number, u32(0, 0, 0), accepted=False))
    case(f"login: message {number} before it", refused)(before_login(number, u32(0, 0, 0)))
for number in (KEXINIT, NEWKEYS, 30, 31, 34):
    case(f"login: message {number} before it", Ends(PROTOCOL, f"message {number} is not"))(before_login(number))
for number in (9, 19, 54):
    case(f"login: unknown message {number}", Ends(PROTOCOL, "login request out of place"))(
        lambda bad, number=number: (bad.secure(), bad.send(number), bad.tries(bad.request("none"))))


def info(name, verdict, *payload, times=1, accepted=False):
    def script(bad):
        bad.secure()
        if accepted:
            bad.service()
        for _ in range(times):
            bad.send(EXT_INFO, *payload)
        bad.service()
        bad.login()
    case(f"ext-info: {name}", verdict)(script)


OUT_OF_PLACE = Ends(PROTOCOL, "EXT_INFO too often, too long, or out of place")
info("empty", LIVES, u32(0))
info("unknown names", LIVES, u32(1), string(ESCAPES), string(b"\0\xff\x1b"))
info("twice", OUT_OF_PLACE, u32(0), times=2)
info("after the service", OUT_OF_PLACE, u32(0), accepted=True)
info("endless count", OUT_OF_PLACE, u32(0xffffffff))
info("fewer than announced", Ends(PROTOCOL, "malformed EXT_INFO"), u32(2), string("a"), string("b"))
info("trailing bytes", Ends(PROTOCOL, "malformed EXT_INFO"), u32(1), string("a"), string("b"), b"tail")

# ---- login requests


def tried(*parts, **more):
    """A login request with these parts behind the user and the service; the first is the method."""
    def script(bad):
        bad.greet()
        bad.tries(bad.request(*parts, **more))
    return script


def signed(**more):
    """A login with our key, and something wrong with it."""
    def script(bad):
        bad.greet()
        bad.tries(bad.signed(**more))
    return script


ANY = ("password", b"\0", string("guess"))
MALFORMED = Ends(PROTOCOL, "malformed login request")
for method in ("", "hostbased", "keyboard-interactive", "gssapi-with-mic", "publickey\0", ESCAPES, "x" * 64):
    case(f"login: method {method[:20]!r}", Denied())(tried(method, string(""), string("")))
case("login: method of 65 bytes", MALFORMED)(tried("x" * 65))
case("login: method of 30 KB", MALFORMED)(tried("x" * 30000))
case("login: none", Denied())(tried("none"))
case("login: password", Denied())(tried(*ANY))
case("login: password of 1025 bytes", MALFORMED)(tried("password", b"\0", string("x" * 1025)))
case("login: password with a tail", MALFORMED)(tried(*ANY, b"tail"))
case("login: change of a password", Denied())(tried("password", b"\1", string("old"), string("new")))
case("login: before the service", Ends(PROTOCOL, "login request out of place"))(
    lambda bad: (bad.secure(), bad.tries(bad.request("none"))))
for name in ("ssh-userauth", "", "ssh-connection\0"):
    case(f"login: for service {name!r}", Ends(PROTOCOL, "login request out of place"))(tried("none", service=name))
case("login: without a method", Ends(PROTOCOL, "login request out of place"))(
    before_login(USERAUTH_REQUEST, string("root"), string("ssh-connection")))

BAD_NAME = Ends(PROTOCOL, "user name is too long or has control characters")
for name, user in {"NUL": b"ro\0ot", "escapes": ESCAPES, "line ends": "root\nroot", "DEL": "root\x7f", "256 bytes": "x" * 256,
                   "10 000 characters": "x" * 10000}.items():
    case(f"user: {name}", BAD_NAME)(signed(user=user))
ODD_NAMES = {"not UTF-8": (b"\xff\xfe", r"refused \\xff\\xfe from"), "C1": ("\x9b2J", r"refused \\xc2\\x9b2J from"),
             "backwards": ("\u202etoor", r"refused \\xe2\\x80\\xaetoor from"), "empty": (b"", "refused  from"),
             "percent": ("%n%s%1$n", r"refused %n%s%1\$n from"), "255 bytes": ("x" * 255, "refused x+ from"),
             "audit record": ('x" event=granted y="', r'user="x\\" event=granted y=\\""'), "path": ("../../etc", "refused"),
             "pattern": ("*", r"refused \* from"), "style": (":none", "refused")}
for name, (user, log) in ODD_NAMES.items():
    case(f"user: {name}", Denied(log))(signed(user=user))


@case("user: changes", Ends(PROTOCOL, "user name changed"))
def _(bad):
    bad.greet()
    bad.tries(bad.request("none"), bad.request("none", user="root"))


CERT = b"ssh-ed25519-cert-v01@openssh.com"
KEY = string(ALGORITHM) + string(bytes(32))
case("key: query", Denied())(tried("publickey", b"\0", string(ALGORITHM), string(KEY)))
case("key: wrong signature", Denied("signature"))(signed(spoil=lambda good: good[:-1] + bytes([good[-1] ^ 1])))
case("key: signature over another session", Denied("signature"))(signed(session=bytes(32)))
case("key: signature over another's login", Denied("signature"))(
    lambda bad: (bad.greet(), bad.tries(bad.signed(user="root").replace(string("root"), string(bad.user), 1)),
                 setattr(bad, "asked", bad.user)))
case("key: empty signature", Denied("signature"))(signed(spoil=lambda good: b""))
case("key: long signature", Denied("signature"))(signed(spoil=lambda good: good * 100))
case("key: short signature", Denied("signature"))(signed(spoil=lambda good: good[:-1]))
case("key: not in the file", Denied("refused"))(signed(blob=KEY))
for name, algorithm, blob, log in [
        ("truncated", ALGORITHM, KEY[:-1], "refused"), ("length that lies", ALGORITHM, string(ALGORITHM) + u32(33) + bytes(32), ""),
        ("empty", ALGORITHM, b"", "another type"), ("with a tail", ALGORITHM, KEY + b"x", "refused"),
        ("of another type", b"rsa-sha2-512", KEY, "another type"), ("RSA as ed25519", ALGORITHM, string("ssh-rsa") + KEY, "another"),
        ("unknown algorithm", b"ssh-dss", string("ssh-dss"), "does not have ssh-dss"),
        ("algorithm with escapes", ESCAPES.encode(), KEY, r"does not have \\x1b\]52"),
        ("algorithm of 10 000 bytes", b"x" * 10000, KEY, "does not have x"),
        ("certificate truncated", CERT, string(CERT) + string(bytes(32)) + string(bytes(20)), "refused"),
        ("certificate that is none", CERT, string(CERT), "refused"), ("plain key as certificate", CERT, KEY, "another type"),
        ("certificate as plain key", ALGORITHM, string(CERT) + KEY, "another type"),
        ("of 16 KB", ALGORITHM, KEY + bytes(16000), "refused"), ("of 30 KB", ALGORITHM, KEY + bytes(30000), "refused")]:
    case(f"key: {name}", Denied(log))(signed(algorithm=algorithm, blob=blob))
    case(f"key: {name}, query", Denied(log))(tried("publickey", b"\0", string(algorithm), string(blob)))
case("key: signature longer than the packet", MALFORMED)(
    tried("publickey", b"\1", string(ALGORITHM), string(KEY), u32(0xffffffff), b"x"))
case("key: blob longer than the packet", MALFORMED)(tried("publickey", b"\1", string(ALGORITHM), u32(0xfffffffc), b"x"))
case("key: request with a tail", MALFORMED)(tried("publickey", b"\0", string(ALGORITHM), string(KEY), b"tail"))
case("key: request without a key", MALFORMED)(tried("publickey"))


def many(request, times=50):
    def script(bad):
        bad.greet()
        bad.tries(*[request(bad) for _ in range(times)])
    return script


TOO_MANY = Ends(NO_MORE_METHODS, "Too many authentication failures")
case("login: 50 wrong signatures", TOO_MANY)(many(lambda bad: bad.signed(session=bytes(32))))
case("login: 50 passwords", TOO_MANY)(many(lambda bad: bad.request(*ANY)))
case("login: 50 unknown methods", TOO_MANY)(many(lambda bad: bad.request("x")))
case("login: 50 times none", TOO_MANY)(many(lambda bad: bad.request("none")))
case("login: 50 queries of strange keys", TOO_MANY)(
    many(lambda bad: bad.request("publickey", b"\0", string(ALGORITHM), string(KEY))))
case("login: 200 queries of a good key", TOO_MANY)(
    many(lambda bad: bad.request("publickey", b"\0", string(ALGORITHM), string(bad.blob())), 200))


@case("login: all in one segment, and again after it", LIVES)
def _(bad):
    bad.secure()
    held = []
    plain, bad.raw = bad.raw, held.append
    bad.send(SERVICE_REQUEST, string("ssh-userauth"))
    bad.tries(bad.signed(), bad.signed(), bad.request("none", user="root"), bad.request(*ANY))
    bad.raw = plain
    bad.raw(b"".join(held))
    bad.expect(USERAUTH_SUCCESS)


# ---- after the login: messages

def entered(*words):
    def script(bad):
        bad.enter()
        bad.send(*words)
    return script


for number in (9, 19, 62, 70, 79, 83, 89, 101, 110, 127, 128, 191, PONG, 255):
    case(f"message: unknown {number}", Unimplemented())(entered(number, b"whatever"))
for number in (SERVICE_REQUEST, SERVICE_ACCEPT, EXT_INFO, NEWKEYS, 30, 31, 34, USERAUTH_FAILURE, USERAUTH_SUCCESS,
               USERAUTH_BANNER, USERAUTH_60):
    case(f"message: {number} after the login", Ends(PROTOCOL, f"message {number}|malformed (NEWKEYS|KEX_ECDH_INIT)"))(
        entered(number, u32(0)))
case("message: 0", Ends(PROTOCOL, "message 0 does not exist"))(entered(0))
case("message: PING", Answers(PONG, string("are you there?")))(entered(PING, string("are you there?")))
case("message: PING of 1025 bytes", Ends(PROTOCOL, "malformed or overlong PING"))(entered(PING, string("x" * 1025)))
case("message: PING truncated", Ends(PROTOCOL, "malformed or overlong PING"))(entered(PING, u32(9), b"x"))


def goodbye(name, log, *parts, words=DISCONNECT):
    case(f"disconnect: {name}", Ends(None, log))(entered(words, *parts))
    case(f"disconnect: {name}, before the login", Ends(None, log))(before_login(words, *parts))


goodbye("escapes", r"reason 11\): \\x1b\]52;c;aGk=\\x07\\x1b\[2Jclear\\x0d\\x0asecond: line\\x7f\\xc2\\x9b1m", u32(11),
        string(ESCAPES), string(""))
goodbye("34 KB of escapes", r"reason 2\): (\\x1b)+\n", u32(2), string("\x1b" * 34000), string(""))
goodbye("not UTF-8", r"\\xff\\xfe\\xc0\\xaf end", u32(2), string(b"\xff\xfe\xc0\xaf end"), string(""))
goodbye("unknown reason", r"reason 4294967295\): odd", u32(0xffffffff), string("odd"), string(""))
goodbye("audit record", "reason 2", u32(2), string('x" event=granted y="'), string(""))
goodbye("truncated", "reason 2", u32(2, 100), b"short")
goodbye("empty", "reason 0")
