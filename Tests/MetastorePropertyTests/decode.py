#!/usr/bin/env python3
"""Decodes log records as docs/FORMAT.md describes them, and verifies their chain. Standard library only.

usage: decode.py FORMAT.md LOG

LOG has a line a column, `name=value`, and an empty line after each record: what the log table holds, with bytes in
hexadecimal and texts as JSON. Nothing here is shared with the store: names of kinds and fields are read from the tables
of the document.
"""
import hashlib
import json
import re
import struct
import sys


def fail(text):
    print(text)
    sys.exit(1)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.at + count > len(self.data):
            fail("it ends early")
        self.at += count
        return self.data[self.at - count:self.at]

    def byte(self):
        return self.take(1)[0]

    def number(self):
        result = shift = 0
        while True:
            byte = self.byte()
            result |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return result

    def signed(self):
        number = self.number()
        return (number >> 1) ^ -(number & 1)

    def sized(self):
        return self.take(self.number())

    def done(self):
        return self.at == len(self.data)


def number(value):
    """Seven bits a byte, least significant first; of a signed number its 64 bits."""
    value &= 2**64 - 1
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def sized(data):
    return number(len(data)) + data


def uuid_text(data):
    digits = data.hex()
    return "-".join([digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]])


def value_text(reader):
    tag = reader.byte()
    if tag == 0:
        return "null"
    if tag == 1:
        return f"integer {reader.signed()}"
    if tag == 2:
        return f"real {reader.take(8).hex()}"
    if tag == 3:
        return f"text {json.dumps(reader.sized().decode('utf-8'))}"
    if tag == 4:
        return f"bytes {reader.sized().hex()}"
    if tag == 5:
        return f"uuid {uuid_text(reader.take(16))}"
    if tag == 6:
        return f"timestamp {struct.unpack('>q', reader.take(8))[0]}"
    fail(f"a field has the unknown tag {tag}")


def xxh32(data):
    """The checksum of LZ4 frames, with seed 0."""
    p1, p2, p3, p4, p5 = 2654435761, 2246822519, 3266489917, 668265263, 374761393
    mask = 2**32 - 1

    def rotate(x, bits):
        return (x << bits | x >> (32 - bits)) & mask

    at = 0
    if len(data) >= 16:
        sums = [(p1 + p2) & mask, p2, 0, -p1 & mask]
        while at + 16 <= len(data):
            for lane, word in enumerate(struct.unpack_from("<4I", data, at)):
                sums[lane] = rotate((sums[lane] + word * p2) & mask, 13) * p1 & mask
            at += 16
        result = (rotate(sums[0], 1) + rotate(sums[1], 7) + rotate(sums[2], 12) + rotate(sums[3], 18)) & mask
    else:
        result = p5
    result = (result + len(data)) & mask
    while at + 4 <= len(data):
        result = rotate((result + struct.unpack_from("<I", data, at)[0] * p3) & mask, 17) * p4 & mask
        at += 4
    for byte in data[at:]:
        result = rotate((result + byte * p5) & mask, 11) * p1 & mask
    result = (result ^ result >> 15) * p2 & mask
    result = (result ^ result >> 13) * p3 & mask
    return result ^ result >> 16


def lz4_block(data, out):
    at = 0
    while at < len(data):
        token = data[at]
        at += 1
        count = token >> 4
        if count == 15:
            while True:
                count += data[at]
                at += 1
                if data[at - 1] != 255:
                    break
        out += data[at:at + count]
        at += count
        if at >= len(data):
            return
        offset = data[at] | data[at + 1] << 8
        at += 2
        count = (token & 15) + 4
        if token & 15 == 15:
            while True:
                count += data[at]
                at += 1
                if data[at - 1] != 255:
                    break
        for _ in range(count):
            out.append(out[-offset])


def lz4_frame(frame):
    if frame[:4] != bytes.fromhex("04224d18"):
        fail("no LZ4 frame")
    flags = frame[4]
    if flags & 0x0C != 0x0C:
        fail("an LZ4 frame without content size or content checksum")
    size = struct.unpack_from("<Q", frame, 6)[0]
    at = 4 + 2 + 8 + 1
    out = bytearray()
    while True:
        word = struct.unpack_from("<I", frame, at)[0]
        at += 4
        if word == 0:
            break
        block = frame[at:at + (word & 0x7FFFFFFF)]
        at += len(block)
        if word >> 31:
            out += block
        else:
            lz4_block(block, out)
    if len(out) != size or struct.unpack_from("<I", frame, at)[0] != xxh32(bytes(out)):
        fail("an LZ4 frame fails its checksum")
    return bytes(out)


def read_tables(path):
    """Kinds by code: their name and their fields' names by number."""
    kinds, current = {}, None
    for line in open(path, encoding="utf-8"):
        if heading := re.match(r"### (\d+): (\S+)$", line):
            current = (heading.group(2), {})
            kinds[int(heading.group(1))] = current
        elif line.startswith("#"):
            current = None
        elif current and (row := re.match(r"\| (\d+) \| `(\w+)` \|", line)):
            current[1][int(row.group(1))] = row.group(2)
    return kinds


