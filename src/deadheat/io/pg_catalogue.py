"""What a PostgreSQL database does unasked: asked of its catalogue, before any key is believed.

Owns the questions. It must not know what the answers are for (`wire.pg_transaction` does). Sources:
PostgreSQL documentation, chapter "System Catalogs": pg_index, pg_constraint, pg_trigger.
"""

from collections import defaultdict

from deadheat.io.pg_admin import Admin
from deadheat.wire.pg_sql import named_level
from deadheat.wire.pg_transaction import EVERY, Catalogue

_UNIQUE = (
    "SELECT lower(t.relname), CASE WHEN i.indexprs IS NULL AND i.indpred IS NULL THEN a.attname::text END"
    " FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid"
    " LEFT JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum = ANY (i.indkey)"
    " WHERE i.indisunique AND t.relnamespace NOT IN"
    " (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))"
)
_POINTING = (
    "SELECT lower(c.relname), lower(p.relname),"
    " confdeltype IN ('c', 'n', 'd') OR confupdtype IN ('c', 'n', 'd')"
    " FROM pg_constraint JOIN pg_class c ON c.oid = conrelid JOIN pg_class p ON p.oid = confrelid"
    " WHERE contype = 'f'"
)
_HIDDEN = (
    "SELECT 'triggers' FROM pg_trigger WHERE NOT tgisinternal"
    " UNION SELECT 'deferred constraints' FROM pg_constraint WHERE condeferrable"
    " UNION SELECT 'exclusion constraints' FROM pg_constraint WHERE contype = 'x'"
    " UNION SELECT 'views' FROM pg_views WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    " UNION SELECT 'rules' FROM pg_rules WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    " UNION SELECT 'row security' FROM pg_policy"
    " UNION SELECT 'inheritance or partitions' FROM pg_inherits"
    " UNION (SELECT 'a shared sequence' FROM pg_depend WHERE classid = 'pg_attrdef'::regclass"
    " AND refclassid = 'pg_class'::regclass AND deptype = 'n' GROUP BY refobjid"
    " HAVING count(DISTINCT objid) > 1) ORDER BY 1"
)


def hidden_effects(admin: Admin) -> tuple[str, ...]:
    """Give what makes statements touch tables in ways that nobody here can follow."""
    return tuple(str(row[0]) for row in admin.rows(_HIDDEN))


def read(admin: Admin, into: Catalogue) -> None:
    """Fill in what is unique, who points to whom, and how transactions are isolated.

    Raises:
        TargetError: the server cannot be asked.
    """
    ((isolation,),) = admin.rows("SHOW default_transaction_isolation")
    into.isolation = named_level(isolation or "")
    unique, parents, children, changes = (defaultdict[str, set[str]](set) for _ in range(4))
    for table, column in admin.rows(_UNIQUE):
        unique[str(table)].add(column or EVERY)
    for child, parent, changing in admin.rows(_POINTING):
        parents[str(child)].add(str(parent))
        children[str(parent)].add(str(child))
        if changing == "t":
            changes[str(parent)].add(str(child))
    for known, found in ((into.unique, unique), (into.parents, parents), (into.children, children)):
        known.clear()
        known.update((table, frozenset(names)) for table, names in found.items())
    into.cascades.clear()
    into.cascades.update((table, _reached(table, changes)) for table in changes)


def _reached(table: str, steps: dict[str, set[str]]) -> frozenset[str]:
    """Everything that changes with it, however indirectly."""
    found: set[str] = set()
    waiting = [table]
    while waiting:
        fresh = steps.get(waiting.pop(), set()) - found
        found |= fresh
        waiting += fresh
    return frozenset(found)
