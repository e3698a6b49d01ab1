"""Kinds of networks of which the derivation is known to find less than there is, and how their text tells."""

import re

from .network import Network

SPREAD = r"(zeros\.at|zero_insertion|conv_transpose|input_dilation=[23])"
POOLED = r"(jnp\.(sum|max|min)|gram|centred_in_space|minus_largest)"
EXTREME = r"(jnp\.(max|min)|(max|min)_pool|reduce_window\[max\]|cummax|minus_largest)"
REPEATED = r"reflect|symmetric|edge|pad\("

# Why shifts are missed, and a pattern of the network's text.
EXCEPTIONS = {
    # The derivation could know better.
    "a scan over rows is a map only if no step can tell which it is": r"rows\(",
    "a window as long as its axis is a reduction, and is taken for a window": r"\[whole axis\]",
    "patches of an axis are followed only where nothing was lost before": r" .*local_conv",
    "rows that were merged or folded are no longer one axis for a window": r"(merge|fold in) rows.* > ",
    "a product of channels that hold positions": r"space_to_depth.*gram",
    "branches of unequal strides side by side, and weights of a period over them": r"\|.*(dense|mixing)",
    "branches that mirror and do not, and weights of a period over them": r"on the sum\(.*flip.*(dense|mixing)",
    # Coincidences: true, but of no rule.
    "padding that no window reaches": r"\[unread margin\]",
    "weights of which those at inserted zeros are of no account": SPREAD + r".*mixing",
    "a sum over all pixels and zeros that stand between them, but not behind": SPREAD + r".*" + POOLED,
    "an order of pixels that is forgotten again": r"(permute|flip|sort|cond on|select on).*" + POOLED,
    "a maximum does not mind that pixels are seen twice": f"({REPEATED}|{EXTREME}).*{EXTREME}",
    "a condition on one pixel, and alternatives that are equal": r"cond on a corner",
    "of the pixels only those are read that a constant was written to": r"\.set.*(strides=|::|slice/)",
}


def kind_of(network: Network) -> str | None:
    """The first known kind of exception that the network is of."""
    text = " > ".join(network.text)
    return next((kind for kind, pattern in EXCEPTIONS.items() if re.search(pattern, text)), None)
