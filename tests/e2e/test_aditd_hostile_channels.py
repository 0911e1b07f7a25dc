"""What a bad client may send to aditd during the login and after it. Each case: name, verdict, script."""
import pytest

from lab.hostile_client import ALGORITHM
from lab.siege import (ESCAPES, LIVES, NO_MORE_METHODS, PROHIBITED, PROTOCOL, SERVICE, UNKNOWN_TYPE,
                       Answers, Denied, Ends, Lives, Table, Unimplemented)
from lab.wire import (CHANNEL_FAILURE, CHANNEL_REQUEST, CHANNEL_SUCCESS, CLOSE, DATA, DISCONNECT, EOF, EXT_INFO,
                      EXTENDED_DATA, GLOBAL_REQUEST, KEXINIT, NEWKEYS, OPEN, OPEN_CONFIRMATION, OPEN_FAILURE, PING,
                      PONG, REQUEST_FAILURE, REQUEST_SUCCESS, SERVICE_ACCEPT, SERVICE_REQUEST, UNIMPLEMENTED,
                      USERAUTH_60, USERAUTH_BANNER, USERAUTH_FAILURE, USERAUTH_REQUEST, USERAUTH_SUCCESS,
                      WINDOW_ADJUST, Reader, string, u32)

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


def unknown_before(number):
    def script(bad):
        bad.secure()
        bad.send(number, b"whatever")
        assert Reader(bad.expect(UNIMPLEMENTED)).u32() == bad.sent - 1
        bad.service()
        bad.login()
    return script


for number in (9, 19, 54):
    case(f"login: unknown message {number}", LIVES)(unknown_before(number))


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
for name, user in {"NUL": b"ro\0ot", "escapes": ESCAPES, "line ends": "root\nroot", "DEL": "root\x7f",
                   "256 bytes": "x" * 256, "10 000 characters": "x" * 10000}.items():
    case(f"user: {name}", BAD_NAME)(signed(user=user))
KEY = string(ALGORITHM) + string(bytes(32))
ODD_NAMES = {"not UTF-8": (b"\xff\xfe", r"refused \\xff\\xfe from"), "C1": ("\x9b2J", r"refused \\xc2\\x9b2J from"),
             "backwards": ("\u202etoor", r"refused \\xe2\\x80\\xaetoor from"), "empty": (b"", "refused  from"),
             "percent": ("%n%s%1$n", r"refused %n%s%1\$n from"), "255 bytes": ("x" * 255, "refused x+… from"),
             "audit record": ('x" event=granted y="', r'user="x\\" event=granted y=\\""'),
             "path": ("../../etc", "refused"), "pattern": ("*", r"refused \* from"), "style": (":none", "refused")}
for name, (user, log) in ODD_NAMES.items():
    case(f"user: {name}", Denied(log))(signed(user=user, blob=KEY))


@case("user: C1, let in by the keys of everybody", Lives(r"asked for a x\\x1b"))
def _(bad):
    bad.greet()
    bad.tries(bad.signed(user="\x9b2J\u202e"))
    bad.expect(USERAUTH_SUCCESS)
    bad.send(OPEN, string("x\x1b"), u32(0, 9, 9))


@case("user: changes", Ends(PROTOCOL, "user name changed"))
def _(bad):
    bad.greet()
    bad.tries(bad.request("none"), bad.request("none", user="root"))


