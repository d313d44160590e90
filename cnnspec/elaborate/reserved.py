"""Names that are reserved in Python or attributes of `torch.nn.Module`; a layer of that name gets an
underscore.

The list is a literal because the elaborator must not import torch; a test compares it with the installed
torch.
"""

from keyword import kwlist, softkwlist

MODULE_ATTRIBUTES = frozenset(
    """
    T_destination add_module append apply bfloat16 buffers call_super_init children compile cpu cuda
    double dump_patches eval extend extra_repr float forward get_buffer get_extra_state get_parameter
    get_submodule half insert ipu load_state_dict modules mtia named_buffers named_children
    named_modules named_parameters parameters pop register_backward_hook register_buffer
    register_forward_hook register_forward_pre_hook register_full_backward_hook
    register_full_backward_pre_hook register_load_state_dict_post_hook register_load_state_dict_pre_hook
    register_module register_parameter register_state_dict_post_hook register_state_dict_pre_hook
    requires_grad_ self set_extra_state set_submodule share_memory state_dict to to_empty train training
    type xpu zero_grad
    """.split()  # noqa: SIM905
)

RESERVED = MODULE_ATTRIBUTES | frozenset(kwlist) | frozenset(softkwlist)


def attribute_name(name: str) -> str:
    """`conv1` as it is; `in`, `train`, `double` with an underscore after."""
    return name + "_" if name in RESERVED else name
