"""Reads personas/: one YAML file a persona, one broken file never in the way of the others."""

from __future__ import annotations

import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from playground.checks import Check
from playground.config import Problem, read, read_file, repaired

PERSONAS = Path(__file__).resolve().parent.parent / "personas"
SCHEMA_FILE = Path(__file__).resolve().parent / "persona.schema.json"
MAX_FILES = 500

FORBIDDEN = (
    *("api_key", "openai_api_key", "api_token", "access_token", "secret_key", "client_secret", "password"),
    *("base_url", "api_base", "authorization"),
)

WORDS = {
    word: ours
    for ours, theirs in {
        "name": "title label display_name char_name character_name nickname bot_name"
        " 名字 名稱 姓名 角色名稱 標題",
        "system_prompt": "character system prompt instructions instruction system_message system_role"
        " preprompt prompt_prefix persona personality role role_prompt"
        " 角色 角色設定 人設 人格 設定 提示詞 系統提示詞 系統提示 指令",
        "greeting": "first_mes first_message initial_message welcome welcome_message opening"
        " opening_message hello intro_message 開場白 招呼語 問候語 歡迎詞 第一句話",
        "description": "creator_notes summary about intro bio subtitle tagline 描述 簡介 介紹 說明",
        "avatar": "icon emoji image picture symbol icon_url profile_image_url 頭像 圖示 表情",
        "language": "lang locale 語言 語系",
        "tags": "tag categories category keywords labels 標籤 分類 關鍵字",
        "starters": "conversation_starters starter suggestions suggestion_prompts example_inputs questions"
        " prompts quick_replies 建議問題 起始問題 開場問題 範例問題 快速提問",
        "examples": "mes_example example example_dialogue few_shot few_shots shots 範例 例子 對話範例 示範",
        "reminder": "post_history_instructions jailbreak author_note 提醒 叮嚀",
        "temperature": "temp 溫度 隨機性 創意度",
        "top_p": "topp nucleus",
        "max_tokens": "max_output_tokens max_completion_tokens max_new_tokens num_predict max_length"
        " 最大長度 字數上限",
        "model": "model_id base_model base_model_id llm engine 模型",
        "checks": "check asserts assertions tests criteria 檢查 檢核 驗收",
        "author": "creator by authors 作者 設計者",
        "license": "licence 授權",
        "version": "character_version 版本",
        "user": "question input human 使用者 問",
        "assistant": "answer output bot ai reply response 助理 回答 答",
    }.items()
    for word in theirs.split()
}

_EMOJI = re.compile(
    "(?:[\U0001f1e6-\U0001f1ff]{2}|[0-9#*]\ufe0f?\u20e3|PICTURE(?:\u200dPICTURE)*)".replace(
        "PICTURE",
        "[©®‼⁉™ℹ↔-↙↩↪⌚⌛⌨⏏⏩-⏺Ⓜ▪▫▶◀◻-◾⤴⤵⬅-⬇⬛⬜⭐⭕〰〽㊗㊙\U0001f004-\U0001faff"
        "☀-☄☎☑☔☕☘☝☠☢☣☦☪☮☯☸-☺♀♂♈-♓♟♠♣♥♦♨♻♾♿⚒-⚗⚙⚛⚜⚠⚡⚧⚪⚫⚰⚱⚽"
        "⚾⛄⛅⛈⛎⛏⛑⛓⛔⛩⛪⛰-⛵⛷-⛺⛽✂✅✈-✍✏✒✔✖✝✡✨✳✴❄❇❌❎❓-❕❗❣❤➕-➗➡➰➿]"
        "\ufe0f?[\U0001f3fb-\U0001f3ff]?[\U000e0020-\U000e007f]*",
    )
)
_MATERIAL = re.compile(":material/[a-z0-9_]+:")
_ORDER = re.compile(r"(\d{1,9})[-_. ]+(?=.)")
_MISNAMED = re.compile(r".*\.ya?ml\.(txt|docx?|rtf|html?|md|json)$|.*\.(docx?|rtf)$", re.IGNORECASE)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)$")


def _picture(value: str) -> str:
    if value and not _EMOJI.fullmatch(value) and not _MATERIAL.fullmatch(value):
        raise PydanticCustomError("avatar", "one emoji, or :material/name:")
    return value


Word = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Paragraph = Annotated[str, StringConstraints(strip_whitespace=True, max_length=4000)]
Prompt = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20_000)]
Said = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=8000)]