CERT = b"ssh-ed25519-cert-v01@openssh.com"
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
        ("truncated", ALGORITHM, KEY[:-1], "refused"),
        ("length that lies", ALGORITHM, string(ALGORITHM) + u32(33) + bytes(32), "refused"),
        ("empty", ALGORITHM, b"", "another type"), ("with a tail", ALGORITHM, KEY + b"x", "refused"),
        ("of another type", b"rsa-sha2-512", KEY, "another type"),
        ("RSA as ed25519", ALGORITHM, string("ssh-rsa") + KEY, "another type"),
        ("unknown algorithm", b"ssh-dss", string("ssh-dss"), "PubkeyAcceptedAlgorithms does not have ssh-dss"),
        ("algorithm with escapes", ESCAPES.encode(), KEY, "PubkeyAcceptedAlgorithms does not have"),
        ("algorithm of 10 000 bytes", b"x" * 10000, KEY, "PubkeyAcceptedAlgorithms does not have xxx"),
        ("certificate truncated", CERT, string(CERT) + string(bytes(32)) + string(bytes(20)), "refused"),
        ("certificate that is none", CERT, string(CERT), "refused"),
        ("plain key as certificate", CERT, KEY, "another type"),
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
goodbye("34 KB of escapes", r"reason 2\): (\\x1b)+…\n", u32(2), string("\x1b" * 34000), string(""))
goodbye("not UTF-8", r"\\xff\\xfe\\xc0\\xaf end", u32(2), string(b"\xff\xfe\xc0\xaf end"), string(""))
goodbye("unknown reason", r"reason 4294967295\): odd", u32(0xffffffff), string("odd"), string(""))
goodbye("audit record", "reason 2", u32(2), string('x" event=granted y="'), string(""))
goodbye("truncated", "reason 2", u32(2, 100), b"short")
goodbye("empty", "reason 0")


# ---- channels that a client asks for

OPENING = u32(7, 1 << 21, 32768)
ORIGIN = string("127.0.0.1") + u32(1)


def refusal(reason, log=None):
    return Answers(OPEN_FAILURE, u32(7, reason), log=log)


for kind in ("x11", "auth-agent@openssh.com", "tun@openssh.com", "", "direct-tcpip\0x", "direct-tcpi", "x" * 30000):
    case(f"open: type {kind[:20]!r}", refusal(UNKNOWN_TYPE))(entered(OPEN, string(kind), OPENING))
case("open: type with escapes", refusal(UNKNOWN_TYPE, r"asked for a \\x1b\]52"))(
    entered(OPEN, string(ESCAPES), OPENING))
case("open: session", refusal(PROHIBITED))(entered(OPEN, string("session"), OPENING))
for kind in ("forwarded-tcpip", "forwarded-streamlocal@openssh.com"):
    case(f"open: {kind} by a client", refusal(PROHIBITED))(
        entered(OPEN, string(kind), OPENING, string("127.0.0.1"), u32(22), ORIGIN))


def direct(*rest, opening=OPENING):
    return entered(OPEN, string("direct-tcpip"), opening, *rest)


BAD_OPEN = Ends(PROTOCOL, "malformed CHANNEL_OPEN")
case("open: truncated", BAD_OPEN)(entered(OPEN, string("direct-tcpip"), u32(7)))
case("open: without a host", BAD_OPEN)(direct())
case("open: without a port", BAD_OPEN)(direct(string("127.0.0.1")))
case("open: without an origin", BAD_OPEN)(direct(string("127.0.0.1"), u32(22)))
case("open: with a tail", BAD_OPEN)(direct(string("127.0.0.1"), u32(22), ORIGIN, b"tail"))
case("open: host longer than the packet", BAD_OPEN)(direct(u32(0xffffffff), b"127.0.0.1"))
for port in (0, 65536, 65536 + 22, 0x80000000, 0xffffffff):
    case(f"open: port {port}", refusal(PROHIBITED))(
        direct(string("127.0.0.1"), u32(port), ORIGIN))
HOSTS = {"NUL": b"127.0.0.1\0.example", "escapes": ESCAPES, "10 KB": "x" * 10000, "1025 bytes": "x" * 1025,
         "1024 bytes": "x" * 1024, "empty": "", "not UTF-8": b"\xff\xfe", "many dots": "." * 255,
         "percent": "fe80::1%n%n",
         "a space": "127.0.0.1 ", "an option": "--help", "everything": "0.0.0.0", "link-local": "169.254.169.254"}
for name, host in HOSTS.items():
    case(f"open: host {name}", Answers(OPEN_FAILURE, u32(7)))(direct(string(host), u32(9), ORIGIN))
