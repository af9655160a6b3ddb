"""Reads another process's memory as root, the way a thief would."""
import pathlib
import re

MAPPING = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+ *(.*)$")


class Mapping:
    def __init__(self, match):
        self.start, self.end = int(match[1], 16), int(match[2], 16)
        self.modes, self.name, self.flags = match[3], match[4], set()

    @property
    def is_arena(self):
        """Locked and left out of dumps: where keys may be (secret memory cannot be read at all)."""
        return self.name.startswith("/secretmem") or {"lo", "dd"} <= self.flags


def mappings(pid):
    found = []
    for line in pathlib.Path(f"/proc/{pid}/smaps").read_text().splitlines():
        match = MAPPING.match(line)
        if match:
            found.append(Mapping(match))
        elif line.startswith("VmFlags:"):
            found[-1].flags = set(line.split()[1:])
    return found


class Scan:
    """Hits of needles in all readable memory of a process, inside and outside the arena."""

    def __init__(self, pid, needles):
        self.read, self.unreadable, self.secret = 0, 0, 0
        self.outside, self.inside = [], 0
        overlap = max(map(len, needles))
        with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
            for mapping in mappings(pid):
                if "r" not in mapping.modes or mapping.name in ("[vvar]", "[vsyscall]"):
                    continue
                if mapping.name.startswith("/secretmem"):
                    self.secret += mapping.end - mapping.start
                tail, position = b"", mapping.start
                while position < mapping.end:
                    try:
                        memory.seek(position)
                        data = memory.read(min(8 << 20, mapping.end - position))
                    except (OSError, ValueError, OverflowError):
                        data = b""
                    if not data:
                        self.unreadable += mapping.end - position
                        break
                    self.read += len(data)
                    window = tail + data
                    for needle in needles:
                        place = window.find(needle)
                        while place >= 0:
                            if mapping.is_arena:
                                self.inside += 1
                            else:
                                address = position - len(tail) + place
                                self.outside.append((needle, address, mapping, window[
                                    max(0, place - 32):place + 64]))
                            place = window.find(needle, place + 1)
                    tail = window[-(overlap - 1):]
                    position += len(data)

    def where(self):
        """The places outside the arena, for a message."""
        return [f"{hex(address)} in {mapping.name or 'anonymous'} {mapping.modes}: {context.hex()}"
                for _, address, mapping, context in self.outside[:10]]
