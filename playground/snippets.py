"""A request as code that anybody can run: Python, curl, JavaScript. The key is never in it, only the name it goes by.

What is sent by the code is what was sent by the app: the same JSON to the same address.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from playground.i18n import Translator
from playground.keys import mask
from playground.wire import Setup

OWN_SERVER = "http://localhost:8080/v1"
"""Stands for a model that the app runs itself, which nobody else can reach: where llama-server answers."""

# What the openai package has known for years; newer names, and those of single providers, go through extra_body.
NAMED = {"model", "messages", "stream", "stream_options", "temperature", "top_p", "n", "seed", "stop", "user"}
NAMED |= {"max_tokens", "max_completion_tokens", "frequency_penalty", "presence_penalty", "logit_bias"}
NAMED |= {"logprobs", "top_logprobs", "response_format", "tools", "tool_choice", "parallel_tool_calls"}

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SECRETIVE = re.compile(r"auth|key|token|secret|cookie|password|session", re.IGNORECASE)
_KEPT = "\n\u3000\u200d"
"""Characters that count as invisible and stay as they are: line ends, the wide space, and what joins emoji."""
_WIDTH = 88


@dataclass(frozen=True, slots=True)
class Call:
    """A request that anybody can send: where to, what, and the names that its key goes by; never the key.

    `secret` is the key's name among Colab's secrets, `variable` in the environment; without one no key is needed.
    """

    base_url: str
    body: Mapping[str, Any]
    secret: str = ""
    variable: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the request is posted."""
        return f"{(self.base_url or OWN_SERVER).rstrip('/')}/chat/completions"

    def masked(self, *keys: str) -> Call:
        """The same without `keys` and whatever looks like a key, in the address, the headers and every text."""
        return replace(
            self,
            base_url=mask(self.base_url, *keys),
            body=masked(self.body, *keys),
            headers={
                name: mask(value, *keys)
                for name, value in self.headers.items()
                if not _SECRETIVE.search(name)
            },
        )


def to_call(setup: Setup, body: Mapping[str, Any], *, base_url: str = "", keyed: bool = False) -> Call:
    """The call that sends `body` as `setup` does; `base_url` where it is not the provider's own.

    `keyed` says that the server wants a key though its provider needs none.
    """
    provider = setup.provider
    variable = ""
    if provider.needs_key or keyed:
        names = (name for name in provider.api_key_env if _VARIABLE.fullmatch(name))
        variable = next(names, "API_KEY")
    secret = provider.secret if variable else ""
    return Call(base_url or provider.base_url, body, secret, variable, setup.quirks.headers)


def as_python(call: Call, t: Translator) -> str:
    """A Python program that needs the openai package and prints the reply as it comes."""
    call = call.masked()
    lines = [comment("#", t("exports.code.python")), *_python_imports(call), "", *_python_key(call, t)]
    lines += python_client(call, t)
    lines += ["", "stream = client.chat.completions.create(", *python_arguments(call.body), ")"]
    lines += ["for chunk in stream:", "    if chunk.choices and chunk.choices[0].delta.content:"]
    lines += ['        print(chunk.choices[0].delta.content, end="", flush=True)', "print()"]
    return "\n".join(lines) + "\n"


def as_curl(call: Call, t: Translator) -> str:
    """A command for a shell like bash; the body stands between two marks, where no character means anything."""
    call = call.masked()
    headers = {"Content-Type": "application/json", **call.headers}
    options = [shlex.join(["--header", f"{name}: {value}"]) for name, value in headers.items()]
    if call.variable:
        options.insert(0, f'--header "Authorization: Bearer ${call.variable}"')
    lines = [comment("#", t("exports.code.curl")), *_about_key("#", call, t)]
    lines.append(f"curl --silent --show-error --no-buffer {shlex.quote(call.url)} \\")
    lines += [f"  {option} \\" for option in options]
    # Lines of JSON are indented, or brackets alone: none of them is the mark.
    lines += ["  --data-binary @- <<'JSON'", json_text(call.body), "JSON"]
    return "\n".join(lines) + "\n"


def as_javascript(call: Call, t: Translator) -> str:
    """A program for Node.js 18 or newer that needs no package and prints the reply as it comes."""
    call = call.masked()
    headers = json_text({"Content-Type": "application/json", **call.headers})
    lines = [comment("//", t("exports.code.javascript")), *_about_key("//", call, t)]
    lines += [f"const body = {json_text(call.body)};", "", f"const headers = {headers};"]
    if call.variable:
        lines.append(f"headers.Authorization = `Bearer ${{process.env.{call.variable}}}`;")
    lines.append(f"const response = await fetch({json_text(call.url)}, {{")
    lines.append(_JAVASCRIPT_END)
    return "\n".join(lines)


SNIPPETS: dict[str, Callable[[Call, Translator], str]] = {
    "python": as_python,
    "curl": as_curl,
    "javascript": as_javascript,
}
"""The languages that a request can be had in."""

