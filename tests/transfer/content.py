"""The file that the tests of the transfer room fetch."""

import hashlib
import random

CONTENT = random.Random(1).randbytes(3 * 1024 * 1024 + 4321)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
