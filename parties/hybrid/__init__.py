"""The hybrid shape at a party: vertical inside each consortium, horizontal across them.

K consortia, such as those of K countries, each have the same P places: a label party, a helper, further
parties. Parties of one place are counterparts: they hold the same columns of other firms. All of them fit one
logistic model whose coefficients a place's counterparts share, and nothing of a row crosses the border.

    0  across    a digest of each party's columns to its counterparts: a difference ends the round
    1  inside    alignment, split, widths, as in a vertical round (`parties.alignment`, `parties.round`)
    2  alone     every declared column is encoded by its declaration: the same scale everywhere, no statistic
                 crosses (`encoding`). Cuts, fills and centres on top of it are the party's own
    3  rounds    t = 1 .. training.rounds:
         inside  consortium k minimises  loss_k(w, b) + l2 |w|^2 / 2 + mu n_k |w - s|^2 / 2
                 by the vertical trainer, from the shared coefficients s, over n_k training rows
                 (`parties.logistic`); round 1 has no pull, so it is the consortium's own vertical model
         across  each party sums its change w - s over its counterparts, cut to the L2 norm sum.clip, and
                 with privacy.unit = "party" with noise; s moves by the mean (`counterparts`)
    4  inside    three more gradients bring the consortium's own intercept b to the shared s
    5  inside    the planned scores of both models are opened to the label party, which evaluates

The intercept stays inside, as do the centres that columns are counted from: a country's base rate is its own,
and another one's would miscalibrate it. The pull makes the mean of separate fits approach the fit over all
rows together: with none, each round would end where the first one did (FedProx: Li et al., MLSys 2020; the
mean of separate fits alone: Zhang, Duchi, Wainwright, JMLR 2013). Every party of a place ends with the same
s.

Every fit is full batch over the same rows and labels, so a party gets the same d linear forms of the labels
in each round: its equations are counted once (`federation.budget`).

What each role learns, besides what a vertical round tells inside a consortium (`parties.logistic.hidden`,
`parties.alignment`):
    every party   whether its columns' names and kinds are its counterparts'; when their consortia end a fit;
                  each round's sum of the changes of its own place: without noise over three or more, which
                  tells nothing on one of them but what follows from the sum, and with them the sum of their
                  training rows; with noise the sum of noisy changes, over two the other's noisy change
    label party   of each opened row two logits: by its consortium's own model, by the shared one
    aggregator    how many coefficients each place has; the sizes of the sets that it matches, by consortium
    counterparts in all other consortia, together
                  this one's change: as noisy as it left it; other places' changes too, if these join them
                  (`privacy` counts that they do)
Inside a consortium nothing is noisy: there privacy.unit = "party" promises nothing.
"""
