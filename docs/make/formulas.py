"""LaTeX as MathML, which browsers draw by themselves: no script, no fonts, no network."""

import html
import re

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\[(\[](.*?)\\[)\]]</\1>', re.DOTALL)
# latex2mathml does not know these behind \Big; as characters it does.
BRACKETS = {r"\langle": "⟨", r"\rangle": "⟩"}
# Browsers no longer make these letters of plain ones.
DOUBLE = dict(zip("CEHNPQRZ", "ℂ𝔼ℍℕℙℚℝℤ", strict=True))
# It sets no space beside a function: not before it behind a factor, nor after it before an argument without brackets.
NAMES = r"\\(?:arctan|cosh|cos|exp|ln|log|max|min|sinh|sin|tanh|tan)(?![a-z])(?:[_^](?:\{[^}]*\}|\w))*"
BEFORE = re.compile(rf"(?<=[\w)}}])\s*(?={NAMES})")
AFTER = re.compile(rf"({NAMES})(?!\s*(?:[(\[}}_^]|\\left|\\[Bb]ig|$))")


def drawn(page: str) -> str:
    """Return the HTML of a page with MathML where arithmatex has marked LaTeX."""
    return FORMULA.sub(lambda found: mathml(html.unescape(found[2]), block=found[1] == "div"), page)


def in_text(title: str) -> str:
    """Return a title with MathML in the place of what arithmatex has left of LaTeX."""
    return re.sub(r"\\\((.*?)\\\)", lambda found: mathml(html.unescape(found[1]), block=False), title)


def mathml(latex: str, *, block: bool) -> str:
    """Return a formula as MathML.

    Raises:
      ValueError: if it holds a command that latex2mathml does not know.
    """
    from latex2mathml.converter import convert

    plain = re.sub(r"(\\[Bb]igg?)(\\[lr]angle)", lambda found: found[1] + BRACKETS[found[2]], latex.strip())
    plain = BEFORE.sub(r"\\,", AFTER.sub(r"\1\\,", plain))
    out = convert(plain, display="block" if block else "inline")
    if "\\" in out:
        raise ValueError(f"mathml: {latex!r} has a command that latex2mathml does not know: {out}")
    out = re.sub(r'<mi mathvariant="double-struck">(\w)</mi>', lambda found: f"<mi>{DOUBLE[found[1]]}</mi>", out)
    return out.replace("<mo minsize", '<mo stretchy="true" symmetric="true" minsize')
