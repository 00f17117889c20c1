"""``python -m rolecall``."""

from rolecall.commands.main import main

main()
