"""Azure ML: images, models, conversion, image creation, IotHubCompute, IotWebservice. The SDK lives in a child process.

The SDK costs seconds to import, prints, sleeps, caches under HOME and trusts what the environment says (docs/facts/azure-ml.md), so it
gets a process, a home and an environment of its own: ``child`` and ``sdk`` run there, everything else here.
"""
