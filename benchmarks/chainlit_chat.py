"""A chat as Chainlit's documentation builds one: history in the session, a token at a time for the reply."""

import chainlit as cl
from openai import AsyncOpenAI

client = AsyncOpenAI()  # OPENAI_BASE_URL and OPENAI_API_KEY say where


@cl.on_chat_start
async def start():
    cl.user_session.set("messages", [])
    await cl.Message("Ready").send()


@cl.on_message
async def answer(question: cl.Message):
    messages = cl.user_session.get("messages")
    messages.append({"role": "user", "content": question.content})
    reply = cl.Message("")
    stream = await client.chat.completions.create(model="fake-small", messages=messages, stream=True)
    async for chunk in stream:
        await reply.stream_token(chunk.choices[0].delta.content or "")
    messages.append({"role": "assistant", "content": reply.content})
    await reply.update()
