"""What a bad client may send to aditd until the login: version line, packets, key exchange. Name, verdict, script."""
import socket

import pytest

from lab.siege import ESCAPES, KEX, LIVES, MAC, PROTOCOL, Ends, Table
from lab.wire import (DATA, DEBUG, ECDH_INIT, ECDH_REPLY, EXT_INFO, IGNORE, KEXINIT, NEWKEYS, OPEN, SERVICE_REQUEST,
                      UNIMPLEMENTED, USERAUTH_REQUEST, message, string, u32)

case = Table()


@pytest.mark.parametrize("script, verdict", case.rows)
def test_case(siege, script, verdict):
    siege.play(script, verdict)


# ---- version line

def greeting(line, end=False):
    def script(bad):
        bad.raw(line)
        if end:
            bad.sock.shutdown(socket.SHUT_WR)
    return script


TOO_LONG, NO_VERSION, NOT_2 = "first line is too long", "not an SSH version", "does not speak SSH 2.0"
GREETINGS = {
    "NUL": (b"SSH-2.0-ho\0stile\r\n", "control characters"), "no line": (b"x" * 256, TOO_LONG),
    "escape": (b"SSH-2.0-\x1b[31mhostile\r\n", "control characters"),
    "CR inside": (b"SSH-2.0-ho\rstile\r\n", "control characters"),
    "not ASCII": (b"SSH-2.0-h\xffstile\r\n", "control characters"),
    "1.5": (b"SSH-1.5-hostile\r\n", NOT_2), "2.1": (b"SSH-2.1-hostile\r\n", NOT_2),
    "99": (b"SSH-99.0-hostile\r\n", NOT_2), "no software": (b"SSH-2.0\r\n", NOT_2),
    "lower case": (b"ssh-2.0-hostile\r\n", NO_VERSION), "empty line": (b"\r\n", NO_VERSION),
    "a line before it": (b"hello\r\nSSH-2.0-hostile\r\n", NO_VERSION),
    "256 bytes": (b"SSH-2.0-" + b"x" * 247 + b"\r\n", TOO_LONG), "8 KiB": (b"SSH-2.0-" + b"x" * 8192, TOO_LONG),
    "endless": (b"go away\r\n" * 10000, NO_VERSION), "HTTP": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", NO_VERSION),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\n", NO_VERSION),
    "PROXY": (b"PROXY TCP4 10.0.0.1 10.0.0.2 5 22\r\nSSH-2.0-hostile\r\n", NO_VERSION),
}
for name, (line, words) in GREETINGS.items():
    case(f"version: {name}", Ends(None, words))(greeting(line))
case("version: closed in the middle", Ends(None, "closed by the peer"))(greeting(b"SSH-2.0-host", end=True))


def politely(line):
    def script(bad):
        bad.hello(line)
        bad.handshake()
        bad.service()
        bad.login()
    return script


case("version: only LF", LIVES)(politely(b"SSH-2.0-hostile_1\n"))
case("version: with a remark", LIVES)(politely(b"SSH-2.0-hostile_1 and a remark\r\n"))
case("version: 255 bytes", LIVES)(politely(b"SSH-2.0-" + b"x" * 245 + b"\r\n"))


@case("version: one byte a segment, and KEXINIT in one with its last", LIVES)
def _(bad):
    line = b"SSH-2.0-hostile_1\r\n"
    plain, rest = bad.raw, line[-1:]
    for byte in line[:-1]:
        plain(bytes([byte]))
    held = [rest]
    bad.raw = held.append
    bad.kexinit()
    bad.raw = lambda data: None
    plain(b"".join(held))
    bad.hello(line)
    bad.raw = plain
    bad.read_kexinit()
    bad.init()
    bad.read_reply()
    bad.newkeys()
    bad.read_newkeys()
    bad.service()
    bad.login()


# ---- packets

def early(*parts, **lies):
    """A packet that lies, as the first one."""
    def script(bad):
        bad.hello()
        bad.raw(bad.frame(message(*parts), **lies) + bytes(64))
    return script


def late(spoil=None, **lies):
    """The same under keys and after the login."""
    def script(bad):
        bad.enter()
        bad.raw(bad.frame(message(IGNORE, string(b"x" * 40)), spoil=spoil, **lies) + bytes(1024))
    return script


def flip(at):
    def spoil(data):
        data[at] ^= 1
        return bytes(data)
    return spoil


LENGTH, PADDING, AUTHENTIC = "bad packet length", "bad packet padding", "authentication code incorrect"
for size in (0, 1, 4, 7, 13, 35004, 262148, 0x7fffffff, 0x80000000, 0xffffffff):
    case(f"packet: length {size:#x} before keys", Ends(PROTOCOL, LENGTH))(early(DEBUG, length=size))
