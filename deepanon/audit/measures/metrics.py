"""What the numbers of an audit mean. All are of an attacker who has the method, unless the scope's attack says less."""

from __future__ import annotations

from deepanon.evaluation.identity.metrics import RATES
from deepanon.evaluation.metric import Metric

FARS = (1e-1, 1e-2, 1e-3, 1e-4)  # false accept rates of operating points
KS = (1, 5, 10)
RANK_1 = "audit_rank_1"
RANKS = {
    f"audit_rank_{k}": Metric(
        f"rank-{k}",
        "share",
        "low",
        f"Anonymized faces whose person is among the {k} that the attacker names first; a blind guess has {k}/N, with "
        "N the people in the gallery.",
    )
    for k in KS
}
AT_FAR = {
    f"{key}_{RATES[far]}": Metric(f"{label} @ FAR {100 * far:g} %", "share", better, text)
    for key, label, better, text in (
        (
            "audit_tar",
            "TAR",
            "low",
            "Anonymized faces that the attacker accepts as their own person; threshold at this FAR from the attacker's "
            "own pairs of anonymized faces and other people: the worst case.",
        ),
        (
            "audit_tar_deployed",
            "TAR, system in use",
            "low",
            "Anonymized faces that are accepted as their own person by a system in use, whose threshold at this FAR "
            "comes from clear pairs of two people.",
        ),
        ("audit_psr", "PSR", "high", "Protection success rate, 1 - TAR of a system in use."),
        (
            "audit_third_party",
            "taken for another",
            "low",
            "Anonymized faces that a system in use takes for at least one *other* person of the gallery.",
        ),
        (
            "audit_third_party_clear",
            "taken for another, clear",
            "",
            "The same for clear faces: how often the system errs without any anonymization.",
        ),
    )
    for far in FARS
}
WORST = {
    f"audit_worst_{name}": Metric(
        f"{label}, worst attack",
        "share",
        "low",
        f"The highest {label} over all attacks and recognisers; one-sided limits of the maximum, not of the attack "
        "that happened to come first.",
    )
    for name, label in (("rank_1", "rank-1"), *((f"tar_{RATES[far]}", f"TAR @ FAR {100 * far:g} %") for far in FARS))
}
OVER_CONTEXT = {
    key.replace("worst", "over_context"): Metric(
        metric.label.replace("worst attack", "over context"),
        "share",
        "low",
        "The worst attack less the worst attack on the same photos with every face blotted out: what the face adds.",
    )
    for key, metric in WORST.items()
}
METRICS: dict[str, Metric] = {
    **RANKS,
    "audit_rank_1_normalised": Metric(
        "rank-1 above chance", "share", "low", "Rank-1, scaled so that a blind guess is 0 and always right is 1."
    ),
    "audit_median_rank": Metric(
        "median rank", "count", "high", "Half of the anonymized faces have their person at this rank or before it."
    ),
    "audit_anonymity_set": Metric(
        "effective anonymity set",
        "count",
        "high",
        "exp of the mean logarithm of the person's rank: among how many people a face is left. A blind guess among N "
        "has a little more than N/e.",
    ),
    **AT_FAR,
    "audit_eer": Metric(
        "EER", "share", "high", "Error where false accepts and false rejects are equal; a blind guess has 50 %."
    ),
    "audit_auc": Metric(
        "AUC",
        "share",
        "low",
        "How likely the right person scores above a wrong one, over all faces; a blind guess has 50 %.",
    ),
    "audit_d_prime": Metric(
        "d'",
        "distance",
        "low",
        "Distance of the mean scores of right and wrong people, in their root mean square standard deviation.",
    ),
    "audit_d_sys": Metric(
        "D_sys",
        "share",
        "low",
        "Linkability of Gomez-Barrero et al. (2018): 0 = a score says nothing on whether two samples show one person, "
        "1 = it says it for sure. Corrected for what shuffled labels give.",
    ),
    "audit_missing": Metric(
        "nothing to say", "share", "", "Anonymized faces of which the attack says nothing: they count as a blind guess."
    ),
    **WORST,
    **OVER_CONTEXT,
}
