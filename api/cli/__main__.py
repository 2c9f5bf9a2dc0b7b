"""`python -m api.cli`: the same as `counterfoil`, from a checkout."""

from api.cli.root import main

main(prog_name="counterfoil")
