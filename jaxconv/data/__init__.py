"""Labelled images from where they lie, physics made on the spot, and random changes to both; nothing is downloaded."""

from jaxconv.data.arrays import arrays as arrays
from jaxconv.data.augment import chain as chain
from jaxconv.data.augment import cutmix as cutmix
from jaxconv.data.augment import mixup as mixup
from jaxconv.data.augment import random_crop as random_crop
from jaxconv.data.augment import random_d4 as random_d4
from jaxconv.data.augment import random_flip as random_flip
from jaxconv.data.augment import random_shift as random_shift
from jaxconv.data.dataset import Dataset as Dataset
from jaxconv.data.dataset import Examples as Examples
from jaxconv.data.digits import digits as digits
from jaxconv.data.drawn import galaxies as galaxies
from jaxconv.data.drawn import lesions as lesions
from jaxconv.data.folder import folder as folder
from jaxconv.data.idx import read_idx as read_idx
from jaxconv.data.idx import write_idx as write_idx
from jaxconv.data.ising import IsingSamples as IsingSamples
from jaxconv.data.ising import ising as ising
from jaxconv.data.mnist import fashion as fashion
from jaxconv.data.mnist import mnist as mnist
from jaxconv.data.patches import patches as patches
from jaxconv.data.pictures import Picture as Picture
from jaxconv.data.pictures import fit_picture as fit_picture
from jaxconv.data.pictures import read_images as read_images
from jaxconv.data.showers import showers as showers
