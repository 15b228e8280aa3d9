"""Counts the lines of /dev/input that have a word in them; the word is the job's first argument."""

import sys

word = sys.argv[1].encode() if len(sys.argv) > 1 else b""
with open("/dev/input", "rb") as lines:
    print(sum(word in line for line in lines))