for size in (0, 1, 4, 15, 17, 262145, 262160, 0x80000000, 0xffffffff):
    case(f"packet: length {size:#x} under keys", Ends(MAC, LENGTH))(late(length=size))
for pad in (0, 3, 255):
    case(f"packet: padding {pad} before keys", Ends(PROTOCOL, PADDING))(early(IGNORE, string(b"x"), padding=pad))
    case(f"packet: padding {pad} under keys", Ends(PROTOCOL, PADDING))(late(padding=pad))
for at in (4, 5, 20, -1, -16):
    case(f"packet: bit flipped at {at}", Ends(MAC, AUTHENTIC))(late(flip(at)))
case("packet: bit flipped in the length", Ends(MAC, AUTHENTIC))(late(flip(2)))
case("packet: a byte too many", Ends(MAC, ""))(late(lambda data: bytes(data) + b"x" * 17))


@case("packet: empty payload before keys", Ends(PROTOCOL, PADDING))
def _(bad):
    bad.hello()
    bad.raw(bad.frame(b""))


@case("packet: empty payload under keys", Ends(PROTOCOL, PADDING))
def _(bad):
    bad.enter()
    bad.raw(bad.frame(b""))


@case("packet: sent twice", Ends(MAC, AUTHENTIC))
def _(bad):
    bad.enter()
    bad.raw(bad.frame(message(IGNORE, string(b"again"))) * 2 + bytes(64))


@case("packet: one left out", Ends(MAC, AUTHENTIC))
def _(bad):
    bad.enter()
    bad.frame(message(IGNORE, string(b"lost")))
    bad.send(IGNORE, string(b"next"))


@case("packet: cut off in the middle", Ends(None, "closed by the peer"))
def _(bad):
    bad.enter()
    bad.raw(bad.frame(message(IGNORE, string(b"x" * 1000)))[:500])
    bad.sock.shutdown(socket.SHUT_WR)


@case("packet: 256 KiB", LIVES)
def _(bad):
    bad.enter()
    bad.send(IGNORE, string(bytes(262144 - 64)))


@case("packet: 36 KB before the login", Ends(MAC, LENGTH))
def _(bad):
    bad.secure()
    bad.send(IGNORE, string(bytes(36000)))


