"""What a persona is called where one is picked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from playground.personas import Persona


def persona_label(persona: Persona) -> str:
    """The name with its picture, as plain text; a list draws no icon."""
    face = "" if persona.avatar.startswith(":") else persona.avatar
    return f"{face} {persona.name}".strip()


def told_apart(labels: Mapping[str, str]) -> dict[str, str]:
    """The labels, those that are the same followed by the slug of their file: else the last one is picked always."""
    count = Counter(labels.values())
    return {
        slug: f"{label} · {slug}" if slug and count[label] > 1 else label for slug, label in labels.items()
    }


def persona_labels(personas: Mapping[str, Persona]) -> dict[str, str]:
    """What to call each persona among the others, by slug."""
    return told_apart({slug: persona_label(persona) for slug, persona in personas.items()})
