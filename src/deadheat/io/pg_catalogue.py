"""What a PostgreSQL database does unasked: asked of its catalogue, before any key is believed.

Owns the questions. It must not know what the answers are for (`wire.pg_transaction` does). Sources:
PostgreSQL documentation, chapter "System Catalogs": pg_index, pg_constraint, pg_trigger, pg_inherits;
what a view reads is what its rule depends on (pg_rewrite, pg_depend).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from deadheat.io.pg_admin import Admin
from deadheat.wire.pg_sql import named_level
from deadheat.wire.pg_transaction import EVERY, Catalogue

_VIEWS = (
    "SELECT DISTINCT lower(v.relname), lower(t.relname),"
    " d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass) OR t.relkind IN ('S', 'f')"
    " FROM pg_rewrite r JOIN pg_class v ON v.oid = r.ev_class AND v.relkind = 'v' AND v.relnamespace NOT IN"
    " (SELECT oid FROM pg_namespace WHERE nspname IN ('pg_catalog', 'information_schema', 'pg_toast'))"
    " JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid"
    " LEFT JOIN pg_class t ON d.refclassid = 'pg_class'::regclass AND d.refobjid = t.oid"
)
_FAMILIES = (
    "SELECT lower(c.relname), lower(p.relname) FROM pg_inherits"
    " JOIN pg_class c ON c.oid = inhrelid JOIN pg_class p ON p.oid = inhparent"
)
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
    " UNION SELECT 'rules' FROM pg_rules WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    " UNION SELECT 'row security' FROM pg_policy"
    " UNION (SELECT 'a shared sequence' FROM pg_depend WHERE classid = 'pg_attrdef'::regclass"
    " AND refclassid = 'pg_class'::regclass AND deptype = 'n' GROUP BY refobjid"
    " HAVING count(DISTINCT objid) > 1) ORDER BY 1"
)


def hidden_effects(admin: Admin) -> tuple[str, ...]:
    """Give what makes statements touch tables in ways that nobody here can follow."""
    opaque = any(hides == "t" for _, _, hides in admin.rows(_VIEWS))
    found = [str(row[0]) for row in admin.rows(_HIDDEN)]
    return (*found, "views that call functions") if opaque else tuple(found)


def read(admin: Admin, into: Catalogue) -> None:
    """Fill in what is unique, who points to whom, and how transactions are isolated.

    Raises:
        TargetError: the server cannot be asked.
    """
    ((isolation,),) = admin.rows("SHOW default_transaction_isolation")
    into.known.clear()
    into.isolation = named_level(isolation or "")
    behind = _grouped((view, table) for view, table, _ in admin.rows(_VIEWS) if table not in {None, view})
    into.families = _families(_grouped(admin.rows(_FAMILIES)))
    into.views = {view: _reached(view, behind) for view in behind}
    name = into.family
    unique, parents, children, changes = (defaultdict[str, set[str]](set) for _ in range(4))
    for table, column in admin.rows(_UNIQUE):
        unique[name(str(table))].add(column or EVERY)
    for child, parent, changing in admin.rows(_POINTING):
        parents[name(str(child))].add(name(str(parent)))
        children[name(str(parent))].add(name(str(child)))
        if changing == "t":
            changes[name(str(parent))].add(name(str(child)))
    for known, found in ((into.unique, unique), (into.parents, parents), (into.children, children)):
        known.clear()
        known.update((table, frozenset(names)) for table, names in found.items())
    into.cascades.clear()
    into.cascades.update((table, _reached(table, changes)) for table in changes)


def _grouped(rows: Iterable[tuple[str | None, ...]]) -> dict[str, set[str]]:
    """The second columns by the first."""
    found = defaultdict[str, set[str]](set)
    for one, other in rows:
        found[str(one)].add(str(other))
    return found


def _families(parents: Mapping[str, set[str]]) -> dict[str, str]:
    """One name for all tables that share rows: a table and its partitions, or who inherits from it."""
    near = defaultdict[str, set[str]](set)
    for child, above in parents.items():
        for parent in above:
            near[child].add(parent)
            near[parent].add(child)
    return {table: min(_reached(table, near) | {table}) for table in near}


def _reached(table: str, steps: Mapping[str, set[str]]) -> frozenset[str]:
    """Everything that its steps lead to, however indirectly."""
    found: set[str] = set()
    waiting = [table]
    while waiting:
        fresh = steps.get(waiting.pop(), set()) - found
        found |= fresh
        waiting += fresh
    return frozenset(found)
