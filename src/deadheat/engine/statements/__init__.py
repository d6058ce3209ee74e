"""Statements of an unmodified application, held before its store: one engine for every kind of store.

`run` steers one execution, `target` is the application with its way back, `hunt` one scenario from
beginning to end. What they need of a store is `gate.Gate`; `postgres` and `redis` have it.
"""
