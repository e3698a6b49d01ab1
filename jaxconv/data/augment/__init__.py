"""Random changes to a batch of images, as pure functions of a key: where they lie, which way up, mixed with another."""

from jaxconv.data.augment.chain import chain as chain
from jaxconv.data.augment.mix import cutmix as cutmix
from jaxconv.data.augment.mix import mixup as mixup
from jaxconv.data.augment.move import random_crop as random_crop
from jaxconv.data.augment.move import random_shift as random_shift
from jaxconv.data.augment.turn import random_d4 as random_d4
from jaxconv.data.augment.turn import random_flip as random_flip
