"""The README's tables, made from the files they describe: `python -m tests.readme` writes them anew."""

from __future__ import annotations

import re
from pathlib import Path

from playground.i18n import translator
from playground.personas import load_personas
from playground.providers import load_providers
from ui.models import provider_name

ROOT = Path(__file__).resolve().parent.parent
READMES = {"en": ROOT / "README.md", "zh-TW": ROOT / "README.zh-TW.md"}
EVIDENCE = ROOT / "docs" / "providers.md"
HEADS = {
    "en": {
        "personas": "| file | persona | what it does | language |",
        "providers": "| provider | secret | environment | default model | free? |",
    },
    "zh-TW": {
        "personas": "| 檔案 | 角色 | 做什麼 | 語言 |",
        "providers": "| 服務 | secret 名稱 | 環境變數 | 預設模型 | 免費嗎 |",
    },
}


def personas() -> list[str]:
    shelf = load_personas(ROOT / "personas")
    return [
        f"| [`{file.file}`](personas/{file.file}) | {p.avatar} {p.name} | {p.description} | {p.language} |"
        for file in shelf.files
        if (p := file.persona)
    ]


def providers(language: str) -> list[str]:
    found, _ = load_providers(ROOT / "providers.yaml")
    assert found
    rows = []
    for one in found.all.values():
        name = provider_name(translator(language), one)
        label = f"[{name}]({one.key_url})" if one.key_url else name
        free = one.free_tier.get(language) or one.about.get(language, "")
        secret = f"`{one.secret}`" if one.secret else ""
        variable = f"`{one.api_key_env[0]}`" if one.needs_key else ""
        model = f"`{one.models.default}`" if one.models.default else ""
        rows.append(f"| {label} | {secret} | {variable} | {model} | {free} |")
    return rows


def written(language: str) -> str:
    """The README with its tables as they should be."""
    text = READMES[language].read_text("utf-8")
    for name, rows in (("personas", personas()), ("providers", providers(language))):
        head = HEADS[language][name]
        table = "\n".join([head, "|" + "---|" * (head.count("|") - 1), *rows])
        text = re.sub(
            rf"<!-- {name} -->.*?<!-- /{name} -->",
            lambda m, name=name, table=table: f"<!-- {name} -->\n{table}\n<!-- /{name} -->",  # type: ignore[misc]
            text,
            flags=re.DOTALL,
        )
    return text


def evidence() -> str:
    """The page that tells what is proved of each provider, and what is not."""
    found, _ = load_providers(ROOT / "providers.yaml")
    assert found
    lines = [
        "# What is proved, and what a live key has yet to confirm",
        "",
        "Every provider is tried, in the tests, against a server that accepts, refuses and streams as its",
        "documentation and its users' reports say (November 2026): the greeting first, two turns, examples, a",
        "reminder, every parameter, a long history, each with the right text and exactly one request, and its",
        "errors, each with the right failure.",
        "No live key was used. `python -m playground doctor` confirms the rest when you have one:",
        "",
        "| provider | to confirm with a live key |",
        "|---|---|",
        *(
            f"| {p.label} | {'; '.join(p.to_confirm) or '-'} |"
            for p in found.all.values()
            if p.kind not in ("embedded", "recorded")
        ),
        "",
        "The built-in model is tried for real in every run of the tests.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    EVIDENCE.write_text(evidence(), "utf-8")
    for code, path in READMES.items():
        path.write_text(written(code), "utf-8")
