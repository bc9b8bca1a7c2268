"""llama.cpp's own server, in this process: `python llama_server.py FILE HOST PORT`.

From the wheel `xllamacpp`; it speaks as OpenAI does, and ends when it is asked to.
"""

from __future__ import annotations

import signal
import sys

from xllamacpp import CommonParams, Server, llama_pooling_type

file, host, port = sys.argv[1:]
parameters = CommonParams()
parameters.model.path = file
parameters.hostnames = [host]
parameters.port = int(port)
parameters.embedding = True
parameters.pooling_type = llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
parameters.n_ctx = parameters.n_batch = parameters.n_ubatch = 512
parameters.n_parallel = 1
parameters.cpuparams.n_threads = 2
server = Server(parameters)
print("llama.cpp answers at", server.listening_address, flush=True)
signal.sigwait({signal.SIGTERM, signal.SIGINT})
