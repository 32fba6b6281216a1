"""What the numbers on identity mean. All are of the naive attacker: a clear gallery and an unadapted recogniser."""

from __future__ import annotations

from deepanon.evaluation.metric import Metric

KS = (1, 5, 10, 20, 30, 40, 50)
RATES = {0.1: "1e-1", 0.01: "1e-2", 0.001: "1e-3", 1e-4: "1e-4", 1e-5: "1e-5", 1e-6: "1e-6"}  # FAR -> part of a key
LEAST_ERROR = "match_rate_least_error"
RANKS = {
    f"rank_{k}": Metric(
        f"rank-{k}",
        "share",
        "low",
        f"Anonymized photos with a clear photo of the person, not their own original, among the {k} nearest of all.",
    )
    for k in KS
}
AT_FAR = {
    f"{key}_{name}": Metric(f"{label} @ FAR {100 * far:g} %", "share", "low", text)
    for key, label, text in (
        (
            "match_rate",
            "match rate",
            "Anonymized photos that a verifier takes for the person on their original; threshold at this FAR from all "
            "pairs of real photos of two people.",
        ),
        (
            "lfw_tar",
            "LFW TAR",
            "Pairs of one person, the second photo anonymized, that are accepted; mean over folds; thresholds at this "
            "FAR from real pairs of the other folds.",
        ),
        ("pair_tar", "TAR", "As LFW TAR, but with one threshold from all real pairs, and all pairs together."),
    )
    for far, name in RATES.items()
}
METRICS = {
    "left_out": Metric(
        "left out", "count", "low", "Photos in whose original no face was found or cut; left out on both sides."
    ),
    "failure_rate": Metric(
        "no face found",
        "share",
        "",
        "Anonymized photos in which the attacker found no face; all other numbers say how they count them.",
    ),
    "self_retrieval": Metric(
        "Re-ID rate",
        "share",
        "low",
        "Anonymized photos whose nearest clear photo is their own original. Falls with the size of the gallery.",
    ),
    "self_retrieval_normalised": Metric(
        "Re-ID rate above chance",
        "share",
        "low",
        "Re-ID rate, scaled so that a blind guess is 0 and always right is 1.",
    ),
    **{key: AT_FAR[key] for key in AT_FAR if key.startswith("match_rate")},
    LEAST_ERROR: Metric(
        "match rate @ least error",
        "share",
        "low",
        "As match rate, with the threshold that errs least on the list of real pairs (FaceAnonEval).",
    ),
    **RANKS,
    "rank_1_normalised": Metric(
        "rank-1 above chance", "share", "low", "Rank-1, scaled so that a blind guess is 0 and always right is 1."
    ),
    "lfw_accuracy": Metric(
        "LFW accuracy",
        "share",
        "low",
        "Right decisions on pairs whose second photo is anonymized; thresholds from real pairs of the other folds; a "
        "blind guess has 50 %.",
    ),
    **{key: AT_FAR[key] for key in AT_FAR if not key.startswith("match_rate")},
    "pair_auc": Metric(
        "AUC",
        "share",
        "low",
        "How well similarity of a clear and an anonymized photo tells one person from two; a blind guess has 50 %.",
    ),
    "pair_eer": Metric(
        "EER",
        "share",
        "high",
        "Error where false accepts and false rejects are equal; the threshold is fitted to the anonymized pairs.",
    ),
    "rank_1_over_context": Metric(
        "rank-1 over context",
        "share",
        "low",
        "Rank-1 less that of the same photos with every face box grey: what the new face adds to the photo.",
    ),
    "pair_auc_over_context": Metric(
        "AUC over context",
        "share",
        "low",
        "AUC less that of the same photos with every face box grey: what the new face adds to the photo.",
    ),
}
