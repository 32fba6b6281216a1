"""Photos of known people, the recognisers that look at them in every variant, and the values that come of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from deepanon.data.pairs import Pairs
from deepanon.data.wider import AnnotatedPhoto
from deepanon.detectors import Detector
from deepanon.embedders import Recogniser
from deepanon.errors import DataError
from deepanon.evaluation.identity import Vectors, identity_values
from deepanon.evaluation.observing import CONTEXT, JPEG, NONE, Faces, Observations, Regions, Store, Variant, faces_of
from deepanon.evaluation.observing.observations import Progress
from deepanon.evaluation.report import worst_cases
from deepanon.evaluation.studies.examples import Example
from deepanon.evaluation.utility import utility_values
from deepanon.evaluation.values import Value
from deepanon.geometry import Array
