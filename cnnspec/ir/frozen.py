"""The base class of the IR: frozen, validated when read from JSON, and cheap to build."""

from typing import Annotated, Any, ClassVar, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Name: TypeAlias = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]*$")]
"""A string that becomes a name in emitted programs. The elaborator produces no others, but a graph from JSON
may be untrusted."""
Level: TypeAlias = Annotated[str, Field(pattern="^([A-Za-z][A-Za-z0-9_]*)?$")]
"""A name, or none."""


class Frozen(BaseModel):
    """Values from JSON are validated. The elaborator, whose values are correct by their types, uses
    `model_construct`: building the validators would be 4 % of the instructions of a `check`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    _blank: ClassVar[dict[str, Any]]

    @classmethod
    def model_construct(  # type: ignore[override]  # the plugin knows the fields, and checks them in each call
        cls, _fields_set: set[str] | None = None, **values: Any
    ) -> Self:
        """pydantic's method without its search for aliases in each field; there are none (a sixth of the time
        of a spec of many steps)."""
        if "_blank" not in cls.__dict__:
            cls._blank = {name: field.default for name, field in cls.model_fields.items()}
        instance = cls.__new__(cls)
        set_field = object.__setattr__
        set_field(
            instance, "__dict__", cls._blank | values
        )  # in the order of the fields, which is that of the JSON
        set_field(instance, "__pydantic_fields_set__", _fields_set or set())
        set_field(instance, "__pydantic_extra__", None)
        set_field(instance, "__pydantic_private__", None)
        return instance
