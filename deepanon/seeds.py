"""Where the randomness of a new face comes from: one seed a face."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from deepanon.errors import OptionError

BITS = 63  # what `torch.Generator.manual_seed` and numpy both take


@dataclass(frozen=True, repr=False)
class Seeds:
    """Gives every face of a picture its seed.

    Without a secret the seeds come from the operating system, fresh at every call: nothing links two faces, and nobody
    can repeat them. With a secret they are HMAC-SHA256(secret, picture name and face number): the same release can be
    made again, in any order and batch size, by whoever holds the secret.
    """

    secret: bytes | None = None

    @classmethod
    def from_seed(cls, seed: int) -> Seeds:
        """Repeatable seeds for experiments. Anyone who guesses the number can repeat them; see `from_key_file`."""
        return cls(f"seed {int(seed)}".encode())

    @classmethod
    def from_key_file(cls, path: str | Path) -> Seeds:
        """Repeatable seeds from a secret file of at least 16 bytes (`head -c 32 /dev/urandom > key`)."""
        path = Path(path)
        if not path.is_file():
            raise OptionError(f"key file {path} does not exist")
        secret = path.read_bytes()
        if len(secret) < 16:
            raise OptionError(f"key file {path} holds {len(secret)} bytes; a key needs at least 16")
        return cls(secret)

    def __call__(self, name: str, faces: int) -> list[int]:
        """One seed in [0, 2**63) for each of the `faces` of the picture called `name`."""
        if self.secret is None:
            return [secrets.randbits(BITS) for _ in range(faces)]
        return [_digest(self.secret, f"{name}\0{index}") for index in range(faces)]


def derive(seed: int, number: int) -> int:
    """The seed in [0, 2**63) of part `number` of one drawing: for 0 the seed itself, else its HMAC-SHA256."""
    return seed if number == 0 else _digest(f"seed {int(seed)}".encode(), f"part {number}")


def _digest(secret: bytes, message: str) -> int:
    return int.from_bytes(hmac.digest(secret, message.encode(), "sha256")[:8], "big") >> (64 - BITS)
