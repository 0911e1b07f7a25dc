"""What a bad server may send until the login: version line, packets, key exchange. Each case: name, script, verdict."""
import os

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab.wire import (DATA, DEBUG, DISCONNECT, ECDH_INIT, EXT_INFO, IGNORE, KEXINIT, NEWKEYS, OPEN, REQUEST_FAILURE,
                      SERVICE_ACCEPT, UNIMPLEMENTED, USERAUTH_SUCCESS, message, mpint, string, u32)

ENDS, LIVES = True, False
CASES = []


def case(name, verdict=ENDS, pattern=None):
    """Enters a script in the table; verdict: the connection must end, or must go on as if nothing had been."""
    def enter(script):
        CASES.append(pytest.param(script, verdict, pattern, id=name))
        return script
    return enter


@pytest.mark.parametrize("script, verdict, pattern", CASES)
def test_case(play, script, verdict, pattern):
    _, evil = play(script, ends=verdict, pattern=pattern)
    if verdict is ENDS and script in BEFORE_TRUST:
        assert not [login for wire in evil.wires for login in wire.logins]


# ---- version line

def greeting(line):
    def script(wire):
        wire.raw(line)
        wire.sock.settimeout(20)
        while wire.sock.recv(4096):
            pass
    return script


BAD_GREETINGS = {
    "NUL": b"SSH-2.0-ho\0stile\r\n", "escape": b"SSH-2.0-\x1b[31mhostile\r\n", "CR inside": b"SSH-2.0-ho\rstile\r\n",
    "not ASCII": b"SSH-2.0-h\xffstile\r\n", "protocol 1.5": b"SSH-1.5-hostile\r\n", "2.1": b"SSH-2.1-hostile\r\n",
    "99": b"SSH-99.0-hostile\r\n", "lower case": b"ssh-2.0-hostile\r\n" * 60, "no software": b"SSH-2.0\r\n",
    "256 bytes": b"SSH-2.0-" + b"x" * 246 + b"\r\n", "8 KiB": b"SSH-2.0-" + b"x" * 8192,
    "no line ever": b"x" * 100_000, "a hundred thousand lines": b"go away\r\n" * 100_000, "closed in the line": None,
    "HTTP": b"HTTP/1.1 400 Bad Request\r\n" + b"Header: value\r\n" * 60 + b"\r\n",
}
for name, line in BAD_GREETINGS.items():
    if line is not None:
        case(f"version: {name}")(greeting(line))


@case("version: closed in the middle")
def _(wire):
    wire.raw(b"SSH-2.0-host")
    wire.sock.shutdown(1)


def politely(line, split=False, glue=False):
    """A greeting that must work."""
    def script(wire):
        def send(data):
            for byte in data if split else [data]:
                plain(bytes([byte]) if split else byte)

        plain = wire.raw
        wire.raw = send
        if glue:  # version line and KEXINIT in one segment
            held = []
            wire.raw = held.append
            wire.version = line.strip()
            wire.kexinit()
            plain(line + held[0])
            wire.raw = lambda data: None
            wire.hello(line)
            wire.raw = plain
            wire.read_kexinit()
        else:
            wire.hello(line)
            wire.raw = plain
            wire.kexinit()
            wire.read_kexinit()
        wire.read_init()
        wire.reply()
        wire.newkeys()
        wire.read_newkeys()
        wire.login()
        wire.serve()
    return script


case("version: good", LIVES)(politely(b"SSH-2.0-hostile_1\r\n"))
case("version: 1.99", LIVES)(politely(b"SSH-1.99-hostile_1\r\n"))
case("version: only LF", LIVES)(politely(b"SSH-2.0-hostile_1\n"))
case("version: with a comment", LIVES)(politely(b"SSH-2.0-hostile_1 and a remark\r\n"))
case("version: one byte a segment", LIVES)(politely(b"SSH-2.0-hostile_1\r\n", split=True))
case("version: together with KEXINIT", LIVES)(politely(b"SSH-2.0-hostile_1\r\n", glue=True))
case("version: 255 bytes", LIVES)(politely(b"SSH-2.0-" + b"x" * 245 + b"\r\n"))
case("version: lines before it", LIVES)(politely(b"Welcome\r\nto the mine\r\nSSH-2.0-hostile_1\r\n"))