def read_log(path):
    record = {}
    for line in open(path, encoding="ascii"):
        if line.strip():
            name, value = line.rstrip("\n").split("=", 1)
            record[name] = value
        elif record:
            yield record
            record = {}


def header(record):
    """The bytes under the chain, before the body."""
    out = number(int(record["revision"])) + number(int(record["epoch"]))
    out += struct.pack(">q", int(record["epoch_nonce"])) + struct.pack(">q", int(record["time"]))
    out += number(int(record["schema_version"])) + sized(json.loads(record["actor"]).encode("utf-8"))
    if record["operation"] == "-":
        out += b"\0"
    else:
        out += b"\1" + bytes.fromhex(record["operation"].replace("-", ""))
    if record["consumer"] == "-":
        out += b"\0"
    else:
        out += b"\1" + sized(json.loads(record["consumer"]).encode("utf-8")) + number(int(record["consumer_revision"]))
    return out + struct.pack(">q", int(record["kinds"]))


def field_lines(side, data, names):
    reader, lines = Reader(data), []
    while not reader.done():
        field = reader.byte()
        lines.append(f"    {side} {names[field]} {value_text(reader)}")
    return lines


class Log:
    def __init__(self, kinds):
        self.kinds, self.chain = kinds, None
        self.rows, self.counters = {}, {}
        self.cluster = None

    def decode(self, record, body):
        mask = int(record["kinds"])
        names = ",".join(name for code, (name, _) in sorted(self.kinds.items()) if mask >> code & 1)
        nonce = struct.pack(">q", int(record["epoch_nonce"])).hex()
        consumer = "-" if record["consumer"] == "-" else f"{record['consumer']} {record['consumer_revision']}"
        lines = [
            f"revision {record['revision']} epoch {record['epoch']}-{nonce} time {record['time']} "
            f"schema {record['schema_version']} actor {record['actor']} operation {record['operation']} "
            f"consumer {consumer} kinds {names}"
        ]
        reader = Reader(body)
        if reader.byte() != 1:
            fail("the body's format is not 1")
        for _ in range(reader.number()):
            counter, value = reader.byte(), reader.signed()
            self.counters[counter] = value
            lines.append(f"  counter {counter} = {value}")
        if reader.byte():
            fingerprint = reader.take(32)
            lines.append(f"  fingerprint {fingerprint.hex()} result {reader.sized().hex()}")
        for _ in range(reader.number()):
            lines += self.change(reader)
        if not reader.done():
            fail("something follows the last change")
        return lines

    def change(self, reader):
        code, operation = reader.byte(), reader.byte()
        key, after, before = reader.sized(), reader.sized(), reader.sized()
        name, names = self.kinds[code]
        word = {1: "created", 2: "updated", 3: "deleted"}[operation]
        if operation == 3:
            del self.rows[code, key]
        else:
            self.rows[code, key] = after
        if name == "cluster":
            image = Reader(after)
            while not image.done():
                field = image.byte()
                text = value_text(image)
                if names[field] == "cluster":
                    self.cluster = bytes.fromhex(text.split()[1].replace("-", ""))
        return (
            [f"  {word} {name} {key.decode('utf-8')}"]
            + field_lines("after", after, names)
            + field_lines("before", before, names)
        )

    def verify(self, record, body):
        """After the first record was decoded: it holds the cluster's id, which the chain begins with."""
        if self.chain is None:
            self.chain = hashlib.sha256(b"metastore" + self.cluster).digest()
        self.chain = hashlib.sha256(self.chain + header(record) + body).digest()
        if self.chain.hex() != record["chain"]:
            fail(f"the chain breaks at revision {record['revision']}")

    def digests(self):
        sums = {code: 0 for code in self.kinds}
        for (code, key), fields in self.rows.items():
            if self.kinds[code][0] != "cluster":
                sums[code] += self.row_hash(code, key, fields)
        cluster = next(code for code, (name, _) in self.kinds.items() if name == "cluster")
        fields = b""
        for counter in range(1, 9):
            value = self.counters.get(counter, 1)
            fields += bytes([counter, 1]) + number(value << 1)
        sums[cluster] = self.row_hash(cluster, b"cluster", fields)
        return [f"digest {self.kinds[code][0]} {value % 2**128:032x}" for code, value in sorted(sums.items())]

    @staticmethod
    def row_hash(code, key, fields):
        return int.from_bytes(hashlib.sha256(bytes([code]) + sized(key) + fields).digest()[:16], "big")


def main():
    log = Log(read_tables(sys.argv[1]))
    lines = []
    for record in read_log(sys.argv[2]):
        stored = bytes.fromhex(record["body"])
        body = lz4_frame(stored) if record["encoding"] == "1" else stored
        if log.chain is not None:
            log.verify(record, body)
            lines += log.decode(record, body)
        else:
            lines += log.decode(record, body)
            log.verify(record, body)
    print("\n".join(lines + log.digests()))


if __name__ == "__main__":
    main()
