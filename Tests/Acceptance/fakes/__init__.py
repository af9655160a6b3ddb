"""Fakes of the key services that keys are exported to.

Each is strict: it knows the rules of its provider's documentation and refuses what the provider
refuses, and it opens what it is sent with implementations that are not Keyward's. They speak TLS with a
certificate of a test authority, and break off, stall or lie at the request that a test names.
"""