# ---- packets

def early(number=DEBUG, *parts, **lies):
    """A packet that lies, as the first one."""
    def script(wire):
        wire.hello()
        wire.raw(wire.frame(message(number, *parts), **lies) + bytes(64))
    return script


def late(spoil=None, **lies):
    """The same under keys and after the login."""
    def script(wire):
        wire.welcome()
        wire.channel()
        wire.raw(wire.frame(message(IGNORE, string(b"x" * 40)), spoil=spoil, **lies) + bytes(1024))
    return script


def flip(at):
    def spoil(data):
        data[at] ^= 1
        return bytes(data)
    return spoil


for size in (0, 1, 2, 3, 4, 7, 13, 35001, 262145, 0x7fffffff, 0x80000000, 0xffffffff):
    case(f"packet: length {size:#x} before keys")(early(length=size))
for size in (0, 1, 4, 15, 17, 262145, 262160, 0x80000000, 0xffffffff):
    case(f"packet: length {size:#x} under keys")(late(length=size))
for pad in (0, 3, 255):
    case(f"packet: padding {pad} before keys")(early(IGNORE, string(b"x"), padding=pad))
    case(f"packet: padding {pad} under keys")(late(padding=pad))
for at in (4, 5, 20, -1, -16):
    case(f"packet: bit flipped at {at}")(late(flip(at)))
case("packet: bit flipped in the length")(late(flip(2)))
case("packet: a byte too many")(late(lambda data: bytes(data) + b"x" * 17))


@case("packet: empty payload before keys")
def _(wire):
    wire.hello()
    wire.raw(wire.frame(b""))


@case("packet: empty payload under keys")
def _(wire):
    wire.welcome()
    wire.raw(wire.frame(b""))


@case("packet: sent twice")
def _(wire):
    wire.welcome()
    data = wire.frame(message(IGNORE, string(b"again")))
    wire.raw(data + data + bytes(64))


@case("packet: one left out")
def _(wire):
    wire.welcome()
    wire.frame(message(IGNORE, string(b"lost")))
    wire.send(IGNORE, string(b"next"))
    wire.raw(bytes(64))


@case("packet: cut off in the middle")
def _(wire):
    wire.welcome()
    wire.raw(wire.frame(message(IGNORE, string(b"x" * 1000)))[:500])
    wire.sock.shutdown(1)


@case("packet: 256 KiB", LIVES)
def _(wire):
    wire.welcome()
    wire.send(IGNORE, string(bytes(262144 - 64)))
    wire.serve()


def unknown(number):
    """A message nobody knows is answered by UNIMPLEMENTED with its number in the sequence."""
    def script(wire):
        wire.welcome()
        sequence = wire.sent
        wire.send(number, b"whatever")
        assert wire.expect(UNIMPLEMENTED) == message(UNIMPLEMENTED, u32(sequence))
        wire.serve()
    return script


for number in (9, 19, 70, 110, 191, 192, 255):
    case(f"packet: unknown message {number}", LIVES)(unknown(number))


CHANNEL = "the channel's number"


def after_login(number, *parts):
    def script(wire):
        wire.welcome()
        channel, _, _ = wire.channel()
        wire.send(number, *[u32(channel) if part is CHANNEL else part for part in parts])
        wire.serve()
    return script


case("packet: trailing bytes in DISCONNECT")(after_login(DISCONNECT, u32(11), string("bye"), string(""), b"tail"))
case("packet: trailing bytes in WINDOW_ADJUST")(after_login(93, CHANNEL, u32(1), b"tail"))
case("packet: string longer than the packet")(after_login(DATA, CHANNEL, u32(0xffffffff), b"x"))
case("packet: string length that wraps")(after_login(DATA, CHANNEL, u32(0xfffffffc), b"x"))
case("packet: truncated DATA")(after_login(DATA, CHANNEL))
case("packet: UNIMPLEMENTED for nothing", LIVES)(after_login(UNIMPLEMENTED, u32(0xffffffff)))
case("packet: IGNORE with a lie inside", LIVES)(after_login(IGNORE, u32(5), b"12345"))
case("packet: DEBUG with escapes", LIVES)(after_login(DEBUG, b"\1", string("\x1b]52;c;aGk=\x07\x1b[2J"), string("")))
case("packet: boolean of 17", LIVES)(after_login(80, string("what@ever"), b"\x11"))


