"""The condition on time: time of day, day of the week, date, on somebody's clock."""

import datetime as dt
from typing import Final

from luckgw.config.hours import DAYS, parse_dates, parse_days, parse_time, parse_zone
from luckgw.config.routes import Match
from luckgw.routing.facts import Facts

_MINUTE_MS: Final = 60_000


class TimeFilter:
    """It is such a time, such a day and such a date; what is not given always holds.

    The answer can change only with the minute, so it is worked out once in each.
    """

    looks_at = "time"

    def __init__(self, match: Match) -> None:
        self._spans = tuple(span for text in match.time for span in parse_time(text))
        self._days = frozenset(day for text in match.days for day in parse_days(text))
        self._dates = tuple(parse_dates(text) for text in match.dates)
        self._zone = parse_zone(match.time_zone)
        self._known = (-1, False)

    def matches(self, facts: Facts) -> bool:
        """Whether it is."""
        minute = facts.now_ms // _MINUTE_MS
        known, holds = self._known
        if known != minute:
            holds = self._wrong(self._local(facts)) is None
            self._known = minute, holds
        return holds

    def tell(self, facts: Facts) -> str:
        """Local time, and what is wrong with it."""
        now = self._local(facts)
        wrong = self._wrong(now)
        shown = f"{DAYS[now.weekday()]} {now:%Y-%m-%d %H:%M} {self._zone.key}"
        if wrong is None:
            return f"it is {shown}"
        return f"it is {shown}, which is none of its {wrong}"

    def _local(self, facts: Facts) -> dt.datetime:
        return dt.datetime.fromtimestamp(facts.now_ms // 1000, self._zone)

    def _wrong(self, now: dt.datetime) -> str | None:
        """The key of the condition that does not hold."""
        minute = now.hour * 60 + now.minute
        if self._spans and not any(a <= minute < b for a, b in self._spans):
            return "time"
        if self._days and now.weekday() not in self._days:
            return "days"
        today = now.date()
        if self._dates and not any(a <= today <= b for a, b in self._dates):
            return "dates"
        return None
