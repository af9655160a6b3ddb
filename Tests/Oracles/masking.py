"""Cases for the masking of secrets, and what must come out, worked out with Python's own encoders.

Usage: masking.py SEED CASES. A JSON object a line: secrets, and cases of the pieces a text comes in,
the runs of it that must stay, between which everything is masked, and what the masked runs were.
"""
import base64
import json
import random
import re
import string
import sys
import urllib.parse

PUBLIC = {
    b"apiVersion: v1", b"kind: Config", b"clusters:", b"- cluster:", b"cluster:", b"contexts:",
    b"- context:", b"context:", b"users:", b"preferences: {}", b"current-context:",
    b"apiVersion: client.authentication.k8s.io/v1",
    b"apiVersion: client.authentication.k8s.io/v1beta1",
}
BLANKS = b" \t\r\n"


def sure_base64(value, phase):
    """The characters of base64 that no neighbour changes, found by changing the neighbours."""
    texts = [
        base64.b64encode(bytes([fill]) * phase + value + bytes([fill]) * 3)
        for fill in (0x00, 0xff)
    ]
    same = [a == b for a, b in zip(*texts)]
    # What the neighbours alone decide differs; the run that stays the same is the value's.
    start = (phase * 8 + 5) // 6
    end = (phase + len(value)) * 8 // 6
    assert all(same[start:end])
    return texts[0][start:end]


def lines_of(text, width, least=8):
    if len(text) <= width:
        return set()
    pieces = [text[at:at + width] for at in range(0, len(text), width)]
    return {piece for piece in pieces if len(piece) >= least}


def percent(value, safe, plus=False, lower=False):
    quote = urllib.parse.quote_plus if plus else urllib.parse.quote
    text = quote(value, safe=safe.replace("~", ""))
    if "~" not in safe:
        text = text.replace("~", "%7E")
    if lower:
        text = re.sub("%..", lambda match: match.group().lower(), text)
    return text.encode()


