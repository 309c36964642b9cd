"""A chat as Gradio's documentation builds one: a function that yields the reply so far."""

import sys

import gradio as gr
from openai import OpenAI

client = OpenAI()  # OPENAI_BASE_URL and OPENAI_API_KEY say where


def answer(message, history):
    said = [{"role": turn["role"], "content": turn["content"]} for turn in history]
    stream = client.chat.completions.create(
        model="fake-small", messages=[*said, {"role": "user", "content": message}], stream=True
    )
    written = ""
    for chunk in stream:
        written += chunk.choices[0].delta.content or ""
        yield written


gr.ChatInterface(answer, title="Ready").launch(server_name="127.0.0.1", server_port=int(sys.argv[1]))
