"""What the sandbox's programs do first."""

import sys
import time
from typing import Any

from twisted.logger import (
    FilteringLogObserver,
    LogLevel,
    LogLevelFilterPredicate,
    globalLogBeginner,
    textFileLogObserver,
)


def prepare(reactor: Any) -> None:
    """Set the reactor's clock right, and send warnings and failures to stderr.

    Twisted's clock is the wall clock, which steps (spec/reliability 3.8).
    """
    reactor.seconds = time.monotonic
    warnings = LogLevelFilterPredicate(LogLevel.warn)
    observer = FilteringLogObserver(textFileLogObserver(sys.stderr), [warnings])
    globalLogBeginner.beginLoggingTo([observer], redirectStandardIO=False)
