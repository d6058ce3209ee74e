"""Database libraries: from builder calls and SQL text to accesses of tables.

Owns what diesel, sqlx, rusqlite, sea-orm, mongodb, redis and embedded key-value stores mean. It must
not know Rocket or any rule. Each library has a module; `dispatch` is asked by the body walk for
every path, call, method and macro, and answers None for whatever is not a database's.
"""
