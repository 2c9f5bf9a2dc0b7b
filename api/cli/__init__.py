"""The command line `counterfoil`: one small file for each group of commands, loaded when it is asked for."""

from api.cli.root import main

__all__ = ["main"]
