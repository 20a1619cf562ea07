"""Errors of a wrong command line: each names the option or argument, says what happened, and says what to type."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

import click

from genai_credentials.cli.output import REDACTED, Misconfigured, scrubbed

EMPTY = "the value is empty: perhaps a variable of the shell is unset."

SHORTEST_KEY = 16
"""The number of characters from which on a text may be a key. A mistyped command or number is shorter."""

NEVER_TYPED = (
    "If this is a key: a key is never an argument, because other users can read it and the shell stores it. "
    "Replace this key by a new key. The commands read a key from standard input."
)


class Verb(click.Command):
    """A command whose errors are ours; it also refuses a value that is empty, and an option that is given twice."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """See `click.Command`."""
        typed = list(args)
        # Surplus arguments are refused below: click would repeat them, and one of them may be a key.
        ctx.allow_extra_args = True
        try:
            surplus = super().parse_args(ctx, args)
        except click.UsageError as error:
            problem = in_our_words(error, ctx, typed)
        else:
            if not ctx.resilient_parsing:
                _refuse_surplus(ctx, surplus)
                _refuse_twice(ctx, typed)
                _refuse_empty(ctx)
            return surplus
        # Outside of the block: an error of click holds what was typed.
        raise problem


def in_our_words(error: click.UsageError, ctx: click.Context, typed: Sequence[str]) -> Misconfigured:
    """The error of ours that says the same as an error of click.

    Args:
        error: The error of click.
        ctx: The context of the command.
        typed: The arguments of the command, as they were typed.
    """
    if isinstance(error, click.NoSuchOption):
        return no_such_option(ctx, error.option_name, typed)
    if isinstance(error, click.BadOptionUsage):
        return _bad_option(ctx, error.option_name)
    name = _name_of(error.param) if isinstance(error, click.BadParameter) and error.param else ""
    if isinstance(error, click.MissingParameter):
        return missing(ctx, name)
    return Misconfigured(f"{name}: {error.message}" if name else f"{error.message}\n{help_of(ctx)}")


def may_be_a_key(text: str) -> bool:
    """Whether a text may be a key, of Google's or of a gateway's, so that no error may repeat it."""
    if REDACTED in scrubbed(text):
        return True
    is_mixed = text != text.lower() and text != text.upper()
    return len(text) >= SHORTEST_KEY and (is_mixed or any(map(str.isdecimal, text)))


def shown(text: str) -> str:
    """The text in quotes, or only its length if it may be a key."""
    return f"a text of {len(text)} characters" if may_be_a_key(text) else repr(text)


def refused(what: str, remedy: str, *texts: str) -> Misconfigured:
    """An error of the command line.

    Args:
        what: What happened and where.
        remedy: What to type instead.
        texts: The texts that were typed; the error warns if one of them may be a key.
    """
    lines = [what, remedy, *([NEVER_TYPED] if any(map(may_be_a_key, texts)) else [])]
    return Misconfigured("\n".join(lines))


def help_of(ctx: click.Context) -> str:
    """The command that prints the help."""
    return f"Help: {ctx.command_path} --help"


def example_of(ctx: click.Context) -> str:
    """The first example in the help of the command; the command with --help if there is none."""
    lines = map(str.strip, (ctx.command.help or "").splitlines())
    name = f"genai-credentials {ctx.info_name} "
    return next((line for line in lines if name in line), f"{ctx.command_path} --help")


def no_such_command(ctx: click.Context, name: str, known: Sequence[str]) -> Misconfigured:
    """The error for the name of a command that does not exist."""
    near = get_close_matches(name, known, 1)
    if near:
        return Misconfigured(f"No such command: {name!r}.\nDid you mean '{near[0]}'? {help_of(ctx)}")
    if ":" in name and not may_be_a_key(name):
        return Misconfigured(
            f"No such command: {name!r}.\nWrite a URI after a command: {ctx.command_path} status {name}"
        )
    return refused(f"No such command: {shown(name)}.", help_of(ctx), name)


def no_such_option(ctx: click.Context, name: str, typed: Sequence[str]) -> Misconfigured:
    """The error for an option that the command does not have.

    Args:
        ctx: The context of the command.
        name: The option.
        typed: The arguments of the command, as they were typed.
    """
    known = _options(ctx.command)
    words = (f"-{word}" for word in typed if word.startswith(name))
    near = [word for word in words if word in known] or get_close_matches(name, known, 1)
    verbs = ctx.command.commands if isinstance(ctx.command, click.Group) else {}
    if verb := next((verb for verb, command in verbs.items() if name in _options(command)), ""):
        return Misconfigured(f"No such option: {name!r}.\nWrite it after a command: {ctx.command_path} {verb} {name}")
    if near:
        return Misconfigured(f"No such option: {shown(name)}.\nDid you mean '{near[0]}'? {help_of(ctx)}")
    return refused(f"No such option: {shown(name)}.", help_of(ctx), name)


def missing(ctx: click.Context, name: str) -> Misconfigured:
    """The error for an argument that was not given."""
    return Misconfigured(f"Missing argument: {name}.\nFor example: {example_of(ctx)}")


def _bad_option(ctx: click.Context, name: str) -> Misconfigured:
    option = next((one for one in ctx.command.params if name in one.opts), None)
    if isinstance(option, click.Option) and not option.is_flag:
        return Misconfigured(f"Option {name} has no value.\nWrite {name} {option.metavar}. {help_of(ctx)}")
    return Misconfigured(f"Option {name} takes no value.\nWrite {name} alone. {help_of(ctx)}")


def _refuse_surplus(ctx: click.Context, surplus: Sequence[str]) -> None:
    if surplus:
        listed = ", ".join(map(shown, surplus))
        several, them = ("s", "them") if len(surplus) > 1 else ("", "it")
        what = f"Got unexpected extra argument{several}: {listed}."
        raise refused(what, f"Leave {them} out. {ctx.get_usage()}", *surplus)


def _refuse_twice(ctx: click.Context, typed: list[str]) -> None:
    _, _, order = ctx.command.make_parser(ctx).parse_args(typed)
    for option in dict.fromkeys(order):
        is_once = isinstance(option, click.Option) and not (option.is_flag or option.multiple)
        if is_once and order.count(option) > 1:
            raise Misconfigured(f"Option {option.opts[0]} is given {order.count(option)} times.\nGive it once.")


def _refuse_empty(ctx: click.Context) -> None:
    for parameter in ctx.command.params:
        value = ctx.params.get(parameter.name or "")
        given = value if isinstance(value, tuple) else (value,)
        if "" in given and parameter.type is not click.UNPROCESSED:
            remedy = f"For example: {example_of(ctx)}" if parameter.required else "Give it a value, or leave it out."
            raise Misconfigured(f"{_name_of(parameter)}: {EMPTY}\n{remedy}")


def _name_of(parameter: click.Parameter) -> str:
    return parameter.opts[0] if isinstance(parameter, click.Option) else parameter.human_readable_name.strip("[].")


def _options(command: click.Command) -> list[str]:
    options = (one for one in command.params if isinstance(one, click.Option))
    return ["--help", *(name for option in options for name in option.opts if name.startswith("--"))]
