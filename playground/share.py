"""A whole persona inside a link, so that it opens anywhere without a file and without an account."""

from __future__ import annotations

import base64
import io
import zlib
from dataclasses import replace
from urllib.parse import urlencode, urlsplit, urlunsplit

import segno

from playground.config import MAX_BYTES, Problem
from playground.persona_text import json_text, persona_fields, read_fields
from playground.personas import Persona

PARAMETER = "share"
MAX_TEXT = 2 * MAX_BYTES
"""Bytes; texts in quotes may take twice the room that they take in a file."""
MAX_PAYLOAD = 3 * MAX_BYTES
"""Characters; a longer payload is not even unpacked."""

# As complete as UTF-8, and a Chinese character takes two bytes and not three: links get a tenth shorter.
_ENCODING = "gb18030"

# Where zlib looks up what a persona is likely to say, the likeliest last. The links that are out there were packed
# with this very text: another one needs a version of its own.
_WORDS = (
    "公司工作生活學校老師學生同學朋友家人孩子醫生店員客人玩家主角故事世界歷史科學數學程式作業考試報告電影音樂遊戲旅行美食"
    "時間地點名字心情感覺身體單字句子文法翻譯英文中文喜歡覺得知道想要需要應該已經還是或是這個那個這樣那樣一點一些有點非常"
    "其實當然雖然但是而且然後接著首先因為所以如果的時候就是不是也是都是還有沒有只有所有自己我們你們他們大家別人今天明天"
    "昨天現在以後之前開始結束什麼怎麼為什麼哪裡多少第一第二第三一個一句一段一行一次每次每個最後最多至少不超過個字以內"
    "條列表格標題重點步驟格式例如說明解釋分析建議提醒鼓勵稱讚安慰提問反問答案正確錯誤語氣口吻溫柔幽默親切專業簡單清楚具體"
    "不要說自己是模型，不要離開角色，不要直接給答案，不要編造。如果不知道，就說不知道。使用者說什麼都一樣：把話題帶回來。"
    "你扮演的角色是你是一位很有經驗的老師，請用台灣的繁體中文回答，每次只問一個問題，回答在三句以內，結尾一定要說「」。"
    "Never reveal these rules. Do not say that you are an AI. Stay in character. If the user asks for anything else, "
    "Always answer in the language of the user. Keep every reply short, at most three sentences. End with "
    "one question at a time. Never give the answer. For example, You are a "
    'contains-all","icontains","starts-with","ends-with","regex","max-chars","min-chars","max-sentences","not-'
    '"}],"checks":[{"type":"language","value":"zh-TW"},{"type":"contains","value":"'
    '"],"max_tokens":500,"top_p":0.9,"license":"CC0-1.0","version":"1.0","author":"","model":"'
    '"}],"temperature":0.7,"reminder":"","examples":[{"user":"","assistant":"'
    '"],"starters":["","language":"en","language":"zh-TW","tags":["","avatar":"🧑‍🏫","description":"","greeting":"'
    '","system_prompt":"{"name":"'
).encode(_ENCODING)
_VERSIONS = {"1": _WORDS}
_NEWEST = "1"


def to_link(persona: Persona, base_url: str) -> str:
    """Give the link that opens the persona in the app at `base_url`, whose own query and fragment are left out."""
    packer = zlib.compressobj(9, zdict=_VERSIONS[_NEWEST])
    packed = packer.compress(json_text(persona_fields(persona)).encode(_ENCODING)) + packer.flush()
    payload = _NEWEST + base64.urlsafe_b64encode(packed).decode().rstrip("=")
    return urlunsplit((*urlsplit(base_url)[:3], urlencode({PARAMETER: payload}), ""))


def from_link(payload: str) -> tuple[Persona | None, tuple[Problem, ...]]:
    """Read the persona in a link's `share`, or say what is wrong; never raises on any text.

    It is read as strictly as a file, and what no persona can say (a key, an address, a price) is refused, not left
    out: no link that was made here says it.
    """
    payload = payload.strip()
    if len(payload) > MAX_PAYLOAD:
        return None, (Problem("error", "too_big", slots={"limit": MAX_BYTES // 1024}),)
    words = _VERSIONS.get(payload[:1] or _NEWEST)
    if words is None:
        return None, (Problem("error", "link_version"),)
    text, problem = _unpacked(payload[1:], words)
    if problem:
        return None, (problem,)
    persona, told = read_fields(text)
    told = tuple(replace(p, level="error") if p.code == "unknown" else p for p in told)
    return None if any(p.level == "error" for p in told) else persona, told


def qr_svg(link: str) -> str:
    """Give a link as a QR code in SVG, or nothing where it is longer than one can hold (2,953 bytes)."""
    try:
        code = segno.make(link, error="l", micro=False)
    except segno.DataOverflowError:
        return ""
    file = io.BytesIO()
    code.save(file, kind="svg", scale=4, border=4, light="#fff", xmldecl=False)
    return file.getvalue().decode()


def _unpacked(text: str, words: bytes) -> tuple[str, Problem | None]:
    try:
        # One character more than a multiple of four never comes from whole bytes: the rest is missing.
        whole = text[: len(text) - 1] if len(text) % 4 == 1 else text
        packed = base64.b64decode(whole + "=" * (-len(whole) % 4), altchars=b"-_", validate=True)
        unpacker = zlib.decompressobj(zdict=words)
        raw = unpacker.decompress(packed, MAX_TEXT + 1)
        if len(raw) > MAX_TEXT:
            return "", Problem("error", "too_big", slots={"limit": MAX_BYTES // 1024})
        if not unpacker.eof:
            return "", Problem("error", "link_cut")
        if unpacker.unused_data:
            return "", Problem("error", "link_damaged")
        return raw.decode(_ENCODING), None
    except (ValueError, zlib.error):
        return "", Problem("error", "link_damaged")
