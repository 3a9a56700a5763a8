"""`python -m sensorsoma` is the command line."""

from sensorsoma.cli import main

if __name__ == "__main__":
    main()
