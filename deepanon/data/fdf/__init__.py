"""Flickr Diverse Faces (FDF, Hukkelås et al. 2019): fetched, read in the layouts in which it is found, described."""