def flood(number, *parts, times=2000):
    def script(bad):
        bad.enter()
        for _ in range(times // 100):
            bad.raw(b"".join(bad.frame(message(number, *parts)) for _ in range(100)))
    return script


case("packet: a flood of IGNORE", LIVES)(flood(IGNORE, string(bytes(1000))))
case("packet: a flood of DEBUG", LIVES)(flood(DEBUG, b"\1", string(ESCAPES), string("")))
case("packet: a flood of UNIMPLEMENTED", LIVES)(flood(UNIMPLEMENTED, u32(7)))


@case("packet: 600 of IGNORE before the login", Ends(PROTOCOL, "too many packets before the login"))
def _(bad):
    bad.secure()
    bad.raw(b"".join(bad.frame(message(IGNORE, string(b""))) for _ in range(600)))


# ---- key exchange

def offered(**changes):
    def script(bad):
        bad.hello()
        bad.kexinit(**changes)
    return script


for which in ("kex", "host_key", "enc_in", "enc_out", "comp_in", "comp_out"):
    case(f"kex: nothing in common in {which}", Ends(KEX, "no matching"))(offered(**{which: b"no-such-thing"}))
    case(f"kex: nothing at all in {which}", Ends(KEX, "no matching"))(offered(**{which: b"", "first": False}))
case("kex: only the strict marker", Ends(KEX, "no matching key exchange"))(
    offered(first=False, kex=b"kex-strict-c-v00@openssh.com,kex-strict-s-v00@openssh.com"))
case("kex: list of 30 KB", Ends(KEX, "malformed KEXINIT"))(offered(kex=b"x" * 30000))
case("kex: list of a thousand names", Ends(KEX, "malformed KEXINIT"))(offered(kex=b"x," * 1000 + b"x"))
case("kex: list of commas", Ends(KEX, "malformed KEXINIT"))(offered(kex=b"," * 8000))
case("kex: NUL in a list", Ends(KEX, "malformed KEXINIT"))(offered(lang_in=b"a\0b"))
case("kex: escapes in a list", Ends(KEX, "malformed KEXINIT"))(offered(host_key=b"\x1b[2J"))


@case("kex: truncated KEXINIT", Ends(PROTOCOL, "malformed KEXINIT"))
def _(bad):
    bad.hello()
    bad.send(KEXINIT, bytes(16), string("curve25519-sha256"))


@case("kex: list longer than KEXINIT", Ends(PROTOCOL, "malformed KEXINIT"))
def _(bad):
    bad.hello()
    bad.send(KEXINIT, bytes(16), u32(0xffffffff), *[string("")] * 9, b"\0", u32(0))


@case("kex: IGNORE before KEXINIT", Ends(PROTOCOL, "KEXINIT was not the first packet"))
def _(bad):
    bad.hello()
    bad.send(IGNORE, string(b""))
    bad.kexinit()


def inserted(*words, later=False):
    """A message that has no place in a strict first key exchange."""
    def script(bad):
        bad.hello()
        bad.kexinit()
        bad.read_kexinit()
        if later:
            bad.init()
            bad.read_reply()
            bad.read_newkeys()
        bad.send(*words)
    return script


SURPLUS = KEXINIT, bytes(16), *[string("")] * 10, b"\0", u32(0)
INTRUDERS = {"IGNORE": (IGNORE, string(b"")), "DEBUG": (DEBUG, b"\0", string(""), string("")),
             "UNIMPLEMENTED": (UNIMPLEMENTED, u32(0)), "EXT_INFO": (EXT_INFO, u32(0)), "message 19": (19,),
             "SERVICE_REQUEST": (SERVICE_REQUEST, string("ssh-userauth")), "ECDH_REPLY": (ECDH_REPLY,),
             "USERAUTH_REQUEST": (USERAUTH_REQUEST,), "CHANNEL_OPEN": (OPEN, string("session"), u32(0, 0, 0)),
             "PING": (192, string("x")), "a second KEXINIT": SURPLUS}
for name, words in INTRUDERS.items():
    refused = Ends(PROTOCOL, f"message {words[0]} (inside|during|is not)")
    case(f"kex: {name} after KEXINIT", refused)(inserted(*words))
    case(f"kex: {name} after ECDH_INIT", refused)(inserted(*words, later=True))
case("kex: NEWKEYS instead of ECDH_INIT", Ends(PROTOCOL, "malformed NEWKEYS"))(inserted(NEWKEYS))
case("kex: ECDH_INIT twice", Ends(PROTOCOL, "malformed KEX_ECDH_INIT"))(
    inserted(ECDH_INIT, string(bytes(32)), later=True))
case("kex: NEWKEYS with a payload", Ends(PROTOCOL, "malformed NEWKEYS"))(inserted(NEWKEYS, b"more", later=True))

SHARES = {"zero": bytes(32), "one": b"\1" + bytes(31), "short": b"\5" * 31, "long": b"\5" * 33, "empty": b"",
          "of order 8": bytes.fromhex("e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800"),
          "16 KB": b"\5" * 16000}
for name, share in SHARES.items():
    case(f"kex: share {name}", Ends(KEX, "key|share|point"))(inserted(ECDH_INIT, string(share)))
case("kex: share truncated", Ends(PROTOCOL, "malformed KEX_ECDH_INIT"))(inserted(ECDH_INIT, u32(32), b"short"))
case("kex: share with a tail", Ends(PROTOCOL, "malformed KEX_ECDH_INIT"))(
    inserted(ECDH_INIT, string(b"\5" * 32), b"tail"))


@case("kex: wrong guess is not looked at", LIVES)
def _(bad):
    bad.hello()
    bad.kexinit(follows=True, kex=b"no-such-method,curve25519-sha256,kex-strict-c-v00@openssh.com")
    bad.send(34, b"this is for another method")
    bad.read_kexinit()
    bad.init()
    bad.read_reply()
    bad.newkeys()
    bad.read_newkeys()
    bad.service()
    bad.login()


@case("kex: promised guess is something else", Ends(PROTOCOL, "message"))
def _(bad):
    bad.hello()
    bad.kexinit(follows=True)
    bad.send(SERVICE_REQUEST, string("ssh-userauth"))


@case("kex: NEWKEYS twice", Ends(PROTOCOL, "message 21"))
def _(bad):
    bad.secure()
    bad.send(NEWKEYS)


@case("kex: again, by the rules", LIVES)
def _(bad):
    bad.enter()
    bad.handshake(first=False)


@case("kex: again, before the login is over", Ends(PROTOCOL, "message 20"))
def _(bad):
    bad.greet()
    bad.kexinit(first=False)


def in_renewal(*words):
    def script(bad):
        bad.enter()
        bad.kexinit(first=False)
        bad.send(*words)
    return script


case("kex: again, KEXINIT twice", Ends(PROTOCOL, "message 20 inside"))(in_renewal(*SURPLUS))
case("kex: again, data after KEXINIT", Ends(PROTOCOL, "message 94"))(in_renewal(DATA, u32(0), string("no")))
case("kex: again, share zero", Ends(KEX, "key|share|point"))(in_renewal(ECDH_INIT, string(bytes(32))))
