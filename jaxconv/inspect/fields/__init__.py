"""Which pixels of the input every array of a program has seen: receptive fields, read off the program."""

from jaxconv.inspect.fields.rules import chosen as chosen
from jaxconv.inspect.fields.rules import through as through
from jaxconv.inspect.fields.seen import Seen as Seen