for size in (0, 1, 255):
    case(f"open: packets of {size}", refusal(PROHIBITED))(
        direct(string("127.0.0.1"), u32(9), ORIGIN, opening=u32(7, 1 << 21, size)))


@case("open: origin with escapes", LIVES)
def _(bad):
    bad.enter()
    bad.send(OPEN, string("direct-tcpip"), OPENING, string("127.0.0.1"), u32(bad.echo), string(ESCAPES),
             u32(0xffffffff))
    bad.expect(OPEN_CONFIRMATION)


for name, path in {"NUL": b"/tmp/x\0y", "10 KB": "/" + "x" * 10000, "109 bytes": "/" + "x" * 108, "relative": "x",
                   "empty": "", "escapes": "/" + ESCAPES, "abstract": b"\0x"}.items():
    case(f"open: path {name}", Answers(OPEN_FAILURE, u32(7)))(
        entered(OPEN, string("direct-streamlocal@openssh.com"), OPENING, string(path), string(""), u32(0)))


# ---- channels that stand

CHANNEL = "the channel's number"


def on_channel(*messages, **opening):
    """Sends messages, each a tuple, on a channel to the echo."""
    def script(bad):
        bad.enter()
        number, _, _ = bad.channel(bad.echo, **opening)
        for words in messages:
            bad.send(*[u32(number) if part is CHANNEL else part for part in words])
    return script


NO_CHANNEL = Ends(PROTOCOL, "for no (open )?channel")
TO_STRANGERS = {"DATA": (DATA, string("x")), "EXTENDED_DATA": (EXTENDED_DATA, u32(1), string("x")), "EOF": (EOF,),
                "WINDOW_ADJUST": (WINDOW_ADJUST, u32(1)), "CLOSE": (CLOSE,), "CHANNEL_SUCCESS": (CHANNEL_SUCCESS,),
                "CHANNEL_REQUEST": (CHANNEL_REQUEST, string("x"), b"\1"), "CHANNEL_FAILURE": (CHANNEL_FAILURE,)}
for name, (number, *rest) in TO_STRANGERS.items():
    for stranger in (4711, 0x80000000, 0xffffffff):
        case(f"channel: {name} for {stranger:#x}", NO_CHANNEL)(on_channel((number, u32(stranger), *rest)))
    case(f"channel: {name} before any", NO_CHANNEL)(entered(number, u32(0), *rest))
    case(f"channel: {name} truncated", NO_CHANNEL if not rest else Ends(PROTOCOL, "malformed"))(
        on_channel((number, b"\0\0")))
    in_flight = name in ("WINDOW_ADJUST", "CHANNEL_SUCCESS", "CHANNEL_FAILURE")
    case(f"channel: {name} after CLOSE", LIVES if in_flight else NO_CHANNEL)(
        on_channel((CLOSE, CHANNEL), (number, CHANNEL, *rest)))
    if name != "CHANNEL_REQUEST":  # its payload is the business of whoever knows the request
        case(f"channel: {name} with a tail", Ends(PROTOCOL, "malformed"))(on_channel((number, CHANNEL, *rest, b"tail")))
case("channel: DATA longer than the packet", Ends(PROTOCOL, "CHANNEL_DATA malformed"))(
    on_channel((DATA, CHANNEL, u32(0xffffffff), b"x")))
case("channel: DATA of 0 bytes", LIVES)(on_channel(*[(DATA, CHANNEL, string(""))] * 100))
case("channel: DATA beyond the packet size", Ends(PROTOCOL, "more than the packet size"))(
    on_channel((DATA, CHANNEL, string(bytes(32769)))))
case("channel: DATA of 256 KiB", Ends(PROTOCOL, "more than the packet size"))(
    on_channel((DATA, CHANNEL, string(bytes(262144 - 64)))))
case("channel: DATA after EOF", Ends(PROTOCOL, "channel data after EOF"))(
    on_channel((EOF, CHANNEL), (DATA, CHANNEL, string("x"))))