_JAVASCRIPT_END = """\
  method: "POST",
  headers,
  body: JSON.stringify(body),
});
if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);

let rest = "";
for await (const piece of response.body.pipeThrough(new TextDecoderStream())) {
  const lines = (rest + piece).split("\\n");
  rest = lines.pop();
  for (const line of lines) {
    const data = line.startsWith("data:") ? line.slice(5).trim() : "";
    if (!data || data === "[DONE]") continue;
    process.stdout.write(JSON.parse(data).choices?.[0]?.delta?.content ?? "");
  }
}
console.log();
"""


def python_client(call: Call, t: Translator) -> list[str]:
    """The lines that make `client`, from `api_key` where the server wants one."""
    lines = [] if call.base_url else [comment("#", t("exports.code.own_server"))]
    lines.append("client = OpenAI(")
    lines.append(f"    base_url={python_text(call.base_url or OWN_SERVER)},")
    if call.variable:
        lines.append("    api_key=api_key,")
    else:
        lines.append(f'    api_key="none",  {comment("#", t("exports.code.no_key"))}')
    if call.headers:
        lines.append(f"    default_headers={python_literal(dict(call.headers), 1)},")
    return [*lines, ")"]


def python_arguments(body: Mapping[str, Any], messages: str = "") -> list[str]:
    """The arguments that make the openai package send `body`; `messages` names a variable to send in their place."""
    lines = []
    for name, value in body.items():
        if name == "messages" and messages:
            lines.append(f"    messages={messages},")
        elif name in NAMED:
            lines.append(f"    {name}={python_literal(value, 1)},")
    if others := {name: value for name, value in body.items() if name not in NAMED}:
        lines.append(f"    extra_body={python_literal(others, 1)},")
    return lines


def python_literal(value: Any, depth: int = 0) -> str:
    """A value of JSON as Python, its inner lines indented `depth` levels deep; text of several lines stays readable."""
    if isinstance(value, str):
        parts = re.findall(r"[^\n]*\n|[^\n]+", value)
        return python_text(value) if len(parts) < 2 else _wrapped("()", map(python_text, parts), depth, "")
    if not isinstance(value, (Mapping, list, tuple)) or not value:
        return repr(list(value) if isinstance(value, tuple) else value)
    if isinstance(value, Mapping):
        brackets = "{}"
        items = [f"{python_text(name)}: {python_literal(inner, depth + 1)}" for name, inner in value.items()]
    else:
        brackets, items = "[]", [python_literal(inner, depth + 1) for inner in value]
    line = brackets[0] + ", ".join(items) + brackets[1]
    fits = len(line) + 4 * depth <= _WIDTH and "\n" not in line
    return line if fits else _wrapped(brackets, items, depth, ",")


def python_text(text: str) -> str:
    """A text as a Python string in double quotes, with what cannot be seen written out."""
    quoted = json.dumps(text, ensure_ascii=False)
    return _seen(quoted, lambda c: f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}")


def json_text(value: Any) -> str:
    """A value as indented JSON that people can read, with what cannot be seen written out."""
    return _seen(json.dumps(value, ensure_ascii=False, indent=2), lambda c: json.dumps(c)[1:-1])


def comment(mark: str, text: str) -> str:
    """A text as a comment of one line, whatever it holds."""
    return f"{mark} {' '.join(text.split())}"


def masked(value: Any, *keys: str) -> Any:
    """A value of JSON without `keys` and whatever looks like a key in its texts."""
    if isinstance(value, str):
        return mask(value, *keys)
    if isinstance(value, Mapping):
        return {name: masked(inner, *keys) for name, inner in value.items()}
    return [masked(inner, *keys) for inner in value] if isinstance(value, (list, tuple)) else value


def _python_imports(call: Call) -> list[str]:
    return ["import os", "", "from openai import OpenAI"] if call.variable else ["from openai import OpenAI"]


def _python_key(call: Call, t: Translator) -> list[str]:
    if not call.variable:
        return []
    from_environment = f"api_key = os.environ[{python_text(call.variable)}]"
    if not call.secret:
        return [*_about_key("#", call, t), from_environment, ""]
    lines = [comment("#", t("exports.code.key_in_colab", secret=call.secret, variable=call.variable))]
    lines += ["try:", "    from google.colab import userdata", ""]
    lines.append(f"    api_key = userdata.get({python_text(call.secret)})")
    return [*lines, "except ImportError:", f"    {from_environment}", ""]


def _about_key(mark: str, call: Call, t: Translator) -> list[str]:
    lines = [] if call.base_url else [comment(mark, t("exports.code.own_server"))]
    if call.variable:
        lines.append(comment(mark, t("exports.code.key", variable=call.variable)))
    return lines


def _wrapped(brackets: str, items: Any, depth: int, separator: str) -> str:
    inner = "    " * (depth + 1)
    body = "".join(f"{inner}{item}{separator}\n" for item in items)
    return f"{brackets[0]}\n{body}{'    ' * depth}{brackets[1]}"


def _seen(text: str, written: Callable[[str], str]) -> str:
    return "".join(c if c.isprintable() or c in _KEPT else written(c) for c in text)
