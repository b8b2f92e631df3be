"""Finds time spans ("24-48 h"), times of day ("9:30", "nine o'clock") and days in folded text. Pure."""

from __future__ import annotations

import re

from wabot.brain.guard.claim import Claim, without
from wabot.brain.guard.numbers import NUMBER, hundredths

_DAY = 1440
_UNITS = {
    r"minut[oa]s?|minutes?|mins?": 1,
    r"horas?|hours?|hrs?|hs?": 60,
    r"dias?|days?|jornadas?": _DAY,
    r"semanas?|weeks?": 7 * _DAY,
    r"mes|meses|months?": 30 * _DAY,
    r"anos?|years?": 365 * _DAY,
}
_ANY_UNIT = "|".join(f"(?:{pattern})" for pattern in _UNITS)
# Between the ends of a range.
_TO = (
    r"\s?(?:-|–|/|\ba\b|\bto\b|\by\b|\be\b|\band\b|\bo\b|\bou\b|\bor\b|\bu\b|\bate\b|\bhasta\b|"
    r"\bas\b)\s?(?:las\s|as\s)?"
)
_SPAN = re.compile(
    rf"(?:(?P<first>{NUMBER}){_TO})?(?P<number>{NUMBER})[ -]?"
    rf"(?:(?:working|business|full|dias) )?(?P<unit>{_ANY_UNIT})(?![a-z])(?P<half> y media| e meia)?"
)
_HALF_HOUR = re.compile(r"\b(?:media hora|half an hour|half-hour|meia hora)\b")
_HALF_DAY = re.compile(r"\b(?:hora y media|hour and a half|hora e meia)\b")

_MORNING = r"a\.?\s?m\b\.?|de la manana|da manha|in the morning"
_EVENING = r"p\.?\s?m\b\.?|de la (?:tarde|noche)|da (?:tarde|noite)|in the (?:afternoon|evening)|at night"
_HALF_OF_DAY = rf"(?:\s?(?:(?P<morning>{_MORNING})|(?P<evening>{_EVENING})))"
_CLOCK = re.compile(
    rf"(?<![\d.,:])(?P<hour>[01]?\d|2[0-4])\s?[:h]\s?(?P<minutes>[0-5]\d)(?!\d)(?:\s?(?:hs?|hrs|"
    rf"horas?)\b)?{_HALF_OF_DAY}?"
)
_POINT_CLOCK = re.compile(
    rf"(?:(?P<before>(?<![a-z])(?:las?|as|at|from|until|till|hasta|ate|desde|by|de|a|to|y|e|and|-|–)\s?))?"
    rf"(?<![\d.,:])(?P<hour>[01]?\d|2[0-4])\.(?P<minutes>[0-5]\d)(?![\d%]|[.,]\d)(?P<unit>\s?(?:hs?|hrs|"
    rf"horas?)\b)?{_HALF_OF_DAY}?"
)
_NAMED = re.compile(rf"(?P<hour>{NUMBER}){_HALF_OF_DAY}")
# What may follow a time, and nothing that would be counted.
_ENDS = (
    r"(?=\s*(?:$|[^\w\s%€$£]|(?:y|e|a|and|to|hasta|ate|de|until|or|o|en|on|los|las|as|para|em|in|at|"
    r"every|todos|da|do)\b))"
)
_AT = re.compile(
    rf"\b(?:a las?|desde las|hasta las|antes de las|despues de las|entre las|de las|sobre las|"
    rf"las(?= \w+ y media| \w+ en punto)|as|at|"
    rf"until|till|from|by|before|after|around)\s(?P<hour>{NUMBER})(?:\s(?:y|e)\s(?P<part>media|meia|"
    rf"cuarto))?(?P<less> menos cuarto)?"
    rf"(?:\s?o'?\s?clock)?(?:\s?h(?:oras|rs|s)?\b)?{_HALF_OF_DAY}?{_ENDS}"
)
_OCLOCK = re.compile(rf"(?P<hour>{NUMBER})\s?o'?\s?clock")
_PAST = re.compile(rf"\b(?P<part>half|quarter) (?P<way>past|to) (?P<hour>{NUMBER}){_HALF_OF_DAY}?")
_NOON = re.compile(
    r"\b(?:(?P<noon>mediodia|noon|midday|meio[- ]dia)|(?:medianoche|midnight|meia[- ]noite))\b"
)
_FROM_TO = re.compile(
    rf"\b(?:de|from|das|entre|between|las)\s(?P<first>\d{{1,2}})\s?(?:a|to|as|y|e|and|-|"
    rf"–)\s?(?:las\s)?(?P<second>\d{{1,2}}){_ENDS}"
)
_RANGE_BEFORE = re.compile(rf"(?<![\d:.,h])(?P<hour>\d{{1,2}}){_TO}\Z")

