"""What attacks find in the product's own transcripts, each beside a place where it must succeed and one
where nothing is to be found.

figures         a figure with its interval, its controls and its verdict
setting         how large, from which seed, the product's protocol or the textbook's
drawn           masks that follow from the seed, so that figures repeat
vertical        a hidden logistic regression as it is played, and what each party sees
labels          outcomes from gradients, from opened residuals
credit          outcomes from scorecards and boosted trees (`benchmarks.leakage`)
sums            a protected sum as it is played; one member's update from it
reconstruction  rows from updates of a model that is trained together
membership      which rows trained the released model
scores          another party's columns from opened scores
matching        identifiers from alignments
poisoning       bad updates and free-riders
keys            bytes in, around and instead of ciphertexts; the key from what was opened
suite           all of them; what of them a compliance case takes
"""
