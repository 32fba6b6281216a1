"""What replaced faces are still good for: found again, in the same place, in the same pose, with the same look."""

from deepanon.evaluation.utility.agreement import attribute_values
from deepanon.evaluation.utility.pose import head_poses, pose_distance, yaw
from deepanon.evaluation.utility.values import utility_values, yaws_of

__all__ = ["attribute_values", "head_poses", "pose_distance", "utility_values", "yaw", "yaws_of"]
