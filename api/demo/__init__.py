"""The demonstration: `counterfoil demo` tells one chain's story, step by step, against the real service."""

from api.demo.tour import run

__all__ = ["run"]
