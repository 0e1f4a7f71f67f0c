"""Histograms of encrypted numbers: a host sums the label party's numbers over bins that only it knows.

The label party encrypts a number a row, modulo t (`HistogramKey.encrypt`). A host adds up, for each node,
feature and bin, the numbers of the rows in that bin, without opening any (`histograms`). The label party
opens the sums (`HistogramKey.open`), which are exact modulo t; `Packing` puts a gradient and a hessian into
one number.

What each role learns. The label party: the sums, or with `mask` residues that are uniform but for the mask's
rounding to the answer's modulus, half a unit beside a noise of some 300 (by our estimate within 10^-3 of
uniform, each); how many histogram rows a host has, and with `BinSets` not which of them are of one feature.
It may encrypt what it likes, and sums of numbers chosen for that tell which rows are in a bin: this is for
label parties that follow the protocol. A host: how many rows each node has and which they are (the caller's
order). The aggregator: the counts.

How (BFV: Brakerski, CRYPTO 2012; Fan and Vercauteren, 2012). A block of m rows is the polynomial
sum v_i x^i. A host writes histogram row k of a block as x^(k m) sum_{i in bin} x^-i: the product of the two
has the bin's sum at x^(k m), and N / m histogram rows share a polynomial (`products`). Products are added
over a node's blocks. Of c0 the coefficients at x^(k m) travel alone; the others, which are garbage, never do.

Forms and parameters. N = 8192 and data primes of 60 + 60 bits, SEAL's special prime 60 more: 180 bits, where
the Homomorphic Encryption Standard (2018) allows 218 for 128-bit security; ternary secrets, errors of
standard deviation 3.24. Uploads are symmetric, with a seeded second component.

    speed    t near 2^46. An answer is a product polynomial, switched to the first prime and cut to 56 bits
             a coefficient. Block sizes balance bytes up and down (`HistogramScheme.block_rows`).
    bytes    t near 2^41. Blocks of 2048 rows, and up to 64 product polynomials merged into one answer by key
             switches (`merge`). Needs 2.5 MB of switching keys once a run.

Circuit privacy: whoever multiplies its bins into ciphertexts of the key holder would show them in the noise.
So each product polynomial gets a fresh public-key encryption of zero, u (c0', c1') + (e0, e1), before it is
switched from 120 bits to 60, and what the key holder sees is c1 and the wanted coefficients' phases:

    * c1 is pseudo-random under RLWE, given the phases, which say nothing of u: its own noise
      (standard deviation about 240) is rounded away like that of the bins.
    * A phase is p m / t, plus rounding that follows from m and c1, unless the data-dependent noise moves
      the division by the second prime. That noise is a sum of w fresh errors, w the ones in the product's
      factors, so it moves one of V coefficients with probability at most 2.7 V sqrt(w) / 2^60. For that the
      label party rounds q m / t up or down at random: rounded to the nearest, rows with one number would
      have one error, and it would add up over a bin.

`histograms` refuses counts for which that exceeds 2^-40 for an answer. Block sizes of `block_rows` stay below
for 2^20 rows (V = 3 and w = 2^21 give 2^-46); for sets in the bytes form, where V = 256 and w may be 4 n,
for n = 600,000. In the bytes form all later steps, merging with its garbage and key-switching noise included,
are computed from these phases and c1s and from nothing else.

Decryption: an answer's noise has a standard deviation of 1/24 of what rounds to another residue in the speed
form, and about 1/43 in the bytes form, where it depends on the key as well (1/25 for the worst of 40 keys).
So no decryption fails in practice, with probability under 2^-200 (`tests/crypto/histogram/test_noise.py`
measures it).

SEAL does whatever has a key: it generates, encrypts, switches keys and decrypts. Products, sums and the
division by the second prime are ours, on ciphertexts and the host's own data (`transform`): through SEAL they
took six times as long (320 microseconds a product of N = 8192 instead of 55).

Measured on one core of an AMD EPYC (`isthmus bench speed histogram`): a tree of depth 5 with sibling
subtraction over 24,000 rows and 13 features of 32 bins, all roles' CPU seconds and bytes.

    speed    0.96 s (encrypt 0.18, host 0.64, open 0.14), 36 MB
    bytes    2.8 s (encrypt 0.06, host 2.7, open 0.02), 6.3 MB and 2.5 MB of keys once a run

One pass over 1,000,000 rows and 50 features of 32 bins (speed): 13 s and 76 MB; the one process that holds
all roles peaks at 550 MB.
Not taken: EC-ElGamal (92 microseconds an encryption, 1.9 an addition: 5 s a tree and 7.6 MB).
"""

from crypto.histogram.host import histograms
from crypto.histogram.packing import Packing
from crypto.histogram.scheme import HistogramKey, HistogramScheme
from crypto.histogram.sets import BinSets
from crypto.histogram.wire import EncryptedHistogram, EncryptedRows, HistogramPublicKey

__all__ = [
    "BinSets",
    "EncryptedHistogram",
    "EncryptedRows",
    "HistogramKey",
    "HistogramPublicKey",
    "HistogramScheme",
    "Packing",
    "histograms",
]