def flood(number, *parts, times=3000):
    def script(wire):
        wire.welcome()
        for _ in range(times // 100):
            wire.raw(b"".join(wire.frame(message(number, *parts)) for _ in range(100)))
        wire.serve()
    return script


case("packet: a flood of IGNORE", LIVES)(flood(IGNORE, string(bytes(30000))))
case("packet: a flood of DEBUG", LIVES)(flood(DEBUG, b"\0", string("x" * 1000), string("")))
case("packet: a flood of UNIMPLEMENTED", LIVES)(flood(UNIMPLEMENTED, u32(7)))


def goodbye(text, reason=2):
    def script(wire):
        wire.hello()
        wire.handshake()
        wire.send(DISCONNECT, u32(reason), string(text), string(""))
        wire.send(KEXINIT, b"this is not looked at any more")
    return script


case("disconnect: its words are shown", ENDS, "the mine is closed")(goodbye("the mine is closed"))
case("disconnect: escapes are made harmless", ENDS, "red")(goodbye("\x1b[31mred\x1b[0m\r\n\x07second line\n" * 3))
case("disconnect: 34 KB")(goodbye("x" * 34000))
case("disconnect: not UTF-8")(goodbye(b"\xff\xfe\xc0\xaf end"))
case("disconnect: reason out of range")(goodbye("odd", 0xffffffff))


@case("disconnect: truncated")
def _(wire):
    wire.hello()
    wire.send(DISCONNECT, u32(2, 100), b"short")


# ---- key exchange

@case("kex: IGNORE before KEXINIT")
def _(wire):
    wire.hello()
    wire.send(IGNORE, string(b""))
    wire.handshake()
    wire.login()
    wire.serve()


def inserted(where, number, *parts):
    """A message that has no place in a strict first key exchange."""
    def script(wire):
        wire.hello()
        wire.kexinit()
        wire.read_kexinit()
        if where == "after KEXINIT":
            wire.send(number, *parts)
        wire.read_init()
        wire.reply()
        if where == "after REPLY":
            wire.send(number, *parts)
        wire.newkeys()
        wire.read_newkeys()
        wire.login()
        wire.serve()
    return script


INTRUDERS = {"IGNORE": (IGNORE, string(b"")), "DEBUG": (DEBUG, b"\0", string(""), string("")),
             "UNIMPLEMENTED": (UNIMPLEMENTED, u32(0)), "EXT_INFO": (EXT_INFO, u32(0)), "message 19": (19,),
             "SERVICE_ACCEPT": (SERVICE_ACCEPT, string("ssh-userauth")), "USERAUTH_SUCCESS": (USERAUTH_SUCCESS,),
             "CHANNEL_OPEN": (OPEN, string("session"), u32(0, 0, 0)), "PING": (192, string("x")),
             "a second KEXINIT": (KEXINIT, bytes(16), *[string("")] * 10, b"\0", u32(0)), "NEWKEYS": (NEWKEYS,)}
for place in ("after KEXINIT", "after REPLY"):
    for name, words in INTRUDERS.items():
        if (place, name) != ("after REPLY", "NEWKEYS"):
            case(f"kex: {name} {place}")(inserted(place, *words))


@case("kex: NEWKEYS first")
def _(wire):
    wire.hello()
    wire.send(NEWKEYS)


@case("kex: NEWKEYS twice")
def _(wire):
    wire.hello()
    wire.handshake()
    wire.send(NEWKEYS)
    wire.login()


@case("kex: NEWKEYS with a payload")
def _(wire):
    wire.hello()
    wire.kexinit()
    wire.read_kexinit()
    wire.read_init()
    wire.reply()
    wire.newkeys(b"more")
    wire.read_newkeys()


def replied(number=31, **lies):
    def script(wire):
        wire.hello()
        wire.handshake(number=number, **lies)
        wire.login()
        wire.serve()
    return script


STRANGER = Ed25519PrivateKey.generate()
LOW_ORDER = bytes(32), b"\1" + bytes(31), bytes.fromhex(
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800")

case("kex: INIT instead of REPLY")(replied(ECDH_INIT))
case("kex: message 32 instead of REPLY")(replied(32))
for size in (0, 31, 33, 65, 1120):
    case(f"kex: share of {size} bytes")(replied(share=os.urandom(size)))
for number, share in enumerate(LOW_ORDER):
    case(f"kex: share of low order {number}")(replied(share=share))
case("kex: trailing bytes in REPLY")(replied(extra=b"tail"))
case("kex: signature of another key", ENDS, "(?i)signature|verif")(replied(
    signature=lambda good: good[:-64] + STRANGER.sign(b"something else")))
case("kex: signature empty")(replied(signature=lambda good: b""))
case("kex: signature of zeros")(replied(signature=lambda good: string("ssh-ed25519") + string(bytes(64))))
case("kex: signature one byte short")(replied(signature=lambda good: string("ssh-ed25519") + string(good[-64:-1])))
case("kex: signature with a tail")(replied(signature=lambda good: good + b"x"))
case("kex: signature S too large")(replied(signature=lambda good: good[:-1] + b"\xff"))
case("kex: signature of another name")(replied(signature=lambda good: string("rsa-sha2-256") + good[-68:]))
case("kex: host key empty")(replied(blob=b""))
case("kex: host key of one byte")(replied(blob=b"\0"))
case("kex: host key truncated")(replied(blob=string("ssh-ed25519") + string(bytes(31))))
case("kex: host key with a tail")(replied(blob=string("ssh-ed25519") + string(bytes(32)) + b"x"))
case("kex: host key of another type")(replied(blob=string("ssh-rsa") + mpint(b"\1\0\1") + mpint(b"\xc0" + bytes(254)
                                                                                               + b"\1")))
case("kex: host key of type with an escape")(replied(blob=string("\x1b[2J") + string(bytes(32))))
BEFORE_TRUST = {param.values[0] for param in CASES if param.id.startswith("kex: ") and param.id != "kex: NEWKEYS twice"}


def offered(verdict=ENDS, pattern=None, name="", follows=False, reserved=0, junk=None, **lists):
    def script(wire):
        wire.hello()
        wire.kexinit(follows=follows, reserved=reserved, **lists)
        if junk is not None:
            wire.send(*junk)
        wire.read_kexinit()
        wire.read_init()
        wire.reply()
        wire.newkeys()
        wire.read_newkeys()
        wire.login()
        wire.serve()
    case(f"offer: {name}", verdict, pattern)(script)


GOOD_KEX = b"curve25519-sha256,kex-strict-s-v00@openssh.com"
for which, word in (("kex", "key exchange"), ("host_key", "host key"), ("enc_in", "cipher"), ("enc_out", "cipher")):
    offered(ENDS, f"(?i)no (matching|common) {word}", f"nothing in common for {which}",
            **{which: b"unheard-of@example.com"})
offered(ENDS, None, "only zlib", comp_in=b"zlib", comp_out=b"zlib@openssh.com")
offered(ENDS, None, "only pseudo names", kex=b"ext-info-c,ext-info-s,kex-strict-c-v00@openssh.com")
offered(ENDS, None, "no names at all", kex=b"", host_key=b"")
offered(ENDS, None, "35 KB of commas", kex=b"," * 34000)
offered(ENDS, None, "30 KB of names", kex=b"a," * 15000 + GOOD_KEX)
offered(ENDS, None, "NUL in a name", kex=b"curve\0," + GOOD_KEX)
offered(ENDS, None, "escape in a name", kex=b"\x1b[2Jx")
offered(LIVES, None, "empty names", kex=b",," + GOOD_KEX + b",")
offered(LIVES, None, "languages", lang_in=b"tlh,en", lang_out=b"tlh")
offered(LIVES, None, "reserved field in use", reserved=0x12345678)
offered(LIVES, None, "MACs that do not match an AEAD", mac_in=b"hmac-md5", mac_out=b"none")
offered(LIVES, None, "a wrong guess follows", kex=b"ecdh-sha2-nistp256," + GOOD_KEX, follows=True,
        junk=(31, string("wrong guess")))


@case("offer: truncated KEXINIT")
def _(wire):
    wire.hello()
    wire.send(KEXINIT, bytes(16), string("curve25519-sha256"), string("ssh-ed25519"))


@case("offer: trailing bytes in KEXINIT")
def _(wire):
    wire.hello()
    wire.send(KEXINIT, bytes(16), *[string(names) for names in wire.lists().values()], b"\0", u32(0), b"tail")


# ---- key exchanges later on

def again(wire, **reply):
    """A key exchange that the server starts, while the client has a channel."""
    wire.welcome()
    wire.channel()
    wire.kexinit(first=False)
    while (payload := wire.packet())[0] != KEXINIT:
        assert payload[0] in (DATA, 80, 93), payload[0]
    wire.their_kexinit = payload
    wire.read_init()
    wire.reply(**reply)
    wire.newkeys()
    wire.read_newkeys()


@case("rekey: good", LIVES)
def _(wire):
    again(wire)
    wire.serve()


@case("rekey: IGNORE in between is allowed then", LIVES)
def _(wire):
    wire.welcome()
    wire.kexinit(first=False)
    wire.send(IGNORE, string(b""))
    while (payload := wire.packet())[0] != KEXINIT:
        pass
    wire.their_kexinit = payload
    wire.read_init()
    wire.send(DEBUG, b"\0", string("x"), string(""))
    wire.reply()
    wire.newkeys()
    wire.read_newkeys()
    wire.serve()


@case("rekey: another host key, with a good signature", ENDS, "(?i)host key")
def _(wire):
    again(wire, key=STRANGER)


@case("rekey: data after KEXINIT")
def _(wire):
    wire.welcome()
    number, _, _ = wire.channel()
    wire.kexinit(first=False)
    wire.send(DATA, u32(number), string(b"no"))


@case("rekey: before the login is over")
def _(wire):
    wire.hello()
    wire.handshake()
    wire.service()
    wire.kexinit(first=False)


@case("rekey: KEXINIT twice")
def _(wire):
    wire.welcome()
    wire.kexinit(first=False)
    wire.kexinit(first=False)


def test_changed_key(play):
    """A good signature by a key that is not the known one: many words, and nothing of the login has left."""
    _, evil = play(replied(key=STRANGER), pattern="REMOTE HOST IDENTIFICATION HAS CHANGED", lines=0)
    assert not evil.wires[0].logins


# ---- EXT_INFO

def info(*payload, verdict=ENDS, name="", times=1):
    def script(wire):
        wire.hello()
        wire.handshake()
        for _ in range(times):
            wire.send(EXT_INFO, *payload)
        wire.login()
        wire.serve()
    case(f"ext-info: {name}", verdict)(script)


info(u32(0xffffffff), name="endless count")
info(u32(1000), *[string("name"), string("value")] * 1000, name="a thousand entries")
info(u32(2), string("server-sig-algs"), string("ssh-ed25519"), name="fewer than announced")
info(u32(1), string("server-sig-algs"), string("ssh-ed25519"), b"tail", name="trailing bytes")
info(u32(0), times=3, name="three times")
info(u32(0), verdict=LIVES, name="empty")
info(u32(2), string("what@ever"), string(b"\0\xff\x1b"), string("server-sig-algs"), string("ssh-ed25519"),
     verdict=LIVES, name="unknown names")
info(u32(1), string("server-sig-algs"), string("no-such-thing,ssh-ed25519"), verdict=LIVES, name="unknown algorithms")


@case("never asked: REQUEST_FAILURE before the login")
def _(wire):
    wire.hello()
    wire.handshake()
    wire.send(REQUEST_FAILURE)
