"""Serves the model at the first argument until it is killed; prints its address. The others: key, and context size."""

import signal
import sys

import xllamacpp

weights, key, context = sys.argv[1:]
params = xllamacpp.CommonParams()
params.model.path = weights
params.hostnames = ["127.0.0.1"]
params.port = 0
params.api_keys = [key]
params.n_ctx = int(context)
params.n_parallel = 1
# More wait for each other at every layer, which on a busy machine takes far longer than it saves.
params.cpuparams.n_threads = 1
params.cpuparams_batch.n_threads = 1
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
signal.pause()