_DAYS = (
    r"lunes|mondays?|segundas?(?:[- ]feiras?)?",
    r"martes|tuesdays?|tercas?(?:[- ]feiras?)?",
    r"miercoles|wednesdays?|quartas?(?:[- ]feiras?)?",
    r"jueves|thursdays?|quintas?(?:[- ]feiras?)?",
    r"viernes|fridays?|sextas?(?:[- ]feiras?)?",
    r"sabados?|saturdays?",
    r"domingos?|sundays?",
)
_ANY_DAY = "|".join(_DAYS)
_WEEKDAY = re.compile(rf"\b(?:{_ANY_DAY})\b")
_DAY_RANGE = re.compile(
    rf"\b(?P<first>{_ANY_DAY}) ?(?:a|to|-|–|through|hasta|ate|thru) ?(?:el |la |the |os |"
    rf"as )?(?P<last>{_ANY_DAY})\b"
)
_SETS = {
    r"todos los dias|a diario|diario|diariamente|cada dia|every ?day|daily|todos os dias|seven days|"
    r"7 dias|7 days": range(7),
    r"fines? de semana|weekends?|fins? de semana|finde": range(5, 7),
    r"entre semana|weekdays?|dias (?:laborables|habiles|uteis)|durante a semana": range(5),
}
_RELATIVE = {
    "today": re.compile(
        r"\b(?:hoy|today|hoje|tonight|esta (?:misma )?(?:tarde|noche|noite)|(?:el|no) mismo dia|"
        r"no mesmo dia|mismo dia|mesmo dia|same[- ]day)\b"
    ),
    "after tomorrow": re.compile(r"\b(?:pasado manana|day after tomorrow|depois de amanha)\b"),
    "tomorrow": re.compile(
        r"\b(?:(?<!la )(?<!de )(?<!pasado )manana(?! por la manana por)|tomorrow|amanha|dia siguiente|"
        r"next[- ]day|dia seguinte)\b"
    ),
}
_MONTHS = (
    "enero january janeiro jan ene",
    "febrero february fevereiro feb fev",
    "marzo march marco mar",
    "abril april abr apr",
    "mayo may maio",
    "junio june junho jun",
    "julio july julho jul",
    "agosto august ago aug",
    "septiembre setiembre september setembro sep set sept",
    "octubre october outubro oct out",
    "noviembre november novembro nov",
    "diciembre december dezembro dic dec dez",
)
_MONTH_NUMBERS = {name: number for number, names in enumerate(_MONTHS, start=1) for name in names.split()}
_ANY_MONTH = "|".join(sorted(_MONTH_NUMBERS, key=len, reverse=True))
_DATE = re.compile(
    rf"\b(?P<day>\d{{1,2}})(?:º|o|st|nd|rd|th)?(?: de | of | )(?P<month>{_ANY_MONTH})\b|"
    rf"\b(?P<month2>{_ANY_MONTH}) (?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\b(?!\s?[:.]\d)|"
    # Not a number of an order or an article, as R28-10.
    r"(?<![\w/-])(?P<day3>\d{1,2})[/-](?P<month3>0[1-9]|1[0-2])(?:[/-]\d{2,4})?(?![\d/]|\s?(?:h|horas?|"
    r"hours?|dias?|days?|kg)\b)"
)


def spans_in(line: str) -> list[Claim]:
    """The time spans of a line, in minutes; a range is two."""
    found: list[Claim] = []
    for pattern, value in ((_HALF_DAY, 90), (_HALF_HOUR, 30)):
        found += [Claim("time span", frozenset({value}), *match.span()) for match in pattern.finditer(line)]
        line = without(line, found)
    for match in _SPAN.finditer(line):
        unit = next(minutes for pattern, minutes in _UNITS.items() if re.fullmatch(pattern, match["unit"]))
        value = hundredths(match["number"]) * unit // 100 + (unit // 2 if match["half"] else 0)
        if value == 1 or (
            unit == 60 and match["unit"] in ("h", "hs") and match["first"] is None and value <= _DAY
        ):
            # In a minute; and "21 h" may be a time, which is looked at there.
            if value == 1:
                continue
            found.append(_span(value, match, "number", also_time=value))
            continue
        if match["first"]:
            first = hundredths(match["first"]) * unit // 100
            found.append(_span(first, match, "first", first if unit == 60 and first <= _DAY else None))
        found.append(_span(value, match, "number", value if unit == 60 and value <= _DAY else None))
    return found