case("channel: EXTENDED_DATA after EOF", Ends(PROTOCOL, "channel data after EOF"))(
    on_channel((EOF, CHANNEL), (EXTENDED_DATA, CHANNEL, u32(1), string("x"))))
case("channel: EXTENDED_DATA", LIVES)(on_channel((EXTENDED_DATA, CHANNEL, u32(0xffffffff), string(bytes(9999)))))
case("channel: EOF twice", LIVES)(on_channel((EOF, CHANNEL), (EOF, CHANNEL)))
case("channel: CLOSE twice", NO_CHANNEL)(on_channel((CLOSE, CHANNEL), (CLOSE, CHANNEL)))
case("channel: CLOSE without EOF", Answers(CLOSE, u32(0)))(on_channel((CLOSE, CHANNEL)))
case("channel: window beyond 2^32-1", Ends(PROTOCOL, "window would pass"))(
    on_channel((WINDOW_ADJUST, CHANNEL, u32(0xffffffff))))
case("channel: window beyond 2^32-1 by one", Ends(PROTOCOL, "window would pass"))(
    on_channel((WINDOW_ADJUST, CHANNEL, u32(1)), window=0xffffffff))
case("channel: the largest window", LIVES)(on_channel((DATA, CHANNEL, string("x")), window=0xffffffff))
case("channel: adjusted by 0", LIVES)(on_channel(*[(WINDOW_ADJUST, CHANNEL, u32(0))] * 100))
case("channel: no window ever", LIVES)(on_channel((DATA, CHANNEL, string(bytes(9999))), window=0))
case("channel: request", Answers(CHANNEL_FAILURE, u32(0)))(
    on_channel((CHANNEL_REQUEST, CHANNEL, string(ESCAPES), b"\1", bytes(32000))))
case("channel: request without a reply", LIVES)(on_channel((CHANNEL_REQUEST, CHANNEL, string("shell"), b"\0")))
case("channel: request after EOF", Answers(CHANNEL_FAILURE, u32(0)))(
    on_channel((DATA, CHANNEL, string("the echo of this keeps it open")), (EOF, CHANNEL),
               (CHANNEL_REQUEST, CHANNEL, string("winadj@putty.projects.tartarus.org"), b"\1"), window=0))
for number in (OPEN_CONFIRMATION, OPEN_FAILURE):
    case(f"channel: message {number} that nobody waits for", Ends(PROTOCOL, "we did not open"))(
        on_channel((number, CHANNEL, u32(0, 1 << 20, 32768))))


@case("channel: DATA beyond the window", Ends(PROTOCOL, "beyond the window"))
def _(bad):
    """Nobody reads the echo, so what comes back fills all there is between, and then the window counts."""
    bad.enter()
    number, _, _ = bad.channel(bad.echo, window=0)
    for _ in range(2048):
        bad.send(DATA, u32(number), string(bytes(32768)))


@case("channel: messages before it stands", NO_CHANNEL)
def _(bad):
    bad.enter()
    held = []
    plain, bad.raw = bad.raw, held.append
    bad.ask_open(bad.echo)
    bad.send(CLOSE, u32(0))
    bad.raw = plain
    bad.raw(b"".join(held))


@case("channel: one number for two", LIVES)
def _(bad):
    bad.enter()
    assert bad.channel(bad.echo, 5)[0] != bad.channel(bad.echo, 5)[0]


# ---- global requests

def asks(name, *parts, wants=b"\1"):
    return entered(GLOBAL_REQUEST, string(name), wants, *parts)


NO = Answers(REQUEST_FAILURE)
BAD_GLOBAL = Ends(PROTOCOL, "malformed GLOBAL_REQUEST")
for name in ("what@ever", "", "tcpip-forward\0", "hostkeys-00@openssh.com", "x" * 30000, ESCAPES):
    case(f"global: {name[:20]!r}", NO)(asks(name, bytes(1000)))
    case(f"global: {name[:20]!r} without a reply", LIVES)(asks(name, bytes(1000), wants=b"\0"))