def forms(value):
    found = {value, value.hex().encode(), value.hex().upper().encode()}
    for text in list(found - {value}):
        found |= lines_of(text, 60)
    if value == value.hex().encode():
        found |= lines_of(value, 60)
    for phase in range(3):
        inner = sure_base64(value, phase)
        whole = base64.b64encode(bytes(phase) + value)
        if len(inner) < 6:
            continue
        ended = whole[(phase * 8 + 5) // 6:]
        # Of a long form that is ended by padding, the end.
        tail = ended[-64:] if len(ended) > 512 else ended
        for text in (inner, tail if whole.endswith(b"=") else inner):
            found.add(text)
            found.add(text.translate(bytes.maketrans(b"+/", b"-_")))
    if len(value) > 45:
        alone = base64.b64encode(value)
        for text in (alone, alone[:len(value) * 8 // 6]):
            found |= lines_of(text, 64) | lines_of(text, 76)
    for safe, plus, lower in (
            ("-._~", 0, 0), ("-._~/", 0, 0), ("-._~!'()*", 0, 0), ("-._~!'()*;/?:@&=+$,#", 0, 0),
            ("-._~$&+=:@", 0, 0), ("-._*", 1, 0), ("-._~", 1, 0), ("-._~", 0, 1), ("-._*", 1, 1)):
        found.add(percent(value, safe, plus, lower))
    found.add(value.replace(b"'", b"'\\''"))
    try:
        text = value.decode()
    except UnicodeDecodeError:
        return {form for form in found if len(form) >= 6}
    plain = json.dumps(text, ensure_ascii=False)[1:-1]
    ascii_only = json.dumps(text)[1:-1]
    upper = lambda text: re.sub(r"(?<!\\)((?:\\\\)*)\\u(....)", lambda m: m[1] + "\\u" + m[2].upper(), text)
    html = plain
    for sign in "<>&\u2028\u2029":
        html = html.replace(sign, "\\u%04x" % ord(sign))
    more = html.replace("=", "\\u003d").replace("'", "\\u0027")
    long_controls = re.sub(r"(?<!\\)((?:\\\\)*)\\([bf])",
                           lambda m: m[1] + {"b": "\\u0008", "f": "\\u000c"}[m[2]], html)
    for json_text in (plain, ascii_only, upper(plain), upper(ascii_only), html, more, long_controls,
                      plain.replace("/", "\\/"), ascii_only.replace("/", "\\/"),
                      json.dumps(plain, ensure_ascii=False)[1:-1]):
        found.add(json_text.encode())
    return {form for form in found if len(form) >= 6}


def all_forms(value):
    value = value.strip(BLANKS)
    found = forms(value)
    if b"\n" in value:
        found.add(value.replace(b"\n", b"\r\n"))
        for line in value.split(b"\n"):
            line = line.strip(BLANKS)
            boundary = re.fullmatch(rb"-----(BEGIN|END) .*-----", line, re.S) and len(line) <= 72
            if len(line) >= 8 and line not in PUBLIC and not boundary:
                found |= forms(line)
    # Forms of more than 512 bytes are looked for in pieces of 64.
    for form in [form for form in found if len(form) > 512]:
        found |= {form[at:at + 64] for at in range(0, len(form) - 64, 64)} | {form[-64:]}
    return found


def make_secret(rng):
    kind = rng.randrange(9)
    length = rng.randint(6, 40)
    if kind == 0:
        return "".join(rng.choices(string.ascii_letters + string.digits, k=length)).encode()
    if kind == 1:
        return rng.randbytes(length)
    if kind == 2:
        return "".join(rng.choices(string.printable[:95] + "\\\"'/<>&=+%~*", k=length)).strip().encode() + b"Zq9xwv"
    if kind == 3:
        return ("pä ß✓😀\u2028" + "".join(rng.choices("äöü漢字🔑<&'/\"\\\b\f\x7f", k=length))).encode()
    if kind == 4:
        lines = ["".join(rng.choices(string.ascii_letters + " :-{}'\"", k=rng.randint(0, 30))) for _ in range(6)]
        return "\n".join(lines).encode() + b"\nlast line of it\n"
    if kind == 5:
        body = base64.encodebytes(rng.randbytes(rng.randint(50, 400))).decode()
        return f"-----BEGIN PRIVATE KEY-----\n{body}-----END PRIVATE KEY-----\n".encode()
    if kind == 6:
        return rng.choice([b"aaaaaa", b"abababab", b"a" * length, b"https://", b"-----BEGIN"])
    if kind == 7:
        return "".join(rng.choices(string.ascii_letters, k=rng.randint(500, 1500))).encode()
    return rng.randbytes(rng.randint(400, 900))


def show(rng, value, all_of_it):
    """The value as a program might print it."""
    kind = rng.randrange(10)
    core = value.strip(BLANKS)
    if kind == 0:
        return value
    if kind == 1:
        text = base64.b64encode(rng.randbytes(rng.randint(0, 5)) + core + rng.randbytes(rng.randint(0, 5)))
        return text.translate(bytes.maketrans(b"+/", b"-_")) if rng.random() < 0.5 else text
    if kind == 2:
        return base64.encodebytes(core)
    if kind == 3:
        return rng.choice([core.hex(), core.hex().upper()]).encode()
    if kind == 4:
        return urllib.parse.quote(core, safe=rng.choice(["", "/", "!'()*"])).encode()
    if kind == 5 and b"\n" in core:
        return rng.choice(core.split(b"\n"))
    if kind == 6:
        try:
            return json.dumps(core.decode(), ensure_ascii=rng.random() < 0.5).encode()
        except UnicodeDecodeError:
            return core
    if kind == 7:
        # Part of one, which is nobody's business to mask.
        return core[:rng.randint(1, 5)] + b"~"
    return rng.choice(all_of_it)


def around(rng):
    kind = rng.randrange(5)
    if kind == 0:
        return rng.randbytes(rng.randint(0, 30))
    if kind == 1:
        return b""
    words = [b"the ", b"log", b"\n", b"http", b"---", b"aa", b"\x1b[1m", b"\x00", b"= ", b"***", "é".encode(), b"kind: Config\n"]
    return b"".join(rng.choices(words, k=rng.randint(0, 8)))


def covered(text, found):
    """The runs that are part of some form."""
    marks = bytearray(len(text) + 1)
    for form in found:
        at = text.find(form)
        while at >= 0:
            marks[at:at + len(form)] = b"\1" * len(form)
            at = text.find(form, at + 1)
    return marks


def runs(text, marks):
    clear, masked, start = [], [], 0
    state = 0
    for at in range(len(text) + 1):
        now = marks[at] if at < len(text) else 0
        if now != state:
            (masked if state else clear).append(text[start:at])
            start, state = at, now
    clear.append(text[start:])
    return clear, masked


def ends_well(text, found):
    """Whether the end is no beginning of a form, which would be kept: that has tests of its own."""
    tails = {text[-count:] for count in range(8, min(len(text), 512) + 1)}
    return not any(form[:count] in tails for form in found for count in range(8, min(len(form), 513)))


def pieces(rng, text):
    kind = rng.randrange(4)
    if kind == 0:
        return [text]
    if kind == 1 and len(text) < 400:
        return [text[at:at + 1] for at in range(len(text))]
    cuts = sorted(rng.randint(0, len(text)) for _ in range(rng.randint(1, 12)))
    return [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)])]


def main():
    rng = random.Random(int(sys.argv[1]))
    left = int(sys.argv[2])
    while left > 0:
        secrets = [make_secret(rng) for _ in range(rng.choice([1, 1, 2, 3, 5]))]
        if rng.random() < 0.2:
            secrets.append(secrets[0][:-1].strip(BLANKS) + b"other end")
        secrets = [secret for secret in secrets if len(secret.strip(BLANKS)) >= 6]
        found = set().union(*(all_forms(secret) for secret in secrets))
        ordered = sorted(found)
        cases = []
        while len(cases) < min(left, 40):
            text = around(rng)
            for _ in range(rng.randint(0, 4)):
                text += show(rng, rng.choice(secrets), ordered) + around(rng)
            if not ends_well(text, found):
                continue
            clear, masked = runs(text, covered(text, found))
            cases.append({
                "pieces": [piece.hex() for piece in pieces(rng, text)],
                "clear": [piece.hex() for piece in clear],
                "masked": [piece.hex() for piece in masked],
            })
        left -= len(cases)
        print(json.dumps({"secrets": [secret.hex() for secret in secrets], "cases": cases,
                          "forms": [form.hex() for form in ordered]}), flush=True)


main()
