"""Personas as nobody would write them."""

from __future__ import annotations

from hypothesis import strategies as st

from playground.personas import Persona

# What YAML, cards or a careless pattern could take for something else, beside ordinary words of two languages.
JOINED = (
    "{{char}}¦{{user}}¦{{user}}: hi¦\n{{char}}: ho¦<START>¦<BOT>¦<USER>'s¦{{original}}¦{{random:a,b}}¦{{// x}}¦"
    "- ¦# ¦ #¦: ¦:¦：¦，¦、¦'¦\"¦\\¦|¦>¦&a¦*a¦!¦%¦@¦`¦~¦---¦...¦```¦[a, b]¦{a: b}¦<<¦ ¦  ¦\n¦\n\n¦\t¦\u3000¦\u00a0¦"
    "\u2028¦\x85¦\u200b¦\r¦name: x¦no¦yes¦null¦1.10¦12:30¦0x1F¦2026-01-01¦.inf¦sk-¦api_key¦「你好」¦“hi”¦🍀¦🧑‍🏫¦"
    "🏴󠁧󠁢󠁥󠁮󠁧󠁿¦é¦你是老師¦請用繁體中文回答。¦台灣¦You are¦a teacher.¦Always answer¦完全是 Lucky Vicky 呀！"
)
PIECES = JOINED.split("¦")

texts = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)
words = texts.filter(str.strip)
names = words.map(lambda text: text.strip()[:60]).filter(str.strip)
foreign = st.recursive(
    st.none() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts.filter(lambda key: "api" not in key), inner, max_size=3)
    ),
    max_leaves=5,
)
checks = st.one_of(
    st.builds(lambda text: {"type": "contains", "value": text}, words),
    st.builds(
        lambda all_: {"type": "not-contains-any", "value": all_, "exact": True},
        st.lists(words, min_size=1, max_size=3),
    ),
    st.builds(lambda count: {"type": "max-chars", "value": count}, st.integers(1, 9999)),
    st.just({"type": "language", "value": "zh-TW"}),
    st.just({"type": "is-json"}),
    st.builds(lambda text: {"type": "llm-rubric", "value": text, "description": "kind"}, words),
)
numbers = st.none() | st.sampled_from((0, 0.1, 1, 1e-05, 0.30000000000000004))

personas = st.builds(
    lambda required, optional, extra: Persona(**required, **optional, **extra),
    st.fixed_dictionaries({"name": names, "system_prompt": words}),
    st.fixed_dictionaries(
        {},
        optional={
            "greeting": texts,
            "description": texts,
            "avatar": st.sampled_from(("🍀", "🧑‍🏫", ":material/school:")),
            "language": st.sampled_from(("zh-TW", "en", "pt-BR")),
            "tags": st.lists(texts, max_size=4),
            "starters": st.lists(words, max_size=4),
            "examples": st.lists(st.fixed_dictionaries({"user": words, "assistant": words}), max_size=4),
            "reminder": texts,
            "temperature": numbers,
            "top_p": numbers,
            "max_tokens": st.none() | st.integers(1, 32_768),
            "model": st.just("groq/openai/gpt-oss-20b"),
            "checks": st.lists(checks, max_size=3),
            "author": texts,
            "license": st.just("CC0-1.0"),
            "version": st.sampled_from(("1.0", "no", "2026-01-01")),
        },
    ),
    st.dictionaries(st.sampled_from(("x-note", "x-card", "x-別的", "x-a: b")), foreign, max_size=2),
)
