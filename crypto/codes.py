"""The codes of errors. A code is for good: a released one is never given another meaning, and none is reused.

    IST-1xxx  usage: the command, a folder, a file, a document or a name
    IST-2xxx  data: a party's table, or what its configuration says of it
    IST-3xxx  refusal: a rule, a check or a key said no, and nothing left
    IST-4xxx  another role did not do its part
    IST-5xxx  this machine: disk, rights, ports, processes
    IST-9xxx  unforeseen

A code is for a kind of error: what one can do about it, not where in the source it is raised. A class of
errors has one for whatever is of no kind by itself. What a code means, why it happens and what to do stands
in `cli.codes`, in two languages.
"""

from __future__ import annotations

import errno
import re
from enum import StrEnum


class Code(StrEnum):
    """What kind of error it is."""

    # -- 10: what was given to a command ---------------------------------------------------------
    USAGE = "IST-1000"
    OPTION = "IST-1001"
    NAME_MALFORMED = "IST-1002"
    NAME_RESERVED = "IST-1003"
    ADDRESS_MALFORMED = "IST-1004"
    FINGERPRINT_MALFORMED = "IST-1005"
    DURATION_MALFORMED = "IST-1006"
    FILE_MISSING = "IST-1007"
    FILE_DAMAGED = "IST-1008"
    FILE_EXISTS = "IST-1009"
    TOML_MALFORMED = "IST-1010"
    FOLDER_TAKEN = "IST-1011"
    OUTPUT_KIND = "IST-1012"
    PACKAGE_MISSING = "IST-1013"
    FINGERPRINT_MISSING = "IST-1014"
    NO_SUCH_TOPIC = "IST-1015"
    # -- 11: a party's folder --------------------------------------------------------------------
    PARTY_EXISTS = "IST-1101"
    NO_PARTY = "IST-1102"
    NOT_ADMITTED_YET = "IST-1103"
    OTHER_ROLES_FOLDER = "IST-1104"
    KEY_EXISTS = "IST-1105"
    KEY_READABLE = "IST-1106"
    KEY_DAMAGED = "IST-1107"
    NO_DATASET = "IST-1108"
    # -- 12: a federation and its members --------------------------------------------------------
    FEDERATION_EXISTS = "IST-1201"
    NO_FEDERATION = "IST-1202"
    NOT_A_MEMBER = "IST-1203"
    MEMBER_ALREADY = "IST-1204"
    NO_DESK = "IST-1205"
    NO_INVITATION = "IST-1206"
    INVITATION_USED = "IST-1207"
    INVITATION_DAMAGED = "IST-1208"
    INVITATION_FOR_ANOTHER = "IST-1209"
    INVITATION_TOO_LONG = "IST-1210"
    # -- 13: rounds and services -----------------------------------------------------------------
    PLAN_MALFORMED = "IST-1301"
    SERVICE_NOT_RUNNING = "IST-1302"
    NO_ROUND = "IST-1303"
    ROUND_OVER = "IST-1304"
    NOT_RUNNING = "IST-1305"
    # -- 14: models ------------------------------------------------------------------------------
    NO_MODEL = "IST-1401"
    MODEL_IN_PARTS = "IST-1402"
    MODEL_KIND = "IST-1403"
    MODEL_CHANGED = "IST-1404"
    MODEL_FORM = "IST-1405"
    # -- 15: manifests, grants, rules and evidence -----------------------------------------------
    MANIFEST_MALFORMED = "IST-1501"
    MANIFEST_EXISTS = "IST-1502"
    GRANT_MALFORMED = "IST-1503"
    NO_GRANT = "IST-1504"
    GRANT_EXISTS = "IST-1505"
    GRANT_REVOKED_ALREADY = "IST-1506"
    NO_RULE = "IST-1507"
    PACK_MALFORMED = "IST-1508"
    PLACE_UNKNOWN = "IST-1509"
    NO_EVIDENCE = "IST-1510"
    # -- 20: a party's data, where they lie ------------------------------------------------------
    DATA = "IST-2000"
    SOURCE = "IST-2100"
    TABLE_MISSING = "IST-2101"
    TABLE_EMPTY = "IST-2102"
    TABLE_KIND = "IST-2103"
    TABLE_DAMAGED = "IST-2104"
    TABLE_ENCODING = "IST-2105"
    TABLE_HEADER = "IST-2106"
    TABLE_CELLS = "IST-2107"
    DATABASE_ACCESS = "IST-2108"
    DATABASE_TLS = "IST-2109"
    TABLE_UNREADABLE = "IST-2110"
    # -- 22: columns, keys and outcomes ----------------------------------------------------------
    CONFIGURATION = "IST-2200"
    COLUMN_MISSING = "IST-2201"
    COLUMN_TWICE = "IST-2202"
    COLUMN_MIXED = "IST-2203"
    COLUMN_KIND = "IST-2204"
    COLUMN_LEVELS = "IST-2205"
    NO_FEATURE = "IST-2206"
    DATES_MALFORMED = "IST-2207"
    KEY_COLUMN_MISSING = "IST-2301"
    KEYS_UNUSABLE = "IST-2302"
    KEYS_ROUNDED = "IST-2303"
    KEY_AMBIGUOUS = "IST-2304"
    LABEL_MISSING = "IST-2401"
    LABEL_NOT_BINARY = "IST-2402"
    LABEL_INCOMPLETE = "IST-2403"
    LABEL_ONE_CLASS = "IST-2404"
    LABEL_AMBIGUOUS = "IST-2405"
    TABLE_CHANGED = "IST-2501"
    TIME_MISSING = "IST-2502"
    # -- 30: refusals, and the guard's -----------------------------------------------------------
    REFUSAL = "IST-3000"
    NOT_AGREED = "IST-3001"
    PLACE_REFUSED = "IST-3002"
    ALREADY_RAN = "IST-3003"
    EGRESS = "IST-3100"
    EGRESS_TYPE = "IST-3101"
    EGRESS_SIZE = "IST-3102"
    EGRESS_FORM = "IST-3103"
    EGRESS_CANARY = "IST-3104"
    EGRESS_UNDECIDED = "IST-3105"
    EGRESS_IMPORTANT = "IST-3106"
    # -- 32: messages and ciphertexts ------------------------------------------------------------
    MESSAGE = "IST-3200"
    MESSAGE_VERSION = "IST-3201"
    MESSAGE_SIZE = "IST-3202"
    CIPHERTEXT = "IST-3203"
    ENVELOPE = "IST-3204"
    SUM_WRONG = "IST-3205"
    STREAM_REFUSED = "IST-3206"
    # -- 33: identities --------------------------------------------------------------------------
    IDENTITY = "IST-3300"
    NOT_ADMITTED = "IST-3301"
    FINGERPRINT_UNCHECKED = "IST-3302"
    FINGERPRINT_DIFFERS = "IST-3303"
    IDENTITY_CHANGED = "IST-3304"
    CERTIFICATE = "IST-3305"
    CERTIFICATE_ENDED = "IST-3306"
    CERTIFICATE_NOT_YET = "IST-3307"
    CERTIFICATE_OF_OTHERS = "IST-3308"
    SIGNATURE = "IST-3309"
    NOT_IN_SESSION = "IST-3310"
    REQUEST_MALFORMED = "IST-3311"
    INVITATION_REFUSED = "IST-3312"
    # -- 34: plans -------------------------------------------------------------------------------
    PLAN = "IST-3400"
    PLAN_WITHOUT_US = "IST-3401"
    PLAN_DATASET = "IST-3402"
    PLAN_ROLE = "IST-3403"
    PLAN_STRANGERS = "IST-3404"
    TOO_FEW_PARTIES = "IST-3405"
    TOO_FEW_FIRMS = "IST-3406"
    TOO_MANY_COLUMNS = "IST-3407"
    COLUMNS_DIFFER = "IST-3408"
    MODULE_NOT_APPROVED = "IST-3409"
    MODULE_UNFIT = "IST-3410"
    PLAN_CHANGED = "IST-3411"
    PLAN_VERSION = "IST-3412"
    # -- 35: manifests and grants, one for each rule ---------------------------------------------
    GRANT_MISSING = "IST-3501"
    GRANT_PURPOSE = "IST-3502"
    GRANT_GRADE = "IST-3503"
    GRANT_EXPIRED = "IST-3504"
    GRANT_LIMIT = "IST-3505"
    GRANT_TRANSFER = "IST-3506"
    GRANT_RIGHTS = "IST-3507"
    GRANT_MANIFEST = "IST-3508"
    SPENDING_RECORD = "IST-3509"
    # -- 36: the program itself ------------------------------------------------------------------
    BUNDLE = "IST-3600"
    BUNDLE_VERSION = "IST-3601"
    # -- 37: privacy budgets ---------------------------------------------------------------------
    BUDGET_SPENT = "IST-3701"
    EPSILON = "IST-3702"
    TOLD_BEFORE = "IST-3703"
    PRIVACY_LEDGER = "IST-3704"
    BUDGET_UNBOUNDED = "IST-3705"
    # -- 38: ledgers and packs -------------------------------------------------------------------
    LEDGER = "IST-3801"
    JOURNAL = "IST-3802"
    PROOF = "IST-3803"
    FORK = "IST-3804"
    PACK_REFUSED = "IST-3805"
    CLOCKS_APART = "IST-3806"
    ATTESTATION = "IST-3807"
    # -- 40: other roles -------------------------------------------------------------------------
    PEER = "IST-4000"
    PEER_SILENT = "IST-4001"
    SESSION_ENDED = "IST-4002"
    UNREACHABLE = "IST-4003"
    PARTY_FAILED = "IST-4004"
    CANCELLED = "IST-4005"
    SERVICE_STOPPED = "IST-4006"
    ROUND_LATE = "IST-4007"
    SUPERLINK = "IST-4008"
    ROUND_PAUSED = "IST-4009"
    NOT_STOPPING = "IST-4010"
    PROCESS_ENDED = "IST-4011"
    ROUND_FAILED = "IST-4012"
    TOO_MANY_REQUESTS = "IST-4013"
    NODE_STOPPED = "IST-4014"
    # -- 50: this machine ------------------------------------------------------------------------
    SYSTEM = "IST-5000"
    DISK_FULL = "IST-5001"
    NO_RIGHT = "IST-5002"
    PORT_TAKEN = "IST-5003"
    FOLDER_HELD = "IST-5004"
    WORKER_LOST = "IST-5005"
    INTERRUPTED = "IST-5006"
    # -- 90: nobody foresaw it -------------------------------------------------------------------
    FAILED = "IST-9000"
    UNFORESEEN = "IST-9001"
    MISMEASURED = "IST-9002"


