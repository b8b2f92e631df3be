"""What a soak came to, as a table and a verdict."""

from __future__ import annotations

from collections.abc import Mapping

from wabot.trials.soak.account import SoakAccount
from wabot.trials.soak.plan import FAULTS

_MOST_SENTENCES = 40


def report(
    account: SoakAccount, happened: Mapping[str, int], codes: Mapping[int, int], interrupted_at: float | None
) -> str:
    """The account as a table, and the verdict.

    Args:
        account: what became of everything.
        happened: how often which fault did.
        codes: how often the bot ended in which way.
        interrupted_at: after how many seconds the trial was cut short; None when it was not.
    """
    lines = [_headed(sum(happened.values()), "faults")]
    lines += [_headed(count, f"  {FAULTS[fault]}") for fault, count in sorted(happened.items())]
    lines += ["", _headed(sum(codes.values()), "ends of the bot")]
    lines += [_headed(count, f"  {_describe(code)}") for code, count in sorted(codes.items())]
    lines += ["", _headed(sum(account.messages.values()), "messages of customers")]
    lines += _counted(account.messages)
    lines += ["", _headed(sum(account.replies.values()), "replies")]
    lines += _counted(account.replies)
    lines += [_headed(account.doubled, "  read twice, and recorded as in doubt"), ""]
    lines += account.faults[:_MOST_SENTENCES]
    if len(account.faults) > _MOST_SENTENCES:
        lines.append(f"… and {len(account.faults) - _MOST_SENTENCES} more")
    return "\n".join([*lines, _verdict(account, interrupted_at)])


def _verdict(account: SoakAccount, interrupted_at: float | None) -> str:
    good = f"0 lost silently, 0 doubled beyond the {account.doubled} counted as in doubt"
    if account.faults:
        return f"FAILED: {len(account.faults)} things that must not be"
    if interrupted_at is None:
        return f"PASSED: {good}"
    left = f"; {len(account.unfinished)} left unfinished" if account.unfinished else ""
    return f"INTERRUPTED after {interrupted_at:.0f} s: so far {good}{left}"


def _counted(counts: Mapping[str, int]) -> list[str]:
    by_count = sorted(counts.items(), key=lambda entry: -entry[1])
    return [_headed(count, f"  {name}") for name, count in by_count]


def _headed(count: int, text: str) -> str:
    return f"{count:7}  {text}"


def _describe(code: int) -> str:
    return f"by signal {-code}" if code < 0 else f"with exit code {code}"