case("global: boolean of 17", NO)(asks("what@ever", wants=b"\x11"))
case("global: truncated", BAD_GLOBAL)(entered(GLOBAL_REQUEST, u32(100), b"x"))
case("global: without a boolean", BAD_GLOBAL)(entered(GLOBAL_REQUEST, string("what@ever")))
case("global: surplus SUCCESS", LIVES)(entered(REQUEST_SUCCESS))
case("global: surplus FAILURE", LIVES)(entered(REQUEST_FAILURE))
for name in ("tcpip-forward", "cancel-tcpip-forward"):
    case(f"{name}: truncated", BAD_GLOBAL)(asks(name, string("127.0.0.1")))
    case(f"{name}: empty", BAD_GLOBAL)(asks(name))
    case(f"{name}: with a tail", BAD_GLOBAL)(asks(name, string("127.0.0.1"), u32(0), b"tail"))
    case(f"{name}: host of 10 KB", BAD_GLOBAL)(asks(name, string("x" * 10000), u32(0)))
    for port in (65536, 65536 + 22, 0xffffffff):
        case(f"{name}: port {port}", NO)(asks(name, string("127.0.0.1"), u32(port)))
    for title, host in {"NUL": b"127.0.0.1\0", "escapes": ESCAPES, "1024 bytes": "x" * 1024,
                        "not UTF-8": b"\xff"}.items():
        case(f"{name}: host {title}", NO)(asks(name, string(host), u32(40000)))
for name in ("streamlocal-forward@openssh.com", "cancel-streamlocal-forward@openssh.com"):
    case(f"{name}: path of 10 KB", BAD_GLOBAL)(asks(name, string("/" + "x" * 10000)))
    case(f"{name}: truncated", BAD_GLOBAL)(asks(name, u32(9), b"/tmp"))
    for title, path in {"NUL": b"/tmp/x\0y", "109 bytes": "/" + "x" * 108, "escapes": "/" + ESCAPES, "relative": "x",
                        "empty": ""}.items():
        case(f"{name}: path {title}", NO)(asks(name, string(path)))
case("tcpip-forward: port 0 without a reply", Lives("port 0 without asking"))(
    asks("tcpip-forward", string("127.0.0.1"), u32(0), wants=b"\0"))
case("cancel-tcpip-forward: what is not bound", NO)(asks("cancel-tcpip-forward", string("127.0.0.1"), u32(40000)))
case("cancel-tcpip-forward: port 0", NO)(asks("cancel-tcpip-forward", string("127.0.0.1"), u32(0)))


@case("tcpip-forward: the same port twice", NO)
def _(bad):
    bad.enter()
    bad.ask("tcpip-forward", string("127.0.0.1"), u32(0))
    port = Reader(bad.expect(REQUEST_SUCCESS)).u32()
    bad.ask("tcpip-forward", string("127.0.0.1"), u32(port))


@case("cancel-tcpip-forward: twice", NO)
def _(bad):
    bad.enter()
    bad.ask("tcpip-forward", string("127.0.0.1"), u32(0))
    where = string("127.0.0.1") + bad.expect(REQUEST_SUCCESS)[1:]
    bad.ask("cancel-tcpip-forward", where)
    bad.expect(REQUEST_SUCCESS)
    bad.ask("cancel-tcpip-forward", where)


PROVE, NO_MORE = "hostkeys-prove-00@openssh.com", "no-more-sessions@openssh.com"
case("prove: nothing", NO)(asks(PROVE))
case("prove: what is no key", NO)(asks(PROVE, string("key")))
case("prove: truncated", NO)(asks(PROVE, u32(100), b"key"))
case("prove: a key of the user", NO)(lambda bad: (bad.enter(), bad.ask(PROVE, string(bad.blob()))))
case("no more sessions: with a tail", Ends(PROTOCOL, "malformed no-more-sessions"))(asks(NO_MORE, b"tail"))


@case("no more sessions: and then one", Ends(PROTOCOL, "after no-more-sessions"))
def _(bad):
    bad.enter()
    bad.ask(NO_MORE)
    bad.send(OPEN, string("session"), OPENING)
