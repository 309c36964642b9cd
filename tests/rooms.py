"""A room to test in: what its provider and its personas are."""

from __future__ import annotations

PROVIDERS = """
version: 1
defaults:
  errors: {{patterns: {{model_gone: [model_decommissioned]}}}}
providers:
  fake:
    label: Fake
    kind: local
    base_url: {base_url}
    api_key: not-a-secret
    models:
      default: fake-small
      list:
        - {{id: fake-small, context: 8000, price: [0, 0]}}
        - {{id: fake-large, context: 8000, price: [0, 0]}}
      replaced: {{fake-old: fake-large}}
  keyed:
    label: Keyed
    base_url: {base_url}
    secret: Keyed
    api_key_env: [KEYED_API_KEY]
    key_url: https://keyed.example/keys
    models: {{default: fake-large, list: [{{id: fake-large, price: [1, 2]}}]}}
"""
PERSONAS = {
    "01_vicky.yaml": """
name: Vicky
avatar: 🍀
description: Turns bad luck into luck
language: en
tags: [fun]
greeting: Hi! What went wrong today?
system_prompt: You turn bad luck into luck.
starters: [I missed my bus., My phone broke., I lost my wallet.]
temperature: 0.5
max_tokens: 90
""",
    "02_teacher.yaml": """
name: 王老師
avatar: 🧑‍🏫
description: 只問問題，不給答案
language: zh-TW
tags: [課程]
greeting: 你好，今天想弄懂什麼？
system_prompt: 你是蘇格拉底式的老師。
starters: [什麼是迴圈？, 為什麼天空是藍的？, 什麼是函式？]
""",
}
