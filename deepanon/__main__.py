"""`python -m deepanon` is `deepanon`."""

from deepanon.cli import main

if __name__ == "__main__":
    main()
