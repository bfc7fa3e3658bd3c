"""The helper process that runs one hook: ``python -m luckgw.ops.hook_main pkg.mod:fn``.

One JSON object a line comes in on stdin, one a line goes out on stdout, in the same
order. What the function prints goes to stderr. It ends when stdin does.
"""

import importlib
import json
import os
import sys
from collections.abc import Callable
from typing import IO, Any

from luckgw.config.routes import REFUSALS

Hook = Callable[[dict[str, Any]], object]


class NotAHook(Exception):
    """What is named can not be called; the message is one sentence."""


def load_hook(name: str) -> Hook:
    """The function ``package.module:function``. Raises NotAHook."""
    module_name, _, function_name = name.partition(":")
    try:
        function = getattr(importlib.import_module(module_name), function_name)
    except Exception as error:  # noqa: BLE001 - it is other people's code
        raise NotAHook(f"{name}: {type(error).__name__}: {error}") from None
    if not callable(function):
        raise NotAHook(f"{name} is not a function")
    return function  # type: ignore[no-any-return]


def call(hook: Hook, message: dict[str, Any]) -> bool | str:
    """What a hook says of a message. Raises what it raises, and NotAHook for an answer
    that is none.
    """
    answer = hook(message)
    if isinstance(answer, bool) or (isinstance(answer, str) and answer in REFUSALS):
        return answer
    words = ", ".join(REFUSALS)
    raise NotAHook(f"answered {answer!r:.80}, not True, False or one of {words}")


def serve(hook: Hook, questions: IO[str], answers: IO[str]) -> None:
    """Answer until there are no more questions."""
    for line in questions:
        number, message = json.loads(line)
        try:
            answer: dict[str, Any] = {"answer": call(hook, message)}
        except Exception as error:  # noqa: BLE001 - it is other people's code
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        answers.write(json.dumps([number, answer]) + "\n")
        answers.flush()


def main(name: str) -> None:
    """Load the function, say so, and serve."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # print() must not speak to the gateway
    try:
        hook = load_hook(name)
    except NotAHook as error:
        answers.write(json.dumps([0, {"error": str(error)}]) + "\n")
        answers.flush()
        sys.exit(1)
    answers.write(json.dumps([0, {"answer": True}]) + "\n")
    answers.flush()
    serve(hook, sys.stdin, answers)


if __name__ == "__main__":
    main(sys.argv[1])