class Example(BaseModel):
    """One exchange that shows the model how the persona talks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    user: Said = Field(description="What somebody might say.")
    assistant: Said = Field(description="How the persona answers it.")


class Persona(BaseModel):
    """Who talks: a character as a YAML file describes it.

    Keys that begin with `x-` belong to other tools; they are kept in `model_extra` and never read.
    """

    model_config = ConfigDict(frozen=True, extra="allow")

    name: Annotated[Word, Field(min_length=1, max_length=80)] = Field(
        description="The name over every reply, at most 80 characters.", examples=["王老師"]
    )
    system_prompt: Prompt = Field(
        description="Who the persona is and what it does; the model reads this before every question. "
        "Write '|' after the colon, and the text on the next lines, indented by two spaces."
    )
    greeting: Paragraph = Field("", description="What the persona says first, before anybody asks.")
    description: Paragraph = Field(
        "", description="One or two sentences for whoever chooses; no model reads them."
    )
    avatar: Annotated[Word, AfterValidator(_picture)] = Field(
        "",
        description="One emoji, or an icon as ':material/school:' in quotes.",
        examples=["🧑‍🏫", ":material/school:"],
    )
    language: Annotated[Word, StringConstraints(pattern=r"^([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")] = Field(
        "", description="The language of the replies, as zh-TW or en.", examples=["zh-TW"]
    )
    tags: tuple[Word, ...] = Field((), max_length=20, description="Words to find the persona by.")
    starters: tuple[Line, ...] = Field(
        (), max_length=12, description="Questions to click on, each on a line after '- '."
    )
    examples: tuple[Example, ...] = Field(
        (), max_length=20, description="Exchanges that show the model how the persona talks."
    )
    reminder: Paragraph = Field(
        "", description="What the model is told again after every question; short works best."
    )
    temperature: float | None = Field(
        None, ge=0, le=2, description="0 answers the same every time, 1 varies, 2 rambles.", examples=[0.7]
    )
    top_p: float | None = Field(
        None, ge=0, le=1, description="Another way to vary; leave it out if in doubt."
    )
    max_tokens: int | None = Field(
        None, ge=1, le=32_768, description="How long a reply may get; a Chinese character takes one or two."
    )
    model: Annotated[Word, StringConstraints(pattern=r"^([A-Za-z0-9][\w.-]*/\S+)?$")] = Field(
        "",
        description="The model it was written for, as provider/model: a wish, which the reader may change.",
        examples=["groq/llama-3.3-70b-versatile"],
    )
    checks: tuple[Check, ...] = Field((), max_length=50, description="What must hold of every reply.")
    author: Word = Field("", description="Who wrote it.")
    license: Word = Field("", description="What others may do with it, as CC-BY-4.0.")
    version: Word = Field("", description="Which version this is, in your own counting.")

    @model_validator(mode="after")
    def _no_strange_keys(self) -> Persona:
        for key in self.model_extra or {}:
            if not key.startswith("x-"):
                raise PydanticCustomError("unknown", "no such field", {"field": key})
        return self


@dataclass(frozen=True, slots=True)
class PersonaFile:
    """One file of the folder: its name, what it is called here, and the persona or what is wrong with it."""

    file: str
    slug: str = ""
    persona: Persona | None = None
    problems: tuple[Problem, ...] = ()
    stamp: tuple[int, int] | None = None
    """When it was changed (ns) and how many bytes it has, as of the reading."""
    earlier: bool = False
    """Whether the persona is what the file held before it got a slip, so that whoever talks to it may go on."""


@dataclass(frozen=True)
class Shelf:
    """A folder's personas, in order, and what is wrong with its files."""

    files: tuple[PersonaFile, ...] = ()

    @cached_property
    def personas(self) -> dict[str, Persona]:
        """The personas that can be talked to, by slug."""
        return {f.slug: f.persona for f in self.files if f.persona}

    @property
    def broken(self) -> list[tuple[str, tuple[Problem, ...]]]:
        """The files that hold no persona now, and why."""
        return [(f.file, f.problems) for f in self.files if not f.persona or f.earlier]

    @property
    def warned(self) -> list[tuple[str, tuple[Problem, ...]]]:
        """The files that were read, and yet something should be said."""
        return [(f.file, f.problems) for f in self.files if f.persona and f.problems and not f.earlier]


def load_personas(folder: Path = PERSONAS, before: Shelf | None = None) -> Shelf:
    """Read a folder; files that have not changed since `before` are not read again. Never raises.

    A file that got a slip since then keeps the persona that it held.
    """
    known = {f.file: f for f in before.files} if before else {}
    try:
        names = sorted((n for n in os.listdir(folder) if _concerns_us(n)), key=_order)
    except OSError as error:
        return Shelf((_broken(f"{folder.name}/", "unreadable", reason=_reason(error)),))
    files = [_look(folder, name, known.get(name)) for name in names[:MAX_FILES]]
    if len(names) > MAX_FILES:
        files.append(_broken(f"{folder.name}/", "many_files", count=len(names), limit=MAX_FILES))
    return Shelf(tuple(_with_slugs(files)))


