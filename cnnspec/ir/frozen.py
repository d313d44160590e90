"""What all classes of the IR are: frozen, validated where they are read from JSON, and cheap to make."""

from typing import Annotated, Any, ClassVar, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Name: TypeAlias = Annotated[str, Field(pattern="^[A-Za-z][A-Za-z0-9_]*$")]
"""What becomes a name in emitted programs; the elaborator lets nothing else pass, and a graph from JSON may
come from anybody."""
Level: TypeAlias = Annotated[str, Field(pattern="^([A-Za-z][A-Za-z0-9_]*)?$")]
"""A name, or none."""


class Frozen(BaseModel):
    """What is read from JSON is validated; the elaborator, whose values are right by their types, uses
    `model_construct`: to build the validators is 4 % of the instructions of a `check`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
    _blank: ClassVar[dict[str, Any]]

    @classmethod
    def model_construct(  # type: ignore[override]  # the plugin knows the fields, and checks them in each call
        cls, _fields_set: set[str] | None = None, **values: Any
    ) -> Self:
        """pydantic's, without its search for aliases, of which there are none, field by field (a sixth of
        the time of a spec of many steps)."""
        if "_blank" not in cls.__dict__:
            cls._blank = {name: field.default for name, field in cls.model_fields.items()}
        made = cls.__new__(cls)
        put = object.__setattr__
        put(made, "__dict__", cls._blank | values)  # in the order of the fields, which is that of the JSON
        put(made, "__pydantic_fields_set__", _fields_set or set())
        put(made, "__pydantic_extra__", None)
        put(made, "__pydantic_private__", None)
        return made
