"""Makes a fresh mongod on loopback a replica set of one, and waits until it can be written to.

Speaks just enough of MongoDB's wire protocol (OP_MSG with BSON documents) to need no driver.
"""

import socket
import struct
import sys
import time

OP_MSG = 2013


def element(name, value):
    name = name.encode() + b"\0"
    if isinstance(value, str):
        text = value.encode() + b"\0"
        return b"\x02" + name + struct.pack("<i", len(text)) + text
    if isinstance(value, int):
        return b"\x10" + name + struct.pack("<i", value)
    if isinstance(value, list):
        return b"\x04" + name + document({str(place): item for place, item in enumerate(value)})
    return b"\x03" + name + document(value)


def document(fields):
    body = b"".join(element(name, value) for name, value in fields.items())
    return struct.pack("<i", len(body) + 5) + body + b"\0"


def exactly(connection, count):
    received = b""
    while len(received) < count:
        part = connection.recv(count - len(received))
        if not part:
            raise ConnectionError("mongod closed the connection")
        received += part
    return received


def call(port, command):
    """Sends one command to the database `admin` and gives back the bytes of the answer."""
    message = struct.pack("<i", 0) + b"\0" + document({**command, "$db": "admin"})
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(struct.pack("<iiii", len(message) + 16, 1, 0, OP_MSG) + message)
        (length,) = struct.unpack("<i", exactly(connection, 4))
        return exactly(connection, length - 4)


def main(port):
    # A set that was made before answers with an error, which is as good.
    call(port, {"replSetInitiate": {"_id": "test", "members": [{"_id": 0, "host": f"127.0.0.1:{port}"}]}})
    for _ in range(300):
        if b"\x08isWritablePrimary\0\x01" in call(port, {"hello": 1}):
            return 0
        time.sleep(0.1)
    return 1


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