def personas_folder(environ: Mapping[str, str]) -> Path:
    """Say where the personas are: where PLAYGROUND_PERSONAS says, or beside the program."""
    return Path(environ.get("PLAYGROUND_PERSONAS") or PERSONAS)


def read_persona(source: bytes | str) -> tuple[Persona | None, tuple[Problem, ...]]:
    """Read one persona from YAML, or say what is wrong."""
    return read(source, Persona, words=WORDS, forbidden=FORBIDDEN)


def read_persona_file(path: Path) -> tuple[Persona | None, tuple[Problem, ...]]:
    """Read one persona from a file, or say what is wrong."""
    return read_file(path, Persona, words=WORDS, forbidden=FORBIDDEN)


def repaired_persona(source: bytes | str) -> str | None:
    """Give the YAML with every slip repaired whose repair is certain, or None when there is none."""
    return repaired(source, Persona, words=WORDS, forbidden=FORBIDDEN)


def slug_of(file: str) -> str:
    """Turn a file's name into one that is safe in a path and in a URL, without order number and suffix."""
    stem = _ORDER.sub("", re.sub(r"\.ya?ml$", "", file, flags=re.IGNORECASE), count=1)
    slug = re.sub(r"[\W_]+", "-", unicodedata.normalize("NFKC", stem).casefold()).strip("-")[:60].strip("-")
    return f"persona-{slug}".strip("-") if not slug or _RESERVED.fullmatch(slug) else slug


def persona_schema() -> dict[str, Any]:
    """Give the JSON Schema that an editor checks a persona file with; it takes what `read_persona` takes."""
    schema = dict(_texts_take_anything(Persona.model_json_schema()))
    schema["$schema"] = "http://json-schema.org/draft-07/schema#"
    schema["title"] = "Persona"
    schema["additionalProperties"] = False
    schema["patternProperties"] = {"^x-": {"description": "Kept, and never read."}}
    return schema


def _texts_take_anything(part: Any) -> Any:
    if isinstance(part, list):
        return [_texts_take_anything(p) for p in part]
    if not isinstance(part, dict):
        return part
    part = {key: _texts_take_anything(value) for key, value in part.items()}
    if part.get("type") == "string" and "enum" not in part:
        part["type"] = ["string", "number", "boolean"]
    return part


def _concerns_us(name: str) -> bool:
    is_yaml = name.lower().endswith((".yaml", ".yml"))
    return not name.startswith(".") and (is_yaml or _MISNAMED.match(name) is not None)


def _order(name: str) -> tuple[float, str, str]:
    number = _ORDER.match(name)
    return int(number[1]) if number else float("inf"), unicodedata.normalize("NFKC", name).casefold(), name


def _look(folder: Path, name: str, known: PersonaFile | None) -> PersonaFile:
    path = folder / name
    if _MISNAMED.match(name):
        return _broken(name, "extension")
    try:
        about = path.stat()
        # Only a link can lead outside; to resolve every path costs more than all else here.
        if path.is_symlink() and not path.resolve().is_relative_to(folder.resolve()):
            return _broken(name, "outside")
    except (OSError, RuntimeError) as error:
        return _broken(name, "unreadable", reason=_reason(error))
    if not stat.S_ISREG(about.st_mode):
        return _broken(name, "not_file")
    stamp = (about.st_mtime_ns, about.st_size)
    if known and known.stamp == stamp:
        return known
    persona, problems = read_persona_file(path)
    earlier = known.persona if known and not persona else None
    return PersonaFile(
        _shown(name), persona=persona or earlier, problems=problems, stamp=stamp, earlier=bool(earlier)
    )


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or type(error).__name__


def _broken(name: str, code: str, **slots: str | int) -> PersonaFile:
    return PersonaFile(_shown(name), problems=(Problem("error", code, slots=slots),))


def _shown(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")


def _with_slugs(files: list[PersonaFile]) -> Iterator[PersonaFile]:
    taken: set[str] = set()
    for file in files:
        slug = slug_of(file.file)
        slug = next(s for n in count(1) if (s := slug if n == 1 else f"{slug}-{n}") not in taken)
        taken.add(slug)
        yield file if file.slug == slug else replace(file, slug=slug)