def _span(value: int, match: re.Match[str], group: str, also_time: int | None = None) -> Claim:
    meanings: set[int | str] = {value}
    if also_time is not None:
        meanings |= _clock(also_time)
    return Claim("time span", frozenset(meanings), match.start(group), match.end())


def clock_times_in(line: str) -> list[Claim]:
    """The times of day of a line that name minutes: 9:30, 9h30."""
    return _times_by(line, (_CLOCK,))


def times_in(line: str) -> list[Claim]:
    """The other times of day of a line; one that does not say which half of the day may mean either."""
    found = _times_by(line, (_PAST, _POINT_CLOCK, _AT, _NAMED, _OCLOCK))
    line = without(line, found)
    for match in _NOON.finditer(line):
        found.append(Claim("time", frozenset(_clock(720 if match["noon"] else 0)), *match.span()))
    for match in _FROM_TO.finditer(line):
        if int(match["first"]) <= 24 and int(match["second"]) <= 24:
            found += [
                Claim("time", frozenset(_clock(60 * int(match[group]))), *match.span(group))
                for group in ("first", "second")
            ]
    return found


def _times_by(line: str, patterns: tuple[re.Pattern[str], ...]) -> list[Claim]:
    found: list[Claim] = []
    for pattern in patterns:
        for match in pattern.finditer(line):
            if pattern is _POINT_CLOCK and not (
                match["before"] or match["unit"] or match["morning"] or match["evening"]
            ):
                continue
            claim = _time_of(match)
            if claim:
                found.append(claim)
                before = _RANGE_BEFORE.search(line, max(0, match.start("hour") - 14), match.start("hour"))
                if before and int(before["hour"]) <= 24 and before.start("hour") < claim.start:
                    found.append(
                        Claim("time", frozenset(_clock(60 * int(before["hour"]))), *before.span("hour"))
                    )
        line = without(line, found)
    return found


def _time_of(match: re.Match[str]) -> Claim | None:
    groups = match.groupdict()
    hour = hundredths(match["hour"])
    if hour % 100 or hour > 2400:
        return None
    minutes = 60 * (hour // 100) + int(groups.get("minutes") or 0)
    part = groups.get("part")
    if part:
        quarters = 30 if part in ("half", "media", "meia") else 15
        minutes += -quarters if groups.get("way") == "to" else quarters
    if groups.get("less"):
        minutes -= 15
    if groups.get("evening") and minutes < 720:
        return Claim("time", frozenset({f"at {minutes + 720}"}), match.start("hour"), match.end())
    if groups.get("morning"):
        return Claim("time", frozenset({f"at {minutes % 720}"}), match.start("hour"), match.end())
    return Claim("time", frozenset(_clock(minutes)), match.start("hour"), match.end())


def _clock(minutes: int) -> set[int | str]:
    minutes %= _DAY
    return {f"at {minutes}", f"at {minutes + 720}"} if minutes < 780 and minutes >= 60 else {f"at {minutes}"}


def days_in(line: str) -> list[Claim]:
    """The days and dates of a line: "day 0" to "day 6", "today", "tomorrow", "24.12."."""
    found = []
    for match in _DATE.finditer(line):
        day = match["day"] or match["day2"] or match["day3"]
        month = match["month"] or match["month2"] or match["month3"]
        number = int(month) if month.isdigit() else _MONTH_NUMBERS[month]
        if 1 <= int(day) <= 31:
            found.append(Claim("day", frozenset({f"{int(day)}.{number}."}), *match.span()))
    line = without(line, found)
    for name, pattern in _RELATIVE.items():
        found += [Claim("day", frozenset({name}), *match.span()) for match in pattern.finditer(line)]
        line = without(line, found)
    found += [
        Claim("day", frozenset({f"day {_number(match[0])}"}), *match.span())
        for match in _WEEKDAY.finditer(line)
    ]
    return found


def with_days_named(line: str) -> str:
    """A folded line with each weekday that it means as "day 0" to "day 6", ranges written out."""
    for pattern, days in _SETS.items():
        line = re.sub(rf"\b(?:{pattern})\b", lambda match, days=days: f"{match[0]} {_names(days)}", line)  # type: ignore[misc]
    line = _DAY_RANGE.sub(_written_out, line)
    return _WEEKDAY.sub(lambda match: _names([_number(match[0])]), line)


def _written_out(match: re.Match[str]) -> str:
    first, last = _number(match["first"]), _number(match["last"])
    return _names([number % 7 for number in range(first, last + 1 if last >= first else last + 8)])


def _names(days: object) -> str:
    return " ".join(f"weekday{day}" for day in days)  # type: ignore[attr-defined]


def _number(day: str) -> int:
    return next(number for number, pattern in enumerate(_DAYS) if re.fullmatch(pattern, day))
