# Minimal reader and writer of .safetensors files: numpy arrays by name.
import json
import struct

import numpy as np

DTYPES = {'F32': np.float32, 'F64': np.float64, 'I32': np.int32, 'I64': np.int64, 'U8': np.uint8, 'BOOL': np.bool_}


def read(path):
    """Arrays by name; they share one buffer that may be written to."""
    with open(path, 'rb') as f:
        size = struct.unpack('<Q', f.read(8))[0]
        header = json.loads(f.read(size))
        data = bytearray(f.read())
    header.pop('__metadata__', None)
    found = {}
    for name, entry in header.items():
        first, last = entry['data_offsets']
        found[name] = np.frombuffer(data, DTYPES[entry['dtype']], (last - first) // np.dtype(DTYPES[entry['dtype']]).itemsize, first).reshape(entry['shape'])
    return found


def write(path, arrays):
    header, offset, parts = {}, 0, []
    for name, array in arrays.items():
        array = np.ascontiguousarray(array)
        kind = next(k for k, v in DTYPES.items() if v == array.dtype)
        header[name] = {'dtype': kind, 'shape': list(array.shape), 'data_offsets': [offset, offset + array.nbytes]}
        offset += array.nbytes
        parts.append(array.tobytes())
    text = json.dumps(header).encode()
    text += b' ' * (-len(text) % 8)
    with open(path, 'wb') as f:
        f.write(struct.pack('<Q', len(text)) + text)
        for part in parts:
            f.write(part)
