"""How names stand in messages: on one line."""


def printable(text: str) -> str:
    r"""The text on one line: a newline becomes \n, and so on for all that steers a terminal."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode("ascii")
        for letter in text
    )
