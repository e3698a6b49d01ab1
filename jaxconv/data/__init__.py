"""Labelled images, pictures from files, and random changes to them."""

from jaxconv.data.augment import random_shift as random_shift
from jaxconv.data.dataset import Dataset as Dataset
from jaxconv.data.dataset import Examples as Examples
from jaxconv.data.digits import digits as digits
from jaxconv.data.pictures import Picture as Picture
from jaxconv.data.pictures import fit_picture as fit_picture
from jaxconv.data.pictures import read_images as read_images
