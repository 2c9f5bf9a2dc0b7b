"""`python -m api.cli`: the same as `counterfoil`, from a checkout."""

from api.cli.root import main

if __name__ == "__main__":  # workers import this module again
    main(prog_name="counterfoil")
