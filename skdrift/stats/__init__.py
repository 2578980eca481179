"""Statistics of count vectors: numbers to numbers, numpy and scipy only.

Functions take one row of counts per feature and are vectorised over features.
"""

from __future__ import annotations

from skdrift.stats.anderson import anderson_darling
from skdrift.stats.atoms import new_atom
from skdrift.stats.block_dependence import (
    PairMoments,
    PartDistances,
    part_distances,
    parts_of_blocks,
    standardised_in_blocks,
)
from skdrift.stats.blocks import tail_pvalue
from skdrift.stats.categories import chi_square
from skdrift.stats.contact import contact_set
from skdrift.stats.counts import CountTest, Effect
from skdrift.stats.dependence import (
    CorrelationChange,
    Correlations,
    PairSums,
    correlation_change,
    sum_of_changes,
)
from skdrift.stats.distances import (
    DISTANCES,
    hellinger,
    jensen_shannon,
    population_stability_index,
    total_variation_distance,
    wasserstein,
)
from skdrift.stats.embedding import (
    FeatureSums,
    chi_square_sum_tail,
    feature_mean_change,
    wave_features,
)
from skdrift.stats.extremes import out_of_range
from skdrift.stats.hotelling import regularized_hotelling
from skdrift.stats.mixture_moments import MomentTest, mixture_moments_test
from skdrift.stats.mixtures import MixtureTest, mixing_shares, mixture_test
from skdrift.stats.multiplicity import combine_pvalues, weighted_holm
from skdrift.stats.neyman import smooth
from skdrift.stats.ordered import distribution_change, kolmogorov_smirnov
from skdrift.stats.parts import tolerance_of_parts, variation_of_parts
from skdrift.stats.power import detectable_effect, rows_needed
from skdrift.stats.power_levels import (
    detectable_variation,
    rows_needed_for_variation,
)
from skdrift.stats.rates import RateTest, rate_change
from skdrift.stats.scores import (
    ScoreInterval,
    accuracy_interval,
    accuracy_pvalue,
    score_interval,
    score_pvalue,
)
from skdrift.stats.sequential import (
    Crossing,
    Evidence,
    bet_sizes,
    follow,
    mean_upper_bound,
    share_upper_bound,
)
from skdrift.stats.tilting import tilted_shares
from skdrift.stats.unseen import UnseenTest, unseen
from skdrift.stats.variation import total_variation

__all__ = [
    "DISTANCES",
    "CorrelationChange",
    "Correlations",
    "CountTest",
    "Crossing",
    "Effect",
    "Evidence",
    "FeatureSums",
    "MixtureTest",
    "MomentTest",
    "PairMoments",
    "PairSums",
    "PartDistances",
    "RateTest",
    "ScoreInterval",
    "UnseenTest",
    "accuracy_interval",
    "accuracy_pvalue",
    "anderson_darling",
    "bet_sizes",
    "chi_square",
    "chi_square_sum_tail",
    "combine_pvalues",
    "contact_set",
    "correlation_change",
    "detectable_effect",
    "detectable_variation",
    "distribution_change",
    "feature_mean_change",
    "follow",
    "hellinger",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "mean_upper_bound",
    "mixing_shares",
    "mixture_moments_test",
    "mixture_test",
    "new_atom",
    "out_of_range",
    "part_distances",
    "parts_of_blocks",
    "population_stability_index",
    "rate_change",
    "regularized_hotelling",
    "rows_needed",
    "rows_needed_for_variation",
    "score_interval",
    "score_pvalue",
    "share_upper_bound",
    "smooth",
    "standardised_in_blocks",
    "sum_of_changes",
    "tail_pvalue",
    "tilted_shares",
    "tolerance_of_parts",
    "total_variation",
    "total_variation_distance",
    "unseen",
    "variation_of_parts",
    "wasserstein",
    "wave_features",
    "weighted_holm",
]
