"""An AWS stand-in over real HTTP: moto, extended where it falls short of what AWS was seen to do."""

from examples.standin.identity import Identity
from examples.standin.server import StandIn

__all__ = ["Identity", "StandIn"]
