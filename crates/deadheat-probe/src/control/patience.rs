//! How long quiet has to last, in ticks of the watchdog, until something is believed of it.

/// Quiet ticks (20 ms apart) until an actor that does not come back counts as blocked: 300 ms, since a
/// handler that sleeps for a moment (a call to elsewhere, as examples have it) is not blocked.
pub const BLOCKED_AFTER: u32 = 15;
/// The same for a statement while another transaction is under way: a row that it changed is the reason.
pub const QUEUED_AFTER: u32 = 4;
/// Quiet ticks (20 ms apart) after a step, until those who were blocked before it still are.
pub const ROUSED_AFTER: u32 = 2;
/// Quiet ticks (20 ms apart) without anybody enabled, all held at locks, until the run is stuck.
pub const STUCK_AFTER: u32 = 3;
/// The same where a statement waits: 6 s. A database refuses one of those who wait for each other after a
/// second (PostgreSQL's `deadlock_timeout`), SQLite one that cannot write after five (sqlx's `busy_timeout`).
pub const REFUSED_AFTER: u32 = 300;
/// Quiet ticks without anybody enabled until the run is given up: 1 s.
pub const HUNG_AFTER: u32 = 50;
/// Quiet ticks (10 ms apart) until a released run counts as at rest.
pub const AT_REST_AFTER: u32 = 5;