#: Why a system call failed, where that is a kind by itself.
_OF_SYSTEM = {
    errno.ENOSPC: Code.DISK_FULL,
    errno.EDQUOT: Code.DISK_FULL,
    errno.EACCES: Code.NO_RIGHT,
    errno.EPERM: Code.NO_RIGHT,
    errno.EROFS: Code.NO_RIGHT,
    errno.ENOENT: Code.FILE_MISSING,
    errno.EEXIST: Code.FILE_EXISTS,
    errno.EADDRINUSE: Code.PORT_TAKEN,
}
#: How a cause begins that another role may read (`crypto.errors.IsthmusError.cause`).
_AT_THE_START = re.compile(r"(IST-[1-9][0-9]{3}): ")


def of_system(error: OSError) -> Code:
    """The kind of an error of the operating system."""
    return _OF_SYSTEM.get(error.errno or 0, Code.SYSTEM)


def known(text: object) -> Code | None:
    """The code that `text` from outside is; None where it is none that this version knows."""
    return Code(text) if isinstance(text, str) and text in _KNOWN else None


def coded(code: Code, sentence: str) -> str:
    """A cause that is of no error's making; `parted` takes it apart again."""
    return f"{code}: {sentence}"


def parted(cause: str) -> tuple[Code | None, str]:
    """The code that a cause from outside begins with, and the sentence behind it.

    None where it begins with none that this version knows: the text is left as it is then.
    """
    found = _AT_THE_START.match(cause)
    code = None if found is None else known(found[1])
    return (None, cause) if found is None or code is None else (code, cause[found.end() :])


_KNOWN = frozenset(Code)
