"""The few errors a user can meet.

One base, so that the front door catches one type; each message is a single line that names the
file or the place and says how to mend it. Anything else that escapes is a defect of Deadheat.
"""


class DeadheatError(Exception):
    """Something the user can mend. Exit code 2; the message is shown as it is."""


class ProjectError(DeadheatError):
    """The project, its configuration or its build is not usable. Mend the named file."""


class TargetError(DeadheatError):
    """The running application cannot be tested: it exited, never answered, lost its port."""
