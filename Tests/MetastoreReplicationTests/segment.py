"""Reads a segment with nothing but docs/FORMAT.md: checks every checksum, index, length and link, and prints it.

segment.py DECODE SEGMENT
  DECODE   the folder of decode.py, which knows numbers, LZ4 frames and the bytes under the chain
"""

import hashlib
import struct
import sys

sys.path.insert(0, sys.argv[1])
from decode import Reader, fail, lz4_frame, number, sized  # noqa: E402

BLOCK = 262_144


def crc(data):
    rest = 0xFFFFFFFF
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = rest >> 1 ^ (0x82F63B78 if rest & 1 else 0)
    return rest ^ 0xFFFFFFFF


def check(reader, since, what):
    data = reader.data[since:reader.at]
    if struct.unpack(">I", reader.take(4))[0] != crc(data):
        fail(f"{what}: checksum")


def fixed(reader):
    return struct.unpack(">Q", reader.take(8))[0]


def blocks(reader, content):
    out = b""
    while len(out) < content:
        since = reader.at
        encoding, stored = reader.byte(), reader.sized()
        check(reader, since, "block")
        piece = lz4_frame(stored) if encoding == 1 else stored
        if len(piece) != min(BLOCK, content - len(out)):
            fail("block: length")
        out += piece
    return out


def main():
    data = open(sys.argv[2], "rb").read()
    reader = Reader(data)
    if reader.take(4) != b"MSSG" or reader.byte() != 1:
        fail("magic or version")
    cluster, epoch, nonce = reader.take(16), reader.number(), reader.take(8)
    first, count, chain, schema = reader.number(), reader.number(), reader.take(32), reader.number()
    highest, content = schema + reader.number(), reader.number()
    check(reader, 0, "header")
    print(f"cluster={cluster.hex()} epoch={epoch}-{nonce.hex()} first={first} count={count} "
          f"schemas={schema}-{highest} content={content}")
    records = Reader(blocks(reader, content))
    index = []
    for _ in range(-(-content // BLOCK)):
        begin = reader.number()
        index.append((begin, reader.number() if begin else 0))
    link, digests = reader.take(32), []
    for _ in range(reader.number()):
        digests.append((reader.byte(), reader.take(16).hex()))
    start, duration = fixed(reader), reader.number()
    length = reader.at
    if reader.number() != length:
        fail("length")
    check(reader, 0, "segment")
    if not reader.done():
        fail("something follows")

    time, actor, found = start, b"", [[0, 0] for _ in index]
    for revision in range(first, first + count):
        block = found[records.at // BLOCK]
        if not block[0]:
            block[1] = records.at % BLOCK
        block[0] += 1
        parts = records.byte()
        time += records.number()
        actor = records.sized() if parts & 1 else actor
        operation = b"\1" + records.take(16) if parts & 2 else b"\0"
        consumer = b"\1" + sized(records.sized()) + number(records.number()) if parts & 4 else b"\0"
        schema = records.number() if parts & 8 else schema
        kinds, body = records.number(), records.sized()
        header = number(revision) + number(epoch) + nonce + struct.pack(">q", time) + number(schema) + sized(actor)
        header += operation + consumer + struct.pack(">Q", kinds)
        chain = hashlib.sha256(chain + header + body).digest()
        print(f"{revision} {time} {actor.decode()} {kinds} {len(body)} {chain.hex()}")
    if not records.done() or chain != link:
        fail("chain")
    if [tuple(block) for block in found] != index or time != start + duration:
        fail("index or times")
    for kind, digest in digests:
        print(f"digest {kind} {digest}")


main()
