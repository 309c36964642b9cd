"""What must hold of a persona's replies: checks as YAML writes them, and what became of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, get_type_hints

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from playground.rules import ASKING as ASKING
from playground.rules import RULES as RULES
from playground.rules import Found

Value = str | int | tuple[str, ...] | None


class Check(BaseModel):
    """One thing that must hold of a reply; `not-` before the type turns it around.

    Types carry promptfoo's names where it has them. A reply is taken as a reader would: width, emoji,
    Markdown, quotation marks, ～ and spaces do not matter, unless `exact`. An emoji in `value` is asked for.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: str
    value: SerializeAsAny[Value] = Field(default=None, validate_default=True)
    exact: bool = False
    description: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = Field(
        "", description="What it looks for, in words; readers see this in place of type and value."
    )

    @property
    def rule(self) -> str:
        """The type without its `not-`: a key of RULES or ASKING."""
        return self.type.removeprefix("not-")

    @property
    def negated(self) -> bool:
        """Whether the rule must not hold."""
        return self.type.startswith("not-")

    @property
    def asks_model(self) -> bool:
        """Whether running it costs a call to a model."""
        return self.rule in ASKING

    @model_validator(mode="before")
    @classmethod
    def _says_kind(cls, given: Any) -> Any:
        if isinstance(given, dict) and "type" not in given:
            raise PydanticCustomError("check_kind", "type and value are needed")
        return given

    @field_validator("type")
    @classmethod
    def _known(cls, type_: str) -> str:
        if type_.removeprefix("not-") in RULES | ASKING:
            return type_
        known = ", ".join(f"'{name}'" for name in RULES | ASKING)
        told = {"expected": known, "also": known.replace("'", "'not-", 1).replace(" '", " 'not-")}
        raise PydanticCustomError("literal_error", "Input should be {expected}", told)

    @field_validator("value", mode="plain")
    @classmethod
    def _suits_type(cls, value: object, info: ValidationInfo) -> Value:
        if "type" not in info.data:  # the wrong type is told, and enough
            return None
        try:
            suited: Value = _value_of(info.data["type"].removeprefix("not-")).validate_python(value)
        except ValidationError as error:
            if value is None:
                raise PydanticCustomError("missing", "Field required") from None
            first: dict[str, Any] = dict(error.errors()[0])
            if first["type"] == "string_type" and isinstance(value, (list, tuple)):
                raise PydanticCustomError("one_text", "one text and no list") from None
            raise PydanticCustomError(first["type"], first["msg"], first.get("ctx")) from None
        return suited


@cache
def _value_of(rule: str) -> TypeAdapter[Any]:
    if rule in ASKING:
        return TypeAdapter(ASKING[rule])
    return TypeAdapter(get_type_hints(RULES[rule], include_extras=True)["value"])


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a check; `passed` is None when no model was asked, or it did not answer clearly.

    `found` is a key under `checks.found` in locales/ that `slots` fill.
    """

    check: Check
    passed: bool | None
    found: str
    slots: dict[str, object]


def run(check: Check, reply: str) -> Verdict:
    """Hold a reply against a check; one that asks a model is left open, and playground.rubric asks it."""
    if check.asks_model:
        return outcome(check, Found(None, "not-asked"))
    return outcome(check, RULES[check.rule](reply, check.value, check.exact))


def outcome(check: Check, found: Found) -> Verdict:
    """What a finding means for a check, which may be turned around; what was not found out stays open."""
    passed = None if found.holds is None else found.holds != check.negated
    return Verdict(check, passed, found.code, found.slots)


def expectation(check: Check, t: Callable[..., str]) -> str:
    """Word what a check asks for, as its author did or with `t` of i18n."""
    if check.description:
        return check.description
    key = f"language-{check.value}" if check.rule == "language" else check.rule
    value = " / ".join(check.value) if isinstance(check.value, tuple) else check.value
    return t(
        "checks.must-not" if check.negated else "checks.must", asked=t(f"checks.asked.{key}", value=value)
    )


def finding(verdict: Verdict, t: Callable[..., str]) -> str:
    """Word what was found instead, or all the same, with `t` of i18n."""
    return t(f"checks.found.{verdict.found}", **verdict.slots)
