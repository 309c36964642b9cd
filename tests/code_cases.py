"""Request bodies that are hard to write down as code, and how the code that is written is run."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

KEY = "sk-Sentinel0123456789abcdef"
VARIABLE = "CLASS_API_KEY"
SECRET = "Class"
REPLY = ["你好，", "a `b` $c ", "🍀\n", "end"]

TEXTS = {
    "chinese": "說一件倒楣事，它就變成「超幸運」……　全形空白",
    "quotes": "' \" ''' \"\"\" ` ``` “” ‘’ 「」 '\"'\"' \\' \\\"",
    "backslashes": "\\ \\\\ \\n \\t \\u0041 \\x41 C:\\new\\table ends in \\",
    "lines": "one\ntwo\n\n  four\r\nfive\rsix\n",
    "one line end": "\n",
    "empty": "",
    "emoji": "🍀👩‍🚀🇹🇼👍🏽🏴\U000e0067\U000e0062\U000e007f",
    "shell": "$HOME ${HOME} $(touch /tmp/x) `touch /tmp/x` !! ; | & > < * ~ # %s %% \\$",
    "templates": "${process.env.HOME} `x` {0} {name} {{ }} f'{1}'",
    "ends of things": "JSON\nEND\nEOF\n</script> */ // # -->",
    "invisible": "\u202eabc\u2066 \u200b \ufeff \u2028 \u2029 \x00 \x07 \x1b[31m \x7f \x85 \xa0",
}

PLAIN: dict[str, Any] = {
    "model": "fake-small",
    "stream": True,
    "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
}
BODIES: dict[str, dict[str, Any]] = {
    "plain": PLAIN,
    "texts": PLAIN | {"messages": [{"role": "user", "content": text} for text in TEXTS.values()]},
    "every parameter": PLAIN
    | {
        "temperature": 0.7,
        "top_p": 1,
        "max_tokens": 64,
        "max_completion_tokens": 128,
        "seed": 0,
        "stop": ["\n\n", "END"],
        "presence_penalty": -0.5,
        "frequency_penalty": None,
        "response_format": {"type": "json_object"},
        "stream_options": {"include_usage": True},
        "reasoning_effort": "none",
        "random_seed": 12345678901,
        "thinking": {"type": "disabled"},
        "chat_template_kwargs": {"enable_thinking": False, "note": "it's 「好」"},
        "extra_body": {
            "google": {"thinking_config": {"budgets": [1, 2.5, None, True], "none": {}, "no": []}}
        },
        "timeout": 3,
        "class": "a word of Python",
        "not-a-name": "of anything",
    },
}


def run(command: Sequence[str], folder: Path, asked: str = "", **environ: str) -> str:
    """What a command prints; nothing of this process's environment but the path reaches it."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **environ},
        input=asked,
        capture_output=True,
        timeout=60,
        check=False,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def colab(folder: Path) -> str:
    """A folder that, on Python's path, makes it look like Colab with the one secret."""
    package = folder / "colab_path" / "google" / "colab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "userdata.py").write_text(f"def get(name):\n    return {{{SECRET!r}: {KEY!r}}}[name]\n")
    return str(folder / "colab_path")
