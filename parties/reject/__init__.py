"""What of the applicants that a bank turned down? Its outcomes are of those it took, by its own score.

`augmentation` infers the outcomes of the rejected, or weighs the accepted as if they were all; `sensitivity`
refits under many assumptions and tells what each would change; `lookup` asks another lender, under
encryption, how many of the rejected turned bad there, so that one assumption less has to be made.

No method here knows what nobody saw. Fuzzy augmentation with the model's own PD gives the same model back;
parcelling is as right as its bad rates; weights help only where the accepted show what the rejected are like.
The table says by how much the model depends on what was assumed, not which assumption is true.
"""

from parties.reject.augmentation import Augmented, fuzzy, parcelled, reweighted
from parties.reject.bands import Bands, ObservedBands, fit_bands
from parties.reject.lookup import ask, tell
from parties.reject.sensitivity import Applicants, Assumed, Sensitivity, logistic, sensitivity

__all__ = [
    "Applicants",
    "Assumed",
    "Augmented",
    "Bands",
    "ObservedBands",
    "Sensitivity",
    "ask",
    "fit_bands",
    "fuzzy",
    "logistic",
    "parcelled",
    "reweighted",
    "sensitivity",
    "tell",
]
